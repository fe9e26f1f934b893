"""HOPE's workbooks, row by row: `Households` and `Individuals`, `People`, or a payment list.

The first row holds names of fields. In the sheets of a registration the second is for people: it
is empty, or holds labels that end with a type (`Birth date - DATE - required`); data begin in the
third. A payment list has no labels.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from adapters.flat import reading as flat
from adapters.hope.normal import SEVERAL, forbidden, separated
from gateway.errors import SenderError
from gateway.record import Reading
from gateway.source.cells import ERROR, Wrong, letters, unguarded
from gateway.source.sheet import Bounds, sheet_rows
from gateway.source.workbook import Workbook

HOUSEHOLDS, INDIVIDUALS, PEOPLE = "Households", "Individuals", "People"
PAYMENTS = "Payment Plan - Payment List"
"""What such a sheet is called in what is written. Any name is read: its columns tell it."""

FORM = frozenset(("survey", "choices"))

_OWN = re.compile(r"(pp_)?[A-Za-z]\w*_[hi]_[cf]|(pp|pdu)_\w+|[a-z]+(_[a-z0-9]+)+|age|email|village")
"""Columns as HOPE names them. Another header may be anything, and is told by its place."""

_LABEL = re.compile(r".* - [A-Z][A-Z_]+( - required)?\s*", re.DOTALL)
EXCEL_ERRORS = frozenset(("#VALUE!", "#REF!", "#NAME?", "#DIV/0!", "#N/A", "#NULL!", "#NUM!"))
_ZONE = r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
_MIDNIGHT = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[T ]00:00:00(\.0+)?{_ZONE}")
_MOMENT = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]+)?)?{_ZONE}"
)
_SLASHES = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})( 00:00:00(\.0+)?)?")
TRUTH = frozenset(
    ("consent", "estimated_birth_date", "returnee", "fchild_hoh", "child_hoh", "pregnant")
)
"""Columns in which HOPE takes the texts for what they say, in any letters."""

_SUFFIX = re.compile(r"_[hi]_[cf]\Z")
_HIGHEST_MONTH = 12


At = Callable[[], str]
"""Makes the place of a cell, for an error."""

Reads = Callable[[str, At], str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a plan reads."""

    place: int
    """From 0."""
    key: str
    read: Reads | None


class Table:
    """One sheet, read once."""

    def __init__(self, book: Workbook, sheet: str, *, labels: bool) -> None:
        self._sheet = sheet
        self._labels = labels
        self._rows = sheet_rows(book, sheet, Bounds())
        self.header: dict[str, int] = {}
        """Name of a field to its column, from 0."""
        self.unnamed: list[int] = []
        """Columns without a name, or with one that stands there a second time."""
        self.width = 0
        self._first = self._headed()

    def at(self, number: int, place: int | None = None) -> str:
        """Sheet, row and column, as errors say them."""
        found = f"{self._sheet}, row {number}"
        return found if place is None else f"{found}, column {letters(place + 1)}"

    def column(self, place: int) -> str:
        """A column without a name that could be shown."""
        return f"{self._sheet} column {letters(place + 1)}"

    def __iter__(self) -> Iterator[tuple[int, list[Any]]]:
        """Rows of data with any cell filled, and their numbers."""
        for number, cells in self._rows:
            if self._labels and number == self._first + 1:
                self._check_labels(number, cells)
            elif any(not isinstance(cell, str) or cell.strip() for cell in cells):
                yield number, cells

    def _headed(self) -> int:
        for number, cells in self._rows:
            for place, cell in enumerate(cells):
                name = unguarded(cell).strip() if isinstance(cell, str) else ""
                if name and name not in self.header:
                    self.header[name] = place
                else:
                    self.unnamed.append(place)
            self.width = len(cells)
            return number
        return 0

    def _check_labels(self, number: int, cells: list[Any]) -> None:
        filled = [cell for cell in cells if not isinstance(cell, str) or cell.strip()]
        texts = [cell for cell in filled if isinstance(cell, str)]
        if filled and not (len(texts) == len(filled) and any(map(_LABEL.fullmatch, texts))):
            raise SenderError(
                "the row below the field names is for labels; data begin in the next",
                rule="hope.labels",
                at=self.at(number),
            )


class Cells:
    """Turns rows into flat objects, and tells of every column that nobody reads."""

    def __init__(
        self,
        table: Table,
        mapped: Mapping[str, str],
        reading: Reading,
        prefix: str = "",
        *,
        consumed: frozenset[str] = frozenset(),
    ) -> None:
        """`mapped`: the columns to read, by name, and the key each gets.

        `consumed` are columns that say how the rows belong together: somebody else reads them.
        """
        self._table = table
        self._taken = [
            Column(place, mapped[name], reader_of(name))
            for name, place in table.header.items()
            if name in mapped
        ]
        self._left = {
            place: _told(table, name, place, prefix)
            for name, place in table.header.items()
            if name not in mapped and name not in consumed
        } | {place: table.column(place) for place in table.unnamed}
        self._reading = reading

    def fields(self, number: int, cells: list[Any]) -> dict[str, Any]:
        """The flat object of one row. A cell without a value is an empty text."""
        there = len(cells)
        for place in [one for one in self._left if one < there and not _is_empty(cells[one])]:
            self._reading.unmapped.add(self._left.pop(place))
        for place in range(self._table.width, there):
            if not _is_empty(cells[place]):
                self._reading.unmapped.add(self._table.column(place))
        found: dict[str, Any] = {}
        for column in self._taken:
            cell = cells[column.place] if column.place < there else ""
            if isinstance(cell, Wrong) or cell in EXCEL_ERRORS:
                wrong = cell if isinstance(cell, Wrong) else ERROR
                at = self._table.at(number, column.place)
                raise SenderError(wrong.problem, rule=wrong.rule, at=at)
            found[column.key] = as_text(
                cell, column.read, partial(self._table.at, number, column.place)
            )
        return found


def base_of(key: str) -> str:
    """The field a column is of: `observed_disability` of `pp_observed_disability_i_c`."""
    return _SUFFIX.sub("", key.rsplit("/", 1)[-1].removeprefix("pp_"))


def value_of(key: str, cell: Any, *, at: At) -> Any:
    """A cell as a text: numbers in the digits a person sees, days as days."""
    return as_text(cell, reader_of(key), at)


def as_text(cell: Any, read: Reads | None, at: At) -> str:
    """The same, where it is known how the texts of a column are read."""
    if cell.__class__ is str:
        if not cell or cell.isspace():
            return ""
        text = unguarded(cell)
        return read(text, at) if read else text
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return format(cell, "f") if isinstance(cell, Decimal) else str(cell)


def reader_of(key: str) -> Reads | None:
    """How the texts of a column are read, where they are not just taken."""
    base = base_of(key)
    if base in TRUTH:
        return _truth
    if base in SEVERAL:
        return _several
    if base.endswith("registration_date"):
        return _registered
    return _day if "date" in key.rsplit("/", 1)[-1] else None


def _truth(text: str, at: At) -> str:
    return text.lower() if text.lower() in ("true", "false") else text


def _several(text: str, at: At) -> str:
    return separated(text)


def _registered(text: str, at: At) -> str:
    """The day of a moment as it was written, never moved by a zone."""
    match = _MOMENT.fullmatch(text)
    return match[1] if match else _day(text, at)


def _day(text: str, at: At) -> str:
    if match := _MIDNIGHT.fullmatch(text):
        return match[1]
    match = _SLASHES.fullmatch(text)
    if match is None:
        return text
    first, second = int(match[1]), int(match[2])
    if first != second and max(first, second) <= _HIGHEST_MONTH:
        problem = "a date whose day and month could be exchanged"
        raise SenderError(problem, rule="hope.date_order", at=at())
    month, day = (first, second) if first <= _HIGHEST_MONTH else (second, first)
    return f"{match[3]}-{month:02}-{day:02}"


def _is_empty(cell: Any) -> bool:
    return isinstance(cell, str) and not cell.strip()


def _told(table: Table, name: str, place: int, prefix: str) -> str:
    own = _OWN.fullmatch(name) or forbidden(name)
    shown = flat.shown(prefix + name)
    return shown if own and shown != "?" else table.column(place)


@dataclass(frozen=True, slots=True)
class Found:
    """Which sheets a workbook has for us, by name."""

    households: str | None = None
    individuals: str | None = None
    people: str | None = None
    payments: str | None = None


def sheets_in(book: Workbook) -> Found:
    """The sheets of a registration, or the one of payments. Raises `SenderError` for others."""
    names = {sheet.name.strip(): sheet.name for sheet in book.sheets}
    if names.keys() & {HOUSEHOLDS, PEOPLE}:
        people = names.get(PEOPLE)
        return _one_kind(book, names, people if _has_data(book, people) else None)
    if names.keys() >= FORM:
        raise SenderError("no records: a form, with its questions", rule="hope.metadata")
    for sheet in book.sheets:
        if not sheet.hidden and "payment_id" in Table(book, sheet.name, labels=False).header:
            return Found(payments=sheet.name)
    raise SenderError(
        "no registration and no payment list of HOPE: a table of one's own is for `tabular`",
        rule="hope.other_table",
    )


def _one_kind(book: Workbook, names: Mapping[str, str], people: str | None) -> Found:
    households = names.get(HOUSEHOLDS)
    if people is None:
        return Found(households, names.get(INDIVIDUALS))
    if _has_data(book, households):
        raise SenderError("both households and people", rule="hope.two_kinds")
    return Found(individuals=names.get(INDIVIDUALS), people=people)


def _has_data(book: Workbook, sheet: str | None) -> bool:
    return sheet is not None and any(True for _ in Table(book, sheet, labels=True))
