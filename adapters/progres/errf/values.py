"""Texts of elements: what they may be, and whether they say anything."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from uuid import UUID, uuid5

from adapters.progres.errf.tables import UNKNOWN, Item, Kind, Row
from gateway.source.markup import writable

_KEYS = UUID("a9d3f3f0-86a3-5c5e-9e0b-2c1c6d9f6b41")

_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,30})?"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COUNT = re.compile(r"\+?0{0,4}[0-9]{1,4}")
_FIRST = date(1800, 1, 1)
"""Before it nobody was born who is alive: 0001 and 1753 are what .NET and SQL Server write for
no date at all."""

_NOTHING = {"", UNKNOWN}
NOBODY = frozenset({UNKNOWN, "00000000-0000-0000-0000-000000000000"})
"""GUIDs that name nothing: many rows may have them, and they are not about one another."""

_UNSET = {"0", "false"}


def key_of(*parts: str) -> str:
    """A GUID for what has none, made of what names it: the schema requires one.

    Reading knows it again, and takes it for what it is.
    """
    return str(uuid5(_KEYS, "/".join(parts)))


def day_of(text: str) -> str:
    """The day as it is written, never moved by its zone. Raises `ValueError`."""
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ValueError
    return _date(found[1]).isoformat()


def moment_of(day: str) -> str | None:
    """A day as the form writes it, without a zone. None for less than a day, or one of no
    calendar."""
    if not _DAY.fullmatch(day):
        return None
    try:
        return f"{_date(day).isoformat()}T00:00:00"
    except ValueError:
        return None


def _date(text: str) -> date:
    found = date.fromisoformat(text)
    if found < _FIRST:
        raise ValueError
    return found


def _flag(text: str) -> bool:
    if text not in ("0", "1", "true", "false"):
        raise ValueError
    return text in ("1", "true")


def count_of(text: str) -> int:
    """A number of people. Raises `ValueError`."""
    if not _COUNT.fullmatch(text):
        raise ValueError
    return int(text)


_CHECKS: Mapping[Kind, Callable[[str], object]] = {
    Kind.DATE: day_of,
    Kind.FLAG: _flag,
    Kind.COUNT: count_of,
}
COLLAPSED = frozenset(_CHECKS)
"""White space around these is none of theirs (XML Schema, `whiteSpace`)."""


def check(item: Item, text: str) -> None:
    """Raises `ValueError` for a text that may not stand in an element."""
    how = _CHECKS.get(item.kind)
    if how is not None:
        how(text)


def says(item: Item, text: str) -> bool:
    """Whether a text tells more than that nobody knows."""
    if item.kind is Kind.FLAG and item.needed:
        return text not in _UNSET
    return text.strip() not in _NOTHING


def said(row: Mapping[str, str], items: Mapping[str, Item]) -> Row:
    """A row without what says nothing."""
    return {name: text for name, text in row.items() if says(items[name], text)}


def telling(texts: Mapping[str, object]) -> Row:
    """Only texts, and those that say something and that XML can hold."""
    return {
        name: text
        for name, text in texts.items()
        if isinstance(text, str) and text.strip() not in _NOTHING and writable(text)
    }
