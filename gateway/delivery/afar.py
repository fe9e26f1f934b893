"""The word that there is something to push, for the other gateways on the log.

Through NATS, where it is there for bulk work. A message says who sent it, and nothing else.
"""

import asyncio
import secrets
from contextlib import suppress
from itertools import chain, repeat
from typing import TYPE_CHECKING

from starlette.datastructures import State

from gateway import journal
from gateway.delivery.wake import listen, wake
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from gateway.bulk.nats_place import Nats

PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
PAUSE_SECONDS = 0.05
"""Between two messages, so that one serves many pushes."""


async def tell_others(state: State) -> None:
    """Pass the word on, and hear that of others, until cancelled."""
    deployment = state.gateway.deployment
    if deployment.settings.bulk.engine != "nats":
        return
    from gateway.bulk.nats_engine import nats_of  # only where it is asked for

    await passed_on(nats_of(deployment))


async def passed_on(nats: "Nats") -> None:
    """See `tell_others`."""
    from nats.errors import Error

    from gateway.bulk.nats_place import cancellable

    subject, me = f"{nats.prefix}.wake", secrets.token_hex(8).encode()
    loop, spoken = asyncio.get_running_loop(), asyncio.Event()

    def speak(_: str) -> None:
        with suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(spoken.set)

    async def heard(message: "Msg") -> None:
        if message.data != me:
            wake("", but=speak)

    stop = listen(speak)
    try:
        await _connected(nats)
        await cancellable(nats.client.subscribe)(subject, cb=heard)
        while True:
            await spoken.wait()
            spoken.clear()
            with suppress(Error):  # nobody is told: they look for themselves, a little later
                await cancellable(nats.client.publish)(subject, me)
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        stop()
        await nats.close()


async def _connected(nats: "Nats") -> None:
    for pause in chain(PAUSES, repeat(PAUSES[-1])):
        try:
            await nats.connect()
        except GatewayError:
            journal.say("nats.waiting")
            await asyncio.sleep(pause)
        else:
            return
