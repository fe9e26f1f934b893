"""An HXL table to canonical records."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.hxl.cells import value
from adapters.hxl.columns import INDEX, POINT, Hashtag, Target, by_hashtag, hashtag
from gateway.errors import SenderError
from gateway.record import RECORD_TYPES, Parsed, Record

SEARCHED = 25
"""Rows in which the hashtags must stand. libhxl looks no further either."""

_RECORD_TYPE: Hashtag = ("#meta", frozenset({"record", "type"}))
_RECORD_ID: Hashtag = ("#meta", frozenset({"id"}))


@dataclass(frozen=True, slots=True)
class _Column:
    place: int
    """From 0."""
    shown: str
    """The hashtag, or `column 4` where there is none."""
    key: Hashtag
    index: int
    targets: Mapping[str, Target]
    """By record type. None where no field has this hashtag."""


@dataclass(slots=True)
class _Row:
    record: Record
    at: str
    arrays: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    """Field to the items of its array by their index."""
    points: dict[tuple[str, ...], dict[int, float]] = field(default_factory=dict)


def parse(content: bytes) -> Parsed:
    """The records, in the order of their rows."""
    rows = _rows(content)
    number, tags = _hashtag_row(rows)
    columns = [_column(place, cell) for place, cell in enumerate(tags)]
    _refuse_unfit(columns, at=f"row {number}")
    lineage: dict[str, str] = {}
    unmapped: set[str] = {column.shown for column in columns if column.shown[0] == "#"} - {
        column.shown for column in columns if column.targets
    }
    records = []
    for position, row in enumerate(rows[number:], number + 1):
        at = f"row {position}"
        if len(row) > len(columns):
            raise SenderError("more cells than hashtags", rule="hxl.row_length", at=at)
        cells = [(column, cell) for column, cell in zip(columns, row, strict=False) if cell]
        if cells:
            records.append(_record(cells, lineage, unmapped, at=at))
    return Parsed(records, lineage, tuple(sorted(unmapped)))


def _rows(content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SenderError("not UTF-8", rule="hxl.encoding") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return list(reader)
    except csv.Error:
        at = f"line {reader.line_num}"
        raise SenderError("not CSV", rule="hxl.csv", at=at) from None


def _hashtag_row(rows: Sequence[list[str]]) -> tuple[int, list[str]]:
    for number, row in enumerate(rows[:SEARCHED], 1):
        filled = [place for place, cell in enumerate(row, 1) if cell.strip()]
        tagged = [place for place in filled if hashtag(row[place - 1])]
        if tagged and len(tagged) == len(filled):
            return number, row
        if tagged and 2 * len(tagged) >= len(filled):
            # libhxl takes such a row and drops the column. We would rather hear about it.
            place = next(place for place in filled if place not in tagged)
            at = f"row {number}, column {place}"
            raise SenderError("not a hashtag", rule="hxl.hashtag", at=at)
    raise SenderError("no row of hashtags", rule="hxl.no_hashtags")


def _column(place: int, cell: str) -> _Column:
    found = hashtag(cell)
    if found is None:
        return _Column(place, f"column {place + 1}", ("", frozenset()), 0, {})
    tag, attributes = found
    marks = [match for match in map(INDEX.fullmatch, attributes) if match]
    index = int(marks[0][1]) if len(marks) == 1 else 0
    key = (tag, attributes - {mark[0] for mark in marks[:1]} if index else attributes)
    targets = by_hashtag().get(key, {})
    fit = all(target.indexed == bool(index) for target in targets.values())
    return _Column(place, cell.strip().lower(), key, index, targets if fit else {})


def _refuse_unfit(columns: Sequence[_Column], *, at: str) -> None:
    seen: set[tuple[Hashtag, int]] = set()
    for column in columns:
        repeats = all(target.repeats for target in column.targets.values())
        if (column.key, column.index) in seen and not repeats:
            where = f"{at}, column {column.place + 1}"
            raise SenderError("a hashtag twice", rule="hxl.repeated_hashtag", at=where)
        seen.add((column.key, column.index))
    for needed in (_RECORD_TYPE, _RECORD_ID):
        if (needed, 0) not in seen:
            missing = "+".join([needed[0], *sorted(needed[1])])
            raise SenderError(f"no column {missing}, so no records", rule="hxl.no_record", at=at)


def _record(
    cells: Sequence[tuple[_Column, str]],
    lineage: dict[str, str],
    unmapped: set[str],
    *,
    at: str,
) -> Record:
    named = {column.key: cell for column, cell in cells}
    record_type = named.get(_RECORD_TYPE)
    if record_type not in RECORD_TYPES:
        raise SenderError("no such record type", rule="hxl.record_type", at=at)
    if _RECORD_ID not in named:
        raise SenderError("a record without an id", rule="hxl.record_id", at=at)
    row = _Row({}, at)
    for column, cell in cells:
        target = column.targets.get(record_type)
        if target is None:
            unmapped.add(column.shown)
            continue
        try:
            _put(row, target, column.index, value(cell, target.kind))
        except ValueError:
            where = f"{at}, column {column.place + 1}"
            raise SenderError(f"not a {target.kind}", rule="hxl.value", at=where) from None
        lineage[f"{record_type}.{target.leaf}"] = target.tag
    return _finished(row)


def _put(row: _Row, target: Target, index: int, item: Any) -> None:
    if target.coordinate is not None:
        row.points.setdefault(target.path, {})[target.coordinate] = item
        return
    if target.indexed:
        items = row.arrays.setdefault(target.path[0], {})
        items.setdefault(index, {})[target.path[-1]] = item
        return
    path = target.path[:-1] if target.repeats else target.path
    holder = _holder(row.record, path)
    if target.repeats:
        holder.setdefault(path[-1], []).append(item)
    else:
        holder[path[-1]] = item


def _holder(record: Record, path: Sequence[str]) -> dict[str, Any]:
    holder = record
    for step in path[:-1]:
        holder = holder.setdefault(step, {})
    return holder


def _finished(row: _Row) -> Record:
    for name, items in row.arrays.items():
        row.record[name] = [items[index] for index in sorted(items)]
    for path, numbers in row.points.items():
        coordinates = [numbers[place] for place in range(len(POINT)) if place in numbers]
        if not {0, 1} <= numbers.keys():
            raise SenderError("not a latitude and a longitude", rule="hxl.point", at=row.at)
        _holder(row.record, path)[path[-1]] = {"type": "Point", "coordinates": coordinates}
    return row.record
