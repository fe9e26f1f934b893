"""Groups: households and families, with their members."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from adapters.leaf_names import NOTHING
from adapters.spdci.fields import GROUP, PLACE
from adapters.spdci.found import Found
from adapters.spdci.naming import local_of
from adapters.spdci.parts import addresses, dates, distinct, identifiers, key_of, position
from adapters.spdci.persons import HEAD, Known, Scope, member, own_number
from gateway.record import Record

_NUMBERS = "household.group_identifier[]"
_MEMBERS = "household.member_list[]"


@dataclass(slots=True)
class People:
    """Persons of one object, each once: the head of a group is often among its members."""

    scope: Scope
    known: dict[str, Known] = field(default_factory=dict, repr=False)
    _called: dict[str, str] = field(default_factory=dict, repr=False)
    """Whose the ids are that are made of any number of a person; "" of two persons."""
    _links: list[dict[str, str]] = field(default_factory=list, repr=False)
    _lists: dict[tuple[str, str], set[Any]] = field(default_factory=dict, repr=False)
    """What stands in the lists of those who are described more than once."""

    def add(self, one: Known, number: str, path: str) -> None:
        """Put a person in. Who has no id gets a number of its place in the payload.

        Raises `SenderError` where the person is known with another value.
        """
        if one.id is None:
            if not one.fields:
                return
            one.id, one.path = number, path
        self._links += one.links
        first = self.known.setdefault(one.id, one)
        for item in one.fields.get("identifier", ()):
            # Who is referred to by a bare number may have it with its type.
            for local in filter(None, map(local_of, ([item], [_bare(item)]))):
                name = self.scope.record_id(local)
                if self._called.setdefault(name, one.id) != one.id:
                    self._called[name] = ""
        if first is not one and not self._is_joined(one.id, first.fields, one.fields):
            raise one.objects[-1].error("one person is described in two ways", "two_values")

    def whose(self, record_id: str) -> str:
        """The id of the one here whom a number names, who may have another number as id."""
        if record_id in self.known:
            return record_id
        return self._called.get(record_id) or record_id

    def records(self) -> Iterator[Record]:
        """A record of each of whom more is said than an id."""
        for link in self._links:
            link["related"] = self.whose(link["related"])
        for one in self.known.values():
            if one.fields:
                yield one.record()

    def _is_joined(self, who: str, first: dict[str, Any], more: dict[str, Any]) -> bool:
        """Add what is new. Whether nothing contradicts what is known."""
        for key, value in more.items():
            known = first.setdefault(key, value)
            if isinstance(known, list):
                self._extend((who, key), first, value)
            elif isinstance(known, dict):
                first[key] = {**value, **known}
                if any(known[name] != value[name] for name in known.keys() & value.keys()):
                    return False
            elif known != value:
                return False
        return True

    def _extend(self, place: tuple[str, str], first: dict[str, Any], more: list[Any]) -> None:
        if place not in self._lists:
            first[place[1]] = distinct(first[place[1]])
            self._lists[place] = {key for item in first[place[1]] for key in _known_by(item)}
        seen = self._lists[place]
        for item in more:
            if key_of(item) not in seen:
                seen.update(_known_by(item))
                first[place[1]].append(item)


def _bare(item: Any) -> Any:
    """A number without its type. Other objects and texts stay as they are."""
    is_number = isinstance(item, dict) and "identifier_value" in item
    return {"identifier_value": item["identifier_value"]} if is_number else item


def _known_by(item: Any) -> tuple[Any, Any]:
    """A number that is known with its type is nothing new without it."""
    return key_of(item), key_of(_bare(item))


def group(found: Found, scope: Scope, people: People) -> tuple[Record, str]:
    """A household and where its id was read. Its members go to `people`."""
    lineage = found.reading.lineage
    path, own = own_number(found, scope)
    fields: dict[str, Any] = {}
    numbers = identifiers(found, "group_identifier", _NUMBERS)
    if numbers:
        fields["group_identifier"] = numbers
    local = local_of(numbers)
    if own is None and local is not None:
        # A household and a person may have one number: `group:` keeps their records apart.
        own = scope.record_id(f"group:{local}" if ":" in local else f"group::{local}")
        path = lineage[f"{_NUMBERS}.identifier_value"]
    if own is None:
        raise found.error("a group without an id", "no_id", "group_identifier")
    found.read(GROUP, "household.", fields)
    addresses(found, "household", fields)
    _place(found, fields)
    dates(found, "household", fields)
    listed = _members(found, own, scope, people)
    if listed:
        fields["member_list"] = listed
    for head in found.inner("group_head_info"):
        known = member(head, scope)
        if known.id is not None and not known.is_own:
            known.id = people.whose(known.id)
        people.add(known, f"{own}.head", head.path)
        known.left()
        if known.id is not None:
            fields["group_head"] = known.id
            lineage["household.group_head"] = head.path
    found.left()
    return {"record_type": "household", "record_id": own, **fields}, path


def _members(found: Found, own: str, scope: Scope, people: People) -> list[dict[str, str]]:
    """Who is in a group. Who has no id gets the position after the group's."""
    listed: list[dict[str, str]] = []
    path, value = found.take("member_list")
    for number, item in enumerate(_each(value), 1):
        if isinstance(item, str):
            item = {"member_identifier": item}
        if item is NOTHING or not isinstance(item, dict):
            found.reading.unmapped.update([path] if item is not NOTHING else [])
            continue
        known = member(Found(item, path, found.at, found.reading), scope)
        people.add(known, f"{own}.{number}", path)
        one: dict[str, str] = {}
        if known.id is not None:
            one["member"] = known.id
            found.reading.lineage[f"{_MEMBERS}.member"] = known.path
        known.objects[-1].read((HEAD,), f"{_MEMBERS}.", one)
        known.left()
        listed += [one] if one else []
    return listed


def _each(value: Any) -> Iterator[Any]:
    """Members of a list or alone. Some stand in a list inside the object around a member."""
    for item in value if isinstance(value, list) else [value]:
        inner = item.get("household_member") if isinstance(item, dict) else None
        if isinstance(inner, list) and inner:
            yield from ({**item, "household_member": one} for one in inner)
        else:
            yield item


def _place(found: Found, into: dict[str, Any]) -> None:
    """Name and position of the place; its address in one line is one of the addresses."""
    for place in found.inner(*PLACE):
        name: dict[str, Any] = {}
        path, value = place.take("name")
        if isinstance(value, str):
            place.put("name", value, "household.place.name", path, name)
        elif value is not NOTHING:
            raise place.error("a value that this field does not have", "text", "name")
        into["place"] = {**name, **into.get("place", {})}
        position(place, "geo", "household", into)
        path, value = place.take("address_line", "address")
        if isinstance(value, str):
            into.setdefault("address", []).append({"address_line_1": value})
            found.reading.lineage["household.address[].address_line_1"] = path
        elif value is not NOTHING:
            found.reading.unmapped.add(path)
        if not into["place"]:
            del into["place"]
        place.left()
