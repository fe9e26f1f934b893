"""`corridor work`: takes tasks out of NATS, has them worked on, and puts the answers back.

A task is acknowledged when its answer is in its stream. A worker that dies before leaves it to
the next; its answer then comes twice, and the second is dropped.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from nats.aio.msg import Msg
from nats.errors import Error
from nats.js import JetStreamContext

from gateway import journal
from gateway.bulk.engine import Engine
from gateway.bulk.nats_place import WORKERS, Nats, cancellable
from gateway.errors import CorridorError, GatewayError

ATTEMPTS = 5
"""A task that so many workers began and none finished is not begun again."""
WAIT_SECONDS = 2.0
PAUSE = 1.0


async def work(nats: Nats, engine: Engine, stop: asyncio.Event) -> None:
    """Work with as many tasks as the engine is wide, until `stop` is set."""
    await _connected(nats, stop)
    lanes = [asyncio.create_task(_lane(nats, engine, stop)) for _ in range(engine.width)]
    try:
        await asyncio.gather(*lanes)
    finally:
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        await nats.close()


async def _connected(nats: Nats, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await nats.connect()
            await nats.make()
        except (GatewayError, Error, TimeoutError):
            journal.say("nats.waiting")
            await _pause(stop)
        else:
            return


async def _pause(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), PAUSE)


async def _lane(nats: Nats, engine: Engine, stop: asyncio.Event) -> None:
    """One task after the other."""
    subscription: JetStreamContext.PullSubscription | None = None
    while not stop.is_set():
        try:
            if subscription is None:
                subscription = await nats.js.pull_subscribe_bind(
                    durable=WORKERS, stream=f"{nats.prefix}-task"
                )
            for message in await nats.fetch(subscription, 1, WAIT_SECONDS):
                await _one(nats, engine, message)
        except TimeoutError:
            continue
        except Error:
            subscription = None
            journal.say("nats.trouble")
            await _pause(stop)
            with suppress(Error, TimeoutError):
                await nats.make()


async def _one(nats: Nats, engine: Engine, message: Msg) -> None:
    *_, name, run, number = message.subject.split(".")
    subject, failed, answer = f"{nats.prefix}.answer.{name}.{run}.{number}", "", b""
    task = await nats.body(message)
    alive = asyncio.create_task(_alive(message, nats.ack_wait / 3))
    try:
        if task is None:
            failed = "bulk.task_lost"
        elif message.metadata.num_delivered > ATTEMPTS:
            failed = "bulk.worker_died"
        else:
            [answer] = [one async for one in engine.run(_only(task))]
    except CorridorError as error:
        failed = error.rule
    finally:
        alive.cancel()
    await nats.send(subject, answer, once=f"{run}.{number}", failed=failed)
    await nats.forget(message)


async def _only(task: bytes) -> AsyncIterator[bytes]:
    yield task


async def _alive(message: Msg, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        with suppress(Error):
            await cancellable(message.in_progress)()
