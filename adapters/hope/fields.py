"""The tables of HOPE's own fields and codes, which the plans of all its shapes are made of."""

from collections.abc import Callable, Mapping
from typing import Any

DOCUMENTS: Mapping[str, str] = {
    "birth_certificate": "BRN",
    "national_id": "UIN",
    "drivers_license": "DRN",
    "national_passport": "passport",
    "electoral_card": "electoral-card",
    "tax_id": "tax-id",
    "residence_permit_no": "residence-permit",
    "bank_statement": "bank-statement",
    "disability_certificate": "disability-certificate",
    "foster_child": "foster-child",
    "other_id": "other",
}
"""Key of a type of document to identifier type. The API may tell of more, which need a mapping.

An import takes these and no others.
"""

COLUMNS: Mapping[str, str] = {
    "birth_certificate": "BRN",
    "national_id": "UIN",
    "drivers_license": "DRN",
    "national_passport": "passport",
    "electoral_card": "electoral-card",
    "tax_id": "tax-id",
    "unhcr_id": "unhcr",
    "scope_id": "scope",
    "other_id": "other",
}
"""The same by the columns of a workbook: `birth_certificate_no_i_c` and `…_issuer_i_c`."""

Name = Callable[[str], str]
Fields = dict[str, Any]

YES_NO = {"true": True, "false": False, "1": True, "0": False}
_CONSENT = {"true": "given", "false": "refused", "1": "given", "0": "refused"}
ROLES = {
    "primary": "primary",
    "alternate": "alternate",
    "primary collector": "primary",
    "alternate collector": "alternate",
    "no_role": None,
    "none": None,
}
_SHARED = {
    name: name
    for name in ("unicef", "humanitarian_partner", "private_partner", "government_partner")
}
_DISABLED = {"disabled": True, "not disabled": False, "1": True, "0": False}
_DIFFICULTIES: Mapping[str, str | None] = {
    "none": None,
    **{
        name: name
        for name in ("seeing", "hearing", "walking", "memory", "self_care", "communicating")
    },
}
_HEAD = ["HEAD", "head"]
_NO_ANSWER = ["None"]
"""HOPE writes Python's None as a text in some answers."""

_ERASED = ["GDPR REMOVED"]
"""What HOPE writes for each name of somebody who asked to be forgotten."""

MECHANISMS = {
    name: name.replace(" ", "-").replace("-otc", "-over-the-counter")
    for name in (
        "cash", "cash by fsp", "cash otc", "cash over the counter", "cardless cash withdrawal",
        "cheque", "deposit to card", "digital", "in kind", "mobile money", "pre-paid card",
        "referral", "transfer", "transfer to account", "transfer to digital wallet", "voucher",
        "atm card", "others",
    )
}  # fmt: skip
STATES = {
    "pending": "planned",
    "sent to payment gateway": "in-progress",
    "sent to fsp": "in-progress",
    "distribution successful": "completed",
    "transaction successful": "completed",
    "partially distributed": "partly-completed",
    "not distributed": "failed",
    "transaction erroneous": "failed",
    "force failed": "failed",
    "manually cancelled": "cancelled",
}
PLAN_STATES = {
    **dict.fromkeys(("tp_open", "tp_locked", "draft", "preparing", "open", "locked"), "planned"),
    **dict.fromkeys(("locked_fsp", "in_approval", "in_authorization", "in_review"), "planned"),
    **dict.fromkeys(("processing", "steficon_wait", "steficon_run"), "planned"),
    **dict.fromkeys(("steficon_completed", "steficon_error"), "planned"),
    "accepted": "in-progress",
    "finished": "completed",
    "ready_for_closure": "completed",
    "closed": "completed",
    "aborted": "abandoned",
}


def coded(path: str | list[str], codes: Mapping[str, Any]) -> Fields:
    """A code whose letter case says nothing: HOPE writes its codes in both."""
    return {"from": path, "as": "code", "codes": dict(codes), "fold": "lower"}


def listed(path: str | list[str], table: str) -> Fields:
    """A code of a table that comes with the gateway."""
    fold = {} if table.startswith("country.") else {"fold": "lower", "missing": _NO_ANSWER}
    return {"from": path, "as": "code", "table": table, **fold}


def _called(path: str) -> Fields:
    return {"from": path, "missing": _ERASED}


def several(path: str, codes: Mapping[str, Any]) -> Fields:
    """Answers of a multiple choice, one text by now."""
    return {"from": path, "as": "codes", "by": " ", "codes": dict(codes), "fold": "lower"}


def numbered(number: str, kind: str, **more: Any) -> Fields:
    """An identifier, where it has a number."""
    fields = {"identifier_type": {"constant": kind}, "identifier_value": number, **more}
    return {"needs": "identifier_value", "fields": fields}


def situation(name: Name, country: str) -> Fields:
    """What is said of a household and holds for each of its members."""
    return {
        "displacement_status": listed(name("residence_status"), "displacement_status.hope"),
        "place.location_code": listed(name("country"), country),
        **{f"place.admin{level}_code": name(f"admin{level}") for level in range(1, 5)},
        "protection.consent.status": coded(name("consent"), _CONSENT),
        "protection.consent.scope": several(name("consent_sharing"), _SHARED),
    }


def household(name: Name, country: str) -> Fields:
    """Everything of a household but its members and its own numbers."""
    address = {"address_line_1": name("address"), "postal_code": name("zip_code")}
    return {
        "group_size": {"from": name("size"), "as": "integer"},
        **situation(name, country),
        "place.name": name("village"),
        "address[]": [{"needs": "address_line_1", "fields": address}],
        "registration_date": {"from": name("first_registration_date"), "as": "date"},
    }


def person(name: Name, identifiers: list[Fields]) -> Fields:
    """Everything of a person but where and how the household lives."""
    return {
        "identifier[]": identifiers,
        "name.full_name": _called(name("full_name")),
        "name.given_name": _called(name("given_name")),
        "name.second_name": _called(name("middle_name")),
        "name.surname": _called(name("family_name")),
        "sex": listed(name("sex"), "sex.hope"),
        "birth_date": {"from": name("birth_date"), "as": "date"},
        "birth_date_estimated": coded(name("estimated_birth_date"), YES_NO),
        "marital_status": listed(name("marital_status"), "marital_status.hope"),
        "phone_number[]": [name("phone_no"), name("phone_no_alternative")],
        "is_disabled": coded(name("disability"), _DISABLED),
        "disability_info": several(name("observed_disability"), _DIFFICULTIES),
        "registration_date": {"from": name("first_registration_date"), "as": "date"},
    }


def members(each: str, relationship: str, role: str) -> Fields:
    """Head and member list of a household whose members stand in a repeat."""
    head = {"from": relationship, "is": _HEAD}
    return {
        "group_head": {"member": "person", "each": each, "when": head},
        "member_list[]": {
            "each": each,
            "fields": {
                "member": {"member": "person"},
                "relationship_head": listed(relationship, "relationship.hope"),
                "is_head": {"constant": True, "when": head},
                "collector": coded(role, ROLES),
            },
        },
    }
