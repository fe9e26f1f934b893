"""Canonical records for property tests, generated from the schemas themselves.

`plain` records are what a careful source sends: dates in the calendar, texts of letters, digits
and punctuation. The others use everything the schemas allow.
"""

from collections.abc import Collection
from datetime import date
from typing import Any

from hypothesis import strategies as st

from gateway.record import Record, leaves, load, resolve

_ANY = st.characters(exclude_categories=["Cs"])
_PLAIN = st.characters(categories=["L", "N", "P", "S"], include_characters=" ")
_IDS = [f"demo.example/p{number}" for number in range(4)]
_NAMES = ["أمينة يوسف", "عبد الرحمن", "Élodie N'Diaye", "Zoé Lefèvre", "+254700000001", "'=cmd"]


def records(*, plain: bool = False) -> st.SearchStrategy[list[Record]]:
    """Lists of persons and households, some of which refer to each other."""
    return st.lists(st.one_of(_object("person", plain), _object("household", plain)), max_size=4)


def _object(record_type: str, plain: bool) -> st.SearchStrategy[Any]:
    schema = load(record_type)
    return _of({**schema, "properties": {**schema["properties"]}}, "", plain)


def _of(spec: Any, name: str, plain: bool) -> st.SearchStrategy[Any]:
    spec = resolve(spec)
    if "const" in spec:
        return st.just(spec["const"])
    if "enum" in spec:
        return st.sampled_from(spec["enum"])
    if "coordinates" in spec.get("properties", ()):
        return _point()
    kind = spec["type"]
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        return st.integers(spec["minimum"], spec["maximum"])
    if kind == "array":
        return st.lists(_of(spec["items"], name, plain), min_size=1, max_size=3)
    if kind == "object":
        return _mapping(spec, name, plain)
    return _text(spec, name, plain)


def _mapping(spec: Any, name: str, plain: bool) -> st.SearchStrategy[Any]:
    if name == "withheld":
        reasons = st.sampled_from(spec["additionalProperties"]["enum"])
        fields = st.sampled_from(["birth_date", "name", "sex", "email", "religion", "address"])
        others = st.sampled_from(
            ["marital_status", "group_type", "group_size", "identifier", "age"]
        )
        return st.dictionaries(fields | others, reasons, min_size=1, max_size=4)
    if "properties" not in spec:
        return st.dictionaries(st.text(_PLAIN, min_size=1), st.integers(), min_size=1, max_size=2)
    properties = {key: _of(child, key, plain) for key, child in spec["properties"].items()}
    required = {key: properties.pop(key) for key in spec.get("required", ())}
    found = st.fixed_dictionaries(required, optional=properties)
    return found.filter(bool)


def _point() -> st.SearchStrategy[Any]:
    numbers = [st.floats(-180, 180), st.floats(-90, 90), st.floats(-500, 9000)]
    point = st.tuples(*numbers[:2]).map(list) | st.tuples(*numbers).map(list)
    return point.map(lambda coordinates: {"type": "Point", "coordinates": coordinates})


def _text(spec: Any, name: str, plain: bool) -> st.SearchStrategy[str]:
    pattern = spec.get("pattern", "")
    if pattern.startswith("^[a-z0-9][a-z0-9.-]*/"):
        ids = st.sampled_from(_IDS)
        return ids if plain else ids | st.from_regex(pattern, fullmatch=True, alphabet=_ANY)
    if plain and pattern.startswith("^[0-9]{4}"):
        return _date("T" in pattern)
    if pattern:
        found = st.from_regex(pattern, fullmatch=True, alphabet=_PLAIN if plain else _ANY)
        return found.filter(lambda text: len(text) <= spec.get("maxLength", 4096))
    letters = _PLAIN if plain else _ANY
    longest = min(spec["maxLength"], 12)
    text = st.text(letters, min_size=spec["minLength"], max_size=longest)
    if plain:
        text = text.filter(lambda value: value == value.strip() and value.strip() != "")
    if name == "photo_url" and plain:
        return st.just("https://pictures.example/p/1.jpg")
    return text | st.sampled_from(_NAMES)


def _date(instant: bool) -> st.SearchStrategy[str]:
    days = st.dates(date(1900, 1, 1), date(2100, 12, 31)).map(str)
    if instant:
        return days.map(lambda day: f"{day}T09:30:00+03:00")
    return days.flatmap(lambda day: st.sampled_from([day[:4], day[:7], day]))


def comparable(records: list[Record], unrendered: Collection[str]) -> list[Record]:
    """The records without the leaves a format could not carry, and without what that emptied."""
    return [
        {
            name: kept
            for name, value in record.items()
            if (kept := _without(value, f"{record['record_type']}.{name}", unrendered)) is not None
        }
        for record in records
    ]


def _without(value: Any, leaf: str, gone: Collection[str]) -> Any:
    if leaf in gone:
        return None
    if isinstance(value, dict):
        kept = {key: _without(part, f"{leaf}.{key}", gone) for key, part in value.items()}
        return {key: part for key, part in kept.items() if part is not None} or None
    if isinstance(value, list):
        items = [_without(item, f"{leaf}[]", gone) for item in value]
        return [item for item in items if item is not None] or None
    return value


def present(records: list[Record]) -> set[str]:
    """Every leaf that occurs."""
    return {
        f"{record['record_type']}.{leaf.name}"
        for record in records
        for leaf in leaves(record["record_type"]).values()
        if _occurs(record, leaf.path)
    }


def _occurs(value: Any, path: tuple[str, ...]) -> bool:
    if not path:
        return True
    if path[0] == "[]":
        return isinstance(value, list) and any(_occurs(item, path[1:]) for item in value)
    return isinstance(value, dict) and path[0] in value and _occurs(value[path[0]], path[1:])
