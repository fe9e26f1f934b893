"""What a recipient's system said of a push, and whether to try again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from gateway.adapter import Outcome

MAX_AFTER = 86_400.0
"""Longest wait a server can ask for, in seconds."""

AGAIN = frozenset((408, 423, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 529))
DENIED = frozenset((401, 402, 403, 407))
"""A key that ended or a bill that is due: somebody mends it, and the content is still good."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one attempt."""

    outcomes: tuple[Outcome, ...] = ()
    rule: str = ""
    """Why it is not done; empty where everything was taken."""
    again: bool = False
    """Another attempt may help."""
    after: float | None = None
    """Seconds that the server asks to be left alone."""
    begun: bool = True
    """Something of the content may have left."""

    @property
    def taken(self) -> bool:
        """Everything arrived."""
        return not self.rule


def settled(outcomes: Sequence[Outcome]) -> Told:
    """What outcomes of all records come to. Nothing is taken for accepted that was not said."""
    said = tuple(outcomes)
    if not said or any(one.state == "unknown" for one in said):
        return Told(said, "push.unclear", again=True)
    if any(one.state == "refused" for one in said):
        return Told(said, "push.refused")
    return Told(said)


def later(rule: str, outcomes: Iterable[Outcome] = (), *, after: float | None = None) -> Told:
    """Not now."""
    return Told(tuple(outcomes), rule, again=True, after=after)


def refused(rule: str, outcomes: Iterable[Outcome] = (), *, begun: bool = True) -> Told:
    """Not like this, however often."""
    return Told(tuple(outcomes), rule, begun=begun)


def fault(answer: httpx.Response, outcomes: Iterable[Outcome] = ()) -> Told | None:
    """What an HTTP status means that is no success, for every system alike."""
    status = answer.status_code
    if answer.is_success:
        return None
    if status in AGAIN:
        return later(f"push.http_{status}", outcomes, after=after(answer))
    if status in DENIED:
        return later("push.denied", outcomes)
    if answer.is_redirect or status < HTTPStatus.BAD_REQUEST:
        # Where it points to was never registered.
        return refused("push.redirected", outcomes)
    return refused("push.refused", [*outcomes] or [Outcome(None, "refused", str(status))])


def after(answer: httpx.Response) -> float | None:
    """Seconds that `Retry-After` asks for, as a number or as a date (RFC 9110, 10.2.3)."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_AFTER)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(0.0, (at - datetime.now(UTC)).total_seconds()), MAX_AFTER)
