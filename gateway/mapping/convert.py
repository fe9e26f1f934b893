"""Converters: from a source value to a canonical one, and back where a way back exists.

A converter never guesses and never repairs. It raises `Bad` with a rule; whoever called it
knows the place. `None` as a result means that the source said something for which the
canonical record has no value (a code declared as not carried).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


class Bad(ValueError):  # noqa: N818 - a finding about a value; never leaves this package
    """A value its converter does not accept. Carries the rule, never the value."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


Forward = Callable[[Any], Any]
Back = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Converter:
    """One column's way in, and its way out where it has one."""

    name: str
    forward: Forward
    back: Back | None = None
    """None where several source values become one: nothing could be written back faithfully."""
    may_drop: bool = False
    """`forward` can answer None."""


def text(value: Any) -> str:
    """Text as it is. A number is refused: leading zeros may be gone already (`value.not_text`)."""
    if not isinstance(value, str):
        raise Bad("value.not_text")
    return value


_INTEGER = re.compile(r"-?[0-9]{1,15}")


def integer(value: Any) -> int:
    """A whole number, written as text or as a JSON integer."""
    if value.__class__ is int:
        return int(value)
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        raise Bad("value.not_integer")
    return int(value)


_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


def decimal(value: Any) -> str:
    """A decimal number as text, its digits untouched."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise Bad("value.not_decimal")
    return value


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PARTIAL = re.compile(r"[0-9]{4}(-[0-9]{2})?")


def day(value: Any) -> str:
    """A calendar day `YYYY-MM-DD` that exists."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise Bad("value.not_date")
    try:
        date.fromisoformat(value)
    except ValueError:
        raise Bad("value.no_such_date") from None
    return value


def partial_day(value: Any) -> str:
    """A day, a month or a year, as exact as the source is."""
    if isinstance(value, str) and _PARTIAL.fullmatch(value):
        day(f"{value}-01" if len(value) == 7 else f"{value}-01-01")
        return value
    return day(value)


def written_day(value: Any) -> str:
    """The day an instant was written with. Never moved by its zone: a birthday has none."""
    instant(value, "UTC")
    return str(value)[:10]


_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
)


def instant(value: Any, assume: str | None) -> str:
    """RFC 3339 with a zone. Without one it is refused, unless the mapping says which is meant."""
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise Bad("value.not_instant")
    the_day, time, fraction, zone = found.groups()
    if zone is None and assume is None:
        raise Bad("value.no_zone")
    zone = zone or "Z"
    zone = zone if zone == "Z" or ":" in zone else f"{zone[:3]}:{zone[3:]}"
    written = f"{the_day}T{time}{fraction or ''}{zone}"
    try:
        datetime.fromisoformat(written)
    except ValueError:
        raise Bad("value.no_such_time") from None
    return written


def zone_assumed(value: Any) -> str | None:
    """`assumed-utc` where the source wrote an instant without a zone; else nothing."""
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise Bad("value.not_instant")
    return None if found.group(4) else "assumed-utc"


def point(value: Any, order: str) -> dict[str, Any]:
    """GeoJSON Point from `"lat lon [altitude [accuracy]]"`, or lon first where `order` says so."""
    parts = value.replace(",", " ").split() if isinstance(value, str) else []
    if not 2 <= len(parts) <= 4:
        raise Bad("value.not_point")
    try:
        first, second = float(parts[0]), float(parts[1])
    except ValueError:
        raise Bad("value.not_point") from None
    latitude, longitude = (first, second) if order == "lat-lon" else (second, first)
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise Bad("value.out_of_range")
    return {"type": "Point", "coordinates": [longitude, latitude]}


def point_back(value: Any, order: str) -> str:
    """The text a Kobo or HOPE geopoint question holds; altitude and accuracy are written as 0."""
    longitude, latitude = value["coordinates"][:2]
    pair = (latitude, longitude) if order == "lat-lon" else (longitude, latitude)
    return f"{pair[0]} {pair[1]} 0 0"


_MISSING = object()


def coded(codes: Mapping[str, Any], *, otherwise: str | None = None, fold: bool = False) -> Forward:
    """One code to one code. A code the table does not name is refused (`code.unknown`)."""

    def forward(value: Any) -> Any:
        if not isinstance(value, str):
            raise Bad("value.not_text")
        found = codes.get(value.lower() if fold else value, _MISSING)
        if found is _MISSING:
            if otherwise is None:
                raise Bad("code.unknown")
            return otherwise
        return found

    return forward


def coded_many(one: Forward, separator: str) -> Forward:
    """A list of codes written in one text, for example the answers of a select_multiple."""

    def forward(value: Any) -> Any:
        if not isinstance(value, str):
            raise Bad("value.not_text")
        found = [one(part) for part in value.split(separator) if part]
        kept = [code for code in found if code is not None]
        return kept or None

    return forward


def reverse_codes(codes: Mapping[str, Any]) -> Back | None:
    """Canonical code to the first source code that means it."""
    back: dict[Any, str] = {}
    for source, target in codes.items():
        if target is not None:
            back.setdefault(target, source)

    def backward(value: Any) -> str:
        if value not in back:
            raise Bad("code.no_way_back")
        return back[value]

    return backward


def build(spec: Mapping[str, Any]) -> Converter:
    """The converter a mapping's field asks for with `as`. The schema has checked the spec."""
    kind = spec.get("as", "text")
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == "instant":
        assume = spec.get("assume")
        return Converter(kind, lambda value: instant(value, assume), text)
    if kind == "point":
        order = spec["order"]
        return Converter(
            kind, lambda value: point(value, order), lambda value: point_back(value, order)
        )
    if kind == "list":
        by = spec["by"]
        return Converter(kind, lambda value: [p for p in text(value).split(by) if p], by.join)
    fold = spec.get("fold") == "lower"
    codes = {key.lower() if fold else key: value for key, value in spec["codes"].items()}
    one = coded(codes, otherwise=spec.get("otherwise"), fold=fold)
    back = reverse_codes(spec["codes"])
    drops = None in codes.values()
    if kind == "code":
        return Converter(kind, one, back, may_drop=drops)
    by = spec["by"]
    return Converter(
        kind,
        coded_many(one, by),
        (lambda values: by.join(back(value) for value in values)) if back else None,
        may_drop=True,
    )


_PLAIN: Mapping[str, Converter] = {
    "text": Converter("text", text, text),
    "integer": Converter("integer", integer, str),
    "decimal": Converter("decimal", decimal, text),
    "date": Converter("date", day, text),
    "partial_date": Converter("partial_date", partial_day, text),
    "written_date": Converter("written_date", written_day),
    "zone_assumed": Converter("zone_assumed", zone_assumed, may_drop=True),
}
