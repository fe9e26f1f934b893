"""Values of a sample that must not turn up in what an adapter tells."""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from typing import Any

from gateway.errors import CorridorError
from gateway.kit.damage import reveals
from gateway.kit.drive import Read, Written
from gateway.kit.finding import Finding
from gateway.kit.leaves import texts
from gateway.kit.subject import Sample, Subject
from gateway.record import RECORD_TYPES, Record, fields, leaves, load, structural, walk

SHORTEST = 4
_WORD = re.compile(r"[^\W_]{5,}")
_SCHEMA = "schema."
"""Rules of the gateway's own check, which end in a keyword of JSON Schema."""
_RULE = re.compile(r"[a-z][a-z0-9_]*(\.[A-Za-z0-9_]+)+")


def values_of(subject: Subject, sample: Sample, records: Iterable[Record]) -> frozenset[str]:
    """Texts of records that nobody should read in an error. Codes and words of schemas are none."""
    words = _words() + json.dumps(sample.mapping.document if sample.mapping else {})
    words += subject.adapter.name + subject.adapter.media_type + subject.package + sample.name
    found = {text for record in records for text in _values(record)}
    return frozenset(text for text in found if len(text) >= SHORTEST and text not in words)


def _values(record: Record) -> Iterator[str]:
    record_type = record["record_type"]
    spec = fields(record_type)
    for leaf in leaves(record_type).values():
        if leaf.path[0] in structural(record_type) or "enum" in leaf.spec:
            continue
        close = {"direct", "sensitive"} & set(spec[leaf.path[0]].kinds)
        for value in walk(record, leaf.path):
            for text in texts(value):
                yield text.rpartition("/")[2] if leaf.spec.get("x-ref") else text
                yield from _WORD.findall(text) if close and not leaf.spec.get("x-ref") else ()


@cache
def _words() -> str:
    """Everything schemas say: names of leaves, and codes."""
    return " ".join(
        json.dumps(load(name)) + " ".join(leaves(name)) for name in RECORD_TYPES
    ) + json.dumps(load("parts"))


def told(
    subject: Subject, found: Read | Written, secrets: Collection[str], at: str
) -> list[Finding]:
    """What a reading or writing tells that it must not."""
    name = subject.entry
    findings: list[Finding] = []
    error = found.error
    if isinstance(error, CorridorError):
        said = " ".join((str(error), repr(error), error.rule, error.at, error.problem))
        if _holds(said, secrets):
            findings.append(Finding(name, "told.value", at, "an error"))
        if not _RULE.fullmatch(error.rule) and not error.rule.startswith(_SCHEMA):
            findings.append(Finding(name, "told.rule", at))
        if any(_holds(f"{one} {one!r}", secrets) for one in _before(error)):
            findings.append(Finding(name, "told.chained", at))
    for what, shown in _shown(found):
        text = json.dumps(shown, ensure_ascii=False)
        if _holds(text, secrets):
            rule = "told.key" if reveals(text) else "told.value"
            findings.append(Finding(name, rule, at, what))
    return findings


def _before(error: BaseException) -> Iterator[BaseException]:
    """The errors a traceback would print before this one."""
    context = None if error.__suppress_context__ else error.__context__
    for one in (error.__cause__, context):
        if one is not None:
            yield one
            yield from _before(one)


def _shown(found: Read | Written) -> Iterator[tuple[str, Any]]:
    if isinstance(found, Read):
        yield "unmapped", sorted(found.reading.unmapped)
        yield "repeated", sorted(found.reading.repeated)
        yield "lineage", sorted(found.reading.lineage.items())
    else:
        yield "unrendered", sorted(found.writing.unrendered)
        yield "lineage", sorted(found.writing.lineage.items())


def _holds(text: str, secrets: Collection[str]) -> bool:
    return reveals(text) or any(secret in text for secret in secrets)
