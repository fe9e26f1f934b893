"""Rows of one sheet of an XLSX workbook, cell by cell."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateway.errors import SenderError
from gateway.source.cells import (
    CELL,
    COLUMNS,
    ERROR,
    FORMULA,
    NO_DAY,
    ROWS,
    Wrong,
    day,
    letters,
    number,
)
from gateway.source.markup import Element, local
from gateway.source.workbook import Sheet, Texts, Workbook, plain, sound, unescaped

Row = tuple[int, list[Any]]


@dataclass(slots=True)
class Bounds:
    """Where a table stands in its rows, once somebody has found out."""

    header: int = 0
    """Number of the row of the header; 0 before it is found."""
    width: int = COLUMNS
    """Cells a row may have."""


def sheet_rows(workbook: Workbook, name: str | None, bounds: Bounds) -> Iterator[Row]:
    """Rows with any cell filled of the sheet of this name, or of the only visible one with any."""
    sheet = _sheet(workbook, name)
    cells = _Cells(workbook.texts(), workbook.formats(), from_1904=workbook.from_1904)
    with sound():
        yield from _rows(workbook, sheet, cells, bounds)


def _sheet(workbook: Workbook, name: str | None) -> Sheet:
    if name is not None:
        for sheet in workbook.sheets:
            if sheet.name == name:
                return sheet
        raise SenderError("no sheet of the name the mapping says", rule="table.no_sheet")
    visible = [sheet for sheet in workbook.sheets if not sheet.hidden]
    found = [sheet for sheet in visible if len(visible) == 1 or _has_cells(workbook, sheet)]
    if not found:
        raise SenderError("no visible sheet has anything on it", rule="table.empty")
    if len(found) > 1:
        raise SenderError("several sheets, and no mapping names one", rule="table.several_sheets")
    return found[0]


def _has_cells(workbook: Workbook, sheet: Sheet) -> bool:
    tags = ("v", "is", "f")
    return any(True for _ in workbook.elements(sheet.part, tags))


def _rows(workbook: Workbook, sheet: Sheet, cells: "_Cells", bounds: Bounds) -> Iterator[Row]:
    last = filled = 0
    for element in workbook.elements(sheet.part, ("row", "mergeCell")):
        if local(element) == "mergeCell":
            # They stand behind the rows, so this comes when all of them are read.
            _check_merged(element.get("ref", ""), filled, bounds)
            continue
        said = element.get("r")
        found = int(said) if said else last + 1
        if not last < found <= ROWS:
            raise SenderError("rows out of order", rule="table.workbook", at=f"row {last}")
        last = found
        row = cells.of(element, last)
        if row:
            filled = last
            yield last, row


_RANGE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}:[A-Z]{1,3}([0-9]{1,7})")


def _check_merged(ref: str, filled: int, bounds: Bounds) -> None:
    """Titles may be merged. Below them one value would stand for several rows or columns."""
    match = _RANGE.fullmatch(ref)
    if match is None:
        raise SenderError("a damaged workbook", rule="table.workbook")
    below = 0 < bounds.header < int(match[2]) <= filled
    if below and column_of(match[1]) <= bounds.width:
        at = f"row {match[2]}, column {match[1]}"
        raise SenderError("merged cells among the data", rule="table.merged", at=at)


@lru_cache(COLUMNS)
def column_of(name: str) -> int:
    """The number of a column by its letters; 0 where they are none."""
    found = 0
    for letter in name[:4]:
        if not "A" <= letter <= "Z":
            return 0
        found = found * 26 + ord(letter) - ord("A") + 1
    return found


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,15}Z?)?|[0-9]{2}:[0-9]{2}(:[0-9.]+)?")


class _Cells:
    """Turns the cells of a row into values."""

    def __init__(self, texts: Texts, formats: list[str], *, from_1904: bool) -> None:
        self._texts = texts
        self._formats = formats
        self._from_1904 = from_1904
        self._kinds: Mapping[str, Callable[[str, str], Any]] = {
            "s": self._shared,
            "n": self._number,
            "str": lambda text, style: unescaped(text),
            "b": lambda text, style: {"1": True, "0": False}[text],
            "e": lambda text, style: ERROR,
            "d": self._day,
        }

    def of(self, element: Element, number: int) -> list[Any]:
        """The cells up to the last one filled, `""` where there is none."""
        found: list[Any] = []
        column = 0
        row = str(number)
        for cell in element:
            said = cell.get("r")
            column = _column(said, row, column) if said else column + 1
            value = self._value(cell)
            if value == "":
                continue
            if value.__class__ is str and len(value) > CELL:
                at = f"row {row}, column {letters(column)}"
                raise SenderError("too long", rule="table.cell_too_long", at=at)
            if column > COLUMNS:
                raise _damaged(row)
            found += [""] * (column - 1 - len(found))
            found.append(value)
        return found

    def _value(self, cell: Element) -> Any:
        kind = cell.get("t", "n")
        text: str | None = None
        formula = False
        for child in cell:
            name = child.tag
            if name.endswith("}v"):
                text = child.text
            elif name.endswith("}is"):
                text = plain(child)
            elif name.endswith("}f"):
                formula = True
        if text is None:
            return FORMULA if formula and kind != "str" else ""
        return text if kind == "inlineStr" else self._kinds[kind](text, cell.get("s", "0"))

    def _shared(self, text: str, style: str) -> str:
        return self._texts[int(text)]

    def _number(self, text: str, style: str) -> Any:
        place = int(style)
        shown = self._formats[place] if place < len(self._formats) else "number"
        if shown in ("date", "clock"):
            return day(text, from_1904=self._from_1904, clock=shown == "clock")
        return number(text)

    def _day(self, text: str, style: str) -> str | Wrong:
        return text if _DAY.fullmatch(text) else NO_DAY


def _column(said: str, row: str, last: int) -> int:
    """The column of a cell that says its place. Raises `SenderError` where that cannot be."""
    name = said.rstrip("0123456789")
    column = column_of(name)
    if not last < column <= COLUMNS or said[len(name) :] != row:
        raise _damaged(row)
    return column


def _damaged(row: str) -> SenderError:
    return SenderError("cells out of order", rule="table.workbook", at=f"row {row}")
