"""Why an answer is what it is: rule, title, source, the facts used, the facts missing, and what
would change it.

Titles, sources and facts come from `taxonomy/rules.json` of the bundle that answered, the
sentence that says what would change it from the answer itself. Facts are shown as they stand in
the question, which holds nothing that identifies a person.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.policy.decision import ClassDecision, Decision
from gateway.policy.facts import Fact, Question, facts_of

AXES = ("policy", "legal", "ethical", "technical")
"""Each rule stands on one of them."""

NO_ONE = "Nothing in this bundle explains this rule."


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that spoke."""

    rule: str
    title: str
    source: str
    axis: str
    facts: tuple[Fact, ...]
    missing: tuple[str, ...]
    """Paths that the rule looks at and the question does not have."""
    fix: str
    """What would change it; empty where nothing has to."""

    def document(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "title": self.title,
            "source": self.source,
            "axis": self.axis,
            "facts": [{"path": fact.path, "value": fact.value} for fact in self.facts],
            "missing": list(self.missing),
            "fix": self.fix,
        }


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of one class with one outcome, and the one reason for it."""

    form: str
    released: bool
    names: tuple[str, ...]
    reason: Reason
    set_by: tuple[str, ...] = ()
    """Of a form that changes a value: who asked for it."""

    def document(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "released": self.released,
            "fields": list(self.names),
            "set_by": list(self.set_by),
            **self.reason.document(),
        }


@dataclass(frozen=True, slots=True)
class Class:
    """All records of one type with the same facts."""

    record_type: str
    facts: Mapping[str, Any]
    verdict: str
    objections: tuple[Reason, ...]
    fields: tuple[Fields, ...]
    limits: Mapping[str, int]

    def document(self) -> dict[str, Any]:
        return {
            "record_type": self.record_type,
            "facts": dict(self.facts),
            "verdict": self.verdict,
            "objections": [reason.document() for reason in self.objections],
            "fields": [group.document() for group in self.fields],
            "limits": dict(self.limits),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """An answer with its reasons, for people and machines."""

    decision: Decision = field(repr=False)
    asked: Mapping[str, Any]
    objections: tuple[Reason, ...]
    holds: tuple[Reason, ...]
    classes: tuple[Class, ...]
    obligations: tuple[Reason, ...]
    border: Reason

    @property
    def axes(self) -> dict[str, list[str]]:
        """On each axis, the rules that stop anything; an empty list means none does."""
        spoke = [*self.objections, *self.holds]
        spoke += [reason for one in self.classes for reason in one.objections]
        return {
            axis: sorted({reason.rule for reason in spoke if reason.axis == axis}) for axis in AXES
        }

    def document(self) -> dict[str, Any]:
        """The explanation as JSON. Equal answers have equal documents."""
        decision = self.decision
        return {
            "form": "corridor/explanation/v1",
            "verdict": decision.verdict,
            "question": decision.question,
            "bundle": decision.revision,
            "engine": decision.engine,
            "now": decision.asked.now,
            "valid_until": decision.valid_until,
            "asked": dict(self.asked),
            "axes": self.axes,
            "objections": [reason.document() for reason in self.objections],
            "holds": [reason.document() for reason in self.holds],
            "classes": [one.document() for one in self.classes],
            "obligations": [reason.document() for reason in self.obligations],
            "border": {
                "crosses": decision.border.crosses,
                "destination": decision.border.destination,
                "instrument": decision.border.instrument,
                **self.border.document(),
            },
            "max_form": decision.max_form,
        }


def explain(
    decision: Decision, question: Mapping[str, Any], tables: Mapping[str, Any]
) -> Explanation:
    """Explain an answer. `tables` is `taxonomy` of the bundle that gave it."""
    known = _Known(Question(question, tables), tables)
    request = question.get("request")
    return Explanation(
        decision=decision,
        asked=dict(request) if isinstance(request, dict) else {},
        objections=tuple(known.reason(one.rule, one.fix) for one in decision.objections),
        holds=tuple(_holds(decision, known)),
        classes=tuple(_class(at, one, known) for at, one in enumerate(decision.classes)),
        obligations=tuple(known.of("obligations", one) for one in decision.obligations),
        border=known.of("destinations", decision.border.destination),
    )


class _Known:
    """The bundle's table of rules, and the question to take facts from."""

    def __init__(self, question: Question, tables: Mapping[str, Any]) -> None:
        self.question = question
        self.tables = tables
        self.files: Mapping[str, Any] = tables.get("rules", {})
        self.rules = {
            rule: (file, facts)
            for file in self.files.values()
            for kind in ("objections", "decisions")
            for rule, facts in file.get(kind, {}).items()
        }

    def reason(self, rule: str, fix: str, at: int | None = None) -> Reason:
        """An objection or a decision, by its own name or that of its family."""
        file, paths = self._found(rule)
        facts, missing = facts_of(self.question, paths, at)
        title, source = file.get("title", NO_ONE), file.get("source", "")
        return Reason(rule, title, source, file.get("axis", "policy"), facts, missing, fix)

    def of(self, table: str, name: str, at: int | None = None) -> Reason:
        """Something that is no objection: an obligation, a field's reason, a destination."""
        family, _, rest = name.partition(":")
        held = self.tables.get("explained", {}).get(table, {})
        entry = held.get(name) or held.get(family, {})
        facts, missing = facts_of(self.question, entry.get("facts", ()), at)
        title = entry.get("title", NO_ONE).replace("{}", rest)
        axis = entry.get("axis", "policy")
        fix = entry.get("fix", "")
        return Reason(name, title, entry.get("source", ""), axis, facts, missing, fix)

    def _found(self, rule: str) -> tuple[Mapping[str, Any], list[str]]:
        family = rule
        while family not in self.rules and family:
            # `human.dpo:special_category.person.photo` is of `human.dpo:special_category.*`.
            family = family.removesuffix(".*").rpartition(".")[0]
            family = f"{family}.*" if family else ""
        file, paths = self.rules.get(family, ({}, []))
        return file, paths


def _holds(decision: Decision, known: _Known) -> Iterator[Reason]:
    for held in decision.pending:
        yield known.reason(held.decision, known.of("people", held.who).title)
    for record_type in decision.assess:
        yield known.of("holds", f"assess:{record_type}")


def _class(at: int, decided: ClassDecision, known: _Known) -> Class:
    limits = {"k": decided.limits.k, "min_pop": decided.limits.min_pop}
    return Class(
        decided.record_type,
        dict(decided.facts),
        decided.verdict,
        tuple(known.reason(one.rule, one.fix, at) for one in decided.objections),
        tuple(_fields(at, decided, known)),
        limits,
    )


def _fields(at: int, decided: ClassDecision, known: _Known) -> Iterator[Fields]:
    """What leaves first, from the mildest form; then what stays, reason by reason."""
    groups: dict[tuple[bool, int, str, str, tuple[str, ...]], list[str]] = {}
    ranks = known.tables.get("forms", {})
    for name, one in sorted(decided.fields.items()):
        set_by = _set_by(name, one.form, decided.record_type, known) if one.released else ()
        key = (not one.released, ranks.get(one.form, 0), one.form, one.reason, set_by)
        groups.setdefault(key, []).append(name)
    for (stays, _, form, reason, set_by), names in sorted(groups.items()):
        why = known.of("reasons", reason if stays else "released", at)
        yield Fields(form, not stays, tuple(names), why, set_by)


def _set_by(name: str, form: str, record_type: str, known: _Known) -> tuple[str, ...]:
    """Who asked for a form: the purpose's matrix, the form of the record, the agreement."""
    if form == "keep":
        return ()
    tables, question = known.tables, known.question
    asked = question.one("request.purpose")
    found = []
    if tables.get("matrices", {}).get(asked, {}).get(record_type, {}).get(name) == form:
        found.append("purpose")
    if any(item.get("forms", {}).get(name) == form for item in question.granted(record_type)):
        found.append("agreement")
    forms = [item.get("max_form") for item in question.granted(record_type)]
    forms.append(tables.get("purposes", {}).get(asked, {}).get("max"))
    ceilings = [tables.get("ceilings", {}).get(one, {}) for one in forms if isinstance(one, str)]
    if any(ceiling.get(record_type, {}).get(name) == form for ceiling in ceilings):
        found.append("max_form")
    return tuple(found) or ("policy",)
