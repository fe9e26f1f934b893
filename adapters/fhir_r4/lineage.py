"""Which leaves a render wrote, and where, read off the distinct sets of keys it met."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from adapters.fhir_r4.paths import ROOT, paths
from gateway.record import leaves

Shapes = set[tuple[str, ...]]
"""Where (`person`, `person.identifier[]`), a variant or an empty text, then the keys found."""

URI_TYPE = "uri"
"""Variant of an identifier whose type is a URI and so travels as its system."""


def lineage(shapes: Shapes) -> tuple[Mapping[str, str], frozenset[str]]:
    """Leaf to target path of what was written, and the leaves that have no place in FHIR."""
    return _lineage(frozenset(shapes))


@lru_cache(maxsize=256)
def _lineage(shapes: frozenset[tuple[str, ...]]) -> tuple[Mapping[str, str], frozenset[str]]:
    written: dict[str, str] = {}
    unwritten: set[str] = set()
    for shape in sorted(shapes):
        for leaf, path in _leaves(shape):
            if path:
                written[leaf] = path
            else:
                unwritten.add(leaf)
    return written, frozenset(unwritten)


def _leaves(shape: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
    where, variant, *keys = shape
    record_type = where.split(".", 1)[0]
    known = leaves(record_type)
    for key in keys:
        full = f"{where}.{key}"
        for leaf in (full, f"{full}[]"):
            name = leaf.split(".", 1)[1]
            if name in known:
                path = _beside(key, keys, variant) or paths(record_type).get(name)
                yield leaf, f"{ROOT[record_type]}.{path}" if path else None


def _beside(key: str, keys: list[str], variant: str) -> str | None:
    # Three parts move when another is missing or of another kind.
    if key == "identifier_type" and variant == URI_TYPE:
        return "identifier.system"
    if key == "second_name" and "given_name" not in keys:
        return "name.extension.second-name"
    if key == "address_line_2" and "address_line_1" not in keys:
        return f"{variant}.extension.address-line-2"
    return None
