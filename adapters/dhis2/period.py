"""DHIS2's period ids as days and ISO 8601 intervals, and back.

    202601     2026-01-01/P1M       2026W7    2026-02-09/P7D
    2026Q1     2026-01-01/P3M       2026Nov   2025-11-01/P1Y

Ids count in the ISO 8601 calendar. A server that is set to another calendar (Ethiopian, Nepali)
writes its own numbers in the same shapes, which nothing in a file tells apart.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """One period, said in every way."""

    id: str
    start: str
    end: str
    """The last day."""
    interval: str
    """`2026-01-01/P1M`, as ADX has it."""


@dataclass(frozen=True, slots=True)
class _Months:
    """A type whose periods are whole months and fill the year."""

    suffix: str
    months: int
    first: int
    """The month in which number 1 begins; 0 and less are in the year before: November types
    are named after the year they end in."""


@dataclass(frozen=True, slots=True)
class _Weeks:
    """A type whose periods begin on one weekday. Week 1 is the one with 4 January in it."""

    suffix: str
    weekday: int
    """From Monday, 0."""
    weeks: int = 1


_MONTHS = (
    _Months("{:02}", 1, 1),
    _Months("{:02}B", 2, 1),
    _Months("Q{}", 3, 1),
    _Months("NovQ{}", 3, -1),
    _Months("S{}", 6, 1),
    _Months("AprilS{}", 6, 4),
    _Months("NovS{}", 6, -1),
    _Months("", 12, 1),
    _Months("Feb", 12, 2),
    _Months("April", 12, 4),
    _Months("July", 12, 7),
    _Months("Aug", 12, 8),
    _Months("Sep", 12, 9),
    _Months("Oct", 12, 10),
    _Months("Nov", 12, -1),
)
_WEEKS = (
    _Weeks("W{}", 0),
    _Weeks("WedW{}", 2),
    _Weeks("ThuW{}", 3),
    _Weeks("FriW{}", 4),
    _Weeks("SatW{}", 5),
    _Weeks("SunW{}", 6),
    _Weeks("BiW{}", 0, 2),
)


def _spelt() -> Iterator[tuple[str, tuple[_Months | _Weeks, int]]]:
    for months in _MONTHS:
        for number in range(1, 12 // months.months + 1):
            yield months.suffix.format(number), (months, number)
    for weeks in _WEEKS:
        for number in range(1, 53 // weeks.weeks + 2):
            yield weeks.suffix.format(number), (weeks, number)
            yield weeks.suffix.format(f"{number:02}"), (weeks, number)


_BY_SUFFIX: Mapping[str, tuple[_Months | _Weeks, int]] = dict(_spelt())
"""What may stand behind the year. Servers also read week numbers of two digits."""

_ID = re.compile(r"([0-9]{4})(.{0,9})")
_DAY = re.compile(r"([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_INTERVAL = re.compile(rf"({_DATE})/P([0-9]{{1,2}})([DMY])")
_DATES = re.compile(rf"({_DATE})/({_DATE})")


@lru_cache(4096)
def period_of(text: str) -> Period | None:
    """The period of an id; None for what is no id, or names no days."""
    try:
        day = _DAY.fullmatch(text)
        if day:
            at = date(int(day[1]), int(day[3]), int(day[4]))
            return _period(f"{at:%Y%m%d}", at, at + _ONE, "P1D")
        found = _ID.fullmatch(_MONTH.sub(r"\1\2", text))
        known = _BY_SUFFIX.get(found[2]) if found else None
        return _numbered(*known, int(text[:4])) if known else None
    except (ValueError, OverflowError):
        return None


@lru_cache(4096)
def period_between(start: str, end: str) -> Period | None:
    """The period with these first and last days; None where no type has such a one."""
    try:
        first, after = date.fromisoformat(start), date.fromisoformat(end) + _ONE
        days = (after - first).days
        if days in (1, 7, 14):
            return _from_days(first, days)
        months = 12 * (after.year - first.year) + after.month - first.month
        return _from_months(first, months) if first.day == after.day == 1 else None
    except (ValueError, OverflowError):
        return None


@lru_cache(4096)
def period_of_interval(text: str) -> Period | None:
    """The period of `2026-01-01/P1M`, or of two days with a slash between; else None.

    A start on which no period of that length begins is refused: servers move it in silence.
    """
    found = _INTERVAL.fullmatch(text)
    if not found:
        days = _DATES.fullmatch(text)
        return period_between(days[1], days[2]) if days else None
    try:
        first, count = date.fromisoformat(found[1]), int(found[2])
        if found[3] == "D":
            return _from_days(first, count)
        if found[3] == "Y" and count != 1:
            return None
        return _from_months(first, 12 if found[3] == "Y" else count)
    except (ValueError, OverflowError):
        return None


def _numbered(kind: _Months | _Weeks, number: int, year: int) -> Period | None:
    if isinstance(kind, _Months):
        begins = 12 * year + kind.first - 1 + (number - 1) * kind.months
        start, after = _month(begins), _month(begins + kind.months)
        length = "P1Y" if kind.months == 12 else f"P{kind.months}M"
        return _period(f"{year:04}{kind.suffix.format(number)}", start, after, length)
    start = _week_1(year, kind) + timedelta(weeks=kind.weeks * (number - 1))
    if start >= _week_1(year + 1, kind):
        return None
    after = start + timedelta(weeks=kind.weeks)
    name = f"{year:04}{kind.suffix.format(number)}"
    return _period(name, start, after, f"P{7 * kind.weeks}D")


def _from_days(first: date, days: int) -> Period | None:
    if days == 1:
        return period_of(f"{first:%Y%m%d}")
    # The fourth day says to which year a week belongs.
    year = (first + timedelta(days=3)).year
    for kind in _WEEKS:
        since = (first - _week_1(year, kind)).days
        if 7 * kind.weeks == days and since % days == 0:
            return _numbered(kind, since // days + 1, year)
    return None


def _from_months(first: date, months: int) -> Period | None:
    if first.day != 1:
        return None
    for kind in _MONTHS:
        year, since = divmod(12 * first.year + first.month - kind.first, 12)
        if kind.months == months and since % months == 0:
            return _numbered(kind, since // months + 1, year)
    return None


def _month(number: int) -> date:
    year, month = divmod(number, 12)
    return date(year, month + 1, 1)


def _week_1(year: int, kind: _Weeks) -> date:
    known = date(year, 1, 4)
    return known - timedelta(days=(known.weekday() - kind.weekday) % 7)


def _period(name: str, start: date, after: date, length: str) -> Period:
    first = start.isoformat()
    return Period(name, first, (after - _ONE).isoformat(), f"{first}/{length}")
