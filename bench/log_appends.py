"""Durable appends beside what the disk itself can do, and at two sizes of the log."""

import asyncio
import json
import os
import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway import entry
from gateway.log import Log

BLOCK = 4096
BLOCKS = 256
SECONDS = 3.0
ROUNDS = 150
SAMPLE = json.loads(
    (Path(__file__).resolve().parents[1] / "tests/vectors/released_transfer.json").read_text()
)


@dataclass(frozen=True)
class Rate:
    """What was reached, and how long one caller waited."""

    per_second: float
    median_ms: float
    p99_ms: float

    @classmethod
    def of(cls, seconds: float, waits: list[float]) -> "Rate":
        ordered = sorted(waits)
        return cls(
            len(waits) / seconds,
            1000 * statistics.median(ordered),
            1000 * ordered[int(len(ordered) * 0.99)],
        )

    def __str__(self) -> str:
        waits = f"p50 {self.median_ms:7.2f} ms   p99 {self.p99_ms:7.2f} ms"
        return f"{self.per_second:10,.0f} /s   {waits}"


def raw(directory: Path, seconds: float = SECONDS) -> Rate:
    """`fdatasync` after each block written in place: no log can answer one caller faster."""
    path = directory / "raw"
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        block = os.urandom(BLOCK)
        os.pwrite(file, block * BLOCKS, 0)
        os.fsync(file)
        waits, began = [], time.perf_counter()
        at = began
        while at < began + seconds:
            os.pwrite(file, block, len(waits) % BLOCKS * BLOCK)
            os.fdatasync(file)
            waits.append(time.perf_counter() - at)
            at = time.perf_counter()
        return Rate.of(at - began, waits)
    finally:
        os.close(file)
        path.unlink()


def transfer() -> dict[str, Any]:
    """A refused transfer: an entry of usual size that leaves nothing open."""
    return SAMPLE | {"id": entry.new_id(), "outcome": "refused"}


def appends(log: Log, at_once: int, seconds: float = SECONDS) -> Rate:
    """So many callers, each waiting for its entry before it asks again, as the API does."""
    return asyncio.run(_closed_loop(log, at_once, seconds))


async def _closed_loop(log: Log, at_once: int, seconds: float) -> Rate:
    waits: list[float] = []
    began = time.perf_counter()

    async def caller() -> None:
        while (at := time.perf_counter()) < began + seconds:
            await asyncio.wrap_future(log.submit(transfer()))
            waits.append(time.perf_counter() - at)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(caller())
    return Rate.of(time.perf_counter() - began, waits)


@dataclass(frozen=True)
class Cost:
    """Of one append, in milliseconds: of waiting, and of the processor."""

    waited: float
    worked: float


def growth(small: Log, large: Log, at_once: int) -> tuple[Cost, Cost]:
    """What an append costs in each of two logs: medians of many short turns, one by the other.

    Long turns would measure what else the machine does meanwhile.
    """
    chance = random.Random(1)
    waited: dict[int, list[float]] = {0: [], 1: []}
    worked: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(ROUNDS):
        for which, log in chance.sample([(0, small), (1, large)], 2):
            drafts = [transfer() for _ in range(at_once)]
            began, work = time.perf_counter(), time.process_time()
            for each in [log.submit(one) for one in drafts]:
                each.result()
            waited[which].append(1000 * (time.perf_counter() - began) / at_once)
            worked[which].append(1000 * (time.process_time() - work) / at_once)
    first, second = (
        Cost(statistics.median(waited[one]), statistics.median(worked[one])) for one in (0, 1)
    )
    return first, second
