"""Requests of people about their own data: who asked what, how far it is, until when.

    received -> identified -> answered -> closed          refused -> closed, before an answer

Nothing is told to anybody before somebody has proven who they are. The log says what was
asked and when it was answered, never by whom it was asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.deployment import Deployment
from gateway.entry import new_id
from gateway.errors import OfficerError, SenderError
from gateway.happenings.incident import active_officer
from gateway.happenings.looking import of_kinds
from gateway.happenings.said import said
from gateway.log import Appended, Duplicate, Log
from gateway.log_subjects import Subjects

RIGHTS = (
    "access", "correction", "erasure", "objection", "restriction", "withdrawal", "complaint",
)  # fmt: skip
DAYS = 30
DAY_MS = 86_400_000
NEXT = {
    "": ("received",),
    "received": ("identified", "refused"),
    "identified": ("answered", "refused"),
    "answered": ("closed",),
    "refused": ("closed",),
    "closed": (),
}
"""Which states may follow a state. A complaint is answered without proof of who complains."""

REFUSALS = (
    "dpv:DataSubjectProtectionImpaired", "dpv:IdentityVerificationFailure",
    "dpv:LegalClaimImpaired", "dpv:LegalObligation", "dpv:PublicHealthCompromised",
    "dpv:PublicInterestArchivingImpaired", "dpv:SecurityImpaired",
    "dpv:ThirdPartyRightsImpaired", "hum.violations_documentation",
)  # fmt: skip
"""Reasons for which a request may be refused, from https://w3id.org/dpv/justifications."""


@dataclass(slots=True)
class Case:
    """One request, out of its entries."""

    id: str
    what: str
    due: int
    states: list[tuple[str, int]] = field(default_factory=list)
    """State and when."""
    reason: str = ""

    @property
    def state(self) -> str:
        """How far it is."""
        return self.states[-1][0] if self.states else ""

    def late(self, now: int) -> bool:
        """Whether it was, or is, answered after it was due."""
        ended = [time for state, time in self.states if state in ("answered", "refused")]
        return (ended[0] if ended else now) > self.due


def cases(log: Log) -> dict[str, Case]:
    """Every request in the log, oldest first."""
    found: dict[str, Case] = {}
    for one in of_kinds(log, *(f"rights.{what}" for what in RIGHTS)):
        case = found.setdefault(one["case"], Case(one["case"], one["what"], one.get("due", 0)))
        case.states.append((one["state"], one["time"]))
        case.reason = one.get("reason", case.reason)
    return found


@dataclass(frozen=True, slots=True)
class Office:
    """Where requests are taken: a log, what people decided, and the officer who answers."""

    log: Log
    deployment: Deployment
    by: str

    def receive(self, what: str, now: int) -> Case:
        """Somebody asks. The case's id is for the answer, never the person's name."""
        active_officer(self.deployment.officers, self.by)
        if what not in RIGHTS:
            raise OfficerError("no such right", rule="rights.what", at="RIGHT")
        case = Case(new_id(), what, now + DAYS * DAY_MS)
        self.step(case, "received", due=case.due)
        return case

    def case(self, name: str, what: str = "") -> Case:
        """A case that is open. Raises `OfficerError` for every other."""
        active_officer(self.deployment.officers, self.by)
        case = cases(self.log).get(name)
        if case is None or (what and case.what != what):
            raise OfficerError("no such case", rule="rights.unknown", at="--case")
        return case

    def refuse(self, case: Case, reason: str) -> None:
        """Refuse a request, for one of the reasons that are allowed."""
        if reason not in REFUSALS:
            raise OfficerError("not a reason known here", rule="rights.reason", at="--reason")
        self.step(case, "refused", reason=reason)

    def identified(self, case: Case) -> None:
        """The person has proven who they are, to the officer who says so."""
        if case.state == "received":
            self.step(case, "identified")
        elif case.state != "identified":
            raise OfficerError("answered before", rule="rights.state", at="--case")

    def step(
        self, case: Case, state: str, subjects: Subjects | None = None, **parts: Any
    ) -> Appended:
        """Write down the next state of a case, and what it does to the rows about people."""
        allowed = NEXT[case.state] + (("answered",) if case.what == "complaint" else ())
        if state not in allowed or state in {known for known, _ in case.states}:
            raise OfficerError("not the next step", rule="rights.state", at="--case")
        entry = said(
            "rights", self.deployment.settings.gateway.name, what=case.what, case=case.id,
            state=state, signers=[self.by], **parts,
        )  # fmt: skip
        appended = append(self.log, entry, f"rights/{case.id}/{len(case.states)}", subjects)
        case.states.append((state, 0))
        return appended


def append(
    log: Log, entry: Mapping[str, Any], once: str, subjects: Subjects | None = None
) -> Appended:
    """Log one step, once."""
    try:
        return log.submit(entry, once=once, subjects=subjects).result()
    except Duplicate:
        raise SenderError("somebody was faster", rule="case.taken", status=409) from None
