"""Features of a file: one document, a feature a line, or a text sequence (RFC 8142)."""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from adapters.geojson.shapes import GEOMETRIES, check_geometry, check_members, is_nothing
from gateway.errors import SenderError
from gateway.source.objects import LINE, Found, objects

SEPARATOR = b"\x1e"
_CHUNK = 64 << 10
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.:@-]{0,99}")
_ENVELOPE = ("type", "features")


@dataclass(slots=True)
class Feature:
    """One feature, checked. A bare geometry is a feature without properties."""

    value: dict[str, Any] = field(repr=False)
    at: str = ""


def features(content: BinaryIO, unmapped: set[str], *, exact: bool) -> Iterator[Feature]:
    """Every feature. Raises `SenderError` for what is not GeoJSON (RFC 7946).

    With `exact`, numbers with a fraction are `Decimal`. Members of a collection go into
    `unmapped`.
    """
    envelope = _Envelope(unmapped)
    first = content.read(1)
    content.seek(0)
    found = (
        _sequence(content, envelope, exact=exact)
        if first == SEPARATOR
        else objects(content, envelope.unfold, exact=exact)
    )
    for number, one in enumerate(found, 1):
        at = one.at or f"feature {number}"
        if one.twice:
            raise SenderError("a key stands twice in one object", rule="json.key_twice", at=at)
        _check(one.value, at=at)
        yield Feature(one.value, at)


def shown(key: str) -> str:
    """A path as errors and receipts may show it: each odd key in it is `?`."""
    return "/".join(part if _KEY.fullmatch(part) else "?" for part in key.split("/"))


class _Envelope:
    """Takes documents apart."""

    def __init__(self, unmapped: set[str]) -> None:
        self._unmapped = unmapped

    def unfold(self, value: Any) -> Iterable[Any]:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind == "FeatureCollection":
            found = value.get("features")
            if not isinstance(found, list):
                raise SenderError("a collection without features", rule="geojson.features")
            check_members(value, at="collection")
            self._unmapped.update(shown(key) for key in value if key not in _ENVELOPE)
            return found
        if kind == "Feature":
            return (value,)
        if isinstance(kind, str) and kind in GEOMETRIES:
            return ({"type": "Feature", "geometry": value, "properties": None},)
        raise SenderError(
            "neither a feature, nor a collection of them, nor a geometry",
            rule="geojson.not_geojson",
        )


def _check(value: Any, *, at: str) -> None:
    if not isinstance(value, dict) or value.get("type") != "Feature":
        raise SenderError("not a feature", rule="geojson.feature", at=at)
    for name in ("geometry", "properties"):
        if name not in value:
            raise SenderError(f"a feature without {name}", rule=f"geojson.{name}", at=at)
    if not isinstance(value["properties"], dict | None):
        raise SenderError("properties that are no object", rule="geojson.properties", at=at)
    if is_nothing(value["geometry"]):
        value["geometry"] = None
    if value["geometry"] is not None:
        check_geometry(value["geometry"], at=at)
    if "id" in value and (isinstance(value["id"], bool | list | dict) or value["id"] is None):
        raise SenderError("an id that is no text and no number", rule="geojson.id", at=at)
    check_members(value, at=at)


def _sequence(content: BinaryIO, envelope: _Envelope, *, exact: bool) -> Iterator[Found]:
    for number, text in enumerate(_texts(content), 1):
        at = f"text {number}"
        try:
            for found in objects(io.BytesIO(text), envelope.unfold, exact=exact):
                found.at = at
                yield found
        except SenderError as error:
            raise SenderError(error.problem, rule=error.rule, at=at) from None


def _texts(content: BinaryIO) -> Iterator[bytes]:
    """What stands after each separator. RFC 7464: several in a row are one."""
    held = b""
    content.read(1)
    while chunk := content.read(_CHUNK):
        *texts, held = (held + chunk).split(SEPARATOR)
        yield from (text for text in texts if text.strip())
        if len(held) > LINE:
            raise SenderError("a text of the sequence is too long", rule="json.too_large")
    if held.strip():
        yield held
