"""The CSV export: the top-level fields of each record, a column for each. It has no subforms.

Primero puts an apostrophe before what a spreadsheet would take for a formula (`'+254 ...`), and
writes a multi-select as its list (`["a", "b"]`); both are read as what they were.
"""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from adapters.flat.reading import Found
from adapters.primero.fields import Objects
from gateway.errors import SenderError
from gateway.mapping import reader_of
from gateway.source.rows import Rows

_ESCAPED = re.compile(r"'[\ufeff\x00-\x1f\x7f\s]*[=+\-@|%]")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def records(content: BinaryIO, made: Objects) -> Iterator[Found]:
    """Every row, flat. A cell is text as it stands, so that numbers keep their zeros."""
    if content.read(4) in _ZIP:
        raise SenderError(
            "a workbook, or an export under a password: unpack it and send CSV or JSON",
            rule="primero.zip",
        )
    content.seek(0)
    rows = Rows(content)
    number, cells = next(iter(rows), (1, []))
    at = rows.place(number)
    header = _header(cells, at)
    rows.begin(number, len(header))
    known = any(map(reader_of(made.plan).names, header))
    for number, cells in rows:
        at = rows.place(number)
        if not known:
            break
        if any(cell for name, cell in zip(header, cells, strict=False) if not name):
            made.left.add("?")  # a column without a name
        row = {name: _value(cell) for name, cell in zip(header, cells, strict=False) if name}
        yield from made(row, at=at)
    if not known and _hashtags(cells):
        raise SenderError("a table with HXL hashtags", rule="primero.hxl", at=at)
    if not known:
        raise SenderError("no column that the mapping reads", rule="primero.not_records", at=at)


def _value(cell: str) -> Any:
    if _ESCAPED.match(cell):
        return cell[1:]
    if cell == "[]" or (cell.startswith('["') and cell.endswith('"]')):
        try:
            choices = orjson.loads(cell)
        except orjson.JSONDecodeError:
            return cell
        return choices if all(isinstance(one, str) for one in choices) else cell
    return cell


def _hashtags(cells: list[Any]) -> bool:
    filled = list(filter(None, cells))
    return bool(filled) and all(cell.startswith("#") for cell in filled)


def _header(cells: list[Any], at: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    given = [name for name in names if name]
    if len(set(given)) < len(given):
        raise SenderError("two columns of one name", rule="primero.column_twice", at=at)
    return names
