"""Work for other processes: opaque messages in, answers in the same order out.

A task may be worked on more than once, where a worker died with it: what is done must not depend
on that. Tasks and answers are sealed by those who make and read them (`sealed.py`), so that an
engine may take them anywhere.
"""

import asyncio
import multiprocessing
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Protocol

from gateway.bulk.process import begin
from gateway.bulk.work import work
from gateway.deployment import Deployment
from gateway.errors import GatewayError
from gateway.observe import meters

ATTEMPTS = 3
"""A task that workers died of so often is not tried again."""


class Engine(Protocol):
    """Has tasks worked on. Safe to be used by many at once, from one event loop."""

    @property
    def width(self) -> int:
        """Tasks that are worked on at the same time."""

    def run(self, tasks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
        """The answer of `work.work` to each task, in the order of the tasks.

        Takes few more tasks than `width` before their answers are read. Raises `GatewayError`
        (503) where a task could not be done at all.
        """

    async def close(self) -> None:
        """Let go of what it holds. Tasks under way may be dropped."""


class LocalEngine:
    """Worker processes of this machine, started with the first task and after each death."""

    def __init__(self, directory: Path, workers: int) -> None:
        """`directory` is the folder of the deployment."""
        self._directory, self._workers = directory, workers
        self._pool: ProcessPoolExecutor | None = None

    @property
    def width(self) -> int:
        """Worker processes."""
        return self._workers

    async def run(self, tasks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
        """See `Engine.run`."""
        # One more than can be worked on, so that no worker waits; no more, for others wait too.
        under_way: deque[asyncio.Task[bytes]] = deque()
        try:
            async for task in tasks:
                under_way.append(asyncio.create_task(self._answer(task)))
                if len(under_way) > self._workers:
                    yield await under_way.popleft()
            while under_way:
                yield await under_way.popleft()
        finally:
            for one in under_way:
                one.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def close(self) -> None:
        """End the workers."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)

    async def _answer(self, task: bytes) -> bytes:
        for _ in range(ATTEMPTS):
            if self._pool is None:
                self._pool = _started(self._directory, self._workers)
            pool = self._pool
            try:
                # Aside: the first task of a pool starts its processes.
                given: Future[bytes] = await asyncio.to_thread(pool.submit, work, task)
                with meters.task():
                    return await asyncio.wrap_future(given)
            except BrokenProcessPool:
                if self._pool is pool:
                    meters.worker_died()
                    self._pool = None
                    pool.shutdown(wait=False)
        raise GatewayError("the work was given up: its workers died", rule="bulk.worker_died")


def engine_of(deployment: Deployment) -> Engine:
    """The engine that the settings name. Nothing of it runs before its first task."""
    if deployment.settings.bulk.engine == "nats":
        from gateway.bulk.nats_engine import nats_engine_of  # only where it is asked for

        return nats_engine_of(deployment)
    workers = deployment.settings.bulk.workers or len(os.sched_getaffinity(0))
    return LocalEngine(deployment.directory, workers)


def _started(directory: Path, workers: int) -> ProcessPoolExecutor:
    # `spawn`: a fork would copy locks and threads of the log in whatever state they are.
    return ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=begin,
        initargs=(str(directory),),
    )
