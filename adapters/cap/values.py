"""The texts in CAP elements, and the values they stand for. Each kind reads what it writes.

Reading gives None for an element that says nothing; both ways raise `ValueError` for what the
kind does not allow.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from lxml import etree

from gateway.source.markup import writable


@dataclass(frozen=True, slots=True)
class Kind:
    """What may stand in an element."""

    name: str
    """As in the rule of an error: `cap.time`."""
    read: Callable[[str], Any]
    write: Callable[[Any], str]


def _text(text: str) -> str | None:
    return None if not text or text.isspace() else text


def _token(text: str) -> str | None:
    return text.strip() or None


def _written(text: str) -> str:
    if not writable(text):
        raise ValueError
    return text


# libxml2's own judgement, so that what is written is valid for whoever checks it against the XSD.
_ADDRESS = etree.XMLSchema(
    etree.XML(
        '<schema xmlns="http://www.w3.org/2001/XMLSchema">'
        '<element name="uri" type="anyURI"/></schema>'
    )
)


def _uri_written(text: str) -> str:
    element = etree.Element("uri")
    element.text = _written(text)
    if not _ADDRESS.validate(element):
        raise ValueError
    return text


_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_UTC = "-00:00"
"""How CAP writes UTC: no letter may stand for a zone (section 3.3.2)."""

_FURTHEST = 14 * 60
"""Minutes of the largest offset of XML Schema."""


def _time(text: str) -> str | None:
    text = text.strip()
    if not text:
        return None
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError
    clock, fraction, zone = found.groups()
    datetime.fromisoformat(clock)
    if zone != "Z" and (int(zone[1:3]) * 60 + int(zone[4:]) > _FURTHEST or zone[4:] > "59"):
        raise ValueError
    return f"{clock}{fraction or ''}{'Z' if zone == _UTC else zone}"


def _time_written(value: str) -> str:
    found = _TIME.fullmatch(value)
    if not found:
        raise ValueError
    clock, _, zone = found.groups()
    written = f"{clock}{_UTC if zone == 'Z' else zone}"
    _time(written)
    return written


_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")


def _language(text: str) -> str | None:
    text = text.strip()
    if text and not _LANGUAGE.fullmatch(text):
        raise ValueError
    return text or None


_INTEGER = re.compile(r"\+?[0-9]{1,16}")
_MOST = 2**53 - 1


def _integer(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not _INTEGER.fullmatch(text) or int(text) > _MOST:
        raise ValueError
    return int(text)


_DECIMAL = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?")
_DIGITS = 60


def _decimal(text: str) -> str | None:
    text = text.strip()
    if not text:
        return None
    found = _DECIMAL.fullmatch(text)
    if not found or len(text) > _DIGITS or not (found[2] or found[3]):
        raise ValueError
    sign = "-" if found[1] == "-" else ""
    return f"{sign}{found[2] or '0'}{'.' + found[3] if found[3] else ''}"


def _decimal_written(value: str) -> str:
    return format(Decimal(value), "f") if "e" in value.lower() else value


_LIST = re.compile(r'\s*(?:"([^"]*)"|([^\s"]+))(?=\s|\Z)')


def _list(text: str) -> list[str] | None:
    """Words between white space; what has white space in it is quoted."""
    found: list[str] = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        match = _LIST.match(text, place)
        if not match:
            raise ValueError
        place = match.end()
        if word := match[1] or match[2]:
            found.append(word)
    return found or None


def _list_written(value: list[str]) -> str:
    if any('"' in word for word in value):
        raise ValueError
    return _written(
        " ".join(f'"{word}"' if re.search(r"\s", word) or not word else word for word in value)
    )


_REFERENCE = re.compile(r"\s*([^,\s][^,]*),([^,]+),([0-9]{4}-[^\s,]+)(?=\s|\Z)")


def _references(text: str) -> list[dict[str, str]] | None:
    """`sender,identifier,sent` and again: a sender may have blanks in it, a time has none."""
    found: list[dict[str, str]] = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        match = _REFERENCE.match(text, place)
        if not match:
            raise ValueError
        place = match.end()
        sender, identifier, sent = match.groups()
        found.append(
            {"sender": sender, "identifier": identifier.strip(), "sent": _time(sent) or ""}
        )
    if not found:
        raise ValueError
    return found


def _references_written(value: list[dict[str, str]]) -> str:
    parts = [[one.get(key, "") for key in ("sender", "identifier", "sent")] for one in value]
    if any("," in part or not part.strip() for three in parts for part in three):
        raise ValueError
    return _written(" ".join(f"{a},{b},{_time_written(c)}" for a, b, c in parts))


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def _number(text: str) -> int | float:
    if not _NUMBER.fullmatch(text) or len(text) > _DIGITS:
        raise ValueError
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _number_written(number: float) -> str:
    written = repr(number)
    return format(Decimal(written), "f") if "e" in written else written


def _position(text: str) -> list[float]:
    """CAP writes latitude first, GeoJSON longitude."""
    latitude, longitude = map(_number, text.split(","))
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError
    return [longitude, latitude]


def _position_written(position: list[float]) -> str:
    return f"{_number_written(position[1])},{_number_written(position[0])}"


def _polygon(text: str) -> dict[str, Any] | None:
    ring = [_position(pair) for pair in text.split()]
    if ring and (len(ring) < 4 or ring[0] != ring[-1]):
        raise ValueError
    return {"type": "Polygon", "coordinates": [ring]} if ring else None


def _polygon_written(value: dict[str, Any]) -> str:
    (ring,) = value["coordinates"]
    written = " ".join(map(_position_written, ring))
    _polygon(written)
    return written


def _circle(text: str) -> dict[str, Any] | None:
    if not text.strip():
        return None
    centre, radius = text.split()
    kilometres = _decimal(radius)
    if kilometres is None or kilometres.startswith("-"):
        raise ValueError
    return {"centre": {"type": "Point", "coordinates": _position(centre)}, "radius_km": kilometres}


def _circle_written(value: dict[str, Any]) -> str:
    if not {"centre", "radius_km"} <= value.keys():
        raise ValueError
    radius = _decimal_written(value["radius_km"])
    written = f"{_position_written(value['centre']['coordinates'])} {radius}"
    _circle(written)
    return written


TEXT = Kind("text", _text, _written)
TOKEN = Kind("token", _token, _written)
URI = Kind("uri", _token, _uri_written)
TIME = Kind("time", _time, _time_written)
LANGUAGE = Kind("language", _language, _written)
INTEGER = Kind("integer", _integer, str)
DECIMAL = Kind("decimal", _decimal, _decimal_written)
LIST = Kind("list", _list, _list_written)
REFERENCES = Kind("references", _references, _references_written)
POLYGON = Kind("polygon", _polygon, _polygon_written)
CIRCLE = Kind("circle", _circle, _circle_written)
