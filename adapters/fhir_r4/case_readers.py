"""Readers of the resources that are cases: ServiceRequest, Task, Encounter and Observation."""

from collections.abc import Mapping

from adapters.fhir_r4 import terms
from adapters.fhir_r4.case_elements import ROWS
from adapters.fhir_r4.elements import identifiers
from adapters.fhir_r4.extensions import extensions
from adapters.fhir_r4.reading import Json, Reader
from adapters.fhir_r4.resources import BASE, refuse_modifiers, security
from adapters.fhir_r4.states import READ, write

CASES = frozenset({"ServiceRequest", "Task", "Encounter", "Observation"})
_TYPES: Mapping[str, str] = {
    "ServiceRequest": "request",
    "Task": "task",
    "Encounter": "encounter",
    "Observation": "observation",
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "ServiceRequest": ("status", "intent", "subject"),
    "Task": ("status", "intent"),
    "Encounter": ("status", "class"),
    "Observation": ("status", "code"),
}


def case(reader: Reader, resource: Json, task: Reader | None, of_task: Json) -> None:
    """Everything of a case but its id.

    `task` reads the Task that carries the state of a ServiceRequest, where one does.
    """
    root = reader.root
    refuse_modifiers(reader, resource)
    for name in _REQUIRED[root]:
        if name not in resource and f"_{name}" not in resource:
            raise reader.refuse("fhir.required", "R4 requires this", name)
    if resource.get("doNotPerform"):
        raise reader.refuse("fhir.do_not_perform", "an order not to act", "doNotPerform")
    reader.note("record_type", "resourceType")
    security(reader, resource)
    identifiers(reader, resource, "identifier")
    given = extensions(reader, resource)
    _case_type(reader, resource, task is not None)
    if root != "Observation":
        _state(reader, resource, given, stated=task is not None)
    rows = ROWS[root]
    for element, (fields, read) in rows.items():
        if (
            element in resource
            and not given.issuperset(fields)
            and not _unknown(reader, resource, element)
        ):
            read(reader, resource, element)
    reader.leave_rest("", resource, BASE | rows.keys() | _SAID)
    if task is not None:
        _task(task, of_task, given)


_SAID = frozenset({"status", "_status", "_intent", "doNotPerform"})


def _unknown(reader: Reader, resource: Json, element: str) -> bool:
    """Whether a code stands there only because R4 requires one, and says so itself."""
    twin = reader.object(resource, f"_{element}", f"_{element}")
    return any(url == terms.ABSENT for url, _, _ in reader.extensions(twin, f"_{element}"))


def _case_type(reader: Reader, resource: Json, has_task: bool) -> None:
    ours = any(
        item.get("system") == terms.RECORD_ID
        for item in reader.items(resource, "identifier", "identifier")
    )
    if reader.root == "ServiceRequest" and ours:
        return
    found = "referral" if has_task else _TYPES[reader.root]
    reader.put(reader.record, "case_type", found, "resourceType")


def _state(reader: Reader, resource: Json, given: set[str], *, stated: bool) -> None:
    code = resource.get("status")
    if code is None:
        return
    codes = READ[reader.root]
    if not isinstance(code, str) or code not in codes:
        raise reader.refuse("fhir.code", "not a code of this list", "status")
    if stated or _unknown(reader, resource, "status"):
        return
    kept = reader.record.get("status"), reader.record.get("source_status")
    if given & {"status", "source_status"}:
        if write(reader.root, kept)[0] != code:
            raise reader.refuse("fhir.disagree", "not what our extension says", "status")
        return
    for name, value in zip(("status", "source_status"), codes[code], strict=True):
        if value is not None:
            reader.put(reader.record, name, value, "status")


def _task(reader: Reader, resource: Json, given: set[str]) -> None:
    refuse_modifiers(reader, resource)
    security(reader, resource)
    identifiers(reader, resource, "identifier")
    given = given | extensions(reader, resource)
    reader.record.pop("status", None)
    _state(reader, resource, set(), stated=False)
    record = reader.record
    taken = {*BASE, *_SAID, "focus"}
    for element in ("statusReason", "businessStatus", "lastModified", "owner", "note"):
        fields, read = ROWS["Task"][element]
        if element in resource and (element == "note" or not record.keys() & set(fields)):
            read(reader, resource, element)
            taken.add(element)
        elif given.issuperset(fields):
            taken.add(element)
    if resource.get("intent") in ("unknown", record.get("intent")):
        taken.add("intent")
    if reader.resolve(reader.object(resource, "for", "for")) == record.get("subject"):
        taken.add("for")
    reader.leave_rest("", resource, taken)
