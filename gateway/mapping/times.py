"""Days and instants. A date that does not exist is refused, and no zone is ever guessed."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from gateway.mapping.bad import Bad

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PARTIAL = re.compile(r"[0-9]{4}(-[0-9]{2})?")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
"""Phones write zones of whole hours without their minutes: `-04`."""


def day(value: Any) -> str:
    """A calendar day `YYYY-MM-DD` that exists."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise Bad("value.not_date")
    try:
        date.fromisoformat(value)
    except ValueError:
        raise Bad("value.no_such_date") from None
    return value


def partial_day(value: Any) -> str:
    """A day, a month or a year, as exact as the source is."""
    if isinstance(value, str) and _PARTIAL.fullmatch(value):
        day(f"{value}-01" if len(value) == 7 else f"{value}-01-01")
        return value
    return day(value)


def written_day(value: Any) -> str:
    """The day an instant was written with. Never moved by its zone: a birthday has none."""
    instant(value, "UTC")
    return str(value)[:10]


def instant(value: Any, assume: str | None) -> str:
    """RFC 3339 with a zone. Without one it is refused, unless the mapping says which is meant."""
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise Bad("value.not_instant")
    the_day, time, fraction, zone = found.groups()
    if zone is None and assume is None:
        raise Bad("value.no_zone")
    zone = zone or "Z"
    zone = zone if zone == "Z" or ":" in zone else f"{zone[:3]}:{zone[3:] or '00'}"
    written = f"{the_day}T{time}{fraction or ''}{zone}"
    try:
        datetime.fromisoformat(written)
    except ValueError:
        raise Bad("value.no_such_time") from None
    return written


def instants(assume: str | None) -> Callable[[Any], str]:
    """`instant`, quick for the commonest spelling: whole seconds without a zone, or with `Z`."""
    endings = ("Z",) if assume is None else ("", "Z")

    def forward(value: Any) -> str:
        if value.__class__ is str and value[19:] in endings and _whole_seconds(value):
            return str(value[:19]) + "Z"
        return instant(value, assume)

    return forward


def _whole_seconds(value: str) -> bool:
    """Whether a text begins with `YYYY-MM-DDThh:mm:ss`, a time that exists."""
    head = value[:19]
    if head[4::3] != "--T::":
        return False
    try:
        datetime.fromisoformat(head)
    except ValueError:
        return False
    return True


def zone_assumed(value: Any) -> str | None:
    """`assumed-utc` where the source wrote an instant without a zone; else nothing."""
    if value.__class__ is str and len(value) == 19 and _whole_seconds(value):
        return "assumed-utc"
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise Bad("value.not_instant")
    return None if found.group(4) else "assumed-utc"
