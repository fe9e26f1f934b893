"""GeoJSON (RFC 7946): collections, features, geometries; a feature a line; text sequences.

With a mapping, any feature becomes records: its keys are `id`, `geometry` or `geometry/Point` and
so on, `geometry/type`, `feature/digest` and `properties/...`. Without one, only features that this
gateway wrote are read, and they come back whole. Coordinates are longitude, latitude in WGS 84.
A file that names another system, a ring that is not closed, a position out of range are refused
and never mended; `bbox`, which follows from the geometry, and the names of collections are listed
as unmapped.
"""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import orjson

from adapters.geojson.envelope import SEPARATOR, Feature, features
from adapters.geojson.mapped import read_features, write_features
from adapters.geojson.own import is_own, read_feature, write_feature
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import RECORD_TYPES, Reading, Record, Writing

FORMAT = "geojson"


class GeoJson:
    """Writes one FeatureCollection."""

    name = FORMAT
    version = "1"
    media_type = "application/geo+json"
    record_types = frozenset(RECORD_TYPES)

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        _refuse_other(mapping)
        found = features(content, reading.unmapped, exact=mapping is not None)
        if mapping is not None:
            yield from read_features(found, mapping, reading)
        else:
            yield from (read_feature(_own(feature), reading) for feature in found)

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        before = b'{"type":"FeatureCollection","features":[\n'
        for feature in _written(records, mapping, writing):
            yield before + orjson.dumps(feature)
            before = b",\n"
        yield b"\n]}\n" if before == b",\n" else before + b"]}\n"

    def seams(self, mapping: Plan | None) -> tuple[bytes, bytes, bytes] | None:
        """Features are listed one after the other."""
        return b'{"type":"FeatureCollection","features":[\n', b",\n", b"\n]}\n"


class GeoJsonSeq(GeoJson):
    """Writes a text sequence (RFC 8142), for files of any size."""

    name = "geojson.seq"
    media_type = "application/geo+json-seq"

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        for feature in _written(records, mapping, writing):
            yield SEPARATOR + orjson.dumps(feature) + b"\n"

    def seams(self, mapping: Plan | None) -> tuple[bytes, bytes, bytes] | None:
        """Features only."""
        return b"", b"", b""


def _written(
    records: Iterable[Record], mapping: Plan | None, writing: Writing
) -> Iterator[dict[str, Any]]:
    _refuse_other(mapping)
    if mapping is not None:
        return write_features(records, mapping, writing)
    return (write_feature(record, writing) for record in records)


def _refuse_other(mapping: Plan | None) -> None:
    if mapping is not None and mapping.format != FORMAT:
        raise SenderError("the mapping is for another format", rule="mapping.other_format")


def _own(feature: Feature) -> Feature:
    if not is_own(feature):
        raise SenderError(
            "geojson needs a mapping for features that do not say which record they are",
            rule="mapping.missing",
            at=feature.at,
        )
    return feature
