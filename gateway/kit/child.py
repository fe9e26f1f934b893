"""The part of the suite that needs a process of its own: purity, limits, memory.

    python -m gateway.kit.child < TASK

TASK is JSON: `point`, `entry`, `root`, `folder`, and `what`: `pure`, or `bounded` with `size` and
`attacks`. The answer is JSON: what was touched and a digest of every result; or findings and how
many notations were tried.
"""

import hashlib
import io
import json
import resource
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from gateway.adapter import GROUP
from gateway.errors import SenderError
from gateway.kit import memory
from gateway.kit.container import ZIP
from gateway.kit.damage import Damaged
from gateway.kit.drive import Read, place_of, read, write
from gateway.kit.finding import Finding
from gateway.kit.guard import Seen, profiled, watch
from gateway.kit.leaves import texts, written
from gateway.kit.parsing import broken
from gateway.kit.repeat import BY_RENDER, longer
from gateway.kit.subject import Sample, Subject, load
from gateway.record import Reading

SECRET = "Vk3wQzjYxh"  # noqa: S105 - what a hostile payload tries to read, not a secret of ours


def main() -> None:
    """Do the task on standard input."""
    task = json.load(sys.stdin)
    root = Path(task["root"]) if task["root"] else None
    entry = EntryPoint(task["entry"], task["point"], GROUP)
    subject = load(entry, root=root, samples=Path(task["folder"]))
    answer = _pure(subject) if task["what"] == "pure" else _bounded(subject, **task)
    sys.stdout.write(json.dumps(answer))


def _pure(subject: Subject) -> dict[str, Any]:
    seen: Seen = set()
    switch = watch(seen, [subject.root] if subject.root else [])
    switch(True)
    _results(subject)  # what is imported or read once is there after this
    with profiled(seen):
        results = _results(subject)
    switch(False)
    digest = hashlib.sha256("\n".join(results).encode()).hexdigest()
    return {"seen": sorted(seen), "digest": digest}


def _results(subject: Subject) -> list[str]:
    found: list[str] = []
    for sample in subject.samples:
        back = read(subject.adapter, sample.content, sample.mapping)
        told = (sorted(back.reading.lineage.items()), sorted(back.reading.unmapped))
        found += [written(back.records), repr(told)]
        # The order of a dict shows how it was made, so lineage is compared as it is.
        found.append(repr(list(back.reading.lineage)) if back.error is None else str(back.error))
        out = write(subject.adapter, back.records, sample.mapping)
        found += [out.content.hex(), repr(list(out.writing.lineage.items()))]
        found.append(repr(sorted(out.writing.unrendered)))
    return found


def _bounded(subject: Subject, *, size: int, attacks: bool, **_: Any) -> dict[str, Any]:
    findings: list[Finding] = []
    if not memory.measurable():
        return {"findings": [], "measured": 0}
    limit = memory.size() + memory.ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    measured = 0
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "secret"
        secret.write_text(SECRET, encoding="ascii")
        for sample in _kinds(subject):
            read(subject.adapter, sample.content, sample.mapping)
            findings += _growth(subject, sample, size, folder)
            if attacks:
                general = () if measured else memory.senseless()
                hostile = chain(memory.hostile(sample.content, secret), general)
                findings += _attacked(subject, sample, hostile)
            measured += 1
    return {"findings": [[f.rule, f.at, f.detail] for f in findings], "measured": measured}


def _kinds(subject: Subject) -> Iterator[Sample]:
    """One sample of each notation: XML, JSON, ZIP, text begin differently."""
    kinds: set[bytes] = set()
    for sample in subject.samples:
        kind = sample.content.lstrip()[:1]
        kind = kind if kind in b"<{[P" else b""
        if kind not in kinds:
            kinds.add(kind)
            yield sample


def _attacked(subject: Subject, sample: Sample, attacks: Iterable[Damaged]) -> Iterator[Finding]:
    for how, content in attacks:
        at = f"{sample.name}, {how}"
        before = memory.set_back()
        found = read(subject.adapter, content, sample.mapping, checked=True)
        grown = memory.peak() - before
        yield from broken(subject, found, at)
        if grown > memory.HOSTILE + len(content):
            yield Finding(subject.entry, "memory.hostile", at, f"{grown >> 20} MiB")
        if _stolen(found):
            yield Finding(subject.entry, "purity.disk", at, "an external entity was read")


def _stolen(found: Read) -> bool:
    told = [*texts(found.records), str(found.error or "")]
    return any(SECRET in text for text in told)


def _growth(subject: Subject, sample: Sample, size: int, folder: str) -> Iterator[Finding]:
    """A long file of what the sample has, written and read record by record."""
    with tempfile.TemporaryFile(dir=folder) as file:
        before = memory.set_back()
        how = longer(subject, sample, size, file)
        if not how:
            return
        writing = memory.peak() - before
        file.seek(0)
        packed = file.read(len(ZIP)) == ZIP
        length = file.seek(0, io.SEEK_END)
        file.seek(0)
        before = memory.set_back()
        counted, error = _count(subject, sample, file)
        reading = memory.peak() - before
    at = f"{sample.name} repeated, {how}"
    bound = memory.bound(length, packed=packed)
    if error is not None and not isinstance(error, SenderError):
        yield Finding(subject.entry, "parse.failed", at, place_of(error))
    if reading > bound and error is None:
        detail = f"parse: {reading >> 20} MiB for {length >> 20} MiB, {counted} records"
        yield Finding(subject.entry, "memory.growth", at, detail)
    if writing > bound and how == BY_RENDER and not packed:
        detail = f"render: {writing >> 20} MiB for {length >> 20} MiB"
        yield Finding(subject.entry, "memory.growth", at, detail)


def _count(subject: Subject, sample: Sample, file: BinaryIO) -> tuple[int, Exception | None]:
    number = 0
    try:
        for _ in subject.adapter.parse(file, sample.mapping, Reading()):
            number += 1
    except Exception as error:
        return number, error
    return number, None


if __name__ == "__main__":
    main()
