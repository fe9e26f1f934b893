"""An agreement as an ODRL 2.2 policy in JSON-LD, for systems that read that.

An export for others to look at. Corridor itself executes its own agreement: ODRL cannot say
which form a field has, so what others make of it is no statement of ours.
"""

from collections.abc import Mapping
from typing import Any

from gateway.agreement import content_digest

ODRL = "http://www.w3.org/ns/odrl/2/"
DPV = "https://w3id.org/dpv#"
XSD = "http://www.w3.org/2001/XMLSchema#"
URN = "urn:corridor:"

CONTEXT: dict[str, Any] = {
    "odrl": ODRL,
    "dpv": DPV,
    "dct": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": XSD,
}
"""Written out, so that nothing has to be fetched to read it."""

STATES = {
    "draft": "ContractDrafted",
    "active": "ContractActive",
    "suspended": "ContractTemporarilySuspended",
    "expired": "ContractExpired",
    "terminated": "ContractTerminated",
}


def odrl(document: Mapping[str, Any], taxonomy: Mapping[str, Any], state: str) -> dict[str, Any]:
    """The agreement as JSON-LD. `state` is the one that counts."""
    return {
        "@context": CONTEXT,
        "@id": f"{URN}{document['id']}:{document['version']}",
        "@type": "odrl:Agreement",
        "dct:title": document.get("title", document["id"]),
        "dct:identifier": content_digest(document),
        "dpv:hasStatus": _ref(DPV + STATES[state]),
        "odrl:profile": _ref(f"{URN}profile:1"),
        "odrl:permission": [_permission(document, one, taxonomy) for one in document["purposes"]],
        "odrl:prohibition": [
            _prohibition(document, name, one, taxonomy)
            for name, one in sorted(taxonomy["red_lines"].items())
        ],
    }


def _permission(
    document: Mapping[str, Any], grant: Mapping[str, Any], taxonomy: Mapping[str, Any]
) -> dict[str, Any]:
    scope = document["scope"]
    countries = [*scope.get("countries", ())]
    spatial = [_constraint("spatial", "isAnyOf", {"@list": countries})] if countries else []
    return {
        "@type": "odrl:Permission",
        "odrl:action": _ref(ODRL + "distribute"),
        "odrl:assigner": _ref(URN + grant["from"]),
        "odrl:assignee": _ref(URN + grant["to"]),
        "odrl:target": [_target(one) for one in document["data"]],
        "dpv:hasLegalBasis": _ref(URN + grant["legal_basis"]),
        "odrl:constraint": [
            _constraint("purpose", "eq", _purpose(grant["purpose"], taxonomy)),
            *spatial,
            _constraint("dateTime", "gteq", _time(scope["start"])),
            _constraint("dateTime", "lteq", _time(scope["end"])),
        ],
        "odrl:duty": _duties(document, grant),
    }


def _purpose(name: str, taxonomy: Mapping[str, Any]) -> dict[str, Any]:
    """Our purpose, with the nearest term of DPV where there is one."""
    found = _ref(URN + name)
    nearest = taxonomy["purposes"].get(name, {}).get("dpv")
    return {**found, "skos:broadMatch": _ref(nearest)} if nearest else found


def _target(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@id": f"{URN}schema:{one['record_type']}",
        "@type": "odrl:AssetCollection",
        "dct:hasPart": [_ref(f"{URN}field:{one['record_type']}:{name}") for name in one["fields"]],
    }


def _duties(document: Mapping[str, Any], grant: Mapping[str, Any]) -> list[dict[str, Any]]:
    duties = [
        {
            **_duty("delete", grant["to"]),
            "odrl:target": _ref(f"{URN}schema:{one['record_type']}"),
            "odrl:constraint": [
                _constraint("elapsedTime", "lteq", _typed(f"P{one['days']}D", "duration"))
            ],
        }
        for one in document["retention"]
    ]
    if document.get("deletion_certificate_required"):
        # After deletion the recipient says so, and signs it.
        duties.append({**_duty("inform", grant["to"]), "dct:subject": "deletion certificate"})
    if "notice" in document:
        duties.append({**_duty("inform", grant["from"]), "dct:subject": "notice to people"})
    return duties


def _duty(action: str, who: str) -> dict[str, Any]:
    return {
        "@type": "odrl:Duty",
        "odrl:action": _ref(ODRL + action),
        "odrl:assignee": _ref(URN + who),
    }


def _prohibition(
    document: Mapping[str, Any], name: str, line: Mapping[str, Any], taxonomy: Mapping[str, Any]
) -> dict[str, Any]:
    terms = sorted(
        iri for iri, crossed in taxonomy["red_declared"].items() if crossed == name and "://" in iri
    )
    return {
        "@type": "odrl:Prohibition",
        "odrl:action": _ref(ODRL + "use"),
        "odrl:assignee": [_ref(URN + one["party"]) for one in document["parties"]],
        "odrl:target": [_ref(f"{URN}schema:{one['record_type']}") for one in document["data"]],
        "dct:description": line["text"],
        "odrl:constraint": [
            {
                "@type": "odrl:Constraint",
                "odrl:leftOperand": _ref(ODRL + "purpose"),
                "odrl:operator": _ref(ODRL + "isAnyOf"),
                "odrl:rightOperand": {"@list": [_ref(one) for one in (URN + name, *terms)]},
            }
        ],
    }


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {
        "@type": "odrl:Constraint",
        "odrl:leftOperand": _ref(ODRL + left),
        "odrl:operator": _ref(ODRL + operator),
        "odrl:rightOperand": right,
    }


def _ref(iri: str) -> dict[str, Any]:
    return {"@id": iri}


def _time(instant: str) -> dict[str, Any]:
    return _typed(instant, "dateTime")


def _typed(value: str, kind: str) -> dict[str, Any]:
    return {"@value": value, "@type": XSD + kind}
