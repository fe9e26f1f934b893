"""Rows of a table: CSV with comma, tab, semicolon or bar, and XLSX. Read once, in bounded memory.

    rows = Rows(content)
    number, header = next(iter(rows))
    rows.begin(number, len(header))
    for number, cells in rows:
        ...

What the file is shows in its first bytes; which character separates, in its header. Nothing is
guessed: a header that reads two ways is refused, and so is any encoding but UTF-8, or UTF-16 that
says so, until somebody names it. Rows without any cell filled are passed over, but counted.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from gateway.errors import SenderError
from gateway.source.cells import CELL, letters
from gateway.source.sheet import Bounds, sheet_rows
from gateway.source.workbook import Workbook

Row = tuple[int, list[Any]]
"""Its number from 1, as a spreadsheet shows it, and its cells. Of CSV every cell is a text. Of
XLSX also `int`, `Decimal`, `bool`, and `cells.Wrong`; days are ISO texts. No value is ``."""

ENCODINGS = (
    "utf-8", "utf-16", "iso-8859-1", "iso-8859-6", "iso-8859-15",
    "windows-1250", "windows-1251", "windows-1252", "windows-1256",
)  # fmt: skip
"""What a caller may name. Without a name only the first two are read."""

DELIMITERS = (",", "\t", ";", "|")
SEARCHED = 25
"""Rows in which the header must stand."""

ROW = 16 << 20
"""Characters of one row, which an unclosed quote would make as long as the file."""

# The module's limit is one for the whole process, and too low for a text of 1 MiB.
csv.field_size_limit(ROW)

Judge = Callable[[int, list[str]], bool]
"""Whether the row of this number is the header."""


def filled(number: int, cells: list[str]) -> bool:
    """Whether a row has any cell with more than white space: the usual header."""
    return any(map(str.strip, cells))


class Rows:
    """One table being read. Raises `SenderError` with place and rule at any step."""

    def __init__(
        self,
        content: BinaryIO,
        *,
        sheet: str | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        header: Judge = filled,
    ) -> None:
        """`header` says by which of the first rows the delimiter is found."""
        start = content.read(64)
        content.seek(0)
        self.lettered = _is_workbook(start)
        """Whether columns are named as spreadsheets name them."""
        self.skip: Callable[[SenderError], None] | None = None
        """Told of rows that are too long, which are passed over then."""
        self._bounds = Bounds()
        if self.lettered:
            self._rows = sheet_rows(Workbook(content), sheet, self._bounds)
        else:
            encoding = _encoding(start, encoding)
            self._rows = _delimited(content, start, encoding, delimiter, header)

    def __iter__(self) -> Iterator[Row]:
        for number, cells in self._rows:
            if len(cells) > self._bounds.width:
                rule = "table.row_length" if self._bounds.header else "table.too_many_columns"
                error = SenderError("more cells than columns", rule=rule, at=f"row {number}")
                if self.skip is None:
                    raise error
                self.skip(error)
                continue
            yield number, cells

    def begin(self, header: int, width: int) -> None:
        """Say which row is the header and how many cells it has. A longer row is refused then."""
        self._bounds.header, self._bounds.width = header, width

    def place(self, row: int, column: int | None = None) -> str:
        """`row 7, column C`, or `row 7, column 3` where the file names no columns. From 1."""
        if column is None:
            return f"row {row}"
        return f"row {row}, {self.column(column)}"

    def column(self, column: int) -> str:
        """`column C`, or `column 3`. From 1."""
        return f"column {letters(column) if self.lettered else column}"


def _is_workbook(start: bytes) -> bool:
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise SenderError(
            "an old workbook (.xls), or one with a password: save it as .xlsx without",
            rule="table.xls",
        )
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<?xml", b"<html", b"<!doctype")):
        raise SenderError("XML or HTML, whatever its name says", rule="table.markup")
    return start.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def _encoding(start: bytes, named: str | None) -> str:
    if named is not None and named not in ENCODINGS:
        raise SenderError("an encoding that is not read", rule="table.encoding")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) and named in (None, "utf-16"):
        return "utf-16"
    if named == "utf-16":
        raise SenderError("UTF-16 without its mark", rule="table.encoding")
    return "utf-8-sig" if named in (None, "utf-8") else named


def _delimited(
    content: BinaryIO, start: bytes, encoding: str, delimiter: str | None, header: Judge
) -> Iterator[Row]:
    said = _SAID.match(start.decode(encoding, "ignore"))
    if delimiter is None:
        delimiter = said[1] if said else _delimiter(content, encoding, header)
    content.seek(0)
    for number, cells in _parsed(content, encoding, delimiter):
        if any(cells) and not (said and number == 1):
            yield number, cells


_SAID = re.compile("sep=([,\t;|])[\r\n]")
"""Excel's own way to name the delimiter: a line before the table."""


def _delimiter(content: BinaryIO, encoding: str, header: Judge) -> str:
    """The only character by which the header falls into several cells; a comma if there is none."""
    found: list[str] = []
    broken: SenderError | None = None
    sound = False
    for delimiter in DELIMITERS:
        content.seek(0)
        try:
            cells = _header(_parsed(content, encoding, delimiter), header)
        except SenderError as error:
            broken = broken or error
            continue
        sound = True
        if len(cells) > 1:
            found.append(delimiter)
    if broken and not sound:
        raise broken
    if len(found) > 1:
        raise SenderError("a header that more than one delimiter divides", rule="table.delimiter")
    return found[0] if found else ","


def _header(rows: Iterator[Row], header: Judge) -> list[str]:
    for number, cells in rows:
        if header(number, cells):
            return cells
        if number == SEARCHED:
            break
    return []


def _parsed(content: BinaryIO, encoding: str, delimiter: str) -> Iterator[Row]:
    text = io.TextIOWrapper(content, encoding, errors="strict", newline="")
    lines = _Lines(text)
    number = 1
    try:
        for number, cells in enumerate(csv.reader(lines, strict=True, delimiter=delimiter), 1):
            if lines.taken > CELL and max(map(len, cells)) > CELL:
                raise SenderError("too long", rule="table.cell_too_long", at=f"row {number}")
            lines.taken = 0
            lines.row = number + 1
            yield number, cells
    except UnicodeDecodeError:
        problem = "not in the encoding it should be in (UTF-8, unless its mapping says another)"
        raise SenderError(problem, rule="table.encoding", at=f"row {number} or later") from None
    except csv.Error:
        problem = "a quote that is not closed, or text behind one"
        raise SenderError(problem, rule="table.quotes", at=f"row {lines.row}") from None
    finally:
        if not content.closed:
            text.detach()


class _Lines:
    """The lines of a text, none of them endless."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.row = 1
        self.taken = 0
        """Characters of the row so far."""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(ROW + 1)
        self.taken += len(line)
        if not line:
            raise StopIteration
        if self.taken > ROW:
            problem = "too long: perhaps a quote that is not closed"
            raise SenderError(problem, rule="table.row_too_long", at=f"row {self.row}")
        if "\0" in line:
            problem = "a NUL character: perhaps UTF-16 without its mark"
            raise SenderError(problem, rule="table.nul", at=f"row {self.row}")
        return line
