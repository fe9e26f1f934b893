"""A mapping of what is sure, with a question for everything that is not."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.record import RECORD_TYPES, leaves
from gateway.suggest.match import HIGH, LOW, Candidate, candidates, codes, listed, shape, vocabulary
from gateway.suggest.question import Question, words

IDS: Mapping[str, Sequence[str]] = {
    "kobo": ("meta/rootUuid", "meta/instanceID", "_uuid"),
    "odk": ("__id", "meta/instanceID"),
    "ona": ("meta/instanceID", "_uuid"),
    "commcare": ("case_id", "id"),
    "dhis2.tracker": ("trackedEntity",),
}
"""Where a system keeps the id of what it sends."""

NAMED = 8
"""Choices that a question names."""

PERSON = "person"
GROUP: Mapping[str, str] = vocabulary()["group"]
"""What a form with a repeat about people becomes, and where its members stand."""

RELATED = f"{GROUP['list']}.{GROUP['related']}"

AGAIN = frozenset({"confirm", "confirmer", "confirmar", "repeat", "reenter"})
"""A question that asks for the same a second time begins with one of these."""


@dataclass(slots=True)
class Draft:
    """A mapping document, and what a person is asked about it."""

    document: dict[str, Any]
    why: dict[tuple[int, str], str] = field(default_factory=dict)
    """Position of the record and canonical key, to how sure a line is and why."""

    def text(self) -> str:
        """The document as YAML, each drafted line with its confidence beside it."""
        return "".join(_yaml(self))


@dataclass(slots=True)
class _Line:
    question: Question
    best: Candidate
    spec: Any


def draft(
    questions: Sequence[Question],
    form: str,
    *,
    name: str,
    authority: str,
    record_types: Sequence[str] = (),
    sheet: str | None = None,
) -> Draft:
    """The mapping that these questions suggest.

    `record_types` names what the answers are about, the first for the form itself and the next
    for its repeat. Without it, a repeat about people makes a household of persons, and anything
    else a person.
    """
    repeat, people = _repeat(questions)
    root, inner = _types(record_types, people=people, repeat=repeat)
    document: dict[str, Any] = {"mapping": name, "version": "0", "format": form}
    document |= {"authority": authority, "title": "Draft, to be read before it is used"}
    if sheet is not None:
        document["table"] = {"sheet": sheet}
    made = Draft(document)
    asked: list[dict[str, Any]] = []
    left: list[str] = []
    lines: dict[str, list[_Line]] = {"": [], repeat or " ": []}
    for question in questions:
        place = question.repeat if question.repeat == repeat else ""
        if question.repeat and question.repeat != repeat:
            left.append(question.path)
        else:
            found = _candidates(question, root, inner, inside=bool(inner and place))
            _sort(question, found, lines[place], asked, left)
    records = [_record(0, root, _distinct(lines[""], asked), form, questions, made, asked)]
    if inner and repeat:
        people_lines = _distinct(lines[repeat], asked)
        records.append(_inner(inner, repeat, people_lines, made))
        if (root, inner) == (GROUP["type"], PERSON):
            _members(records[0], repeat, people_lines)
    document["records"] = records
    ids = set(records[0]["id"]["first"])
    left = [path for path in left if path not in ids]
    document |= {"left": left} if left else {}
    document |= {"open": asked} if asked else {}
    return made


def _repeat(questions: Sequence[Question]) -> tuple[str, bool]:
    """The repeat most of whose questions are about persons, and whether it is about persons."""
    best = ("", 0)
    for path in dict.fromkeys(one.repeat for one in questions if one.repeat):
        inside = [one for one in questions if one.repeat == path]
        about = {found[0].leaf for one in inside if (found := candidates(one, [PERSON]))}
        if len(about & set(vocabulary()["people"])) > best[1]:
            best = (path, len(about & set(vocabulary()["people"])))
    return (best[0], best[1] >= 2) if best[0] else ("", False)


def _types(said: Sequence[str], *, people: bool, repeat: str) -> tuple[str, str]:
    if said:
        return said[0], said[1] if len(said) > 1 else ""
    return (GROUP["type"], PERSON) if people and repeat else (PERSON, "")


def _candidates(question: Question, root: str, inner: str, *, inside: bool) -> list[Candidate]:
    """What a question might be for. How a member is related stands in the household's list."""
    first = words(question.labels[0])[:1] if question.labels else ()
    if question.kind == "file" or set(first) & AGAIN:
        return []
    if not inside:
        return [
            one for one in candidates(question, [root]) if not one.leaf.startswith(GROUP["list"])
        ]
    found = candidates(question, [inner, root])
    return [one for one in found if one.record_type == inner or one.leaf == RELATED]


def _sort(
    question: Question,
    found: Sequence[Candidate],
    lines: list[_Line],
    asked: list[dict[str, Any]],
    left: list[str],
) -> None:
    """Put a question where it belongs: a line, a question to a person, or left out."""
    if not found or found[0].score < LOW:
        left.append(question.path)
        return
    best = found[0]
    tied = [one for one in found[1:] if one.score >= HIGH]
    spec = _spec(question, best)
    if best.score >= HIGH and not tied and spec is not None:
        lines.append(_Line(question, best, spec))
        return
    asked.append(
        _asked(question, "Which field is it for?" if spec else _why(question, best), found)
    )


def _why(question: Question, best: Candidate) -> str:
    """What is unclear about a question whose field is known."""
    what = shape(best.leaf, leaves(best.record_type)[best.leaf])
    if what in ("code", "boolean"):
        unclear, text = list(codes(question, best.leaf).unclear), "Not understood"
    else:
        unclear, text = _misspelt(question, best), "Not spelt as this field is"
    if not unclear:
        return "What does each answer mean?"
    more = f" and {len(unclear) - NAMED} more" if len(unclear) > NAMED else ""
    return f"What does each answer mean? {text}: {', '.join(unclear[:NAMED])}{more}"


def _asked(question: Question, text: str, found: Sequence[Candidate]) -> dict[str, Any]:
    sure = "medium" if found[0].score >= 0.6 else "low"
    names = [f"{one.record_type}.{one.leaf}" for one in found[:5]]
    return {"source": question.path, "question": text, "confidence": sure, "candidates": names}


def _spec(question: Question, best: Candidate) -> Any:
    """The mapping line, or None where choices are not understood."""
    name = best.leaf
    what = shape(name, leaves(best.record_type)[name])
    if what == "date":
        return {"from": question.path, "as": "date"}
    if what == "integer":
        return {"from": question.path, "as": "integer"}
    if what == "point":
        return {"from": question.path, "as": "point", "order": "lat-lon"}
    if what == "boolean" and question.kind == "boolean":
        return {"from": question.path, "as": "boolean"}
    if what in ("code", "boolean"):
        found = codes(question, name)
        if found.unclear or not found.codes:
            return None
        missing = {"missing": found.missing} if found.missing else {}
        return {"from": question.path, "as": "code", "codes": found.codes, **missing}
    return question.path if what == "text" and not _misspelt(question, best) else None


def _misspelt(question: Question, best: Candidate) -> list[str]:
    """Choices that the leaf's own pattern does not allow."""
    pattern = leaves(best.record_type)[best.leaf].spec.get("pattern")
    return [code for code in question.choices if pattern and not re.search(pattern, code)]


def _distinct(lines: Sequence[_Line], asked: list[dict[str, Any]]) -> list[_Line]:
    """Lines whose leaf no other question claims; the others are asked about."""
    by_leaf: dict[tuple[str, str], list[_Line]] = {}
    for line in lines:
        by_leaf.setdefault((line.best.leaf, line.best.identifier), []).append(line)
    kept = []
    for (leaf, _), found in by_leaf.items():
        if len(found) == 1 or (leaf.endswith("[]") and leaf.count("[]") == 1):
            kept += found
        else:
            for line in found:
                text = "More than one question seems to ask this. Which one is it?"
                asked.append(_asked(line.question, text, [line.best]))
    return kept


def _record(
    position: int,
    record_type: str,
    lines: Sequence[_Line],
    form: str,
    questions: Sequence[Question],
    made: Draft,
    asked: list[dict[str, Any]],
) -> dict[str, Any]:
    first, without = list(IDS.get(form, ())), {}
    if form in ("kobo", "ona", "odk"):
        without = {"without": "uuid:"}
    if not first:
        keys = [one for one in questions if " ".join(words(one.name)) in _keys()]
        first = [one.path for one in keys] or [questions[0].path]
        text = "Is this the id of a row, the same in every export? No two rows may share it."
        for path in first:
            asked.append({"source": path, "question": text, "confidence": "medium"})
    return {
        "type": record_type,
        "id": {"first": first, **without},
        "fields": dict(_fields(position, lines, made)),
    }


def _keys() -> frozenset[str]:
    return frozenset(vocabulary()["keys"])


def _inner(record_type: str, repeat: str, lines: Sequence[_Line], made: Draft) -> dict[str, Any]:
    own = [line for line in lines if not line.best.leaf.startswith(GROUP["list"])]
    return {"type": record_type, "each": repeat, "fields": dict(_fields(1, own, made))}


def _fields(position: int, lines: Sequence[_Line], made: Draft) -> Iterator[tuple[str, Any]]:
    listed: dict[str, list[Any]] = {}
    for line in lines:
        leaf = line.best.leaf
        key = leaf.split("[].")[0] + "[]" if "[]." in leaf else leaf
        made.why[position, key] = f"{_sure(line.best.score)}: {line.best.why}"
        if not key.endswith("[]"):
            yield key, line.spec
        elif "[]." in leaf:
            last = leaf.split("[].")[1]
            item = {last: line.spec}
            if line.best.identifier:
                kind = last.replace("_value", "_type")
                item = {kind: {"constant": line.best.identifier}, **item}
            listed.setdefault(key, []).append({"needs": last, "fields": item})
        else:
            listed.setdefault(key, []).append(line.spec)
    yield from listed.items()


def _sure(score: float) -> str:
    return "high" if score >= HIGH else "medium"


def _members(household: dict[str, Any], repeat: str, lines: Sequence[_Line]) -> None:
    fields = household["fields"]
    item: dict[str, Any] = {GROUP["member"]: {"member": PERSON}}
    for line in lines:
        if line.best.leaf == RELATED:
            item[GROUP["related"]] = {**line.spec, "list": listed(line.best.leaf)}
            heads = [code for code, to in line.spec["codes"].items() if to == GROUP["head"]]
            if heads:
                when = {"from": line.question.path, "is": heads}
                fields[GROUP["head_field"]] = {"member": PERSON, "each": repeat, "when": when}
    fields[GROUP["list"]] = {"each": repeat, "fields": item}


def check_types(record_types: Iterable[str]) -> list[str]:
    """Those of the names that are no record type."""
    return [one for one in record_types if one not in RECORD_TYPES]


def _yaml(made: Draft) -> Iterator[str]:
    document = made.document
    yield "# A draft. Lines say how sure they are; `open` holds what you must settle before use:\n"
    yield "# write a line for it or move its path to `left`, then delete it from `open`.\n"
    for key in ("mapping", "version", "title", "format", "authority", "table"):
        if key in document:
            yield f"{key}: {_scalar(document[key])}\n"
    yield "records:\n"
    for position, record in enumerate(document["records"]):
        yield f"  - type: {_scalar(record['type'])}\n"
        for key in ("each", "id"):
            if key in record:
                yield f"    {key}: {_scalar(record[key])}\n"
        yield "    fields:\n" if record["fields"] else "    fields: {}\n"
        for key, spec in record["fields"].items():
            why = made.why.get((position, key))
            yield f"      {_scalar(key)}: {_scalar(spec)}{f'  # {why}' if why else ''}\n"
    for key in ("left", "open"):
        if key in document:
            yield f"{key}:\n"
            yield from (f"  - {_scalar(one)}\n" for one in document[key])


def _scalar(value: Any) -> str:
    # JSON is YAML 1.2, and everything that is not plain ASCII text is quoted.
    return json.dumps(value, ensure_ascii=False)
