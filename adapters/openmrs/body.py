"""A flat patient as the body of a request that creates one."""

import re
from collections.abc import Mapping
from typing import Any

from adapters.flat.keyed import gathered
from adapters.flat.nested import nest
from adapters.flat.typed import Typed
from adapters.openmrs.patients import (
    ATTRIBUTES,
    AXES,
    DAYS,
    HYDRATED,
    IDENTIFIERS,
    KEYED,
    ORDERED,
    POSITION,
    REFERENCE,
    UNTYPED,
    VOIDED,
)
from gateway.errors import SenderError
from gateway.mapping import Plan

_ORDERED = re.compile(rf"(?P<path>{'|'.join(ORDERED)})(#(?P<number>[1-9][0-9]*))?/(?P<rest>.+)")
_READ_ONLY = re.compile(rf"{VOIDED}/.+|({'|'.join(KEYED)})/({REFERENCE}|{UNTYPED})(#[0-9]+)?/.+")
"""What is only read: it is not written, and is told as lost."""


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REFERRED = re.compile(rf"(?P<own>{ATTRIBUTES}/[^/]+)/value/(?P<member>.+)")


class Bodies:
    """Bodies in the types that OpenMRS gives its members."""

    def __init__(self, plan: Plan) -> None:
        self._typed = Typed(plan, shapes=False, booleans=True)

    def __call__(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The body, always with `identifiers` and `person`, which the server demands.

        Raises `SenderError` where the mapping writes a path that is a value and a group.
        """
        under = f"{ATTRIBUTES}/"
        # The server takes the value of an attribute as a text, whatever its type is.
        texts = {key: value for key, value in fields.items() if key.startswith(under)}
        others = {key: value for key, value in fields.items() if not key.startswith(under)}
        return _nested(self._typed(others) | _attributes(texts))


def _attributes(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as they are created. One that is a concept or a place is so by its uuid alone."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        said = _REFERRED.fullmatch(key)
        if said and said["own"] in fields:
            raise SenderError("the mapping writes an attribute twice", rule="mapping.both")
        if not said:
            found[key] = value
        elif said["member"] == "uuid":
            found[f"{said['own']}/{HYDRATED}"] = value
    return found


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    rest: dict[str, Any] = {}
    keyed: dict[str, Any] = {}
    lists: dict[str, dict[int, dict[str, Any]]] = {}
    for key, value in fields.items():
        found = _ORDERED.fullmatch(key)
        if _READ_ONLY.fullmatch(key) or _is_part(key, value):
            continue
        if found:
            items = lists.setdefault(found["path"], {})
            items.setdefault(int(found["number"] or 1), {})[found["rest"]] = value
        elif key.startswith((f"{IDENTIFIERS}/", f"{ATTRIBUTES}/")):
            keyed[key] = value
        else:
            rest[key] = value
    body = nest(rest)
    person = body.setdefault("person", {})
    body[IDENTIFIERS] = gathered(keyed, IDENTIFIERS, KEYED[IDENTIFIERS])
    if not isinstance(person, dict):
        raise SenderError("the mapping writes `person` as a value", rule="mapping.both")
    if attributes := gathered(keyed, ATTRIBUTES, KEYED[ATTRIBUTES]):
        person["attributes"] = attributes
    if body.get("uuid") is not None:
        # The server makes the patient of the person, and takes no other uuid than that one's.
        person.setdefault("uuid", body["uuid"])
    for path, items in lists.items():
        if listed := _in_order(items):
            person[path.partition("/")[2]] = listed
    return body


def _is_part(key: str, value: Any) -> bool:
    """Whether it is a day of which only the year or the month is known: the server has no such."""
    return key in DAYS and isinstance(value, str) and not _DAY.match(value)


def _in_order(items: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items up to the first that is missing: no other may take the place of the preferred."""
    found: list[dict[str, Any]] = []
    while len(found) + 1 in items:
        found.append(_item(items[len(found) + 1]))
    if len(found) > 1:
        found[0].setdefault("preferred", True)
    return found


def _item(fields: Mapping[str, Any]) -> dict[str, Any]:
    item = nest(fields)
    position = item.pop(POSITION, None)
    if isinstance(position, str):
        # What a point is written as: latitude, longitude, altitude, accuracy.
        item |= dict(zip(AXES, position.split(), strict=False))
    return item
