"""What a change of the policies would have changed: every logged transfer decided again.

A transfer is decided again from the question that was recorded for it, once by the bundle that
answered then and once by the new one. Nothing but questions is read, so no record of a person
is needed, and the same log gives the same report years later.

Because a log shows only what was asked, the same is done with the bundles' own samples and
with generated questions, and reported beside it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway import replay_work
from gateway.canonical import canonical, digest
from gateway.errors import GatewayError, OfficerError
from gateway.policy import Bundle
from gateway.replay_change import Change
from gateway.replay_reading import Progress, Read, Recorded
from gateway.replay_work import WORKERS, Effect, Found, Task, merge

FORM = "corridor/replay/v1"
SEED = "1"
CASES = 1_000
TASK_QUESTIONS = 16
TASK_CASES = 50
EARLY_TASKS = 5
"""Parts of the generated questions that are handed out while a large log is still being read."""
LARGE = 50_000
"""Entries of a large log."""
ALONE = 200
"""Fewer questions than this are decided here: to start processes takes as long."""

INSTANT = "%Y-%m-%dT%H:%M:%SZ"
DAYS = 36_500
REPORT = frozenset(
    ("form", "from", "to", "since", "log", "counted", "not_replayable", "differences", "widens",
     "corpus")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scope:
    """Which transfers, and which generated questions, are decided again."""

    since: str = ""
    """An instant; empty for the whole log."""
    start: int = 0
    """The first entry."""
    size: int | None = None
    """The log as it was when it had so many entries; as it is now without one."""
    seed: str = SEED
    cases: int = CASES


def since_of(text: str, now: str) -> str:
    """`30d`, a date, an instant or `all` as an instant. Raises `OfficerError` for anything else."""
    if text == "all":
        return ""
    days = text.removesuffix("d")
    if days != text and days.isascii() and days.isdigit() and len(days) <= 5:
        moment = datetime.strptime(now, INSTANT).replace(tzinfo=UTC)
        return (moment - timedelta(days=min(int(days), DAYS))).strftime(INSTANT)
    for spelling in ("%Y-%m-%d", INSTANT):
        try:
            return datetime.strptime(text, spelling).replace(tzinfo=UTC).strftime(INSTANT)
        except ValueError:
            continue
    raise OfficerError("neither 30d, nor a date, nor all", rule="replay.since", at="--since")


def replay(
    recorded: Recorded,
    bundle: Bundle,
    scope: Scope,
    *,
    known: Callable[[], Sequence[Bundle]] = tuple,
    progress: Progress = lambda _what, _done, _total: None,
    workers: int = WORKERS,
) -> dict[str, Any]:
    """The report of what `bundle` changes. `known` gives bundles that the log may not have kept;
    it is called where one is missing."""
    work = _Work(recorded, bundle, scope, known, progress)
    begun = work.begun()
    if not begun:
        work.read_log()
    tally, done = _Tally(), 0

    def finished(task: Task) -> None:
        nonlocal done
        done += task.weight
        progress("deciding again", done, work.total)

    held = {name: one.packed() for name, one in work.bundles.items()}
    alone = not begun and len(work.read.groups) + work.cases < ALONE
    for task, found in replay_work.run(
        work.tasks(), bundle.packed(), held, finished, workers=1 if alone else workers
    ):
        merge(tally.logged if task.logged else tally.corpus, found)
        if not task.logged:
            tally.tried += task.weight
    return _report(work.read, work, tally, bundle, scope)


def answering(
    recorded: Recorded, read: Read, known: Callable[[], Sequence[Bundle]]
) -> dict[str, Bundle]:
    """Bundles by revision: those that are kept, and others only where one of these is missing."""
    bundles = recorded.bundles()
    if {revision for revision, _, _ in read.groups} - bundles.keys():
        bundles = {one.revision: one for one in known()} | bundles
    return bundles


@dataclass(slots=True)
class _Tally:
    logged: Found = field(default_factory=dict)
    corpus: Found = field(default_factory=dict)
    tried: int = 0


class _Work:
    """What is to be decided, and what cannot be."""

    def __init__(
        self,
        recorded: Recorded,
        new: Bundle,
        scope: Scope,
        known: Callable[[], Sequence[Bundle]],
        progress: Progress,
    ) -> None:
        self.recorded = recorded
        self.new = new
        self.scope = scope
        self.bundles: Mapping[str, Bundle] = {}
        self.lost: Counter[str] = Counter()
        self.again: list[tuple[bytes, bytes]] = []
        """Questions that another bundle answered than the one in force. They are tried on that
        one too: what is to be left is what holds now, and not what held then."""
        self.read = Read("", 0, "")
        self._known, self._progress, self._early = known, progress, ""

    def begun(self) -> bool:
        """Whether generated questions can be decided before the log was read: it is large, and
        its tables say what is in force. The entries must say the same afterwards."""
        if self.scope.size is not None or self.recorded.size() < LARGE:
            return False
        standing = self.recorded.active()
        self.bundles = {one.revision: one for one in self._known()} | self.recorded.bundles()
        if standing in self.bundles and standing != self.new.revision:
            self._early = standing
        return bool(self._early)

    def read_log(self) -> None:
        """Read the log. Raises `GatewayError` where it is not the one that work began on."""
        self.read = self.recorded.read(
            self._progress,
            since=milliseconds(self.scope.since),
            start=self.scope.start,
            size=self.scope.size,
        )
        if self._early and self._early != self.read.active:
            raise GatewayError("what stands is not what entries say", rule="log.standing")
        if not self._early:
            self.bundles = answering(self.recorded, self.read, self._known)

    @property
    def cases(self) -> int:
        """Generated questions. Without a bundle to compare with there are none."""
        return self.scope.cases if self.base else 0

    @property
    def base(self) -> str:
        """The bundle that generated questions are asked of, beside the new one."""
        active = self._early or self.read.active
        return active if active in self.bundles and active != self.new.revision else ""

    @property
    def total(self) -> int:
        replayable = self.read.counted - self.read.older
        return replayable + self.cases + (len(self._samples()) if self.base else 0)

    def tasks(self) -> Iterator[Task]:
        """All tasks. Questions are read from the store as they are needed."""
        if self._early:
            size = max(1, -(-self.cases // EARLY_TASKS))
            yield from replay_work.cases(self.base, self.scope.seed, self.cases, size)
            self.read_log()  # here, while other processes decide
        yield from replay_work.transfers(self._questions(), TASK_QUESTIONS)
        if self.base:
            yield from replay_work.tried(self.base, self.again, TASK_QUESTIONS)
            yield replay_work.samples(self.base, self._samples().values())
            if not self._early:
                yield from replay_work.cases(self.base, self.scope.seed, self.cases, TASK_CASES)

    def _questions(self) -> Iterator[tuple[str, bytes, bytes]]:
        for (revision, template, _), moments in sorted(self.read.groups.items()):
            if revision not in self.bundles:
                self.lost["bundle"] += len(moments)
                continue
            document = self.recorded.document("sha256:" + template.hex())
            if document is None:
                self.lost["question"] += len(moments)
                continue
            if self.base not in ("", revision):
                self.again.append((document, moments[-1:].tobytes()))
            if revision != self.new.revision:
                yield revision, document, moments.tobytes()

    def _samples(self) -> dict[str, Any]:
        held = (*self.bundles[self.base].samples, *self.new.samples) if self.base else ()
        return {one.question.digest: one.question for one in held}


def _report(read: Read, work: _Work, tally: _Tally, bundle: Bundle, scope: Scope) -> dict[str, Any]:
    rows = [_row(effect, *counted) for effect, counted in sorted(tally.logged.items())]
    corpus = _corpus(tally.corpus)
    not_replayable = {
        "older": read.older,
        "bundle": work.lost["bundle"],
        "question": work.lost["question"],
    }
    return {
        "form": FORM,
        "from": sorted({revision for revision, _, _ in read.groups} | ({work.base} - {""})),
        "to": bundle.revision,
        "since": scope.since,
        "log": {"origin": read.origin, "size": read.size, "root": read.root},
        "counted": read.counted,
        "not_replayable": not_replayable,
        "differences": rows,
        "widens": any(row["widens"] for row in rows),
        "corpus": {
            "seed": scope.seed,
            "cases": work.cases,
            "tried": tally.tried,
            "widened": sum(count for (_, told), (count, _) in tally.corpus.items() if _wider(told)),
            "differences": corpus,
        },
    }


def _row(effect: Effect, count: int, first: int) -> dict[str, Any]:
    (sender, recipient, purpose, agreement), told = effect
    return {
        "sender": sender,
        "recipient": recipient,
        "purpose": purpose,
        "agreement": agreement,
        "transfers": count,
        "first": first,
        "widens": _wider(told),
        "changes": [_said(one) for one in told],
    }


def _said(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "name": change.name,
        "before": change.before,
        "after": change.after,
        "widens": change.widens,
    }


def _corpus(found: Found) -> list[dict[str, Any]]:
    """Questions that nobody asked have no parties worth naming: only what changed is counted."""
    counts: Counter[Change] = Counter()
    for (_, told), (count, _) in found.items():
        for one in told:
            counts[one] += count
    return [{**_said(one), "cases": count} for one, count in sorted(counts.items())]


def _wider(told: Sequence[Change]) -> bool:
    return any(one.widens for one in told)


def milliseconds(since: str) -> int:
    """An instant since 1970; 0 for none."""
    if not since:
        return 0
    moment = datetime.strptime(since, INSTANT).replace(tzinfo=UTC)
    return max(0, int(moment.timestamp()) * 1000)


def scope_of(report: Mapping[str, Any]) -> Scope:
    """What a report covers. Raises `OfficerError` where it does not say so as ours do."""
    try:
        log, corpus = report["log"], report["corpus"]
        scope = Scope(
            since=str(report["since"]),
            size=int(log["size"]),
            seed=str(corpus["seed"]),
            cases=int(corpus["cases"]),
        )
        milliseconds(scope.since)
        told = (widens(report), unknown(report), log["origin"])
    except (KeyError, TypeError, ValueError, AttributeError):
        told = None
    if told is None:
        raise OfficerError("not a report of a replay", rule="replay.form")
    return scope


def widens(report: Mapping[str, Any]) -> bool:
    """Whether anything widens, in the log or in what was tried."""
    return bool(report["widens"]) or report["corpus"]["widened"] > 0


def unknown(report: Mapping[str, Any]) -> int:
    """Of how many transfers nobody can say what changes."""
    return sum(report["not_replayable"].values())


def written(report: Mapping[str, Any]) -> bytes:
    """The one spelling of a report; its digest is what approvals name."""
    return canonical(report)


def report_digest(report: Mapping[str, Any]) -> str:
    """`sha256:` of a report."""
    return digest(written(report))


def totals(
    report: Mapping[str, Any], by: Callable[[Mapping[str, Any]], str]
) -> dict[str, Counter[str]]:
    """Transfers by a name and a kind of change, each transfer once for each kind."""
    found: dict[str, Counter[str]] = {}
    for row in report["differences"]:
        kinds = {one["kind"] for one in row["changes"]}
        found.setdefault(by(row), Counter()).update(dict.fromkeys(kinds, row["transfers"]))
    return found
