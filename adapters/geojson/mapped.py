"""Features of others: one flat object for each, which a mapping reads, and back.

    {"id": "7", "geometry/Point": {...}, "properties/name": "...", "properties/beds/day": 12}

A geometry stands under `geometry` and its kind where a line reads that, else under `geometry`
where a line reads that: so a mapping says which kinds it takes, and others are unmapped.
Objects in properties become longer paths, arrays of objects are repeats, and an array of texts
is one text with `;` between them. Many features have no id: `feature/digest` names one by its
content, so that the same feature has the same id whenever it is sent, and a changed one has
another.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from typing import Any

import orjson

from adapters.flat.back import Back
from adapters.flat.nested import nest
from adapters.flat.typed import Typed
from adapters.geojson.envelope import Feature, shown
from gateway.errors import SenderError
from gateway.mapping import Plan, Reader, reader_of
from gateway.record import Reading, Record, Writing

GEOMETRY = "geometry"
KIND = "geometry/type"
DIGEST = "feature/digest"
_MADE = (KIND, DIGEST)
"""Made for mappings that name them."""

BETWEEN = ";"
_MEMBERS = ("type", "id", GEOMETRY, "properties")


def read_features(features: Iterable[Feature], plan: Plan, reading: Reading) -> Iterator[Record]:
    """The records of each feature."""
    reader = reader_of(plan)
    for feature in features:
        yield from reading.sound(partial(_records, reader, feature))
    trace = reader.trace(shown)
    reading.lineage.update(trace.lineage)
    reading.unmapped.update(trace.unmapped)


def _records(reader: Reader, feature: Feature) -> list[Record]:
    flat = _flat(feature)
    _drawn(feature.value[GEOMETRY], flat, reader)
    if reader.names(DIGEST):
        flat[DIGEST] = _digest(feature.value)
    return reader.read(flat, at=feature.at)


def _drawn(geometry: Any, flat: dict[str, Any], reader: Reader) -> None:
    if geometry is None:
        return
    kind = f"{GEOMETRY}/{geometry['type']}"
    whole = reader.names(GEOMETRY) and not reader.names(kind)
    flat[GEOMETRY if whole else kind] = geometry
    if reader.names(KIND):
        flat[KIND] = geometry["type"]


def _digest(value: dict[str, Any]) -> str:
    # Decimals keep their digits: 1.0 and 1.00 are two features.
    content = orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS)
    return sha256(content).hexdigest()[:32]


def _flat(feature: Feature) -> dict[str, Any]:
    value = feature.value
    flat: dict[str, Any] = {}
    if "id" in value:
        flat["id"] = str(value["id"]) if isinstance(value["id"], int) else value["id"]
    others = {key: inner for key, inner in value.items() if key not in _MEMBERS}
    _fill(others, "", flat, feature.at)
    _fill(value["properties"] or {}, "properties", flat, feature.at)
    return flat


def _fill(value: Mapping[str, Any], path: str, flat: dict[str, Any], at: str) -> None:
    for name, inner in value.items():
        key = f"{path}/{name}" if path else name
        if isinstance(inner, dict) and inner:
            _fill(inner, key, flat, at)
        elif flat.setdefault(key, answer := _answer(inner, key, at)) is not answer:
            # `a/b` beside `a` with `b` in it.
            raise SenderError("two properties of one path", rule="geojson.property", at=at)


def _answer(value: Any, key: str, at: str) -> Any:
    if value in ({}, []):
        return None
    if not isinstance(value, list):
        return value
    if all(isinstance(item, str) and BETWEEN not in item for item in value):
        return BETWEEN.join(value)
    if not all(isinstance(item, dict) for item in value):
        return value
    items: list[dict[str, Any]] = []
    for item in value:
        items.append({})
        _fill(item, key, items[-1], at)
    return items


def write_features(
    records: Iterable[Record], plan: Plan, writing: Writing
) -> Iterator[dict[str, Any]]:
    """The features that the records were read from, as far as the mapping goes back."""
    met: set[str] = set()
    back = Back(plan, _noting(records, met))
    typed = Typed(plan, shapes=True)
    for fields in back:
        kept = {key: value for key, value in typed(fields).items() if key not in _MADE}
        found = nest(kept)
        yield {
            "type": "Feature",
            **({"id": found.pop("id")} if "id" in found else {}),
            GEOMETRY: _one(found.pop(GEOMETRY, None), plan, back.lost),
            "properties": found.pop("properties", {}),
            **found,
        }
    if any(source.slot == DIGEST for source in plan.made[0].ids):
        back.lost |= {f"{name}.record_id" for name in met.intersection(plan.record_types)}
    back.tell(writing)


def _noting(records: Iterable[Record], met: set[str]) -> Iterator[Record]:
    for record in records:
        met.add(record["record_type"])
        yield record


def _one(found: Any, plan: Plan, lost: set[str]) -> Any:
    """The geometry, written under `geometry` or under its kind. Of several, a shape, not a point.

    A feature has one; the leaves of the others are lost.
    """
    if not isinstance(found, dict) or "type" in found:
        return found
    first, *others = sorted(found, key=lambda kind: (kind == "Point", kind))
    slots = {f"{GEOMETRY}/{kind}" for kind in others}
    lost |= {leaf for leaf, slot in plan.targets().items() if slot in slots}
    return found[first]
