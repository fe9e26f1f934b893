"""Taking what Go.Data answers apart into persons, and a person into paths."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from adapters.flat.documents import no_empty_lists, once, ordered, others, refuse
from adapters.flat.keyed import Keyed, spread
from adapters.flat.nested import Flat, Repeats
from adapters.flat.reading import shown
from gateway.errors import SenderError
from gateway.mapping import Plan

ADDRESSES = "addresses"
DOCUMENTS = "documents"
KEYED = {ADDRESSES: Keyed("typeId"), DOCUMENTS: Keyed("type", "number")}
USUAL = "LNG_REFERENCE_DATA_CATEGORY_ADDRESS_TYPE_USUAL_PLACE_OF_RESIDENCE"
"""What an address is where nothing is said: the default of Go.Data's model."""
UNTYPED = "untyped"
"""Below `documents`: those of which no type is said."""
ANSWERS = ("questionnaireAnswers", "questionnaireAnswersContact", "questionnaireAnswersCase")
BETWEEN = ";"
"""Stands between the choices of one answer."""

DAY = re.compile(r"(.*/)?(dob|date[A-Za-z]*|[A-Za-z]+Date)")
"""Paths of days."""
ANSWER = re.compile(r"questionnaireAnswers[A-Za-z]*/.*")
"""Paths of answers, which may be days."""
MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00:00(\.000)?Z")

_OTHERS = others(
    "godata",
    ("error", "the server's answer to a fault", "error"),
    ("base properties", "a model of the interface, not data", "model"),
    ("outbreakTemplates", "a template of outbreaks", "template"),
    ("caseInvestigationTemplate", "an outbreak or its template", "template"),
    ("categoryId", "reference data: codes and their labels", "reference_data"),
    ("geographicalLevelId", "a location", "location"),
    ("persons", "a relationship", "relationship"),
    ("roleIds", "a user of the system", "user"),
    ("userIds", "a team of users", "user"),
    ("personId", "a follow-up or a lab result", "of_a_person"),
    ("dateSampleTaken", "a lab result", "of_a_person"),
    ("disease", "an outbreak", "not_persons"),
    ("permissionIds", "a role of users", "user"),
    ("colorCode", "a cluster of persons", "not_persons"),
    ("modelName", "an entry of the log", "not_persons"),
    ("physicalDeviceId", "a device", "not_persons"),
    ("languageId", "a text of the interface", "not_persons"),
    ("access_token", "an answer to a login", "login"),
)
_WITHIN = others(
    "godata",
    ("messagePattern", "texts of errors", "error_texts"),
    ("osm_id", "health sites of OpenStreetMap", "health_sites"),
)
"""By what their first members hold."""
_PERSON = frozenset(
    ("id", "visualId", "firstName", "lastName", "gender", "dob", "outbreakId", "dateOfReporting")
) | {ADDRESSES, DOCUMENTS, *ANSWERS}
"""A person has one of these. `id` is enough: everything else may have stayed behind."""


def unfold(document: Any) -> Iterator[Any]:
    """The persons of one document."""
    if isinstance(document, list):
        yield from document
    elif isinstance(document, dict):
        yield document
    else:
        raise SenderError("neither a person nor a list", rule="godata.not_persons")


class Persons:
    """Cases, contacts and events as flat objects."""

    def __init__(self, plan: Plan) -> None:
        self._flat = Flat(plan, _choices)
        self._repeats = Repeats(plan)

    def __call__(self, value: Any, *, at: str) -> Any:
        """One person, flat. Raises `SenderError` for another model, or a person who is deleted."""
        if not isinstance(value, dict):
            return value
        _check(value, at)
        person = dict(value)
        if isinstance(person.get("address"), dict):
            person["address"] = _placed(person["address"])
        lists: dict[str, Any] = {}
        for path in KEYED:
            once(_keyed(person.pop(path, None), path, at), lists, at=at)
        for path in ANSWERS:
            once(_answers(person.pop(path, None), path, self._repeats, at), lists, at=at)
        if lists.keys() & person.keys():
            raise SenderError("a path stands twice", rule="json.key_twice", at=at)
        return _days(no_empty_lists(self._flat({**person, **lists}, at=at)))


def _check(value: Mapping[str, Any], at: str) -> None:
    refuse(value, _OTHERS, at=at)
    if not value.keys() & _PERSON:
        for inner in value.values():
            refuse(inner if isinstance(inner, dict) else {}, _WITHIN, at=at)
        raise SenderError("not a case, contact or event", rule="godata.not_persons", at=at)
    if value.get("deleted") not in (None, False) or value.get("deletedAt") is not None:
        raise SenderError("a deleted person", rule="godata.deleted", at=at)


def _objects(items: Any, path: str, at: str) -> list[dict[str, Any]]:
    if items is None:
        return []
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise SenderError("not a list of objects", rule="godata.object", at=f"{at}, {shown(path)}")
    return [dict(one) for one in items]


def _keyed(found: Any, path: str, at: str) -> Iterator[tuple[str, Any]]:
    how = KEYED[path]
    items = _objects(found, path, at)
    if path == ADDRESSES:
        items = [_placed(one) for one in items]
        for item in items:
            item["typeId"] = USUAL if item.get("typeId") is None else item["typeId"]
    untyped = [one for one in items if one.get(how.kind) is None]
    items = [one for one in items if one.get(how.kind) is not None]
    yield from spread(items, path, how, at=f"{at}, {path}")
    yield from ordered(untyped, f"{path}/{UNTYPED}")


def _placed(address: Mapping[str, Any]) -> dict[str, Any]:
    """The address with its position as GeoJSON, longitude first, where it has a whole one."""
    found = dict(address)
    place = found.get("geoLocation")
    if isinstance(place, dict) and place.keys() == {"lat", "lng"}:
        pair = [place["lng"], place["lat"]]
        if all(one is None for one in pair):
            found["geoLocation"] = None
        elif all(one.__class__ in (int, Decimal) for one in pair):
            found["geoLocation"] = {"type": "Point", "coordinates": pair}
    return found


def _answers(found: Any, path: str, repeats: Repeats, at: str) -> Iterator[tuple[str, Any]]:
    if found is None:
        return
    if not isinstance(found, dict):
        raise SenderError("answers that are no object", rule="godata.object", at=f"{at}, {path}")
    for name, given in found.items():
        own = f"{path}/{name}"
        items = _objects(_listed(given), own, at)
        if own in repeats:
            yield own, items
            continue
        if not items:
            yield own, None
        for number, item in enumerate(items, 1):
            numbered = own if number == 1 else f"{own}#{number}"
            for member, value in item.items():
                yield (numbered if member == "value" else f"{numbered}/{member}"), value


def _listed(given: Any) -> Any:
    """Answers as lists of objects. Older servers give the value alone: a text, or its choices."""
    if isinstance(given, list) and (not given or any(isinstance(one, dict) for one in given)):
        return given
    return given if given is None or isinstance(given, dict) else [{"value": given}]


def _choices(answers: list[Any]) -> Any:
    if all(isinstance(one, str) and one and BETWEEN not in one for one in answers):
        return BETWEEN.join(answers)
    return answers


def _days(fields: Any) -> Any:
    """The days of a flat object, and of its repeats, without the midnight they are written at."""
    if not isinstance(fields, dict):
        return fields
    return {key: _day(key, value) for key, value in fields.items()}


def _day(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_days(item) for item in value]
    found = MIDNIGHT.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found and (DAY.fullmatch(key) or ANSWER.fullmatch(key)) else value
