"""The header of a table: which column fills which line of the mapping."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.errors import SenderError
from gateway.mapping import Reader
from gateway.record import Reading
from gateway.source.cells import Wrong, shown, unguarded
from gateway.source.rows import Rows

_TAG = re.compile(r"\s*#[A-Za-z]\w*(\s*\+[A-Za-z]\w*)*\s*")


def plain(cells: list[Any]) -> bool:
    """Whether a row has any cell with more than white space: the usual header."""
    return any(shown(cell).strip() for cell in cells)


@dataclass(frozen=True, slots=True)
class Header:
    """The columns that the mapping reads, and how each may be called."""

    rows: Rows
    number: int
    """Of its row."""
    keys: tuple[tuple[int, str], ...]
    """Column from 0, and its name."""
    names: tuple[tuple[str, str], ...]
    """Name, and what to show for it."""

    def row(self, cells: list[Any], number: int) -> dict[str, Any]:
        """The source object of a row. A column without a cell is an empty text."""
        there = len(cells)
        found: dict[str, Any] = {}
        for column, key in self.keys:
            cell = cells[column] if column < there else ""
            if cell.__class__ is str:
                cell = unguarded(cell)
            elif isinstance(cell, Wrong):
                at = self.rows.place(number, column + 1)
                raise SenderError(cell.problem, rule=cell.rule, at=at)
            found[key] = cell
        return found

    def shown(self, key: str) -> str:
        """How lineage calls a column."""
        return dict(self.names).get(key, "?")


def header_of(rows: Rows, reader: Reader, reading: Reading, *, wanted: int | None) -> Header:
    """The header, read. `reading` is told of the columns that the mapping does not name.

    A header that the mapping does not write is told by its place: where a file has no header,
    its first row is somebody's data.
    """
    number, cells = _row(rows, wanted)
    texts = list(_texts(rows, number, cells))
    rows.begin(number, len(texts))
    written = reader.plan.levels()[None] | reader.plan.left
    keys: dict[str, int] = {}
    names: dict[str, str] = {}
    seen: set[str] = set()
    for column, text in enumerate(texts, 1):
        name = text if text in written else rows.column(column)
        if not text or not reader.names(text):
            reading.unmapped.add(name)
            if text and text in seen:
                reading.repeated.add(name)
        elif text in seen:
            at = rows.place(number, column)
            raise SenderError("a mapped column stands twice", rule="table.column_twice", at=at)
        else:
            keys[text], names[text] = column - 1, name
        seen.add(text)
    return Header(
        rows,
        number,
        tuple((column, key) for key, column in keys.items()),
        tuple(names.items()),
    )


def check_no_hashtags(cells: list[Any], number: int) -> None:
    """A row of nothing but HXL hashtags is not a record, and not a header of a plain table."""
    filled = [cell for cell in cells if cell != ""]
    if all(isinstance(cell, str) and _TAG.fullmatch(cell) for cell in filled):
        at = f"row {number}"
        raise SenderError("HXL hashtags: a table for `hxl`", rule="table.hashtags", at=at)


def _row(rows: Rows, wanted: int | None) -> tuple[int, list[Any]]:
    for number, cells in rows:
        if plain(cells) if wanted is None else number == wanted:
            return number, cells
        if wanted is not None and number > wanted:
            break
    raise SenderError("no header", rule="table.no_header")


def _texts(rows: Rows, number: int, cells: list[Any]) -> Iterator[str]:
    check_no_hashtags(cells, number)
    for column, cell in enumerate(cells, 1):
        if isinstance(cell, Wrong):
            raise SenderError(cell.problem, rule=cell.rule, at=rows.place(number, column))
        yield unguarded(shown(cell).strip())
