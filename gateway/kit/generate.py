"""Canonical records of any type, generated from the schemas themselves.

Everything a schema allows may come: dates in no calendar, texts of control characters and of
apostrophes, points at the poles. An adapter carries them, names them in `unrendered`, or refuses.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from gateway.record import Record, fields, load, resolve

_ANY = st.characters(exclude_categories=["Cs"])
_IDS = [f"demo.example/r{number}" for number in range(4)]
_TEXTS = [
    "أمينة يوسف",
    "عبد الرحمن",
    "Élodie N'Diaye",
    "'=cmd",
    "-1",
    " a  b ",
    "\u2028",
    "<&>",
    "00",
]
_FEW = 8
"""Optional parts of one object at a time. More is more than one example can hold."""

Strategy = st.SearchStrategy[Any]


def records(types: Sequence[str], *, most: int = 3) -> st.SearchStrategy[list[Record]]:
    """Lists of at most `most` records of these types, some of which refer to each other."""
    return st.lists(st.one_of([one(name) for name in types]), max_size=most)


@cache
def one(record_type: str) -> Strategy:
    """One record."""
    names = tuple(fields(record_type))
    return _of(load(record_type), names)


def _of(spec: Mapping[str, Any], names: Sequence[str]) -> Strategy:
    spec = resolve(spec)
    if "const" in spec:
        return st.just(spec["const"])
    if "enum" in spec:
        return st.sampled_from(spec["enum"])
    if "coordinates" in spec.get("properties", {}):
        return _geometry(spec["properties"]["type"])
    kinds: Mapping[str, Callable[[], Strategy]] = {
        "boolean": st.booleans,
        "integer": lambda: st.integers(spec.get("minimum", -99), spec.get("maximum", 99_999)),
        "number": lambda: st.integers(spec.get("minimum", -99), spec.get("maximum", 99)),
        "array": lambda: st.lists(_of(spec["items"], names), min_size=1, max_size=3),
        "object": lambda: _object(spec, names),
        "string": lambda: _text(spec),
    }
    return kinds[spec["type"]]()


def _object(spec: Mapping[str, Any], names: Sequence[str]) -> Strategy:
    if "properties" not in spec:
        reasons = spec.get("additionalProperties")
        keys = st.sampled_from(names)
        if isinstance(reasons, dict) and "enum" in reasons:
            return st.dictionaries(keys, st.sampled_from(reasons["enum"]), min_size=1, max_size=3)
        return st.dictionaries(keys, st.sampled_from(_TEXTS), min_size=1, max_size=2)
    parts = {key: _of(child, names) for key, child in spec["properties"].items()}
    required = {key: parts.pop(key) for key in spec.get("required", ())}
    if len(parts) <= _FEW:
        return st.fixed_dictionaries(required, optional=parts).filter(bool)
    chosen = st.sets(st.sampled_from(sorted(parts)), max_size=_FEW).map(sorted)
    return chosen.flatmap(
        lambda some: st.fixed_dictionaries({**required, **{key: parts[key] for key in some}})
    )


@cache
def _shapes() -> Mapping[str, Strategy]:
    numbers = [st.floats(-180, 180), st.floats(-90, 90), st.floats(-500, 9000)]
    position = st.tuples(*numbers[:2]).map(list) | st.tuples(*numbers).map(list)
    line = st.lists(position, min_size=2, max_size=3)
    ring = st.lists(position, min_size=3, max_size=4).map(lambda found: [*found, found[0]])
    return {
        "Point": position,
        "LineString": line,
        "Polygon": st.lists(ring, min_size=1, max_size=2),
    }


def _geometry(kind: Mapping[str, Any]) -> Strategy:
    names = [kind["const"]] if "const" in kind else kind["enum"]
    return st.sampled_from(names).flatmap(_shape)


def _shape(kind: str) -> Strategy:
    single = _shapes()[kind.removeprefix("Multi")]
    many = st.lists(single, min_size=1, max_size=2)
    coordinates = many if kind.startswith("Multi") else single
    return st.fixed_dictionaries({"type": st.just(kind), "coordinates": coordinates})


def _text(spec: Mapping[str, Any]) -> Strategy:
    longest = spec.get("maxLength", 4096)
    pattern = spec.get("pattern")
    if pattern is not None:
        found = _pattern(pattern).filter(lambda text: len(text) <= longest)
        return st.sampled_from(_IDS) | found if "/" in pattern[:24] else found
    shortest = spec.get("minLength", 0)
    fit = [text for text in _TEXTS if shortest <= len(text) <= longest]
    return st.text(_ANY, min_size=shortest, max_size=min(longest, 12)) | st.sampled_from(fit)


@cache
def _pattern(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True, alphabet=_ANY)
