"""What differs between two answers to one question, and which of it lets more leave.

Pure. Fields are compared as they would leave, at once or when people have decided; what a
refusal says of its fields is that none does. Where nobody can say which of two forms is the
stricter one, the change counts as widening.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from gateway.policy import Border, Bundle, ClassDecision, Decision, Objection, Question

RANKS = {"refuse": 0, "pending": 1, "allow": 2}
MAX_FORMS = ("id", "ps", "rec", "agg")
"""Of a whole record, from least to most strict."""


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One thing that differs."""

    kind: str
    """What, and which way: `transfer.gained`, `field.narrowed`, `rule.lost`, ..."""
    name: str
    """Of what: a field as `record_type.field`, a rule, a decision, an obligation."""
    before: str
    after: str
    widens: bool
    """Whether more leaves, or with less asked of the recipient or of people."""


class Strictness:
    """How strict forms are, by the families of both bundles."""

    def __init__(self, *bundles: Bundle) -> None:
        tables = [json.loads(bundle.data)["taxonomy"] for bundle in bundles]
        self._tables = [(one.get("fields", {}), one.get("families", {})) for one in tables]

    def looser(self, record_type: str, field: str, before: str, after: str) -> bool:
        """Whether `after` is less strict than `before` by any bundle, or its rank is unknown."""
        return any(
            _rank(ranks, after) < _rank(ranks, before) or _rank(ranks, after) < 0
            for ranks in self._ranks(record_type, field)
        )

    def _ranks(self, record_type: str, field: str) -> Iterator[Mapping[str, int]]:
        for fields, families in self._tables:
            yield families.get(fields.get(record_type, {}).get(field, ""), {})


def _rank(ranks: Mapping[str, int], form: str) -> int:
    return ranks.get(form, -1)


def unanswered(rule: str, question: Question, *, engine: str, revision: str) -> Decision:
    """What a question counts as to which the engine has no answer: refused, by the rule broken."""
    return Decision(
        verdict="refuse",
        objections=(Objection(rule, ""),),
        pending=(),
        assess=(),
        classes=(),
        obligations=(),
        border=Border(crosses=True, destination="dest.unknown", instrument=""),
        max_form="agg",
        valid_until="",
        engine=engine,
        revision=revision,
        asked=question,
    )


def changes(before: Decision, after: Decision, strictness: Strictness) -> tuple[Change, ...]:
    """Everything that differs, each once, sorted. Empty when nothing does."""
    both = "refuse" not in (before.verdict, after.verdict)
    found = {
        *_transfer(before, after),
        *_rules(before, after),
        *_people(before, after, both=both),
        *_classes(before, after, strictness, both=both),
        *_border(before, after),
    }
    if both:
        found |= {*_obligations(before.obligations, after.obligations), *_max_form(before, after)}
    return tuple(sorted(found))


def _transfer(before: Decision, after: Decision) -> Iterator[Change]:
    if before.verdict != after.verdict:
        what = {"allow": "gained", "pending": "held", "refuse": "lost"}[after.verdict]
        wider = RANKS[after.verdict] > RANKS[before.verdict]
        yield Change(f"transfer.{what}", "", before.verdict, after.verdict, wider)


def _rules(before: Decision, after: Decision) -> Iterator[Change]:
    """Which rules object now, and which no longer do. What leaves is for the others to say."""
    pairs = [(_named(before.objections), _named(after.objections))]
    for one, other in zip_longest(before.classes, after.classes):
        pairs.append(
            (_named(one.objections if one else ()), _named(other.objections if other else ()))
        )
    for old, new in pairs:
        yield from (Change("rule.gained", rule, "", "", False) for rule in new - old)
        yield from (Change("rule.lost", rule, "", "", False) for rule in old - new)


def _named(objections: Sequence[Objection]) -> set[str]:
    return {one.rule for one in objections}


def _people(before: Decision, after: Decision, *, both: bool) -> Iterator[Change]:
    """What somebody must decide, or the gateway measure, before anything leaves."""
    if after.verdict == "refuse":
        return
    old, new = _awaited(before), _awaited(after)
    for name in old.keys() | new.keys():
        who, whom = old.get(name, ""), new.get(name, "")
        if who and whom and who != whom:
            yield Change("decision.changed", name, who, whom, both)
        elif not whom:
            yield Change("decision.lost", name, who, "", both)
        elif not who:
            yield Change("decision.gained", name, "", whom, False)


def _awaited(decision: Decision) -> dict[str, str]:
    measured = {f"assess:{record_type}": "gateway" for record_type in decision.assess}
    return {one.decision: one.who for one in decision.pending} | measured


def _classes(
    before: Decision, after: Decision, strictness: Strictness, *, both: bool
) -> Iterator[Change]:
    for one, other in zip_longest(before.classes, after.classes):
        yield from _fields(one, other, strictness)
        if one is None or other is None:
            continue
        was, is_ = (_leaves(one, before), _leaves(other, after))
        if both and was != is_:
            kind = "class.gained" if is_ else "class.lost"
            yield Change(kind, one.record_type, one.verdict, other.verdict, is_)
        if was and is_:
            for name in ("k", "min_pop"):
                yield from _limit(one.record_type, name, one.limits, other.limits)


def _leaves(one: ClassDecision, decision: Decision) -> bool:
    return one.verdict == "allow" and decision.verdict != "refuse"


def _limit(record_type: str, name: str, before: object, after: object) -> Iterator[Change]:
    was, is_ = int(getattr(before, name)), int(getattr(after, name))
    if was != is_:
        kind = "limit.widened" if is_ < was else "limit.narrowed"
        yield Change(kind, f"{record_type}.{name}", str(was), str(is_), is_ < was)


def _fields(
    before: ClassDecision | None, after: ClassDecision | None, strictness: Strictness
) -> Iterator[Change]:
    known = before or after
    if known is None:
        return
    for name in known.fields:
        was, left = _form(before, name)
        is_, leaves = _form(after, name)
        if was == is_:
            continue
        if left != leaves:
            kind, wider = ("gained", True) if leaves else ("lost", False)
        else:
            wider = strictness.looser(known.record_type, name, was, is_)
            kind = "widened" if wider else "narrowed"
        yield Change(f"field.{kind}", f"{known.record_type}.{name}", was, is_, wider)


def _form(one: ClassDecision | None, name: str) -> tuple[str, bool]:
    """How a field leaves, and whether it does. A class without an answer leaves nothing."""
    if one is None:
        return "drop", False
    form = one.fields[name]
    return form.form, form.released


def _obligations(before: Sequence[str], after: Sequence[str]) -> Iterator[Change]:
    old, new = (dict(one.partition(":")[::2] for one in all_) for all_ in (before, after))
    for name in old.keys() | new.keys():
        if name not in new:
            yield Change("obligation.lost", name, old[name], "", True)
        elif name not in old:
            yield Change("obligation.gained", name, "", new[name], False)
        elif old[name] != new[name]:
            # The only obligation with a number is a time to keep: longer is wider.
            longer = int(new[name]) > int(old[name])
            kind = "obligation.widened" if longer else "obligation.narrowed"
            yield Change(kind, name, old[name], new[name], longer)


def _border(before: Decision, after: Decision) -> Iterator[Change]:
    if before.border != after.border:
        unseen = before.border.crosses and not after.border.crosses
        wider = unseen and after.verdict != "refuse"
        yield Change("border.changed", "", _told(before.border), _told(after.border), wider)


def _told(border: Border) -> str:
    return f"{border.destination}/{border.instrument}" if border.instrument else border.destination


def _max_form(before: Decision, after: Decision) -> Iterator[Change]:
    if before.max_form != after.max_form:
        wider = MAX_FORMS.index(after.max_form) < MAX_FORMS.index(before.max_form)
        kind = "form.widened" if wider else "form.narrowed"
        yield Change(kind, "max_form", before.max_form, after.max_form, wider)
