"""Decisions of people: when one came into force, and which of them a release rests on.

An agreement's signatures do not cover its decisions, for they come later. So each one is
written down the first time that a gateway reads it, with a commitment to its reason.
"""

import hmac
import json
from collections.abc import Mapping
from typing import Any

from gateway.approval import moment
from gateway.canonical import canonical
from gateway.deployment import Deployment, Keys
from gateway.entry import commitment, new_salt
from gateway.errors import GatewayError
from gateway.happenings.looking import open_work
from gateway.happenings.said import said
from gateway.log import Keep, Log
from gateway.policy import Decision, PolicyEngine, Question

KIND = "decision"
MAX_NAMED = 32
"""Decisions that one entry names."""

_MADE = Mapping[str, tuple[str, Mapping[str, Any]]]


def follow(log: Log, deployment: Deployment, keys: Keys, before: Deployment | None = None) -> int:
    """Log decisions that are new in the agreements, and those that are there no more.

    `before` is what this process read last; see `followed.follow`.
    """
    now, old = _made(deployment, keys), None if before is None else _made(before, keys)
    written = {key: json.loads(value) for key, value in open_work(log, KIND)}
    gateway = deployment.settings.gateway.name
    new = [key for key in now if key not in written and (old is None or key not in old)]
    gone = [key for key in written if key not in now and (old is None or key in old)]
    for key in new:
        _log_made(log, gateway, key, *now[key])
    for key in gone:
        _log_gone(log, gateway, written[key])
        log.destroy(KIND, key)
    return len(new) + len(gone)


def _made(deployment: Deployment, keys: Keys) -> _MADE:
    """Agreement and decision, under a keyed digest: a bare one of the reason could be guessed."""
    found = {}
    for name, agreement in deployment.agreements.items():
        for made in agreement.get("decisions", ()):
            text = canonical({"agreement": name, "decision": made})
            mark = hmac.digest(keys.content, b"decision\n" + text, "sha256").hex()
            found[mark] = (name, made)
    return found


def _log_made(log: Log, gateway: str, key: str, agreement: str, made: Mapping[str, Any]) -> None:
    salt = new_salt()
    parts = {"decision": made["decision"], "subject": agreement, "roles": sorted(made["by"])}
    entry = said(
        KIND,
        gateway,
        what="approved",
        **parts,
        requester=made.get("requested_by"),
        signers=list(made.get("officers", ())),
        reason=commitment(made["reason"].encode(), salt),
        valid_until=int(moment(made["valid_until"]).timestamp()) * 1000,
    )
    kept = canonical({**parts, "entry": entry["id"], "salt": salt.hex()})
    try:
        log.append(entry, keep=[Keep(KIND, key, kept)])
    except GatewayError as error:
        if error.rule != "log.taken":  # another process read the same file just now
            raise


def _log_gone(log: Log, gateway: str, kept: Mapping[str, Any]) -> None:
    parts = {name: kept[name] for name in ("decision", "subject", "roles")}
    log.append(said(KIND, gateway, what="expired", **parts, signers=[], of=kept["entry"]))


async def rests_on(decision: Decision, engine: PolicyEngine) -> dict[str, list[str]]:
    """The `decisions` of the entry of a release: those without which the answer is another.

    Policy is asked the same question again without the decision, for each of the agreement's.
    The answers are remembered like any other.
    """
    # Most agreements have none, and a question is long.
    if decision.verdict != "allow" or b'"decisions":[{' not in decision.asked.cache_key:
        return {}
    asked: dict[str, Any] = decision.asked.document
    names = sorted({made["decision"] for made in asked["agreement"]["decisions"]})
    found = []
    for name in names:
        without = await engine.decide(_without(name, asked))
        if (without.verdict, without.classes) != (decision.verdict, decision.classes):
            found.append(name)
    return {"decisions": found[:MAX_NAMED]} if found else {}


def _without(name: str, asked: Mapping[str, Any]) -> Question:
    agreement = dict(asked["agreement"])
    agreement["decisions"] = [one for one in agreement["decisions"] if one["decision"] != name]
    return Question.of({**asked, "agreement": agreement})
