"""How many hook requests may be inside at once.

A vendor's queue that comes back after an outage sends all it has. What finds no room is told to
come again before its body is read: 503, for that is what Kobo tries again.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import GatewayError

MAX_REQUESTS = 128
"""Inside at once, of all routes. Each may hold a body of `server.body_limit_bytes`."""
MAX_OF_ROUTE = 48
"""Of one route, so that no vendor takes the room of all others."""


class Gate:
    """Counts who is inside. On the event loop only."""

    def __init__(self) -> None:
        self._inside: Counter[str] = Counter()

    @contextmanager
    def entered(self, route: str) -> Iterator[None]:
        """A place inside. Raises `GatewayError` (503) where there is none."""
        if self._inside.total() >= MAX_REQUESTS or self._inside[route] >= MAX_OF_ROUTE:
            raise GatewayError("too many come at once: try again", rule="route.busy")
        self._inside[route] += 1
        try:
            yield
        finally:
            self._inside[route] -= 1
            if not self._inside[route]:
                del self._inside[route]
