"""Cells as spreadsheets hold them: texts they must not run, numbers, days counted from 1900.

A spreadsheet runs a text that begins like a formula (OWASP, CSV injection). Such a text gets an
apostrophe in front, and so does one that already has apostrophes there, so that exactly one can
be taken off again. A plain number stays as it is: it runs as itself.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

COLUMNS = 16_384
"""Columns a spreadsheet has (A to XFD). A table has no more in any format."""

ROWS = 1_048_576
"""Rows a spreadsheet has."""

CELL = 1 << 20
"""Characters of one cell. Spreadsheets themselves stop at 32,767."""

_BLANK = r"[\s\u200b-\u200f\u2060\ufeff]*"
_RISKY = rf"(?:[\t\r\n]|{_BLANK}[=+\-@＝＋－＠])"
_FORMULA = re.compile(rf"'*{_RISKY}")
_GUARDED = re.compile(rf"'+{_RISKY}")
_NUMBER = re.compile(r"-[0-9]+(?:\.[0-9]+)?")


def guarded(text: str) -> str:
    """The text as a spreadsheet may open it."""
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def unguarded(text: str) -> str:
    """The text that `guarded` was given. Others write an apostrophe there for the same reason."""
    return text[1:] if text.startswith("'") and _GUARDED.match(text) else text


@dataclass(frozen=True, slots=True)
class Wrong:
    """A cell that holds no value anybody could mean. Whoever wants its column refuses it."""

    problem: str
    rule: str


ERROR = Wrong("an error value, as of a formula that failed", "table.error_value")
FORMULA = Wrong("a formula whose result was not saved", "table.formula")
NO_DAY = Wrong("no such day in the calendar", "table.no_such_day")
NO_NUMBER = Wrong("not a number", "table.not_a_number")

_DIGITS = re.compile(r"-?[0-9]{1,15}")
_FIGURE = re.compile(
    r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?"
)
_EXACT = 1 << 53
"""Beyond it a spreadsheet's number has lost its last digits."""


def number(text: str) -> int | Decimal | Wrong:
    """A number as a spreadsheet means it: 64 bits, so `1.1000000000000001` is `1.1`."""
    if _DIGITS.fullmatch(text):
        return int(text)
    if not _FIGURE.fullmatch(text):
        return NO_NUMBER
    exact = Decimal(repr(float(text)))
    if not exact.is_finite():
        return NO_NUMBER
    whole = exact == exact.to_integral_value()
    return int(exact) if whole and abs(exact) < _EXACT else exact


_LAST_DAY = 2_958_465
"""31 December 9999."""


def day(text: str, *, from_1904: bool, clock: bool) -> str | Wrong:
    """The ISO text of a number that is shown as a date: without a time unless it has one.

    `clock` says that the cell shows a time of day. There is no zone, and none is invented.
    """
    found = number(text)
    if isinstance(found, Wrong) or not 0 <= found <= _LAST_DAY + 1:
        return NO_DAY
    days, part = divmod(Decimal(found), 1)
    seconds = timedelta(milliseconds=round(part * 86_400_000))
    if days == 0 and clock and not from_1904:
        return _time(seconds)
    if from_1904:
        start = datetime(1904, 1, 1)  # noqa: DTZ001 - spreadsheets know no zones
    elif days == 0 or days == 60:
        # Day 0 is before the first day; day 60 is 29 February 1900, which never was.
        return NO_DAY
    else:
        start = datetime(1899, 12, 31 if days < 60 else 30)  # noqa: DTZ001
    try:
        at = start + timedelta(days=int(days)) + seconds
    except OverflowError:
        return NO_DAY
    if not clock and not seconds:
        return at.date().isoformat()
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds")


def _time(since_midnight: timedelta) -> str | Wrong:
    if since_midnight >= timedelta(days=1):
        return NO_DAY
    at = datetime(1900, 1, 1) + since_midnight  # noqa: DTZ001
    return at.time().isoformat(timespec="milliseconds" if at.microsecond else "seconds")


@cache
def letters(column: int) -> str:
    """The letters of a column, the first being 1."""
    found = ""
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(ord("A") + rest) + found
    return found


def shown(cell: Any) -> str:
    """A heading's cell as text."""
    return cell if isinstance(cell, str) else str(cell)
