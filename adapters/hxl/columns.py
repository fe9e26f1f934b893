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
INDEX = re.compile(r"i([1-9][0-9]{0,3})")
"""Attribute that keeps the columns of one item of an array together."""

POINT = ("lon", "lat", "elevation")
"""Attributes of a point's numbers, in the order GeoJSON has them."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the cells of a hashtag become in records of one type."""

    path: tuple[str, ...]
    """Keys from the record down, `[]` for an item of an array."""
    kind: str
    """`text`, `integer`, `boolean`, `number`, `withheld`."""
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
    def indexed(self) -> bool:
        """Whether the column needs an index (a part of an item of an array)."""
        return "[]" in self.path[:-1]


def hashtag(cell: str) -> Hashtag | None:
    """A cell as a hashtag, if it is one."""
    match = _COLUMN.fullmatch(cell)
    if match is None:
        return None
    attributes = match[2].lower().replace("+", " ").split()
    return match[1].lower(), frozenset(attributes)


@cache
def targets(record_type: str) -> Mapping[str, Target]:
    """Hashtag as the schema writes it to its target; a point has one for each number."""
    found: dict[str, Target] = {}
    for leaf in leaves(record_type).values():
        tag = leaf.spec.get("x-hxl")
        if tag is None:
            continue
        if "coordinates" in leaf.spec.get("properties", ()):
            for number, attribute in enumerate(POINT):
                found[f"{tag}+{attribute}"] = Target(leaf.path, "number", tag, number)
        else:
            found[tag] = Target(leaf.path, _kind(leaf.spec), tag)
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
    kind: str = spec.get("type", "string")
    return {"object": "withheld", "string": "text"}.get(kind, kind)
