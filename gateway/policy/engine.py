"""What every policy engine promises, and a memory of answers in front of one.

An engine answers from one bundle at a time. Whatever it raises is a `PolicyError`, hence a
denial. It keeps no question and writes none down.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.policy.bundle import Bundle
from gateway.policy.decision import Decision
from gateway.policy.faults import PolicyFailed
from gateway.policy.question import Question

HOLD = timedelta(seconds=60)
"""How long an answer is reused at most, so that nothing the policy forgot lives for ever."""

MAX_ANSWERS = 1024


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

    async def close(self) -> None:
        """Give up what the engine holds. It answers no more."""


class Cached:
    """Remembers answers by question without its moment, for a minute at most.

    An answer holds from the moment it was given until the first instant that the policy says
    may change it. For an earlier moment, as in a replay, the engine is asked.
    """

    def __init__(self, engine: PolicyEngine, *, size: int = MAX_ANSWERS) -> None:
        self.engine = engine
        self._size = size
        self._answers: dict[bytes, tuple[str, str, str, Decision]] = {}

    @property
    def revision(self) -> str:
        return self.engine.revision

    @property
    def name(self) -> str:
        return self.engine.name

    async def decide(self, question: Question) -> Decision:
        return self._known(question) or self._keep(await self.engine.decide(question))

    def decide_now(self, question: Question) -> Decision:
        return self._known(question) or self._keep(self.engine.decide_now(question))

    def flush(self) -> None:
        """Forget every answer: to be called when a bundle or an agreement changes."""
        self._answers.clear()

    async def close(self) -> None:
        self.flush()
        await self.engine.close()

    def _known(self, question: Question) -> Decision | None:
        held = self._answers.get(question.cache_key)
        if held is None:
            return None
        since, until, revision, decision = held
        # Instants have one spelling, so text order is time order.
        if not since <= question.now < until or revision != self.engine.revision:
            return None
        return replace_question(decision, question)

    def _keep(self, decision: Decision) -> Decision:
        asked = decision.asked
        until = _later(asked.now, HOLD)
        if decision.valid_until:
            until = min(until, decision.valid_until)
        if len(self._answers) >= self._size:
            self._answers.pop(next(iter(self._answers)), None)
        self._answers[asked.cache_key] = (asked.now, until, decision.revision, decision)
        return decision


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
