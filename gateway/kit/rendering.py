"""Checks of `render`: what comes back, what does not, and whether it says so."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy

from gateway.errors import CorridorError, SenderError
from gateway.kit.drive import Walks, Written, place_of, read, write
from gateway.kit.finding import Finding
from gateway.kit.leaves import (
    bare,
    counted,
    heads,
    occurring,
    references,
    shown,
    values_at,
    without,
)
from gateway.kit.subject import Subject
from gateway.mapping import Plan
from gateway.record import Record, Writing

Sink = Callable[[Written], None]


def writing(
    subject: Subject, records: Sequence[Record], plan: Plan | None, at: str
) -> Iterator[Finding]:
    """The records of a sample are written, steadily, and left as they were."""
    name, adapter = subject.entry, subject.adapter
    before = deepcopy(list(records))
    first = write(adapter, records, plan)
    yield from broken(subject, first, at)
    if isinstance(first.error, CorridorError):
        yield Finding(name, "render.refused", at, first.error.rule)
    if list(records) != before:
        yield Finding(name, "render.changed", at)
    if first.error is not None:
        return
    again = write(adapter, Walks(before), plan)
    if again.error is not None:
        yield Finding(name, "render.failed", f"{at}, records that are no list", _error(again))
        return
    if again.result != first.result:
        yield Finding(name, "render.unsteady", at)
    yield from _chunks(subject, before, plan, at)


def _error(written: Written) -> str:
    error = written.error
    return error.rule if isinstance(error, CorridorError) else place_of(error or Exception())


def _chunks(
    subject: Subject, records: Sequence[Record], plan: Plan | None, at: str
) -> Iterator[Finding]:
    chunks = subject.adapter.render(Walks(records), plan, Writing())
    if not hasattr(chunks, "__next__") or any(not isinstance(chunk, bytes) for chunk in chunks):
        yield Finding(subject.entry, "protocol.lazy", at, "render")


def broken(subject: Subject, written: Written, at: str) -> Iterator[Finding]:
    """An error that is none of ours."""
    if written.error is not None and not isinstance(written.error, CorridorError):
        yield Finding(subject.entry, "render.failed", at, place_of(written.error))


def there_and_back(
    subject: Subject,
    records: Sequence[Record],
    plan: Plan | None,
    at: str,
    *,
    real: bool = False,
    derived: frozenset[str] = frozenset(),
    carried: Sink | None = None,
) -> Iterator[Finding]:
    """Write records, read them again, compare field by field.

    What differs must stand in `unrendered`. With `real`, what stands there must differ.
    Leaves in `derived` may come back: others say the same.
    A refusal is a good answer here: `carried` is told of every writing that was none.
    """
    written = write(subject.adapter, Walks(records), plan)
    yield from broken(subject, written, at)
    if written.error is not None:
        return
    if carried is not None:
        carried(written)
    yield from _lineage(subject, records, written, at)
    lost = frozenset(written.writing.unrendered)
    back = read(subject.adapter, written.content, plan, checked=True)
    if isinstance(back.error, SenderError) and all(map(bare, without(records, lost))):
        return  # nothing could be carried, and a file of nothing may be refused
    if back.error is not None:
        detail = back.error.rule if isinstance(back.error, CorridorError) else place_of(back.error)
        yield Finding(subject.entry, "render.unread", at, detail)
        return
    gone = lost | derived
    if any(leaf.endswith(".record_id") for leaf in lost):
        # The records came back under other ids, and so did everything that refers to them.
        gone = gone | references()
    if plan is not None:
        # A mapping may make a leaf that was not there: a constant, or one source path for two.
        gone = gone | _gained(records, back.records)
    yield from _compared(subject, records, back.records, gone, at)
    if real:
        yield from _real(subject, records, back.records, lost, at)


def _lineage(
    subject: Subject, records: Sequence[Record], written: Written, at: str
) -> Iterator[Finding]:
    present = occurring(records)
    told = written.writing.lineage.keys() | written.writing.unrendered
    for leaf in sorted(present - told - heads()):
        yield Finding(subject.entry, "lineage.missing", at, f"render: {leaf}")
    idle = told - present - heads()
    for leaf in shown(idle):
        yield Finding(subject.entry, "lineage.unknown", at, f"render: {leaf}")


def _compared(
    subject: Subject,
    records: Sequence[Record],
    back: Sequence[Record],
    gone: frozenset[str],
    at: str,
) -> Iterator[Finding]:
    before, after = _said(records, gone), _said(back, gone)
    if counted(before) == counted(after):
        return
    leaves = sorted(
        leaf
        for leaf in occurring(before) | occurring(after)
        if values_at(before, leaf) != values_at(after, leaf)
    )
    ids = [leaf for leaf in leaves if leaf.endswith(".record_id")]
    if len(before) != len(after) or ids:
        # A record that is gone takes all its leaves along: then the record is the finding.
        yield Finding(subject.entry, "loss.record", at, ", ".join(ids or leaves[:3]))
        return
    for leaf in leaves or ["the order of a list, or what belongs together"]:
        yield Finding(subject.entry, "loss.silent", at, leaf)


def _said(records: Sequence[Record], gone: frozenset[str]) -> list[Record]:
    return [record for record in without(records, gone) if not bare(record)]


_WHICH = (".record_id", ".record_type")
"""Leaves that say which record it is: more of them is a record more."""


def _gained(records: Sequence[Record], back: Sequence[Record]) -> frozenset[str]:
    """Leaves that came back with everything that was there, and more."""
    found = set()
    for leaf in occurring(back):
        before, after = values_at(records, leaf), values_at(back, leaf)
        if after > before and not leaf.endswith(_WHICH):
            found.add(leaf)
    return frozenset(found)


def _real(
    subject: Subject,
    records: Sequence[Record],
    back: Sequence[Record],
    lost: frozenset[str],
    at: str,
) -> Iterator[Finding]:
    for leaf in sorted(lost):
        if values_at(records, leaf) == values_at(back, leaf):
            yield Finding(subject.entry, "loss.unreal", at, leaf)


def one_missing(
    subject: Subject, records: Sequence[Record], plan: Plan | None, at: str
) -> Iterator[Finding]:
    """Without any one leaf, everything else still goes both ways, or is refused."""
    for leaf in sorted(occurring(records) - {f"{r['record_type']}.record_id" for r in records}):
        if leaf.endswith(".record_type"):
            continue
        fewer = without(records, {leaf})
        said = f"{at} without {leaf}"
        yield from there_and_back(subject, fewer, plan, said, derived=frozenset((leaf,)))
