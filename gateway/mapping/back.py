"""Writing records into the source's own fields, by the same table read backwards.

What has no way back (two source codes that became one, a date cut out of an instant, a field
the table does not name) is left out and reported by its canonical path. So is what was written
and would be read as something else: the written objects are read again, and compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import GatewayError, SenderError
from gateway.mapping.convert import Bad
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
)
from gateway.mapping.reader import Reader, reader_of
from gateway.record import Record, leaves, structural, walk

Items = dict[Slot, dict[str, dict[str, Any]]]
"""Repeat, then record id of a member, to the item that is being written."""


@dataclass(slots=True)
class _Sheet:
    """One source object being written, and where its enclosing object is."""

    fields: dict[str, Any] = field(default_factory=dict, repr=False)
    root: dict[str, Any] = field(default_factory=dict, repr=False)
    prefix: str = ""


def write_back(plan: Plan, records: Sequence[Record]) -> tuple[list[dict[str, Any]], set[str]]:
    """Source objects for `records`, and the canonical leaf paths that did not fit."""
    lost: set[str] = set()
    reader = reader_of(plan)
    objects: list[dict[str, Any]] = []
    waiting = {record["record_id"]: record for record in records}
    for record in records:
        if record["record_type"] == plan.made[0].record_type:
            waiting.pop(record["record_id"], None)
    for record in records:
        if record["record_type"] == plan.made[0].record_type:
            written, carried = _object(plan, record, waiting, lost)
            objects.append(written)
            lost |= _changed([record, *carried], _again(reader, written))
    for record in waiting.values():
        lost |= _names(record)
    return objects, lost


def _object(
    plan: Plan, record: Record, waiting: dict[str, Record], lost: set[str]
) -> tuple[dict[str, Any], list[Record]]:
    """The source object of a root record, and the members that stand in it."""
    written: dict[str, Any] = {}
    _id(plan, plan.made[0], record, written, lost)
    kinds = {made.record_type: made for made in plan.made[1:]}
    items: Items = {}
    members: dict[str, Record] = {}
    for each, member in _linked(plan.made[0], record):
        if member in waiting and waiting[member]["record_type"] in kinds:
            members[member] = waiting.pop(member)
            items.setdefault(each, {})[member] = {}
    _record(plan.made[0], record, _Sheet(written, written), items, lost)
    for each, listed in items.items():
        written[each.removeprefix("*/")] = list(listed.values())
        for member, item in listed.items():
            other = members[member]
            made = kinds[other["record_type"]]
            _record(made, other, _Sheet(item, written, f"{each}/"), {}, lost)
    return written, list(members.values())


def _again(reader: Reader, written: Mapping[str, Any]) -> list[Record]:
    try:
        return reader.read(written, at="written")
    except SenderError:
        raise GatewayError(
            "the mapping cannot read what it wrote", rule="mapping.not_read_back"
        ) from None


def _names(record: Record) -> set[str]:
    """Leaf paths of everything a record has."""
    record_type = record["record_type"]
    head = structural(record_type)
    return {
        f"{record_type}.{leaf.name}"
        for leaf in leaves(record_type).values()
        if leaf.path[0] not in head and any(True for _ in walk(record, leaf.path))
    }


def _changed(written: Sequence[Record], read: Sequence[Record]) -> set[str]:
    """Leaf paths of records that the table reads otherwise than they were."""
    renamed = {old["record_id"]: new["record_id"] for old, new in zip(written, read, strict=True)}
    found: set[str] = set()
    for old, new in zip(written, read, strict=True):
        for leaf in leaves(old["record_type"]).values():
            was, now = list(walk(old, leaf.path)), list(walk(new, leaf.path))
            if leaf.spec.get("x-ref") and leaf.path != ("record_id",):
                was = [renamed.get(one, one) for one in was]
            if was and sorted(map(repr, was)) != sorted(map(repr, now)):
                found.add(f"{old['record_type']}.{leaf.name}")
    return found


def _id(plan: Plan, made: Made, record: Record, written: dict[str, Any], lost: set[str]) -> None:
    authority, local = record["record_id"].split("/", 1)
    if authority != plan.authority:
        lost.add(f"{made.record_type}.record_id")
    written[_key(made.ids[0], "")] = made.without + local


def _linked(made: Made, record: Record) -> list[tuple[Slot, str]]:
    """Members a record lists, in order, with the repeat their item stands in."""
    found: list[tuple[Slot, str]] = []
    for name, node in made.body.fields.items():
        if isinstance(node, Each):
            links = [key for key, child in node.item.fields.items() if isinstance(child, Member)]
            for item in record.get(name, []):
                found += [(node.each.slot, item[key]) for key in links if key in item]
    return found


def _record(
    made: Made,
    record: Record,
    sheet: _Sheet,
    items: Items,
    lost: set[str],
) -> None:
    for name, node in made.body.fields.items():
        if name in record:
            _write(node, record[name], sheet, items, f"{made.record_type}.{name}", lost)


def _write(
    node: Node,
    value: Any,
    sheet: _Sheet,
    items: Items,
    path: str,
    lost: set[str],
) -> None:
    if isinstance(node, Value):
        _value(node, value, sheet, path, lost)
    elif isinstance(node, Object):
        for name, inner in value.items():
            if name in node.fields:
                _write(node.fields[name], inner, sheet, items, f"{path}.{name}", lost)
            else:
                lost.add(f"{path}.{name}")
    elif isinstance(node, Listed):
        _listed(node, value, sheet, items, path, lost)
    elif isinstance(node, Each):
        _each(node, value, sheet, items, path, lost)
    elif isinstance(node, Constant) and node.value != value:
        lost.add(path)


def _each(
    node: Each,
    values: Sequence[Any],
    sheet: _Sheet,
    items: Items,
    path: str,
    lost: set[str],
) -> None:
    link = next((key for key, child in node.item.fields.items() if isinstance(child, Member)), "")
    for value in values:
        item = items.get(node.each.slot, {}).get(value.get(link))
        if item is None:
            lost |= {f"{path}[].{name}" for name in value}
        else:
            inner = _Sheet(item, sheet.root, f"{node.each.slot}/")
            _write(node.item, value, inner, items, f"{path}[]", lost)


def _value(node: Value, value: Any, sheet: _Sheet, path: str, lost: set[str]) -> None:
    path += "[]" if node.converter.name in ("list", "codes") else ""
    key = _key(node.sources[0], sheet.prefix)
    # What an item reads from the object around it is the object's own to say.
    shared = node.sources[0].parent
    target = sheet.root if shared else sheet.fields
    try:
        if node.converter.back is None:
            raise Bad("value.no_way_back")
        written = node.converter.back(value)
        if written in node.missing or node.converter.forward(written) != value:
            raise Bad("value.no_way_back")
    except Bad:
        lost.add(path)
        return
    held = target.get(key) if shared else target.setdefault(key, written)
    if held != written:
        lost.add(path)


def _listed(
    node: Listed,
    values: Sequence[Any],
    sheet: _Sheet,
    items: Items,
    path: str,
    lost: set[str],
) -> None:
    free = list(node.items)
    for value in values:
        for place in free:
            if _fits(place, value):
                free.remove(place)
                _write(place, value, sheet, items, f"{path}[]", lost)
                break
        else:
            lost |= (
                {f"{path}[].{name}" for name in value} if isinstance(value, dict) else {f"{path}[]"}
            )


def _fits(node: Node, value: Any) -> bool:
    if not isinstance(node, Object):
        return not isinstance(value, dict)
    return isinstance(value, dict) and all(
        value.get(name) == child.value
        for name, child in node.fields.items()
        if isinstance(child, Constant)
    )


def _key(source: Source, prefix: str) -> str:
    if not source.slot.startswith("*/"):
        return source.slot
    where = "" if source.parent else prefix.removeprefix("*/")
    return where + source.slot[2:]
