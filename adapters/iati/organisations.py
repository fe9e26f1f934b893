"""Who: the organisation that reports, those that take part, and a focal point."""

from typing import Any

from adapters.iati.node import Node, said
from adapters.iati.terms import OCHA_TO_IATI, ORG_TYPES, ROLES, Tongue

REPORTING = "reporting"
_CODE_OF = {role: code for code, role in ROLES.items()}


def read_organisations(activity: Node, tongue: Tongue) -> dict[str, Any]:
    """`organisations`, the reporting one first. Kinds stay codes of IATI's list."""
    found = [{**_read(node, tongue), "role": REPORTING} for node in activity.all("reporting-org")]
    for node in activity.all("participating-org"):
        code = tongue.code(node, "role", ROLES)
        item = _read(node, tongue) | ({} if code is None else {"role": ROLES[code]})
        found += [item] if item else []
    return {"organisations": found}


def _read(node: Node, tongue: Tongue) -> dict[str, Any]:
    item = {
        "org_name": tongue.spoken(node),
        "org_id": node.get("ref"),
        "org_type_code": tongue.code(node, "type", ORG_TYPES),
    }
    return {key: value for key, value in item.items() if value is not None}


def write_organisations(activity: Node, record: dict[str, Any]) -> None:
    """The first that reports, and each whose role IATI has. The others cannot be written."""
    several = record.get("organisations", ())
    reporting = [one for one in several if one.get("role") == REPORTING][:1]
    for one in reporting:
        _written(activity.add("reporting-org"), one)
    for one in several:
        role = _CODE_OF.get(one.get("role", ""))
        if role:
            _written(activity.add("participating-org", role=role), one)


def _written(node: Node, one: dict[str, Any]) -> None:
    code = one.get("org_type_code", "")
    kind = code if code in ORG_TYPES else OCHA_TO_IATI.get(code)
    ref, name = said(one.get("org_id")), said(one.get("org_name"))
    if ref:
        node.attributes["ref"] = ref
    if kind:
        node.attributes["type"] = kind
    if name:
        node.add("narrative", name)


_CONTACT = (
    ("person-name", "name", True),
    ("job-title", "role", True),
    ("telephone", "phone", False),
    ("email", "email", False),
)
"""Element, field, and whether it holds narratives. In the order of the elements."""


def read_contact(activity: Node, tongue: Tongue) -> dict[str, Any]:
    """`contact`, of the first contact-info. Personal data of staff."""
    for node in activity.all("contact-info")[:1]:
        found = {}
        for element, field, narrative in _CONTACT:
            inner = node.one(element)
            if inner is not None:
                found[field] = tongue.spoken(inner) if narrative else inner.own()
        found = {key: value for key, value in found.items() if value is not None}
        if found:
            return {"contact": found}
    return {}


def write_contact(activity: Node, record: dict[str, Any]) -> None:
    """One contact-info."""
    node = Node("contact-info")
    for element, field, narrative in _CONTACT:
        value = said(record.get("contact", {}).get(field))
        if value and narrative:
            node.add(element).add("narrative", value)
        elif value:
            node.add(element, value)
    activity.children += [node] if node.children else []
