"""Reader of a Location to a facility."""

from typing import Any

from adapters.fhir_r4 import nested, terms
from adapters.fhir_r4.addresses import addresses
from adapters.fhir_r4.concepts import read_concept, read_organisation
from adapters.fhir_r4.elements import identifiers, telecoms
from adapters.fhir_r4.extensions import extensions
from adapters.fhir_r4.reading import Json, Reader
from adapters.fhir_r4.resources import BASE, refuse_modifiers, security

_TAKEN = frozenset(
    {
        "status",
        "operationalStatus",
        "name",
        "alias",
        "description",
        "mode",
        "type",
        "telecom",
        "address",
        "position",
        "managingOrganization",
        "partOf",
    }
)
_HOME = frozenset({"ho", "PTRES"})
"""A house, and a patient's residence: where somebody lives is nothing to say of a facility."""


def is_facility(reader: Reader, resource: Json) -> bool:
    """Whether a Location is a real place, and not somebody's home."""
    concepts = reader.items(resource, "type", "type")
    concepts = [*concepts, reader.object(resource, "physicalType", "physicalType")]
    codes = {
        coding.get("code") if isinstance(coding.get("code"), str) else None
        for concept in concepts
        for coding in reader.items(concept, "coding", "type.coding")
    }
    home = reader.object(resource, "address", "address").get("use") == "home"
    return resource.get("mode") != "kind" and not home and not codes & _HOME


def facility(reader: Reader, resource: Json) -> None:
    """Everything of a facility but its id."""
    refuse_modifiers(reader, resource)
    reader.note("record_type", "resourceType")
    security(reader, resource)
    _identifiers(reader, resource)
    given = extensions(reader, resource)
    record = reader.record
    reader.take(record, "record_status", resource, "status", "status")
    reader.take(record, "facility_name", resource, "name", "name")
    reader.take(record, "description", resource, "description", "description")
    for name in reader.texts(resource, "alias", "alias"):
        reader.add("alternate_names[]", name, "alias")
    _operational(reader, resource)
    if "facility_type" not in given:
        for item in reader.items(resource, "type", "type"):
            found = read_concept(reader, "facility_type[]", item, "type")
            if found:
                record.setdefault("facility_type", []).append(found)
    telecoms(reader, resource, {"phone": "phone_number[]", "email": "email[]", "url": "web"})
    _addresses(reader, resource)
    if "place" not in given:
        _position(reader, resource)
    if "managingOrganization" in resource and "operator" not in given:
        item = reader.object(resource, "managingOrganization", "managingOrganization")
        found = read_organisation(reader, "operator", item, "managingOrganization")
        if found:
            record["operator"] = found
    _part_of(reader, resource)
    reader.leave_rest("", resource, BASE | _TAKEN)


def _identifiers(reader: Reader, resource: Json) -> None:
    others = []
    for item in reader.items(resource, "identifier", "identifier"):
        if item.get("system") == terms.FACILITY_ID:
            reader.put(reader.record, "facility_id", item.get("value"), "identifier.value")
        else:
            others.append(item)
    identifiers(reader, {"identifier": others}, "identifier")


def _operational(reader: Reader, resource: Json) -> None:
    path = "operationalStatus"
    coding = reader.object(resource, path, path)
    reader.take(reader.record, "operational_status", coding, "code", f"{path}.code")
    known = {"code", "system"} if coding.get("system") == terms.BED_STATUS else {"code"}
    reader.leave_rest(path, coding, known)


def _addresses(reader: Reader, resource: Json) -> None:
    first: Any = resource.get("address")
    if first is not None:
        addresses(reader, [reader.object(resource, "address", "address")], "address")
    more = [
        reader.object(item, "valueAddress", "extension.address")
        for url, item, _ in reader.extensions(resource, "")
        if url == terms.ADDRESS
    ]
    addresses(reader, more, "extension.address")


def _position(reader: Reader, resource: Json) -> None:
    position = reader.object(resource, "position", "position")
    if not position:
        return
    if not {"latitude", "longitude"} <= position.keys():
        raise reader.refuse("fhir.required", "R4 requires this", "position")
    known = ("latitude", "longitude", "altitude")
    found = {
        key: nested.number(reader, position[key], f"position.{key}")
        for key in known
        if key in position
    }
    geo = nested.point(reader, found, "position")
    reader.record["place"] = {"geo": geo}
    reader.note("place.geo", "position")
    reader.leave_rest("position", position, known)


def _part_of(reader: Reader, resource: Json) -> None:
    reference = reader.object(resource, "partOf", "partOf")
    found = reader.resolve(reference)
    if found is not None:
        reader.put(reader.record, "part_of", found, "partOf")
    elif reference:
        reader.leave("partOf")
