"""Canonical values for which FHIR has no element, as extensions in extensions, by their schema.

`incident_place` becomes an extension `incident-place` whose parts are named as the schema names
them. An array becomes several extensions of one address. What a record says is so kept whole,
and a reader who knows the schemas needs no other document.
"""

import base64
import binascii
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from adapters.fhir_r4 import terms
from adapters.fhir_r4.reading import Json, Reader
from adapters.fhir_r4.writers import ANY, Sheet, Uncarriable, refer
from gateway.record import load, resolve

_INTEGER = 2**31
"""FHIR's integers are smaller than ours; a larger one is written as a decimal."""
GEOJSON = "application/geo+json"


def address(field: str) -> str:
    """Of the extension that holds a canonical field."""
    return terms.EXTENSION + field.replace("_", "-")


def spec_of(record_type: str, field: str) -> Mapping[str, Any]:
    """The schema of a top-level field."""
    return resolve(load(record_type)["properties"][field])


def write(field: str, value: Any, root: str, record_type: str, sheet: Sheet) -> list[Json]:
    """The extensions of one field, and a line of lineage for each of its leaves."""
    path = f"{root}.extension.{field.replace('_', '-')}"
    target = (f"{record_type}.{field}", path)
    return _write(address(field), value, spec_of(record_type, field), target, sheet)


def _write(
    url: str, value: Any, spec: Mapping[str, Any], target: tuple[str, str], sheet: Sheet
) -> list[Json]:
    leaf, path = target
    if isinstance(value, list):
        items = resolve(spec["items"])
        return [
            written
            for item in value
            for written in _write(url, item, items, (f"{leaf}[]", path), sheet)
        ]
    properties = spec.get("properties", {})
    if "coordinates" in properties:
        sheet.lineage[leaf] = path
        return [{"url": url, **(_point(value) if _is_point(spec) else shape_of(value))}]
    if isinstance(value, dict):
        parts = [
            written
            for key, item in value.items()
            for written in _write(
                key, item, resolve(properties[key]), (f"{leaf}.{key}", f"{path}.{key}"), sheet
            )
        ]
        if not parts:
            raise Uncarriable
        return [{"url": url, "extension": parts}]
    sheet.lineage[leaf] = path
    return [{"url": url, **_simple(value, spec, sheet)}]


def _simple(value: Any, spec: Mapping[str, Any], sheet: Sheet) -> Json:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger" if abs(value) < _INTEGER else "valueDecimal": value}
    if "x-ref" in spec:
        return {"valueReference": refer(value, sheet, ANY)}
    return {"valueCode" if "enum" in spec else "valueString": value}


def _is_point(spec: Mapping[str, Any]) -> bool:
    return "const" in spec["properties"]["type"]


def _point(value: Json) -> Json:
    longitude, latitude, *altitude = value["coordinates"]
    parts = [
        {"url": "latitude", "valueDecimal": latitude},
        {"url": "longitude", "valueDecimal": longitude},
    ]
    parts += [{"url": "altitude", "valueDecimal": number} for number in altitude]
    return {"extension": parts}


def shape_of(value: Json) -> Json:
    """A geometry as an attachment."""
    data = base64.b64encode(orjson.dumps(value)).decode()
    return {"valueAttachment": {"contentType": GEOJSON, "data": data}}


def read(reader: Reader, field: str, extension: Json, path: str) -> Any:
    """What one extension of a field holds: an item of it, where the field is an array.

    None where it holds nothing our schema has room for; that is then listed as left behind.
    """
    record_type = reader.record["record_type"]
    spec = spec_of(record_type, field)
    if spec.get("type") == "array":
        return _read(reader, resolve(spec["items"]), f"{field}[]", extension, path)
    return _read(reader, spec, field, extension, path)


def _read(reader: Reader, spec: Mapping[str, Any], leaf: str, item: Json, path: str) -> Any:
    properties = spec.get("properties", {})
    if "coordinates" in properties:
        found = _read_point(reader, item, path) if _is_point(spec) else shape(reader, item, path)
        if found is not None:
            reader.note(leaf, path)
        return found
    if properties:
        return _read_parts(reader, properties, leaf, item, path) or None
    value = _value(reader, spec, item, path)
    if value is None:
        reader.leave(path)
        return None
    kind = {"boolean": bool, "integer": int}.get(spec.get("type", ""), str)
    return value if reader.accept(leaf, value, path, kind) else None


def _read_parts(
    reader: Reader, properties: Mapping[str, Any], leaf: str, extension: Json, where: str
) -> Json:
    found: Json = {}
    for part, item, path in reader.parts(extension, where):
        if part not in properties:
            raise reader.refuse("fhir.extension", "not a part of this extension", where)
        spec = resolve(properties[part])
        if spec.get("type") == "array":
            value = _read(reader, resolve(spec["items"]), f"{leaf}.{part}[]", item, path)
            if value is not None:
                found.setdefault(part, []).append(value)
        elif part in found:
            raise reader.refuse("fhir.repeated", "more than one value for one field", path)
        else:
            value = _read(reader, spec, f"{leaf}.{part}", item, path)
            if value is not None:
                found[part] = value
    return found


def _value(reader: Reader, spec: Mapping[str, Any], item: Json, path: str) -> Any:
    if spec.get("type") == "boolean":
        return item.get("valueBoolean")
    if spec.get("type") == "integer":
        value = item.get("valueInteger", item.get("valueDecimal"))
        if isinstance(value, Decimal) and value == value.to_integral_value():
            return int(value)
        return value
    if "x-ref" in spec:
        return reader.resolve(reader.object(item, "valueReference", path))
    return item.get("valueCode" if "enum" in spec else "valueString")


def _read_point(reader: Reader, extension: Json, where: str) -> Json:
    found: dict[str, float] = {}
    for part, item, path in reader.parts(extension, where):
        found[part] = number(reader, item.get("valueDecimal"), path)
    if not {"latitude", "longitude"} <= found.keys() <= {"latitude", "longitude", "altitude"}:
        raise reader.refuse("fhir.extension", "not a latitude and a longitude", where)
    return point(reader, found, where)


def point(reader: Reader, found: Mapping[str, float], where: str) -> Json:
    """A GeoJSON point from latitude, longitude and perhaps altitude."""
    longitude, latitude = found["longitude"], found["latitude"]
    if abs(longitude) > 180 or abs(latitude) > 90:
        raise reader.refuse("fhir.geolocation", "not on the globe", where)
    altitude = [found["altitude"]] if "altitude" in found else []
    return {"type": "Point", "coordinates": [longitude, latitude, *altitude]}


def number(reader: Reader, value: Any, path: str) -> float:
    """A JSON number, where one must stand."""
    if isinstance(value, Decimal):
        return float(value)
    if type(value) is not int:
        raise reader.refuse("fhir.type", "not a number", path)
    return value


def shape(reader: Reader, extension: Json, path: str) -> Json | None:
    """The GeoJSON of an attachment. What is in it, the schema of the record says."""
    attachment = reader.object(extension, "valueAttachment", path)
    data = attachment.get("data")
    if not isinstance(data, str):
        reader.leave(path)
        return None
    try:
        found = orjson.loads(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        raise reader.refuse("fhir.geojson", "not GeoJSON in base 64", path) from None
    if not isinstance(found, dict):
        raise reader.refuse("fhir.geojson", "not GeoJSON in base 64", path)
    return found
