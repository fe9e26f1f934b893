"""Questions about the copies that recipients hold: where, how long, deleted or not."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.reports.report import DAY, LISTED, Answer, Flow, Question, Value, said
from gateway.reports.source import Source
from gateway.reports.transfers import total

UNCERTIFIED = ("custody.deleted", "custody.deleted.done", "custody.answer.done")
CERTIFIED = tuple(f"{one}.certified" for one in UNCERTIFIED)
DELETED = (*UNCERTIFIED, *CERTIFIED)
_PARTLY = ("custody.acknowledged", "custody.acknowledged.acknowledged", "custody.answer.partial")
CONFIRMED = (*DELETED, *_PARTLY, *(f"{one}.certified" for one in _PARTLY))
ELSEWHERE = (
    "copies that recipients passed on without this gateway; ask them, or recall (`corridor recall`)"
)


def gone(
    source: Source, flows: Sequence[Flow], kinds: Sequence[str], before: int
) -> dict[int, list[int]]:
    """Indexes of transfers of these flows that entries of these kinds are about, by profile."""
    marks = ",".join("?" * len(kinds))
    query = (
        "SELECT profile, place FROM happened"  # noqa: S608 - question marks only
        f" WHERE kind IN ({marks}) AND idx < ? AND profile IN"
    )
    found: dict[int, list[int]] = {}
    profiles = [flow.id for flow in flows]
    for profile, index in source.listed(query, profiles, bound=(*kinds, before)):
        found.setdefault(profile, []).append(index)
    return found


def days_of(source: Source, flow: Flow) -> int | None:
    """For how many days the recipient may keep it: the shortest of the types that left."""
    asked = source.template(flow.said) or {}
    kept = asked.get("agreement", {}).get("retention", ())
    types = set(flow.types)
    days = [int(one["days"]) for one in kept if one["record_type"] in types or not types]
    return min(days) if days else None


class Held:
    """What recipients hold of the period's releases at a moment."""

    def __init__(self, question: Question) -> None:
        self.question = question
        source = question.source
        self.before = source.at(question.moment + 1)
        """Index of the first entry after the moment."""
        self.flows = question.flows(templates=True)
        deleted, away = gone(source, self.flows, DELETED, self.before), source.unsent
        self._away = {
            flow.id: sorted({*deleted.get(flow.id, ()), *away.get(flow.id, ())})
            for flow in self.flows
        }

    def count(self, flow: Flow, low: int, high: int) -> int:
        """Copies of a flow's transfers from `low` up to `high` that were not deleted."""
        low, high = max(low, self.question.low), min(high, self.question.high, self.before)
        if low >= high:
            return 0
        if low <= flow.count.first and flow.count.last < high:
            count = flow.count.n + flow.count.unsent
        else:
            count = self.question.source.count(flow.id, low, high)
        away = self._away[flow.id]
        return count - (bisect_left(away, high) - bisect_left(away, low))


def _lost(held: Held) -> tuple[str, ...]:
    if all(held.question.source.template(flow.said) is not None for flow in held.flows):
        return ()
    return ("transfers whose question is not kept: how long they may be kept, who may get them",)


def holdings(question: Question) -> Answer:
    """What each recipient holds at the end of the period, and what of it is past its time."""
    held = Held(question)
    rows: Counter[tuple[Any, ...]] = Counter()
    late: Counter[tuple[Any, ...]] = Counter()
    for flow in held.flows:
        if question.asked.party and question.asked.party != flow.recipient:
            continue
        days = days_of(question.source, flow)
        key = (flow.recipient, flow.agreement, flow.said["purpose"], " ".join(flow.types), days)
        rows[key] += held.count(flow, 0, question.high)
        if days is not None:
            late[key] += held.count(flow, 0, question.source.at(question.moment - days * DAY))
    columns = ("recipient", "agreement", "purpose", "record_types", "retention_days", "copies",
               "past_their_time")  # fmt: skip
    listed = [(*key, n, late[key]) for key, n in sorted(rows.items(), key=str) if n]
    found: dict[str, Value] = {
        "at": said(question.moment),
        "copies": sum(rows.values()),
        "past_their_time": sum(late.values()),
    }
    return Answer(columns, listed, found, (ELSEWHERE, *_lost(held)))


def copies(question: Question) -> Answer:
    """Who gave what to whom under an agreement, and who may pass it on to whom."""
    held = Held(question)
    rows: Counter[tuple[Any, ...]] = Counter()
    sent: Counter[tuple[Any, ...]] = Counter()
    for flow in held.flows:
        onward = (question.source.template(flow.said) or {}).get("agreement", {}).get("onward", {})
        to = " ".join(sorted(onward.get("recipients", ()))) if onward.get("allowed") else ""
        key = (flow.sender, flow.recipient, flow.agreement, " ".join(flow.types), to)
        sent[key] += flow.count.n
        rows[key] += held.count(flow, 0, question.high)
    columns = ("sender", "recipient", "agreement", "record_types", "may_pass_on_to", "transfers",
               "copies_left")  # fmt: skip
    found: dict[str, Value] = {"transfers": sum(sent.values()), "copies_left": sum(rows.values())}
    why = () if question.asked.agreement else ("one dataset: name its agreement (--agreement)",)
    listed = [(*key, sent[key], n) for key, n in sorted(rows.items(), key=str)]
    return Answer(columns, listed, found, (ELSEWHERE, *why, *_lost(held)))


def overdue(question: Question) -> Answer:
    """Copies past the day they were to be deleted by, and deletions without a certificate."""
    held = Held(question)
    bare = gone(question.source, held.flows, UNCERTIFIED, held.before)
    shown = gone(question.source, held.flows, CERTIFIED, held.before)
    rows: Counter[tuple[Any, ...]] = Counter()
    missing: Counter[tuple[Any, ...]] = Counter()
    unknown = 0
    for flow in held.flows:
        days = days_of(question.source, flow)
        if days is None:
            unknown += flow.count.n
            continue
        asked = question.source.template(flow.said) or {}
        wanted = asked.get("agreement", {}).get("deletion_certificate_required", False)
        key = (flow.sender, flow.recipient, flow.agreement, days, "yes" if wanted else "no")
        rows[key] += held.count(flow, 0, question.source.at(question.moment - days * DAY))
        missing[key] += sum(
            question.low <= index < question.high
            for index in {*bare.get(flow.id, ())} - {*shown.get(flow.id, ())}
        )
    columns = ("sender", "recipient", "agreement", "retention_days", "certificate_required",
               "past_their_time", "deleted_without_certificate")  # fmt: skip
    listed = [(*key, n, missing[key]) for key, n in sorted(rows.items(), key=str)
              if n or missing[key]]  # fmt: skip
    found: dict[str, Value] = {"at": said(question.moment), "past_their_time": sum(rows.values()),
             "without_certificate": sum(missing.values()),
             "retention_not_known": unknown}  # fmt: skip
    return Answer(columns, listed, found, (ELSEWHERE, *_lost(held)))


def offboarding(question: Question) -> Answer:
    """Releases of an organisation that is leaving which nobody has confirmed."""
    if not question.asked.party:
        return Answer(not_answered=("which organisation: name it (--party)",))
    source = question.source
    away = source.unsent
    rows: list[tuple[Any, ...]] = []
    unconfirmed = 0
    flows = question.flows()
    known = gone(source, flows, CONFIRMED, source.size)
    for flow in flows:
        settled = {*known.get(flow.id, ()), *away.get(flow.id, ())}
        settled = {index for index in settled if question.low <= index < question.high}
        open_ = flow.count.n + flow.count.unsent - len(settled)
        unconfirmed += open_
        if open_ and len(rows) < LISTED:
            rows += _open(question, flow, settled, LISTED - len(rows))
    found: dict[str, Value] = {
        "transfers": total(flows),
        "unconfirmed": unconfirmed,
        "listed": len(rows),
    }
    columns = ("transfer", "time", "sender", "recipient", "purpose", "agreement", "state")
    return Answer(columns, rows, found)


def _open(question: Question, flow: Flow, settled: set[int], limit: int) -> list[tuple[Any, ...]]:
    query = (
        "SELECT i.idx, i.time, s.id, s.state FROM entry_index i JOIN transfer_state s"
        " ON s.idx = i.idx WHERE i.profile = ? AND i.profile > 0 AND i.idx >= ? AND i.idx < ?"
        " ORDER BY i.idx LIMIT ?"
    )
    bounds = (flow.id, question.low, question.high, limit + len(settled))
    said_: Mapping[str, Any] = flow.said
    return [
        (name, said(time), flow.sender, flow.recipient, said_["purpose"], flow.agreement, state)
        for index, time, name, state in question.source.log.rows(query, bounds)
        if index not in settled
    ][:limit]
