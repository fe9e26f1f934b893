"""A flat person as the body of a request that creates one."""

import re
from collections.abc import Mapping
from typing import Any

from adapters.flat.keyed import gathered
from adapters.flat.nested import nest
from adapters.flat.typed import Typed, uses
from adapters.godata.persons import ANSWER, ANSWERS, BETWEEN, DAY, DOCUMENTS, KEYED, UNTYPED
from gateway.errors import SenderError
from gateway.mapping import Plan

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBERED = re.compile(r"(?P<name>.+?)(#(?P<number>[1-9][0-9]{0,5}))?(?P<member>/date)?", re.DOTALL)


_DAYS = frozenset(("date", "partial_date"))
"""Converters of answers that are days."""


class Bodies:
    """Bodies in the types that Go.Data gives its members."""

    def __init__(self, plan: Plan) -> None:
        self._typed = Typed(plan, shapes=True, booleans=True, between=BETWEEN)
        self._days = frozenset(
            slot for slot, converter in uses(plan) if converter and converter.name in _DAYS
        )

    def __call__(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """One body. Raises `SenderError` where the mapping writes a path as a value and a group."""
        rest: dict[str, Any] = {}
        lists: dict[str, dict[str, Any]] = {path: {} for path in (*KEYED, *ANSWERS)}
        for key, value in self._written(self._typed(fields)).items():
            path, inner, _ = key.partition("/")
            if not key.startswith(f"{DOCUMENTS}/{UNTYPED}"):  # Nobody said which type it is.
                (lists[path] if inner and path in lists else rest)[key] = value
        body = nest(rest)
        for path, found in lists.items():
            if found and path in body:
                raise SenderError("the mapping writes a list as a value", rule="mapping.both")
            if found:
                how = KEYED.get(path)
                body[path] = gathered(found, path, how) if how else _answers(found, path)
        return body

    def _written(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Days and positions as Go.Data writes them, in the object and in its repeats."""
        return {key: self._value(key, value) for key, value in fields.items()}

    def _value(self, key: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self._written(item) if isinstance(item, dict) else item for item in value]
        if isinstance(value, dict) and value.get("type") == "Point":
            longitude, latitude, *_ = value["coordinates"]
            return {"lat": latitude, "lng": longitude}
        if isinstance(value, str) and _DATE.fullmatch(value) and self._is_day(key):
            return f"{value}T00:00:00.000Z"
        return value

    def _is_day(self, key: str) -> bool:
        """Whether a date stands there as a day. In a free answer it is only a text."""
        named = {key, f"*/{key.rpartition('/')[2]}"} & self._days
        return bool(DAY.fullmatch(key) or (ANSWER.fullmatch(key) and named))


def _answers(fields: Mapping[str, Any], path: str) -> dict[str, list[dict[str, Any]]]:
    """Each variable's list of answers, up to the first number that is missing."""
    found: dict[str, dict[int, dict[str, Any]]] = {}
    repeats: dict[str, list[dict[str, Any]]] = {}
    for key, value in fields.items():
        said = _NUMBERED.fullmatch(key.removeprefix(f"{path}/"))
        if isinstance(value, list) and value and isinstance(value[0], dict):
            repeats[key.removeprefix(f"{path}/")] = [nest(item, under=key) for item in value]
        elif said:
            items = found.setdefault(said["name"], {})
            member = said["member"][1:] if said["member"] else "value"
            items.setdefault(int(said["number"] or 1), {})[member] = value
    listed = {name: _in_order(items) for name, items in found.items()}
    return {name: items for name, items in (listed | repeats).items() if items}


def _in_order(items: Mapping[int, dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) + 1 in items:
        found.append(items[len(found) + 1])
    return found
