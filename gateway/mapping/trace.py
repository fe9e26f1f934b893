"""What became of the keys of a payload: lineage, and what nobody took."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gateway.mapping.lookup import Lookup
from gateway.mapping.nodes import (
    Constant,
    Each,
    Listed,
    Member,
    Node,
    Object,
    Plan,
    Slot,
    Value,
    values_of,
)

Leaf = tuple[str, list[tuple[Slot | None, Slot]]]
"""Canonical leaf within its record, and the source paths it is read from with their levels."""

BETWEEN = " | "


@dataclass(frozen=True, slots=True)
class Trace:
    """What became of the keys of a payload."""

    lineage: Mapping[str, str]
    """Canonical leaf path to the source paths that fill it."""
    unmapped: tuple[str, ...]
    """Source paths that no line names, as they may be shown, sorted."""
    keys: frozenset[str] = field(repr=False)
    """The same as they are."""


def trace(plan: Plan, lookups: Mapping[Slot | None, Lookup], shown: Callable[[str], str]) -> Trace:
    """The trace of the keys that `lookups` met."""
    unmapped = {key for lookup in lookups.values() for key in lookup.unmapped}
    met = {level: lookup.by_line() for level, lookup in lookups.items()}
    lineage: dict[str, str] = {}
    for leaf, keys in _lineage(plan, met).items():
        lineage[leaf] = BETWEEN.join(dict.fromkeys(map(shown, keys))) if keys else "constant"
    return Trace(lineage, tuple(sorted(set(map(shown, unmapped)))), frozenset(unmapped))


def _lineage(
    plan: Plan, met: Mapping[Slot | None, Mapping[Slot, list[str]]]
) -> Mapping[str, list[str]]:
    """Leaf path to the keys that were met for it; none for a constant."""
    found: dict[str, list[str]] = {}
    root = plan.made[0]
    ids = [keys for source in root.ids if (keys := met[None].get(source.slot))]
    named = [key for keys in (ids if root.every else ids[:1]) for key in keys]
    for made in plan.made:
        if named:
            found[f"{made.record_type}.record_id"] = named
        for leaf, slots in leaves_of(plan, made.record_type):
            path = f"{made.record_type}.{leaf}"
            keys = [key for level, slot in slots for key in met[level].get(slot, [])]
            if keys:
                found[path] = [*found.get(path, []), *keys]
            elif not slots:
                found.setdefault(path, [])
    return found


def leaves_of(plan: Plan, record_type: str) -> Iterator[Leaf]:
    """Every leaf that the plan can fill in a record type, but its id, in the table's order."""
    for made in plan.made:
        if made.record_type != record_type:
            continue
        level = made.each.slot if made.each else None
        for name, node in made.body.fields.items():
            yield from _leaves(name, node, level)
        told = [
            (None if source.parent else at, source.slot)
            for value, at in values_of(made.body, level)
            if value.missing.reasons
            for source in value.sources
        ]
        if told:
            yield "absent", told


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
        many = "[]" if node.converter.many else ""
        yield name + many, [(None if s.parent else level, s.slot) for s in node.sources]
