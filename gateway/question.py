"""The question for a transfer: its terms, what people agreed, and classes of facts.

Names of fields, never values; names of evidence, never its text; no name of a person, and of
an organisation only its id. What is not here, policy cannot see.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.deployment import Deployment
from gateway.entry import bucket
from gateway.mapping import Plan
from gateway.minimize import Class
from gateway.policy import Template
from gateway.record import Record, fact_names, facts, fields
from gateway.terms import Terms


def class_of(record: Record, today: str) -> Class:
    """The class of a record: its type and its facts."""
    return record["record_type"], facts(record, today)


def template(
    terms: Terms, deployment: Deployment, classes: Sequence[Class], count: int, plan: Plan | None
) -> Template:
    """The question but for its moment. `classes` are distinct, in the order they are asked."""
    return Template.of(
        {
            "context": {"decisions": []},
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
            "agreement": _agreement(deployment.agreements[terms.agreement]),
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


def _fields(record_type: str, plan: Plan | None) -> list[str]:
    """What records of a type can have: all its fields, or those that a mapping has lines for.

    A mapping without lines for a type only says whose numbering the ids are: the format carries
    its own meaning.
    """
    named = plan.fields(record_type) if plan else ()
    return list(named if set(named) - {"record_id"} else fields(record_type))


def named_facts(record_type: str, values: Sequence[Any]) -> dict[str, Any]:
    """Facts by name. One a record does not have is absent, never null."""
    pairs = zip(fact_names(record_type), values, strict=True)
    return {name: value for name, value in pairs if value is not None}


def _party(party: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": party["id"],
        "kind": party["kind"],
        "regimes": [dict(regime) for regime in party["regimes"]],
        "purposes": list(party.get("purposes", ())),
    }


def _agreement(agreement: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: agreement[key] for key in agreement if key not in ("title", "document_hash")}
    shown["legal_bases"] = [
        {**basis, "evidence": sorted(basis["evidence"])} for basis in agreement["legal_bases"]
    ]
    shown["decisions"] = [
        {key: value for key, value in decision.items() if key != "reason"}
        for decision in agreement.get("decisions", ())
    ]
    return shown
