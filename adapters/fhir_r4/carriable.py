"""What FHIR cannot hold: control characters, dates that no calendar has, addresses with spaces.

Such values are rare, and looking for them in every text would slow every render. So `render`
only notices that one is there, and then has the records cleaned here and writes them again.
"""

import datetime
import re
from typing import Any

from gateway.errors import SenderError
from gateway.record import Record

UNCARRIABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?"
    r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
)
_DATES = frozenset(
    {"birth_date", "death_date", "registration_date", "as_of", "expiry_date", "date"}
)


def is_date(value: str) -> bool:
    """Whether a canonical (perhaps partial) date is in the calendar. FHIR has no year 0."""
    if value[:4] == "0000":
        return False
    try:
        datetime.date.fromisoformat(value + "1970-01-01"[len(value) :])
    except ValueError:
        return False
    return True


def is_instant(value: str) -> bool:
    """Whether FHIR takes a canonical instant: hours, minutes, zone and day are possible ones."""
    return bool(_INSTANT.fullmatch(value)) and is_date(value[:10])


def is_url(value: str) -> bool:
    """Whether a text can stand in an element of type url."""
    return not any(character.isspace() for character in value)


def carriable(record: Record, lost: set[str], *, at: str) -> Record:
    """The part of a record that FHIR can hold. Names of the leaves left out are added to `lost`.

    Empty arrays and objects go without a word, for they hold no leaf.
    """
    if UNCARRIABLE.search(record["record_id"]):
        raise SenderError("a record id FHIR cannot hold", rule="fhir.record_id", at=at)
    record_type = record["record_type"]
    fields = (
        (name, _clean(value, f"{record_type}.{name}", lost)) for name, value in record.items()
    )
    return {name: value for name, value in fields if value is not None}


def _clean(value: Any, leaf: str, lost: set[str]) -> Any:
    if leaf.endswith((".withheld", ".absent", ".extension")) and leaf.count(".") == 1:
        # Their keys are names of other fields or of somebody's form.
        return value or None
    if isinstance(value, dict) and "coordinates" in value:
        return value
    if isinstance(value, dict):
        parts = ((key, _clean(part, f"{leaf}.{key}", lost)) for key, part in value.items())
        return {key: part for key, part in parts if part is not None} or None
    if isinstance(value, list):
        items = (_clean(item, f"{leaf}[]", lost) for item in value)
        return [item for item in items if item is not None] or None
    if isinstance(value, str) and not _fits(leaf.rsplit(".", 1)[1], value):
        lost.add(leaf)
        return None
    return value


def _fits(name: str, value: str) -> bool:
    if name in _DATES:
        return is_date(value)
    if name == "source_date":
        return is_instant(value)
    if name == "photo_url[]" and not is_url(value):
        return False
    return not UNCARRIABLE.search(value)
