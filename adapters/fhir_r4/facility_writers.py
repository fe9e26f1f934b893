"""Writers of a facility, into a Location."""

from typing import Any

from adapters.fhir_r4 import terms
from adapters.fhir_r4.address_writers import address_of
from adapters.fhir_r4.draft import (
    Draft,
    Fields,
    FieldWriter,
    code,
    concepts,
    fill,
    link,
    organisations,
)
from adapters.fhir_r4.nested import shape_of
from adapters.fhir_r4.paths import address_paths
from adapters.fhir_r4.writers import Json, Sheet
from gateway.record import Record

BEDS = frozenset({"C", "H", "I", "K", "O", "U"})
"""HL7 table 0116."""


def resources(record: Record, resource_id: str, sheet: Sheet) -> list[Json]:
    """The Location of a facility."""
    own = {"system": terms.RECORD_ID, "value": record["record_id"]}
    resource = {"resourceType": "Location", "id": resource_id, "identifier": [own]}
    draft = Draft(record, resource, sheet)
    fill(draft, _FIELDS)
    return [draft.resource]


def _facility_id(draft: Draft, value: Any) -> bool:
    found = {"system": terms.FACILITY_ID, "value": value}
    draft.resource["identifier"].append(found)
    draft.note("facility_id", "identifier.value")
    return True


def _operational(draft: Draft, value: Any) -> bool:
    found = {"code": value}
    if value in BEDS:
        found["system"] = terms.BED_STATUS
    draft.resource["operationalStatus"] = found
    draft.note("operational_status", "operationalStatus.code")
    return True


def _names(draft: Draft, value: Any) -> bool:
    draft.put("alternate_names[]", "alias", [item for item in value])
    return True


def _words(leaf: str, element: str) -> FieldWriter:
    def write(draft: Draft, value: Any) -> bool:
        draft.put(leaf, element, value)
        return True

    return write


def _telecom(leaf: str, system: str) -> FieldWriter:
    def write(draft: Draft, value: Any) -> bool:
        items = value if leaf.endswith("[]") else [value]
        found = draft.resource.setdefault("telecom", [])
        found += [{"system": system, "value": item} for item in items]
        draft.note(leaf, "telecom.value")
        return True

    return write


def _addresses(draft: Draft, value: Any) -> bool:
    # A Location has one address; the others stand in our extension, as those of a Group do.
    first, *rest = value
    draft.resource["address"] = address_of(first)
    draft.extensions += [{"url": terms.ADDRESS, "valueAddress": address_of(item)} for item in rest]
    for item, where in [(first, "address"), *((item, "extension.address") for item in rest)]:
        for part in item:
            alone = part == "address_line_2" and "address_line_1" not in item
            path = f"{where}.extension.address-line-2" if alone else address_paths(where)[part]
            draft.note(f"address[].{part}", path)
    return True


def _place(draft: Draft, value: Any) -> bool:
    if "geo" not in value:
        return False
    longitude, latitude, *altitude = value["geo"]["coordinates"]
    position = {"longitude": longitude, "latitude": latitude}
    draft.resource["position"] = position | ({"altitude": altitude[0]} if altitude else {})
    draft.note("place.geo", "position")
    return len(value) == 1


def _geometry(draft: Draft, value: Any) -> bool:
    draft.extensions.append({"url": terms.BOUNDARY, **shape_of(value)})
    draft.note("geometry", "extension.location-boundary-geojson")
    return True


_FIELDS: Fields = {
    "facility_id": _facility_id,
    "facility_name": _words("facility_name", "name"),
    "alternate_names": _names,
    "facility_type": concepts("facility_type", "type", many=True),
    "description": _words("description", "description"),
    "part_of": link("part_of", "partOf", "facility"),
    "place": _place,
    "address": _addresses,
    "geometry": _geometry,
    "operator": organisations("operator", "managingOrganization", many=False),
    "record_status": code("record_status", "status"),
    "operational_status": _operational,
    "phone_number": _telecom("phone_number[]", "phone"),
    "email": _telecom("email[]", "email"),
    "web": _telecom("web", "url"),
}
