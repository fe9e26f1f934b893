"""FHIR resources to canonical records: a Bundle, one resource, or NDJSON.

A Bundle is read as a whole: first every entry is named, so that references can be followed in
any order, then each is read, and what one resource says about the record of another is added.
NDJSON is read line by line and nothing is held. There a reference is followed by its address
alone, a RelatedPerson says itself to whom it is related, and a Task is joined to its
ServiceRequest only if it stands on the next line.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from adapters.fhir_r4 import terms
from adapters.fhir_r4.case_readers import CASES, case
from adapters.fhir_r4.elements import refuse_misplaced
from adapters.fhir_r4.facility_readers import facility, is_facility
from adapters.fhir_r4.naming import ABSOLUTE, NOWHERE, Names
from adapters.fhir_r4.reading import Json, Reader
from adapters.fhir_r4.resources import PERSONS, household, is_household, person
from adapters.fhir_r4.strict import check, shown
from gateway.errors import SenderError
from gateway.record import Reading, Record
from gateway.source.objects import objects

_BUNDLES = frozenset({"collection", "transaction", "searchset", "document", "batch"})
_TYPES: Mapping[str, str] = {
    **dict.fromkeys(PERSONS, "person"),
    **dict.fromkeys(CASES, "case"),
    "Group": "household",
    "Location": "facility",
}
"""Type of resource to type of record."""

Document = tuple[Json, str]
"""A Bundle or a resource, and its line in NDJSON."""


@dataclass(slots=True)
class _Entry:
    reader: Reader
    resource: Json = field(repr=False)
    full_url: str
    task: "_Entry | None" = None
    """The Task that carries the state of this ServiceRequest."""


def parse(content: BinaryIO, authority: str | None, reading: Reading) -> Iterator[Record]:
    """The records, in the order of their resources."""
    found = empty = 0
    for documents in _together(_documents(content)):
        count = found
        for record in _read(documents, authority or NOWHERE, reading):
            found += 1
            yield record
        document = documents[0][0]
        is_bundle = document.get("resourceType") == "Bundle"
        empty += found == count and is_bundle and "entry" not in document
    if not found and not empty:
        raise SenderError("nothing in it is a record we know", rule="fhir.no_record")


def _documents(content: BinaryIO) -> Iterator[Document]:
    for one in objects(content, lambda value: (value,), exact=True):
        yield check(one.value, one.at), one.at


def _together(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Each document alone, but for a ServiceRequest and the Task on the line after it."""
    waiting: Document | None = None
    for document in documents:
        if waiting is not None and _is_task_of(document[0], waiting[0]):
            yield [waiting, document]
            waiting = None
            continue
        if waiting is not None:
            yield [waiting]
        waiting = document
        if document[0].get("resourceType") != "ServiceRequest":
            yield [document]
            waiting = None
    if waiting is not None:
        yield [waiting]


def _is_task_of(task: Json, request: Json) -> bool:
    focus = task.get("focus")
    address = f"ServiceRequest/{request.get('id')}"
    return (
        task.get("resourceType") == "Task"
        and isinstance(focus, dict)
        and focus.get("reference") == address
    )


def _read(documents: list[Document], authority: str, reading: Reading) -> Iterator[Record]:
    names = Names(authority)
    entries = [
        entry for document, line in documents for entry in _entries(document, line, names, reading)
    ]
    entries = _named(entries, names)
    for entry in entries:
        _fill(entry)
    readers = {entry.reader.record["record_id"]: entry.reader for entry in reversed(entries)}
    for entry in entries:
        if entry.reader.root == "RelatedPerson":
            _relate(entry, readers)
    for entry in entries:
        yield entry.reader.record


def _entries(document: Json, line: str, names: Names, reading: Reading) -> Iterator[_Entry]:
    before = f"{line}, " if line else ""
    if document.get("resourceType") != "Bundle":
        yield from _entry(document, "", before, names, reading)
        return
    if document.get("type") not in tuple(_BUNDLES):
        at = f"{before}Bundle.type"
        raise SenderError("not a kind of Bundle we read", rule="fhir.bundle_type", at=at)
    envelope = Reader(reading, "Bundle", before, {})
    envelope.leave_rest("", document, {"resourceType", "type", "entry", "id"})
    seen: set[str] = set()
    for number, item in enumerate(envelope.items(document, "entry", "entry"), 1):
        place = f"{before}entry {number}, "
        full_url = item.get("fullUrl", "")
        if not isinstance(full_url, str) or (full_url and not ABSOLUTE.fullmatch(full_url)):
            raise SenderError("not an absolute address", rule="fhir.full_url", at=f"{place}fullUrl")
        if full_url in seen:
            raise SenderError("an address twice", rule="fhir.full_url_twice", at=f"{place}fullUrl")
        seen |= {full_url} if full_url else set()
        envelope.leave_rest("entry", item, {"fullUrl", "resource"})
        if "resource" in item:
            resource = envelope.object(item, "resource", "entry.resource")
            yield from _entry(resource, full_url, place, names, reading)


def _entry(
    resource: Json, full_url: str, before: str, names: Names, reading: Reading
) -> Iterator[_Entry]:
    kind = resource.get("resourceType")
    if not isinstance(kind, str):
        raise SenderError("not a resource", rule="fhir.resource_type", at=before.rstrip(", "))
    names.kinds[full_url] = kind
    record: Record = {"record_type": _TYPES.get(kind, "person")}
    resolve = partial(names.resolve, full_url)
    reader = Reader(reading, shown(kind), before, record, resolve, names.kind_of)
    if _repeats_a_group(reader, resource):
        return
    if kind in PERSONS:
        refuse_misplaced(reader, resource)
    if kind == "RelatedPerson" and "patient" not in resource:
        raise reader.refuse("fhir.required", "R4 requires this", "patient")
    if kind not in _TYPES or not _is_record(reader, resource):
        reading.unmapped.add(shown(kind))
        return
    yield _Entry(reader, resource, full_url)


def _is_record(reader: Reader, resource: Json) -> bool:
    if reader.root == "Group":
        return is_household(reader, resource)
    return reader.root != "Location" or is_facility(reader, resource)


def _repeats_a_group(reader: Reader, resource: Json) -> bool:
    # Written beside a Group for readers who do not know our extension of it.
    if reader.root != "RelatedPerson" or not _has(reader, resource, terms.MEMBER_ID):
        return False
    taken = {"resourceType", "id", "meta", "identifier", "patient", "relationship"}
    reader.leave_rest("", resource, taken)
    return True


def _has(reader: Reader, resource: Json, system: str) -> bool:
    found = reader.items(resource, "identifier", "identifier")
    return any(item.get("system") == system for item in found)


def _named(entries: list[_Entry], names: Names) -> list[_Entry]:
    """The entries that are records. A Task that is the only one of a ServiceRequest is not."""
    tasks = []
    for entry in entries:
        reader = entry.reader
        if reader.root == "Task" and not _has(reader, entry.resource, terms.RECORD_ID):
            tasks.append(entry)
        else:
            names.give(reader, entry.resource, entry.full_url)
    requests: dict[str, _Entry] = {}
    for entry in entries:
        if entry.reader.root == "ServiceRequest":
            for key in names.keys(entry.full_url, entry.resource, entry.reader.record):
                requests.setdefault(key, entry)
    found = [_request(task, requests) for task in tasks]
    often = Counter(map(id, found))
    joined = set()
    for task, request in zip(tasks, found, strict=True):
        if request is None or often[id(request)] > 1:
            names.give(task.reader, task.resource, task.full_url)
        else:
            request.task = task
            task.reader.record = request.reader.record
            names.keep(task.full_url, task.resource, request.reader.record["record_id"])
            joined.add(id(task))
    return [entry for entry in entries if id(entry) not in joined]


def _request(task: _Entry, requests: Mapping[str, _Entry]) -> _Entry | None:
    focus = task.reader.object(task.resource, "focus", "focus")
    address = focus.get("reference")
    return requests.get(address if isinstance(address, str) else "") or requests.get(
        task.reader.resolve(focus) or ""
    )


def _fill(entry: _Entry) -> None:
    reader, resource = entry.reader, entry.resource
    if reader.root in PERSONS:
        person(reader, resource)
    elif reader.root == "Group":
        household(reader, resource)
    elif reader.root == "Location":
        facility(reader, resource)
    elif entry.task is None:
        case(reader, resource, None, {})
    else:
        case(reader, resource, entry.task.reader, entry.task.resource)


def _relate(entry: _Entry, readers: Mapping[str, Reader]) -> None:
    reader, resource = entry.reader, entry.resource
    reference = reader.object(resource, "patient", "patient")
    patient = reader.resolve(reference)
    to = readers.get(patient or "")
    if to is None or to.record["record_type"] != "person":
        reader.leave_rest("", {"relationship": 0} if "relationship" in resource else {}, ())
        if patient is None or to is not None or reader.kind_of(reference) not in {"", "Patient"}:
            reader.leave("patient")
        elif reader.accept("relationships[].related", patient, "patient"):
            reader.record.setdefault("relationships", []).append({"related": patient})
        return
    link: Json = {"related": reader.record["record_id"]}
    for concept in reader.items(resource, "relationship", "relationship"):
        codings = reader.items(concept, "coding", "relationship.coding")
        path = "relationship.coding.code"
        if not codings or "code" not in codings[0] or "relationship_type" in link:
            reader.leave("relationship")
        elif reader.accept("relationships[].relationship_type", codings[0]["code"], path):
            link["relationship_type"] = codings[0]["code"]
    to.record.setdefault("relationships", []).append(link)
    reader.note("relationships[].related", "patient")
