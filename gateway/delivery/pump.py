"""What pushes: beside the requests of every gateway, until it stops.

A turn is one transaction: what became of finished pushes is written, leases of those under way
are renewed, and new rows are leased, as many as there is room for. A gateway that dies lets its
leases run out, and another one, or the same after its start, tries again.
"""

import asyncio
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.datastructures import State

from gateway import deliver, journal
from gateway.delivery import outbox
from gateway.delivery.clients import Clients
from gateway.delivery.endpoints import endpoint_named
from gateway.delivery.ledger import GONE, Health, after_attempt, taken_of
from gateway.delivery.outbox import Lane, Row
from gateway.delivery.parcel import Parcel
from gateway.delivery.send import send
from gateway.delivery.told import Told, later, refused
from gateway.delivery.wake import listen
from gateway.errors import CorridorError
from gateway.log_standing import Standing
from gateway.log_store import Store
from gateway.moments import now_ms
from gateway.observe.meters import push_took, pushed
from gateway.observe.watch import Watch
from gateway.transfer import Gateway

LOOK_SECONDS = 0.25
"""How often rows are looked for that nobody spoke of: those of others, and those due again."""
PAUSE_SECONDS = 0.03
"""Between two turns, so that one transaction serves many pushes."""
TROUBLE_SECONDS = 1.0
GRACE_SECONDS = 3.0
"""For pushes under way when the gateway stops."""
TIDY_SECONDS = 60.0
BUSY_REQUESTS = 8
BUSY_A_SECOND = 50
"""Pushes begun in a second while many requests are under way. A push costs what a transfer costs,
and answers come first; one that waits for its recipient costs nothing."""
LARGE = 1 << 20
LARGE_AT_ONCE = 2
"""Contents above a mebibyte are held in memory so many at a time."""


Content = tuple[bytes, str]
"""What was released, and its media type."""

NO_ENDPOINT = "push.no_endpoint"
INTERRUPTED = "push.interrupted"


@dataclass(slots=True, eq=False)
class Pump:
    """The pushes of one gateway process."""

    state: State
    who: str = field(default_factory=lambda: uuid.uuid4().hex)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _under_way: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    _finished: list[tuple[Row, Told]] = field(default_factory=list)
    _clients: Clients = field(default_factory=Clients)
    _large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_ONCE))
    _tidied: float = -TIDY_SECONDS
    _renewed: int = 0
    _turned: int = 0
    _deleted: bool = False
    _turning: "asyncio.Task[Any] | None" = None
    _standing: Mapping[tuple[str, str], Standing] = field(default_factory=dict)

    @property
    def gateway(self) -> Gateway:
        """As it reads its files and its log now."""
        gateway: Gateway = self.state.gateway
        return gateway

    async def run(self) -> None:
        """Turn after turn, until cancelled."""
        loop = asyncio.get_running_loop()

        def woken(_: str) -> None:
            with suppress(RuntimeError):  # the loop may be closed by now
                loop.call_soon_threadsafe(self._woken.set)

        stop = listen(woken)
        try:
            while not self.gateway.log.stopped:
                try:
                    await self._turn()
                except CorridorError as error:
                    journal.say("delivery.failed", rule=error.rule)
                    await asyncio.sleep(TROUBLE_SECONDS)
                except Exception as error:  # whatever it is, pushes must go on
                    journal.failed(error)
                    await asyncio.sleep(TROUBLE_SECONDS)
                await asyncio.sleep(PAUSE_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._woken.wait()
        finally:
            stop()
            await asyncio.shield(self._hand_back())

    async def _turn(self) -> None:
        self._woken.clear()
        finished, self._finished = self._finished, []
        self._turning = asyncio.create_task(asyncio.to_thread(self._exchange, finished))
        try:
            leased = await asyncio.shield(self._turning)
        except BaseException:
            self._finished = [*finished, *self._finished]
            raise
        for row, _ in finished:
            self._under_way.pop(row.transfer, None)
        for row, content in leased:
            self._under_way[row.transfer] = asyncio.create_task(self._push(row, content))

    def _exchange(self, finished: list[tuple[Row, Told]]) -> list[tuple[Row, Content | None]]:
        """The transaction of a turn, in a thread of its own."""
        gateway, log = self.gateway, self.gateway.log
        now, settings = now_ms(), gateway.deployment.settings.delivery
        lanes = outbox.lanes_of(gateway.deployment)
        first = now % max(1, len(lanes))  # none is always the first to be given room
        lanes = lanes[first:] + lanes[:first]
        done = [(row, told, after_attempt(row, told, settings, now)) for row, told in finished]
        room = settings.concurrency - len(self._under_way) + len(finished)
        passed, self._turned = min(now - self._turned, 1000), now
        if Watch.under_way >= BUSY_REQUESTS:
            room = min(room, max(1, passed * BUSY_A_SECOND // 1000))
        going = self._under_way.keys() - {row.transfer for row, _ in finished}
        until = now + int(settings.lease_seconds * 1000)

        def turn(store: Store) -> list[Row]:
            outbox.settle(store, [after for _, _, after in done], self.who)
            outbox.note_health(store, self._health(store, done, lanes, now))
            outbox.renew(store, going, self.who, until)
            leased: list[Row] = []
            for lane in lanes:
                leased += outbox.takeable(store.ask, lane, now, room - len(leased))
            outbox.lease(store, leased, self.who, until)
            return leased

        leased: list[Row] = []
        if done or self._renewal_due(now, until) or self._any(lanes, now, room):
            leased = log.beside(turn)
            self._renewed = now
        if leased:
            self._standing = log.standing()
        for _, _, after in done:
            self._say(after)
        with suppress(CorridorError):  # the next turn tries again; what was leased must be pushed
            self._tidy(now)
        return [(row, self._small(row)) for row in leased]

    def _health(
        self, store: Store, done: list[tuple[Row, Told, Row]], lanes: list[Lane], now: int
    ) -> dict[tuple[str, str], tuple[int, int]]:
        """What finished pushes say about their addresses, where that changes something."""
        settings = self.gateway.deployment.settings.delivery
        known = {lane.key: lane for lane in lanes}
        changed: dict[tuple[str, str], tuple[int, int]] = {}
        for key in {row.lane for row, _, _ in done} & known.keys():
            before = outbox.health_of(store, key)
            health = Health(*before)
            for row, told, _ in done:
                if row.lane == key:
                    health.note(told, known[key], settings, now)
            if (health.failures, health.open_until) != before:
                changed[key] = health.failures, health.open_until
        return changed

    def _renewal_due(self, now: int, until: int) -> bool:
        return bool(self._under_way) and now - self._renewed > (until - now) // 3

    def _any(self, lanes: list[Lane], now: int, room: int) -> bool:
        """Whether a turn would find something, looked up without the lock of the log."""
        ask = self.gateway.log.rows
        return room > 0 and any(outbox.takeable(ask, lane, now, 1) for lane in lanes)

    def _say(self, row: Row) -> None:
        pushed(row.state, row.rule)
        if row.state == "delivered":
            self._deleted = True
            self.gateway.log.done(row.transfer)
        journal.say(
            "push",
            id=row.transfer,
            recipient=row.recipient,
            state=row.state,
            attempts=row.attempts,
            rule=row.rule,
        )

    def _tidy(self, now: int) -> None:
        """Now and then: what a crash left, and what can never be pushed."""
        log = self.gateway.log
        if self._deleted:
            log.empty_journal()
            self._deleted = False
        if time.monotonic() - self._tidied < TIDY_SECONDS:
            return
        self._tidied = time.monotonic()
        for transfer in outbox.unsaid(log):
            log.done(transfer)
        if hopeless := outbox.hopeless(log, self.gateway.deployment, now):
            log.beside(lambda store: outbox.give_up(store, hopeless, now))

    def _small(self, row: Row) -> Content | None:
        """Content that is read at once, with what else the turn reads; None where it is not."""
        query = "SELECT length(value) FROM kept WHERE kind = 'content' AND key = ?"
        with suppress(CorridorError):
            size = self.gateway.log.rows(query, (row.transfer,))
            if size and size[0][0] <= LARGE:
                return self._content(row)
        return None

    def _content(self, row: Row) -> Content | None:
        gateway = self.gateway
        held = gateway.log.kept("content", row.transfer)
        if held is None:
            return None
        # What is too large for a row was refused before it was logged (`deliver.keep`).
        return deliver.unseal(held.value, row.transfer, gateway.keys.content)

    async def _push(self, row: Row, content: Content | None) -> None:
        told, began = later(INTERRUPTED), time.perf_counter()
        try:
            told = await self._attempt(row, content)
        except CorridorError as error:
            told = Told((), error.rule, again=True, begun=False)
        finally:
            push_took(time.perf_counter() - began)
            self._finished.append((row, told))
            self._woken.set()

    async def _attempt(self, row: Row, content: Content | None) -> Told:
        if content is not None:
            return await self._sent(row, content)
        async with self._large:
            content = await asyncio.to_thread(self._content, row)
            if content is None:
                return refused(GONE, begun=False)
            return await self._sent(row, content)

    async def _sent(self, row: Row, content: Content) -> Told:
        body, media_type = content
        deployment = self.gateway.deployment
        endpoint = endpoint_named(deployment.parties.get(row.recipient), row.endpoint)
        if endpoint is None:
            return refused(NO_ENDPOINT, begun=False)
        agreement = self._standing.get(("agreement", row.agreement))
        if agreement is not None and agreement.state != "active":
            return refused("agreement.not_active", begun=False)
        client, secret = self._clients.client(deployment, row.recipient, endpoint)
        parcel = Parcel(
            row.transfer,
            row.format,
            media_type,
            body,
            endpoint,
            secret,
            taken_of(row.outcomes),
        )
        return await send(client, parcel)

    async def _hand_back(self) -> None:
        """Let what is under way finish for a moment, and others have the rest at once."""
        if self._turning is not None:  # what it leases is to be given back as well
            await asyncio.wait([self._turning])
        tasks = list(self._under_way.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with suppress(CorridorError):
            await asyncio.to_thread(self._settle_last)
        await self._clients.close()

    def _settle_last(self) -> None:
        gateway, now = self.gateway, now_ms()
        if gateway.log.stopped:
            return
        settings = gateway.deployment.settings.delivery
        done = [after_attempt(row, told, settings, now) for row, told in self._finished]
        # What was interrupted is due at once: nothing is wrong with it.
        done = [replace(one, due=now) if one.rule == INTERRUPTED else one for one in done]

        def last(store: Store) -> None:
            outbox.settle(store, done, self.who)
            outbox.give_back(store, self.who)

        if done or outbox.held_by(gateway.log, self.who):
            gateway.log.beside(last)
        for one in done:
            self._say(one)
        if self._deleted:
            gateway.log.empty_journal()


async def pump(state: State) -> None:
    """Push what is to be pushed, beside the requests."""
    await Pump(state).run()
