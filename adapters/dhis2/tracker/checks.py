"""What no tracker payload may hold: names of older versions, other shapes, uids that are none."""

import re
from collections.abc import Mapping
from typing import Any

from adapters.dhis2.tracker.kinds import (
    BY_LIST,
    ENROLLMENT,
    ENTITY,
    EVENT,
    KEYED,
    KINDS,
    NOTE,
    RELATIONSHIP,
    UID,
    Kind,
)
from gateway.errors import SenderError

OLD = frozenset(
    {
        "trackedEntityInstances",
        "trackedEntityInstance",
        "enrollmentDate",
        "incidentDate",
        "eventDate",
        "dueDate",
        "completedDate",
        "coordinate",
    }
)
"""Names of the API before version 2.36."""

_TEMPLATE = re.compile(r"%.*%|\{\{.*\}\}|\$\{.*\}")
_SIDES = ("from", "to")
_BELOW: Mapping[str, tuple[str, ...]] = {
    ENTITY.uid: ("enrollments", "relationships", "notes"),
    ENROLLMENT.uid: ("events", "relationships", "notes"),
    EVENT.uid: ("relationships", "notes"),
    RELATIONSHIP.uid: (),
    NOTE.uid: (),
}
"""Which lists are read of which object. In another place nobody would look at them."""


def check(one: Any, kind: Kind, at: str) -> None:
    """Raise `SenderError` for what is wrong with one object, or with any object inside it."""
    if not isinstance(one, dict):
        raise SenderError(f"not a {kind.called}", rule="dhis2.not_tracker", at=at)
    check_names(one, at)
    check_uid(one.get(kind.uid), f"{at}, {kind.uid}")
    if kind is not NOTE:
        for name in ("trackedEntity", "enrollment"):
            if isinstance(one.get(name), str):
                check_uid(one[name], f"{at}, {name}")
    for side in _SIDES:
        for inner in KINDS if isinstance(one.get(side), dict) else ():
            uid = one[side].get(inner.uid)
            uid = uid.get(inner.uid) if isinstance(uid, dict) else uid
            check_uid(uid, f"{at}, {side}")
    check_state(one.get("status"), kind, at)
    _check_below(one, kind, at)


def _check_below(one: Mapping[str, Any], kind: Kind, at: str) -> None:
    for name, value in one.items():
        below = BY_LIST.get(name)
        if below is not None and value is not None:
            if value and name not in _BELOW[kind.uid]:
                raise SenderError(
                    "a list where none may stand", rule="dhis2.misplaced", at=f"{at}, {name}"
                )
            for number, item in enumerate(_listed(value, f"{at}, {name}"), 1):
                check(item, below, f"{at}, {below.called} {number}")


def check_names(one: Mapping[str, Any], at: str) -> None:
    """Raise `SenderError` where an object speaks for another version, or in the internal shape."""
    for name in sorted(OLD & one.keys()):
        raise SenderError(
            "a name of the API before version 2.36", rule="dhis2.before_2_36", at=_place(at, name)
        )
    items = [item for name in KEYED for item in _items(one.get(name))]
    if any("idScheme" in value for each in (one, *items) for value in _objects(each)):
        raise SenderError(
            "the shape a server keeps inside, not what its API takes", rule="dhis2.internal", at=at
        )


def check_uid(value: Any, at: str) -> None:
    """Raise `SenderError` for a number that is no uid. None is left to the server to make."""
    if value is None or (isinstance(value, str) and UID.fullmatch(value)):
        return
    if isinstance(value, str) and _TEMPLATE.fullmatch(value):
        raise SenderError("a placeholder that nobody filled in", rule="dhis2.template", at=at)
    raise SenderError("not a uid of DHIS2", rule="dhis2.uid", at=at)


def check_state(value: Any, kind: Kind, at: str) -> None:
    """Raise `SenderError` for a status that objects of this kind do not have."""
    known = isinstance(value, str) and value in kind.states
    if kind.states and value is not None and not known:
        raise SenderError("no such status", rule="dhis2.status", at=f"{at}, status")


def _items(value: Any) -> list[Any]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _objects(one: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [value for value in one.values() if isinstance(value, dict)]


def _listed(value: Any, at: str) -> list[Any]:
    if not isinstance(value, list):
        raise SenderError("not a list", rule="dhis2.not_tracker", at=at)
    return value


def _place(at: str, name: str) -> str:
    return f"{at}, {name}" if at else name
