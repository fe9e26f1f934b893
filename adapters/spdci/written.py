"""Canonical persons, households and assistance as objects of the SPDCI vocabularies.

Every object is read again at once: what comes back otherwise is told as lost, and the places it
was read from are the lineage.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from adapters.leaf_names import NOTHING, changed
from adapters.spdci.fields import (
    ADDRESS,
    BENEFIT,
    DATES,
    DIFFICULTY,
    ENROLLMENT,
    GROUP,
    IDENTIFIER,
    MEMBER,
    NAME,
    PERSON,
    UNIT,
    Item,
)
from adapters.spdci.found import Found
from adapters.spdci.naming import iri
from adapters.spdci.persons import HEAD, RELATED, Scope
from adapters.spdci.records import canonical
from adapters.spdci.values import money_written
from gateway.record import Reading, Record, Writing

Object = dict[str, Any]

_GROUPS = ("household", "family")


class Written:
    """What becomes of records, and what does not."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing

    def lost(self, record: Record) -> None:
        """A record that is not written at all."""
        self._tell(record, {}, {})

    def person(self, record: Record, path: str) -> Object:
        """A Member with its Person."""
        person = {"@type": "Person", **_about(record)}
        made: Object = {"@id": iri(record["record_id"]), "@type": "Member"}
        if len(person) > 1:
            made["demographic_info"] = person
        made |= items(record, (*MEMBER, DIFFICULTY))
        related = [one for one in map(_related, record.get("relationships", ())) if one]
        if related:
            made["related_person"] = related
        self._check(record, made, path)
        return made

    def household(self, record: Record) -> Object:
        """A Group whose members are named by their ids only."""
        made: Object = {
            "@id": iri(record["record_id"]),
            "@type": "Group",
            **identifiers(record, "group_identifier"),
            **items(record, GROUP),
        }
        place = _place(record.get("place", {}))
        if place:
            made["geographical_location"] = {"@type": "Place", **place}
        made |= _addresses(record, None)
        if "group_head" in record:
            made["group_head_info"] = reference(record["group_head"], "Member")
        members = [
            {**reference(one["member"], "Member"), **items(one, (HEAD,))}
            for one in record.get("member_list", ())
            if "member" in one
        ]
        if members:
            made["member_list"] = members
        made |= _dates(record)
        self._check(record, made, "reg_records[]")
        return made

    def assistance(self, record: Record, *, is_group: bool) -> Object:
        """A Beneficiary with one benefit. `is_group`: the beneficiary is known as a household."""
        made: Object = {
            "@id": iri(record["record_id"]),
            "@type": "Beneficiary",
            **items(record, (UNIT,)),
        }
        if "beneficiary" in record:
            group = record.get("assistance_unit") in _GROUPS or is_group
            name, kind = ("group", "Group") if group else ("member", "Member")
            made[name] = reference(record["beneficiary"], kind)
        programmes = [
            {"@type": "Programme", "programme_identifier": one}
            for one in record.get("programme_identifier", ())
        ]
        if "programme_name" in record and len(programmes) <= 1:
            programmes = programmes or [{"@type": "Programme"}]
            programmes[0]["programme_name"] = record["programme_name"]
        if programmes:
            made["programme_identifier"] = programmes
        made |= items(record, ENROLLMENT)
        benefit = {**items(record, BENEFIT), **_value(record)}
        if benefit:
            made["benefits"] = [{"@type": "Benefit", **benefit}]
        self._check(record, made, "reg_records[]")
        return made

    def _check(self, record: Record, made: Object, path: str) -> None:
        reading = Reading()
        authority = record["record_id"].partition("/")[0]
        found = Found(made, path, "", reading)
        back: Record = next(canonical(found, Scope(authority, None)))
        self._tell(record, back, reading.lineage)

    def _tell(self, record: Record, back: Mapping[str, Any], lineage: Mapping[str, str]) -> None:
        record_type = record["record_type"]
        lost: set[str] = set()
        for field, value in record.items():
            lost.update(changed(record_type, field, value, back.get(field, NOTHING)))
        self._writing.unrendered |= lost
        self._writing.lineage.update(
            (leaf, path) for leaf, path in lineage.items() if leaf not in lost
        )


def reference(record_id: str, kind: str) -> Object:
    """Somebody who is described elsewhere."""
    return {"@id": iri(record_id), "@type": kind}


def items(record: Mapping[str, Any], table: Iterable[Item]) -> Object:
    """Fields as the standard spells them. What it has no value for is left out."""
    made: Object = {}
    fields: set[str] = set()
    for item in table:
        if item.field not in record or item.field in fields:
            continue
        fields.add(item.field)
        try:
            value = item.kind.write(record[item.field])
            if item.kind.read(value) is not NOTHING:
                made[item.names[0]] = value
        except ValueError:
            continue
    return made


def identifiers(record: Mapping[str, Any], field: str) -> Object:
    """A list of identifiers. One without a value would name nobody."""
    made = [
        {"@type": "Identifier", **items(one, IDENTIFIER)}
        for one in record.get(field, ())
        if "identifier_value" in one
    ]
    return {field: made} if made else {}


def _about(record: Record) -> Object:
    """Everything a Person has."""
    made = identifiers(record, "identifier")
    name = items(record.get("name", {}), NAME)
    if name:
        made["name"] = {"@type": "Name", **name}
    made |= items(record, PERSON)
    made |= _addresses(record, record.get("place", {}).get("geo"))
    made |= _dates(record)
    return made


def _addresses(record: Mapping[str, Any], point: Mapping[str, Any] | None) -> Object:
    """Addresses. Where somebody stays is an address of its own, for a Person has no place."""
    made = [
        {"@type": "Address", **one}
        for address in record.get("address", ())
        if (one := items(address, ADDRESS))
    ]
    if point is not None:
        made.append({"@type": "Address", "geo_location": _position(point, "GeoLocation")})
    return {"address": made} if made else {}


def _position(point: Mapping[str, Any], kind: str) -> Object:
    names = ("longitude", "latitude", "altitude")
    return {"@type": kind, **dict(zip(names, point["coordinates"], strict=False))}


def _place(place: Mapping[str, Any]) -> Object:
    made: Object = {"name": place["name"]} if "name" in place else {}
    if "geo" in place:
        made["geo"] = _position(place["geo"], "GeoCoordinates")
    return made


def _dates(record: Mapping[str, Any]) -> Object:
    return items(record, DATES[:1]) | items(record.get("source", {}), DATES[1:])


def _related(link: Mapping[str, Any]) -> Object:
    made = items(link, (RELATED,))
    if "related" in link:
        made["related_member"] = reference(link["related"], "Member")
    return {"@type": "RelatedPerson", **made} if made else {}


def _value(record: Mapping[str, Any]) -> Object:
    """An amount with its currency. A currency alone says nothing here."""
    if "benefit_value" not in record:
        return {}
    try:
        return {
            "benefit_value": money_written(record["benefit_value"], record.get("currency_code"))
        }
    except ValueError:
        return {}
