"""A FHIR Bundle, or one resource, to canonical records.

First every entry is named, so that references can be followed in any order; then each is
read. What a RelatedPerson says about a Patient of the same file is added last.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from adapters.fhir_r4 import terms
from adapters.fhir_r4.elements import refuse_misplaced
from adapters.fhir_r4.reading import Json, Reader, Reading
from adapters.fhir_r4.resources import PERSONS, household, is_household, person
from adapters.fhir_r4.strict import load, shown
from gateway.errors import SenderError
from gateway.record import Parsed

NOWHERE = "fhir.invalid"
"""Authority of ids that came without one. `.invalid` never resolves (RFC 2606)."""

_BUNDLES = frozenset({"collection", "transaction", "searchset", "document", "batch"})
_RECORD_ID = re.compile(r"[a-z0-9][a-z0-9.-]*/[^\s/]\S*")
_RELATIVE = re.compile(r"[A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_RESTFUL = re.compile(r"(https?://\S+/)[A-Za-z]+/[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True)
class _Entry:
    reader: Reader
    resource: Json = field(repr=False)
    full_url: str


@dataclass(slots=True)
class _File:
    authority: str
    reading: Reading = field(default_factory=Reading)
    ids: dict[str, str] = field(default_factory=dict)
    """Full address, or `Type/id`, to record id."""


def parse(content: bytes, authority: str | None) -> Parsed:
    """The records, in the order of their entries."""
    document = load(content)
    file = _File(authority or NOWHERE)
    entries = [*_entries(document, file)]
    for entry in entries:
        _name(entry, file)
    for entry in entries:
        read = person if entry.reader.root in PERSONS else household
        read(entry.reader, entry.resource, partial(_resolve, file, entry.full_url))
    readers = {entry.reader.record["record_id"]: entry.reader for entry in reversed(entries)}
    for entry in entries:
        if entry.reader.root == "RelatedPerson":
            _relate(entry, readers, file)
    records = [entry.reader.record for entry in entries]
    if not records and (document.get("resourceType") != "Bundle" or "entry" in document):
        raise SenderError("nothing in it is a record we know", rule="fhir.no_record")
    return Parsed(records, file.reading.lineage, tuple(sorted(file.reading.unmapped)))


def _entries(document: Json, file: _File) -> Iterator[_Entry]:
    if document.get("resourceType") != "Bundle":
        yield from _entry(document, "", "", file)
        return
    if document.get("type") not in tuple(_BUNDLES):
        raise SenderError("not a kind of Bundle we read", rule="fhir.bundle_type", at="Bundle.type")
    envelope = Reader(file.reading, "Bundle", "", {})
    envelope.leave_rest("", document, {"resourceType", "type", "entry", "id"})
    seen: set[str] = set()
    for number, item in enumerate(envelope.items(document, "entry", "entry"), 1):
        before = f"entry {number}, "
        full_url = item.get("fullUrl", "")
        if not isinstance(full_url, str) or (full_url and not _ABSOLUTE.fullmatch(full_url)):
            raise SenderError(
                "not an absolute address", rule="fhir.full_url", at=f"{before}fullUrl"
            )
        if full_url in seen:
            raise SenderError("an address twice", rule="fhir.full_url_twice", at=f"{before}fullUrl")
        seen |= {full_url} if full_url else set()
        envelope.leave_rest("entry", item, {"fullUrl", "resource"})
        if "resource" in item:
            resource = envelope.object(item, "resource", "entry.resource")
            yield from _entry(resource, full_url, before, file)


def _entry(resource: Json, full_url: str, before: str, file: _File) -> Iterator[_Entry]:
    kind = resource.get("resourceType")
    if not isinstance(kind, str):
        raise SenderError("not a resource", rule="fhir.resource_type", at=before.rstrip(", "))
    record_type = "person" if kind in PERSONS else "household"
    reader = Reader(file.reading, shown(kind), before, {"record_type": record_type})
    if _repeats_a_group(reader, resource):
        return
    if kind in PERSONS:
        refuse_misplaced(reader, resource)
    if kind in PERSONS or (kind == "Group" and is_household(reader, resource)):
        if kind == "RelatedPerson" and "patient" not in resource:
            raise reader.refuse("fhir.required", "R4 requires this", "patient")
        yield _Entry(reader, resource, full_url)
    else:
        file.reading.unmapped.add(shown(kind))


def _repeats_a_group(reader: Reader, resource: Json) -> bool:
    # Written beside a Group for readers who do not know our extension of it.
    if reader.root != "RelatedPerson":
        return False
    found = reader.items(resource, "identifier", "identifier")
    if not any(item.get("system") == terms.MEMBER_ID for item in found):
        return False
    taken = {"resourceType", "id", "identifier", "patient", "relationship"}
    reader.leave_rest("", resource, taken)
    return True


def _name(entry: _Entry, file: _File) -> None:
    reader, resource = entry.reader, entry.resource
    local = f"{reader.root}/{resource['id']}" if "id" in resource else ""
    for item in reader.items(resource, "identifier", "identifier"):
        if item.get("system") == terms.RECORD_ID:
            record_id, path = item.get("value"), "identifier.value"
            break
    else:
        record_id, path = _id_of(entry.full_url, local, file.authority), "id"
    if record_id is None:
        raise reader.refuse("fhir.no_id", "nothing that names the record", "id")
    reader.put(reader.record, "record_id", record_id, path)
    if "record_id" not in reader.record:
        raise reader.refuse("fhir.record_id", "not an id a record can have", path)
    for key in filter(None, (entry.full_url, local)):
        file.ids.setdefault(key, reader.record["record_id"])


def _id_of(full_url: str, local: str, authority: str) -> str | None:
    if full_url.startswith(("http://", "https://")):
        return _of_address(full_url)
    if local:
        return f"{authority}/{local}"
    return f"{authority}/{full_url.removeprefix('urn:')}" if full_url else None


def _of_address(address: str) -> str:
    try:
        parts = urlsplit(address)
        host = parts.hostname
        port = parts.port
    except ValueError:
        return ""
    if not host or parts.query or parts.fragment:
        return ""
    return f"{host}-{port}{parts.path}" if port else f"{host}{parts.path}"


def _resolve(file: _File, full_url: str, reference: Json) -> str | None:
    identifier = reference.get("identifier")
    if isinstance(identifier, dict) and identifier.get("system") == terms.RECORD_ID:
        value = identifier.get("value")
        return value if isinstance(value, str) else None
    address = reference.get("reference")
    if not isinstance(address, str):
        return None
    base = _RESTFUL.fullmatch(full_url)
    if _RELATIVE.fullmatch(address):
        whole = base[1] + address if base else ""
        found = file.ids.get(whole) or file.ids.get(address)
        found = found or _id_of(whole, address, file.authority)
    elif _ABSOLUTE.fullmatch(address):
        found = file.ids.get(address) or _id_of(address, "", file.authority)
    else:
        return None
    return found if found and _RECORD_ID.fullmatch(found) else None


def _relate(entry: _Entry, readers: Mapping[str, Reader], file: _File) -> None:
    reader, resource = entry.reader, entry.resource
    patient = _resolve(file, entry.full_url, reader.object(resource, "patient", "patient"))
    to = readers.get(patient or "")
    if to is None or to.root == "Group":
        reader.leave_rest("", {"patient": 0, "relationship": 0}, ())
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
