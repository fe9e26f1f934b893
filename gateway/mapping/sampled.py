"""Trying a mapping on a sample: everything that does not fit, counted, never shown.

The sample is read with converters that note what they refuse and go on, so that one unknown
code does not hide the next. Nothing that is read this way is ever released.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.errors import SenderError
from gateway.mapping.bad import Bad
from gateway.mapping.convert import Converter
from gateway.mapping.explain import explain
from gateway.mapping.nodes import Each, Listed, Node, Object, Plan, Value
from gateway.record import Reading, Record, check, leaves, walk

Parse = Callable[[Plan, Reading], Iterable[Record]]
"""An adapter's `parse` on the sample."""


@dataclass(slots=True)
class Sampled:
    """What a mapping made of a sample."""

    records: Counter[str] = field(default_factory=Counter)
    """By record type."""
    refused: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Values that a line refused: leaf, source paths, rule."""
    broken: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Records that break their schema: place in the record, rule."""
    unmapped: tuple[str, ...] = ()
    """Source paths that no line names and nobody left out on purpose."""
    never: tuple[str, ...] = ()
    """Leaves that the table could fill and the sample never did."""
    error: SenderError | None = None
    """Why the reading stopped."""

    @property
    def fits(self) -> bool:
        """Whether the sample would have been taken."""
        return not (self.refused or self.broken or self.error)


def sampled(plan: Plan, parse: Parse) -> Sampled:
    """Read a sample with a plan."""
    found = Sampled()
    reading = Reading()
    missing = _awaited(plan)
    try:
        for record in parse(_watched(plan, found.refused), reading):
            record_type = record["record_type"]
            found.records[record_type] += 1
            _hold(record, found.broken)
            awaited = missing.get(record_type, {})
            for leaf in [leaf for leaf, path in awaited.items() if any(_walk(record, path))]:
                del awaited[leaf]
    except SenderError as error:
        found.error = error
    found.unmapped = tuple(sorted(one for one in reading.unmapped if not _left(plan, one)))
    found.never = tuple(f"{kind}.{leaf}" for kind, rest in missing.items() for leaf in rest)
    return found


def _awaited(plan: Plan) -> dict[str, dict[str, tuple[str, ...]]]:
    """Paths of the leaves that the plan may fill, by record type and leaf."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for line in explain(plan).lines:
        record_type, leaf = line.leaf.split(".", 1)
        found.setdefault(record_type, {})[leaf] = leaves(record_type)[leaf].path
    return found


def _walk(record: Record, path: tuple[str, ...]) -> Iterable[bool]:
    return (True for _ in walk(record, path))


def _hold(record: Record, broken: Counter[tuple[str, str]]) -> None:
    try:
        check(record, at="")
    except SenderError as error:
        # Positions would make a place of each item: only the path counts.
        steps = error.at.removeprefix(", ").split("/")
        place = "/".join("[]" if step.isdecimal() else step for step in steps)
        broken[place, error.rule] += 1


def _left(plan: Plan, path: str) -> bool:
    return path in plan.left or f"*/{path.rsplit('/', 1)[-1]}" in plan.left


def _watched(plan: Plan, refused: Counter[tuple[str, str, str]]) -> Plan:
    """The same plan, noting what its lines refuse. Without a digest: it is never remembered."""
    made = tuple(
        replace(
            one,
            body=Object(
                {
                    name: _node(node, f"{one.record_type}.{name}", refused)
                    for name, node in one.body.fields.items()
                }
            ),
        )
        for one in plan.made
    )
    return replace(plan, made=made, digest="")


def _node(node: Node, leaf: str, refused: Counter[tuple[str, str, str]]) -> Node:
    if isinstance(node, Value):
        sources = " | ".join(source.slot for source in node.sources)
        leaf += "[]" if node.converter.many else ""
        return replace(node, converter=_noting(node.converter, leaf, sources, refused))
    if isinstance(node, Object):
        return replace(node, fields=_fields(node.fields, leaf, refused))
    if isinstance(node, Listed):
        return Listed(tuple(_node(item, f"{leaf}[]", refused) for item in node.items))
    if isinstance(node, Each):
        item = replace(node.item, fields=_fields(node.item.fields, f"{leaf}[]", refused))
        return replace(node, item=item)
    return node


def _fields(
    children: Mapping[str, Node], leaf: str, refused: Counter[tuple[str, str, str]]
) -> dict[str, Node]:
    return {name: _node(child, f"{leaf}.{name}", refused) for name, child in children.items()}


def _noting(
    converter: Converter, leaf: str, sources: str, refused: Counter[tuple[str, str, str]]
) -> Converter:
    def forward(value: Any) -> Any:
        try:
            return converter.forward(value)
        except Bad as bad:
            refused[leaf, sources, bad.rule] += 1
            return None

    return replace(converter, forward=forward, may_drop=True, quick={}, inline="")
