"""Checks of `parse` on whole samples."""

import io
import re
import tempfile
from collections.abc import Iterator
from typing import Any

from gateway.errors import SenderError
from gateway.kit.drive import Endless, Read, opened, place_of, read
from gateway.kit.finding import Finding
from gateway.kit.leaves import heads, known, occurring, shown
from gateway.kit.quoting import told, values_of
from gateway.kit.subject import NAME, Sample, Subject
from gateway.record import RECORD_TYPES, Reading, validator

_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*(; ?[a-z]+=[a-z0-9-]+)*")


def attributes(subject: Subject) -> Iterator[Finding]:
    """What the class says of itself."""
    adapter: Any = subject.adapter
    wrong = []
    if not isinstance(adapter.name, str) or not NAME.fullmatch(adapter.name):
        wrong.append("name")
    elif adapter.name != subject.entry:
        wrong.append("name is not the entry point's")
    if not isinstance(adapter.version, str) or not adapter.version:
        wrong.append("version")
    if not isinstance(adapter.media_type, str) or not _MEDIA_TYPE.fullmatch(adapter.media_type):
        wrong.append("media_type")
    types = adapter.record_types
    if types is not None and not (isinstance(types, frozenset) and types <= set(RECORD_TYPES)):
        wrong.append("record_types")
    yield from (Finding(subject.entry, "protocol.attributes", "the class", what) for what in wrong)


def broken(subject: Subject, found: Read, at: str) -> Iterator[Finding]:
    """An error that is none of ours."""
    if isinstance(found.error, Endless):
        yield Finding(subject.entry, "parse.endless", at)
    elif found.error is not None and not isinstance(found.error, SenderError):
        yield Finding(subject.entry, "parse.failed", at, place_of(found.error))


def reading(subject: Subject, sample: Sample, found: Read) -> Iterator[Finding]:
    """The sample is read, and everything that came of it is in order."""
    yield from broken(subject, found, sample.name)
    if isinstance(found.error, SenderError):
        detail = f"{found.error.rule} at {found.error.at or 'the whole'}"
        yield Finding(subject.entry, "parse.refused", sample.name, detail)
    elif found.error is None and not found.records:
        yield Finding(subject.entry, "parse.empty", sample.name)
    for number, record in enumerate(found.records, 1):
        kind = record.get("record_type") if isinstance(record, dict) else None
        if kind not in RECORD_TYPES:
            yield Finding(subject.entry, "parse.invalid", f"{sample.name}, record {number}")
            continue
        for error in validator(kind).iter_errors(record):
            detail = f"{kind}: {error.kind.name}"
            at = f"{sample.name}, record {number}"
            yield Finding(subject.entry, "parse.invalid", at, detail)
            break


def lineage(subject: Subject, sample: Sample, found: Read) -> Iterator[Finding]:
    """Every leaf has a line; where the format says what it carries, no line is idle."""
    present = occurring(found.records)
    lines = found.reading.lineage
    for leaf in sorted(present - lines.keys() - heads()):
        yield Finding(subject.entry, "lineage.missing", sample.name, f"parse: {leaf}")
    # A mapping fills a leaf from a question that is there and has no value in it: the line
    # is true although no record has the leaf.
    idle = lines.keys() - (known() if sample.mapping else present | heads())
    for leaf in shown(idle):
        yield Finding(subject.entry, "lineage.unknown", sample.name, f"parse: {leaf}")


def again(subject: Subject, sample: Sample, found: Read) -> Iterator[Finding]:
    """The same content through other files, twice, interrupted and interleaved."""
    adapter, mapping = subject.adapter, sample.mapping
    files: list[Any] = [io.BytesIO(sample.content), opened(sample.content, most=7)]
    with tempfile.TemporaryFile() as file:
        file.write(sample.content)
        file.seek(0)
        results = [read(adapter, one, mapping).result for one in (*files, file)]
    if any(result != found.result for result in results):
        yield Finding(subject.entry, "parse.file", sample.name)
    try:
        interrupted = adapter.parse(opened(sample.content), mapping, Reading())
        if not hasattr(interrupted, "__next__"):
            yield Finding(subject.entry, "protocol.lazy", sample.name, "parse")
        interrupted = iter(interrupted)
        begun = [record for _, record in zip(range(1), interrupted, strict=False)]
        between = read(adapter, sample.content, mapping)
        finished = begun + list(interrupted)
    except Exception as error:
        yield Finding(subject.entry, "parse.unsteady", sample.name, place_of(error))
        return
    if between.result != found.result or finished != found.records:
        yield Finding(subject.entry, "parse.unsteady", sample.name, "two readings at once")


def without_mapping(subject: Subject, sample: Sample) -> Iterator[Finding]:
    """A mapping that is missing is refused like anything else, or not needed."""
    if sample.mapping is not None:
        found = read(subject.adapter, sample.content, None)
        yield from broken(subject, found, f"{sample.name} without its mapping")


def state(subject: Subject, before: str) -> Iterator[Finding]:
    """The adapter is what it was."""
    if snapshot(subject) != before:
        yield Finding(subject.entry, "protocol.state", "the object")


def snapshot(subject: Subject) -> str:
    """Everything the object itself holds."""
    return repr(subject.adapter).partition(" at 0x")[0] + repr(
        sorted(getattr(subject.adapter, "__dict__", {}).items())
    )


def quiet(subject: Subject, sample: Sample, found: Read) -> Iterator[Finding]:
    """Nothing that is told holds a value."""
    secrets = values_of(subject, sample, found.records)
    yield from told(subject, found, secrets, sample.name)
