"""What a mapping says, line by line, for people who check it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.mapping.nodes import (
    Constant,
    Each,
    Listed,
    Member,
    Node,
    Object,
    Plan,
    Source,
    Value,
    When,
)
from gateway.record import fields


@dataclass(frozen=True, slots=True)
class Line:
    """One canonical leaf, and where its value comes from."""

    leaf: str
    """With its record type: `person.name.full_name`."""
    sources: tuple[str, ...]
    """As the table writes them; none for a constant."""
    converter: str
    codes: str
    """Code list or vendor's table, where one is named."""
    when: str
    """The path a condition looks at, where there is one."""
    back: str
    """`yes`, `no` or `in part`."""
    why: str
    """What writing back cannot restore."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A mapping, explained."""

    lines: tuple[Line, ...]
    not_filled: Mapping[str, tuple[str, ...]]
    """Top-level canonical fields that no line fills, by record type."""
    questions: tuple[Mapping[str, Any], ...] = field(default=())
    """What a person must settle before the mapping is used."""
    left: tuple[str, ...] = ()
    """Source paths left out on purpose."""


def explain(plan: Plan) -> Explained:
    """What the table does, in its own order."""
    lines: list[Line] = []
    for made in plan.made:
        lines.append(_id(plan, made.record_type))
        level = made.each.slot if made.each else None
        for name, node in made.body.fields.items():
            lines += _lines(node, f"{made.record_type}.{name}", level)
    not_filled = {
        made.record_type: tuple(
            name for name in fields(made.record_type) if name not in plan.fields(made.record_type)
        )
        for made in plan.made
    }
    return Explained(
        tuple(lines), not_filled, tuple(plan.document.get("open", ())), tuple(sorted(plan.left))
    )


def _id(plan: Plan, record_type: str) -> Line:
    root = plan.made[0]
    leaf = f"{record_type}.record_id"
    sources = tuple(source.slot for source in root.ids)
    if record_type != root.record_type:
        why = "the position of the item is part of it"
        return Line(leaf, sources, "id and position", "", "", "in part", why)
    if root.every:
        why = "its parts are written by lines of their own, where they have one"
        return Line(leaf, sources, "all parts", "", "", "in part", why)
    why = "written to the first path" if len(sources) > 1 else ""
    return Line(leaf, sources, "first", "", "", "in part" if why else "yes", why)


def _lines(node: Node, leaf: str, level: str | None) -> Iterator[Line]:
    if isinstance(node, Object):
        for key, child in node.fields.items():
            yield from _lines(child, f"{leaf}.{key}", level)
    elif isinstance(node, Listed):
        for item in node.items:
            yield from _lines(item, f"{leaf}[]", level)
    elif isinstance(node, Each):
        for key, child in node.item.fields.items():
            yield from _lines(child, f"{leaf}[].{key}", node.each.slot)
    elif isinstance(node, Member):
        at = node.each.slot if node.each else level
        yield Line(leaf, (at,) if at else (), "member", "", _when(node.when), "yes", "")
    elif isinstance(node, Constant):
        why = "another value than this one is not written"
        yield Line(leaf, (), "constant", "", _when(node.when), "in part", why)
    else:
        yield _value(node, leaf)


def _value(node: Value, leaf: str) -> Line:
    converter = node.converter
    why = [converter.loss] if converter.loss else []
    if len(node.sources) > 1:
        why.append("written to the first path")
    if any(source.parent for source in node.sources):
        why.append("the enclosing record must say the same")
    if node.when:
        why.append("only where its condition holds")
    back = "no" if converter.back is None else "in part" if why else "yes"
    return Line(
        leaf + ("[]" if converter.many else ""),
        tuple(_path(source) for source in node.sources),
        converter.name,
        node.codes,
        _when(node.when),
        back,
        "; ".join(why),
    )


def _when(when: When | None) -> str:
    return _path(when.source) if when else ""


def _path(source: Source) -> str:
    return f"../{source.slot}" if source.parent else source.slot
