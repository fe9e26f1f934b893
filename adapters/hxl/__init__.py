"""HXL 1.1: tables with a row of hashtags above the data. CSV and its like, XLSX, and JSON.

    type,id,surname,phone number
    #meta+record+type,#meta+id,#beneficiary+name+family,#contact+phone
    person,demo.example/p1,...

Which leaf has which hashtag is said by `x-hxl` in the schemas, and nowhere else. An array of
texts repeats its column; the columns of one item of an array of objects share an attribute
`+i1`, `+i2`, and those of an item within it `+i1+j1`. A table of several record types has the
columns of all of them.

A file without a column for the record type is refused, however familiar its other columns
look: most HXL tables are aggregates, and a count of people must never be read as a person.
With a mapping any HXL table is read, as the mapping says (`adapters/hxl/mapped.py`).

The reader is our own, and stricter than libhxl, which drops columns whose hashtag is
misspelled: here they are refused by place. libhxl is the judge in the tests.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, ClassVar

import orjson

from adapters.hxl import mapped, parse, render
from adapters.hxl.table import table_of
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import RECORD_TYPES, Reading, Record, Writing
from gateway.source.cells import CELL
from gateway.source.tables import LONGEST, Cell, delimited, workbook


class Hxl:
    """Writes CSV."""

    name: ClassVar[str] = "hxl"
    version: ClassVar[str] = "2"
    media_type: ClassVar[str] = "text/csv"
    record_types: ClassVar[frozenset[str] | None] = frozenset(RECORD_TYPES)

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """Any of the notations, told apart by the first bytes."""
        if mapping is None:
            yield from parse.records(table_of(content), reading)
            return
        _check(mapping, self.name)
        said = mapping.document.get("table", {})
        table = table_of(
            content,
            sheet=said.get("sheet"),
            encoding=said.get("encoding"),
            delimiter=said.get("delimiter"),
        )
        yield from mapped.records(table, mapping, reading)

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        """With a mapping, its hashtags; without, those of the schemas."""
        if mapping is None:
            yield from self._written(render.table(records, writing, self._fits))
        else:
            _check(mapping, self.name)
            yield from self._written(mapped.rows(mapping, records, writing))

    def _written(self, rows: Iterable[list[Cell]]) -> Iterator[bytes]:
        return delimited(rows)

    def _fits(self, text: str) -> bool:
        return len(text) < CELL and "\0" not in text


class HxlXlsx(Hxl):
    """The same as a workbook with one sheet. Numbers are texts: libhxl loses a 0 that is none."""

    name = "hxl.xlsx"
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def _written(self, rows: Iterable[list[Cell]]) -> Iterator[bytes]:
        texts = ([cell if isinstance(cell, str) else repr(cell) for cell in row] for row in rows)
        return workbook(texts)

    def _fits(self, text: str) -> bool:
        return len(text) < LONGEST and "\0" not in text


class HxlJson(Hxl):
    """The same as JSON: an array of rows, each an array of cells."""

    name = "hxl.json"
    media_type = "application/json"

    def _written(self, rows: Iterable[list[Cell]]) -> Iterator[bytes]:
        before = b"["
        for row in rows:
            yield before + orjson.dumps(row)
            before = b",\n"
        yield b"]"

    def _fits(self, text: str) -> bool:
        return True


def _check(mapping: Plan, name: str) -> None:
    if name != mapping.format and not name.startswith(f"{mapping.format}."):
        raise SenderError("the mapping is for another format", rule="mapping.other_format")
