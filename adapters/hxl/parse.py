"""A table whose hashtags are the schemas' own, to canonical records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from adapters.hxl.cells import value
from adapters.hxl.columns import POINT, Hashtag, Target, by_hashtag, indexed
from adapters.hxl.table import Column, Table
from gateway.errors import SenderError
from gateway.record import RECORD_TYPES, Reading, Record

_RECORD_TYPE: Hashtag = ("#meta", frozenset({"record", "type"}))
_RECORD_ID: Hashtag = ("#meta", frozenset({"id"}))


@dataclass(frozen=True, slots=True)
class _Known:
    column: Column
    key: Hashtag
    """Without its indices."""
    index: tuple[int, ...]
    targets: Mapping[str, Target]
    """By record type. None where no field has this hashtag."""


class _Items(dict[int, Any]):
    """An array being filled, by index."""


class _Numbers(dict[int, float]):
    """A point being filled, by the number of the coordinate."""


def records(table: Table, reading: Reading) -> Iterator[Record]:
    """The records, in the order of their rows."""
    known = [_known(column) for column in table.columns]
    _refuse_unfit(table, known)
    for one in known:
        if one.column.tag and not one.targets:
            reading.unmapped.add(one.column.shown)
    for number, row in table.rows:
        found = [(one, cell) for one, cell in zip(known, row, strict=False) if cell != ""]
        if found:
            yield _record(table, number, found, reading)


def _known(column: Column) -> _Known:
    if column.tag is None:
        return _Known(column, ("", frozenset()), (), {})
    key, index = indexed(column.tag)
    found = by_hashtag().get(key, {})
    fit = {kind: target for kind, target in found.items() if target.depth == len(index)}
    return _Known(column, key, index, fit)


def _refuse_unfit(table: Table, known: Sequence[_Known]) -> None:
    seen: set[tuple[Hashtag, tuple[int, ...]]] = set()
    for one in known:
        repeats = all(target.repeats for target in one.targets.values())
        if (one.key, one.index) in seen and not repeats:
            at = f"{table.at}, {table.place(one.column.place + 1)}"
            raise SenderError("a hashtag twice", rule="hxl.repeated_hashtag", at=at)
        seen.add((one.key, one.index))
    for needed in (_RECORD_TYPE, _RECORD_ID):
        if (needed, ()) not in seen:
            missing = "+".join([needed[0], *sorted(needed[1])])
            problem = f"no column {missing}, so no records without a mapping"
            raise SenderError(problem, rule="hxl.no_record", at=table.at)


def _record(
    table: Table, number: int, found: Sequence[tuple[_Known, Any]], reading: Reading
) -> Record:
    named = {one.key: cell for one, cell in found}
    record_type = named.get(_RECORD_TYPE)
    at = f"{table.row} {number}"
    if record_type not in RECORD_TYPES:
        raise SenderError("no such record type", rule="hxl.record_type", at=at)
    if _RECORD_ID not in named:
        raise SenderError("a record without an id", rule="hxl.record_id", at=at)
    record: Record = {}
    for one, cell in found:
        target = one.targets.get(record_type)
        if target is None:
            reading.unmapped.add(one.column.shown)
            continue
        try:
            item = value(table.sound(number, one.column, cell), target.kind)
        except ValueError:
            raise table.refuse(number, one.column, f"not a {target.kind}", "hxl.value") from None
        _put(record, target, one.index, item)
        reading.lineage[f"{record_type}.{target.leaf}"] = target.tag
    return {key: _finished(inner, at) for key, inner in record.items()}


def _put(record: Record, target: Target, index: Sequence[int], item: Any) -> None:
    holder: Any = record
    places = iter(index)
    path = target.path[:-1] if target.repeats else target.path
    for step, following in pairwise(path):
        key = next(places) if step == "[]" else step
        empty: type = _Items if following == "[]" else dict
        holder = holder.setdefault(key, empty())
    key = path[-1]
    if target.repeats:
        holder.setdefault(key, []).append(item)
    elif target.coordinate is not None:
        holder.setdefault(key, _Numbers())[target.coordinate] = item
    else:
        holder[key] = item


def _finished(value: Any, at: str) -> Any:
    if isinstance(value, _Items):
        return [_finished(value[index], at) for index in sorted(value)]
    if isinstance(value, _Numbers):
        if not {0, 1} <= value.keys():
            raise SenderError("not a latitude and a longitude", rule="hxl.point", at=at)
        coordinates = [value[place] for place in range(len(POINT)) if place in value]
        return {"type": "Point", "coordinates": coordinates}
    if value.__class__ is dict:
        return {key: _finished(inner, at) for key, inner in value.items()}
    return value
