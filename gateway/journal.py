"""The operator's log on standard error: JSON, one line for each transfer and each failure.

Not the transfer log. It holds ids, rules, sizes and times, and never a value of a record, a
query or a header.
"""

import sys
import traceback
from contextlib import AbstractContextManager, suppress
from typing import Any, TextIO

import orjson
import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars

from gateway.observe import tracing

_made: Any = structlog.get_logger()


def configure(stream: TextIO | None = None) -> None:
    """JSON lines with a UTC time. Called once by a command that serves."""
    global _made
    target = (stream or sys.stderr).buffer
    structlog.configure(
        processors=[
            merge_contextvars,  # the request's id, and the transfer's
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.JSONRenderer(serializer=_dump),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.BytesLoggerFactory(target),
        cache_logger_on_first_use=True,
    )
    _made = structlog.get_logger()


def silence() -> None:
    """Say nothing: for a command that shows its user the same in words."""
    global _made
    structlog.configure(
        processors=[_drop], logger_factory=structlog.ReturnLoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )  # fmt: skip
    _made = structlog.get_logger()


def _logger() -> Any:
    # Kept: a logger is put together when it is first used, which takes longer than a line.
    return _made if structlog.is_configured() else structlog.get_logger()


def _drop(*_: Any) -> Any:
    raise structlog.DropEvent


def _dump(line: Any, **_: Any) -> bytes:
    return orjson.dumps(line, default=lambda value: type(value).__name__)


def say(event: str, **facts: str | int | float | None) -> None:
    """One line. A log that nobody can write to must not undo what was done."""
    with suppress(OSError, ValueError):
        _logger().info(event, **facts)


def about(transfer: str) -> AbstractContextManager[None]:
    """What is said inside of it is about this transfer."""
    tracing.mark(**{"corridor.transfer": transfer})
    return bound_contextvars(transfer=transfer)


def failed(error: BaseException) -> None:
    """A failure by type and place. An exception's own text may quote what it choked on."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f"{frames[-1].filename.rsplit('/', 2)[-1]}:{frames[-1].lineno}" if frames else ""
    with suppress(OSError, ValueError):
        _logger().error("failed", error=type(error).__name__, at=at)
