"""A plan with only the lines that a payload has keys for.

A table for every form of an organisation has many lines that one form never fills. Once a
payload has shown which keys it has, those lines need not be looked at for every record. Reading
by the narrowed plan gives exactly what reading by the whole one gives, for every object whose
keys fill no other line than these; any other object says so (`Stale`).
"""

from collections.abc import Mapping
from dataclasses import replace

from gateway.mapping.nodes import (
    Constant,
    Each,
    Listed,
    Made,
    Member,
    Node,
    Object,
    Plan,
    Slot,
    Source,
    Value,
    When,
)

Met = Mapping[Slot | None, frozenset[Slot]]
"""The lines for which a key was met, by level."""


def narrowed(plan: Plan, met: Met) -> Plan:
    """The plan without the lines that can have no value, whatever the objects hold."""
    made = []
    for one in plan.made:
        if one.each is not None and one.each.slot not in met[None]:
            continue
        level = one.each.slot if one.each else None
        fields = {
            name: kept
            for name, node in one.body.fields.items()
            if (kept := _node(node, level, met)) is not None
        }
        made.append(replace(one, body=Object(fields), ids=_ids(one, met)))
    return replace(plan, made=tuple(made))


def levels(narrow: Plan, met: Met) -> dict[Slot | None, frozenset[Slot]]:
    """The source paths that are looked up, by level: every one that was met, read or not.

    Two keys may still fight over a path that no line reads any more, and the items of a repeat
    may still bring such a path.
    """
    read = narrow.levels()
    return {
        level: read.get(level, frozenset()) | slots
        for level, slots in met.items()
        if level is None or level in met[None]
    }


def _ids(made: Made, met: Met) -> tuple[Source, ...]:
    if made.every:
        return made.ids
    # One at least, so that an object without an id is still refused.
    return tuple(one for one in made.ids if one.slot in met[None]) or made.ids[:1]


def _node(node: Node, level: Slot | None, met: Met) -> Node | None:
    """The node, or None where it can have no value."""
    if isinstance(node, Value):
        return node if _holds(node.when, level, met) and _any(node, level, met) else None
    if isinstance(node, Constant):
        return node if _holds(node.when, level, met) else None
    if isinstance(node, Member):
        at = node.each.slot if node.each else level
        there = node.each is None or at in met[None]
        return node if there and _holds(node.when, at, met) else None
    if isinstance(node, Object):
        return _object(node, level, met)
    if isinstance(node, Listed):
        items = tuple(kept for item in node.items if (kept := _node(item, level, met)) is not None)
        return Listed(items) if items else None
    item = _object(node.item, node.each.slot, met) if node.each.slot in met[None] else None
    return Each(node.each, item) if item is not None else None


def _object(node: Object, level: Slot | None, met: Met) -> Object | None:
    kept = {
        name: child
        for name, one in node.fields.items()
        if (child := _node(one, level, met)) is not None
    }
    if node.needs is None:
        return Object(kept) if kept else None
    # Left out or not, its other lines are looked at, and may be refused.
    looked_at = any(not isinstance(child, Constant) for child in kept.values())
    return node if looked_at or node.needs in kept else None


def _any(node: Value, level: Slot | None, met: Met) -> bool:
    return any(_met(source, level, met) for source in node.sources)


def _holds(when: When | None, level: Slot | None, met: Met) -> bool:
    return when is None or _met(when.source, level, met)


def _met(source: Source, level: Slot | None, met: Met) -> bool:
    return source.slot in met.get(None if source.parent else level, ())
