"""How long a call is tried again."""

from dataclasses import dataclass
from typing import Any

import stamina

from corridor.calls import Call
from corridor.failures import ProblemError, UnreachableError

AGAIN = (408, 429, 502, 503, 504)
"""Statuses after which the same call may succeed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is tried."""

    attempts: int = 6
    seconds: float = 60.0
    """In all. A gateway that asks for a longer pause (`Retry-After`) is not waited for."""
    first_pause: float = 0.2
    longest_pause: float = 10.0

    def tries(self, call: Call) -> Any:
        """stamina's attempts at one call."""
        return stamina.retry_context(
            on=lambda error: self.pause(error, call),
            attempts=self.attempts,
            timeout=self.seconds,
            wait_initial=self.first_pause,
            wait_max=self.longest_pause,
            wait_jitter=self.first_pause,
        )

    def pause(self, error: Exception, call: Call) -> bool | float:
        """Whether to try again, or after how many seconds."""
        if isinstance(error, UnreachableError):
            return call.again or not error.sent
        if not isinstance(error, ProblemError) or error.status not in AGAIN:
            return False
        # 429 is answered before anything was done.
        if not call.again and error.status != 429:
            return False
        if error.retry_after is None:
            return True
        return error.retry_after <= self.seconds and error.retry_after
