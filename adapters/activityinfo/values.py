"""Values of fields as a mapping reads them, and the record as one flat object."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from adapters.flat.reading import shown
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.mapping.nodes import values_of

BETWEEN = " "
"""Between several choices or references: ids have no white space."""

_POINT = frozenset(("latitude", "longitude", "accuracy"))
_SPACE = re.compile(r"\s")
_LATEST = 253_402_300_799
"""Seconds until the end of the year 9999."""


class Several:
    """The fields that a mapping reads as lists."""

    def __init__(self, plan: Plan) -> None:
        self._slots = frozenset(
            source.slot
            for made in plan.made
            for value, _ in values_of(made.body, None)
            for source in value.sources
            if value.converter.many
        )

    def __contains__(self, key: str) -> bool:
        return key in self._slots or f"*/{key.rpartition('/')[2]}" in self._slots


class Flat:
    """Records as flat objects."""

    def __init__(self, plan: Plan, subforms: str) -> None:
        self._several = Several(plan)
        self._subforms = subforms

    def __call__(self, record: Mapping[str, Any], at: str = "") -> dict[str, Any]:
        """A record with its sub-form records.

        Raises `SenderError` for a point or a time that is none.
        """
        found = dict(self._record(record, "", at))
        for one in record.get(self._subforms, ()):
            path = f"{self._subforms}/{one['formId']}"
            found.setdefault(path, []).append(dict(self._record(one, f"{path}/", at)))
        return found

    def _record(self, record: Mapping[str, Any], above: str, at: str) -> Iterator[tuple[str, Any]]:
        for key, value in record.items():
            if key == "fields":
                for name, one in value.items():
                    yield from self._value(one, f"{above}fields/{name}", at)
            elif key == "lastEditTime":
                yield f"{above}{key}", _instant(value, at)
            elif key != self._subforms:
                yield from self._value(value, f"{above}{key}", at)

    def _value(self, value: Any, path: str, at: str) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict) and value and value.keys() <= _POINT:
            yield path, _point(value, path, at)
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from self._value(inner, f"{path}/{key}", at)
        elif isinstance(value, list):
            yield path, self._listed(value, path, at)
        else:
            yield path, value

    def _listed(self, values: list[Any], path: str, at: str) -> Any:
        if not values:
            return None
        if all(isinstance(one, dict) for one in values):
            return [
                dict(
                    pair
                    for key, inner in one.items()
                    for pair in self._value(inner, f"{path}/{key}", at)
                )
                for one in values
            ]
        plain = all(isinstance(one, str) and one and not _SPACE.search(one) for one in values)
        if plain and (len(values) == 1 or path in self._several):
            return BETWEEN.join(values)
        # Which of them is meant cannot be said: a mapping that reads one refuses the list.
        return values


def _point(value: Mapping[str, Any], path: str, at: str) -> dict[str, Any] | None:
    pair = [value.get("longitude"), value.get("latitude")]
    if pair == [None, None]:
        return None
    if any(isinstance(one, bool) or not isinstance(one, int | Decimal) for one in pair):
        raise SenderError(
            "not a point of ActivityInfo", rule="activityinfo.geopoint", at=_place(at, path)
        )
    accuracy = {"accuracy": value["accuracy"]} if "accuracy" in value else {}
    return {"type": "Point", "coordinates": pair, "properties": accuracy}


def _instant(value: Any, at: str) -> str | None:
    """Seconds since 1970 as an instant, which is what a mapping reads."""
    if value is None:
        return None
    known = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not known or not 0 <= value <= _LATEST:
        raise SenderError(
            "not seconds since 1970", rule="activityinfo.time", at=_place(at, "lastEditTime")
        )
    return datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _place(at: str, path: str) -> str:
    return f"{at}, {shown(path)}" if at else shown(path)
