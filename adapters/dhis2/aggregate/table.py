"""Data values as CSV: ten columns, or by the names in the header.

    "dataelement","period","orgunit","categoryoptioncombo","attributeoptioncombo","value",...

Servers go by the place of a column; so a header may use the short names of their manual or the
words people see. With a header this goes by name, whatever the order.
There is no place for a data set, and an empty cell cannot be told from no value.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from adapters.dhis2.aggregate.dxf import refuse_categories
from adapters.dhis2.aggregate.shared import Shared
from adapters.dhis2.aggregate.value import IDENTITY, DataValue, named
from adapters.flat.reading import shown
from gateway.errors import SenderError
from gateway.record import Reading
from gateway.source.cells import CELL, unguarded
from gateway.source.rows import Rows
from gateway.source.tables import delimited

COLUMNS = (
    "dataElement",
    "period",
    "orgUnit",
    "categoryOptionCombo",
    "attributeOptionCombo",
    "value",
    "storedBy",
    "timestamp",
    "comment",
    "followup",
)
_LEAST = 6
"""Columns without which there is no value."""
_ELEVENTH = "deleted"
"""What servers since 2.36 export behind the columns they read."""
_LATER = ("lastUpdated", _ELEVENTH, "created")
_TITLES = {name.lower() for name in IDENTITY}
_BY_NAME = {name.lower(): name for name in (*COLUMNS, *_LATER)}
_BY_OTHER_NAME = {
    "organisationunit": "orgunit",
    "catoptcombo": "categoryoptioncombo",
    "attroptcombo": "attributeoptioncombo",
    "strby": "storedby",
    "lstupd": "lastupdated",
    "lastupd": "lastupdated",
    "cmt": "comment",
}
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def read(content: BinaryIO, reading: Reading) -> Iterator[DataValue]:
    """Every data value. Raises `SenderError` for another table."""
    rows = Rows(content, delimiter=",")
    names: list[str] = []
    if rows.lettered:
        raise SenderError("a workbook: save it as CSV", rule="dhis2.not_data_values")
    for number, cells in rows:
        at = f"row {number}"
        if not names:
            texts = [_title(str(cell)) for cell in cells]
            titled = texts[0] == "dataelement" or _TITLES.issubset(texts)
            names = _titles(texts, at) if titled else _untitled(cells, at)
            rows.begin(number, len(names))
            if titled:
                continue
        found = {
            name: unguarded(cell) for name, cell in zip(names, cells, strict=False) if cell != ""
        }
        yield DataValue(named(found, at=at), at=at)
    if not names:
        raise SenderError("there is no content", rule="table.no_header")


def _title(cell: str) -> str:
    """A heading in the spelling of servers: `Category option combo` is `categoryoptioncombo`."""
    text = cell.strip().lower()
    joined = _BETWEEN_WORDS.sub("", text)
    joined = _BY_OTHER_NAME.get(joined, joined)
    return joined if joined in _BY_NAME else text


def _titles(texts: list[str], at: str) -> list[str]:
    if len(set(texts)) < len(texts):
        raise SenderError("a column stands twice", rule="table.column_twice", at=at)
    missing = [name for name in IDENTITY if name.lower() not in texts]
    if missing:
        raise SenderError("a column is missing", rule="dhis2.columns", at=f"{at}, {missing[0]}")
    return [
        _BY_NAME.get(text, text if shown(text) == text else f"column-{number}")
        for number, text in enumerate(texts, 1)
    ]


def _untitled(cells: list[Any], at: str) -> list[str]:
    columns = (*COLUMNS, _ELEVENTH)
    if not _LEAST <= len(cells) <= len(columns):
        raise SenderError(
            "without a header, a table of data values has six to eleven columns",
            rule="dhis2.columns",
            at=at,
        )
    return list(columns[: len(cells)])


def kept(one: DataValue, shared: Shared) -> DataValue:
    """What CSV can hold of a data value."""
    refuse_categories(one)
    if one.fields.get("deleted") == "true":
        raise SenderError(
            "a deleted value, which CSV would bring back", rule="dhis2.deleted", at=one.at
        )
    names = {named_column(name) for name in COLUMNS}
    fields = {
        key: value
        for key, value in one.fields.items()
        if key in names and value and (_fits(value) or key in IDENTITY)
    }
    if not all(_fits(fields[key]) for key in IDENTITY):
        raise SenderError("a character CSV cannot hold", rule="table.nul", at=one.at)
    return DataValue(fields, at=one.at)


def named_column(name: str) -> str:
    """The name of JSON for a column."""
    return {"timestamp": "lastUpdated", "followup": "followUp"}.get(name, name)


def _fits(text: str) -> bool:
    return len(text) < CELL and "\0" not in text


def csv_written(values: Iterable[DataValue], shared: Shared) -> Iterator[bytes]:
    """The table with its header."""
    yield from delimited(_rows(values))


def _rows(values: Iterable[DataValue]) -> Iterator[list[str]]:
    yield [name.lower() for name in COLUMNS]
    for one in values:
        yield [one.fields.get(named_column(name), "") for name in COLUMNS]
