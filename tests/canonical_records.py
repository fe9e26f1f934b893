"""Canonical records for property tests, generated from the schemas themselves.

`plain` records are what a careful source sends: dates in the calendar, texts of letters, digits
and punctuation. The others use everything the schemas allow.
"""

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

from hypothesis import strategies as st

from gateway.kit.leaves import without
from gateway.record import Record, leaves, load, resolve

_ANY = st.characters(exclude_categories=["Cs"])
_PLAIN = st.characters(categories=["L", "N", "P", "S"], include_characters=" ")
_IDS = [f"demo.example/p{number}" for number in range(4)]
_FEW_FIELDS, _FEW = 30, 16
_MARKED = [
    *("birth_date", "name", "sex", "email", "religion", "address", "marital_status"),
    *("group_type", "group_size", "identifier", "age"),
]
_NAMES = ["أمينة يوسف", "عبد الرحمن", "Élodie N'Diaye", "Zoé Lefèvre", "+254700000001", "'=cmd"]


PEOPLE = ("person", "household")


def records(
    *, plain: bool = False, types: Sequence[str] = PEOPLE, most: int = 4
) -> st.SearchStrategy[list[Record]]:
    """Lists of at most `most` records of these types, some of which refer to each other."""
    return st.lists(st.one_of([_object(name, plain) for name in types]), max_size=most)


@cache
def _object(record_type: str, plain: bool) -> st.SearchStrategy[Any]:
    return _of(load(record_type), "", plain)


def _of(spec: Any, name: str, plain: bool) -> st.SearchStrategy[Any]:
    spec = resolve(spec)
    if "const" in spec:
        return st.just(spec["const"])
    if "enum" in spec:
        return st.sampled_from(spec["enum"])
    if "coordinates" in spec.get("properties", ()):
        return _geometry(spec["properties"]["type"])
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
    if name in ("withheld", "absent"):
        reasons = st.sampled_from(spec["additionalProperties"]["enum"])
        return st.dictionaries(st.sampled_from(_MARKED), reasons, min_size=1, max_size=4)
    if "properties" not in spec:
        return st.dictionaries(
            st.text(_PLAIN, min_size=1), st.integers(-(2**53), 2**53), min_size=1, max_size=2
        )
    properties = {key: _of(child, key, plain) for key, child in spec["properties"].items()}
    required = {key: properties.pop(key) for key in spec.get("required", ())}
    if len(properties) <= (_FEW if name else _FEW_FIELDS):
        return st.fixed_dictionaries(required, optional=properties).filter(bool)
    # All at once would be more than hypothesis draws for one example.
    chosen = st.sets(st.sampled_from(sorted(properties)), max_size=8).map(sorted)
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries({**required, **{n: properties[n] for n in names}})
    ).filter(bool)


def _position() -> st.SearchStrategy[Any]:
    numbers = [st.floats(-180, 180), st.floats(-90, 90), st.floats(-500, 9000)]
    return st.tuples(*numbers[:2]).map(list) | st.tuples(*numbers).map(list)


def _line() -> st.SearchStrategy[Any]:
    return st.lists(_position(), min_size=2, max_size=3)


def _rings() -> st.SearchStrategy[Any]:
    ring = st.lists(_position(), min_size=3, max_size=4).map(lambda line: [*line, line[0]])
    return st.lists(ring, min_size=1, max_size=2)


_COORDINATES = {
    "Point": _position,
    "MultiPoint": lambda: st.lists(_position(), min_size=1, max_size=2),
    "LineString": _line,
    "MultiLineString": lambda: st.lists(_line(), min_size=1, max_size=2),
    "Polygon": _rings,
    "MultiPolygon": lambda: st.lists(_rings(), min_size=1, max_size=2),
}


def _geometry(kinds: Any) -> st.SearchStrategy[Any]:
    names = [kinds["const"]] if "const" in kinds else kinds["enum"]
    return st.sampled_from(names).flatmap(
        lambda kind: st.fixed_dictionaries(
            {"type": st.just(kind), "coordinates": _COORDINATES[kind]()}
        )
    )


def _text(spec: Any, name: str, plain: bool) -> st.SearchStrategy[str]:
    pattern = spec.get("pattern", "")
    if pattern.startswith("^[a-z0-9][a-z0-9.-]*/"):
        ids = st.sampled_from(_IDS)
        return ids if plain else ids | _matching(pattern, spec["maxLength"], plain)
    if plain and pattern in _dates():
        return _date(_dates()[pattern])
    if pattern:
        return _matching(pattern, spec.get("maxLength", 4096), plain)
    letters = _PLAIN if plain else _ANY
    longest = min(spec["maxLength"], 12)
    text = st.text(letters, min_size=spec["minLength"], max_size=longest)
    if plain:
        text = text.filter(lambda value: value == value.strip() and value.strip() != "")
    if name == "photo_url" and plain:
        return st.just("https://pictures.example/p/1.jpg")
    fit = [value for value in _NAMES if len(value) <= spec["maxLength"]]
    return text | st.sampled_from(fit)


@cache  # the same few patterns stand in hundreds of leaves, and are dear to take apart
def _matching(pattern: str, longest: int, plain: bool) -> st.SearchStrategy[str]:
    found = st.from_regex(pattern, fullmatch=True, alphabet=_PLAIN if plain else _ANY)
    return found.filter(lambda text: len(text) <= longest)


@cache
def _dates() -> dict[str, str]:
    parts = load("parts")["$defs"]
    return {parts[name]["pattern"]: name for name in ("approx_date", "moment", "instant")}


def _date(part: str) -> st.SearchStrategy[str]:
    days = st.dates(date(1900, 1, 1), date(2100, 12, 31)).map(str)
    instants = days.map(lambda day: f"{day}T09:30:00+03:00")
    if part == "instant":
        return instants
    partial = days.flatmap(lambda day: st.sampled_from([day[:4], day[:7], day]))
    return partial | instants if part == "moment" else partial


comparable = without
"""The records without the leaves a format could not carry, and without what that emptied."""


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
