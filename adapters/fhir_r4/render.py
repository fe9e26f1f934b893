"""Canonical records to one FHIR Bundle, or to NDJSON with one resource a line.

Persons and households are the bulk path: one small function per field, chosen by a table,
writes straight into the resource, and which leaves occurred is read off the distinct sets of
keys, once per render. The other records are written by `draft`.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import orjson

from adapters.fhir_r4 import case_writers, facility_writers, terms
from adapters.fhir_r4.carriable import UNCARRIABLE, carriable
from adapters.fhir_r4.household_writers import HOUSEHOLD
from adapters.fhir_r4.lineage import lineage
from adapters.fhir_r4.person_writers import PERSON
from adapters.fhir_r4.present import Present, id_of
from adapters.fhir_r4.writers import Json, Sheet, Uncarriable, missing
from gateway.record import Record, Writing

_BATCH = 64
"""Records that become one chunk of some 64 KiB, and are written again together if one of them
holds what FHIR cannot."""

Numbered = tuple[Record, str, str]
"""A record, with the type and the id of its resource."""


def bundle(records: Iterable[Record], writing: Writing) -> Iterator[bytes]:
    """One Bundle of type `collection`, in chunks."""
    opening = b'{"resourceType":"Bundle","type":"collection"'
    before = opening + b',"entry":['
    for resources in _batches(records, writing, lambda kind, found: f"urn:uuid:{found}"):
        entries = [b'{"fullUrl":"urn:uuid:%b","resource":%b}' % pair for pair in resources]
        yield before + b",".join(entries)
        before = b","
    yield opening + b"}" if before.startswith(opening) else b"]}"


def lines(records: Iterable[Record], writing: Writing) -> Iterator[bytes]:
    """One resource a line, in chunks. A case stands directly before the Task of its state."""
    for resources in _batches(records, writing, lambda kind, found: f"{kind}/{found}"):
        yield b"".join(b"%b\n" % content for _, content in resources)


def _batches(
    records: Iterable[Record], writing: Writing, address: Any
) -> Iterator[list[tuple[bytes, bytes]]]:
    # Each resource becomes bytes at once. A Bundle kept as one tree of dicts costs twice as
    # much, most of it in garbage collections that walk what is still alive.
    present = Present(records, address)
    numbered = present.ids(records)
    shapes: set[tuple[str, ...]] = set()
    done = 0
    while batch := list(islice(numbered, _BATCH)):
        sheet = Sheet(present.address_of, address)
        try:
            found = _encoded(batch, sheet)
        except Uncarriable:
            # What was noted so far may name leaves that are left out now.
            sheet = Sheet(present.address_of, address)
            found = _encoded(_cleaned(batch, done, writing.unrendered), sheet)
        shapes |= sheet.shapes
        writing.lineage.update(sheet.lineage)
        done += len(batch)
        yield found
    written, unwritten = lineage(shapes)
    writing.lineage.update(written)
    writing.unrendered |= unwritten


def _cleaned(batch: list[Numbered], done: int, lost: set[str]) -> list[Numbered]:
    return [
        (carriable(record, lost, at=f"record {number}"), kind, found)
        for number, (record, kind, found) in enumerate(batch, done + 1)
    ]


def _encoded(batch: list[Numbered], sheet: Sheet) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    for record, kind, resource_id in batch:
        first = len(found)
        for resource in _resources(record, kind, resource_id, sheet):
            found.append((resource["id"].encode(), orjson.dumps(resource)))
        # A control character is always written as an escape, and escapes are rare.
        if any(b"\\" in content for _, content in found[first:]) and any(
            UNCARRIABLE.search(text) for text in _texts(record)
        ):
            raise Uncarriable
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _resources(record: Record, kind: str, resource_id: str, sheet: Sheet) -> list[Json]:
    record_type = record["record_type"]
    if record_type == "case":
        ids = resource_id, id_of("Task", f"of {resource_id}")
        return case_writers.resources(record, ids, sheet)
    if record_type == "facility":
        return facility_writers.resources(record, resource_id, sheet)
    resource = _resource(record, kind, resource_id, sheet)
    if "member_list" in record:
        meta = {"meta": resource["meta"]} if "meta" in resource else {}
        return [
            resource,
            *({**related, **meta} for related in _related_persons(record, resource_id, sheet)),
        ]
    return [resource]


def _resource(record: Record, kind: str, resource_id: str, sheet: Sheet) -> Json:
    identifier = [{"system": terms.RECORD_ID, "value": record["record_id"]}]
    resource: Json = {"resourceType": kind, "id": resource_id, "identifier": identifier}
    writers = PERSON
    if kind == "Group":
        resource["type"] = "person"
        resource["actual"] = True
        writers = HOUSEHOLD
    extensions: list[Json] = []
    sheet.shapes.add((record["record_type"], "", *record))
    for name, value in record.items():
        if not value and (value == [] or value == {}):
            raise Uncarriable
        writer = writers.get(name)
        if writer is not None:
            writer(value, resource, extensions, sheet)
    if "withheld" in record or "absent" in record:
        # Last, because it marks elements that the fields have written.
        missing(record, resource, extensions)
    if extensions:
        resource["extension"] = extensions
    return resource


def _related_persons(record: Record, group_id: str, sheet: Sheet) -> Iterator[Json]:
    # FHIR's own way to say who somebody is to somebody else. The Group says it too, and the
    # Group is what `parse` reads, because it can also name members that are not written here.
    members = record["member_list"]
    head = record.get("group_head") or next(
        (item["member"] for item in members if item.get("is_head") and "member" in item), None
    )
    patient = sheet.address_of("person", head or "")
    for number, item in enumerate(members if patient else ()):
        member = item.get("member")
        if (
            member == head
            or "relationship_head" not in item
            or member is None
            or not sheet.address_of("person", member)
        ):
            continue
        coding = {"system": terms.RELATIONSHIP, "code": item["relationship_head"]}
        yield {
            "resourceType": "RelatedPerson",
            "id": id_of("RelatedPerson", f"urn:uuid:{group_id} {number}"),
            "identifier": [{"system": terms.MEMBER_ID, "value": member}],
            "patient": {"reference": patient},
            "relationship": [{"coding": [coding]}],
        }
