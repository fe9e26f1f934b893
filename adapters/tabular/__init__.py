"""Tables: CSV, TSV, and XLSX, one object a row. What the columns mean is the mapping's business.

    Case No,Given Name,Sex,Notes
    A-0017,Amina,F,

The way in for systems that export tables and publish no format: SCOPE, RAIS, LMMS, RedRose. The
header is the first row with anything in it, unless the mapping's `table` says which row, which
sheet, which delimiter, which encoding. A column's name is its header without white space around
it. Each column is read by a line of the mapping or listed as unmapped: by its name where the
mapping's `left` has it, else by its place, for a header nobody knows may be somebody's name.

A row of HXL hashtags is refused: such a table is for the adapter `hxl`, which reads it with a
mapping too. A second row of labels cannot be told from data: `table.first_row` says where data
begin.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO, ClassVar

from adapters.tabular.back import Back
from adapters.tabular.header import Header, check_no_hashtags, header_of, plain
from gateway.errors import SenderError
from gateway.mapping import Plan, Reader, reader_of
from gateway.record import Reading, Record, Writing
from gateway.source.rows import Rows
from gateway.source.tables import delimited, workbook

FAMILY = "tabular"


class Tabular:
    """Writes CSV. Needs a mapping in both directions."""

    name: ClassVar[str] = "tabular"
    version: ClassVar[str] = "1"
    media_type: ClassVar[str] = "text/csv"
    record_types: ClassVar[frozenset[str] | None] = None

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """Any of the notations, told apart by the first bytes."""
        plan = needed(mapping, self.name)
        said = said_of(plan)
        wanted = said.get("header_row")
        rows = Rows(
            content,
            sheet=said.get("sheet"),
            encoding=said.get("encoding"),
            delimiter=said.get("delimiter"),
            header=lambda number, cells: plain(cells) if wanted is None else number == wanted,
        )
        reader = reader_of(plan)
        header = header_of(rows, reader, reading, wanted=wanted)
        first = max(said.get("first_row", 0), header.number + 1)
        begun = False
        rows.skip = reading.skip
        for number, cells in rows:
            if number < first:
                continue
            if not begun:
                check_no_hashtags(cells, number)
                begun = True
            yield from reading.sound(partial(_records, reader, header, cells, number))
        reading.lineage.update(reader.trace(header.shown).lineage)

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        """One row for each record of the mapping's first type."""
        back = Back(needed(mapping, self.name), records)
        yield from self._written(back.table())
        back.tell(writing)

    def divided(self, start: bytes, mapping: Plan | None) -> str | None:
        """Rows of CSV in UTF-8 whose header is on the first line."""
        said = said_of(needed(mapping, self.name))
        usual = {"header_row", "first_row", "encoding", "sheet"}.isdisjoint(said)
        odd = (b"PK", b"\xff\xfe", b"\xfe\xff", b"sep=", b"\xef\xbb\xbfsep=")
        return "rows" if usual and not start.startswith(odd) else None

    def seams(self, mapping: Plan | None) -> tuple[bytes, bytes, bytes] | None:
        """Every file begins with the header."""
        header = b"".join(self.render((), mapping, Writing()))
        return header, b"", b""

    def _written(self, rows: Iterable[list[Any]]) -> Iterator[bytes]:
        return delimited(rows)


class TabularTsv(Tabular):
    """The same with tabs."""

    name = "tabular.tsv"
    media_type = "text/tab-separated-values"

    def _written(self, rows: Iterable[list[Any]]) -> Iterator[bytes]:
        return delimited(rows, "\t")


class TabularXlsx(Tabular):
    """The same as a workbook with one sheet. Every cell is a text."""

    def seams(self, mapping: Plan | None) -> tuple[bytes, bytes, bytes] | None:
        """A workbook is no list of anything."""
        return None

    name = "tabular.xlsx"
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def _written(self, rows: Iterable[list[Any]]) -> Iterator[bytes]:
        return workbook(rows)


def _records(reader: Reader, header: Header, cells: list[Any], number: int) -> list[Record]:
    return reader.read(header.row(cells, number), at=f"row {number}")


def needed(mapping: Plan | None, name: str) -> Plan:
    """The mapping, made for this adapter or its family: one for `tabular` serves `tabular.xlsx`."""
    if mapping is None:
        raise SenderError(f"{name} needs a mapping", rule="mapping.missing")
    if name != mapping.format and not name.startswith(f"{mapping.format}."):
        raise SenderError("the mapping is for another format", rule="mapping.other_format")
    return mapping


def said_of(plan: Plan) -> Mapping[str, Any]:
    """What the mapping says of tables: `sheet`, `header_row`, `first_row`, `encoding`, ..."""
    found: Mapping[str, Any] = plan.document.get("table", {})
    return found
