"""Days and times as DHIS2 writes them: with a zone or none, and a zone without its colon."""

import re

_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]{1,9})?"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00:00(\.0{1,9})?")


def spelt(text: str) -> str:
    """The same moment in the spelling of canonical records; any other text as it is.

    `2016-03-17T01:51:39.609+0000` becomes `...+00:00`. No zone is added where none was.
    """
    found = _MOMENT.fullmatch(text)
    if not found:
        return text
    day, minute, second, fraction, zone = found.groups()
    if zone and zone != "Z" and ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:] or '00'}"
    return f"{day}T{minute}{second or ':00'}{fraction or ''}{zone or ''}"


def midnight(text: str) -> str:
    """A day as the time servers take it for; any other text as it is."""
    return f"{text}T00:00:00" if _DAY.fullmatch(text) else text


def day_of(text: str) -> str:
    """The day alone of a midnight without a zone, which is how servers write days."""
    found = _MIDNIGHT.fullmatch(text)
    return found[1] if found else text
