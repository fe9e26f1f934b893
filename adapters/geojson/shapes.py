"""What RFC 7946 demands of geometries, beyond what JSON Schema can say."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from gateway.errors import SenderError

_NUMBERS = frozenset((int, float, Decimal))
_LINE = 2
_RING = 4
_BOXES = (4, 6)

COLLECTION = "GeometryCollection"

_WGS_84 = frozenset(
    (
        "urn:ogc:def:crs:OGC:1.3:CRS84",
        "urn:ogc:def:crs:OGC::CRS84",
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "EPSG:4326",
        "urn:ogc:def:crs:EPSG::4326",
    )
)
"""Names that files of before 2016 give to the only system there is now. In GeoJSON, longitude
stood first in each of them."""


def check_geometry(geometry: Any, *, at: str) -> None:
    """Raise `SenderError` for a geometry that is none: sections 3.1 and 4."""
    if not isinstance(geometry, dict):
        raise _broken("not a geometry", "geometry", at)
    kind = geometry.get("type")
    if kind == COLLECTION:
        inner = geometry.get("geometries")
        if not isinstance(inner, list):
            raise _broken("a collection without geometries", "geometry", at)
        for one in inner:
            check_geometry(one, at=at)
    elif isinstance(kind, str) and kind in _CHECKS:
        _CHECKS[kind](geometry.get("coordinates"), at)
    else:
        raise _broken("not a kind of geometry", "geometry", at)
    check_members(geometry, at=at)


def check_members(value: Mapping[str, Any], *, at: str) -> None:
    """Raise `SenderError` for a reference system other than WGS 84, or a box that is none."""
    if "crs" in value:
        crs = value["crs"]
        properties = crs.get("properties") if isinstance(crs, dict) else None
        name = properties.get("name") if isinstance(properties, dict) else None
        if not isinstance(name, str) or name not in _WGS_84:
            raise _broken("coordinates of another system than WGS 84", "crs", at)
    if "bbox" in value:
        box = value["bbox"]
        if not isinstance(box, list) or len(box) not in _BOXES or not all(map(_is_number, box)):
            raise _broken("not a bounding box", "bbox", at)


def is_nothing(geometry: Any) -> bool:
    """Whether a geometry has no position at all, which may be read as null (section 3.1)."""
    single = isinstance(geometry, dict) and geometry.get("type") in _SINGLE
    return single and geometry.get("coordinates") == []


def is_drawable(geometry: Any) -> bool:
    """Whether a geometry can be written."""
    try:
        check_geometry(geometry, at="")
    except SenderError:
        return False
    return True


def _is_number(value: Any) -> bool:
    return value.__class__ in _NUMBERS


def _position(value: Any, at: str) -> None:
    if not isinstance(value, list) or not 2 <= len(value) <= 3 or not all(map(_is_number, value)):
        raise _broken("not a position", "position", at)
    if not (-180 <= value[0] <= 180 and -90 <= value[1] <= 90):
        raise _broken("not a longitude and a latitude, in this order", "out_of_range", at)


def _several(value: Any, one: Callable[[Any, str], None], at: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise _broken("not a list of positions", "position", at)
    for item in value:
        one(item, at)
    return value


def _line(value: Any, at: str) -> None:
    if len(_several(value, _position, at)) < _LINE:
        raise _broken("a line of fewer than two positions", "line", at)


def _ring(value: Any, at: str) -> None:
    positions = _several(value, _position, at)
    if len(positions) < _RING:
        raise _broken("a ring of fewer than four positions", "ring", at)
    if positions[0] != positions[-1]:
        raise _broken("a ring that is not closed", "ring", at)


def _polygon(value: Any, at: str) -> None:
    if not _several(value, _ring, at):
        raise _broken("a polygon without a ring", "ring", at)


def _many(one: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    def check(value: Any, at: str) -> None:
        _several(value, one, at)

    return check


_CHECKS: Mapping[str, Callable[[Any, str], None]] = {
    "Point": _position,
    "MultiPoint": _many(_position),
    "LineString": _line,
    "MultiLineString": _many(_line),
    "Polygon": _polygon,
    "MultiPolygon": _many(_polygon),
}
_SINGLE = ("Point", "LineString", "Polygon")
GEOMETRIES = frozenset((*_CHECKS, COLLECTION))


def _broken(problem: str, rule: str, at: str) -> SenderError:
    return SenderError(problem, rule=f"geojson.{rule}", at=at)
