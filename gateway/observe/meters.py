"""Counters and times of this process, in a registry of our own. Replicas are scraped one by one."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import TracebackType
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.observe import tracing
from gateway.observe.times import Times, TimesBy

REGISTRY = CollectorRegistry(auto_describe=True)

QUICK = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0)
SLOW = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)

StepName = Literal["parse", "decide", "minimize", "render", "log", "release"]
STEPS: tuple[StepName, ...] = ("parse", "decide", "minimize", "render", "log", "release")
OUTCOMES = ("released", "refused", "held", "repeated")
PUSHES = ("delivered", "waiting", "dead")
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

_WORD = re.compile(r"[a-z0-9_]+(\.[A-Za-z0-9_]+)*")
MAX_WORDS = 500
OTHER = "other"


class Words:
    """Keeps a label small: words as our rules are spelt, and no more than so many of them.

    Policies of a deployment and adapters of third parties bring rules of their own.
    """

    def __init__(self, limit: int = MAX_WORDS) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def of(self, word: str) -> str:
        """The word, or `other`."""
        if word in self._known:
            return word
        fit = len(word) <= 80 and _WORD.fullmatch(word) is not None
        if not fit or len(self._known) >= self._limit:
            return OTHER
        self._known.add(word)
        return word


_REQUESTS = Counter(
    "corridor_http_requests", "Requests that were answered.", ("route", "method", "status"),
    registry=REGISTRY,
)  # fmt: skip
_REQUEST_SECONDS = TimesBy(
    "corridor_http_request_seconds", "Until the last byte of an answer was handed on.", "route",
    SLOW, REGISTRY,
)  # fmt: skip
_STEP_SECONDS = TimesBy(
    "corridor_step_seconds", "Steps of transfers that this process carried itself.", "step",
    QUICK, REGISTRY,
)  # fmt: skip
_STEP_FAILURES = Counter(
    "corridor_step_failures", "Steps that ended in an error.", ("step",), registry=REGISTRY
)
_TRANSFERS = Counter(
    "corridor_transfers", "Transfers by what became of them.", ("outcome",), registry=REGISTRY
)
_OBJECTIONS = Counter(
    "corridor_objections", "Refused and held transfers, by each rule that objected.", ("rule",),
    registry=REGISTRY,
)  # fmt: skip
_PROBLEMS = Counter(
    "corridor_problems", "Requests answered with a problem, by rule and by who has to act.",
    ("rule", "act"), registry=REGISTRY,
)  # fmt: skip
_PUSHES = Counter(
    "corridor_pushes", "Attempts to push, by what became of them.", ("outcome",), registry=REGISTRY
)
_PUSH_FAILURES = Counter(
    "corridor_push_failures", "Attempts that failed, by rule.", ("rule",), registry=REGISTRY
)
_PUSH_SECONDS = Histogram(
    "corridor_push_seconds", "What one attempt to push took.", buckets=SLOW, registry=REGISTRY
)

_TASKS = Gauge(
    "corridor_bulk_tasks", "Parts of large payloads that a worker has in hand.", registry=REGISTRY
)
_TASK_SECONDS = Histogram(
    "corridor_bulk_task_seconds", "What a part took, with its wait for a worker.", buckets=SLOW,
    registry=REGISTRY,
)  # fmt: skip
_DEATHS = Counter("corridor_bulk_worker_deaths", "Pools that were started anew.", registry=REGISTRY)

_objected, _problems, _refused = Words(), Words(), Words()
_steps = {name: _STEP_SECONDS.of(name) for name in STEPS}
_failures = {name: _STEP_FAILURES.labels(name) for name in STEPS}
_outcomes = {name: _TRANSFERS.labels(name) for name in OUTCOMES}
_pushes = {name: _PUSHES.labels(name) for name in PUSHES}
# `labels` costs as much as all the rest: what was asked for once is remembered.
_requests: dict[tuple[str, str, int], Counter] = {}
_seconds: dict[str, Times] = {}


class Step:
    """One step of one transfer: its time, and a span where traces are on."""

    __slots__ = ("_began", "_name", "_span")

    def __init__(self, name: StepName) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._span = tracing.begin(self._name) if tracing.on() else None
        self._began = perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _steps[self._name].observe(perf_counter() - self._began)
        if error is not None:
            _failures[self._name].inc()
        if self._span is not None:
            tracing.end(self._span, error)


def step(name: StepName) -> Step:
    """`with step("parse"): ...` around a step of a transfer."""
    return Step(name)


def released(seconds: float) -> None:
    """Content was handed over, so long after its entry was durable."""
    _steps["release"].observe(seconds)


@contextmanager
def task() -> Iterator[None]:
    """Around a part of a large payload while a worker has it."""
    with _TASKS.track_inprogress(), _TASK_SECONDS.time():
        yield


def worker_died() -> None:
    """A worker died, and its pool is started anew."""
    _DEATHS.inc()


def noted(outcome: str, rules: Iterable[str] = ()) -> None:
    """A transfer came to an outcome; `rules` objected to it."""
    _outcomes[outcome].inc()
    for rule in rules:
        _OBJECTIONS.labels(_objected.of(rule)).inc()


def told_problem(rule: str, act: str) -> None:
    """A request was answered with a problem."""
    _PROBLEMS.labels(_problems.of(rule), act).inc()


def push_took(seconds: float) -> None:
    """An attempt to push took so long, whatever became of it."""
    _PUSH_SECONDS.observe(seconds)


def pushed(state: str, rule: str = "") -> None:
    """An attempt to push ended, and left its row `delivered`, `waiting` or `dead`."""
    _pushes[state].inc()
    if rule:
        _PUSH_FAILURES.labels(_refused.of(rule)).inc()


def answered(route: str, method: str, status: int, seconds: float) -> None:
    """A request was answered. `route` is a template of ours, never the address itself."""
    method = method if method in METHODS else OTHER
    key = (route, method, status)
    counter = _requests.get(key)
    if counter is None:
        counter = _requests[key] = _REQUESTS.labels(route, method, str(status))
        _seconds.setdefault(route, _REQUEST_SECONDS.of(route))
    counter.inc()
    _seconds[route].observe(seconds)
