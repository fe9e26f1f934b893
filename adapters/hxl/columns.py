"""Hashtags and leaves: which column holds what. Both directions read this one table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from gateway.record import RECORD_TYPES, leaves

Hashtag = tuple[str, frozenset[str]]
"""A tag and its attributes: the order of attributes means nothing, nor does case."""

_COLUMN = re.compile(r"\s*(#[A-Za-z][_0-9A-Za-z]*)((?:\s*\+[A-Za-z][_0-9A-Za-z]*)*)\s*")
_INDEX = re.compile(r"([ijk])([1-9][0-9]{0,3})")
LEVELS = "ijk"
"""Attributes that keep the columns of one item of an array together: `+i2`, and in an array
within it `+i2+j1`, and so on."""

POINT = ("lon", "lat", "elevation")
"""Attributes of a point's numbers, in the order GeoJSON has them."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the cells of a hashtag become in records of one type."""

    path: tuple[str, ...]
    """Keys from the record down, `[]` for an item of an array."""
    kind: str
    """`text`, `integer`, `boolean`, `number`, `reasons`, `geometry`."""
    tag: str
    """As the schema writes it, which is how lineage names the column."""
    coordinate: int | None = None
    """Of a point: which of its numbers."""

    @property
    def leaf(self) -> str:
        """As lineage writes it."""
        return ".".join(self.path).replace(".[]", "[]")

    @property
    def repeats(self) -> bool:
        """Whether equal columns may stand side by side (an array of texts)."""
        return self.path[-1] == "[]"

    @property
    def depth(self) -> int:
        """How many indices its column has: one for each array of objects it is in."""
        return self.path[:-1].count("[]")


def hashtag(cell: Any) -> Hashtag | None:
    """A cell as a hashtag, if it is one."""
    match = _COLUMN.fullmatch(cell) if isinstance(cell, str) else None
    if match is None:
        return None
    attributes = match[2].lower().replace("+", " ").split()
    return match[1].lower(), frozenset(attributes)


def normal(found: Hashtag) -> str:
    """The one spelling of a hashtag: lower case, attributes sorted. Mappings name it so."""
    return "+".join([found[0], *sorted(found[1])])


def indexed(found: Hashtag) -> tuple[Hashtag, tuple[int, ...]]:
    """A hashtag without its indices, and they; as it is where they make no sense."""
    tag, attributes = found
    marks = {match[1]: match for match in map(_INDEX.fullmatch, attributes) if match}
    levels = LEVELS[: len(marks)]
    own = attributes - {match[0] for match in marks.values()}
    if not marks or any(level not in marks for level in levels):
        return found, ()
    if any(_INDEX.fullmatch(attribute) for attribute in own):
        return found, ()
    return (tag, own), tuple(int(marks[level][2]) for level in levels)


@cache
def targets(record_type: str) -> Mapping[str, Target]:
    """Hashtag as the schema writes it to its target; a point has one for each number."""
    found: dict[str, Target] = {}
    for leaf in leaves(record_type).values():
        tag = leaf.spec.get("x-hxl")
        if tag is None:
            continue
        kind = _kind(leaf.spec)
        if kind == "point":
            for number, attribute in enumerate(POINT):
                found[f"{tag}+{attribute}"] = Target(leaf.path, "number", tag, number)
        else:
            found[tag] = Target(leaf.path, kind, tag)
    return found


@cache
def by_hashtag() -> Mapping[Hashtag, Mapping[str, Target]]:
    """Hashtag to the target it has in each record type that knows it."""
    found: dict[Hashtag, dict[str, Target]] = {}
    for record_type in RECORD_TYPES:
        for tag, target in targets(record_type).items():
            name, *attributes = tag.split("+")
            found.setdefault((name, frozenset(attributes)), {})[record_type] = target
    return found


def _kind(spec: Mapping[str, Any]) -> str:
    properties = spec.get("properties", {})
    if "coordinates" in properties:
        return "point" if properties["type"].get("const") == "Point" else "geometry"
    kind: str = spec.get("type", "string")
    return {"object": "reasons", "string": "text"}.get(kind, kind)
