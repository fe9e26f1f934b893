"""People in SPDCI's records: Person and Member."""

from dataclasses import dataclass, field
from typing import Any

from adapters.leaf_names import NOTHING
from adapters.spdci import values
from adapters.spdci.difficulties import difficulties
from adapters.spdci.fields import MEMBER, NAME, PERSON, PERSONAL, Item
from adapters.spdci.found import Found
from adapters.spdci.naming import local_of, own_id
from adapters.spdci.parts import addresses, beside, dates, distinct, identifiers, unwrapped
from gateway.record import Record

RELATED = Item("relationship_type", ("relationship_type",), values.RELATION)
HEAD = Item("relationship_head", ("relationship_head",), values.RELATION)
PARENTS = ("parent1_identifier", "parent2_identifier")
_NUMBERS = "person.identifier[]"
_LINKS = "person.relationships[]"


@dataclass(slots=True)
class Given:
    """What a message has said of assistance so far."""

    counts: dict[str, int] = field(default_factory=dict, repr=False)
    """How many records begin with this id."""
    said: set[bytes] = field(default_factory=set, repr=False)
    """Digests of whole objects."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose numbers the ids of a message are."""

    authority: str
    only: str | None
    """The authority where a mapping says it: then no other is taken."""
    given: Given = field(default_factory=Given, repr=False)

    def record_id(self, local: str) -> str:
        """The id of a record with this number."""
        return f"{self.authority}/{local}"


@dataclass(slots=True)
class Known:
    """One person as read."""

    id: str | None
    path: str
    """Where the id was read."""
    fields: dict[str, Any] = field(repr=False)
    objects: tuple[Found, ...] = field(repr=False)
    """What the person was read from. Others may take from it what they know."""
    is_own: bool = False
    """The id is one that was written here, and not a number of the registry."""
    links: list[dict[str, str]] = field(default_factory=list, repr=False)
    """Those of the relationships that name somebody by a number."""

    def record(self) -> Record:
        """The canonical person, who has an id by now."""
        self.objects[0].reading.lineage["person.record_id"] = self.path
        return {"record_type": "person", "record_id": self.id, **self.fields}

    def left(self) -> None:
        """Tell of what nobody took."""
        for one in self.objects:
            one.left()


def member(found: Found, scope: Scope) -> Known:
    """A Member with its Person, inside it or spread in it, or a Person alone."""
    found = unwrapped(found, "household_member")
    path, own = own_number(found, scope)
    inner = found.only(*PERSONAL)
    person = found if inner is None else unwrapped(inner, "person")
    objects = (person,) if person is found else (person, found)
    fields: dict[str, Any] = {}
    links: list[dict[str, str]] = []
    numbers: list[dict[str, str]] = []
    for one in objects:
        numbers += identifiers(one, "identifier", _NUMBERS)
        if "identifier_value" in one:
            numbers += beside(one, _NUMBERS)
    numbers = distinct(numbers + identifiers(found, "member_identifier", _NUMBERS))
    if numbers:
        fields["identifier"] = numbers
    _name(person, fields)
    person.read(PERSON, "person.", fields)
    addresses(person, "person", fields)
    for one in objects:
        dates(one, "person", fields)
        one.read(MEMBER, "person.", fields)
        difficulties(one, fields)
        links += _relationships(one, scope, fields)
    local, is_own = local_of(numbers), own is not None
    if own is None and local is not None:
        own, path = scope.record_id(local), found.reading.lineage[f"{_NUMBERS}.identifier_value"]
    return Known(own, path, fields, objects, is_own, links)


def _name(found: Found, into: dict[str, Any]) -> None:
    path, value = found.take("name")
    name: dict[str, Any] = {}
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        found.put("full_name", value, "person.name.full_name", path, name)
    elif isinstance(value, dict):
        inner = Found(value, path, found.at, found.reading)
        inner.read(NAME, "person.name.", name)
        inner.left()
    elif value is not NOTHING:
        raise found.error("not a name", "name", "name")
    if name:
        into["name"] = name


def _relationships(found: Found, scope: Scope, into: dict[str, Any]) -> list[dict[str, str]]:
    """Related members and parents, by the ids of their records. Who has no id stays behind.

    Returned are those whose id is made of a number.
    """
    kept: list[dict[str, str]] = []
    numbered: list[dict[str, str]] = []
    for related in found.inner("related_person"):
        one: dict[str, str] = {}
        related.read((RELATED,), f"{_LINKS}.", one)
        for other in related.inner("related_member"):
            other_id, is_own = reference(other, scope)
            if other_id is not None:
                if one.setdefault("related", other_id) != other_id:
                    raise other.error("several people where one belongs", "two_values")
                numbered += [] if is_own else [one]
                found.reading.lineage[f"{_LINKS}.related"] = other.path
        related.left()
        kept += [one] if one else []
    for name in PARENTS:
        local = local_of(identifiers(found, name, None))
        if local is not None:
            kept.append({"relationship_type": "parent", "related": scope.record_id(local)})
            numbered += kept[-1:]
            lines = (f"{_LINKS}.relationship_type", f"{_LINKS}.related")
            found.reading.lineage.update(dict.fromkeys(lines, f"{found.path}.{name}"))
    if kept:
        into["relationships"] = [*into.get("relationships", []), *kept]
    return numbered


def reference(found: Found, scope: Scope) -> tuple[str | None, bool]:
    """The record id of somebody who is only referred to, and whether it was written here.

    What else is said stays behind.
    """
    found = unwrapped(found, "household_member")
    _, own = own_number(found, scope)
    numbers = identifiers(found, "identifier", None)
    inner = found.only(*PERSONAL)
    if inner is not None:
        inner = unwrapped(inner, "person")
        numbers = identifiers(inner, "identifier", None) + numbers
        inner.left()
    local = local_of(numbers + identifiers(found, "member_identifier", None))
    found.left()
    if own is None and local is not None:
        return scope.record_id(local), False
    return own, own is not None


def own_number(found: Found, scope: Scope) -> tuple[str, str | None]:
    """The record id in `@id`, where it is one of ours, and its place."""
    path, value = found.take("@id")
    own = own_id(value, scope.only, f"{found.at}, {path}")
    if own is None:
        found.reading.unmapped.update([path] if path else [])
        return "", None
    return path, own
