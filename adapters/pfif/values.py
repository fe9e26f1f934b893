"""The texts in PFIF elements, and the values they stand for.

Reading takes a text without the white space around it, never an empty one, and is as lenient as
real repositories need; writing holds to the RELAX NG schema of PFIF 1.4. Both raise `ValueError`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """What may stand in an element."""

    name: str
    """As in the rule of an error: `pfif.time`."""
    read: Callable[[str], Any]
    write: Callable[[Any], str]


def _same(text: str) -> str:
    return text


def _fitting(pattern: str) -> Callable[[str], str]:
    allowed = re.compile(pattern)

    def fit(text: str) -> str:
        if not allowed.fullmatch(text):
            raise ValueError
        return text

    return fit


_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,6})?"
    r"(Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)


def _time(text: str) -> str:
    # PFIF allows Z only. Another offset says as much; no zone at all says nothing.
    found = _INSTANT.fullmatch(text)
    if not found:
        raise ValueError
    datetime.fromisoformat(found[1])
    return text


def _utc(value: str) -> str:
    """Without fractions: Person Finder refuses them."""
    found = _INSTANT.fullmatch(value)
    if not found:
        raise ValueError
    clock, zone = datetime.fromisoformat(found[1]), found[3]
    if zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
        try:
            clock += offset if zone[0] == "-" else -offset
        except OverflowError:
            raise ValueError from None
    return f"{clock.isoformat()}Z"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _lines_written(value: list[str]) -> str:
    return "\n".join(value)


def _one(text: str) -> list[str]:
    return [text]


def _first(value: list[str]) -> str:
    if not value:
        raise ValueError
    return value[0]


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


def _boolean_written(value: bool) -> str:
    return "true" if value else "false"


_DATE = r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?"
_STATUS = "information_sought|is_note_author|believed_alive|believed_missing|believed_dead"

TEXT = Kind("text", _same, _same)
LINES = Kind("lines", _lines, _lines_written)
PHOTO = Kind("photo", _one, _first)
TIME = Kind("time", _time, _utc)
RECORD_ID = Kind("record_id", _fitting(r"[a-z0-9][a-z0-9.-]*/[^\s/]\S*"), _same)
EMAIL = Kind("email", _same, _fitting(r"[^\r\n]+@[^\r\n]+"))
PHONE = Kind("phone", _same, _fitting(r"[-+()0-9 ]+"))
SEX = Kind("sex", _fitting("female|male|other"), _fitting("female|male|other"))
DATE = Kind("date", _fitting(_DATE), _same)
COUNTRY = Kind("country", _fitting("[A-Z]{2}"), _same)
BOOLEAN = Kind("boolean", _boolean, _boolean_written)
STATUS = Kind("status", _fitting(_STATUS), _same)

_AGE = re.compile(r"([0-9]{1,3})(?:-([0-9]{1,3}))?")
_OLDEST = 130


def read_age(text: str) -> dict[str, Any]:
    """`35` or `35-45`, without the day it was true."""
    found = _AGE.fullmatch(text)
    if not found or int(found[1]) > _OLDEST:
        raise ValueError
    return {"band": text} if found[2] else {"years": int(found[1])}


def age_written(age: dict[str, Any]) -> str:
    """Raises `ValueError` for ages without end: `60+`."""
    text = str(age["years"]) if "years" in age else str(age.get("band", ""))
    read_age(text)
    return text


_LABEL = re.compile(r"^([A-Za-z_][A-Za-z0-9_ ]*):", re.MULTILINE)


def description_of(other: str) -> str:
    """The description in an `other` of PFIF 1.1 to 1.3: a label, then indented lines.

    A text with other labels too is kept as it is: they say what their lines are.
    """
    if [found[1] for found in _LABEL.finditer(other)] != ["description"]:
        return other
    if not other.startswith("description:"):
        return other
    lines = other.removeprefix("description:").split("\n")
    return "\n".join(line.removeprefix("    ").rstrip() for line in lines).strip()
