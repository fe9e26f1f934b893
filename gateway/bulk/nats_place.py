"""The streams of one deployment in NATS JetStream, and messages of any size through them.

Tasks wait in a work queue until a worker has acknowledged them; answers wait for the gateway
that asked. Every message is sealed by whoever made it: NATS and its files see numbers, sizes and
names of runs. What is larger than a message may be goes through an object store beside them.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec, TypeVar

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js import JetStreamContext, api
from nats.js.errors import BucketNotFoundError, NotFoundError, ObjectNotFoundError

from gateway import journal
from gateway.errors import GatewayError

MAX_AGE = 24 * 3600
"""Seconds after which what nobody fetched is gone from NATS. Jobs ask again for what they miss."""
ACK_WAIT = 30.0
"""Seconds without a sign of life after which a task is given to another worker."""
ROOM = 2048
"""Bytes of a message that subject and headers may take."""
ANSWER_SECONDS = 5.0
CONNECT_SECONDS = 5.0
RECONNECT_SECONDS = 0.5

LARGE = "Corridor-Large"
FAILED = "Corridor-Failed"
"""Headers: the body is in the object store under this name; the work failed with this rule."""

WORKERS = "workers"
"""The one consumer of tasks that all workers share."""

P = ParamSpec("P")
T = TypeVar("T")


def cancellable(
    call: Callable[P, Coroutine[object, object, T]],
) -> Callable[P, Coroutine[object, object, T]]:
    """The call, after which a cancel counts that came while it waited.

    nats-py swallows some: `Client._flush_pending` catches them all, and `asyncio.wait_for` before
    Python 3.12 drops one that comes in the same turn as the answer.
    """

    @wraps(call)
    async def called(*args: P.args, **named: P.kwargs) -> T:
        task = asyncio.current_task()
        before = 0 if task is None else task.cancelling()
        try:
            return await call(*args, **named)
        finally:
            if task is not None and task.cancelling() > before:
                raise asyncio.CancelledError

    return called


async def _quiet(_error: Exception) -> None:
    # The client would log it, with addresses.
    journal.say("nats.trouble")


@dataclass(slots=True)
class Nats:
    """One connection. It comes back by itself, whatever happens to the server."""

    url: str = field(repr=False)
    origin: str
    token: str = field(default="", repr=False)
    ack_wait: float = ACK_WAIT
    client: Client = field(default_factory=Client, repr=False)
    _begun: bool = False

    @property
    def prefix(self) -> str:
        """What all names of this deployment begin with."""
        return f"corridor-{hashlib.sha256(self.origin.encode()).hexdigest()[:12]}"

    @property
    def js(self) -> JetStreamContext:
        """Its streams."""
        return self.client.jetstream(timeout=ANSWER_SECONDS)

    @cancellable
    async def connect(self, again: Callable[[], Awaitable[None]] | None = None) -> None:
        """Connect. `again` is called after each later reconnection.

        Raises `GatewayError` where there is no server now: whoever can wait tries again.
        """
        self.client, self._begun = Client(), True
        connecting = self.client.connect(
            self.url,
            token=self.token or None,
            max_reconnect_attempts=-1,
            reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type]
            connect_timeout=2,
            error_cb=_quiet,
            reconnected_cb=again,
        )
        try:
            await asyncio.wait_for(connecting, CONNECT_SECONDS)
        except (OSError, Error, TimeoutError):
            await self.close()
            problem = "NATS does not answer"
            raise GatewayError(problem, rule="nats.unavailable", at="bulk.nats_url") from None

    @cancellable
    async def make(self) -> None:
        """Make the streams that are not there."""
        p = self.prefix
        for name in ("task", "answer"):
            await self._stream(
                api.StreamConfig(
                    name=f"{p}-{name}",
                    subjects=[f"{p}.{name}.>"],
                    retention=api.RetentionPolicy.WORK_QUEUE,
                    storage=api.StorageType.FILE,
                    max_age=MAX_AGE,
                    duplicate_window=120,
                )
            )
        workers = api.ConsumerConfig(
            durable_name=WORKERS,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=self.ack_wait,
            max_ack_pending=10_000,
        )
        await self.js.add_consumer(f"{p}-task", workers)
        try:
            await self.js.object_store(f"{p}-large")
        except (BucketNotFoundError, NotFoundError):
            await self.js.create_object_store(
                f"{p}-large", config=api.ObjectStoreConfig(ttl=MAX_AGE)
            )

    async def _stream(self, config: api.StreamConfig) -> None:
        try:
            await self.js.stream_info(str(config.name))
        except NotFoundError:
            await self.js.add_stream(config)

    @cancellable
    async def send(self, subject: str, body: bytes, *, once: str, failed: str = "") -> None:
        """Put a message into its stream; a second one with the same `once` counts for nothing."""
        headers = {"Nats-Msg-Id": once}
        if failed:
            headers[FAILED] = failed
        if len(body) > self.client.max_payload - ROOM:
            name = secrets.token_hex(16)
            store = await self.js.object_store(f"{self.prefix}-large")
            await store.put(name, body)
            headers[LARGE], body = name, b""
        await self.js.publish(subject, body, headers=headers)

    @cancellable
    async def fetch(
        self, subscription: JetStreamContext.PullSubscription, most: int, timeout: float
    ) -> list[Msg]:
        """Messages that are there or come in time; else raises `TimeoutError`."""
        return await subscription.fetch(most, timeout=timeout)

    @cancellable
    async def body(self, message: Msg) -> bytes | None:
        """The body of a message; None where it is gone."""
        name = (message.headers or {}).get(LARGE)
        if name is None:
            return message.data
        store = await self.js.object_store(f"{self.prefix}-large")
        try:
            return (await store.get(name)).data
        except (ObjectNotFoundError, NotFoundError):
            return None

    @cancellable
    async def forget(self, message: Msg) -> None:
        """Acknowledge a message, and remove what it names."""
        name = (message.headers or {}).get(LARGE)
        await message.ack_sync(timeout=ANSWER_SECONDS)
        if name is not None:
            store = await self.js.object_store(f"{self.prefix}-large")
            with suppress(Error, TimeoutError):
                await store.delete(name)

    async def close(self) -> None:
        """Let go of the connection."""
        if not self._begun:
            return
        with suppress(Error, TimeoutError):
            await self.client.close()
