"""Any HXL table through a mapping, whose source paths are hashtags.

Most HXL tables are aggregates (3W, DTM, humanitarian needs) and say neither which record type a
row is nor which id it has. A mapping does. It names a column by its hashtag in lower case with
its attributes sorted (`#affected+f+idps`), an untagged column by its place (`column 4`). Of equal
hashtags the second is `#sector 2`, the third `#sector 3`: whoever maps one of them must map all,
for none is more true than another.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from adapters.hxl.columns import hashtag, normal
from adapters.hxl.table import Column, Table
from adapters.tabular.back import Back
from gateway.errors import SenderError
from gateway.mapping import Plan, Reader, reader_of
from gateway.record import Reading, Record, Writing
from gateway.source.tables import Cell


def records(table: Table, plan: Plan, reading: Reading) -> Iterator[Record]:
    """The records that the mapping makes of each row."""
    check_paths(plan)
    reader = reader_of(plan)
    wanted = _wanted(table, reader, reading)
    for number, row in table.rows:
        yield from reading.sound(partial(_records, reader, table, wanted, number, row))
    reading.lineage.update(reader.trace(str).lineage)


def _records(
    reader: Reader, table: Table, wanted: dict[str, Column], number: int, row: Sequence[Any]
) -> list[Record]:
    there = len(row)
    found = {
        key: table.sound(number, column, row[column.place]) if column.place < there else ""
        for key, column in wanted.items()
    }
    return reader.read(found, at=f"{table.row} {number}")


def _wanted(table: Table, reader: Reader, reading: Reading) -> dict[str, Column]:
    equal: dict[str, list[tuple[str, Column]]] = {}
    for column in table.columns:
        same = equal.setdefault(column.shown, [])
        same.append((f"{column.shown} {len(same) + 1}" if same else column.shown, column))
    wanted: dict[str, Column] = {}
    for same in equal.values():
        mapped = {key: column for key, column in same if reader.names(key)}
        if mapped and len(mapped) < len(same):
            place = next(column for key, column in same if key not in mapped).place + 1
            raise SenderError(
                "a hashtag twice, and not every one of them is mapped",
                rule="hxl.repeated_hashtag",
                at=f"{table.at}, {table.place(place)}",
            )
        wanted |= mapped
        reading.unmapped.update(key for key, _ in same if key not in mapped)
    return wanted


def rows(plan: Plan, records: Iterable[Record], writing: Writing) -> Iterator[list[Cell]]:
    """A row of the columns' names, a row of hashtags, a row for each record of the first type."""
    check_paths(plan)
    back = Back(plan, records)
    order = _order(back.columns)
    tags = [back.columns[place] if place is not None else "" for place in order]
    tags = [tag.partition(" ")[0] if tag.startswith("#") else "" for tag in tags]
    yield [tag.removeprefix("#").replace("+", " ") for tag in tags]
    yield list(tags)
    for row in back.rows():
        yield ["" if place is None else row[place] for place in order]
    back.tell(writing)


def _order(columns: Sequence[str]) -> list[int | None]:
    """Which column stands at each place: untagged ones where their name says, the rest around."""
    fixed = {
        int(column.removeprefix("column ")): number
        for number, column in enumerate(columns)
        if column.startswith("column ")
    }
    free = [number for number in range(len(columns)) if number not in fixed.values()]
    found: list[int | None] = []
    while free or any(place > len(found) for place in fixed):
        place = len(found) + 1
        found.append(fixed[place] if place in fixed else free.pop(0) if free else None)
    return found


_PATH = re.compile(r"(#[a-z0-9_+]+)( [2-9]| [1-9][0-9]{1,3})?|column [1-9][0-9]{0,4}")


def check_paths(plan: Plan) -> None:
    """A mapping of another spelling would find nothing, and nobody would hear about it."""
    for slot in plan.levels()[None]:
        match = _PATH.fullmatch(slot)
        found = hashtag(match[1]) if match and match[1] else None
        if match is None or (match[1] and (found is None or normal(found) != match[1])):
            raise SenderError(
                "the mapping names a column that is no hashtag in lower case with its attributes "
                "sorted, and no `column 4`",
                rule="mapping.no_hashtag",
            )
