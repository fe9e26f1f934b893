"""Token buckets: so many at once, so many a second."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST = 10_000
"""Buckets at once. The one that was used longest ago is forgotten, which makes it full."""


class Buckets:
    """A bucket for each name, in the memory of this process. One thread uses it."""

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate, self.burst = rate, burst
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def left(self, name: str) -> float:
        """What may be taken now. Without a rate there is no limit."""
        if not self.rate:
            return float("inf")
        found = self._left.get(name)
        if found is None:
            return self.burst
        left, at = found
        return min(self.burst, left + (self._clock() - at) * self.rate)

    def take(self, name: str) -> float:
        """Take one. 0 when there was one, else the seconds until there is."""
        left = self.left(name)
        if not self.rate:
            return 0.0
        if left < 1:
            return (1 - left) / self.rate
        self._left[name] = (left - 1, self._clock())
        self._left.move_to_end(name)
        if len(self._left) > MOST:
            self._left.popitem(last=False)
        return 0.0
