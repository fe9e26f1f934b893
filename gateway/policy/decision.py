"""The answer of a policy, read strictly.

An answer is believed when it has exactly the shape of `schemas/decision.json` and when it
answers the question asked: each class once and in order, each field with a form, a refusal
exactly where there is an objection, a measurement only of what was asked. Anything else is a
broken policy, hence a denial.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import jsonschema_rs
import orjson

from gateway.policy.faults import PolicyFailed, PolicyUndefined
from gateway.policy.question import Question

SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "decision.json"

Verdict = Literal["allow", "pending", "refuse"]
WITHHELD = ("drop", "null")
UNANSWERED = ("question.malformed", "error.undefined")
"""Refusals of a whole question, which say nothing of its classes."""


@dataclass(frozen=True, slots=True)
class Objection:
    """One rule that refuses, and what would change its mind."""

    rule: str
    fix: str


@dataclass(frozen=True, slots=True)
class Pending:
    """One decision a person has yet to make."""

    decision: str
    who: str


@dataclass(frozen=True, slots=True)
class FieldForm:
    """How one field leaves. `reason` says why it is withheld; empty when it is not."""

    form: str
    reason: str = ""

    @property
    def released(self) -> bool:
        return self.form not in WITHHELD


@dataclass(frozen=True, slots=True)
class Limits:
    """What is applied to the figures and places of one class; 0 is no limit."""

    k: int
    """A figure about fewer people does not leave."""
    min_pop: int
    """A place with fewer people leaves as a larger one that holds it."""


@dataclass(frozen=True, slots=True)
class ClassDecision:
    """The answer for all records of one type with the same facts."""

    record_type: str
    facts: Mapping[str, Any]
    verdict: Literal["allow", "refuse"]
    objections: tuple[Objection, ...]
    fields: Mapping[str, FieldForm]
    limits: Limits


@dataclass(frozen=True, slots=True)
class Border:
    """Whether legal regimes differ, and what makes the crossing lawful."""

    crosses: bool
    destination: str
    instrument: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer to one question. Only `verdict == "allow"` lets anything leave."""

    verdict: Verdict
    objections: tuple[Objection, ...]
    pending: tuple[Pending, ...]
    assess: tuple[str, ...]
    """Record types whose risk of disclosure is to be measured, and stated, in the next question."""
    classes: tuple[ClassDecision, ...]
    obligations: tuple[str, ...]
    border: Border
    max_form: str
    valid_until: str
    """The earliest coming instant that may change the answer; empty when there is none."""
    engine: str
    revision: str
    """Digest of the bundle that answered."""
    asked: Question

    @property
    def question(self) -> str:
        """Digest of the question answered, moment included."""
        return self.asked.digest


def read(answer: bytes | str, question: Question, *, engine: str, revision: str) -> Decision:
    """The decision in an engine's JSON. Raises `PolicyUndefined` or `PolicyFailed`."""
    try:
        value = orjson.loads(answer)
    except orjson.JSONDecodeError:
        raise PolicyFailed("an answer that is not JSON", rule="policy.answer") from None
    if value in ("<undefined>", None, {}):
        raise PolicyUndefined("no answer", rule="policy.undefined")
    if not _validator().is_valid(value):
        raise PolicyFailed("an answer of another shape", rule="policy.answer")
    decision = _decision(value, question, engine, revision)
    try:
        _answers(decision, question)
    except (KeyError, TypeError, AttributeError):
        # The question has no such parts, and the policy answered as if it had.
        raise PolicyFailed("an answer to no question", rule="policy.answer") from None
    return decision


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(orjson.loads(SCHEMA.read_bytes()))


def _decision(value: dict[str, Any], question: Question, engine: str, revision: str) -> Decision:
    return Decision(
        verdict=value["verdict"],
        objections=_objections(value["objections"]),
        pending=tuple(Pending(item["decision"], item["who"]) for item in value["pending"]),
        assess=tuple(value["assess"]),
        classes=tuple(_class(item) for item in value["classes"]),
        obligations=tuple(value["obligations"]),
        border=Border(**value["border"]),
        max_form=value["max_form"],
        valid_until=value["valid_until"],
        engine=engine,
        revision=revision,
        asked=question,
    )


def _class(item: dict[str, Any]) -> ClassDecision:
    forms = {
        name: FieldForm(form["form"], form.get("reason", ""))
        for name, form in item["fields"].items()
    }
    return ClassDecision(
        item["record_type"],
        MappingProxyType(item["facts"]),
        item["verdict"],
        _objections(item["objections"]),
        MappingProxyType(forms),
        _limits(item["limits"]),
    )


def _limits(item: dict[str, Any]) -> Limits:
    # To JSON Schema 5.0 is an integer.
    if not all(type(limit) is int for limit in item.values()):
        raise PolicyFailed("a limit that is not whole", rule="policy.answer")
    return Limits(item["k"], item["min_pop"])


def _objections(items: list[dict[str, str]]) -> tuple[Objection, ...]:
    # Sets in the policy: neither the order nor a repetition means anything.
    return tuple(
        Objection(rule, fix) for rule, fix in sorted({(i["rule"], i["fix"]) for i in items})
    )


def _answers(decision: Decision, question: Question) -> None:
    """Raise when an answer of the right shape answers another question, or contradicts itself."""
    held = decision.pending or decision.assess
    wanted = "refuse" if decision.objections else "pending" if held else "allow"
    if decision.verdict != wanted:
        raise PolicyFailed("a verdict without its reasons", rule="policy.answer")
    if decision.objections and decision.assess:
        raise PolicyFailed("a measurement of what does not leave", rule="policy.answer")
    if {objection.rule for objection in decision.objections} & set(UNANSWERED):
        if decision.classes:
            raise PolicyFailed("classes of an unreadable question", rule="policy.answer")
        return
    asked = question.document.get("classes", [])
    types = {one["record_type"] for one in asked}
    if list(decision.assess) != sorted(types & set(decision.assess)):
        raise PolicyFailed("a measurement of something else", rule="policy.answer")
    if len(asked) != len(decision.classes):
        raise PolicyFailed("not one answer for each class", rule="policy.answer")
    for wanted_class, answered in zip(asked, decision.classes, strict=True):
        _answers_class(wanted_class, answered, refused=bool(decision.objections))
    if decision.verdict != "refuse" and all(c.verdict == "refuse" for c in decision.classes):
        raise PolicyFailed("nothing to allow", rule="policy.answer")


def _answers_class(asked: dict[str, Any], answered: ClassDecision, *, refused: bool) -> None:
    if (asked["record_type"], asked["facts"]) != (answered.record_type, dict(answered.facts)):
        raise PolicyFailed("an answer to another class", rule="policy.answer")
    if set(asked["fields"]) != answered.fields.keys():
        raise PolicyFailed("not one form for each field", rule="policy.answer")
    if (answered.verdict == "refuse") != bool(answered.objections):
        raise PolicyFailed("a verdict without its reasons", rule="policy.answer")
    withheld = refused or answered.verdict == "refuse"
    if withheld and any(form.released for form in answered.fields.values()):
        raise PolicyFailed("a refused field with a form", rule="policy.answer")
