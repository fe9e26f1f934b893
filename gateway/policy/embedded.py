"""The embedded engine: regorus, inside this process.

A regorus engine belongs to one thread: it is created, used and dropped there. It cannot be
interrupted, and it keeps the last input when the next one does not parse, so the input is
always set and never trusted to have been. One broken evaluation costs the engine: another
is built from the same bundle.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from gateway.policy.bundle import Bundle
from gateway.policy.decision import Decision
from gateway.policy.engine import self_test
from gateway.policy.evaluation import NAME, ask, built, said_locally
from gateway.policy.faults import PolicyError, PolicyFailed, PolicyUnavailable
from gateway.policy.question import Question

Given = TypeVar("Given")
Answer = TypeVar("Answer")


class Embedded:
    """A `PolicyEngine` on a thread of its own, or, with `inline`, on the thread that made it.

    Inline saves the hand-over between threads (some 50 microseconds) and serves callers that
    stay on one thread; from any other thread it refuses. Close an inline engine on that
    thread: the garbage collector may run on another, where regorus cannot be dropped.
    """

    name = NAME

    def __init__(self, bundle: Bundle, *, inline: bool = False) -> None:
        self._bundle = bundle
        self._engine: Any = None
        self._closed = False
        self._owner = threading.get_ident()
        self._thread = None if inline else ThreadPoolExecutor(1, "policy")
        if self._thread is not None:
            self._owner = self._thread.submit(threading.get_ident).result()
        self.load(bundle)

    @property
    def revision(self) -> str:
        return self._bundle.revision

    async def decide(self, question: Question) -> Decision:
        if self._thread is None or threading.get_ident() == self._owner:
            return _said(self._decide(question))
        loop = asyncio.get_running_loop()
        return _said(await loop.run_in_executor(self._thread, self._decide, question))

    def decide_now(self, question: Question) -> Decision:
        return _said(self._on_owner(self._decide, question))

    def said_locally(self, question: Question) -> tuple[str, str, dict[str, Any]]:
        """What the bundle's own part `local` says to a question. Of an inline engine only."""
        try:
            return said_locally(self._engine, question)
        except PolicyError as error:
            self._engine = built(self._bundle)
            raise _alone(error) from None

    def load(self, bundle: Bundle) -> None:
        """Build an engine, let it answer the bundle's samples, then swap. Keeps the old one
        when anything fails."""
        failed = self._on_owner(self._load, bundle)
        if failed is not None:
            raise failed

    async def prove(self) -> None:
        # A bundle that does not answer was never loaded. The engine itself is for its thread.
        if self._closed:
            raise PolicyUnavailable("the engine is closed", rule="policy.closed")

    async def close(self) -> None:
        if self._thread is None:
            self._drop()
            return
        await asyncio.get_running_loop().run_in_executor(self._thread, self._drop)
        self._thread.shutdown()

    def _on_owner(self, step: Callable[[Given], Answer], given: Given) -> Answer:
        if self._thread is None or threading.get_ident() == self._owner:
            return step(given)
        return self._thread.submit(step, given).result()

    def _load(self, bundle: Bundle) -> PolicyError | None:
        try:
            engine = built(bundle)
            self_test(lambda question: ask(engine, question, bundle.revision), bundle)
        except PolicyError as error:
            return _alone(error)
        self._engine, self._bundle = engine, bundle
        return None

    def _drop(self) -> None:
        self._closed = True
        self._engine = None

    def _decide(self, question: Question) -> Decision | PolicyError:
        if threading.get_ident() != self._owner:
            return PolicyFailed("an engine used from another thread", rule="policy.thread")
        if self._engine is None:
            return PolicyUnavailable("the engine is closed", rule="policy.closed")
        try:
            return ask(self._engine, question, self._bundle.revision)
        except PolicyError as error:
            # Whatever it was, the next question must not meet what is left of this one.
            self._engine = built(self._bundle)
            return _alone(error)


def _said(answer: Decision | PolicyError) -> Decision:
    if isinstance(answer, PolicyError):
        raise answer
    return answer


def _alone(error: PolicyError) -> PolicyError:
    """The error without its traceback, whose frames would carry the engine to another thread
    and let it be dropped there."""
    return type(error)(error.problem, rule=error.rule, at=error.at)
