"""How far the work on a payload is, for whoever asked for it; and whether it is still wanted.

What works on a payload says so through `said`, without knowing who listens, or whether anybody
does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

STEPS = ("reading", "writing", "logging")
"""Where all parts were written as they were read, there is no second step."""


class Unwanted(Exception):  # noqa: N818 - no fault: somebody took the request back
    """The work is not wanted any more."""


@dataclass(slots=True)
class Progress:
    """Of one payload."""

    step: str = "reading"
    done: int = 0
    """Bytes of the payload that this step is through with."""
    records: int = 0
    wanted: bool = True
    """Set to False by whoever wants it no more."""
    tell: Callable[["Progress"], None] = lambda progress: None
    """Called at every change."""


_listening: ContextVar[Progress | None] = ContextVar("progress", default=None)


@contextmanager
def listened(progress: Progress) -> Iterator[Progress]:
    """What is done inside, in tasks and threads begun there too, reports to `progress`."""
    token = _listening.set(progress)
    try:
        yield progress
    finally:
        _listening.reset(token)


def said(step: str, done: int, records: int = 0) -> None:
    """So far is a step. Raises `Unwanted` where nobody wants it done."""
    progress = _listening.get()
    if progress is None:
        return
    progress.step, progress.done = step, done
    progress.records = records or progress.records
    progress.tell(progress)
    if not progress.wanted:
        raise Unwanted
