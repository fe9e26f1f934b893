"""Deciding again, in this process or in several: one task is a few questions with their moments.

An engine belongs to one thread, so each process has its own. What comes back is counted
differences, never a question.
"""

import asyncio
import json
import os
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

from gateway.errors import CorridorError, GatewayError
from gateway.policy import (
    Bundle,
    Decision,
    Embedded,
    PolicyEngine,
    PolicyError,
    Question,
    QuestionUnfit,
    Template,
)
from gateway.policy.cases import case
from gateway.replay_change import Change, Strictness, changes, unanswered
from gateway.replay_window import Answers, Clock, moment, packed, place

Parties = tuple[str, str, str, str]
"""Sender, recipient, purpose and agreement of a question."""

Effect = tuple[Parties, tuple[Change, ...]]

Found = dict[Effect, tuple[int, int]]
"""How many transfers change so, and the index of the first."""

WORKERS = min(os.cpu_count() or 1, 4)
AHEAD = 3
"""Tasks for each process that wait at most: questions are read when they are needed."""


@dataclass(frozen=True, slots=True)
class Task:
    """Questions that one bundle answered, or numbers of generated cases."""

    revision: str
    questions: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    """Canonical bytes of a template, and the packed moments."""
    seed: str = ""
    numbers: tuple[int, int] = (0, 0)
    logged: bool = True
    """Whether these are transfers; if not, they are tried for what no transfer shows."""

    @property
    def weight(self) -> int:
        """How many transfers or cases it holds."""
        held = sum(len(moments) // 8 for _, moments in self.questions)
        return held + self.numbers[1] - self.numbers[0]


def template_of(document: bytes) -> Template:
    """A question out of the document store. Raises `GatewayError` for any other spelling."""
    try:
        template = Template.of(json.loads(document))
    except (ValueError, RecursionError, QuestionUnfit):
        template = None
    if template is None or template.cache_key != document:
        raise GatewayError("a kept question is none", rule="replay.question")
    return template


def parties(document: Mapping[str, Any]) -> Parties:
    """Whom a question is about. A generated one may not say."""
    request = document.get("request")
    held = request if isinstance(request, dict) else {}
    sender, recipient, purpose, agreement = (
        value if isinstance(value := held.get(name), str) else ""
        for name in ("sender", "recipient", "purpose", "agreement")
    )
    return sender, recipient, purpose, agreement


class Engine:
    """One bundle's answers. To be used and closed on the thread that made it."""

    def __init__(self, bundle: Bundle, engine: PolicyEngine | None = None) -> None:
        self.revision = bundle.revision
        self.clock = Clock(bundle)
        self._engine = engine or Embedded(bundle, inline=True)

    def ask(self, template: Template, now: str) -> Decision:
        """The answer. A question that breaks the policy counts as refused, for nothing leaves."""
        return self.decide(template.at(now))

    def decide(self, question: Question) -> Decision:
        """The same for a question that has its moment."""
        try:
            return self._engine.decide_now(question)
        except PolicyError as error:
            return unanswered(
                error.rule, question, engine=self._engine.name, revision=self.revision
            )

    def locally(self, question: Question) -> tuple[str, str, dict[str, Any]] | None:
        """What the operator's own policies say; None where that cannot be asked alone."""
        if not isinstance(self._engine, Embedded):
            return None
        try:
            return self._engine.said_locally(question)
        except PolicyError:
            return None

    def answers(self, template: Template) -> Answers:
        """The answers to one question over time."""
        return Answers(template, self.clock, self.ask)

    def close(self) -> None:
        """Give the engine up."""
        asyncio.run(self._engine.close())


class Desk:
    """The bundle that is tried, beside those that once answered."""

    def __init__(self, new: bytes, recorded: Mapping[str, bytes]) -> None:
        self._new = Bundle.unpacked(new)
        self._recorded = recorded
        self._engines = {self._new.revision: Engine(self._new)}
        self._strict: dict[str, Strictness] = {}
        self._same: dict[str, bool] = {}
        """Bundles that differ from the new one in the operator's own policies alone."""

    def run(self, task: Task) -> Found:
        """Every difference of one task."""
        found: Found = {}
        for document, moments in task.questions:
            self._question(task.revision, template_of(document), moments, found)
        for number in range(*task.numbers):
            self.case(task.revision, case(f"{task.seed}/{number}").document, number, found)
        return found

    def case(self, revision: str, document: Any, number: int, found: Found) -> None:
        """One question with a moment of its own. One that is no question is passed over."""
        try:
            question = Question.of(document)
        except QuestionUnfit:
            return
        old, new = self._pair(revision)
        if self._alike(revision, question):
            return
        before, after = old.decide(question), new.decide(question)
        self._note(parties(document), revision, before, after, (number, 1), found)

    def _question(self, revision: str, template: Template, moments: bytes, found: Found) -> None:
        before, after = (one.answers(template) for one in self._pair(revision))
        who = parties(json.loads(template.cache_key))
        held = array("q", moments)
        at = 0
        while at < len(held):
            now = moment(held[at])
            if self._alike(revision, template.at(now)):
                at = bisect_left(held, min(before.edge(now), after.edge(now)), lo=at, key=moment)
                continue
            (was, one), (is_, other) = before.at(now), after.at(now)
            end = bisect_left(held, min(one, other), lo=at, key=moment)
            first = min(place(number) for number in held[at:end])
            self._note(who, revision, was, is_, (first, end - at), found)
            at = end

    def _alike(self, revision: str, question: Question) -> bool:
        """Whether both bundles surely answer alike, without asking for either answer.

        They do where everything but the operator's own policies is the same, and these say the
        same to this question: of its record types, for forms of others are not looked at.
        """
        if not self._same[revision]:
            return False
        old, new = (one.locally(question) for one in self._pair(revision))
        if old is None or new is None or old[:2] != new[:2]:
            return False
        classes = question.document.get("classes")
        if not isinstance(classes, list):
            return old == new
        types = {str(one.get("record_type")) for one in classes if isinstance(one, dict)}
        return all(old[2].get(name) == new[2].get(name) for name in types)

    def _note(
        self, who: Parties, revision: str, before: Decision, after: Decision,
        counted: tuple[int, int], found: Found,
    ) -> None:  # fmt: skip
        differs = changes(before, after, self._strict[revision])
        if differs:
            first, count = counted
            merge(found, {(who, differs): (count, first)})

    def _pair(self, revision: str) -> tuple[Engine, Engine]:
        if revision not in self._engines:
            self._engines[revision] = Engine(Bundle.unpacked(self._recorded[revision]))
        if revision not in self._strict:
            old = Bundle.unpacked(self._recorded[revision])
            self._strict[revision] = Strictness(old, self._new)
            self._same[revision] = _shipped(old) == _shipped(self._new)
        return self._engines[revision], self._engines[self._new.revision]

    def close(self) -> None:
        """Give up every engine, on the thread that made them."""
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()


def _shipped(bundle: Bundle) -> tuple[object, ...]:
    """A bundle without the operator's own policies."""
    return bundle.data, *(one for one in bundle.policies if not one[0].startswith("local/"))


def merge(into: Found, found: Found) -> None:
    """Add counts, and keep the earliest place."""
    for effect, (count, first) in found.items():
        known, earliest = into.get(effect, (0, first))
        into[effect] = (known + count, min(first, earliest))


def run(
    tasks: Iterator[Task],
    new: bytes,
    recorded: Mapping[str, bytes],
    done: Callable[[Task], None],
    *,
    workers: int,
) -> Iterator[tuple[Task, Found]]:
    """The differences of every task, in several processes unless `workers` is 1."""
    if workers == 1:
        desk = Desk(new, recorded)
        try:
            for task in tasks:
                yield task, desk.run(task)
                done(task)
        finally:
            desk.close()
        return
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_begin, initargs=(new, dict(recorded))
    ) as pool:
        waiting: deque[tuple[Task, Future[Found | _Failed]]] = deque()
        for following in _and_end(tasks):
            if following is not None:
                waiting.append((following, pool.submit(_work, following)))
            while waiting and (following is None or len(waiting) >= AHEAD * workers):
                finished, future = waiting.popleft()
                yield finished, _told(future.result())
                done(finished)


def _and_end(tasks: Iterable[Task]) -> Iterator[Task | None]:
    yield from tasks
    yield None


@dataclass(frozen=True, slots=True)
class _Failed:
    """An error of ours on its way out of a process: exceptions with names for their arguments
    do not travel."""

    problem: str
    rule: str
    at: str


_DESKS: list[Desk] = []
"""The one desk of a worker process."""


def _begin(new: bytes, recorded: Mapping[str, bytes]) -> None:
    _DESKS.append(Desk(new, recorded))


def _work(task: Task) -> Found | _Failed:
    try:
        return _DESKS[0].run(task)
    except CorridorError as error:
        return _Failed(error.problem, error.rule, error.at)


def _told(found: Found | _Failed) -> Found:
    if isinstance(found, _Failed):
        raise GatewayError(found.problem, rule=found.rule, at=found.at)
    return found


def transfers(questions: Iterable[tuple[str, bytes, bytes]], size: int) -> Iterator[Task]:
    """Tasks of at most `size` questions of the log, each of one bundle."""
    waiting: dict[str, list[tuple[bytes, bytes]]] = {}
    for revision, document, moments in questions:
        held = waiting.setdefault(revision, [])
        held.append((document, moments))
        if len(held) == size:
            yield Task(revision, tuple(waiting.pop(revision)))
    for revision, held in waiting.items():
        yield Task(revision, tuple(held))


def tried(revision: str, questions: Sequence[tuple[bytes, bytes]], size: int) -> Iterator[Task]:
    """Tasks of questions of the log at one moment, which are no transfers."""
    for begin in range(0, len(questions), size):
        yield Task(revision, tuple(questions[begin : begin + size]), logged=False)


def samples(revision: str, questions: Iterable[Question]) -> Task:
    """The questions that bundles carry."""
    held = tuple(
        (one.cache_key, array("q", [packed(one.now, number)]).tobytes())
        for number, one in enumerate(questions)
    )
    return Task(revision, held, logged=False)


def cases(revision: str, seed: str, count: int, size: int) -> Iterator[Task]:
    """Tasks of generated questions."""
    for begin in range(0, count, size):
        numbers = (begin, min(begin + size, count))
        yield Task(revision, seed=seed, numbers=numbers, logged=False)
