"""Canonical records to one FHIR Bundle.

This is the bulk path: one small function per field, chosen by a table, writes straight into
the resource. Which leaves occurred is read off the distinct sets of keys, once per render.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from adapters.fhir_r4 import terms
from adapters.fhir_r4.carriable import UNCARRIABLE, carriable
from adapters.fhir_r4.household_writers import HOUSEHOLD
from adapters.fhir_r4.lineage import Shapes, lineage
from adapters.fhir_r4.person_writers import PERSON
from adapters.fhir_r4.writers import Json, Sheet, Uncarriable, withheld
from gateway.record import Record, Rendered

_NAMESPACE: Mapping[str, bytes] = {
    "person": uuid.UUID("5a0f7a52-5b0e-4c67-9a51-5a8f2d1f6d10").bytes,
    "household": uuid.UUID("0d9d0c1e-7d0c-4b8d-8f6e-3b1f5b0c2a47").bytes,
    "member": uuid.UUID("b7e6b0f4-2f0a-4f7b-9b65-8f0f6f1f9c33").bytes,
}
"""Fixed for ever: the same record gets the same resource id in every transfer."""


def render(records: Sequence[Record], media_type: str) -> Rendered:
    """The Bundle, and what became of every leaf."""
    lost: set[str] = set()
    try:
        content, shapes = _bundle(records)
    except Uncarriable:
        records = [carriable(item, lost, at=f"record {n}") for n, item in enumerate(records, 1)]
        content, shapes = _bundle(records)
    written, unwritten = lineage(shapes)
    return Rendered(content, media_type, written, tuple(sorted(lost | unwritten)))


def _bundle(records: Sequence[Record]) -> tuple[bytes, Shapes]:
    # Each entry becomes bytes at once. A Bundle kept as one tree of dicts costs twice as much,
    # most of it in garbage collections that walk what is still alive.
    sheet = Sheet()
    urns = list(_urns(records, sheet.urns))
    entries: list[bytes] = []
    for record, urn in zip(records, urns, strict=True):
        entry = orjson.dumps({"fullUrl": urn, "resource": _resource(record, urn, sheet)})
        # A control character is always written as an escape, and escapes are rare.
        if b"\\" in entry and any(UNCARRIABLE.search(text) for text in _texts(record)):
            raise Uncarriable
        entries.append(entry)
        if "member_list" in record:
            entries.extend(map(orjson.dumps, _related_persons(record, urn, sheet)))
    body = b',"entry":[' + b",".join(entries) + b"]" if entries else b""
    return b'{"resourceType":"Bundle","type":"collection"' + body + b"}", sheet.shapes


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _urns(records: Sequence[Record], urns: dict[tuple[str, str], str]) -> Iterator[str]:
    for number, record in enumerate(records):
        record_type, record_id = key = record["record_type"], record["record_id"]
        if key in urns:
            # No two entries may have one fullUrl. A record id holds no white space.
            yield _urn(record_type, f"{record_id} {number}")
        else:
            urns[key] = urn = _urn(record_type, record_id)
            yield urn


def _urn(record_type: str, name: str) -> str:
    # UUID version 5 (RFC 9562, 5.5) by hand: several times faster than `uuid.uuid5`.
    digest = hashlib.sha1(_NAMESPACE[record_type] + name.encode(), usedforsecurity=False)
    text = digest.hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"urn:uuid:{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def _resource(record: Record, urn: str, sheet: Sheet) -> Json:
    resource: Json
    person = record["record_type"] == "person"
    identifier = [{"system": terms.RECORD_ID, "value": record["record_id"]}]
    if person:
        resource = {"resourceType": "Patient", "id": urn[9:], "identifier": identifier}
    else:
        resource = {
            "resourceType": "Group",
            "id": urn[9:],
            "identifier": identifier,
            "type": "person",
            "actual": True,
        }
    writers = PERSON if person else HOUSEHOLD
    extensions: list[Json] = []
    sheet.shapes.add(("person" if person else "household", "", *record))
    for name, value in record.items():
        if not value and (value == [] or value == {}):
            raise Uncarriable
        writer = writers.get(name)
        if writer is not None:
            writer(value, resource, extensions, sheet)
    if "withheld" in record:
        # Last, because it marks elements that the fields have written.
        withheld(record, resource, extensions)
    if extensions:
        resource["extension"] = extensions
    return resource


def _related_persons(record: Record, urn: str, sheet: Sheet) -> Iterator[Json]:
    # FHIR's own way to say who somebody is to somebody else. The Group says it too, and the
    # Group is what `parse` reads, because it can also name members that are not in the Bundle.
    members = record["member_list"]
    head = record.get("group_head") or next(
        (item["member"] for item in members if item.get("is_head") and "member" in item), None
    )
    patient = sheet.urns.get(("person", head or ""))
    for number, item in enumerate(members if patient else ()):
        member = item.get("member")
        if (
            member == head
            or "relationship_head" not in item
            or ("person", member) not in sheet.urns
        ):
            continue
        own = _urn("member", f"{urn} {number}")
        coding = {"system": terms.RELATIONSHIP, "code": item["relationship_head"]}
        yield {
            "fullUrl": own,
            "resource": {
                "resourceType": "RelatedPerson",
                "id": own[9:],
                "identifier": [{"system": terms.MEMBER_ID, "value": member}],
                "patient": {"reference": patient},
                "relationship": [{"coding": [coding]}],
            },
        }
