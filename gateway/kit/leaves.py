"""Which leaves records have, and records with some of them taken away."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from gateway.record import RECORD_TYPES, Record, leaves, structural, walk


def occurring(records: Iterable[Record]) -> set[str]:
    """Every leaf that occurs, by the name lineage has for it."""
    return {
        f"{record['record_type']}.{name}"
        for record in records
        for name, leaf in leaves(record["record_type"]).items()
        if any(True for _ in walk(record, leaf.path))
    }


@cache
def heads() -> frozenset[str]:
    """Leaves that say what a record is. Lineage may leave them out."""
    return frozenset(f"{kind}.{name}" for kind in RECORD_TYPES for name in structural(kind))


@cache
def known() -> frozenset[str]:
    """Every leaf there is."""
    return frozenset(f"{kind}.{name}" for kind in RECORD_TYPES for name in leaves(kind))


@cache
def references() -> frozenset[str]:
    """Leaves that hold the id of a record."""
    return frozenset(
        f"{kind}.{name}"
        for kind in RECORD_TYPES
        for name, leaf in leaves(kind).items()
        if leaf.spec.get("x-ref")
    )


def without(records: Iterable[Record], gone: Collection[str]) -> list[Record]:
    """The records without some leaves, and without what that emptied."""
    return [
        {
            name: kept
            for name, value in record.items()
            if (kept := _without(value, f"{record['record_type']}.{name}", gone)) is not None
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


def bare(record: Record) -> bool:
    """Whether a record says nothing but what it is, or not even that."""
    kind = record.get("record_type")
    return kind is None or record.keys() <= set(structural(kind))


def counted(records: Iterable[Record]) -> Counter[str]:
    """How often each record occurs."""
    return Counter(map(written, records))


def written(value: Any) -> str:
    """One text for equal values. 13 and 13.0 are one number in JSON."""
    return json.dumps(_whole(value), sort_keys=True)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _whole(part) for key, part in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def values_at(records: Iterable[Record], leaf: str) -> Counter[str]:
    """What stands at a leaf in all records."""
    record_type, _, name = leaf.partition(".")
    spec = leaves(record_type).get(name)
    return Counter(
        written(value)
        for record in records
        if spec is not None and record["record_type"] == record_type
        for value in walk(record, spec.path)
    )


_LEAF = re.compile(r"[a-z-]{1,20}(\.[a-z0-9_]{1,40}(\[\])?){1,6}")


def shown(leaves: Iterable[str]) -> list[str]:
    """Names of leaves, or of what an adapter takes for one; `?` where it could be a value."""
    return sorted({leaf if _LEAF.fullmatch(leaf) else "?" for leaf in leaves})


def texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
