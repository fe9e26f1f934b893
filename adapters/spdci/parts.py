"""Parts that people and groups share: identifiers, addresses, positions, dates."""

from collections.abc import Iterable, Iterator
from typing import Any

from adapters.leaf_names import NOTHING, leaf_names
from adapters.spdci import values
from adapters.spdci.fields import ADDRESS, DATES, IDENTIFIER
from adapters.spdci.found import Found


def identifiers(found: Found, name: str, leaf: str | None) -> list[dict[str, str]]:
    """Identifiers in a list or alone, as objects or as texts.

    `leaf` is what lineage calls the list. A type without a value names nobody and stays behind.
    """
    kept: list[dict[str, str]] = []
    path, value = found.take(name)
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str) and item.strip():
            kept.append({"identifier_value": item})
            if leaf is not None:
                found.reading.lineage[f"{leaf}.identifier_value"] = path
        elif isinstance(item, dict):
            inner = Found(item, path, found.at, found.reading)
            kept += beside(inner, leaf)
            inner.left()
        elif item is not NOTHING and not values.is_empty(item):
            raise found.error("not an identifier", "identifier", name)
    return kept


def beside(found: Found, leaf: str | None) -> list[dict[str, str]]:
    """An identifier whose two fields are the object's own."""
    if not any(name in found for name in IDENTIFIER[1].names):
        return []
    kept: dict[str, str] = {}
    found.read(IDENTIFIER, None if leaf is None else f"{leaf}.", kept)
    return [kept]


def distinct(items: Iterable[Any]) -> list[Any]:
    """Each text or flat object once, in order."""
    found: dict[Any, Any] = {}
    for item in items:
        found.setdefault(key_of(item), item)
    return list(found.values())


def key_of(item: Any) -> Any:
    """What tells a text or a flat object from others."""
    return frozenset(item.items()) if isinstance(item, dict) else item


def addresses(found: Found, record_type: str, into: dict[str, Any]) -> None:
    """Addresses, as objects or as one line, and the point of the only one that has one."""
    path, value = found.take("address")
    kept: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str) and item.strip():
            kept.append({"address_line_1": item})
            found.reading.lineage[f"{record_type}.address[].address_line_1"] = path
        elif isinstance(item, dict):
            inner = Found(item, path, found.at, found.reading)
            one: dict[str, Any] = {}
            inner.read(ADDRESS, f"{record_type}.address[].", one)
            kept += [one] if one else []
            points += list(_points(inner, "geo_location"))
            inner.left()
        elif item is not NOTHING and not values.is_empty(item):
            raise found.error("not an address", "address", "address")
    if kept:
        into["address"] = [*into.get("address", []), *kept]
    if len(points) == 1:
        _located(found, record_type, points[0], f"{path}.geo_location", into)
    elif points:
        found.reading.unmapped.add(f"{path}.geo_location")


def position(found: Found, name: str, record_type: str, into: dict[str, Any]) -> None:
    """The position of a place, for the record."""
    for made in _points(found, name):
        _located(found, record_type, made, f"{found.path}.{name}", into)


def _located(
    found: Found, record_type: str, made: dict[str, Any], path: str, into: dict[str, Any]
) -> None:
    place: dict[str, Any] = into.setdefault("place", {})
    if place.setdefault("geo", made) != made:
        found.reading.unmapped.add(path)
        return
    lines = leaf_names(record_type, "place.geo", made)
    found.reading.lineage.update(dict.fromkeys(lines, path))


_COORDINATES = ("longitude", "latitude", "altitude")
_BOUNDS = (180, 90, 100_000)


def _points(found: Found, name: str) -> Iterator[dict[str, Any]]:
    """GeoJSON of an object with a latitude and a longitude. Codes of areas stay behind."""
    for inner in found.inner(name):
        numbers = [inner.take(one)[1] for one in _COORDINATES]
        given = [value for value in numbers if value is not NOTHING]
        try:
            made = [values.coordinate(value) for value in given]
        except ValueError:
            raise inner.error("not a position on earth", "position") from None
        outside = any(abs(one) > most for one, most in zip(made, _BOUNDS, strict=False))
        if given and (outside or NOTHING in numbers[:2]):
            raise inner.error("not a position on earth", "position")
        if given:
            yield {"type": "Point", "coordinates": made}
        inner.left()


def dates(found: Found, record_type: str, into: dict[str, Any]) -> None:
    """When it was registered, and when it was last changed."""
    found.read(DATES[:1], f"{record_type}.", into)
    source: dict[str, Any] = into.get("source", {})
    found.read(DATES[1:], f"{record_type}.source.", source)
    if source:
        into["source"] = source


def unwrapped(found: Found, name: str) -> Found:
    """What stands in an object under this name, which some put around it."""
    inner = found.only(name)
    if inner is None:
        return found
    found.left()
    return inner
