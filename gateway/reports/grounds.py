"""Questions about what transfers rested on: bases, agreements, assessments, notices."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from gateway.reports.report import DAY, Answer, Flow, Question, milliseconds, said
from gateway.reports.transfers import total

YEAR = 365 * DAY
UNKNOWN = "transfers whose question is not kept: what they rested on"
NEVER = (
    "transfers before their agreement was ever activated in this log: `unsigned` allowed them, and"
    " only the agreement's own file says that it was active"
)
Asked = Mapping[str, Any]
Fault = tuple[str, int, int]
"""What is wrong, and for which entries of the flow: from this index up to that one."""
Judge = Callable[[Question, Flow, Asked], Iterator[Fault]]

COLUMNS = (
    "sender", "recipient", "purpose", "legal_basis", "agreement", "fault", "transfers", "first",
    "last",
)  # fmt: skip


def _judged(question: Question, judge: Judge) -> Answer:
    """Each flow's transfers that a fault is found with."""
    rows: list[tuple[Any, ...]] = []
    flows = question.flows(templates=True)
    faulty = unknown = 0
    for flow in flows:
        asked = question.source.template(flow.said)
        if asked is None:
            unknown += flow.count.n
            continue
        spans: list[tuple[int, int]] = []
        for fault, low, high in judge(question, flow, asked):
            row = _row(question, flow, fault, low, high)
            if row is not None:
                rows.append(row)
                spans.append((low, high))
        faulty += _within(question, flow, spans)
    found = {"transfers": total(flows), "faulty": faulty, "not_known": unknown}
    return Answer(COLUMNS, sorted(rows, key=str), found, (UNKNOWN,) if unknown else ())


def _within(question: Question, flow: Flow, spans: list[tuple[int, int]]) -> int:
    """How many transfers of a flow are in any of these stretches, each counted once."""
    found = done = 0
    for low, high in sorted(spans):
        low, high = max(low, done, question.low), min(high, question.high)
        if low < high:
            found += question.source.count(flow.id, low, high)
            found -= question.source.never_left(flow.id, low, high)
            done = high
    return found


def _row(question: Question, flow: Flow, fault: str, low: int, high: int) -> tuple[Any, ...] | None:
    low, high = max(low, question.low), min(high, question.high)
    if low <= flow.count.first and flow.count.last < high:
        count = flow.count.n
        first, last = flow.count.first, flow.count.last
    else:
        query = (
            "SELECT count(*), min(idx), max(idx) FROM entry_index"
            " WHERE profile = ? AND profile > 0 AND idx >= ? AND idx < ?"
        )
        [(count, first, last)] = question.source.log.rows(query, (flow.id, low, high))
        count -= question.source.never_left(flow.id, low, high)
    if not count:
        return None
    times = question.source.times([first, last])
    return (
        flow.sender, flow.recipient, flow.said["purpose"], flow.said.get("legal_basis", ""),
        flow.agreement, fault, count, said(times[first]), said(times[last]),
    )  # fmt: skip


def _since(question: Question, flow: Flow, instant: str | None) -> Iterator[tuple[int, int]]:
    """The flow's entries from a moment on, if there may be any."""
    moment = milliseconds(instant or "")
    if not moment:
        yield question.low, question.high
    else:
        low = question.source.at(moment)
        if low <= flow.count.last:
            yield low, question.high


def evidence(question: Question) -> Answer:
    """Releases on a basis without evidence in the agreement, or with evidence that had ended."""
    return _judged(question, _evidence)


def _evidence(question: Question, flow: Flow, asked: Asked) -> Iterator[Fault]:
    name = flow.said.get("legal_basis")
    bases = [one for one in asked["agreement"].get("legal_bases", ()) if one["basis"] == name]
    if not bases:
        yield "no_evidence", question.low, question.high
    for one in bases:
        # Consent is shown by each record (ICRC Handbook, 3.2), not by a paper.
        if not one["evidence"] and name != "lb.consent":
            yield "no_evidence", question.low, question.high
        for low, high in _since(question, flow, one.get("valid_until")):
            yield "evidence_expired", low, high


def outside_agreement(question: Question) -> Answer:
    """Releases before, after, or without an agreement that was active, in this version."""
    history = _history(question)

    def judge(question: Question, flow: Flow, asked: Asked) -> Iterator[Fault]:
        scope = asked["agreement"].get("scope", {})
        start = milliseconds(scope.get("start", ""))
        if start:
            yield "before_its_start", question.low, question.source.at(start)
        for low, high in _since(question, flow, scope.get("end")):
            yield "after_its_end", low, high
        version = flow.said["agreement"]["version"]
        # Nothing is said of an agreement that was never activated here: `unsigned` allowed it.
        for low, high, state, stood in history.get(flow.agreement, ()):
            if state != "active":
                yield f"agreement_{state}", low, high
            elif stood != version:
                yield "another_version_stood", low, high

    answer = _judged(question, judge)
    bare = sum(_before_any(question, flow, history) for flow in question.flows())
    if not bare:
        return answer
    found = {**answer.found, "before_any_activation": bare}
    return replace(answer, found=found, not_answered=(*answer.not_answered, NEVER))


def _before_any(question: Question, flow: Flow, history: Mapping[str, Any]) -> int:
    """Transfers of a flow before the log first says that their agreement was in force."""
    stood = history.get(flow.agreement)
    high = min(stood[0][0] if stood else question.high, question.high)
    count = question.source.count(flow.id, question.low, high)
    return count - question.source.never_left(flow.id, question.low, high)


def _history(question: Question) -> dict[str, list[tuple[int, int, str, str]]]:
    """Of each agreement: from which entry up to which, in which state and version it stood."""
    found: dict[str, list[tuple[int, int, str, str]]] = {}
    whole = Question(question.source, type(question.asked)())
    for index, entry in whole.control(("agreement",)):
        subject = entry["subject"]
        stood = found.setdefault(subject["id"], [])
        if stood:
            stood[-1] = (stood[-1][0], index, *stood[-1][2:])
        stood.append((index, question.source.size, subject["state"], subject["version"]))
    return found


def assessments(question: Question) -> Answer:
    """Releases without an impact assessment, on an old one, or with a high risk left."""
    return _judged(question, _assessment)


def _assessment(question: Question, flow: Flow, asked: Asked) -> Iterator[Fault]:
    made = asked["agreement"].get("safeguards", {}).get("dpia")
    if not made:
        yield "no_assessment", question.low, question.high
        return
    if made["outcome"] == "high":
        yield "high_risk", question.low, question.high
    date = milliseconds(made.get("date", ""))
    if not date:
        yield "no_date", question.low, question.high
    elif (low := question.source.at(date + YEAR)) <= flow.count.last:
        yield "older_than_12_months", low, question.high
    for low, high in _since(question, flow, made["next_review"]):
        yield "review_overdue", low, high


def notices(question: Question) -> Answer:
    """Releases to recipients, or for purposes, that people had not been told of."""
    return _judged(question, _notice)


def _notice(question: Question, flow: Flow, asked: Asked) -> Iterator[Fault]:
    notice = asked["agreement"].get("notice")
    if not notice:
        yield "no_notice", question.low, question.high
        return
    if flow.recipient not in notice.get("recipients_listed", ()):
        yield "recipient_not_named", question.low, question.high
    purpose = flow.said["purpose"]
    named = notice.get("purposes_listed", ())
    if not any(f"{purpose}.".startswith(f"{one}.") for one in named):
        yield "purpose_not_named", question.low, question.high
    given = milliseconds(notice.get("date", ""))
    if not given:
        yield "no_date", question.low, question.high
    else:
        yield "before_it_was_given", question.low, question.source.at(given)


def consent(question: Question) -> Answer:
    """Releases on consent, and how many withdrew theirs since."""
    flows = [flow for flow in question.flows() if flow.said.get("legal_basis") == "lb.consent"]
    withdrawn = question.source.kinds(("rights.withdrawal",), question.low, question.source.size)
    cases = {entry["case"] for _, entry in question.source.entries(withdrawn)}
    ways: dict[tuple[str, ...], int] = {}
    for flow in flows:
        way = (flow.sender, flow.recipient, flow.said["purpose"], flow.agreement)
        ways[way] = ways.get(way, 0) + flow.count.n
    return Answer(
        ("sender", "recipient", "purpose", "agreement", "transfers"),
        [(*way, n) for way, n in sorted(ways.items())],
        {"transfers_on_consent": total(flows), "withdrawals_since": len(cases)},
        (
            "whose consent it was: nothing in the log says who. For one person:"
            " `corridor rights access`",
        ),
    )
