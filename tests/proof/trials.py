"""Trials, many times over, and what they came to in one row of a table."""

import itertools
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.postgres import Cluster
from tests.proof.judge import Verdict, judge
from tests.proof.places import Place
from tests.proof.watched import Forge, Watched

Places = Callable[[Path], Place]
Kill = Callable[[Watched, random.Random], bool]
"""Kills something while a process is under load. True when that process is to go on."""

SETTLES = 0.2
"""Seconds in which answers from before a kill come in, so that later ones are from after it."""

LOGS = 25
"""Trials on one log before the next one is made: the judge reads all of it each time."""


@dataclass
class Row:
    """One kind of trial."""

    name: str
    trials: int = 0
    opening: int = 0
    """Killed before it had the log open."""
    went_on: int = 0
    """The process answered again, without the log being opened again."""
    answers: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    unanswered: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, said: Sequence[dict[str, Any]]) -> None:
        """What one process said."""
        self.answers += sum("index" in one for one in said)
        self.opening += not any("open" in one for one in said)
        self.failures.update(one["failed"] for one in said if "failed" in one)
        self.failures.update(one["refused"] for one in said if "refused" in one)

    def close(self, last: Verdict) -> None:
        """The last look at a log."""
        self.entries += last.entries
        self.unanswered += last.unanswered


def answered(said: dict[str, Any]) -> bool:
    return "index" in said


def gateway(watched: Watched, chance: random.Random) -> bool:
    """The gateway's process itself, at any moment from its start."""
    if chance.random() < 0.3:
        watched.read(chance.uniform(0, 0.05))
    else:
        watched.wait_for(answered)
        watched.read(chance.uniform(0, 0.04))
    return False


def backend(cluster: Cluster) -> Kill:
    """One session's process in the database: the server then ends all, and recovers."""

    def kill(watched: Watched, chance: random.Random) -> bool:
        watched.wait_for(answered)
        sessions = cluster.backends()
        watched.read(chance.uniform(0, 0.04))
        with suppress(ProcessLookupError):
            os.kill(chance.choice(sessions), signal.SIGKILL)
        return True

    return kill


def server(cluster: Cluster) -> Kill:
    """The whole database server, which is started again."""

    def kill(watched: Watched, chance: random.Random) -> bool:
        watched.wait_for(answered)
        watched.read(chance.uniform(0, 0.04))
        cluster.kill()
        watched.read(chance.uniform(0, 0.2))
        cluster.start()
        return True

    return kill


def killing(
    name: str, places: Places, kill: Kill, *, trials: int, seed: int, **options: Any
) -> Row:
    """Kill something under load, so many times, and judge the log each time."""
    chance, row, began = random.Random(f"{name} {seed}"), Row(name), time.monotonic()
    with Forge() as forge, tempfile.TemporaryDirectory() as scratch:
        for number, count in enumerate(_portions(trials)):
            place = places(Path(scratch) / f"log-{number}")
            place.create()
            said: list[dict[str, Any]] = []
            for _ in range(count):
                with Watched(forge, place, **options) as watched:
                    if kill(watched, chance):
                        watched.read(SETTLES)
                        row.went_on += watched.wait_for(answered)
                    now = watched.kill()
                row.trials += 1
                row.count(now)
                said += now
                verdict = judge(place, said)
                row.problems += verdict.problems
            row.close(verdict)
            place.gone()
    row.seconds = time.monotonic() - began
    return row


def fighting(name: str, places: Places, *, blows: int, seed: int, gateways: int = 3) -> Row:
    """Several processes append to one log; they are stopped, continued, killed and replaced."""
    chance, row, began = random.Random(f"{name} {seed}"), Row(name), time.monotonic()
    said: list[dict[str, Any]] = []
    with ExitStack() as stack:
        forge = stack.enter_context(Forge())
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        place = places(Path(scratch) / "log")
        place.create()
        names = [f"gw-{number}" for number in range(1, gateways + 1)]
        homes = {one: place.replica(one) for one in names}
        many = {one: stack.enter_context(Watched(forge, homes[one], one)) for one in names}
        for each in many.values():
            each.wait_for(answered)
        for one in itertools.islice(itertools.cycle(names), blows):
            if chance.random() < 0.5:
                with _stopped(many[one]):
                    _read(many, chance.uniform(0.01, 0.3))
            else:
                dead = many[one].kill()
                row.count(dead)
                said += dead
                many[one] = stack.enter_context(Watched(forge, homes[one], one))
            row.trials += 1
            _read(many, chance.uniform(0.05, 0.2))
        for each in many.values():
            row.went_on += each.wait_for(answered)
            dead = each.kill()
            row.count(dead)
            said += dead
        verdict = judge(place, said)
        row.problems += verdict.problems
        row.close(verdict)
        for home in homes.values():  # each holds the log to what it was told there
            home.open().close()
    row.seconds = time.monotonic() - began
    return row


@contextmanager
def _stopped(watched: Watched) -> Iterator[None]:
    """It stands still, with whatever lock it holds."""
    watched.send(signal.SIGSTOP)
    yield
    watched.send(signal.SIGCONT)


def _read(many: dict[str, Watched], seconds: float) -> None:
    for each in many.values():
        each.read(seconds / len(many))


def _portions(trials: int) -> Iterator[int]:
    for at in range(0, trials, LOGS):
        yield min(LOGS, trials - at)
