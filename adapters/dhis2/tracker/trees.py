"""A payload as trees: tracked entities with their enrollments, and those with their events.

Nested and flat bodies say the same. What refers to something that is not in the payload stands
in a tree of its own, which says no more than that.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from adapters.dhis2.digits import values_are_numbers
from adapters.dhis2.others import refuse_other
from adapters.dhis2.tracker.checks import check, check_names
from adapters.dhis2.tracker.kinds import ENROLLMENT, ENTITY, EVENT, KINDS, RELATIONSHIP, Kind
from adapters.flat.reading import shown
from gateway.errors import SenderError
from gateway.record import Reading
from gateway.source.objects import objects

Tree = dict[str, Any]

_MARKS: tuple[tuple[str, Kind], ...] = (
    ("event", EVENT),
    ("programStage", EVENT),
    ("enrolledAt", ENROLLMENT),
    ("enrollment", ENROLLMENT),
    ("trackedEntityType", ENTITY),
    ("trackedEntity", ENTITY),
    ("relationshipType", RELATIONSHIP),
)
"""By which member an object that stands alone is known, the surest first."""


def read(content: BinaryIO, reading: Reading) -> Iterator[tuple[Tree, str]]:
    """Every tree with its place. Raises `SenderError` for other JSON."""
    number = 0
    for found in objects(content, _bodies, exact=values_are_numbers(content)):
        if found.twice:
            raise SenderError(
                "a key stands twice in one object", rule="json.key_twice", at=found.at
            )
        for tree in trees(found.value, reading, found.at):
            number += 1
            yield tree, found.at or f"object {number}"


def _bodies(document: Any) -> list[Any]:
    """The bodies of a list, or what is one itself: a list of objects is like a page."""
    if isinstance(document, list) and document and _of_page(document[0]) is None:
        return document
    return [document]


def trees(document: Any, reading: Reading, at: str = "") -> list[Tree]:
    """The trees of one document."""
    if isinstance(document, list) and document:
        document = {"instances": document}
    if not isinstance(document, dict):
        raise _other()
    refuse_other(document, at=at)
    check_names(document, at)
    if str(document.get("importStrategy")).upper() == "DELETE":
        raise SenderError(
            "objects to be deleted, not data", rule="dhis2.deleted", at="importStrategy"
        )
    lists = _lists(document, reading)
    for kind, items in lists.items():
        known_by_uid: dict[str, Tree] = {}
        for number, one in enumerate(items, 1):
            place = f"{kind.called} {number}"
            place = f"{at}, {place}" if at else place
            check(one, kind, place)
            if known_by_uid.setdefault(one.get(kind.uid) or place, one) != one:
                raise _two_meanings(place)
    return _Forest(lists).trees


def _lists(document: Tree, reading: Reading) -> dict[Kind, list[Any]]:
    """The lists of a body, of a page, or of what is one object."""
    kind = _alone(document)
    if kind is not None:
        return {kind: [document]}
    lists = {kind: document[kind.list] for kind in KINDS if _is_list(document.get(kind.list))}
    known = {kind.list for kind in lists}
    if _is_list(document.get("instances")):
        # A page of a server before version 2.41. In between there were both.
        for one, items in _page(document["instances"]).items():
            if lists.setdefault(one, items) != items:
                raise _two_meanings("instances")
        known.add("instances")
    elif not known:
        raise _other()
    said = {key for key, value in document.items() if value is not None}
    reading.unmapped.update(map(shown, said - known))
    return lists


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _alone(one: Mapping[str, Any]) -> Kind | None:
    return next((kind for member, kind in _MARKS if isinstance(one.get(member), str)), None)


def _page(items: list[Any]) -> dict[Kind, list[Any]]:
    if not items:
        return {}
    kind = _of_page(items[0])
    if kind is None:
        raise _other()
    return {kind: items}


def _of_page(item: Any) -> Kind | None:
    """What an item of a page is. An export may leave out all that numbers it."""
    if not isinstance(item, dict):
        return None
    if not isinstance(item.get(EVENT.uid), str) and _is_list(item.get("dataValues")):
        return EVENT
    return _alone(item)


def _other() -> SenderError:
    return SenderError(
        "no tracked entities, enrollments, events or relationships", rule="dhis2.not_tracker"
    )


class _Forest:
    """Puts enrollments, events and relationships where they belong."""

    def __init__(self, lists: Mapping[Kind, list[Any]]) -> None:
        self.trees: list[Tree] = []
        self._known: dict[tuple[str, str], Tree] = {}
        for entity in lists.get(ENTITY, ()):
            self._entity(entity)
        for enrollment in lists.get(ENROLLMENT, ()):
            self._enrollment(enrollment)
        for event in lists.get(EVENT, ()):
            self._event(event)
        for relationship in lists.get(RELATIONSHIP, ()):
            self._relationship(relationship)

    def _entity(self, entity: Tree) -> None:
        self.trees.append(entity)
        self._note(entity, ENTITY)
        for enrollment in entity.get("enrollments") or ():
            _same(enrollment, entity, ENTITY, ENROLLMENT)
            self._note(enrollment, ENROLLMENT)
            for event in enrollment.get("events") or ():
                self._below(event, enrollment, entity)

    def _below(self, event: Tree, enrollment: Tree, entity: Tree) -> None:
        _same(event, enrollment, ENROLLMENT, EVENT)
        _same(event, entity, ENTITY, EVENT)
        self._note(event, EVENT)

    def _enrollment(self, enrollment: Tree) -> None:
        entity = self._found(enrollment.get(ENTITY.uid), ENTITY, self._new_entity)
        _list(entity, "enrollments").append(enrollment)
        self._note(enrollment, ENROLLMENT)
        for event in enrollment.get("events") or ():
            self._below(event, enrollment, entity)

    def _event(self, event: Tree) -> None:
        def make(uid: str | None) -> Tree:
            made: Tree = {} if uid is None else {ENROLLMENT.uid: uid}
            if isinstance(event.get(ENTITY.uid), str):
                made[ENTITY.uid] = event[ENTITY.uid]
            self._enrollment(made)
            return made

        enrollment = self._found(event.get(ENROLLMENT.uid), ENROLLMENT, make)
        _list(enrollment, "events").append(event)
        _same(event, enrollment, ENTITY, EVENT)
        self._note(event, EVENT)

    def _relationship(self, one: Tree) -> None:
        for side in ("from", "to"):
            for kind in (ENTITY, ENROLLMENT, EVENT):
                uid = uid_of(one.get(side), kind)
                if (kind.uid, uid) in self._known:
                    _list(self._known[kind.uid, str(uid)], "relationships").append(one)
                    return
        holder = self._new_entity(uid_of(one.get("from"), ENTITY))
        _list(holder, "relationships").append(one)

    def _found(self, uid: Any, kind: Kind, make: Callable[[str | None], Tree]) -> Tree:
        known = self._known.get((kind.uid, uid)) if isinstance(uid, str) else None
        return make(uid if isinstance(uid, str) else None) if known is None else known

    def _new_entity(self, uid: str | None) -> Tree:
        entity: Tree = {} if uid is None else {ENTITY.uid: uid}
        self._entity(entity)
        return entity

    def _note(self, one: Tree, kind: Kind) -> None:
        if isinstance(one.get(kind.uid), str):
            self._known.setdefault((kind.uid, one[kind.uid]), one)


def uid_of(side: Any, kind: Kind) -> str | None:
    """The uid of one side of a relationship, if it is of this kind: an object, or the uid alone."""
    inner = side.get(kind.uid) if isinstance(side, dict) else None
    uid = inner.get(kind.uid) if isinstance(inner, dict) else inner
    return uid if isinstance(uid, str) else None


def _list(one: Tree, name: str) -> list[Any]:
    if one.get(name) is None:
        one[name] = []
    found: list[Any] = one[name]
    return found


def _same(one: Tree, outer: Tree, kind: Kind, own: Kind) -> None:
    """Say in an object what it stands in. Raises `SenderError` where it says otherwise."""
    uid = outer.get(kind.uid)
    if uid is None:
        return
    if one.get(kind.uid) is None:
        one[kind.uid] = uid
    elif one[kind.uid] != uid:
        raise _two_meanings(f"{own.called}, {kind.uid}")


def _two_meanings(at: str) -> SenderError:
    return SenderError("said twice, differently", rule="dhis2.two_meanings", at=at)
