"""The question for a transfer: its terms, what people agreed, and classes of facts.

Names of fields, never values; names of evidence, never its text; no name of a person, and of
an organisation only its id. What is not here, policy cannot see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.agreement import policy_view
from gateway.deployment import Deployment
from gateway.entry import bucket
from gateway.incoming import Class
from gateway.mapping import Plan
from gateway.policy import Template
from gateway.record import Record, fact_names, facts, fields
from gateway.terms import Terms


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides beside the terms and the records: what stands, and what went before."""

    unsigned: str = "refuse"
    """Whether an agreement counts that nobody signed and activated: `allow` or `refuse`."""
    state: str = "draft"
    """Of the agreement, as the log has it."""
    signed_by: tuple[str, ...] = ()
    """Parties whose signature over the agreement was verified."""
    approved_by: tuple[str, ...] = ()
    """Roles of the officers who approved this version."""
    released_before: bool = False
    """Whether this sender released to this recipient for this purpose within twelve months."""
    derogations: int = 2
    """Releases to this recipient under a derogation within twelve months, 2 for more."""
    above_volume: tuple[str, ...] = ()
    """Record types of which there are more than the agreement lets through at once."""
    sensitivity: tuple[tuple[str, str], ...] = ()
    """The country's classification, by record type."""
    risk: tuple[tuple[str, int, int, int], ...] = ()
    """Measured of what would leave: record type, k, l, risk in permille."""


def class_of(record: Record, today: str) -> Class:
    """The class of a record: its type and its facts."""
    return record["record_type"], facts(record, today)


def template(
    terms: Terms,
    deployment: Deployment,
    classes: Sequence[Class],
    count: int,
    plan: Plan | None,
    around: Circumstances,
) -> Template:
    """The question but for its moment. `classes` are distinct, in the order they are asked."""
    return Template.of(
        {
            "context": _context(around),
            "request": {
                "sender": terms.sender,
                "recipient": terms.recipient,
                "agreement": terms.agreement,
                "purpose": terms.purpose,
                "legal_basis": terms.legal_basis,
                "deliver": terms.deliver,
                "into": terms.target,
            },
            "sender": _party(deployment.parties[terms.sender]),
            "recipient": _party(deployment.parties[terms.recipient]),
            "agreement": policy_view(
                deployment.agreements[terms.agreement],
                around.signed_by,
                around.approved_by,
                around.state,
            ),
            "records": bucket(count),
            "classes": [
                {
                    "record_type": record_type,
                    "fields": _fields(record_type, plan),
                    "facts": named_facts(record_type, values),
                }
                for record_type, values in classes
            ],
        }
    )


def _context(around: Circumstances) -> dict[str, Any]:
    prior = {
        "transfers": "some" if around.released_before else "none",
        "derogations": around.derogations,
    }
    context: dict[str, Any] = {
        "decisions": [],
        "unsigned": around.unsigned,
        "prior": prior,
        "above_volume": list(around.above_volume),
        "sensitivity": dict(around.sensitivity),
    }
    if around.risk:
        context["risk"] = {
            record_type: {"k": k, "l": l, "risk_permille": permille}
            for record_type, k, l, permille in around.risk  # noqa: E741 - l-diversity has a name
        }
    return context


def _fields(record_type: str, plan: Plan | None) -> list[str]:
    """What records of a type can have: all its fields, or those that a mapping has lines for.

    A mapping without lines for a type only says whose numbering the ids are: the format carries
    its own meaning.
    """
    named = plan.fields(record_type) if plan else ()
    return list(named if set(named) - {"record_id"} else fields(record_type))


def named_facts(record_type: str, values: Sequence[Any]) -> dict[str, Any]:
    """Facts by name. One a record does not have is absent, never null; a list stays a list."""
    pairs = zip(fact_names(record_type), values, strict=True)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in pairs
        if value is not None
    }


def _party(party: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": party["id"],
        "kind": party["kind"],
        "status": party["status"],
        "regimes": [dict(regime) for regime in party["regimes"]],
        "purposes": list(party.get("purposes", ())),
    }
