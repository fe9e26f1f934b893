"""Incidents and compelled disclosure: opened within the hour, and told to whom it concerns in time.

    incident   opened -> contained, partner_told, authority_told, people_told -> closed
    compelled  opened -> refused | disclosed, partner_told -> closed

The log says what kind, how grave, which organisation and roughly how many transfers; who did
what to whom is written elsewhere. A demand never changes a policy: what is disclosed is
disclosed outside of the gateway, and said here so that the log stays true.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.deployment import Deployment
from gateway.entry import bucket, new_id
from gateway.errors import OfficerError, SenderError
from gateway.happenings.looking import of_kinds
from gateway.happenings.said import said, step
from gateway.log import Appended, Log

HOUR = 3_600_000
CLOCK = {
    "incident": {"partner_told": 24 * HOUR, "authority_told": 72 * HOUR},
    "compelled": {"partner_told": 24 * HOUR},
}
"""How long after the opening somebody must have been told (GDPR, Article 33)."""
KINDS = {
    "incident": (
        "access", "device_lost", "disclosure", "key_exposed", "malware", "misdirected",
        "policy_breach", "recipient_breached", "retention_exceeded", "other",
    ),
    "compelled": ("court_order", "law_enforcement", "regulator", "security_service", "other"),
}  # fmt: skip
STEPS = {
    "incident": ("contained", "partner_told", "authority_told", "people_told", "closed"),
    "compelled": ("refused", "disclosed", "partner_told", "closed"),
}
AGAIN = ("partner_told",)
"""What may be said more than once: of one partner and then of another."""


@dataclass(slots=True)
class Case:
    """One incident, out of its entries."""

    id: str
    what: str
    kind: str
    opened: int
    severity: int | None = None
    party: str = ""
    transfers: str = ""
    states: list[tuple[str, int, str]] = field(default_factory=list)
    """State, when, and the organisation it is about."""

    @property
    def closed(self) -> bool:
        """Whether nothing follows."""
        return self.states[-1][0] == "closed"

    def said(self) -> set[str]:
        """States it was in."""
        return {state for state, _, _ in self.states}

    def due(self) -> dict[str, int]:
        """Who has yet to be told, and until when."""
        told = self.said()
        if self.closed:
            return {}
        clock = CLOCK[self.what]
        return {state: self.opened + time for state, time in clock.items() if state not in told}

    def late(self) -> list[str]:
        """Who was told, and too late."""
        clock = CLOCK[self.what]
        first: dict[str, int] = {}
        for state, time, _ in self.states:
            first.setdefault(state, time)
        return [state for state in clock if first.get(state, 0) > self.opened + clock[state]]


def cases(log: Log) -> dict[str, Case]:
    """Every incident in the log, oldest first."""
    found: dict[str, Case] = {}
    for one in of_kinds(log, "incident.incident", "incident.compelled"):
        case = found.get(one["case"])
        if case is None:
            case = Case(one["case"], one["what"], one.get("reason", "other"), one["time"])
            found[one["case"]] = case
        case.severity = one.get("severity", case.severity)
        case.transfers = one.get("transfers", case.transfers)
        if one["state"] == "opened":
            case.party = one.get("party", "")
        case.states.append((one["state"], one["time"], one.get("party", "")))
    return found


@dataclass(frozen=True, slots=True)
class Opening:
    """A new case, as an officer tells it."""

    what: str
    kind: str
    severity: int | None
    party: str = ""
    transfers: int | None = None
    """How many are concerned."""


def open_case(log: Log, deployment: Deployment, opening: Opening, by: str) -> Appended:
    """Write down that something happened. The entry's `case` names it from now on."""
    if opening.kind not in KINDS[opening.what]:
        raise OfficerError("not a kind known here", rule="incident.kind", at="--kind")
    if opening.what == "incident" and opening.severity is None:
        raise OfficerError("1 to 4", rule="incident.severity", at="--severity")
    _check_people(deployment, by, opening.party)
    number = None if opening.transfers is None else bucket(opening.transfers)
    return log.append(
        said(
            "incident", deployment.settings.gateway.name, what=opening.what, case=new_id(),
            state="opened", severity=opening.severity, party=opening.party or None,
            reason=opening.kind, transfers=number, signers=[by],
        )
    )  # fmt: skip


def update(
    log: Log, deployment: Deployment, name: str, state: str, by: str, *, party: str = "",
    severity: int | None = None,
) -> Appended:  # fmt: skip
    """Write down the next step of a case."""
    case = cases(log).get(name)
    if case is None:
        raise OfficerError("no such case", rule="incident.unknown", at="CASE")
    _check_people(deployment, by, party)
    _check_step(case, state, party)
    entry = said(
        "incident", deployment.settings.gateway.name, what=case.what, case=case.id, state=state,
        severity=severity, party=party or None, signers=[by],
    )  # fmt: skip
    try:
        return step(log, entry, once=f"incident/{case.id}/{len(case.states)}")
    except SenderError:
        raise OfficerError("somebody was faster: look again", rule="case.taken") from None


def _check_step(case: Case, state: str, party: str) -> None:
    if state not in STEPS[case.what]:
        raise OfficerError("not a state of such a case", rule="incident.state", at="--state")
    if case.closed:
        raise OfficerError("the case is closed", rule="incident.closed", at="CASE")
    before: Sequence[tuple[str, str]] = [(one, about) for one, _, about in case.states]
    again = (state, party) in before if state in AGAIN else state in case.said()
    answers = {"refused", "disclosed"}
    if again or (state == "refused" and "disclosed" in case.said()):
        raise OfficerError("said before", rule="incident.twice", at="--state")
    if state == "closed" and case.what == "compelled" and not answers & case.said():
        raise OfficerError("neither refused nor disclosed", rule="incident.open", at="--state")
    if state == "closed" and case.what == "incident" and "contained" not in case.said():
        raise OfficerError("not contained yet", rule="incident.open", at="--state")


def _check_people(deployment: Deployment, by: str, party: str) -> None:
    active_officer(deployment.officers, by)
    if party and party not in deployment.parties:
        raise OfficerError("no such party", rule="party.unknown", at="--party")


def active_officer(officers: Mapping[str, Mapping[str, Any]], name: str) -> None:
    """Raises `OfficerError` unless this is an officer who did not leave."""
    if officers.get(name, {"status": ""})["status"] != "active":
        raise OfficerError("no such officer", rule="officer.unknown", at="--as")
