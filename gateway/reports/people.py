"""Questions about what people decided, changed, asked for, and how long it took."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.reports.report import Answer, Question, Value, said

HOUR = 3_600_000
REVIEW_HOURS = 24
"""After which somebody else must have looked at a break-glass use."""
CHANGED = ("agreement", "policy", "party", "officer", "witness", "retention", "key")
DECISIONS = ("decision.approved", "decision.refused", "decision.expired", "decision.break_glass",
             "decision.review")  # fmt: skip
RIGHTS = tuple(
    f"rights.{what}"
    for what in ("access", "correction", "erasure", "objection", "restriction", "withdrawal",
                 "complaint")
)  # fmt: skip
IN_WORDS = "the reason in words: whoever holds the text and its salt can show that it was this one"
NO_GLASS = (
    "emergency access itself: this gateway has no such way in and writes no such entry, so none"
    " here says nothing of access outside it"
)
NOT_TIED = (
    "how long a held transfer waited: a decision is made in an agreement and the sender asks"
    " again under another id, so no entry ties the two"
)
Entry = Mapping[str, Any]


def _entries(
    question: Question, kinds: Sequence[str], high: int | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    source = question.source
    indexes = source.kinds(kinds, question.low, question.high if high is None else high)
    return source.entries(indexes)


def _names(entry: Entry, name: str) -> str:
    return " ".join(entry.get(name, ()))


def decisions(question: Question) -> Answer:
    """Who decided what, when and in which role, and who had asked."""
    rows: list[tuple[Any, ...]] = []
    wanted = question.asked.transfer
    resting: tuple[str, ...] = ()
    if wanted:
        entry = question.source.named(wanted)
        if entry is None or entry[1]["type"] != "transfer":
            return Answer(not_answered=("there is no such transfer in the log",))
        resting = tuple(entry[1].get("decisions", ()))
        rows += _of_transfer(question, *entry)
    for index, one in _decided(question):
        rows.append((said(one["time"]), index, one["what"], one["decision"],
                     one.get("transfer", ""), one.get("subject", ""), one.get("requester", ""),
                     _names(one, "signers"), _names(one, "roles"), one.get("reason")))  # fmt: skip
    columns = ("time", "entry", "what", "decision", "transfer", "subject", "asked_by", "decided_by",
               "roles", "reason_commitment")  # fmt: skip
    found: dict[str, Value] = {"decisions": len(rows), "the_transfer_rests_on": " ".join(resting)}
    return Answer(columns, rows, found, (IN_WORDS,))


def _decided(question: Question) -> Iterator[tuple[int, dict[str, Any]]]:
    """Decisions of the period, or of the transfer, or of its agreement."""
    wanted = question.asked.transfer
    if wanted:
        query = "SELECT idx FROM happened WHERE transfer = ? AND idx < ?"
        rows = question.source.log.rows(query, (wanted, question.source.size))
        for index, one in question.source.entries([row[0] for row in rows]):
            if one["type"] == "decision":
                yield index, one
        return
    for index, one in _entries(question, DECISIONS):
        if question.asked.party in ("", one.get("subject"), one.get("requester")):
            yield index, one


def _of_transfer(question: Question, index: int, entry: Entry) -> Iterator[tuple[Any, ...]]:
    """Who had brought the transfer's agreement into force before it."""
    agreement = entry.get("agreement", {}).get("id")
    before = Question(question.source, type(question.asked)(end=entry["time"] + 1))
    last = None
    for at, one in before.control(("agreement",)):
        if at < index and one["subject"]["id"] == agreement:
            last = (at, one)
    if last is not None:
        at, one = last
        yield (said(one["time"]), at, one["subject"]["state"], "agreement", "", agreement, "",
               _names(one, "signers"), "", "")  # fmt: skip


def break_glass(question: Question) -> Answer:
    """Every emergency access, who looked at it afterwards, and how late."""
    reviews = {
        one["of"]: one
        for _, one in _entries(question, ("decision.review",), question.source.size)
        if "of" in one
    }
    rows: list[tuple[Any, ...]] = []
    counts: Counter[str] = Counter()
    for index, one in _entries(question, ("decision.break_glass",)):
        review = reviews.get(one["id"])
        until = review["time"] if review else question.source.now
        hours = (until - one["time"]) // HOUR
        by_another = review is not None and set(review["signers"]).isdisjoint(one["signers"])
        if review is None:
            state = "late" if hours >= REVIEW_HOURS else "due"
        elif not by_another:
            state = "by_the_same_person"
        else:
            state = "late" if hours >= REVIEW_HOURS else "in_time"
        counts[state] += 1
        rows.append((said(one["time"]), index, one["decision"], one.get("transfer", ""),
                     _names(one, "signers"), said(review["time"]) if review else "",
                     _names(review, "signers") if review else "", hours, state))  # fmt: skip
    columns = ("time", "entry", "decision", "transfer", "by", "reviewed", "reviewed_by", "hours",
               "review")  # fmt: skip
    return Answer(columns, rows, {"uses": len(rows), **counts}, (IN_WORDS, NO_GLASS))


def changes(question: Question) -> Answer:
    """Changes of policies (red lines, thresholds, purposes), agreements, parties, keys: by whom."""
    rows = [
        (said(one["time"]), index, one["what"], one["subject"]["id"], one["subject"]["version"],
         one["subject"]["state"], _names(one, "signers"),
         "yes" if len(one.get("signers", ())) > 1 else "no", one["digest"],
         _names(one, "documents"))
        for index, one in question.control(CHANGED)
        if "subject" in one and question.asked.agreement in ("", one["subject"]["id"])
        and question.asked.party in ("", one["subject"]["id"])
    ]  # fmt: skip
    columns = ("time", "entry", "what", "id", "version", "state", "signed_by", "two_signed",
               "digest", "documents")  # fmt: skip
    kinds = Counter(row[2] for row in rows)
    why = "what a new bundle of policies changed, rule by rule: `corridor policy diff`"
    return Answer(columns, rows, {"changes": len(rows), **kinds}, (why,))


def rights(question: Question) -> Answer:
    """Requests of people: how many, late or refused, and why."""
    cases: dict[str, list[Entry]] = defaultdict(list)
    for _, one in _entries(question, RIGHTS, question.source.size):
        cases[one["case"]].append(one)
    ends = question.source.times([question.high - 1]).values() if question.high else ()
    end = max(ends, default=0)
    rows: Counter[tuple[Any, ...]] = Counter()
    for steps in cases.values():
        if steps[0]["time"] <= end and steps[0]["state"] == "received":
            rows[_case(steps, question.source.now)] += 1
    columns = ("what", "state", "in_time", "reason", "requests")
    late = sum(n for key, n in rows.items() if key[2] == "late")
    refused = sum(n for key, n in rows.items() if key[1] == "refused")
    found: dict[str, Value] = {"requests": sum(rows.values()), "late": late, "refused": refused}
    return Answer(columns, [(*key, n) for key, n in sorted(rows.items())], found)


def _case(steps: Sequence[Entry], now: int) -> tuple[str, str, str, str]:
    due = next((one["due"] for one in steps if "due" in one), 0)
    ended = next((one for one in steps if one["state"] in ("answered", "refused")), None)
    at = ended["time"] if ended else now
    reason = next((one["reason"] for one in reversed(steps) if "reason" in one), "")
    state = ended["state"] if ended else steps[-1]["state"]
    if not due:
        return steps[0]["what"], state, "no_due_date", reason
    return steps[0]["what"], state, "late" if at > due else "in_time", reason


def decision_time(question: Question) -> Answer:
    """From the hold of a transfer to the decision of a person about it."""
    rows: list[tuple[Any, ...]] = []
    entries = list(_entries(question, ("decision.approved", "decision.refused",
                                       "decision.expired")))  # fmt: skip
    held = _times_of(question, [one["transfer"] for _, one in entries if "transfer" in one])
    without = 0
    for index, one in entries:
        asked = held.get(one.get("transfer", ""))
        if asked is None:
            without += 1
            continue
        hours = (one["time"] - asked) // HOUR
        rows.append((said(asked), said(one["time"]), index, one["decision"], one["what"],
                     _names(one, "roles"), hours, "yes" if hours >= 24 else "no"))  # fmt: skip
    waits = sorted(row[6] for row in rows)
    found: dict[str, Value] = {"decisions": len(rows),
             "over_24_hours": sum(hours >= 24 for hours in waits),
             "middle_hours": waits[len(waits) // 2] if waits else None,
             "without_a_transfer": without,
             "transfers_held": sum(flow.count.n for flow in question.flows(released=False)
                                   if flow.said["outcome"] == "held")}  # fmt: skip
    columns = ("asked", "decided", "entry", "decision", "what", "roles", "hours", "over_24_hours")
    return Answer(
        columns, rows, found, ("decisions on paper that never reached this gateway", NOT_TIED)
    )


def _times_of(question: Question, transfers: Sequence[str]) -> dict[str, int]:
    query = (
        "SELECT s.id, i.time FROM transfer_state s JOIN entry_index i ON i.idx = s.idx"
        " WHERE s.id IN"
    )
    return dict(question.source.listed(query, sorted(set(transfers))))
