"""Readers of the elements of a case, one for each, and which resource has which of them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from adapters.fhir_r4 import terms
from adapters.fhir_r4.concepts import read_coding, read_concept, read_organisation
from adapters.fhir_r4.finding_readers import finding
from adapters.fhir_r4.moments import is_moment, is_reversed
from adapters.fhir_r4.reading import Json, Reader
from adapters.fhir_r4.states import PRIORITIES

ElementReader = Callable[[Reader, Json, str], None]
Row = tuple[tuple[str, ...], ElementReader]
"""The fields an element fills, and its reader."""


def _subject(reader: Reader, resource: Json, element: str) -> None:
    reference = reader.object(resource, element, element)
    subject = reader.resolve(reference)
    if subject is None or reader.kind_of(reference) not in {"", "Patient", "Group", "Person"}:
        if reference.keys() != {"extension"}:
            reader.leave(element)
        return
    reader.put(reader.record, "subject", subject, element)
    reader.leave_rest(element, reference, {"reference", "identifier", "type", "display"})


def _code(field: str) -> ElementReader:
    def read(reader: Reader, resource: Json, element: str) -> None:
        reader.put(reader.record, field, resource[element], element)

    return read


def moment(reader: Reader, field: str, value: Any, path: str) -> None:
    """A FHIR dateTime to a canonical moment."""
    if isinstance(value, str) and not is_moment(value):
        raise reader.refuse("fhir.date", "not a date", path)
    reader.put(reader.record, field, value, path)


def _moment(field: str) -> ElementReader:
    def read(reader: Reader, resource: Json, element: str) -> None:
        moment(reader, field, resource[element], element)

    return read


def _period(reader: Reader, resource: Json, element: str) -> None:
    period = reader.object(resource, element, element)
    for key in ("start", "end"):
        if key in period:
            moment(reader, f"occurrence_{key}", period[key], f"{element}.{key}")
    if is_reversed(period.get("start"), period.get("end")):
        raise reader.refuse("fhir.period", "a period that ends before it starts", element)
    reader.leave_rest(element, period, {"start", "end"})


def _many(reader: Reader, resource: Json, element: str) -> list[Json]:
    # Where R4 has one, the others have an array of them.
    if isinstance(resource[element], dict) and (reader.root, element) in _SINGLE:
        return [reader.object(resource, element, element)]
    return reader.items(resource, element, element)


_SINGLE = frozenset(
    {
        ("ServiceRequest", "code"),
        ("ServiceRequest", "encounter"),
        ("Task", "code"),
        ("Task", "reasonCode"),
        ("Task", "owner"),
        ("Task", "focus"),
        ("Task", "encounter"),
        ("Task", "location"),
        ("Encounter", "serviceType"),
        ("Encounter", "serviceProvider"),
        ("Encounter", "partOf"),
        ("Observation", "encounter"),
    }
)


def _service_type(aspect: str, reader: Reader, resource: Json, element: str) -> None:
    for item in _many(reader, resource, element):
        found = read_concept(reader, "service_type[]", item, element)
        if found:
            reader.note("service_type[].aspect", element)
            reader.record.setdefault("service_type", []).append({"aspect": aspect, **found})


def _categories(reader: Reader, resource: Json, element: str) -> None:
    rest = []
    for item in reader.items(resource, element, element):
        codings = reader.items(item, "coding", f"{element}.coding")
        if len(codings) == 1 and codings[0].get("system") == terms.SECTOR:
            reader.put(
                reader.record, "sector_code", codings[0].get("code"), f"{element}.coding.code"
            )
        else:
            rest.append(item)
    if rest and "service_type" not in reader.given:
        _service_type("category", reader, {element: rest}, element)


def _class(reader: Reader, resource: Json, element: str) -> None:
    item = reader.object(resource, element, element)
    if item.keys() == {"extension"}:
        return
    found = read_coding(reader, "service_type[]", item, element)
    if found:
        reader.note("service_type[].aspect", element)
        reader.record.setdefault("service_type", []).append({"aspect": "class", **found})


def _reasons(reader: Reader, resource: Json, element: str) -> None:
    for item in _many(reader, resource, element):
        found = read_concept(reader, "reason[]", item, element)
        if found:
            reader.record.setdefault("reason", []).append(found)


def _requester(reader: Reader, resource: Json, element: str) -> None:
    item = reader.object(resource, element, element)
    found = read_organisation(reader, "requester", item, element)
    if found:
        reader.record["requester"] = found


def _performers(reader: Reader, resource: Json, element: str) -> None:
    for item in _many(reader, resource, element):
        found = read_organisation(reader, "performer[]", item, element)
        if found:
            reader.record.setdefault("performer", []).append(found)


def _location(reader: Reader, resource: Json, element: str) -> None:
    # A case has one place. Further ones are listed.
    path, items = element, _many(reader, resource, element)
    if reader.root == "Encounter":
        path = f"{element}.location"
        for item in items:
            reader.leave_rest(element, item, {"location"})
        items = [reader.object(item, "location", path) for item in items]
    for number, item in enumerate(items):
        place: Json = {}
        taken = {"type"}
        if number == 0 and "display" in item:
            reader.put(place, "location.name", item["display"], f"{path}.display")
            taken.add("display")
        site = reader.resolve(item)
        if number == 0 and site is not None:
            reader.put(place, "location.site_code", site, f"{path}.reference")
            taken |= {"reference", "identifier"}
        if place:
            reader.record["location"] = place
        reader.leave_rest(path, item, taken)


def _notes(reader: Reader, resource: Json, element: str) -> None:
    for item in reader.items(resource, element, element):
        if "text" in item:
            reader.add("note[]", item["text"], f"{element}.text")
        reader.leave_rest(element, item, {"text"})


def _description(reader: Reader, resource: Json, element: str) -> None:
    reader.add("note[]", resource[element], element)


def _words(field: str) -> ElementReader:
    def read(reader: Reader, resource: Json, element: str) -> None:
        concept = reader.object(resource, element, element)
        key = "text" if "text" in concept else "coding"
        if key == "text":
            reader.put(reader.record, field, concept["text"], f"{element}.text")
        else:
            first, *more = reader.items(concept, "coding", f"{element}.coding") or [{}]
            shown = "display" if "display" in first else "code"
            if shown in first:
                path = f"{element}.coding.{shown}"
                reader.put(reader.record, field, first[shown], path)
            reader.leave_rest(f"{element}.coding", first, {shown})
            if more:
                reader.leave(f"{element}.coding")
        reader.leave_rest(element, concept, {key})

    return read


def _related(relation: str) -> ElementReader:
    def read(reader: Reader, resource: Json, element: str) -> None:
        for reference in _many(reader, resource, element):
            found = reader.resolve(reference)
            if found is None or not reader.accept("related_cases[].related", found, element):
                reader.leave(element)
                continue
            reader.note("related_cases[].relation", element)
            link = {"relation": relation, "related": found}
            reader.record.setdefault("related_cases", []).append(link)
            reader.leave_rest(element, reference, {"reference", "identifier", "type", "display"})

    return read


def _act_priority(reader: Reader, resource: Json, element: str) -> None:
    concept = reader.object(resource, element, element)
    first, *more = reader.items(concept, "coding", f"{element}.coding") or [{}]
    known = {code: name for name, code in PRIORITIES.items()}
    found = known.get(str(first.get("code")))
    if first.get("system") != terms.ACT_PRIORITY or found is None or more:
        reader.leave(element)
        return
    reader.put(reader.record, "priority", found, f"{element}.coding.code")
    reader.leave_rest(element, concept, {"coding"})


_OCCURRENCE = ("occurrence_start", "occurrence_end")
ROWS: Mapping[str, Mapping[str, Row]] = {
    "ServiceRequest": {
        "subject": (("subject",), _subject),
        "intent": (("intent",), _code("intent")),
        "priority": (("priority",), _code("priority")),
        "category": (("service_type", "sector_code"), _categories),
        "code": (("service_type",), partial(_service_type, "code")),
        "occurrenceDateTime": (("occurrence_start",), _moment("occurrence_start")),
        "occurrencePeriod": (_OCCURRENCE, _period),
        "authoredOn": (("authored_on",), _moment("authored_on")),
        "requester": (("requester",), _requester),
        "performer": (("performer",), _performers),
        "locationReference": (("location",), _location),
        "reasonCode": (("reason",), _reasons),
        "note": (("note",), _notes),
        "encounter": (("related_cases",), _related("part_of")),
        "basedOn": (("related_cases",), _related("based_on")),
        "replaces": (("related_cases",), _related("replaces")),
    },
    "Task": {
        "for": (("subject",), _subject),
        "statusReason": (("status_reason",), _words("status_reason")),
        "businessStatus": (("business_status",), _words("business_status")),
        "intent": (("intent",), _code("intent")),
        "priority": (("priority",), _code("priority")),
        "code": (("service_type",), partial(_service_type, "code")),
        "executionPeriod": (_OCCURRENCE, _period),
        "authoredOn": (("authored_on",), _moment("authored_on")),
        "lastModified": (("modified_on",), _moment("modified_on")),
        "requester": (("requester",), _requester),
        "owner": (("performer",), _performers),
        "location": (("location",), _location),
        "reasonCode": (("reason",), _reasons),
        "description": (("note",), _description),
        "note": (("note",), _notes),
        "focus": (("related_cases",), _related("focus")),
        "encounter": (("related_cases",), _related("part_of")),
        "basedOn": (("related_cases",), _related("based_on")),
        "partOf": (("related_cases",), _related("part_of")),
    },
    "Encounter": {
        "subject": (("subject",), _subject),
        "class": (("service_type",), _class),
        "type": (("service_type",), partial(_service_type, "type")),
        "serviceType": (("service_type",), partial(_service_type, "code")),
        "priority": (("priority",), _act_priority),
        "period": (_OCCURRENCE, _period),
        "reasonCode": (("reason",), _reasons),
        "serviceProvider": (("performer",), _performers),
        "location": (("location",), _location),
        "basedOn": (("related_cases",), _related("based_on")),
        "partOf": (("related_cases",), _related("part_of")),
    },
    "Observation": {
        "subject": (("subject",), _subject),
        "code": (("observations",), finding),
        "effectivePeriod": (_OCCURRENCE, _period),
        "performer": (("performer",), _performers),
        "note": (("note",), _notes),
        "basedOn": (("related_cases",), _related("based_on")),
        "encounter": (("related_cases",), _related("part_of")),
        **dict.fromkeys(
            (
                "effectiveDateTime",
                "valueQuantity",
                "valueCodeableConcept",
                "valueString",
                "valueBoolean",
                "valueInteger",
                "valueDateTime",
                "component",
            ),
            (("observations",), lambda reader, resource, element: None),
        ),
    },
}
