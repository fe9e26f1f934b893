"""What every policy engine promises, and a memory of answers in front of one.

An engine answers from one bundle at a time. Whatever it raises is a `PolicyError`, hence a
denial. It keeps no question and writes none down.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.policy.bundle import Bundle
from gateway.policy.decision import Decision
from gateway.policy.faults import PolicyError, PolicyFailed
from gateway.policy.question import Question

HOLD = timedelta(hours=1)
"""How long an answer is reused at most, even where the policy says it holds for ever.

What decides is in the question or in the bundle, and the first instant that may change the
answer is in the answer; a test holds the memory to that. So this bounds only what a policy may
have forgotten to say, and how long a server that is gone is not missed. It costs one
evaluation an hour for each question.
"""

MAX_ANSWERS = 1024
MAX_BYTES = 32 << 20
"""Of questions. A sender makes them big by sending many kinds of records."""


class PolicyEngine(Protocol):
    """Answers questions; the embedded engine and a server differ in nothing else."""

    @property
    def revision(self) -> str:
        """Digest of the bundle now answering."""

    @property
    def name(self) -> str:
        """`embedded` or `opa`, for the receipt."""

    async def decide(self, question: Question) -> Decision:
        """The decision, or a `PolicyError`."""

    def decide_now(self, question: Question) -> Decision:
        """The same for callers without an event loop, such as the command line."""

    async def prove(self) -> None:
        """Raise the `PolicyError` that would meet the next question, whatever it asks.

        `PolicyFailed` where only a person can mend it; otherwise waiting may help.
        """

    async def close(self) -> None:
        """Give up what the engine holds. It answers no more."""


async def not_ready(engine: PolicyEngine) -> str:
    """The rule that says why the engine cannot answer now; empty when it can."""
    try:
        await engine.prove()
    except PolicyError as error:
        return error.rule
    return ""


@dataclass(frozen=True, slots=True)
class _Held:
    since: str
    until: str
    decision: Decision


class Cached:
    """Remembers answers by question without its moment, until the policy says they may change.

    An answer holds from the moment it was given until the first instant that the policy says
    may change it. For an earlier moment, as in a replay or after a clock was set back, the
    engine is asked. Safe to use from several threads if the engine is.
    """

    def __init__(
        self, engine: PolicyEngine, *, size: int = MAX_ANSWERS, max_bytes: int = MAX_BYTES
    ) -> None:
        self.engine = engine
        self.hits = 0
        self.misses = 0
        self._size = size
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._answers: OrderedDict[bytes, _Held] = OrderedDict()
        self._bytes = 0
        self._flushed = 0

    @property
    def revision(self) -> str:
        return self.engine.revision

    @property
    def name(self) -> str:
        return self.engine.name

    async def decide(self, question: Question) -> Decision:
        known, flushed = self._known(question)
        return known or self._keep(await self.engine.decide(question), flushed)

    def decide_now(self, question: Question) -> Decision:
        known, flushed = self._known(question)
        return known or self._keep(self.engine.decide_now(question), flushed)

    def flush(self) -> None:
        """Forget every answer: to be called when a bundle or an agreement changes.

        An answer that is on its way from the engine is given, and not remembered.
        """
        with self._lock:
            self._answers.clear()
            self._bytes = 0
            self._flushed += 1

    async def prove(self) -> None:
        await self.engine.prove()

    async def close(self) -> None:
        self.flush()
        await self.engine.close()

    def _known(self, question: Question) -> tuple[Decision | None, int]:
        """The answer, if one is held, and how often all was forgotten up to now."""
        key = question.cache_key
        with self._lock:
            held = self._answers.get(key)
            # Instants have one spelling, so text order is time order.
            if (
                held is not None
                and held.since <= question.now < held.until
                and held.decision.revision == self.engine.revision
            ):
                self.hits += 1
                self._answers.move_to_end(key)
                return replace_question(held.decision, question), self._flushed
            self.misses += 1
            return None, self._flushed

    def _keep(self, decision: Decision, flushed: int) -> Decision:
        asked = decision.asked
        until = _later(asked.now, HOLD)
        if decision.valid_until:
            until = min(until, decision.valid_until)
        with self._lock:
            if flushed == self._flushed:
                self._forget(asked.cache_key)
                self._answers[asked.cache_key] = _Held(asked.now, until, decision)
                self._bytes += len(asked.cache_key)
                while len(self._answers) > self._size or self._bytes > self._max_bytes:
                    self._forget(next(iter(self._answers)))
        return decision

    def _forget(self, key: bytes) -> None:
        if self._answers.pop(key, None) is not None:
            self._bytes -= len(key)


def replace_question(decision: Decision, question: Question) -> Decision:
    """The same answer for the same question at another moment."""
    if decision.asked.now == question.now:
        return decision
    return replace(decision, asked=question)


def self_test(decide: Callable[[Question], Decision], bundle: Bundle) -> None:
    """Ask the bundle's own sample questions. Raises unless each is answered as it states.

    A rule that is never evaluated may hide an unknown function until a transfer needs it.
    A deployment's own rules may object to a sample as to anything else; nothing else may differ.
    """
    for sample in bundle.samples:
        decision = decide(sample.question)
        rules = tuple(objection.rule for objection in decision.objections)
        shipped = tuple(rule for rule in rules if not rule.startswith("local."))
        verdict = "refuse" if shipped != rules else sample.verdict
        if (decision.verdict, shipped) != (verdict, sample.rules):
            raise PolicyFailed("the bundle fails its self-test", rule="policy.self_test")


def _later(now: str, span: timedelta) -> str:
    try:
        moment = datetime.strptime(now, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) + span
    except (ValueError, OverflowError):
        return now  # a date no calendar has: the answer is not reused
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
