"""Flat objects as the bodies of posts that version 3 takes: every value a list again."""

import re
from collections.abc import Mapping
from typing import Any

from adapters.flat.nested import is_geometry, nest
from adapters.flat.typed import Typed
from adapters.ushahidi import wkt
from adapters.ushahidi.envelope import BETWEEN, CONTENT, NUMBERS, VALUES
from adapters.ushahidi.slots import Slots
from gateway.mapping import Plan

_FURTHER = re.compile(r"(?P<key>.+)#(?:[2-9]|[1-9][0-9]+)", re.DOTALL)
_COUNTED = re.compile(r"[1-9][0-9]{0,15}")
_LISTS = frozenset({"tags", "completed_stages", "published_to", "sets"})
"""Keys of a post itself that hold lists."""


class Written:
    """Makes the bodies."""

    def __init__(self, plan: Plan) -> None:
        self._typed = Typed(plan, shapes=True)
        self._slots = Slots(plan)

    def __call__(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The body for one object. Fields of version 5 have no place in it."""
        values: dict[str, list[Any]] = {}
        post: dict[str, Any] = {}
        for path, value in self._typed(fields).items():
            further = _FURTHER.fullmatch(path)
            key = further["key"] if further else path
            if key.startswith(f"{VALUES}/"):
                values.setdefault(key.removeprefix(f"{VALUES}/"), []).extend(
                    self._listed(path, value)
                )
            elif not key.startswith(f"{CONTENT}/"):
                listed = key in _LISTS or self._slots.several(key)
                post[key] = self._listed(path, value) if listed else value
        for key in NUMBERS & post.keys():
            if isinstance(post[key], str) and _COUNTED.fullmatch(post[key]):
                post[key] = int(post[key])
        return {**nest(post), VALUES: values}

    def _listed(self, key: str, value: Any) -> list[Any]:
        if value is None:
            return []
        if isinstance(value, list):
            return [nest(one, under=key) for one in value]
        if isinstance(value, str) and self._slots.several(key):
            return list(value.split(BETWEEN))
        return [_value(value)]


def _value(value: Any) -> Any:
    if isinstance(value, dict) and is_geometry(value):
        if value["type"] != "Point":
            return wkt.text(value)
        longitude, latitude = value["coordinates"][:2]
        return {"lat": latitude, "lon": longitude}
    return value
