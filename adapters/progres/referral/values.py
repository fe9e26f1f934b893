"""What may stand in a field, and what it is in a record.

`read` and `write` raise `ValueError`. `write` is also given what an earlier line wrote into the
same field, for fields that two leaves share.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.mapping.codes import code_table

Writer = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one field is read and written."""

    rule: str
    """Last part of the rule of an error: `progres.date`."""
    read: Callable[[Any], Any]
    write: Writer
    accepts: Callable[[Any], bool]
    """Whether a value is of this kind at all. Several kinds may share a field."""


def is_text(value: Any) -> bool:
    """A text, which says nothing of what stands in it."""
    return isinstance(value, str)


def _same(value: Any) -> Any:
    return value


def _alone(value: Any, before: Any) -> Any:
    if before is not None:
        raise ValueError
    return value


def _fitting(pattern: re.Pattern[str]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not pattern.fullmatch(value):
            raise ValueError
        return value

    return read


_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,95}")
_NUMBER = re.compile(r"(?![^\w]+$)[^\s/\ufeff][^\s\ufeff]{0,199}")
_INDIVIDUAL = re.compile(rf"(?=.*[0-9]){_NUMBER.pattern}")
_GUID = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")

TEXT = Kind("text", _same, _alone, is_text)
CODE = Kind("code", _fitting(_CODE), _alone, is_text)
NUMBER = Kind("number", _fitting(_NUMBER), _alone, is_text)
"""A number that becomes a record's id: no white space, no slash in front, no asterisks alone."""
INDIVIDUAL = Kind("number", _fitting(_INDIVIDUAL), _alone, is_text)
"""UNHCR's number of a person. `N/A` and `none` are of many, who are not one person."""


def is_number(value: Any) -> bool:
    """Whether a value can be a record's id."""
    return isinstance(value, str) and _NUMBER.fullmatch(value) is not None


def is_individual(value: Any) -> bool:
    """Whether a value can be UNHCR's number of a person."""
    return isinstance(value, str) and _INDIVIDUAL.fullmatch(value) is not None


def guid(value: str) -> str:
    """A GUID. FetchXML writes `{3F0C1C1E-...}` for what rows write as `3f0c1c1e-...`."""
    found = _GUID.fullmatch(value)
    if not found:
        raise ValueError
    return found[1].lower() if value[0] == "{" else value


def _is_guid(value: Any) -> bool:
    return isinstance(value, str) and _GUID.fullmatch(value) is not None


GUID = Kind("guid", guid, _alone, _is_guid)
NO_GUID = Kind("text", _same, _alone, lambda value: is_text(value) and not _is_guid(value))

_LONGEST = 15


def _is_digits(value: Any) -> bool:
    return type(value) is int and 0 <= value < 10**_LONGEST


DIGITS = Kind("text", _same, _alone, _is_digits)
"""A telephone number that came as a number: its zeros and its plus may be gone, so it is kept
apart and never taken for a telephone number. E.164 has no more digits than these."""


def option(codes: Mapping[str, str | None]) -> Kind:
    """An option set. Its numbers come as texts, from some servers as numbers, and as labels."""
    back: dict[str, str] = {}
    for theirs, ours in codes.items():
        if ours is not None:
            back.setdefault(ours, theirs)

    def read(value: Any) -> Any:
        if str(value) not in codes:
            raise ValueError
        return codes[str(value)]

    def write(value: Any, before: Any) -> Any:
        if before is not None or value not in back:
            raise ValueError
        return back[value]

    return Kind("code", read, write, _is_option)


def _is_option(value: Any) -> bool:
    return is_text(value) or _is_digits(value)


SEX = option(code_table("sex.progres_referral"))
SEX_WORD = option(code_table("sex.progres_partner"))

_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"((?:T[0-9]{2}:[0-9]{2}:[0-9]{2})?)((?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})?)"
)


_EARLIEST = "1753-01-01"
"""Of dates as Dynamics keeps them. `0001-01-01` is what a program writes that has no date."""


def _moment(value: Any) -> tuple[str, str]:
    """The date as it is written, and what follows it. Neither is moved by a zone."""
    found = _MOMENT.fullmatch(value)
    if not found or (found[3] and not found[2]):
        raise ValueError
    datetime.fromisoformat(value)
    if found[1] < _EARLIEST:
        raise ValueError
    return found[1], found[2] + found[3]


def _whole(value: Any) -> Any:
    _moment(value)
    return value


MOMENT = Kind("date", _whole, _alone, is_text)
"""As it stands: with a time, with or without a zone."""


def day(usual: str) -> tuple[Kind, Kind]:
    """A date, and the time behind it where it is another than the `usual` one.

    A date of birth of `1990-03-14T17:00:00Z` was midnight of the 15th at its sender, who moved
    it by seven hours. Nobody here can know by how many, so the written date is read and the
    time kept beside it.
    """

    def write(value: Any, before: Any) -> Any:
        if before is not None or len(value) != len("2000-01-01"):
            raise ValueError
        return f"{value}{usual}"

    def behind(value: Any, before: Any) -> Any:
        if before is None or not is_text(value):
            raise ValueError
        return before.removesuffix(usual) + value if usual else before + value

    def is_unusual(value: Any) -> bool:
        try:
            return is_text(value) and _moment(value)[1] != usual
        except ValueError:
            return False

    first = Kind("date", lambda value: _moment(value)[0], write, is_text)
    return first, Kind("date", lambda value: _moment(value)[1], behind, is_unusual)


BORN, BORN_AT = day("T00:00:00Z")
"""As rows have it."""
BORN_ON, BORN_ON_AT = day("")
"""As a partner's referral has it."""


def _joined(value: Any, before: Any) -> Any:
    return _alone("\n\n".join(value), before)


NOTES = Kind("text", lambda value: [value], _joined, is_text)
"""One text for all notes. HTML in it is left as it is."""
