"""Writing one record and its members into the source's own fields: the table read backwards.

What has no way back (two source codes that became one, a date cut out of an instant, a field
the table does not name) is left out and reported by its canonical path.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.mapping.bad import Bad
from gateway.mapping.ids import parts
from gateway.mapping.lookup import answered
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
    values_of,
)
from gateway.record import Record

Items = dict[Slot, dict[str, dict[str, Any]]]
"""Repeat, then record id of a member or `#` and a position, to the item being written."""


@dataclass(slots=True)
class _Sheet:
    """One source object being written, and where its enclosing object is."""

    fields: dict[str, Any] = field(default_factory=dict, repr=False)
    root: dict[str, Any] = field(default_factory=dict, repr=False)
    prefix: str = ""

    def target(self, source: Source) -> dict[str, Any]:
        return self.root if source.parent else self.fields

    def key(self, source: Source) -> str:
        if not source.slot.startswith("*/"):
            return source.slot
        where = "" if source.parent else self.prefix.removeprefix("*/")
        return where + source.slot[2:]


def written(
    plan: Plan, record: Record, members: Mapping[str, Record], lost: set[str]
) -> tuple[dict[str, Any], list[Record]]:
    """The source object of a root record with these members, and the members in their order."""
    root = plan.made[0]
    sheet = _Sheet()
    sheet.root = sheet.fields
    _id(plan, record, sheet, lost)
    kinds = {made.record_type: made for made in plan.made[1:]}
    # The items of these repeats are members, and of no other repeat.
    items: Items = {made.each.slot: {} for made in plan.made[1:] if made.each}
    for each, member in linked(root, record):
        if member in members:
            items.setdefault(each, {})[member] = {}
    _record(root, record, sheet, items, lost)
    carried: list[Record] = []
    for each, listed in items.items():
        if listed:
            sheet.root[each.removeprefix("*/")] = list(listed.values())
        for member, item in listed.items():
            other = members.get(member)
            if other is not None:
                inner = _Sheet(item, sheet.root, f"{each}/")
                _record(kinds[other["record_type"]], other, inner, None, lost)
                carried.append(other)
    return sheet.root, carried


def linked(made: Made, record: Record) -> list[tuple[Slot, str]]:
    """Members a record lists, in order, with the repeat their item stands in."""
    found: list[tuple[Slot, str]] = []
    for name, node in made.body.fields.items():
        if isinstance(node, Each):
            links = [key for key, child in node.item.fields.items() if isinstance(child, Member)]
            for item in record.get(name, []):
                found += [(node.each.slot, item[key]) for key in links if key in item]
    return found


def _id(plan: Plan, record: Record, sheet: _Sheet, lost: set[str]) -> None:
    made = plan.made[0]
    authority, local = record["record_id"].split("/", 1)
    if authority != plan.authority:
        lost.add(f"{made.record_type}.record_id")
    if not made.every:
        sheet.fields[sheet.key(made.ids[0])] = made.without + local
        return
    # Parts that a line of their own writes are that line's to write, or to leave out.
    lines = (value for value, _ in values_of(made.body, None) if value.converter.back)
    own = {value.sources[0].slot for value in lines}
    found = parts(local)
    if authority == plan.authority and len(found) == len(made.ids):
        for source, part in zip(made.ids, found, strict=True):
            if source.slot not in own:
                sheet.fields[sheet.key(source)] = part


def _record(made: Made, record: Record, sheet: _Sheet, items: Items | None, lost: set[str]) -> None:
    for name, node in made.body.fields.items():
        if name in record:
            _write(node, record[name], sheet, items, f"{made.record_type}.{name}", lost)
    for name, why in record.get("absent", {}).items():
        if name in made.body.fields and name not in record:
            _absent(made.body.fields[name], why, sheet)


def _absent(node: Node, why: str, sheet: _Sheet) -> None:
    """Write the text of a reason where a line has exactly one. What did not fit is found later."""
    for value, level in values_of(node, None):
        texts = value.missing.text_of(why)
        source = value.sources[0]
        shared = level is not None or source.parent
        if not shared and value.when is None and len(texts) == 1:
            sheet.target(source).setdefault(sheet.key(source), texts[0])
            return


def _write(
    node: Node, value: Any, sheet: _Sheet, items: Items | None, path: str, lost: set[str]
) -> None:
    if isinstance(node, Value):
        _value(node, value, sheet, path, lost)
    elif isinstance(node, Object):
        for name, inner in value.items():
            if name in node.fields:
                _write(node.fields[name], inner, sheet, items, f"{path}.{name}", lost)
            else:
                lost.add(f"{path}.{name}[]" if isinstance(inner, list) else f"{path}.{name}")
    elif isinstance(node, Listed):
        _listed(node, value, sheet, items, path, lost)
    elif isinstance(node, Each):
        _each(node, value, sheet, items, path, lost)
    elif isinstance(node, Constant) and (
        node.value.__class__ is not value.__class__ or node.value != value
    ):
        lost.add(path)


def _each(
    node: Each, values: Sequence[Any], sheet: _Sheet, items: Items | None, path: str, lost: set[str]
) -> None:
    for n, value in enumerate(values):
        item = _item(node, value, n, items)
        if item is None:
            lost |= {f"{path}[].{name}" for name in value}
        else:
            inner = _Sheet(item, sheet.root, f"{node.each.slot}/")
            _write(node.item, value, inner, items, f"{path}[]", lost)


def _item(
    node: Each, value: Mapping[str, Any], n: int, items: Items | None
) -> dict[str, Any] | None:
    """The source item that one object of a list is written to, where there is one."""
    if items is None:
        return None
    slot = node.each.slot
    for key, child in node.item.fields.items():
        if isinstance(child, Member):
            return items.get(slot, {}).get(value.get(key, ""))
    listed = items.get(slot)
    if listed is None:
        listed = items[slot] = {}
    elif not next(iter(listed), "").startswith("#"):
        return None
    return listed.setdefault(f"#{n}", {})


def _value(node: Value, value: Any, sheet: _Sheet, path: str, lost: set[str]) -> None:
    path += "[]" if node.converter.many else ""
    source = node.sources[0]
    key = sheet.key(source)
    target = sheet.target(source)
    held = target.get(key)
    if answered(held) and _reads(node, held, value):
        # Another line has written it, in its own spelling perhaps, and it says the same here.
        return
    try:
        text = _text(node, value)
    except Bad:
        lost.add(path)
        return
    if held is None and not source.parent:
        target[key] = text
    elif held != text:
        # What an item reads from the object around it is the object's own to say.
        lost.add(path)


def _text(node: Value, value: Any) -> Any:
    if node.converter.back is None:
        raise Bad("value.no_way_back")
    text = node.converter.back(value)
    if not answered(text) or not _reads(node, text, value):
        raise Bad("value.no_way_back")
    return text


def _reads(node: Value, text: Any, value: Any) -> bool:
    """Whether a source value is read as this canonical one."""
    if node.missing.holds(text):
        return False
    try:
        found = node.converter.forward(text)
    except Bad:
        return False
    return found.__class__ is value.__class__ and bool(found == value)


def _listed(
    node: Listed,
    values: Sequence[Any],
    sheet: _Sheet,
    items: Items | None,
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
