"""Where each canonical leaf stands in a resource, as lineage writes it.

Extensions are named by the last part of their address: `Patient.extension.age.years`.
"""

from collections.abc import Iterator, Mapping
from functools import cache

from adapters.fhir_r4 import terms
from gateway.record import leaves

ROOT: Mapping[str, str] = {"person": "Patient", "household": "Group"}

_NAME = {
    "full_name": "name.text",
    "surname": "name.family",
    "given_name": "name.given",
    "second_name": "name.given",
    "maiden_name": "name.family",
    "prefix": "name.prefix",
    "suffix": "name.suffix",
    "alternate_names[]": "name.text",
    "script": "name.extension.name-script",
}
_IDENTIFIER = {
    "identifier_type": "identifier.type.text",
    "identifier_value": "identifier.value",
    "issuer": "identifier.assigner.display",
}
_PERSON = {
    "record_type": "resourceType",
    "record_id": "identifier.value",
    "sex": "gender",
    "birth_date": "birthDate",
    "death_date": "deceasedDateTime",
    "phone_number[]": "telecom.value",
    "email[]": "telecom.value",
    "marital_status": "maritalStatus.coding.code",
    "language_code[]": "communication.language.coding.code",
    "nationality[]": "extension.patient-nationality.code",
    "religion": "extension.patient-religion",
    "disability_info[]": "extension.patient-disability",
    "photo_url[]": "photo.url",
    "relationships[].relationship_type": "extension.relationship.type",
    "relationships[].related": "extension.relationship.related",
    **{f"name.{part}": path for part, path in _NAME.items()},
    **{f"identifier[].{part}": path for part, path in _IDENTIFIER.items()},
}
_HOUSEHOLD = {
    "record_type": "resourceType",
    "record_id": "identifier.value",
    "group_type": "code.text",
    "group_head": "extension.group-head",
    "member_list[].member": "member.entity",
    "member_list[].relationship_head": "member.extension.relationship-to-head",
    "member_list[].is_head": "member.extension.is-head",
    "member_list[].collector": "member.extension.collector",
    "group_size": "quantity",
    **{f"group_identifier[].{part}": path for part, path in _IDENTIFIER.items()},
}


@cache
def paths(record_type: str) -> Mapping[str, str]:
    """Leaf name to path below the resource. `extension` has none."""
    where = "address" if record_type == "person" else "extension.address"
    fixed = _PERSON if record_type == "person" else _HOUSEHOLD
    found = {**dict(_shared()), **dict(_addresses(where)), **fixed}
    return {leaf: found[leaf] for leaf in leaves(record_type) if leaf in found}


def _shared() -> Iterator[tuple[str, str]]:
    yield "withheld", "extension.withheld"
    yield "absent", "extension.absent"
    for field, (url, _) in terms.SIMPLE.items():
        yield field, f"extension.{last(url)}"
    for part, (url, kinds) in terms.PARTS.items():
        for key in kinds:
            leaf = f"protection.consent.{key}" if part == "consent" else f"{part}.{key}"
            listed = part == "consent" and key in terms.LISTED
            yield f"{leaf}[]" if listed else leaf, f"extension.{last(url)}.{key}"
    yield "protection.sensitivity", "meta.security"


@cache
def address_paths(where: str) -> Mapping[str, str]:
    """Part of an address to its path, for an address that stands at `where`."""
    codes = f"{where}.extension.administrative-codes"
    return {
        "address_line_1": f"{where}.line",
        "address_line_2": f"{where}.line",
        **{part: f"{where}.{element}" for part, element in terms.ADDRESS_ELEMENTS.items()},
        **{part: f"{codes}.{part}" for part in terms.ADMIN_CODES},
    }


def _addresses(where: str) -> Iterator[tuple[str, str]]:
    for part, path in address_paths(where).items():
        yield f"address[].{part}", path
    for part, element in terms.PLACE_ELEMENTS.items():
        yield f"place.{part}", f"{where}.{element}"
    for part in terms.PLACE_PARTS:
        yield f"place.{part}", f"{where}.extension.place.{part}"
    yield "place.geo", f"{where}.extension.geolocation"


def last(url: str) -> str:
    """The last part of an extension's address, which is its name."""
    return url.rsplit("/", 1)[1]


SHARED: Mapping[str, str] = dict(_shared())
"""Leaves of the fields that all record types have."""
