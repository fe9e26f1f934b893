"""Which leaves a value holds, by the names lineage has for them."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.record import leaves

NOTHING = object()
"""No value at all, which is not null."""


def leaf_names(record_type: str, path: str, value: Any) -> Iterator[str]:
    """Every leaf in the value of a field: `alert.info[].headline`. Perhaps more than once."""
    return changed(record_type, path, value, NOTHING)


def changed(record_type: str, path: str, value: Any, other: Any) -> Iterator[str]:
    """Every leaf in which another value differs. Of lists of two lengths, every leaf does."""
    if path in leaves(record_type):
        if value != other or (value is True) != (other is True):
            yield f"{record_type}.{path}"
    elif isinstance(value, dict):
        beside = other if isinstance(other, Mapping) else {}
        for key, inner in value.items():
            yield from changed(record_type, f"{path}.{key}", inner, beside.get(key, NOTHING))
    elif isinstance(value, list):
        same = isinstance(other, list) and len(other) == len(value)
        for place, inner in enumerate(value):
            back = other[place] if same else NOTHING
            yield from changed(record_type, f"{path}[]", inner, back)
