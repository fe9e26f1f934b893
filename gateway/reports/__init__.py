"""What auditors, officers and boards ask of the log, as named reports (`REPORTS`).

A report is computed from one checkpoint and says which. What the log cannot answer stands in
`not_answered`: an empty table is never all there is to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import SenderError
from gateway.reports import copies, grounds, people, processing, transfers, whole
from gateway.reports.report import Answer, Ask, Asked, Question, Report, said
from gateway.reports.source import Searched, Source

__all__ = ["REPORTS", "Answer", "Asked", "Named", "Report", "Source", "named", "run"]


@dataclass(frozen=True, slots=True)
class Named:
    """One question that can be asked by its name."""

    number: int
    """In the list of questions a log must answer."""
    text: str
    ask: Ask
    by: tuple[str, ...] = ("party", "purpose", "agreement")
    """What else than a period it can be narrowed to."""


REPORTS: Mapping[str, Named] = {
    "sent": Named(1, "What was sent to whom, by purpose and country?", transfers.sent),
    "processing": Named(2, "The record of processing activities", processing.processing),
    "evidence": Named(3, "Transfers whose basis had no evidence, or was over", grounds.evidence),
    "consent": Named(4, "Transfers on consent, and withdrawals since", grounds.consent),
    "donors": Named(5, "Did identified data go to a donor?", transfers.donors),
    "person": Named(6, "What about me was shared?", whole.person, ()),
    "copies": Named(7, "Where are the copies of an agreement's data now?", copies.copies),
    "outside-agreement": Named(
        8, "Transfers outside an active agreement, or after its end", grounds.outside_agreement
    ),
    "assessments": Named(
        9, "Impact assessments missing, old, or with a high risk", grounds.assessments
    ),
    "decisions": Named(
        10, "Who approved it, when, and who asked?", people.decisions, ("party", "transfer")
    ),
    "holdings": Named(
        11, "What does a party hold on a day that it should still have?", copies.holdings
    ),
    "overdue": Named(
        12, "What is past its day of deletion, and which certificates miss?", copies.overdue
    ),
    "break-glass": Named(13, "Emergency access, its review, and how late", people.break_glass, ()),
    "notices": Named(14, "Were people told before it was sent?", grounds.notices),
    "below-threshold": Named(
        15, "Releases with a measured risk beyond the limits", transfers.below_threshold
    ),
    "changes": Named(
        16,
        "Changes of policies, agreements and keys: who signed?",
        people.changes,
        ("party", "agreement"),
    ),
    "rights": Named(17, "Requests of people: how many, late, refused, why", people.rights, ()),
    "offboarding": Named(
        18, "Transfers of a leaving organisation that nobody confirmed", copies.offboarding
    ),
    "unchanged": Named(19, "Has the log been changed since a day?", whole.unchanged, ()),
    "denials": Named(20, "Refusals by rule and red line, month by month", transfers.denials),
    "special-categories": Named(
        21, "Special categories without a condition", transfers.special_categories
    ),
    "unusual": Named(22, "Unusually large transfers", transfers.unusual),
    "forbidden-fields": Named(
        23, "Adapters that sent fields the schema forbids", whole.forbidden_fields, ()
    ),
    "decision-time": Named(24, "From request to decision: how long?", people.decision_time, ()),
}


def named(name: str) -> Named:
    """The report with this name. Raises `SenderError` where there is none."""
    if name not in REPORTS:
        raise SenderError("no such report", rule="report.unknown", at="NAME", status=404)
    return REPORTS[name]


def run(name: str, asked: Asked, log: Searched, now: int) -> Report:
    """Compute a report from the log as it is now. `now` is milliseconds since 1970."""
    report = named(name)
    for option in ("party", "purpose", "agreement", "transfer"):
        if getattr(asked, option) and option not in report.by:
            raise SenderError("not narrowed by it", rule="report.option", at=option)
    source = Source(log, now)
    answer = report.ask(Question(source, asked))
    return Report(
        name, report.number, report.text, asked.said(), said(now), source.size, source.root(),
        source.note, answer,
    )  # fmt: skip
