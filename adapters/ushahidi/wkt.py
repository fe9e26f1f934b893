"""Lines and areas as Well-Known Text: longitude and latitude, with nothing between but a blank."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_NUMBER = r"-?[0-9]{1,3}(?:\.[0-9]{1,20})?"
_POSITION = re.compile(rf"\s*({_NUMBER})\s+({_NUMBER})\s*")
_WHOLE = re.compile(r"\s*(LINESTRING|POLYGON)\s*\((.*)\)\s*", re.IGNORECASE | re.DOTALL)
_RINGS = re.compile(r"\s*\(([^()]*)\)\s*(?:,|\Z)")
LONGEST = 1 << 20
"""Characters of one shape."""


def geojson(text: str) -> dict[str, Any] | None:
    """A LINESTRING or POLYGON as GeoJSON. None for any other text."""
    found = _WHOLE.fullmatch(text) if len(text) <= LONGEST else None
    if not found:
        return None
    kind, inside = found[1].upper(), found[2]
    if kind == "LINESTRING":
        line = _line(inside)
        return None if line is None else {"type": "LineString", "coordinates": line}
    rings = []
    place = 0
    while place < len(inside):
        ring = _RINGS.match(inside, place)
        line = _line(ring[1]) if ring else None
        if ring is None or line is None:
            return None
        rings.append(line)
        place = ring.end()
    return {"type": "Polygon", "coordinates": rings} if rings else None


def _line(text: str) -> list[list[Decimal]] | None:
    found = [_POSITION.fullmatch(part) for part in text.split(",")]
    if not all(found):
        return None
    return [[Decimal(one[1]), Decimal(one[2])] for one in found if one]


def text(shape: Mapping[str, Any]) -> str:
    """A line or an area of GeoJSON. Heights are not written."""
    if shape["type"] == "LineString":
        return f"LINESTRING({_written(shape['coordinates'])})"
    rings = ",".join(f"({_written(ring)})" for ring in shape["coordinates"])
    return f"POLYGON({rings})"


def _written(line: Any) -> str:
    return ",".join(" ".join(_digits(number) for number in position[:2]) for position in line)


def _digits(number: Any) -> str:
    return str(int(number)) if number == int(number) else format(Decimal(repr(number)), "f")
