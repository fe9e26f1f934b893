"""The account of a transfer: what its log entry says to everyone, and its receipt to the parties.

The entry holds organisations, codes, names of fields and magnitudes. The details hold exact
counts and lineage, are committed to by the entry, and go to the parties only. Neither holds a
value of any record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway import adapter
from gateway.canonical import canonical, digest
from gateway.deployment import Deployment
from gateway.entry import bucket, commitment, commitment_to, transfer
from gateway.minimize import Limits, Minimized
from gateway.policy import ClassDecision, Decision, Question
from gateway.receipt import Opening
from gateway.receipt import written as spelt
from gateway.record import Reading, load
from gateway.records import Received
from gateway.remembered import Remembered
from gateway.spool import Spool
from gateway.terms import Terms

NONE_LEFT = "records.none_releasable"
MAX_NAMED = 60
"""Fields an entry names one by one; two record types have fewer."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A class's decision as `minimize` reads it. Equal to nothing but itself."""

    allows: bool
    rules: tuple[str, ...]
    forms: Mapping[str, tuple[str, str]]
    limits: Limits

    @classmethod
    def of(cls, decided: ClassDecision) -> "Answer":
        """The answer for one class."""
        return cls(
            decided.verdict == "allow",
            tuple(objection.rule for objection in decided.objections),
            {name: (one.form, one.reason) for name, one in decided.fields.items()},
            decided.limits,
        )


@dataclass(frozen=True, slots=True)
class Written:
    """What the recipient's adapter wrote."""

    spool: Spool = field(repr=False)
    media_type: str
    lineage: Mapping[str, str]
    """Canonical leaf path to the path it was written to."""
    unrendered: tuple[str, ...]


def details(
    reading: Reading,
    decision: Decision,
    minimized: Minimized | None,
    rendered: Written | None,
    received: Received,
    remembered: Remembered,
) -> dict[str, Any]:
    """What the parties are told. Follows `details` of schemas/receipt.json."""
    twice = [f"{received.twice} records came twice"] if received.twice else []
    objections = _objections(decision)
    if decision.verdict == "allow" and rendered is None:
        objections = [{"rule": NONE_LEFT, "fix": "See held_back."}]
    told: dict[str, Any] = {
        "verdict": decision.verdict if rendered or decision.verdict != "allow" else "refuse",
        "objections": objections,
        "pending": [{"decision": one.decision, "who": one.who} for one in decision.pending],
        "fields": _fields(minimized) if minimized else _foreseen(decision),
        "lineage": _lineage(reading, minimized, rendered, remembered),
        "unmapped": sorted(reading.unmapped),
        "repeated": [*sorted(reading.repeated), *twice],
        "unrendered": list(rendered.unrendered) if rendered else [],
        "held_back": dict(minimized.held_back) if minimized else {},
        "records": {"read": received.count, "released": minimized.count if minimized else 0},
        "obligations": list(decision.obligations) if rendered else [],
    }
    if reading.faults is not None and reading.faults.count:
        told["faults"] = reading.faults.told()
    if rendered:
        told["media_type"] = rendered.media_type
    return told


def _objections(decision: Decision) -> list[dict[str, str]]:
    """Rules against the transfer; where no record is left, those against its records as well."""
    found = {one.rule: one.fix for one in decision.objections}
    if NONE_LEFT in found:
        against = sorted((o.rule, o.fix) for one in decision.classes for o in one.objections)
        found |= {rule: fix for rule, fix in against if rule not in found}
    return [{"rule": rule, "fix": fix} for rule, fix in found.items()]


def _foreseen(decision: Decision) -> dict[str, dict[str, str]]:
    """What each field would leave as once people have decided; nothing for a refusal."""
    if decision.verdict != "pending":
        return {}
    found: dict[str, dict[str, str]] = {}
    for one in decision.classes:
        for name, how in one.fields.items():
            reason = {"reason": how.reason} if not how.released else {}
            path = f"{one.record_type}.{name}"
            if not reason or path not in found:
                found[path] = {"form": how.form, **reason}
    return found


def _fields(minimized: Minimized) -> dict[str, dict[str, str]]:
    left = {name: {"form": form} for name, form in minimized.released.items()}
    stayed = {
        name: {"form": "drop", "reason": reason} for name, reason in minimized.withheld.items()
    }
    return {**left, **stayed}


def _lineage(
    reading: Reading,
    minimized: Minimized | None,
    rendered: Written | None,
    remembered: Remembered,
) -> list[dict[str, str]]:
    if minimized is None or rendered is None:
        return []
    key = (tuple(reading.lineage.items()), tuple(rendered.lineage.items()))
    return remembered.of("lineage", key, lambda: _lines(reading.lineage, rendered.lineage))


def _lines(read: Mapping[str, str], written_: Mapping[str, str]) -> list[dict[str, str]]:
    """Where each written leaf came from. A leaf made by a form came from the field it was."""
    return [
        {"source": _source(leaf, read), "field": leaf, "target": target}
        for leaf, target in sorted(written_.items())
    ]


def _source(leaf: str, read: Mapping[str, str]) -> str:
    record_type, name = leaf.replace("[]", "").split(".")[:2]
    found = read.get(leaf) or _nearest(f"{record_type}.{name}", read)
    if found:
        return found
    # An age band is made of the date of birth.
    properties = load(record_type)["properties"]
    made = [one for one in properties if properties[one].get("x-band-into") == name]
    return " | ".join(_nearest(f"{record_type}.{one}", read) for one in made) or "made by form"


def _nearest(field: str, lineage: Mapping[str, str]) -> str:
    """The sources of every leaf of a field, for a leaf that was made of them."""
    found = {
        source
        for name, source in lineage.items()
        if f"{name.replace('[]', '')}.".startswith(f"{field}.")
    }
    return " | ".join(sorted(found))


def entry(
    transfer_id: str,
    terms: Terms,
    decision: Decision,
    deployment: Deployment,
    outcome: str,
    opening: Opening,
    *,
    details: Mapping[str, Any],
    minimized: Minimized | None,
    written: Written | None,
    considered: int,
    remembered: Remembered,
) -> dict[str, Any]:
    """The log entry of a transfer. Follows schemas/entry.json."""
    rules = {one["rule"] for one in details["objections"]} | set(details["held_back"])
    rules |= {one["decision"] for one in details["pending"]}
    asked = decision.asked
    released = minimized.released if minimized and written else {}
    withheld = minimized.withheld if minimized and written else {}
    return transfer(
        id=transfer_id,
        outcome=outcome,
        **remembered.of("frame", terms, lambda: _frame(terms, deployment)),
        border=_border(decision),
        policy={
            "bundle": decision.revision,
            "question": remembered.of("digest", asked, lambda: decision.question),
            "engine": decision.engine,
            "template": template_digest(asked, remembered),
            "at": asked.now,
        },
        rules=sorted(rules),
        released=remembered.with_object("named", released, lambda: _named(released)),
        withheld=remembered.with_object("named", withheld, lambda: _named(withheld)),
        obligations=details["obligations"],
        count=bucket(details["records"]["released"] if written else 0),
        considered=bucket(considered),
        content=commitment_to(written.spool.digest, opening.content) if written else None,
        details=commitment(spelt(details), opening.details),
    )


def template_digest(asked: Question, remembered: Remembered) -> str:
    """The name of a question but for its moment. It is long, and the same for many transfers."""
    return remembered.with_object("template", asked.template, lambda: digest(asked.cache_key))


def _frame(terms: Terms, deployment: Deployment) -> dict[str, Any]:
    """The parts of an entry that follow from the terms alone."""
    agreement = deployment.agreements[terms.agreement]
    plan = deployment.mappings[terms.mapping] if terms.mapping else None
    source, target = adapter.named(terms.source), adapter.named(terms.target)
    return {
        "gateway": deployment.settings.gateway.name,
        "sender": _party(terms.sender, deployment),
        "recipient": _party(terms.recipient, deployment),
        "purpose": terms.purpose,
        "legal_basis": terms.legal_basis,
        "agreement": {
            "id": terms.agreement,
            "version": agreement["version"],
            "digest": digest(canonical(agreement)),
        },
        "formats": {"in": terms.source, "out": terms.target},
        "adapters": {
            "in": f"{source.name}@{source.version}",
            "out": f"{target.name}@{target.version}",
        },
        "mapping": {"id": plan.id, "version": plan.version, "digest": plan.digest}
        if plan
        else None,
    }


def _party(party: str, deployment: Deployment) -> dict[str, Any]:
    regimes = deployment.parties[party]["regimes"]
    return {"party": party, "regimes": [f"{one['kind']}:{_regime(one['id'])}" for one in regimes]}


def _regime(name: str) -> str:
    return name.removeprefix("io:")


def _border(decision: Decision) -> dict[str, Any]:
    border: dict[str, Any] = {
        "crosses": decision.border.crosses,
        "destination": decision.border.destination,
    }
    if decision.border.instrument:
        border["instrument"] = decision.border.instrument
    return border


def _named(fields: Mapping[str, str]) -> Sequence[str]:
    return [f"{name}:{how}" for name, how in sorted(fields.items())][:MAX_NAMED]
