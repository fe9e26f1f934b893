"""How things stand at the moment somebody asks: the log's line, what waits, what failed."""

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.datastructures import State

from gateway.errors import CorridorError
from gateway.observe.meters import REGISTRY
from gateway.observe.watch import Watch
from gateway.transfer import Gateway

AGE_SECONDS = 2.0
"""How long an answer of the database is good for: many may ask for metrics at once."""

JOBS = ("queued", "running", "cancelling")
DELIVERIES = ("waiting", "dead")

_WAITING = (
    "SELECT recipient, 'waiting', count(*), min(time) FROM delivery WHERE state = 'waiting'"
    " GROUP BY recipient"
)
_DEAD = (
    "SELECT recipient, 'dead', count(*), min(time) FROM delivery WHERE state = 'dead'"
    " GROUP BY recipient"
)
_JOBS = (
    "SELECT state, count(*), min(time) FROM job WHERE state IN ('queued', 'running', 'cancelling')"
    " GROUP BY state"
)
_BREAKERS = "SELECT open_until, failures FROM breaker WHERE failures > 0 OR open_until > 0"
_SIGNED = "SELECT max(size), max(time) FROM cosignature"
_NEWEST = "SELECT time FROM log_head"


class Present(Collector):
    """Gauges of one gateway, made when they are asked for."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = Lock()
        self._made: list[Metric] = []
        self._until = 0.0

    def collect(self) -> Iterable[Metric]:
        """What this process counted, and how things stand."""
        yield from REGISTRY.collect()
        gateway: Gateway = self._state.gateway
        yield from _process(gateway)
        with self._lock:
            if time.monotonic() > self._until:
                self._made = list(_database(gateway))
                self._until = time.monotonic() + AGE_SECONDS
            yield from self._made


def registry_of(state: State) -> CollectorRegistry:
    """Everything there is to say of one gateway."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Present(state))
    return registry


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"corridor_{name}", text, value=value)


def _table(name: str, text: str, label: str, rows: Iterable[tuple[str, float]]) -> Metric:
    made = GaugeMetricFamily(f"corridor_{name}", text, labels=[label])
    for word, value in rows:
        made.add_metric([word], value)
    return made


def _process(gateway: Gateway) -> Iterator[Metric]:
    log = gateway.log
    yield _gauge("http_requests_under_way", "Requests that have not ended.", Watch.under_way)
    yield _gauge("log_line", "Entries that wait for their place in the log.", log.in_line)
    yield _gauge("log_stopped", "1 when nothing more is logged until a restart.", log.stopped)
    commits = CounterMetricFamily("corridor_log_commits", "Batches this process wrote.")
    commits.add_metric([], log.commits[0])
    seconds = CounterMetricFamily("corridor_log_commit_seconds", "What they took together.")
    seconds.add_metric([], log.commits[1])
    yield from (commits, seconds)
    if gateway.bulk is not None:
        text = "Workers for parts of large payloads."
        yield _gauge("bulk_workers", text, gateway.bulk.width)
    free = shutil.disk_usage(gateway.deployment.data).free
    yield _gauge("disk_free_bytes", "Room left for the deployment's data.", free)


def _database(gateway: Gateway) -> Iterator[Metric]:
    """What every process of this deployment would say alike."""
    try:
        log, now = gateway.log, time.time()
        size, [(newest,)], [(signed, at)] = log.size(), log.rows(_NEWEST), log.rows(_SIGNED)
        deliveries = log.rows(_WAITING) + log.rows(_DEAD)
        jobs, breakers = log.rows(_JOBS), log.rows(_BREAKERS)
    except CorridorError:
        yield _gauge("database_up", "1 when the log's database answers.", 0)
        return
    yield _gauge("database_up", "1 when the log's database answers.", 1)
    yield _gauge("log_entries", "Entries that the newest checkpoint covers.", size)
    text = "Since the newest checkpoint was signed."
    yield _gauge("log_checkpoint_age_seconds", text, _age(newest, now) if newest else 0)
    text = "Entries that no witness signed for."
    yield _gauge("log_unwitnessed_entries", text, size - (signed or 0))
    if at:
        text = "Since a witness last signed."
        yield _gauge("log_witnessed_age_seconds", text, max(0.0, now - at))
    yield from _deliveries(deliveries, now, named=gateway.deployment.settings.observe.party_labels)
    found = {name: count for name, count, _ in jobs}
    text = "Jobs that are not finished."
    yield _table("jobs", text, "state", [(name, found.get(name, 0)) for name in JOBS])
    oldest = [_age(began, now) for _, _, began in jobs]
    yield _gauge("job_oldest_seconds", "Since the oldest of them came.", max(oldest, default=0))
    yield _breakers(breakers, now)


def _deliveries(rows: Sequence[Sequence[Any]], now: float, *, named: bool) -> Iterator[Metric]:
    text = "Pushes that wait, and dead letters."
    labels = ["state", "recipient"] if named else ["state"]
    made = GaugeMetricFamily("corridor_deliveries", text, labels=labels)
    if named:
        for recipient, state, count, _ in rows:
            made.add_metric([state, recipient], count)
    else:
        for state in DELIVERIES:
            made.add_metric([state], sum(row[2] for row in rows if row[1] == state))
    yield made
    oldest = [_age(row[3], now) for row in rows if row[1] == "waiting"]
    text = "Since the oldest push that waits was released."
    yield _gauge("delivery_oldest_seconds", text, max(oldest, default=0))


def _breakers(rows: Sequence[Sequence[int]], now: float) -> Metric:
    """Closed ones are not counted: an endpoint without failures has no row."""
    opened = sum(1 for until, _ in rows if until > now * 1000)
    trying = sum(1 for until, _ in rows if 0 < until <= now * 1000)
    text = "Recipients' endpoints that are left alone for a while, and those tried again."
    return _table("breakers", text, "state", [("open", opened), ("half_open", trying)])


def _age(milliseconds: int, now: float) -> float:
    return max(0.0, now - milliseconds / 1000)
