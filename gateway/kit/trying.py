"""Checks with content nobody planned: any bytes, damaged samples, generated records.

Hypothesis is needed here and nowhere else in the product: `pip install 'corridor[kit]'`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from gateway.errors import SenderError
from gateway.kit import generate, rendering
from gateway.kit.damage import damaged, marked
from gateway.kit.drive import Read, read
from gateway.kit.finding import Finding
from gateway.kit.parsing import broken
from gateway.kit.quoting import told, values_of
from gateway.kit.subject import Sample, Subject
from gateway.mapping import Plan


class _Found(Exception):  # noqa: N818 - it carries findings out of hypothesis, and is no error
    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__()
        self.findings = findings


def _hunt(
    strategy: st.SearchStrategy[Any], examples: int, look: Callable[[Any], list[Finding]]
) -> list[Finding]:
    """The findings of the first example that has some."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        print_blob=False,
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),  # nobody is shown the example, so none is made smaller
    )
    @given(strategy)
    def every(example: Any) -> None:
        if findings := look(example):
            raise _Found(findings)

    try:
        every()
    except _Found as found:
        return list(found.findings)
    except HypothesisException as error:
        return [Finding("", "parse.unsteady", "generated content", type(error).__name__)]
    return []


def any_bytes(subject: Subject, examples: int) -> Iterator[Finding]:
    """Bytes without sense, and bytes that begin like a sample: records or a SenderError."""
    heads = [b"", *(sample.content[:count] for sample in subject.samples for count in (1, 16, 200))]
    contents = st.builds(bytes.__add__, st.sampled_from(heads), st.binary(max_size=120))

    for plan in subject.plans:

        def look(content: bytes, plan: Plan | None = plan) -> list[Finding]:
            found = read(subject.adapter, content, plan, checked=True)
            return list(broken(subject, found, "any bytes"))

        yield from _named(subject, _hunt(contents, examples, look))


def _named(subject: Subject, findings: Sequence[Finding]) -> Iterator[Finding]:
    for one in findings:
        yield Finding(subject.entry, one.rule, one.at, one.detail)


def damage(subject: Subject, sample: Sample, first: Read, examples: int) -> Iterator[Finding]:
    """A sample after an accident: records or a SenderError, and no value told."""
    secrets = values_of(subject, sample, first.records)
    for how, content in damaged(sample.content, examples):
        found = read(subject.adapter, content, sample.mapping, checked=True)
        at = f"{sample.name}, {how}"
        yield from broken(subject, found, at)
        if isinstance(found.error, SenderError):
            yield from told(subject, found, secrets, at)
    for how, content in marked(sample.content, examples):
        found = read(subject.adapter, content, sample.mapping)
        at = f"{sample.name}, {how}"
        yield from broken(subject, found, at)
        # A mark that was read as a record's id stands in nothing that is told, either.
        yield from told(subject, found, (), at)


def generated(subject: Subject, examples: int, carried: list[int]) -> Iterator[Finding]:
    """Records of the types it claims: carried, named as not carried, or refused.

    `carried` gets the number of records of each writing that was no refusal.
    """
    for plan in subject.plans:
        types = subject.adapter.record_types or (plan.record_types if plan else ())
        if not types:
            continue

        def look(some: list[Any], plan: Plan | None = plan) -> list[Finding]:
            def count(_: object) -> None:
                carried.append(len(some))

            at = "generated records"
            back = rendering.there_and_back(subject, some, plan, at, carried=count)
            return list(back)

        strategy = generate.records(sorted(types)).map(_distinct)
        yield from _named(subject, _hunt(strategy, examples, look))


def _distinct(records: list[Any]) -> list[Any]:
    """Each id once: the gateway lets no second record of one id pass."""
    return list({record["record_id"]: record for record in records}.values())
