"""The words both directions share: addresses of systems and extensions, codes, and tables.

`render` reads every table one way, `parse` the other.
"""

from collections.abc import Mapping

RECORD_ID = "https://corridor.invalid/fhir/sid/record-id"
"""Identifier system of a canonical record id."""
MEMBER_ID = "https://corridor.invalid/fhir/sid/member-record-id"
"""Marks a RelatedPerson that only repeats what its Group says, and names the member's record."""
RELATIONSHIP = "https://corridor.invalid/fhir/CodeSystem/relationship"
EXTENSION = "https://corridor.invalid/fhir/StructureDefinition/"

STANDARD = "http://hl7.org/fhir/StructureDefinition/"
ABSENT = STANDARD + "data-absent-reason"
GEOLOCATION = STANDARD + "geolocation"
NATIONALITY = STANDARD + "patient-nationality"
RELIGION = STANDARD + "patient-religion"
DISABILITY = STANDARD + "patient-disability"

WITHHELD = EXTENSION + "withheld"
"""Beside `data-absent-reason` = `masked`: which canonical field, and the reason."""
WHY_ABSENT = EXTENSION + "absent"
"""Beside `data-absent-reason`: which canonical field has no value, and why."""
PLACE = EXTENSION + "place"
"""Marks the address that is the canonical place, and holds what an address has no element for."""
SCRIPT = EXTENSION + "name-script"
SECOND_NAME = EXTENSION + "second-name"
"""For a second name without a first: `given` has no way to leave its first item out."""
SECOND_LINE = EXTENSION + "address-line-2"
LINK = EXTENSION + "relationship"
HEAD = EXTENSION + "group-head"
ADDRESS = EXTENSION + "address"
"""A Group has no address of its own."""
MEMBER_RELATIONSHIP = EXTENSION + "relationship-to-head"
MEMBER_HEAD = EXTENSION + "is-head"
MEMBER_COLLECTOR = EXTENSION + "collector"

TASK_ID = "https://corridor.invalid/fhir/sid/task-of"
"""Marks the Task that carries the state of a ServiceRequest, and names the record of both."""
FACILITY_ID = "https://corridor.invalid/fhir/sid/facility-id"
SECTOR = "https://corridor.invalid/fhir/CodeSystem/sector"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ACT_PRIORITY = "http://terminology.hl7.org/CodeSystem/v3-ActPriority"
BED_STATUS = "http://terminology.hl7.org/CodeSystem/v2-0116"
BOUNDARY = STANDARD + "location-boundary-geojson"
"""A shape as GeoJSON in an attachment."""

DATA_ABSENT: Mapping[str, str] = {
    "not_asked": "not-asked",
    "unanswered": "unknown",
    "withheld": "masked",
    "unknown": "unknown",
}
"""Our reasons to HL7's, which has none for a question left open."""
ABSENT_REASONS: Mapping[str, str] = {
    "unknown": "unknown",
    "asked-unknown": "unknown",
    "temp-unknown": "unknown",
    "asked-declined": "unanswered",
    "not-asked": "not_asked",
    "masked": "withheld",
}
"""HL7's reasons to ours. The others (`not-applicable`, `error`) have none."""

ISO_3166 = "urn:iso:std:iso:3166"
BCP_47 = "urn:ietf:bcp:47"

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
SENSITIVITY: Mapping[str, str] = {"low": "L", "moderate": "M", "high": "R", "severe": "V"}
"""To low, moderate, restricted and very restricted. `N` and `U` say nothing we keep."""

MARITAL_SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
MARITAL = frozenset("SMWADLUT")
"""HL7's letters, which are ours. Its others (C, I, P) have no letter of ours."""

SIMPLE: Mapping[str, tuple[str, str]] = {
    "schema_version": (EXTENSION + "schema-version", "valueString"),
    "birth_date_estimated": (EXTENSION + "birth-date-estimated", "valueBoolean"),
    "ethnicity": (EXTENSION + "ethnicity", "valueString"),
    "is_disabled": (EXTENSION + "is-disabled", "valueBoolean"),
    "displacement_status": (EXTENSION + "displacement-status", "valueCode"),
    "registration_date": (EXTENSION + "registration-date", "valueDateTime"),
    "poverty_score": (EXTENSION + "poverty-score", "valueString"),
    "poverty_score_type": (EXTENSION + "poverty-score-type", "valueCode"),
}
"""Canonical field to the extension that holds its one value."""

PARTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "age": (
        EXTENSION + "age",
        {"years": "valueInteger", "band": "valueString", "as_of": "valueDateTime"},
    ),
    "source": (
        EXTENSION + "source",
        {
            "source_name": "valueString",
            "source_date": "valueInstant",
            "source_date_zone": "valueCode",
            "source_url": "valueString",
            "author_name": "valueString",
            "author_organisation": "valueString",
            "original_format": "valueCode",
        },
    ),
    "protection": (
        EXTENSION + "protection",
        {
            "purpose": "valueCode",
            "legal_basis": "valueCode",
            "case_kind": "valueCode",
            "objected": "valueBoolean",
            "expiry_date": "valueDateTime",
        },
    ),
    "consent": (
        EXTENSION + "consent",
        {
            "status": "valueCode",
            "date": "valueDateTime",
            "scope": "valueCode",
            "purposes": "valueCode",
            "recipients": "valueCode",
            "given_by": "valueCode",
        },
    ),
}
"""Canonical object to its extension and the kind of value of each part inside it. `consent` is
part of `protection` in a record and an extension of its own here."""

LISTED = ("scope", "purposes", "recipients")
"""Parts of a consent that stand as often as they have values."""

ADMIN_CODES = tuple(f"admin{level}_code" for level in range(1, 5))
ADDRESS_CODES = EXTENSION + "administrative-codes"
PLACE_PARTS: Mapping[str, str] = {
    **dict.fromkeys(ADMIN_CODES, "valueString"),
    "admin3_name": "valueString",
    "admin4_name": "valueString",
    "site_code": "valueString",
    "admin_level": "valueInteger",
    "precision": "valueCode",
    "altitude": "valueDecimal",
}
PLACE_ELEMENTS: Mapping[str, str] = {
    "name": "text",
    "location_code": "country",
    "admin1_name": "state",
    "admin2_name": "district",
}
ADDRESS_ELEMENTS: Mapping[str, str] = {
    "locality": "city",
    "sub_region_code": "district",
    "region_code": "state",
    "postal_code": "postalCode",
    "country_code": "country",
}
"""Canonical part to the FHIR element of an Address that holds it as it is."""

MISSING_AT: Mapping[str, Mapping[str, str]] = {
    "person": {
        "birth_date": "_birthDate",
        "sex": "_gender",
        "death_date": "_deceasedDateTime",
        "marital_status": "maritalStatus",
        "name": "name",
        "identifier": "identifier",
        "phone_number": "telecom",
        "email": "telecom",
        "photo_url": "photo",
        "address": "address",
    },
    "household": {
        "group_size": "_quantity",
        "group_type": "code",
        "group_identifier": "identifier",
    },
}
"""Canonical field to the element that says why it is missing. Others say it on the resource."""
REPEATING = frozenset({"name", "identifier", "telecom", "photo", "address"})
