"""Tables being written, row by row, in bounded memory: CSV and its like, and XLSX.

Texts are written as `cells.guarded` makes them. In XLSX every text is a text, never a formula or
a link. The same rows give the same bytes: there is no date and no name of an author in them.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gateway.errors import SenderError
from gateway.source.cells import COLUMNS, ROWS, guarded, letters

Cell = str | int | float
"""A text; `""` is an empty cell. Numbers are finite."""

CHUNK = 64 << 10
LONGEST = 32_767
"""Characters a cell of XLSX holds. Programs cut what is longer without a word."""

LARGEST = (1 << 31) - (1 << 24)
"""Bytes a sheet unpacks to. Beyond it ZIP changes in a way that not every program reads."""


def delimited(rows: Iterable[Sequence[Cell]], delimiter: str = ",") -> Iterator[bytes]:
    """UTF-8 without a mark, lines ended by CR LF (RFC 4180)."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    for row in rows:
        _check_width(row)
        writer.writerow([guarded(cell) if isinstance(cell, str) else repr(cell) for cell in row])
        if out.tell() > CHUNK:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def workbook(rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """An XLSX file with one sheet. Raises `SenderError` where one cannot hold the rows."""
    return workbook_of([("Records", rows)])


def workbook_of(sheets: Sequence[tuple[str, Iterable[Sequence[Cell]]]]) -> Iterator[bytes]:
    """An XLSX file with these sheets, by name; the rows of each are walked once, in turn."""
    sink = _Sink()
    packed = ZipFile(sink, "w", ZIP_DEFLATED)
    for name, text in _parts([name for name, _ in sheets]).items():
        packed.writestr(_info(name), text.encode(), ZIP_DEFLATED)
    for place, (_, rows) in enumerate(sheets, 1):
        yield from _sheet(packed, sink, place, rows)
    packed.close()
    yield sink.taken()


def _sheet(
    packed: ZipFile, sink: "_Sink", place: int, rows: Iterable[Sequence[Cell]]
) -> Iterator[bytes]:
    with packed.open(_info(f"{_SHEET}{place}.xml"), "w") as part:
        size = part.write(_SHEET_START)
        for number, row in enumerate(rows, 1):
            _check_width(row)
            size += part.write(_row(number, row))
            if number > ROWS or size > LARGEST:
                raise SenderError("more than one sheet holds: ask for CSV", rule="table.too_large")
            if sink.size > CHUNK:
                yield sink.taken()
        part.write(_SHEET_END)


def _check_width(row: Sequence[Cell]) -> None:
    if len(row) > COLUMNS:
        raise SenderError("more columns than a table has", rule="table.too_many_columns")


def _row(number: int, cells: Sequence[Cell]) -> bytes:
    found = [f'<row r="{number}">']
    for column, cell in enumerate(cells, 1):
        place = f"{letters(column)}{number}"
        if not isinstance(cell, str):
            found.append(f'<c r="{place}"><v>{cell!r}</v></c>')
        elif cell:
            text = guarded(cell)
            if len(text) > LONGEST:
                at = f"row {number}, column {letters(column)}"
                raise SenderError("too long for a sheet", rule="table.cell_too_long", at=at)
            found.append(
                f'<c r="{place}" t="inlineStr"><is>'
                f'<t xml:space="preserve">{_escaped(text)}</t></is></c>'
            )
    found.append("</row>")
    return "".join(found).encode()


_SPECIAL = re.compile("[&<>\0-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


def _escaped(text: str) -> str:
    # `ST_Xstring`: what XML cannot hold is written `_x001F_`, and so is an underscore before it.
    return _SPECIAL.sub(lambda match: _NAMED.get(match[0]) or f"_x{ord(match[0]):04X}_", text)


def _info(name: str) -> ZipInfo:
    info = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = ZIP_DEFLATED
    info.create_system = 3
    return info


class _Sink:
    """Where the ZIP library writes. It cannot be sought in, so nothing is written twice."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        self.size += len(part)
        return len(part)

    def flush(self) -> None:
        """Nothing to do: `taken` empties it."""

    def close(self) -> None:
        """Nothing to do."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        found = b"".join(self._parts)
        self._parts.clear()
        self.size = 0
        return found


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SHEET = "xl/worksheets/sheet"


def _parts(names: Sequence[str]) -> dict[str, str]:
    """Every part but the sheets of these names."""
    places = list(enumerate(names, 1))
    types = "".join(
        f'<Override PartName="/{_SHEET}{place}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for place, _ in places
    )
    sheets = "".join(
        f'<sheet name="{_escaped(name)}" sheetId="{place}" r:id="rId{place}"/>'
        for place, name in places
    )
    relations = "".join(
        f'<Relationship Id="rId{place}" Type="{_OFFICE}/worksheet" '
        f'Target="worksheets/sheet{place}.xml"/>'
        for place, _ in places
    )
    return {
        "[Content_Types].xml": _XML + f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f"{types}</Types>",
        "_rels/.rels": _XML + f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": _XML + f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f"<sheets>{sheets}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _XML
        + f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>',
    }


_SHEET_START = (_XML + f'<worksheet xmlns="{_MAIN}"><sheetData>').encode()
_SHEET_END = b"</sheetData></worksheet>"
