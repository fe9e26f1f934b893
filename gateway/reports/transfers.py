"""Questions about what was sent, refused or held."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from gateway.reports.report import Answer, Flow, Question, category_of, kinds_of, left, said
from gateway.reports.source import Count

MAGNITUDES = ("0", "1-9", "10-99", "100-999", "1000+")
PERMILLE = 20
"""A magnitude is unusual where so few of a thousand transfers of this way have it, or more."""


def grouped(flows: Iterable[Flow], key: Any) -> dict[Any, list[Flow]]:
    """Flows by what `key` says of each, in the order of the keys."""
    found: dict[Any, list[Flow]] = defaultdict(list)
    for flow in flows:
        found[key(flow)].append(flow)
    return dict(sorted(found.items()))


def total(flows: Iterable[Flow]) -> int:
    """How many transfers these are."""
    return sum(flow.count.n for flow in flows)


def sent(question: Question) -> Answer:
    """Transfers by way, purpose, basis and border, with their magnitudes."""

    def key(flow: Flow) -> tuple[str, ...]:
        border = flow.said.get("border", {})
        recipient = flow.said["recipient"]
        return (
            flow.sender, flow.recipient, " ".join(recipient.get("regimes", ())),
            flow.said["purpose"], flow.said.get("legal_basis", ""), flow.agreement,
            "yes" if border.get("crosses") else "no", border.get("destination", ""),
        )  # fmt: skip

    flows = question.flows()
    rows = [
        (*names, total(part), *(total(f for f in part if f.said["count"] == m) for m in MAGNITUDES),
         *_ends(question, part))
        for names, part in grouped(flows, key).items()
    ]  # fmt: skip
    columns = (
        "sender", "recipient", "recipient_regimes", "purpose", "legal_basis", "agreement",
        "crosses_border", "destination", "transfers",
        *(f"of_{one}_records" for one in MAGNITUDES), "first", "last",
    )  # fmt: skip
    source = question.source
    away = sum(
        source.never_left(number, question.low, question.high)
        for number in source.unsent
        if question.fits(source.profiles[number], released=True)
    )
    return Answer(columns, rows, {"transfers": total(flows), "never_left": away})


def _ends(question: Question, flows: Sequence[Flow]) -> tuple[str, str]:
    first, last = min(f.count.first for f in flows), max(f.count.last for f in flows)
    times = question.source.times([first, last])
    return said(times[first]), said(times[last])


def form_of(profile: Mapping[str, Any]) -> str:
    """The most identifying form in which something left: id, ps, rec or agg."""
    found = {"agg"}
    for record_type, name, form in left(profile):
        kinds = kinds_of(record_type, name)
        if form == "keep" and "direct" in kinds:
            return "id"
        if form == "pseudonym":
            found.add("ps")
        elif set(kinds) - {"none"}:
            found.add("rec")
    return next(form for form in ("ps", "rec", "agg") if form in found)


def donors(question: Question) -> Answer:
    """What went to donors, by the most identifying form."""
    whole = question.flows(templates=True)
    flows = [
        flow for flow in whole
        if (question.source.template(flow.said) or {}).get("recipient", {}).get("kind") == "donor"
    ]  # fmt: skip
    parts = grouped(flows, lambda f: (f.sender, f.recipient, f.said["purpose"], form_of(f.said)))
    unknown = total(f for f in whole if question.source.template(f.said) is None)
    lost = ("transfers whose question is not kept: the kind of their recipient",) if unknown else ()
    return Answer(
        ("sender", "donor", "purpose", "form", "transfers"),
        [(*names, total(part)) for names, part in parts.items()],
        {
            "transfers_to_donors": total(flows),
            "with_identified_data": total(f for f in flows if form_of(f.said) == "id"),
        },
        lost,
    )


def below_threshold(question: Question) -> Answer:
    """Releases whose measured risk did not keep the agreement's own thresholds."""
    rows: list[tuple[Any, ...]] = []
    measured = 0
    for flow in question.flows(templates=True):
        asked = question.source.template(flow.said) or {}
        risks = asked.get("context", {}).get("risk", {})
        measured += flow.count.n if risks else 0
        limits = (asked.get("agreement", {}).get("publication") or {}).get("thresholds", {})
        for record_type, risk in sorted(risks.items()):
            short = [
                name for name in ("k", "l") if name in limits and risk[name] < limits[name]
            ] + ["risk"] * (risk["risk_permille"] > limits.get("risk_permille", 1000))
            if short:
                decided = _decided(asked, f"disclosure_risk.{record_type}")
                rows.append(
                    (flow.sender, flow.recipient, flow.said["purpose"], flow.agreement,
                     record_type, " ".join(short), risk["k"], risk["l"], risk["risk_permille"],
                     limits.get("k"), limits.get("l"), limits.get("risk_permille"),
                     decided, flow.count.n)
                )  # fmt: skip
    columns = (
        "sender", "recipient", "purpose", "agreement", "record_type", "below", "k", "l",
        "risk_permille", "least_k", "least_l", "most_risk_permille", "decided_by", "transfers",
    )  # fmt: skip
    found = {"transfers_measured": measured, "below": sum(row[-1] for row in rows)}
    why = "the reasons in words: they stand in the agreements' decisions, which the log commits to"
    unmeasured = "releases without a measured risk: neither within nor beyond the limits"
    return Answer(columns, sorted(rows, key=str), found, (why, unmeasured))


def _decided(asked: Mapping[str, Any], name: str) -> str:
    """Roles of those who decided, where a decision of this name is in the question."""
    decisions = [
        *asked.get("agreement", {}).get("decisions", ()),
        *asked.get("context", {}).get("decisions", ()),
    ]
    return " ".join(
        sorted({role for one in decisions if one["decision"].endswith(f":{name}")
                for role in one["by"]})
    )  # fmt: skip


def denials(question: Question) -> Answer:
    """Refused and held transfers by rule, month by month."""
    profiles = question.source.profiles
    stopped = {
        number: one for number, one in profiles.items()
        if one["outcome"] != "released" and question.fits(one, released=False)
    }  # fmt: skip
    counted: dict[tuple[str, str, str], int] = defaultdict(int)
    transfers = lines = 0
    for month, counts in by_month(question):
        for number, count in counts.items():
            if number in stopped:
                transfers += count.n
                pressed = any(rule.startswith("red.") for rule in stopped[number]["rules"])
                lines += count.n if pressed else 0
                for rule in stopped[number]["rules"]:
                    counted[month, stopped[number]["outcome"], rule] += count.n
    rows = [
        (month, outcome, rule, "yes" if rule.startswith("red.") else "no", n)
        for (month, outcome, rule), n in sorted(counted.items())
    ]
    return Answer(
        ("month", "outcome", "rule", "red_line", "transfers"),
        rows,
        {"transfers": transfers, "on_red_lines": lines},
    )


def by_month(question: Question) -> Iterable[tuple[str, dict[int, Count]]]:
    """Counts of each month of the period."""
    source = question.source
    if question.low >= question.high:
        return
    times = source.times([question.low, question.high - 1])
    start = datetime.fromtimestamp(times[question.low] / 1000, UTC)
    end = times[question.high - 1]
    month = datetime(start.year, start.month, 1, tzinfo=UTC)
    while (begins := int(month.timestamp()) * 1000) <= end:
        after = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
        low = max(question.low, source.at(begins))
        high = min(question.high, source.at(int(after.timestamp()) * 1000))
        yield f"{month:%Y-%m}", source.counts(low, high)
        month = after


def special_categories(question: Question) -> Answer:
    """Fields of special categories that left without a person's decision for them."""
    rows: list[tuple[Any, ...]] = []
    found = {"transfers_with_special_categories": 0, "without_condition": 0}
    for flow in question.flows(templates=True):
        special = {
            (record_type, name)
            for record_type, name, form in left(flow.said)
            if form != "null" and _special(record_type, name)
        }
        found["transfers_with_special_categories"] += flow.count.n if special else 0
        asked = question.source.template(flow.said) or {}
        bare = [
            f"{record_type}.{name}"
            for record_type, name in sorted(special)
            if not _decided(asked, f"special_category.{record_type}.{name}")
        ]
        if bare:
            found["without_condition"] += flow.count.n
            rows.append((flow.sender, flow.recipient, flow.said["purpose"], flow.agreement,
                         flow.said.get("legal_basis"), " ".join(bare), flow.count.n))  # fmt: skip
    columns = ("sender", "recipient", "purpose", "agreement", "legal_basis", "fields", "transfers")
    why = "a condition of Article 9 that people fulfil without a decision in the agreement"
    return Answer(columns, sorted(rows, key=str), found, (why,))


SPECIAL = frozenset((
    "pd:EthnicOrigin", "pd:Religion", "pd:Disability", "pd:MedicalHealth", "pd:HealthRecord",
    "pd:PoliticalAffiliation", "pd:TradeUnionMembership", "pd:Sexual", "pd:Biometric",
    "pd:Genetic", "pd:Criminal",
))  # fmt: skip
"""Categories (DPV) of GDPR Articles 9 and 10, as the schemas mark fields."""


ACCOUNTS = ("case", "pd:LifeHistory")
"""What happened to somebody: violence, as a rule."""
TAXONOMY = Path(__file__).resolve().parents[2] / "policies" / "taxonomy" / "matrices.json"


@cache
def _further() -> Mapping[str, Mapping[str, Any]]:
    """Fields by record type that the shipped policies treat like special categories."""
    tables: dict[str, Any] = orjson.loads(TAXONOMY.read_bytes())
    return dict(tables["special"])


def _special(record_type: str, name: str) -> bool:
    category = category_of(record_type, name)
    return (
        category in SPECIAL
        or (record_type, category) == ACCOUNTS
        or name in _further().get(record_type, {})
    )


def unusual(question: Question) -> Answer:
    """Magnitudes that are rare on their way, and transfers above an agreement's volume."""
    rows: list[tuple[Any, ...]] = []
    flows = question.flows(templates=True)
    ways = grouped(flows, lambda f: (f.sender, f.recipient, f.said["purpose"]))
    for way, part in ways.items():
        whole = total(part)
        above = 0
        for magnitude in reversed(MAGNITUDES):
            here = total(f for f in part if f.said["count"] == magnitude)
            above += here
            if here and above * 1000 <= whole * PERMILLE:
                rows.append((*way, "rare_magnitude", magnitude, here, whole))
        over = [f for f in part if (question.source.template(f.said) or {})
                .get("context", {}).get("above_volume")]  # fmt: skip
        if over:
            rows.append((*way, "above_agreed_volume", "", total(over), whole))
    columns = ("sender", "recipient", "purpose", "why", "records", "transfers", "of_transfers")
    return Answer(
        columns,
        rows,
        {"transfers": total(flows), "ways": len(ways)},
        (
            "how large a transfer of 1000+ records was: the log keeps magnitudes only",
            f"ways of fewer than {1000 // PERMILLE} transfers: no magnitude is rare on them",
        ),
    )
