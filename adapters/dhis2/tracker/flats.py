"""Trees as flat objects, which a mapping reads.

    {"trackedEntity": "...", "orgUnit": "...", "attributes/w75KJ2mc4zz": "Amina",
     "enrollments": [{"enrollments/enrollment": "...", "enrollments/program": "..."}],
     "events": [{"events/event": "...", "events/dataValues/qrur9Dvnyt5": "12"}],
     "notes": [{"notes/value": "..."}],
     "relationships": [{"relationships/to/trackedEntity": "..."}]}

An object is a tracked entity, an enrollment or an event, as the mapping takes its id from; the
objects around it stand below `trackedEntities/` and `enrollments/`. Made for mappings that name
them: `events/enrollments/...`, the enrollment an event stands in; `relationships/related`, the
other side of a relationship, and `relationships/side`, which side this object is; and
`geometry/Point`, `geometry/Polygon`, for one kind of geometry.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from adapters.dhis2.moments import spelt
from adapters.dhis2.tracker.kinds import ENROLLMENT, ENTITY, EVENT, KEYED, MOMENTS, Kind
from adapters.dhis2.tracker.shapes import GEOMETRY, Shapes
from adapters.dhis2.tracker.trees import Tree, uid_of
from adapters.flat.keyed import Keyed, spread
from adapters.flat.reading import shown
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Reading

Flat = dict[str, Any]
_WALKED = ("enrollments", "events", "relationships", "notes")
_ASIDE = ("relationships", "notes")
_OTHER_SIDE = {"from": "to", "to": "from"}


class Flats:
    """Makes the flat objects that one mapping reads."""

    def __init__(self, plan: Plan, names: Callable[[str], bool], unit: Kind) -> None:
        self._names = names
        self._unit = unit
        self._outer = ("trackedEntities/", "enrollments/")[: 2 if unit is EVENT else 1]
        self._shapes = Shapes(plan)
        levels = plan.levels()
        self._around = any(
            slot.startswith("events/enrollments/") for slots in levels.values() for slot in slots
        )
        repeats = (f"{slot.removeprefix('*/')}/" for slot in levels if slot is not None)
        self._read = frozenset(("", *self._outer, *repeats))

    def of(self, tree: Tree, reading: Reading, at: str) -> Iterator[Flat]:
        """The flat objects of one tree. Those of a tree without any are told as unmapped."""
        if self._unit is ENTITY:
            yield self.entity(tree, at)
            return
        around = self._outside(tree, "trackedEntities/", reading, at)
        found = False
        for enrollment in tree.get("enrollments") or ():
            outer, ones = around, [enrollment]
            if self._unit is EVENT:
                ones = enrollment.get("events") or []
                outer = around | self._outside(enrollment, "enrollments/", reading, at)
            if not ones:
                reading.unmapped.update(map(shown, outer))
            for one in ones:
                found = True
                yield self.single(one, at) | outer
        if not found:
            reading.unmapped.update(map(shown, around))

    def _outside(self, one: Tree, path: str, reading: Reading, at: str) -> Flat:
        """What the mapping reads of an outer object, which stands with every one inside it."""
        every = _beyond(dict(self._members(one, path, at)))
        found = {key: value for key, value in every.items() if self._names(key)}
        reading.unmapped.update(shown(key) for key in every.keys() - found.keys())
        return found

    def entity(self, tree: Tree, at: str) -> Flat:
        """A tracked entity with everything in it."""
        flat = dict(self._members(tree, "", at))
        repeats: dict[str, list[Flat]] = {name: [] for name in _WALKED}
        self._aside(tree, ENTITY, repeats, at)
        for enrollment in tree.get("enrollments") or ():
            self._enrollment(enrollment, repeats, at)
        return flat | {name: items for name, items in repeats.items() if items}

    def single(self, one: Tree, at: str) -> Flat:
        """An enrollment with its events, or an event, without what is around it."""
        flat = dict(self._members(one, "", at))
        repeats: dict[str, list[Flat]] = {name: [] for name in _WALKED}
        self._aside(one, self._unit, repeats, at)
        self._events(one, repeats, at)
        return flat | {name: items for name, items in repeats.items() if items}

    def _enrollment(self, one: Tree, repeats: dict[str, list[Flat]], at: str) -> None:
        repeats["enrollments"].append(dict(self._members(one, "enrollments/", at)))
        self._aside(one, ENROLLMENT, repeats, at)
        self._events(one, repeats, at)

    def _events(self, enrollment: Tree, repeats: dict[str, list[Flat]], at: str) -> None:
        around: Flat = {}
        if self._around:
            members = self._members(enrollment, "events/enrollments/", at)
            around = {key: value for key, value in members if self._names(key)}
        for one in enrollment.get("events") or ():
            repeats["events"].append(dict(self._members(one, "events/", at)) | around)
            self._aside(one, EVENT, repeats, at)

    def _aside(self, one: Tree, kind: Kind, repeats: dict[str, list[Flat]], at: str) -> None:
        """Notes and relationships, wherever they stand, in one repeat each."""
        own = one.get(kind.uid)
        for note in one.get("notes") or ():
            item = dict(self._members(note, "notes/", at))
            if own is not None and kind is not self._unit:
                item[f"notes/{kind.uid}"] = own
            repeats["notes"].append(item)
        for relationship in one.get("relationships") or ():
            item = dict(self._members(relationship, "relationships/", at))
            is_to = own is not None and uid_of(relationship.get("to"), kind) == own
            side = "to" if is_to else "from"
            made = {"side": side, "related": _uid(relationship.get(_OTHER_SIDE[side]))}
            for name, value in made.items():
                if value is not None and self._names(f"relationships/{name}"):
                    item[f"relationships/{name}"] = value
            repeats["relationships"].append(item)

    def _members(self, one: Mapping[str, Any], path: str, at: str) -> Iterator[tuple[str, Any]]:
        if path in self._read and str(one.get("deleted")).lower() == "true":
            self._refuse_deleted(path, at)
        for name, value in one.items():
            key = f"{path}{name}"
            if name in _WALKED:
                if path in self._outer and name in _ASIDE and value:
                    yield key, value
            elif name in KEYED and value is not None:
                _refuse_differing(value, KEYED[name], f"{at}, {name}")
                for inner, answer in spread(value, key, KEYED[name], at=f"{at}, {name}"):
                    yield inner, self._shapes.inwards(inner, answer)
            elif isinstance(value, dict):
                yield from self._object(name, value, path, at)
            else:
                if name in MOMENTS and isinstance(value, str):
                    value = spelt(value)
                yield key, self._shapes.inwards(key, value)

    def _refuse_deleted(self, path: str, at: str) -> None:
        if not self._names(f"{path}deleted"):
            raise SenderError(
                "deleted at its source, and the mapping does not say so",
                rule="dhis2.deleted",
                at=f"{at}, {path}deleted",
            )

    def _object(
        self, name: str, value: Mapping[str, Any], path: str, at: str
    ) -> Iterator[tuple[str, Any]]:
        key = f"{path}{name}"
        if name == GEOMETRY:
            kind = f"{key}/{value.get('type')}"
            yield (kind if self._names(kind) else key), value
        elif name in _OTHER_SIDE:
            yield from _side(value, key)
        else:
            yield from self._members(value, f"{key}/", at)


def _side(side: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for kind, inner in side.items():
        if not isinstance(inner, dict):
            yield f"{path}/{kind}", inner
            continue
        for name, value in inner.items():
            yield (f"{path}/{kind}" if name == kind else f"{path}/{kind}/{name}"), value


def _uid(side: Any) -> str | None:
    found = (uid_of(side, kind) for kind in (ENTITY, ENROLLMENT, EVENT))
    return next((uid for uid in found if uid is not None), None)


def _refuse_differing(items: Any, how: Keyed, at: str) -> None:
    """Raise `SenderError` for two answers to one question. A server keeps either."""
    seen: dict[str, Any] = {}
    for item in items if isinstance(items, list) else ():
        kind = item.get(how.kind) if isinstance(item, dict) else None
        if isinstance(kind, str) and seen.setdefault(kind, item.get("value")) != item.get("value"):
            raise SenderError("said twice, differently", rule="dhis2.two_meanings", at=at)


def _beyond(around: Flat) -> Flat:
    """What an outer object says besides its number, which the inner one says itself."""
    known = ("trackedEntities/trackedEntity", "enrollments/enrollment", "enrollments/trackedEntity")
    return {key: value for key, value in around.items() if key not in known}
