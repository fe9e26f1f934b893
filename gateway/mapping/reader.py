"""Reading a payload's source objects through one plan."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import GatewayError
from gateway.mapping.interpret import interpret
from gateway.mapping.lookup import Lookup
from gateway.mapping.nodes import Constant, Each, Listed, Member, Node, Object, Plan, Slot, Value
from gateway.mapping.source import compile_plan
from gateway.record import Record

MAX_TRACES = 256
"""Different sets of keys whose lineage is remembered. A form has a handful."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What became of the keys of a payload."""

    lineage: Mapping[str, str]
    """Canonical leaf path to the source paths that fill it."""
    unmapped: tuple[str, ...]
    """Source paths that no line names, as they may be shown, sorted."""
    keys: frozenset[str] = field(repr=False)
    """The same as they are."""


class Reader:
    """One payload through one plan. Remembers which source keys it met."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._lookups = {level: Lookup(slots) for level, slots in plan.levels().items()}
        self._read = compile_plan(plan, self._lookups)
        self._traces: dict[tuple[Any, ...], Trace] = {}

    def read(self, source: Any, *, at: str) -> list[Record]:
        """The records of one source object. Raises `SenderError` with place and rule."""
        try:
            return self._read(source)
        except Exception:
            # Whatever went wrong, the slow reading finds it and says where. No value is quoted.
            interpret(self.plan, self._lookups, source, at=at)
        raise GatewayError("the two readings of a mapping disagree", rule="mapping.disagree", at=at)

    def renew(self) -> None:
        """Forget the keys of the last payload, so that the plan serves the next one."""
        for lookup in self._lookups.values():
            lookup.renew()

    def names(self, key: str) -> bool:
        """Whether some line of the table reads this source key."""
        return any(lookup.line(key) for lookup in self._lookups.values())

    def trace(self, shown: Callable[[str], str]) -> Trace:
        """What this payload's keys fill, and those that fill nothing, as `shown` writes them."""
        met = (shown, *(frozenset(lookup.met) for lookup in self._lookups.values()))
        found = self._traces.get(met)
        if found is None:
            if len(self._traces) >= MAX_TRACES:
                self._traces.clear()
            unmapped = {key for lookup in self._lookups.values() for key in lookup.unmapped}
            lineage = {
                leaf: " | ".join(dict.fromkeys(map(shown, keys.split(" | "))))
                for leaf, keys in self._trace().items()
            }
            found = self._traces[met] = Trace(
                lineage, tuple(sorted(set(map(shown, unmapped)))), frozenset(unmapped)
            )
        return found

    def _trace(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for made in self.plan.made:
            level = made.each.slot if made.each else None
            ids = [self._key(None, source.slot) for source in self.plan.made[0].ids]
            known = [key for key in ids if key][:1]
            if known:
                found[f"{made.record_type}.record_id"] = known[0]
            for name, node in made.body.fields.items():
                for leaf, slots in _leaves(name, node, level):
                    keys = [self._key(at, slot) for at, slot in slots]
                    path = f"{made.record_type}.{leaf}"
                    met = [key for key in (found.get(path), *keys) if key and key != "constant"]
                    if met:
                        found[path] = " | ".join(met)
                    elif not slots:
                        found.setdefault(path, "constant")
        return found

    def _key(self, level: Slot | None, slot: Slot) -> str:
        return " | ".join(sorted(self._lookups[level].keys(slot)))


Leaf = tuple[str, list[tuple[Slot | None, Slot]]]


def _leaves(name: str, node: Node, level: Slot | None) -> Iterator[Leaf]:
    if isinstance(node, Object):
        for key, child in node.fields.items():
            yield from _leaves(f"{name}.{key}", child, level)
    elif isinstance(node, Listed):
        for item in node.items:
            yield from _leaves(f"{name}[]", item, level)
    elif isinstance(node, Each):
        for key, child in node.item.fields.items():
            yield from _leaves(f"{name}[].{key}", child, node.each.slot)
    elif isinstance(node, Member):
        at = node.each.slot if node.each else level
        yield name, [(None, at)] if at else []
    elif isinstance(node, Constant):
        yield name, []
    elif isinstance(node, Value):
        many = "[]" if node.converter.name in ("list", "codes") else ""
        yield name + many, [(None if s.parent else level, s.slot) for s in node.sources]


_mine = threading.local()


def reader_of(plan: Plan) -> Reader:
    """This thread's reader of a plan, renewed. Compiling costs milliseconds, renewing nothing."""
    kept: dict[str, Reader] = _mine.__dict__.setdefault("readers", {})
    reader = kept.get(plan.digest)
    if reader is None:
        reader = kept[plan.digest] = Reader(plan)
    reader.renew()
    return reader
