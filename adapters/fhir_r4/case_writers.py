"""Writers of a case: ServiceRequest with its Task, a Task alone, Encounter or Observation."""

from collections.abc import Mapping
from typing import Any

from adapters.fhir_r4 import terms
from adapters.fhir_r4.concepts import coding
from adapters.fhir_r4.draft import (
    UNKNOWN,
    Draft,
    Fields,
    FieldWriter,
    code,
    concepts,
    fill,
    keep,
    link,
    moment,
    notes,
    organisations,
    put_concepts,
    words,
)
from adapters.fhir_r4.finding_writers import observations
from adapters.fhir_r4.moments import in_order, is_moment
from adapters.fhir_r4.states import INTENTS, PRIORITIES, write
from adapters.fhir_r4.writers import Json, Sheet
from gateway.record import Record

RESOURCES: Mapping[str, str] = {
    "task": "Task",
    "encounter": "Encounter",
    "observation": "Observation",
}
"""Case type to the resource it is. Every other case is a ServiceRequest."""

PEOPLE = ("person", "household")
_OF_TASK = ("status_reason", "business_status", "modified_on")
"""What only a Task has an element for."""


def resources(record: Record, ids: tuple[str, str], sheet: Sheet) -> list[Json]:
    """The resource of a case, and the Task that carries its state, with these two ids."""
    kind = RESOURCES.get(record.get("case_type", ""), "ServiceRequest")
    own = {"system": terms.RECORD_ID, "value": record["record_id"]}
    draft = Draft(record, {"resourceType": kind, "id": ids[0], "identifier": [own]}, sheet)
    done = ["case_type", *_state(draft), *_occurrence(draft)]
    if "case_type" in record:
        if kind == "ServiceRequest":
            keep(draft, "case_type")
        else:
            draft.note("case_type", "resourceType")
    with_task = kind == "ServiceRequest" and "status" in record
    fill(draft, _FIELDS[kind], [*done, *(_OF_TASK if with_task else ())])
    for element, value in _REQUIRED[kind].items():
        if element not in draft.resource:
            draft.resource[element] = value
            if isinstance(value, str):
                draft.resource[f"_{element}"] = UNKNOWN
    return [draft.resource, _task(draft, ids[1])] if with_task else [draft.resource]


def _state(draft: Draft) -> tuple[str, ...]:
    record, root = draft.record, draft.root
    if root == "Observation":
        return ()
    state = record.get("status"), record.get("source_status")
    found, whole = write(root, state)
    if found is not None:
        draft.resource["status"] = found
    if root == "ServiceRequest" and "status" in record:
        # The Task says it exactly.
        return ("status",)
    if not whole:
        return ()
    for name, value in zip(("status", "source_status"), state, strict=True):
        if value is not None:
            draft.note(name, "status")
    return ("status", "source_status")


_PERIODS: Mapping[str, tuple[str, str]] = {
    "ServiceRequest": ("occurrencePeriod", "occurrenceDateTime"),
    "Task": ("executionPeriod", ""),
    "Encounter": ("period", ""),
    "Observation": ("effectivePeriod", ""),
}
"""Resource to its element for a period, and to that for a moment, if it has one."""


def _occurrence(draft: Draft) -> tuple[str, ...]:
    start, end = draft.record.get("occurrence_start"), draft.record.get("occurrence_end")
    period, point = _PERIODS[draft.root]
    if draft.root == "Observation" and draft.record.get("observations"):
        return ()
    known = [value for value in (start, end) if value]
    if not all(map(is_moment, known)) or not in_order(start, end):
        return ()
    if start and not end and point:
        draft.put("occurrence_start", point, start)
    elif start or end:
        found = {"start": start, "end": end}
        draft.resource[period] = {key: value for key, value in found.items() if value}
        for key, value in found.items():
            if value:
                draft.note(f"occurrence_{key}", f"{period}.{key}")
    return ("occurrence_start", "occurrence_end")


def _service_types(
    *aspects: tuple[str, str, bool],
) -> FieldWriter:
    def write_all(draft: Draft, value: Any) -> bool:
        whole = True
        taken = 0
        for aspect, element, many in aspects:
            items = [
                item
                for item in value
                if item.get("aspect") == aspect and item.get("system") != terms.SECTOR
            ]
            if items:
                whole &= items == value[taken : taken + len(items)]
                whole &= put_concepts(draft, "service_type[]", element, items, many=many)
                draft.note("service_type[].aspect", element)
            taken += len(items)
        return whole and taken == len(value)

    return write_all


def _encounter_types(draft: Draft, value: Any) -> bool:
    first = value[0]
    written, whole = coding(first)
    if first.get("aspect") != "class" or "code" not in first:
        _TYPES_OF_ENCOUNTER(draft, value)
        return False
    draft.resource["class"] = written
    draft.note("service_type[].aspect", "class")
    for key in written:
        draft.note(f"service_type[].{key}", f"class.{key}")
    return (_TYPES_OF_ENCOUNTER(draft, value[1:]) if value[1:] else True) and whole


_TYPES_OF_ENCOUNTER = _service_types(("type", "type", True), ("code", "serviceType", False))


def _sector(draft: Draft, value: Any) -> bool:
    found = draft.resource.setdefault("category", [])
    found.append({"coding": [{"system": terms.SECTOR, "code": value}]})
    draft.note("sector_code", "category.coding.code")
    return True


def _categories(draft: Draft, value: Any) -> bool:
    sector = draft.resource.pop("category", [])
    whole = _TYPES_OF_REQUEST(draft, value)
    if sector:
        draft.resource["category"] = [*draft.resource.get("category", ()), *sector]
    return whole


_TYPES_OF_REQUEST = _service_types(("category", "category", True), ("code", "code", False))


def _place(element: str, *, many: bool, inside: str = "") -> FieldWriter:
    def write_name(draft: Draft, value: Any) -> bool:
        if "name" not in value:
            return False
        found: Json = {"display": value["name"]}
        if inside:
            found = {inside: found}
        draft.resource[element] = [found] if many else found
        draft.note("location.name", ".".join(filter(None, (element, inside, "display"))))
        return len(value) == 1

    return write_name


def _modified(draft: Draft, value: Any) -> bool:
    written = draft.resource["identifier"][0]["system"] == terms.RECORD_ID
    if written and not in_order(draft.record.get("authored_on"), value):
        # R4 takes no Task that was changed before it was written.
        return False
    return _LAST_MODIFIED(draft, value)


_LAST_MODIFIED = moment("modified_on", "lastModified")


def _act_priority(draft: Draft, value: Any) -> bool:
    found = {"system": terms.ACT_PRIORITY, "code": PRIORITIES[value]}
    draft.resource["priority"] = {"coding": [found]}
    draft.note("priority", "priority.coding.code")
    return True


_FIELDS: Mapping[str, Fields] = {
    "ServiceRequest": {
        "subject": link("subject", "subject", *PEOPLE),
        "intent": code("intent", "intent", INTENTS["ServiceRequest"]),
        "priority": code("priority", "priority"),
        "service_type": _categories,
        "sector_code": _sector,
        "reason": concepts("reason", "reasonCode", many=True),
        "requester": organisations("requester", "requester", many=False),
        "performer": organisations("performer[]", "performer", many=True),
        "authored_on": moment("authored_on", "authoredOn"),
        "location": _place("locationReference", many=True),
        "note": notes,
    },
    "Task": {
        "subject": link("subject", "for", *PEOPLE),
        "status_reason": words("status_reason", "statusReason"),
        "business_status": words("business_status", "businessStatus"),
        "intent": code("intent", "intent", INTENTS["Task"]),
        "priority": code("priority", "priority"),
        "service_type": _service_types(("code", "code", False)),
        "reason": concepts("reason", "reasonCode", many=False),
        "requester": organisations("requester", "requester", many=False),
        "performer": organisations("performer[]", "owner", many=False),
        "authored_on": moment("authored_on", "authoredOn"),
        "modified_on": _modified,
        "location": _place("location", many=False),
        "note": notes,
    },
    "Encounter": {
        "subject": link("subject", "subject", *PEOPLE),
        "priority": _act_priority,
        "service_type": _encounter_types,
        "reason": concepts("reason", "reasonCode", many=True),
        "performer": organisations("performer[]", "serviceProvider", many=False),
        "location": _place("location", many=True, inside="location"),
    },
    "Observation": {
        "subject": link("subject", "subject", *PEOPLE),
        "observations": observations,
        "performer": organisations("performer[]", "performer", many=True),
        "note": notes,
    },
}

_REQUIRED: Mapping[str, Mapping[str, Any]] = {
    "ServiceRequest": {"subject": UNKNOWN, "intent": "proposal"},
    "Task": {"status": "draft", "intent": "unknown"},
    "Encounter": {"class": UNKNOWN},
    "Observation": {"code": UNKNOWN, "status": "unknown"},
}
"""What stands in an element that R4 requires and of which nothing is known. A code must then
be one of R4's list: it is the weakest of them, and the extension on it says that it is none."""


def _task(request: Draft, task_id: str) -> Json:
    record = request.record
    own = {"system": terms.TASK_ID, "value": record["record_id"]}
    draft = Draft(
        record, {"resourceType": "Task", "id": task_id, "identifier": [own]}, request.sheet
    )
    draft.put("status", "status", record["status"])
    left = []
    for name in _OF_TASK:
        if name in record and not _FIELDS["Task"][name](draft, record[name]):
            left.append(name)
    intent = record.get("intent")
    draft.resource["intent"] = intent if intent in INTENTS["Task"] else "unknown"
    if "meta" in request.resource:
        # The label of the case counts for every part of it.
        draft.resource["meta"] = request.resource["meta"]
    draft.resource["focus"] = {
        "reference": request.sheet.address("ServiceRequest", request.resource["id"]),
        "identifier": {"system": terms.RECORD_ID, "value": record["record_id"]},
    }
    if "subject" in record:
        draft.resource["for"] = request.resource["subject"]
    for name in left:
        keep(draft, name)
    if draft.extensions:
        draft.resource["extension"] = draft.extensions
    return draft.resource
