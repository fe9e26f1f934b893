"""Values a mapping reads as points, days or times, in the spellings of both sides.

A COORDINATE is the text `[lon,lat]`, a geometry is GeoJSON, a DATETIME has no seconds, and a day
comes as the midnight it begins with; a time of the server's own may come as a day. Only what a
line reads so is touched; everything else passes as it stands.
"""

from typing import Any

from adapters.dhis2.moments import day_of, midnight, spelt
from adapters.dhis2.tracker.kinds import MOMENTS
from gateway.mapping import Plan
from gateway.mapping.convert import Converter
from gateway.mapping.nodes import values_of

GEOMETRY = "geometry"
_DAYS = ("date", "partial_date")
_TIMES = ("instant", "written_date", "zone_assumed")
_SHAPES = ("point", "geometry")


class Shapes:
    """The lines of one mapping that read points and days."""

    def __init__(self, plan: Plan) -> None:
        self._whole: dict[str, Converter] = {}
        self._last: dict[str, Converter] = {}
        for made in plan.made:
            for value, _ in values_of(made.body, None):
                for source in value.sources:
                    if value.converter.name in (*_DAYS, *_TIMES, *_SHAPES):
                        self._add(source.slot, value.converter)

    def _add(self, slot: str, converter: Converter) -> None:
        if slot.startswith("*/"):
            self._last.setdefault(slot[2:], converter)
        else:
            self._whole.setdefault(slot, converter)

    def _of(self, key: str) -> Converter | None:
        return self._whole.get(key) or self._last.get(key.rsplit("/", 1)[-1])

    def inwards(self, key: str, value: Any) -> Any:
        """A server's value as the mapping reads it."""
        converter = self._of(key) if value.__class__ is str else None
        if converter is None:
            return value
        if converter.name in _DAYS:
            return day_of(spelt(value))
        if converter.name in _TIMES:
            own = key.rsplit("/", 1)[-1] in MOMENTS
            return midnight(spelt(value)) if own else spelt(value)
        return value[1:-1] if value.startswith("[") and value.endswith("]") else value

    def outwards(self, key: str, value: Any) -> Any:
        """What the mapping wrote as a server reads it."""
        converter = self._of(key) if value.__class__ is str and value else None
        if converter is None or converter.name not in _SHAPES:
            return value
        shape = converter.forward(value)
        if GEOMETRY in key.split("/"):
            return shape
        if shape["type"] != "Point":
            return value
        longitude, latitude, *_ = shape["coordinates"]
        return f"[{longitude!r},{latitude!r}]"
