"""Points, lines and areas: texts of forms, and GeoJSON objects of typed sources.

A text says nothing about its axes, so the mapping must. GeoJSON is longitude, latitude always
(RFC 7946, 3.1.1). A pair that only fits with its axes exchanged is refused and never turned.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from gateway.mapping.bad import Bad

MEMBERS = frozenset(("type", "coordinates", "properties"))
"""Of a geometry. ODK writes a point's accuracy into `properties`."""

HIGHEST = 100_000
"""Metres above or below the sea. Nobody is assisted farther away."""

LONGEST = 20_000
"""Positions of one line or area."""


def points(order: str) -> Callable[[Any], dict[str, Any]]:
    """To a GeoJSON Point, from `lat lon [altitude [accuracy]]`, `lat, lon`, or a GeoJSON Point."""
    turned = order == "lat-lon"

    def forward(value: Any) -> dict[str, Any]:
        if value.__class__ is str and value.isascii() and "_" not in value and len(value) < 200:
            # What a phone writes. Anything else, and any fault, is looked at again below.
            try:
                first, second, height, _ = map(float, value.split())
            except ValueError:
                pass
            else:
                if turned:
                    first, second = second, first
                if -180 <= first <= 180 and -90 <= second <= 90 and -HIGHEST <= height <= HIGHEST:
                    found = [first, second, height] if height else [first, second]
                    return {"type": "Point", "coordinates": found}
        if isinstance(value, dict):
            return {"type": "Point", "coordinates": _position(_coordinates(value, "Point"))}
        return {"type": "Point", "coordinates": _written(value, turned)}

    return forward


def point_back(value: Any, order: str) -> str:
    """The text a Kobo or HOPE geopoint question holds; accuracy, which nobody kept, as 0."""
    return _text(value["coordinates"], order)


def line(value: Any, order: str, shape: str) -> dict[str, Any]:
    """GeoJSON LineString or Polygon (`shape`) from `lat lon alt acc;lat lon alt acc`, or GeoJSON.

    A ring that is not closed, or encloses nothing (fewer than four positions), is refused
    (RFC 7946, 3.1.6).
    """
    kind = "Polygon" if shape == "polygon" else "LineString"
    if isinstance(value, dict):
        found = _coordinates(value, kind)
        rings = found if kind == "Polygon" else [found]
        lines = [[_position(one) for one in _listed(ring)] for ring in _listed(rings)]
    elif isinstance(value, str):
        texts = value.strip().removesuffix(";").split(";", LONGEST)
        lines = [[_written(one, order == "lat-lon") for one in texts]]
    else:
        raise Bad("value.not_geometry")
    for one in lines:
        if len(one) < (4 if kind == "Polygon" else 2) or len(one) > LONGEST:
            raise Bad("value.not_geometry")
        if kind == "Polygon" and one[0] != one[-1]:
            raise Bad("value.ring_not_closed")
    if not lines:
        raise Bad("value.not_geometry")
    return {"type": kind, "coordinates": lines if kind == "Polygon" else lines[0]}


def line_back(value: Any, order: str, shape: str) -> str:
    """The text a geotrace or geoshape question holds. An area with holes has none."""
    if value["type"] != ("Polygon" if shape == "polygon" else "LineString"):
        raise Bad("value.no_way_back")
    lines = value["coordinates"] if value["type"] == "Polygon" else [value["coordinates"]]
    if len(lines) != 1:
        raise Bad("value.no_way_back")
    return ";".join(_text(position, order) for position in lines[0])


def _written(value: Any, turned: bool) -> list[float]:
    """A position from its text. `turned`: latitude stands first.

    Between the numbers stands white space or a comma, never both kinds: `2,5 42,1` may have
    decimal commas, and is refused.
    """
    # `float` reads `1_0`, and digits of every script.
    if value.__class__ is not str or not value.isascii() or "_" in value or len(value) > 200:
        raise Bad("value.not_point")
    parts = value.split(",") if "," in value else value.split()
    if not 2 <= len(parts) <= 4:
        raise Bad("value.not_point")
    try:
        first, second, *rest = map(float, parts)
    except ValueError:
        raise Bad("value.not_point") from None
    height = rest[0] if rest else 0.0
    return _checked(second, first, height) if turned else _checked(first, second, height)


def _position(value: Any) -> list[float]:
    if not isinstance(value, list) or not 2 <= len(value) <= 3:
        raise Bad("value.not_point")
    if any(one.__class__ not in _FIGURES for one in value):
        raise Bad("value.not_point")
    try:
        return _checked(float(value[0]), float(value[1]), float(value[2]) if value[2:] else 0.0)
    except OverflowError:
        raise Bad("value.out_of_range") from None


_FIGURES = frozenset((int, float, Decimal))


def _checked(longitude: float, latitude: float, height: float) -> list[float]:
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and abs(height) <= HIGHEST):
        raise Bad("value.out_of_range")
    # Phones without a barometer write an altitude of 0, which says nothing.
    return [longitude, latitude, height] if height else [longitude, latitude]


def _coordinates(value: Mapping[str, Any], kind: str) -> Any:
    if value.get("type") != kind or not value.keys() <= MEMBERS:
        raise Bad("value.not_point" if kind == "Point" else "value.not_geometry")
    return value.get("coordinates")


def _listed(value: Any) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > LONGEST:
        raise Bad("value.not_geometry")
    return value


def _text(position: Sequence[Any], order: str) -> str:
    longitude, latitude, *height = position
    pair = (latitude, longitude) if order == "lat-lon" else (longitude, latitude)
    return f"{pair[0]} {pair[1]} {height[0] if height else 0} 0"
