"""The slow reading of a table: one source object, node by node, with the place of any fault.

Runs only for objects that the compiled reading stumbled over, and in the tests as the
reference for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import SenderError
from gateway.mapping.convert import Bad
from gateway.mapping.lookup import Lookup, Scene
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


def interpret(plan: Plan, lookups: Lookups, source: Any, *, at: str) -> list[Record]:
    """The records of one source object. Raises `SenderError` with place and rule."""
    if not isinstance(source, dict):
        raise SenderError("not an object", rule="source.not_object", at=at)
    root = _scene(lookups[None], source, at)
    base = plan.authority + "/" + _local_id(plan.made[0], root, at)
    repeats = {
        level: _items(lookup, root.get(level), at=f"{at}, {level}")
        for level, lookup in lookups.items()
        if level is not None
    }
    records: list[Record] = []
    for made in plan.made:
        if made.each is None:
            records.append(_record(made, _Here(root, root, repeats, base, 0, at), base))
            continue
        for position, scene in enumerate(repeats[made.each.slot], 1):
            place = f"{at}, {made.each.slot}[{position}]"
            here = _Here(scene, root, repeats, base, position, place)
            records.append(_record(made, here, f"{base}.{position}"))
    return records


def _scene(lookup: Lookup, source: Mapping[str, Any], at: str) -> Scene:
    try:
        return lookup.scene(source)
    except Bad as bad:
        raise SenderError(
            "two source fields hold different values for one line", rule=bad.rule, at=at
        ) from None


def _items(lookup: Lookup, value: Any, *, at: str) -> list[Scene]:
    if value is None:
        return []
    if not isinstance(value, list) or any(not isinstance(item, dict) for item in value):
        raise SenderError("not a repeat", rule="source.not_repeat", at=at)
    return [_scene(lookup, item, f"{at}[{n}]") for n, item in enumerate(value, 1)]


def _local_id(made: Made, root: Scene, at: str) -> str:
    for source in made.ids:
        value = root.get(source.slot)
        if value is not None:
            if not isinstance(value, str) or not value.removeprefix(made.without):
                raise SenderError("not an id", rule="value.not_text", at=f"{at}, {source.slot}")
            return value.removeprefix(made.without)
    raise SenderError("no id in any of the mapping's places", rule="mapping.no_id", at=at)


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
        inner = _Here(scene, here.root, here.repeats, here.base, position, place)
        value = _object(node.item, inner)
        if value is not _ABSENT:
            found.append(value)
    return found or _ABSENT


def _member(node: Member, here: _Here) -> Any:
    if node.each is None:
        return f"{here.base}.{here.position}" if _holds(node.when, here) else _ABSENT
    for position, scene in enumerate(here.repeats[node.each.slot], 1):
        inner = _Here(scene, here.root, here.repeats, here.base, position, here.at)
        if _holds(node.when, inner):
            return f"{here.base}.{position}"
    return _ABSENT


def _constant(node: Constant, here: _Here) -> Any:
    return node.value if _holds(node.when, here) else _ABSENT


def _converted(node: Value, here: _Here) -> Any:
    if not _holds(node.when, here):
        return _ABSENT
    values = [(source, _read(source, here)) for source in node.sources]
    values = [(source, value) for source, value in values if value is not None]
    if not values:
        return _ABSENT
    source, value = values[0]
    place = f"{here.at}, {source.slot}"
    if any(other != value for _, other in values[1:]):
        raise SenderError(
            "two source fields hold different values for one line",
            rule="mapping.ambiguous",
            at=place,
        )
    if value in node.missing:
        return _ABSENT
    try:
        converted = node.converter.forward(value)
    except Bad as bad:
        raise SenderError(
            f"does not read as {node.converter.name}", rule=bad.rule, at=place
        ) from None
    return _ABSENT if converted is None else converted


def _read(source: Source, here: _Here) -> Any:
    return (here.root if source.parent else here.scene).get(source.slot)


def _holds(when: When | None, here: _Here) -> bool:
    return when is None or _read(when.source, here) in when.values


_WALK: Mapping[type, Callable[[Any, _Here], Any]] = {
    Object: _object,
    Listed: _listed,
    Each: _each,
    Member: _member,
    Constant: _constant,
    Value: _converted,
}
