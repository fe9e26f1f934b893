"""Times by buckets, counted for less than the library's `Histogram` takes.

That one walks its buckets and takes several locks for each time; a request has seven.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import inf
from threading import Lock

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Times:
    """The times of one thing."""

    __slots__ = ("_bounds", "_counts", "_lock", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = (*bounds, inf)
        self._counts = [0] * len(self._bounds)
        self._sum = 0.0
        self._lock = Lock()

    def observe(self, seconds: float) -> None:
        """It took so long."""
        at = bisect_left(self._bounds, seconds)
        with self._lock:
            self._counts[at] += 1
            self._sum += seconds

    def read(self) -> tuple[list[tuple[str, float]], float]:
        """How many took at most so long, for each bound, and the sum of all."""
        with self._lock:
            counts, sum_ = list(self._counts), self._sum
        bounds = map(floatToGoString, self._bounds)
        return list(zip(bounds, map(float, accumulate(counts)), strict=True)), sum_


class TimesBy(Collector):
    """Times by one label, as a scrape reads them."""

    def __init__(
        self, name: str, text: str, label: str, bounds: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name, self._text, self._label, self._bounds = name, text, label, bounds
        self._by: dict[str, Times] = {}
        registry.register(self)

    def of(self, value: str) -> Times:
        """Those of one value of the label."""
        return self._by.setdefault(value, Times(self._bounds))

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What there is."""
        family = HistogramMetricFamily(self._name, self._text, labels=(self._label,))
        for value, times in list(self._by.items()):
            buckets, sum_ = times.read()
            family.add_metric((value,), buckets, sum_)
        yield family
