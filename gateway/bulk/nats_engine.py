"""Bulk work on several machines: tasks and answers through NATS JetStream.

What was asked and not yet answered is remembered here until its answer is read. After each
reconnection it is sent again: NATS drops what it still has, and what it lost is there once more.
While no server answers, the job waits.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import suppress
from itertools import chain, repeat

from nats.aio.msg import Msg
from nats.errors import Error
from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

from gateway import journal
from gateway.bulk.nats_place import FAILED, Nats
from gateway.deployment import Deployment, read_secrets
from gateway.errors import GatewayError, OfficerError

IDLE = 3600.0
"""Seconds after which NATS forgets a gateway that fetches no answers."""
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
FETCHED = 16
WAIT_SECONDS = 5.0


class NatsEngine:
    """See `engine.Engine`. The workers are `corridor work` processes anywhere."""

    def __init__(self, nats: Nats, width: int) -> None:
        """`width` tasks are under way at the same time, however many workers there are."""
        self._nats, self._width = nats, width
        self._name = secrets.token_hex(8)
        self._asked: dict[str, tuple[bytes, asyncio.Future[bytes]]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    @property
    def width(self) -> int:
        """Tasks under way at the same time."""
        return self._width

    async def run(self, tasks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
        """See `Engine.run`."""
        run = secrets.token_hex(8)
        under_way: deque[tuple[str, asyncio.Future[bytes]]] = deque()
        number = 0
        try:
            async for task in tasks:
                under_way.append(await self._ask(f"{run}.{number}", task))
                number += 1
                if len(under_way) > self._width:
                    yield await self._answer(*under_way.popleft())
            while under_way:
                yield await self._answer(*under_way.popleft())
        finally:
            left = [key for key in self._asked if key.startswith(f"{run}.")]
            for key in left:
                del self._asked[key]
            if left:
                await self._withdraw(run)

    async def close(self) -> None:
        """Let go of the connection. NATS keeps tasks until their workers have done them."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            with suppress(Error, TimeoutError):
                await self._nats.js.delete_consumer(f"{self._nats.prefix}-answer", self._name)
            self._reading = None
        await self._nats.close()

    async def _ask(self, key: str, task: bytes) -> tuple[str, asyncio.Future[bytes]]:
        await self._start()
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[key] = task, answer
        await self._send(key, task)
        return key, answer

    async def _answer(self, key: str, answer: asyncio.Future[bytes]) -> bytes:
        try:
            return await answer
        finally:
            self._asked.pop(key, None)

    async def _start(self) -> None:
        """Connect, as soon as there is a server."""
        async with self._starting:
            if self._reading is not None:
                return
            for pause in _pauses():
                try:
                    await self._nats.connect(self._again)
                    await self._make()
                    break
                except (GatewayError, Error, TimeoutError):
                    journal.say("nats.waiting")
                    await asyncio.sleep(pause)
            self._reading = asyncio.create_task(self._read())

    async def _make(self) -> None:
        await self._nats.make()
        config = api.ConsumerConfig(
            durable_name=self._name,
            filter_subject=f"{self._nats.prefix}.answer.{self._name}.>",
            ack_policy=api.AckPolicy.EXPLICIT,
            inactive_threshold=IDLE,
        )
        await self._nats.js.add_consumer(f"{self._nats.prefix}-answer", config)

    async def _send(self, key: str, task: bytes) -> None:
        subject = f"{self._nats.prefix}.task.{self._name}.{key}"
        for pause in _pauses():
            try:
                await self._nats.send(subject, task, once=key)
                break
            except (Error, TimeoutError):
                await asyncio.sleep(pause)

    async def _again(self) -> None:
        """The server is back: what is not answered is asked again."""
        for pause in _pauses():
            try:
                await self._make()
                break
            except (Error, TimeoutError):
                await asyncio.sleep(pause)
        for key, (task, answer) in list(self._asked.items()):
            if not answer.done():
                await self._send(key, task)

    async def _read(self) -> None:
        """Hand answers to those who wait for them."""
        subscription: JetStreamContext.PullSubscription | None = None
        pauses = _pauses()
        while True:
            try:
                if subscription is None:
                    subscription = await self._nats.js.pull_subscribe_bind(
                        durable=self._name, stream=f"{self._nats.prefix}-answer"
                    )
                for message in await self._nats.fetch(subscription, FETCHED, WAIT_SECONDS):
                    await self._take(message)
                pauses = _pauses()
            except NotFoundError:
                subscription = None
                await self._again()
            except TimeoutError:
                continue
            except Error:
                subscription = None
                await asyncio.sleep(next(pauses))

    async def _take(self, message: Msg) -> None:
        key = ".".join(message.subject.split(".")[-2:])
        body = await self._nats.body(message)
        _, answer = self._asked.get(key, (b"", None))
        if answer is not None and not answer.done():
            failed = (message.headers or {}).get(FAILED)
            if failed is not None:
                answer.set_exception(GatewayError("a worker gave up", rule=failed))
            elif body is not None:
                answer.set_result(body)
        await self._nats.forget(message)

    async def _withdraw(self, run: str) -> None:
        """Nobody waits for the rest of this run any more."""
        subject = f"{self._nats.prefix}.task.{self._name}.{run}.*"
        with suppress(Error, TimeoutError):
            await self._nats.js.purge_stream(f"{self._nats.prefix}-task", subject=subject)


def nats_of(deployment: Deployment) -> Nats:
    """The server that the settings name. Raises `OfficerError` where they name none."""
    bulk = deployment.settings.bulk
    if not bulk.nats_url:
        at = "corridor.toml, bulk.nats_url"
        raise OfficerError("a setting is missing", rule="settings.missing", at=at)
    token = ""
    if bulk.nats_token:
        token = read_secrets(deployment.directory).get(bulk.nats_token, "")
        if not token:
            at = "corridor.toml, bulk.nats_token"
            raise OfficerError("no such secret", rule="settings.no_secret", at=at)
    return Nats(bulk.nats_url, deployment.settings.gateway.origin, token)


def nats_engine_of(deployment: Deployment) -> NatsEngine:
    """The engine that `bulk.engine = "nats"` asks for."""
    return NatsEngine(nats_of(deployment), deployment.settings.bulk.nats_parts)


def _pauses() -> Iterator[float]:
    """Seconds to wait before each further try, for ever."""
    return chain(PAUSES, repeat(PAUSES[-1]))
