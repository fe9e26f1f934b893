"""Flat objects as what `POST /api/tracker` takes. Only members an import knows are written.

Uids and states are not looked at here: what is made is read again before it leaves.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.dhis2.tracker.kinds import (
    BOOLEANS,
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
from adapters.dhis2.tracker.shapes import GEOMETRY, Shapes
from adapters.dhis2.tracker.trees import Tree
from adapters.flat.keyed import gathered
from gateway.errors import SenderError
from gateway.mapping import Plan

_SIDES = ("from", "to")
_CONSTANT: Mapping[str, tuple[str, ...]] = {
    ENTITY.uid: ("trackedEntityType",),
    ENROLLMENT.uid: ("program",),
    EVENT.uid: ("program", "programStage"),
}
"""What no record says and every object of a mapping shares: the mapping's `form` names it."""


class Bodies:
    """Makes the objects of one mapping's unit."""

    def __init__(self, plan: Plan, unit: Kind) -> None:
        self._unit = unit
        self._shapes = Shapes(plan)
        form = plan.document.get("form", {}).get("id", "")
        names = _CONSTANT[unit.uid]
        self._constants = dict(zip(names, form.split("/"), strict=False)) if form else {}

    def of(self, fields: Mapping[str, Any], at: str) -> Tree:
        """The object with everything in it. Raises `SenderError` for what cannot be placed."""
        values = {key: self._outwards(key, value) for key, value in fields.items()}
        one = self._one(values, "", self._unit, at)
        for name, value in self._constants.items():
            one.setdefault(name, value)
        enrollments = [
            self._one(item, "enrollments/", ENROLLMENT, at)
            for item in _items(values, "enrollments")
        ]
        events = [self._one(item, "events/", EVENT, at) for item in _items(values, "events")]
        if self._unit is ENTITY:
            _attach(enrollments, events, at)
            _put(one, "enrollments", enrollments)
        elif self._unit is ENROLLMENT:
            _put(one, "events", events)
        _put(one, "relationships", [*self._relationships(values, one, at)])
        self._notes(values, one, at)
        return one

    def _outwards(self, key: str, value: Any) -> Any:
        if isinstance(value, list):
            return [
                {inner: self._outwards(inner, one) for inner, one in item.items()} for item in value
            ]
        return self._shapes.outwards(key, value)

    def _one(self, fields: Mapping[str, Any], path: str, kind: Kind, at: str) -> Tree:
        one: Tree = {}
        own = {
            key.removeprefix(path): value for key, value in fields.items() if key.startswith(path)
        }
        for name in kind.written:
            if name in own:
                one[name] = own[name] == "true" if name in BOOLEANS else own[name]
            parts = {
                key.removeprefix(f"{name}/"): value
                for key, value in own.items()
                if key.startswith(f"{name}/")
            }
            if name == "assignedUser" and (parts or name in one):
                one[name] = parts or {"uid" if UID.fullmatch(one[name]) else "username": one[name]}
        for key, value in own.items():
            if key == GEOMETRY or key.startswith(f"{GEOMETRY}/"):
                one.setdefault(GEOMETRY, value)
        for name, how in KEYED.items():
            _put(one, name, [_answer(item, how.kind) for item in gathered(own, name, how)])
        return one

    def _relationships(self, fields: Mapping[str, Any], holder: Tree, at: str) -> Iterator[Tree]:
        own = holder.get(self._unit.uid)
        for item in _items(fields, "relationships"):
            one = self._one(item, "relationships/", RELATIONSHIP, at)
            side = item.get("relationships/side", "from")
            other = {"from": "to", "to": "from"}.get(side)
            if other is None:
                raise SenderError("neither from nor to", rule="dhis2.relationship", at=at)
            for name in _SIDES:
                for kind in KINDS:
                    uid = item.get(f"relationships/{name}/{kind.uid}")
                    if uid is not None:
                        one[name] = {kind.uid: {kind.uid: uid}}
            related = item.get("relationships/related")
            if related is not None:
                one.setdefault(other, {self._unit.uid: {self._unit.uid: related}})
            if own is not None:
                one.setdefault(side, {self._unit.uid: {self._unit.uid: own}})
            for name in _SIDES:
                if name not in one:
                    raise SenderError(
                        "a relationship with one side only", rule="dhis2.relationship", at=at
                    )
            yield one

    def _notes(self, fields: Mapping[str, Any], one: Tree, at: str) -> None:
        """Notes go to the enrollment or event they name, else to the object itself."""
        places = {
            (kind.uid, inner[kind.uid]): inner for kind, inner in _inside(one) if kind.uid in inner
        }
        for item in _items(fields, "notes"):
            note = self._one(item, "notes/", NOTE, at)
            named = [
                places.get((kind.uid, item[f"notes/{kind.uid}"]))
                for kind in (EVENT, ENROLLMENT)
                if f"notes/{kind.uid}" in item
            ]
            place = named[0] if named else None if self._unit is ENTITY else one
            if place is None:
                raise SenderError(
                    "a note without its enrollment or event", rule="dhis2.note", at=at
                )
            place.setdefault("notes", []).append(note)


def _items(fields: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = fields.get(name, [])
    return found if isinstance(found, list) else []


def _answer(item: Mapping[str, Any], kind: str) -> dict[str, Any]:
    found = {key: item[key] for key in (kind, "value") if key in item}
    if "providedElsewhere" in item:
        found["providedElsewhere"] = item["providedElsewhere"] == "true"
    return found


def _inside(one: Tree) -> Iterator[tuple[Kind, Tree]]:
    for enrollment in one.get("enrollments", ()):
        yield ENROLLMENT, enrollment
        yield from _inside(enrollment)
    for event in one.get("events", ()):
        yield EVENT, event


def _attach(enrollments: list[Tree], events: list[Tree], at: str) -> None:
    """Events into their enrollments. One that names no enrollment belongs to the only one."""
    known = {one[ENROLLMENT.uid]: one for one in enrollments if ENROLLMENT.uid in one}
    for event in events:
        uid = event.get(ENROLLMENT.uid)
        if uid is not None and uid not in known:
            known[uid] = {ENROLLMENT.uid: uid}
            enrollments.append(known[uid])
        only = enrollments[0] if len(enrollments) == 1 else None
        place = only if uid is None else known[uid]
        if place is None:
            raise SenderError("an event without its enrollment", rule="dhis2.no_enrollment", at=at)
        place.setdefault("events", []).append(event)


def _put(one: Tree, name: str, items: list[Any]) -> None:
    if items:
        one[name] = items


def flat_lists(one: Tree, unit: Kind) -> Mapping[str, list[Tree]]:
    """The same object as a flat body has it: every kind in its own list, linked by uid.

    Raises `SenderError` where an object has no uid to be linked by.
    """
    found: dict[str, list[Tree]] = {kind.list: [] for kind in KINDS}
    _lay(one, unit, found)
    return found


def _lay(one: Tree, kind: Kind, found: dict[str, list[Tree]]) -> None:
    inner = {below.list: one[below.list] for below in KINDS if below.list in one}
    found[kind.list].append({key: value for key, value in one.items() if key not in inner})
    for below in (ENROLLMENT, EVENT):
        for item in inner.get(below.list, ()):
            if kind.uid not in one:
                raise SenderError(
                    "a flat body links by uid, and one is missing",
                    rule="dhis2.uid",
                    at=f"{kind.called}, {kind.uid}",
                )
            _lay({**item, kind.uid: one[kind.uid]}, below, found)
    found[RELATIONSHIP.list] += inner.get(RELATIONSHIP.list, ())
