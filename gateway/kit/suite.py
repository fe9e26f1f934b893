"""The standard suite, in its order: what a format promises, then what it must survive."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.kit import parsing, rendering, trying
from gateway.kit.drive import Read, read, write
from gateway.kit.finding import EXAMPLES, Finding
from gateway.kit.leaves import occurring
from gateway.kit.quoting import told, values_of
from gateway.kit.subject import Sample, Subject

_BYTES = 400_000
"""Of the long file, for each example."""

_MOST = 20
"""Findings of one rule that are told. The others are like them."""


_Answer = dict[str, Any]
Apart = tuple[list[Finding], int]
"""Findings, and the number of samples that were measured."""


@dataclass(slots=True)
class Direction:
    """What one direction of an adapter did with the samples."""

    samples: int = 0
    records: int = 0
    fields: set[str] = field(default_factory=set)
    losses: set[str] = field(default_factory=set)
    """`unmapped` source paths, or `unrendered` leaves."""

    def told(self, losses: str) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "samples": self.samples,
            "records": self.records,
            "fields": len(self.fields),
            losses: sorted(self.losses),
        }


@dataclass(slots=True)
class Report:
    """What came of one adapter."""

    subject: Subject
    parse: Direction = field(default_factory=Direction)
    render: Direction = field(default_factory=Direction)
    findings: list[Finding] = field(default_factory=list)
    carried: int = 0
    """Generated records that were written and read again."""
    measured: int = 0
    """Samples whose format was tried with a long file."""

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        adapter = self.subject.adapter
        return {
            "adapter": self.subject.entry,
            "version": adapter.version,
            "parse": self.parse.told("unmapped"),
            "render": self.render.told("unrendered"),
            "generated": self.carried,
            "measured": self.measured,
            "findings": [
                {
                    "rule": f.rule,
                    "at": f.at,
                    "detail": f.detail,
                    "meaning": f.meaning,
                    "mend": f.mend,
                }
                for f in self.findings
            ],
        }


def examine(subjects: Iterable[Subject], *, examples: int = EXAMPLES) -> Iterator[Report]:
    """Run the suite on one adapter after the other; what needs its own process runs beside.

    Adapters that share `parse` and its samples share what is tried on damaged content: once.
    """
    known: set[tuple[Any, Path]] = set()
    with ThreadPoolExecutor(max_workers=2) as pool:
        begun = []
        for subject in subjects:
            reader = (type(subject.adapter).parse, subject.folder)
            fresh = reader not in known
            known.add(reader)
            tasks = [pool.submit(pure, subject), pool.submit(bounded, subject, examples, fresh)]
            begun.append((subject, fresh, tasks))
        for subject, fresh, tasks in begun:
            report = inside(subject, examples, fresh)
            for task in tasks:
                found, measured = task.result()
                report.findings += found
                report.measured += measured
            report.findings = list(_fewer(report.findings))
            yield report


def inside(subject: Subject, examples: int, fresh: bool = True) -> Report:
    """Everything that can be tried in this process; without `fresh`, no damaged content."""
    report = Report(subject, findings=list(subject.faults))
    before = parsing.snapshot(subject)
    report.findings += parsing.attributes(subject)
    for sample in subject.samples:
        first = read(subject.adapter, sample.content, sample.mapping)
        wrong = list(_sample(report, sample, first))
        report.findings += wrong
        sound = not {one.rule for one in wrong} & {"parse.invalid"}
        if fresh and first.error is None and sound:
            report.findings += trying.damage(subject, sample, first, examples)
    carried: list[int] = []
    report.findings += trying.any_bytes(subject, examples) if fresh else ()
    report.findings += trying.generated(subject, examples, carried)
    report.carried = sum(carried)
    report.findings += parsing.state(subject, before)
    return report


def pure(subject: Subject) -> Apart:
    """Two processes that differ in everything an adapter must not look at give one result."""
    first = _process(subject, {"what": "pure"}, "1", "UTC")
    second = _process(subject, {"what": "pure"}, "2", "Pacific/Kiritimati")
    findings = _died(subject, first, second)
    findings += [Finding(subject.entry, rule, at) for rule, at in first.get("seen", ())]
    if not findings and first.get("digest") != second.get("digest"):
        findings.append(Finding(subject.entry, "purity.differs", "the samples"))
    return findings, 0


def bounded(subject: Subject, examples: int = EXAMPLES, fresh: bool = True) -> Apart:
    """A long payload, and where `fresh` hostile ones, in a process that cannot take all memory."""
    size = max(3 << 20, min(50 << 20, examples * _BYTES))
    task = {"what": "bounded", "size": size, "attacks": fresh}
    answer = _process(subject, task, "0", "UTC")
    findings = _died(subject, answer)
    for rule, at, detail in answer.get("findings", ()):
        findings.append(Finding(subject.entry, rule, at, detail))
    return findings, answer.get("measured", 0)


def _died(subject: Subject, *answers: _Answer) -> list[Finding]:
    died = [answer["died"] for answer in answers if "died" in answer]
    return [Finding(subject.entry, "memory.died", "a process of its own", how) for how in died]


def _sample(report: Report, sample: Sample, first: Read) -> Iterator[Finding]:
    subject, name = report.subject, sample.name
    wrong = list(parsing.reading(subject, sample, first))
    yield from wrong
    if wrong:
        return
    _count(report.parse, first)
    yield from parsing.quiet(subject, sample, first)
    yield from parsing.lineage(subject, sample, first)
    yield from parsing.again(subject, sample, first)
    yield from parsing.without_mapping(subject, sample)
    yield from rendering.writing(subject, first.records, sample.mapping, name)
    written = write(subject.adapter, first.records, sample.mapping)
    if written.error is None:
        report.render.samples += 1
        report.render.records += len(first.records)
        report.render.fields |= written.writing.lineage.keys()
        report.render.losses |= written.writing.unrendered
    yield from told(subject, written, values_of(subject, sample, first.records), name)
    yield from rendering.there_and_back(subject, first.records, sample.mapping, name, real=True)
    yield from rendering.one_missing(subject, first.records, sample.mapping, name)
    yield from rendering.there_and_back(subject, [], sample.mapping, f"{name} without records")


def _count(direction: Direction, first: Read) -> None:
    direction.samples += 1
    direction.records += len(first.records)
    direction.fields |= occurring(first.records) & first.reading.lineage.keys()
    direction.losses |= first.reading.unmapped


def _process(subject: Subject, what: Mapping[str, Any], seed: str, zone: str) -> _Answer:
    task = {
        "point": subject.point,
        "entry": subject.entry,
        "root": str(subject.root) if subject.root else None,
        "folder": str(subject.folder),
        **what,
    }
    environment = {"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "gateway.kit.child"],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=False,
        env={**environment, "PYTHONPATH": ":".join(path for path in sys.path if path)},
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return {"died": f"{what['what']}: {last[0].partition(':')[0]}"}
    answer: _Answer = json.loads(done.stdout)
    return answer


def _fewer(found: Iterable[Finding]) -> Iterator[Finding]:
    told: dict[str, int] = {}
    for one in dict.fromkeys(found):
        told[one.rule] = told.get(one.rule, 0) + 1
        if told[one.rule] <= _MOST:
            yield one
