"""What the form says of a case itself: its numbers and size, and why and how soon it is sent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.progres.errf import codes
from adapters.progres.errf.envelope import broken
from adapters.progres.errf.members import coded, own_code
from adapters.progres.errf.tables import REFERENCE, UNKNOWN, Parts, Row
from adapters.progres.errf.values import count_of, telling

NUMBER = "ProcessingGroupNumber"
GUID = "ProcessingGroupGUID"
SIZE = "ProcessingGroupSize"
CRITERIA = "ResettlementCriteriaCode"
SECOND = "ResettlementCriteria2Code"
PRIORITY = "ResettlementPriorityCode"

IDENTIFIERS = {NUMBER: "unhcr_id_no", GUID: "unhcr_id_guid"}
"""Element to the type of identifier it is."""

SYSTEM = "unhcr_resettlement_criteria"

_NONE = "N/A"
"""Stands where a reason would, and is none."""

_FROM, _TO = "ProcessingGroupNumberFrom", "ProcessingGroupNumberTo"
_REFERRAL = ":resettlement"
_LOCAL = re.compile(r"[^/\s\ufeff][^\s\ufeff]*")


@dataclass(frozen=True, slots=True)
class Numbering:
    """Ids of records: whose numbers they are, a slash, and the number."""

    authority: str

    def person(self, number: str, at: str) -> str:
        """Of an individual. Raises `SenderError` for a number that is none."""
        if not _LOCAL.fullmatch(number):
            raise broken("not a number of a person", "id", at, "IndividualID")
        return f"{self.authority}/{number}"

    def household(self, number: str) -> str:
        """Of the people of a case. Raises `SenderError` for a number that is none."""
        if not _LOCAL.fullmatch(number):
            raise broken("not a number of a case", "id", "", NUMBER)
        return f"{self.authority}/{number}"

    def referral(self, number: str) -> str:
        """Of the referral of a case, which is another record than its people."""
        return f"{self.household(number)}{_REFERRAL}"

    def part(self, number: str, individual: str) -> str:
        """Of what the referral says of a member other than its subject."""
        return f"{self.household(number)}:{individual}"

    def referred(self, record_id: str) -> str | None:
        """The number of the case a referral is about. None for another record."""
        before = f"{self.authority}/"
        if not record_id.startswith(before) or not record_id.endswith(_REFERRAL):
            return None
        return record_id.removeprefix(before).removesuffix(_REFERRAL)


def read_group(parts: Parts) -> dict[str, Any]:
    """`group_identifier` and `group_size` of a household."""
    found = [(name, parts[name]) for name in (NUMBER, GUID) if name in parts]
    household: dict[str, Any] = {
        "group_identifier": [
            {"identifier_type": IDENTIFIERS[name], "identifier_value": text} for name, text in found
        ]
    }
    if SIZE in parts:
        household["group_size"] = count_of(str(parts[SIZE]))
    return household


def write_group(household: Mapping[str, Any]) -> Parts:
    """The row of the case."""
    parts: Parts = {}
    for name, type_ in IDENTIFIERS.items():
        for one in household.get("group_identifier", ()):
            if one.get("identifier_type") == type_:
                parts = {**telling({name: one.get("identifier_value")}), **parts}
    if "group_size" in household:
        parts[SIZE] = str(household["group_size"])
    return parts


def read_referral(parts: Parts, number: str, numbering: Numbering, at: str) -> dict[str, Any]:
    """`reason`, `priority` and `related_cases` of a referral."""
    case: dict[str, Any] = {}
    texts = {name: str(parts[name]) for name in (CRITERIA, SECOND) if name in parts}
    reasons = [own_code(text, at, name) for name, text in telling(texts).items() if text != _NONE]
    if reasons:
        case["reason"] = [{"system": SYSTEM, "code": code} for code in reasons]
    text = parts.get(PRIORITY)
    if isinstance(text, str):
        priority = coded(text, codes.PRIORITY, at, PRIORITY)
        case |= {"priority": priority} if priority else {"absent": {"priority": "unknown"}}
    others = {row[_TO]: None for row in _rows(parts) if row.get(_FROM) == number and _TO in row}
    related = [
        {"related": numbering.referral(other)}
        for other in others
        if other != number and _LOCAL.fullmatch(other)
    ]
    return {**case, "related_cases": related} if related else case


def write_referral(case: Mapping[str, Any], number: str, numbering: Numbering) -> Parts:
    """The rows that say it."""
    reasons = [one.get("code") for one in case.get("reason", ()) if one.get("system") == SYSTEM]
    parts: Parts = {
        **telling(dict(zip((CRITERIA, SECOND), reasons, strict=False))),
        **telling({PRIORITY: codes.PRIORITY_BACK.get(case.get("priority", ""))}),
    }
    if case.get("absent", {}).get("priority") == "unknown":
        parts.setdefault(PRIORITY, UNKNOWN)
    rows = [
        {_FROM: number, **to}
        for one in case.get("related_cases", ())
        if one.keys() == {"related"}
        if (to := telling({_TO: numbering.referred(one["related"])}))
    ]
    return {**parts, REFERENCE: rows} if rows else parts


def _rows(parts: Parts) -> list[Row]:
    rows = parts.get(REFERENCE, [])
    return rows if isinstance(rows, list) else []
