"""The slow reading of a table: one source object, node by node, with the place of any fault.

Runs only for objects that the compiled reading stumbled over, and in the tests as the
reference for it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.errors import SenderError
from gateway.mapping.bad import Bad
from gateway.mapping.ids import part
from gateway.mapping.lookup import MAX_REPEAT, NOT_THERE, Lookup, Scene, answered
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
from gateway.record import Record

VERSION = "1.0"
"""Schema version written into records."""

Lookups = Mapping[Slot | None, Lookup]
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class _Here:
    """Where the walk stands."""

    scene: Scene
    root: Scene
    repeats: Mapping[Slot, list[Scene]]
    base: str
    position: int
    """Of the item within its repeat, from 1; 0 in the source object itself."""
    at: str
    absent: dict[str, str]
    """Why the record that is being made has no value, by top-level field."""


def interpret(
    plan: Plan, lookups: Lookups, source: Any, *, at: str, base: str | None = None
) -> list[Record]:
    """The records of one source object. Raises `SenderError` with place and rule.

    `base` is the record id where it is known already.
    """
    if not isinstance(source, dict):
        raise SenderError("not an object", rule="source.not_object", at=at)
    root = _scene(lookups[None], source, at)
    if base is None:
        base = plan.authority + "/" + _local_id(plan.made[0], root, at)
    repeats = {
        level: _items(lookup, root.get(level), at=f"{at}, {level}")
        for level, lookup in lookups.items()
        if level is not None
    }
    records: list[Record] = []
    for made in plan.made:
        if made.each is None:
            records.append(_record(made, _Here(root, root, repeats, base, 0, at, {}), base))
            continue
        for position, scene in enumerate(repeats[made.each.slot], 1):
            place = f"{at}, {made.each.slot}[{position}]"
            here = _Here(scene, root, repeats, base, position, place, {})
            records.append(_record(made, here, f"{base}.{position}"))
    return records


def _scene(lookup: Lookup, source: Mapping[str, Any], at: str) -> Scene:
    try:
        return lookup.scene(source)
    except Bad as bad:
        # Which object had the one key too many cannot be told: all of them are noted by now.
        place = at if bad.rule == "mapping.ambiguous" else at.split("[")[0]
        raise SenderError(_SCENE[bad.rule], rule=bad.rule, at=place) from None


_SCENE = {
    "mapping.ambiguous": "two source fields hold different values for one line",
    "source.too_many_keys": "more different keys than any form has",
}


def _items(lookup: Lookup, value: Any, *, at: str) -> list[Scene]:
    if not answered(value):
        return []
    # What is one object at times and a list of them at others is a list of one.
    items = [value] if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise SenderError("not a repeat", rule="source.not_repeat", at=at)
    if len(items) > MAX_REPEAT:
        raise SenderError("too many items", rule="source.repeat_too_long", at=at)
    scenes: list[Scene] = []
    for n, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise SenderError("not a repeat", rule="source.not_repeat", at=at)
        scenes.append(_scene(lookup, item, f"{at}[{n}]"))
    return scenes


def _local_id(made: Made, root: Scene, at: str) -> str:
    if made.every:
        return ":".join([_part(source.slot, root, at) for source in made.ids])
    for source in made.ids:
        value = root.get(source.slot)
        if answered(value):
            if not isinstance(value, str) or not value.removeprefix(made.without):
                raise SenderError("not an id", rule="value.not_text", at=f"{at}, {source.slot}")
            return value.removeprefix(made.without)
    raise SenderError("no id in any of the mapping's places", rule="mapping.no_id", at=at)


def _part(slot: Slot, root: Scene, at: str) -> str:
    try:
        return part(root.get(slot))
    except Bad as bad:
        raise SenderError("not a part of an id", rule=bad.rule, at=f"{at}, {slot}") from None


def _record(made: Made, here: _Here, record_id: str) -> Record:
    record: Record = {
        "record_type": made.record_type,
        "schema_version": VERSION,
        "record_id": record_id,
    }
    for name, node in made.body.fields.items():
        value = _value(node, here)
        if value is not _ABSENT:
            record[name] = value
    absent = {name: why for name, why in here.absent.items() if name not in record}
    if absent:
        record["absent"] = absent
    return record


def _value(node: Node, here: _Here) -> Any:
    return _WALK[type(node)](node, here)


def _object(node: Object, here: _Here) -> Any:
    found = {name: _value(child, here) for name, child in node.fields.items()}
    found = {name: value for name, value in found.items() if value is not _ABSENT}
    if not found or (node.needs and node.needs not in found):
        return _ABSENT
    return found


def _listed(node: Listed, here: _Here) -> Any:
    found = [value for item in node.items if (value := _value(item, here)) is not _ABSENT]
    return found or _ABSENT


def _each(node: Each, here: _Here) -> Any:
    found = []
    for position, scene in enumerate(here.repeats[node.each.slot], 1):
        place = f"{here.at}, {node.each.slot}[{position}]"
        inner = replace(here, scene=scene, position=position, at=place)
        value = _object(node.item, inner)
        if value is not _ABSENT:
            found.append(value)
    return found or _ABSENT


def _member(node: Member, here: _Here) -> Any:
    if node.each is None:
        return f"{here.base}.{here.position}" if _holds(node.when, here) else _ABSENT
    for position, scene in enumerate(here.repeats[node.each.slot], 1):
        inner = replace(here, scene=scene, position=position)
        if _holds(node.when, inner):
            return f"{here.base}.{position}"
    return _ABSENT


def _constant(node: Constant, here: _Here) -> Any:
    return node.value if _holds(node.when, here) else _ABSENT


def _converted(node: Value, here: _Here) -> Any:
    if not _holds(node.when, here):
        return _ABSENT
    values = [(source, _read(source, here)) for source in node.sources]
    given = [
        (source, value)
        for source, value in values
        if answered(value) and not node.missing.holds(value)
    ]
    if not given:
        _note(node, [value for _, value in values], here)
        return _ABSENT
    source, value = given[0]
    place = f"{here.at}, {source.slot}"
    if any(other != value for _, other in given[1:]):
        raise SenderError(_SCENE["mapping.ambiguous"], rule="mapping.ambiguous", at=place)
    try:
        converted = node.converter.forward(value)
    except Bad as bad:
        raise SenderError(
            f"does not read as {node.converter.name}", rule=bad.rule, at=place
        ) from None
    return _ABSENT if converted is None else converted


def _note(node: Value, values: Sequence[Any], here: _Here) -> None:
    """Keep the first reason that the source gives for having no value."""
    for value in values:
        why = node.missing.reason(value)
        if why is not None:
            here.absent.setdefault(node.top, why)
            return


def _read(source: Source, here: _Here) -> Any:
    return (here.root if source.parent else here.scene).get(source.slot, NOT_THERE)


def _holds(when: When | None, here: _Here) -> bool:
    if when is None:
        return True
    value = _read(when.source, here)
    return (value.__class__, value) in when.pairs


_WALK: Mapping[type, Callable[[Any, _Here], Any]] = {
    Object: _object,
    Listed: _listed,
    Each: _each,
    Member: _member,
    Constant: _constant,
    Value: _converted,
}
