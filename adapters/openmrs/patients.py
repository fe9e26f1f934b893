"""Taking what OpenMRS answers apart into patients, and a patient into paths."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from adapters.flat.documents import note, once, ordered, others, refuse
from adapters.flat.keyed import Keyed, spread
from adapters.flat.nested import Flat
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Reading

IDENTIFIERS = "identifiers"
ATTRIBUTES = "person/attributes"
KEYED = {
    IDENTIFIERS: Keyed("identifierType/uuid", "identifier"),
    ATTRIBUTES: Keyed("attributeType/uuid", "value"),
}
ORDERED = {"person/names": "preferredName", "person/addresses": "preferredAddress"}
"""Path of a list, and the member of a person that holds or names its preferred item."""
AXES = ("latitude", "longitude")
POSITION = "position"
REFERENCE = "reference"
"""Below a keyed list: items of which there is only a link."""
UNTYPED = "untyped"
"""Below a keyed list: items that do not say of which type they are."""
VOIDED = "voided"
HYDRATED = "hydratedObject"
"""The member of an attribute that takes the uuid of what it is, as `value` takes a text."""

_OTHERS = others(
    "openmrs",
    ("error", "the server's answer to a fault", "error"),
    ("lineByLineFormat", "a template of names or addresses", "template"),
    ("subSets", "a tree of observations", "obs_tree"),
    ("childLocations", "a location", "location"),
    ("parentLocation", "a location", "location"),
    ("encounterDatetime", "an encounter", "encounter"),
    ("encounterType", "an encounter", "encounter"),
    ("visitType", "a visit", "visit"),
    ("obsDatetime", "an observation", "obs"),
    ("person concept", "an observation", "obs"),
    ("person retired", "a provider of care, not a patient", "not_patients"),
    ("person identifier", "a provider of care, not a patient", "not_patients"),
    ("person username", "a user of the system", "not_patients"),
    ("person systemId", "a user of the system", "not_patients"),
    ("resourceType", "FHIR, which the fhir.r4 adapter reads", "fhir"),
    ("openapi", "a description of the interface", "not_patients"),
)
_PROFILE = frozenset(("patient", "relationships", "image", "links", "resourceVersion"))
"""Bahmni's patient profile: a patient with what stands beside it."""
_PERSON = frozenset(("names", "preferredName", "birthdate", "gender", "attributes"))
DAYS = ("person/birthdate", "person/deathDate")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?)"
)
_MIDNIGHT = re.compile(r"00:00(:00(\.0*)?)?([^0-9:.].*)?")


class Unfold:
    """From a document to its patients. Tells `reading` what else stands in the document."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def __call__(self, document: Any) -> Iterator[Any]:
        """The patients of one document. `links` are told: the payload is not all there is."""
        if isinstance(document, list):
            yield from document
        elif isinstance(document, dict) and isinstance(document.get("results"), list):
            note(self._reading, document, frozenset(("results",)))
            yield from document["results"]
        elif isinstance(document, dict) and self._is_profile(document):
            note(self._reading, document, frozenset(("patient",)))
            yield document["patient"]
        elif isinstance(document, dict):
            yield document
        else:
            raise SenderError("neither a patient nor a list", rule="openmrs.not_patients")

    def _is_profile(self, document: Mapping[str, Any]) -> bool:
        return isinstance(document.get("patient"), dict) and document.keys() <= _PROFILE


class Patients:
    """Patients as flat objects."""

    def __init__(self, plan: Plan) -> None:
        self._flat = Flat(plan, list)

    def __call__(self, value: Any, *, at: str) -> Any:
        """One patient, flat. Raises `SenderError` for another resource, or one that is voided."""
        if not isinstance(value, dict):
            return value
        patient = _patient(value, at)
        person = _referred(patient.pop("person", None), at, "person")
        if _gone(patient) or _gone(person):
            raise SenderError("a deleted patient", rule="openmrs.voided", at=at)
        lists: dict[str, Any] = {}
        once(_keyed(patient.pop("identifiers", None), IDENTIFIERS, at), lists, at=at)
        once(_keyed(person.pop("attributes", None), ATTRIBUTES, at), lists, at=at)
        for path, preferred in ORDERED.items():
            once(_ordered(person, path, preferred, at), lists, at=at)
        once(_times(person), lists, at=at)
        if "causeOfDeath" in person:
            person["causeOfDeath"] = _referred(person["causeOfDeath"], at, "person/causeOfDeath")
        if lists.keys() & patient.keys():
            raise SenderError("a path stands twice", rule="json.key_twice", at=at)
        return self._flat(patient | ({"person": person} if person else {}) | lists, at=at)


def _gone(item: Mapping[str, Any]) -> bool:
    return item.get(VOIDED) not in (None, False)


def _patient(value: Mapping[str, Any], at: str) -> dict[str, Any]:
    refuse(value, _OTHERS, at=at)
    if value.keys() & {"person", "identifiers"}:
        return dict(value)
    if value.keys() & _PERSON:
        return {"person": value}
    if value.keys() >= {"uuid", "display"}:
        raise SenderError(
            "a link to a resource: ask for its content with v=full",
            rule="openmrs.reference",
            at=at,
        )
    raise SenderError("not a patient", rule="openmrs.not_patients", at=at)


def _referred(value: Any, at: str, path: str) -> dict[str, Any]:
    """A resource that may be written as its uuid alone."""
    if value is None:
        return {}
    if isinstance(value, str):
        return {"uuid": value}
    if not isinstance(value, dict):
        raise SenderError("neither an object nor a uuid", rule="openmrs.object", at=f"{at}, {path}")
    return dict(value)


def _objects(items: Any, path: str, at: str) -> list[dict[str, Any]]:
    if items is None:
        return []
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise SenderError("not a list of objects", rule="openmrs.object", at=f"{at}, {path}")
    return [dict(one) for one in items]


def _parted(items: list[dict[str, Any]], path: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The items that are in use, and those that were voided, each with their path."""
    yield path, [one for one in items if not _gone(one)]
    yield f"{VOIDED}/{path}", [one for one in items if _gone(one)]


def _keyed(found: Any, path: str, at: str) -> Iterator[tuple[str, Any]]:
    how = KEYED[path]
    kind = how.kind.partition("/")[0]
    for own, items in _parted(_objects(found, path, at), path):
        said = (kind, str(how.value), HYDRATED)
        links = [one for one in items if all(one.get(name) is None for name in said)]
        items = [one for one in items if any(one.get(name) is not None for name in said)]
        content = [_told(one, kind, at, path) for one in items]
        # Of two of one kind, the preferred one comes first.
        content.sort(key=lambda one: one.get("preferred") is not True)
        typed = [one for one in content if (one.get(kind) or {}).get("uuid") is not None]
        untyped = [one for one in content if (one.get(kind) or {}).get("uuid") is None]
        yield from spread(typed, own, how, at=f"{at}, {path}")
        yield from ordered(untyped, f"{own}/{UNTYPED}")
        yield from ordered(links, f"{own}/{REFERENCE}")


def _told(item: dict[str, Any], kind: str, at: str, path: str) -> dict[str, Any]:
    for name in (kind, "location"):
        if name in item:
            item[name] = _referred(item[name], at, f"{path}/{name}")
    if isinstance(item.get(HYDRATED), str) and item.get("value") is None:
        item["value"] = {"uuid": item.pop(HYDRATED)}
    if isinstance(item.get("value"), dict):
        item |= {f"value/{name}": one for name, one in item.pop("value").items()}
    return item


def _ordered(
    person: dict[str, Any], path: str, preferred: str, at: str
) -> Iterator[tuple[str, Any]]:
    name = path.partition("/")[2]
    items = _objects(person.pop(name, None), path, at)
    chosen = person.get(preferred)
    if not items and isinstance(chosen, dict):
        items = [dict(person.pop(preferred))]
    for item in items:
        _placed(item)
    (own, live), (apart, voided) = _parted(items, path)
    yield from ordered(_preferred_first(live, chosen, f"{at}, {path}"), own)
    yield from ordered(voided, apart)


def _placed(address: dict[str, Any]) -> None:
    """Latitude and longitude as one text, which a mapping reads as a point."""
    pair = [address.get(name) for name in AXES]
    texts = [str(one) for one in pair if isinstance(one, str | int | Decimal)]
    if len(texts) == len(AXES) and all(re.fullmatch(r"[0-9.+-]+", one) for one in texts):
        for name in AXES:
            del address[name]
        address[POSITION] = " ".join(texts)


def _preferred_first(items: list[dict[str, Any]], chosen: Any, at: str) -> list[dict[str, Any]]:
    first = [n for n, one in enumerate(items) if one.get("preferred") is True]
    if len(first) > 1:
        raise SenderError("two that are preferred", rule="openmrs.preferred_twice", at=at)
    if not first and isinstance(chosen, dict):
        same = [_is_same(one, chosen) for one in items]
        first = [n for n, whether in enumerate(same) if whether][:1]
        if not first and False in same:
            raise SenderError(
                "the preferred one is not in the list", rule="openmrs.preferred_missing", at=at
            )
    return [items[n] for n in sorted(range(len(items)), key=lambda n: (n not in first, n))]


def _is_same(item: Mapping[str, Any], chosen: Mapping[str, Any]) -> bool | None:
    """Whether an item is the preferred one, by its uuid or its content. None: it cannot be told.

    Where it cannot, the first one is: the server sorts its lists so.
    """
    if item.get("uuid") is not None and chosen.get("uuid") is not None:
        return bool(item["uuid"] == chosen["uuid"])
    shared = item.keys() & chosen.keys() - {"uuid", "display", "links", "resourceVersion"}
    return all(item[name] == chosen[name] for name in shared) if shared else None


def _times(person: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Cut the days of a life out of their instants: a birthday has no zone."""
    for path in DAYS:
        name = path.partition("/")[2]
        value = person.get(name)
        found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
        if found:
            person[name] = found[1]
            if not _MIDNIGHT.fullmatch(found[2]):
                yield f"{path}/time", found[2]
