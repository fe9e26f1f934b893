"""A running gateway follows what people decide: agreements that end, policies that are activated.

The log is asked a few times a second whether something else stands. Between two such moments
nothing can slip through: the log itself refuses a release that rests on what stands no more.
"""

import asyncio

from starlette.datastructures import State

from gateway import journal, session
from gateway.errors import CorridorError
from gateway.exchange import Gateway
from gateway.identity.keyring import keyring_of, stamp_of
from gateway.policy import PolicyEngine

SECONDS = 0.25


async def follow_log(state: State) -> None:
    """Follow until cancelled."""
    while True:
        await asyncio.sleep(SECONDS)
        try:
            await follow(state)
        except CorridorError as error:
            journal.say("follow.failed", rule=error.rule)


async def follow(state: State) -> Gateway:
    """The gateway as things stand now. To be called on the loop that made its engine.

    Where they cannot be read, the one at hand goes on answering from what it knows, and the log
    refuses whatever rests on anything older.
    """
    gateway: Gateway = state.gateway
    epoch = gateway.log.epoch()
    if epoch in (gateway.epoch, getattr(state, "failed_epoch", gateway.epoch)):
        return gateway
    return await _reread(state, epoch)


async def follow_files(state: State) -> None:
    """Read again what people keep of parties and routes when they change it, until cancelled."""
    gateway: Gateway = state.gateway
    seen = stamp_of(gateway.deployment.directory, keys=False)
    while True:
        await asyncio.sleep(SECONDS)
        try:
            keyring_of(state)  # a transfer need not wait for the files to be read
            now = stamp_of(gateway.deployment.directory, keys=False)
            if now != seen:
                seen = now
                await _reread(state, gateway.log.epoch())
        except CorridorError as error:
            journal.say("follow.failed", rule=error.rule)


async def _reread(state: State, epoch: int) -> Gateway:
    gateway: Gateway = state.gateway
    try:
        newer = session.reread(gateway)
    except CorridorError as error:
        state.failed_epoch = epoch
        journal.say("reread.failed", rule=error.rule, at=error.at)
        return gateway
    journal.say("reread", bundle=newer.bundle.revision, epoch=newer.epoch)
    state.gateway = newer
    if newer.engine is gateway.engine:
        return newer
    made: list[PolicyEngine] = getattr(state, "engines", [])
    # A transfer may still be waiting for the engine that is replaced; for older ones not.
    for engine in made[:-1]:
        await engine.close()
    state.engines = [*made[-1:], newer.engine]
    return newer


async def close(state: State) -> None:
    """Close the engines made here. The first one is for whoever opened the gateway."""
    for engine in getattr(state, "engines", []):
        await engine.close()
