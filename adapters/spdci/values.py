"""The values in SPDCI's fields, and the canonical ones they stand for.

The standard's vocabularies say what a field means and its samples break them, so reading takes
every spelling that can mean one thing only, and writing keeps to the vocabularies. Both raise
`ValueError` for what does not fit; a `read` returns `NOTHING` for what is known and not carried.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from adapters.leaf_names import NOTHING
from adapters.spdci.tables import (
    ALPHA2,
    ALPHA2_OF,
    ALPHA3,
    ALPHA3_OF,
    CURRENCIES,
    ENROLLMENT,
    MARITAL,
    PAYMENT,
    RELATIONSHIP,
    SEX,
    TYPE,
    UNIT,
    Table,
)


class UnfitError(ValueError):
    """A value that a field does not have."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What may stand in a field."""

    name: str
    """As in the rule of an error: `spdci.date`."""
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    many: bool = False
    """The canonical value is a list."""


def is_empty(value: Any) -> bool:
    """Whether a field says nothing. Senders write texts of white space for it, or empty lists."""
    if isinstance(value, list):
        return all(map(is_empty, value))
    return value is None or value == {} or (isinstance(value, str) and not value.strip())


def _same(value: Any) -> Any:
    return value


def text(value: Any) -> str:
    """A text as it stands. A number is none: its leading zeros may be gone."""
    if not isinstance(value, str):
        raise UnfitError
    return value


def _fitting(pattern: str) -> Callable[[Any], Any]:
    """A text of this shape. What is a label instead of a code is not carried."""
    allowed = re.compile(pattern)
    return lambda value: value if allowed.fullmatch(text(value)) else NOTHING


def _several(one: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    """A list of values, or the only one without its list. Some may be `NOTHING`."""

    def read(value: Any) -> Any:
        items = value if isinstance(value, list) else [value]
        return [one(item) for item in items if not is_empty(item)] or NOTHING

    return read


language = _fitting(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
"""A tag of BCP 47. `English` has the shape of one and is none: languages have two or three."""

_DATE = r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})(?P<time>[T ].*)?)?)?"
_WRITTEN = re.compile(rf"{_DATE}|(?P<d>[0-9]{{2}})\.(?P<m>[0-9]{{2}})\.(?P<y>[0-9]{{4}})")
_TIME = re.compile(
    r"[T ](?P<minute>([01][0-9]|2[0-3]):[0-5][0-9])(?P<second>:([0-5][0-9]|60)(\.[0-9]{1,9})?)?"
    r"(?P<zone>Z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])?"
)
_INSTANT = re.compile(r".{10}T[0-9:]{8}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")


def _day_and_time(value: Any) -> tuple[str, str]:
    """A day, month or year that exists, and the time as a record writes it, or nothing.

    `02.05.2004` is the second of May: the vocabulary of beneficiaries writes DD.MM.YYYY. A time
    without seconds gets them, and `+0300` its colon.
    """
    found = _WRITTEN.fullmatch(text(value))
    if not found:
        raise UnfitError
    parts = [found["year"] or found["y"], found["month"] or found["m"], found["day"] or found["d"]]
    known = [part for part in parts if part]
    date(*(int(part) for part in [*known, "01", "01"][:3]))
    if not found["time"]:
        return "-".join(known), ""
    time = _TIME.fullmatch(found["time"])
    if not time:
        raise UnfitError
    zone = (time["zone"] or "").replace(":", "")
    zone = f"{zone[:3]}:{zone[3:]}" if len(zone) > 1 else zone
    return "-".join(known), f"T{time['minute']}{time['second'] or ':00'}{zone}"


def _day(value: Any) -> str:
    # A birthday has no zone: the day that was written, wherever the clock stood.
    return _day_and_time(value)[0]


def _day_written(value: str) -> str:
    """The vocabulary has times only.

    A month or a year is not written: no day is made up, and servers take 1985 for seconds.
    """
    return f"{_from_a_day(value)}T00:00:00Z"


def _from_a_day(value: str) -> str:
    if len(value) < len("2004-05-02"):
        raise UnfitError
    return value


def moment(value: Any) -> str:
    """A day, or a day and a time, with a zone only where one was written."""
    return "".join(_day_and_time(value))


def _instant(value: Any) -> Any:
    """Without a zone nobody knows when it was, and none is made up."""
    found = moment(value)
    return found if _INSTANT.fullmatch(found) else NOTHING


def _coded(table: Table, *, number: bool = True) -> Callable[[Any], Any]:
    """A code of a table, in large or small letters, as a text or a number."""

    def read(value: Any) -> Any:
        if number and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        found = table.read.get(table.fold(text(value)), NOTHING)
        if found is NOTHING:
            raise UnfitError
        return NOTHING if found is None else found

    return read


def _code_written(table: Table) -> Callable[[str], str]:
    def write(value: str) -> str:
        if value not in table.write:
            raise UnfitError
        return table.write[value]

    return write


def _table(name: str, table: Table) -> Kind:
    return Kind(name, _coded(table), _code_written(table))


_FLAGS = {
    **dict.fromkeys(("true", "yes", "1"), True),
    **dict.fromkeys(("false", "no", "0", "2"), False),
    "3": NOTHING,
}
"""Member says true or 1, false or 0. The older code list says 1, 2 and 3 for not known."""


def _flag(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    found = _FLAGS.get(str(value).lower()) if isinstance(value, int | str) else None
    if found is None:
        raise UnfitError
    return found


_NUMBER = r"-?[0-9]{1,40}(\.[0-9]{1,20})?"
_SCORE = re.compile(_NUMBER)
_AMOUNT = re.compile(rf"{_NUMBER}([eE][+-]?[0-9]{{1,3}})?")
_PRICE = re.compile(
    rf"(?:(?P<before>[A-Z]{{3}}) *)?(?P<amount>{_AMOUNT.pattern})(?: *(?P<after>[A-Z]{{3}}))?"
)


def _digits(allowed: re.Pattern[str]) -> Callable[[Any], str]:
    """A decimal number, digits untouched."""

    def read(value: Any) -> str:
        written = str(value) if isinstance(value, int | Decimal | str) else ""
        if isinstance(value, bool) or not allowed.fullmatch(written):
            raise UnfitError
        return written

    return read


_COUNT = re.compile(r"[0-9]{1,6}(\.0{1,3})?")


def _count(value: Any) -> int:
    """A whole number, which some programs write as `4.0`."""
    return int(_digits(_COUNT)(value).partition(".")[0])


def coordinate(value: Any) -> float:
    """A number of a position, which some write as a text."""
    return value if isinstance(value, float) else float(_digits(_AMOUNT)(value))


def currency(value: Any) -> str:
    """A code of ISO 4217."""
    if text(value) not in CURRENCIES:
        raise UnfitError
    return str(value)


def money(value: Any) -> tuple[str, str | None]:
    """An amount and its currency: `EUR 85`, `85 EUR`, or a number. No thousands are set apart."""
    found = _PRICE.fullmatch(_digits(_PRICE)(value))
    if not found or (found["before"] and found["after"]):
        raise UnfitError
    code = found["before"] or found["after"]
    return found["amount"], currency(code) if code else None


def money_written(amount: str, code: str | None) -> str:
    """An amount after the code of its currency."""
    written = f"{code} {amount}" if code in CURRENCIES else amount
    money(written)
    return written


_NATION = "ISO 3166-2:"
"""The code list of nationalities writes this before ISO 3166-1's two letters."""


def _nation(value: Any) -> str:
    found = text(value)
    for before in (_NATION, "ISO 3166-1:"):
        found = found.removeprefix(before)
    found = ALPHA3_OF.get(found) or found
    if found not in ALPHA3:
        raise UnfitError
    return found


def _nations_written(value: list[str]) -> list[str]:
    if not all(ALPHA2_OF.get(one) for one in value):
        raise UnfitError
    return [f"{_NATION}{ALPHA2_OF[one]}" for one in value]


def _country(value: Any) -> str:
    found = ALPHA2_OF.get(text(value)) or text(value)
    if found not in ALPHA2:
        raise UnfitError
    return found


def _only_one(value: Any) -> Any:
    """A text, or a list of one. Two cannot be carried."""
    items = _several(text)(value)
    return items[0] if items is not NOTHING and len(items) == 1 else NOTHING


def _one(value: str) -> list[str]:
    return [value]


def _difficulties_written(value: list[str]) -> list[dict[str, str]]:
    return [{"@type": "DisabilityInfo", "disability_limitation_type": code} for code in value]


TEXT = Kind("text", text, _same)
TEXTS = Kind("text", _several(text), _same, many=True)
ONLY = Kind("text", _only_one, _one)
CODE = Kind("code", _fitting(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,95}"), _same)
CODES = Kind("code", _several(CODE.read), _same, many=True)
DATE = Kind("date", _day, _day_written)
MOMENT = Kind("date", moment, _from_a_day)
MOMENTS = Kind("date", _several(moment), lambda value: [*map(_from_a_day, value)], many=True)
INSTANT = Kind("date", _instant, _same)
FLAG = Kind("flag", _flag, _same)
SCORE = Kind("number", _digits(_SCORE), _same)
QUANTITY = Kind("number", _digits(_AMOUNT), _same)
COUNT = Kind("number", _count, _same)
SEXES = _table("sex", SEX)
MARRIED = _table("marital_status", MARITAL)
RELATION = _table("relationship", RELATIONSHIP)
UNITS = _table("assistance_unit", UNIT)
TYPES = _table("benefit_type", TYPE)
STATES = _table("enrollment_status", ENROLLMENT)
PAID = _table("payment_status", PAYMENT)
COUNTRY = Kind("country", _country, _same)
NATIONS = Kind("country", _several(_nation), _nations_written, many=True)
LANGUAGES = Kind("language", _several(language), _same, many=True)
DIFFICULTIES = Kind("code", _several(_same), _difficulties_written, many=True)
