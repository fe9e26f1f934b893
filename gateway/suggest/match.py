"""Which canonical leaf a question might be for, how surely, and why."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from gateway.record import Leaf, leaves
from gateway.suggest.question import Question, core, words

HIGH, MEDIUM, LOW = 0.9, 0.6, 0.4
"""A question that scores this is mapped, is asked about, is asked about with less hope."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One leaf a question might be for."""

    record_type: str
    leaf: str
    score: float
    why: str
    identifier: str = ""
    """Type of the identifier, where the leaf is one."""


@cache
def vocabulary() -> Mapping[str, Any]:
    """The words of `words.json`."""
    found: Mapping[str, Any] = json.loads(
        (Path(__file__).parent / "words.json").read_text(encoding="utf-8")
    )
    return found


def candidates(question: Question, record_types: Sequence[str]) -> list[Candidate]:
    """Leaves of these record types, the most likely first; none where nothing speaks for any."""
    found = [one for kind in record_types for one in _of_type(question, kind)]
    best: dict[str, Candidate] = {}
    for one in sorted(found, key=lambda one: (-one.score, record_types.index(one.record_type))):
        best.setdefault(one.leaf, one)
    return [one for one in best.values() if one.score >= LOW]


def _of_type(question: Question, record_type: str) -> Iterator[Candidate]:
    known = leaves(record_type)
    for name, leaf in known.items():
        score, why = _score(question, name, leaf)
        if score:
            score *= _agreement(question, name, leaf)
            yield Candidate(record_type, name, score, why)
    score, kind = _identifier(question)
    for name in known if score else ():
        # Every record type has one list of identifiers, under a name of its own.
        if name.endswith("identifier[].identifier_value"):
            yield Candidate(record_type, name, score, f"{kind} by name", kind)


def _score(question: Question, name: str, leaf: Leaf) -> tuple[float, str]:
    tag = leaf.spec.get("x-hxl")
    if question.hxl and tag and _tag(question.hxl) == _tag(tag):
        return 1.0, "same hashtag"
    best = (0.0, "")
    for phrase, weak in _phrases(name):
        for said, full, part in _said(question):
            score = full if said == phrase else part if _within(phrase, said) else 0.0
            if weak:
                score *= 0.7
            if score > best[0]:
                where = "name" if full == 1.0 else "label"
                best = (score, f"{where} {'is' if said == phrase else 'has'} {' '.join(phrase)}")
    return best


@cache
def _phrases(leaf: str) -> tuple[tuple[tuple[str, ...], bool], ...]:
    listed = vocabulary()["leaves"].get(leaf, ())
    plain = leaf.replace("[]", "").replace(".", " ").replace("_", " ")
    found = {core(words(phrase.removeprefix("~"))): phrase.startswith("~") for phrase in listed}
    found.setdefault(core(words(plain)), False)
    return tuple(found.items())


def _said(question: Question) -> tuple[tuple[tuple[str, ...], float, float], ...]:
    """What a question says of itself: words, and what it is worth whole and in part."""
    return _words_of(question.name, question.labels)


@lru_cache(maxsize=4096)
def _words_of(
    name: str, labels: tuple[str, ...]
) -> tuple[tuple[tuple[str, ...], float, float], ...]:
    said = [(core(words(name)), 1.0, 0.65)]
    return (*said, *((core(words(label)), 0.9, 0.5) for label in labels))


def _within(phrase: tuple[str, ...], said: tuple[str, ...]) -> bool:
    # One word among others says nothing: "name" stands in every second label.
    if len(phrase) < 2:
        return False
    width = len(phrase)
    return any(said[at : at + width] == phrase for at in range(len(said) - width + 1))


def _tag(text: str) -> tuple[str, frozenset[str]]:
    name, *attributes = text.lower().replace(" ", "").split("+")
    return name, frozenset(attributes)


def _identifier(question: Question) -> tuple[float, str]:
    for phrase, kind in vocabulary()["identifiers"].items():
        wanted = core(words(phrase))
        for said, full, _ in _said(question):
            if said == wanted:
                return full, kind
    return 0.0, ""


def listed(name: str) -> str:
    """The list of codes under which the answers for a leaf are known, or nothing."""
    return str(vocabulary()["coded"].get(name, ""))


def shape(name: str, leaf: Leaf) -> str:
    """What a leaf holds: `date`, `integer`, `boolean`, `code`, `point`, `text`."""
    kind = leaf.spec.get("type")
    if listed(name):
        return "code"
    if "coordinates" in leaf.spec.get("properties", ()):
        return "point"
    if str(leaf.spec.get("pattern", "")).startswith("^[0-9]{4}"):
        return "date"
    if kind in ("integer", "boolean"):
        return str(kind)
    return "enum" if "enum" in leaf.spec or "const" in leaf.spec else "text"


_FITS: Mapping[str, Mapping[str, float]] = {
    "date": {"date": 1.0, "unknown": 1.0, "text": 0.8, "computed": 0.6},
    "integer": {"integer": 1.0, "unknown": 1.0, "text": 0.8, "computed": 0.7, "decimal": 0.7},
    "boolean": {"boolean": 1.0, "select_one": 1.0, "computed": 0.6, "unknown": 0.65},
    "code": {"select_one": 1.0, "unknown": 0.65, "text": 0.65, "computed": 0.65},
    "point": {"geopoint": 1.0, "unknown": 0.65},
    "enum": {"select_one": 0.65, "unknown": 0.65},
    "text": {"text": 1.0, "unknown": 1.0, "select_one": 1.0, "select_multiple": 0.65,
             "integer": 0.65, "computed": 0.65},
}  # fmt: skip
"""How well a kind of question fits what a leaf holds; 0 where it cannot be."""


def _agreement(question: Question, name: str, leaf: Leaf) -> float:
    return _FITS[shape(name, leaf)].get(question.kind, 0.0)


@dataclass(frozen=True, slots=True)
class Coded:
    """What the choices of a question mean for one leaf."""

    codes: Mapping[str, str | bool | None]
    """None for a choice that says why there is no answer."""
    missing: Mapping[str, str]
    """Such a choice to its reason."""
    unclear: Sequence[str]
    """Choices nobody understands."""


def codes(question: Question, name: str) -> Coded:
    """Each choice's canonical code, as far as its labels or its own name say it."""
    table: Mapping[Any, Sequence[str]]
    if listed(name):
        table = vocabulary()["codes"][listed(name)]
    else:
        table = {True: vocabulary()["yes"], False: vocabulary()["no"]}
    reasons = {words(t): why for why, texts in vocabulary()["absent"].items() for t in texts}
    means = {words(text): code for code, texts in table.items() for text in texts}
    found: dict[str, str | bool | None] = {}
    missing: dict[str, str] = {}
    unclear: list[str] = []
    for code, labels in question.choices.items():
        understood = _understood(code, labels, means)
        why = None if understood else _understood(code, labels, reasons)
        if len(understood) == 1:
            found[code] = understood.pop()
        elif why and len(why) == 1:
            found[code] = None
            missing[code] = why.pop()
        else:
            unclear.append(code)
    return Coded(found, missing, unclear)


def _understood(code: str, labels: Sequence[str], means: Mapping[tuple[str, ...], Any]) -> set[Any]:
    # A label says what is meant; the code decides only where no label is understood.
    found = {means[words(one)] for one in labels if words(one) in means}
    return found or {means[one] for one in [words(code)] if one in means}
