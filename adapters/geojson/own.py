"""Features that carry a whole canonical record, as this gateway writes them.

    {"type": "Feature", "id": "ministry.example/c7",
     "geometry": {"type": "Point", "coordinates": [36.8, -1.3]},
     "properties": {"record_type": "facility", "drawn": "place.geo",
                    "facility_name": "...", "place.admin1_code": "EX01", "service": [...]}}

A property is a leaf by its path, or an array with everything in it. `drawn` says which leaf the
geometry is: it stands there only. An alert is drawn as all its polygons, which stay where they
are too.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from adapters.geojson.envelope import Feature, shown
from adapters.geojson.shapes import is_drawable
from adapters.leaf_names import leaf_names
from gateway.errors import SenderError
from gateway.record import RECORD_TYPES, Reading, Record, Writing, leaves

DRAWN = "drawn"
TYPE = "record_type"
POLYGONS = "info[].area[].polygon[]"


@cache
def drawable(record_type: str) -> tuple[str, ...]:
    """The leaves that can be a feature's geometry, best first."""
    known = leaves(record_type)
    points = [
        name for name, leaf in known.items() if leaf.spec.get("x-point") and "[]" not in leaf.path
    ]
    shapes = [name for name in ("geometry", POLYGONS) if name in known]
    return (*shapes, *points)


@cache
def _arrays(record_type: str) -> frozenset[str]:
    return frozenset(name.split("[]")[0] for name in leaves(record_type) if "[]" in name)


def is_own(feature: Feature) -> bool:
    """Whether a feature says which record it is."""
    return TYPE in (feature.value["properties"] or ())


def read_feature(feature: Feature, reading: Reading) -> Record:
    """The record. Raises `SenderError` where the feature contradicts itself."""
    value, at = feature.value, feature.at
    record_type = value["properties"][TYPE]
    if not isinstance(record_type, str) or record_type not in RECORD_TYPES:
        raise SenderError("no such record type", rule="geojson.record_type", at=at)
    if not isinstance(value.get("id"), str):
        raise SenderError("a record without an id", rule="geojson.record_id", at=at)
    record: Record = {TYPE: record_type, "record_id": value["id"]}
    lines = {TYPE: f"properties/{TYPE}", "record_id": "id"}
    for key, content in value["properties"].items():
        if key in (TYPE, DRAWN):
            continue
        if key in lines or not (key in leaves(record_type) or key in _arrays(record_type)):
            reading.unmapped.add(shown(f"properties/{key}"))
            continue
        _put(record, key, content)
        lines[key] = f"properties/{key}"
    drawn = _drawn(feature, record, record_type)
    if drawn:
        lines[drawn] = "geometry"
    elif value["geometry"] is not None and DRAWN not in value["properties"]:
        reading.unmapped.add("geometry")
    known = ("type", "id", "geometry", "properties")
    reading.unmapped.update(shown(key) for key in value if key not in known)
    for field, content in record.items():
        for name in leaf_names(record_type, field, content):
            path = name.partition(".")[2]
            reading.lineage[name] = lines[path if path in lines else path.split("[]")[0]]
    return record


def write_feature(record: Record, writing: Writing) -> dict[str, Any]:
    """The feature."""
    record_type = record[TYPE]
    properties: dict[str, Any] = {TYPE: record_type}
    flat: dict[str, Any] = {}
    for field, content in record.items():
        if field not in (TYPE, "record_id"):
            _flatten(record_type, field, content, flat)
    geometry, drawn = _draw(record, record_type, flat, writing)
    if geometry is not None:
        properties[DRAWN] = drawn
    elif drawn:
        writing.unrendered.add(f"{record_type}.{drawn}")
    for field, content in record.items():
        for name in leaf_names(record_type, field, content):
            path = name.partition(".")[2]
            if name not in writing.unrendered:
                writing.lineage[name] = _place(path, "" if drawn == POLYGONS else drawn)
    return {
        "type": "Feature",
        "id": record["record_id"],
        "geometry": geometry,
        "properties": {**properties, **flat},
    }


def _place(path: str, drawn: str) -> str:
    if path == "record_id":
        return "id"
    return "geometry" if path == drawn else f"properties/{path.split('[]')[0]}"


def _flatten(record_type: str, path: str, content: Any, flat: dict[str, Any]) -> None:
    if isinstance(content, dict) and path not in leaves(record_type):
        for key, inner in content.items():
            _flatten(record_type, f"{path}.{key}", inner, flat)
    else:
        flat[path] = content


def _put(record: Record, path: str, content: Any) -> None:
    *holders, last = path.split(".")
    place = record
    for step in holders:
        place = place.setdefault(step, {})
    place[last] = content


def _draw(
    record: Record, record_type: str, flat: dict[str, Any], writing: Writing
) -> tuple[Any, str]:
    """The geometry, and the leaf that it is; no geometry where that leaf cannot be drawn."""
    for name in drawable(record_type):
        if name == POLYGONS:
            shape = _polygons(record)
            return (shape, name) if shape else (None, "")
        if name in flat:
            shape = flat.pop(name)
            return (shape, name) if is_drawable(shape) else (None, name)
    return None, ""


def _polygons(alert: Mapping[str, Any]) -> dict[str, Any] | None:
    """Every polygon of an alert in one shape."""
    found = [
        polygon["coordinates"]
        for info in alert.get("info", ())
        for area in info.get("area", ())
        for polygon in area.get("polygon", ())
        if is_drawable(polygon)
    ]
    return {"type": "MultiPolygon", "coordinates": found} if found else None


def _drawn(feature: Feature, record: Record, record_type: str) -> str:
    drawn = feature.value["properties"].get(DRAWN)
    if drawn is None:
        return ""
    geometry = feature.value["geometry"]
    if drawn not in drawable(record_type) or geometry is None:
        raise SenderError("a geometry that is no field", rule="geojson.drawn", at=feature.at)
    if drawn == POLYGONS:
        if _polygons(record) != geometry:
            raise SenderError(
                "a geometry that is not the polygons of the alert",
                rule="geojson.drawn",
                at=feature.at,
            )
        return ""
    _put(record, drawn, geometry)
    return str(drawn)
