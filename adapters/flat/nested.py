"""Nested answers and flat ones: `{"a": {"b": 1}}` is `{"a/b": 1}`."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.errors import SenderError
from gateway.mapping import Plan

GEOMETRIES = ("Point", "LineString", "Polygon")


class Repeats:
    """Which groups a mapping walks as repeats. XML does not say it of a group that came once."""

    def __init__(self, plan: Plan) -> None:
        slots = [slot for slot in plan.levels() if slot is not None]
        self._whole = frozenset(slot for slot in slots if not slot.startswith("*/"))
        self._last = frozenset(slot[2:] for slot in slots if slot.startswith("*/"))

    def __contains__(self, path: str) -> bool:
        return path in self._whole or path.rsplit("/", 1)[-1] in self._last


def is_geometry(value: Mapping[str, Any]) -> bool:
    """Whether an object is an answer: the GeoJSON of a geopoint, geotrace or geoshape."""
    return value.get("type") in GEOMETRIES and isinstance(value.get("coordinates"), list)


class Flat:
    """Flattens nested JSON. `several` makes one answer of a list of texts, where it can."""

    def __init__(self, plan: Plan, several: Callable[[list[Any]], Any]) -> None:
        self._repeats = Repeats(plan)
        self._several = several

    def __call__(self, value: Any, *, at: str = "") -> Any:
        """A nested object as a flat one. What is no object stays for the mapping to refuse."""
        if not isinstance(value, dict):
            return value
        fields: dict[str, Any] = {}
        self._fill(value, "", fields, at, top=True)
        return fields

    def _fill(
        self, value: Mapping[str, Any], path: str, fields: dict[str, Any], at: str, *, top: bool
    ) -> None:
        for name, inner in value.items():
            key = f"{path}/{name}" if path else name
            if isinstance(inner, dict) and top and key in self._repeats:
                inner = [inner]
            if isinstance(inner, dict) and inner and not is_geometry(inner):
                self._fill(inner, key, fields, at, top=top)
                continue
            answer = self._answer(inner, key, at)
            if fields.setdefault(key, answer) != answer:
                # `a/b` beside `a` with `b` in it: both are ways to write one question.
                raise SenderError("a question is answered twice", rule="json.key_twice", at=at)

    def _answer(self, value: Any, key: str, at: str) -> Any:
        if value == {}:
            return None
        if not isinstance(value, list) or not value:
            return value
        if not all(isinstance(item, dict) for item in value):
            return self._several(value)
        items: list[dict[str, Any]] = []
        for item in value:
            items.append({})
            self._fill(item, key, items[-1], at, top=False)
        return items


def nest(fields: Mapping[str, Any], *, under: str = "") -> dict[str, Any]:
    """A flat object as a nested one. Raises `SenderError` where a question is a group too."""
    nested: dict[str, Any] = {}
    for key, value in fields.items():
        *groups, name = key.removeprefix(f"{under}/").split("/")
        place = nested
        for group in groups:
            place = place.setdefault(group, {})
            if not isinstance(place, dict):
                raise _both()
        if isinstance(value, list):
            value = [nest(item, under=key) if isinstance(item, dict) else item for item in value]
        if place.setdefault(name, value) is not value:
            raise _both()
    return nested


def _both() -> SenderError:
    return SenderError(
        "the mapping writes a path that is a question and a group", rule="mapping.both"
    )
