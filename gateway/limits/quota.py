"""What parties may use in a day (UTC), by all processes together.

Counted in memory and added up in the database every second, not in the transaction of each
transfer, which would cost every transfer a row that all of them write. So several processes
together may let through what came in one second too much, and a crash forgets a second.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import State

from gateway import journal
from gateway.errors import CorridorError, SenderError
from gateway.log import Log
from gateway.log_store import Store
from gateway.settings import LimitSettings

SECONDS = 1.0
DAY = 86_400
KEPT_DAYS = 35
ADD = (
    "INSERT INTO quota (party, day, transfers, bytes) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (party, day) DO UPDATE SET "
    "transfers = quota.transfers + excluded.transfers, bytes = quota.bytes + excluded.bytes"
)


@dataclass(frozen=True, slots=True)
class Used:
    """What a party used."""

    transfers: int = 0
    bytes: int = 0

    def __add__(self, other: "Used") -> "Used":
        return Used(self.transfers + other.transfers, self.bytes + other.bytes)


class Quotas:
    """What is counted here and not added up yet, and what all together had at last sight."""

    def __init__(self, settings: LimitSettings, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.on = bool(settings.transfers_per_day or settings.bytes_per_day)
        self._clock = clock
        self._lock = threading.Lock()
        self._mine: dict[tuple[str, int], Used] = {}
        self._all: dict[tuple[str, int], Used] = {}

    def spend(self, party: str, transfers: int, size: int) -> None:
        """Count it. Raises 429 where the day's is used up, and then counts nothing."""
        if not self.on:
            return
        now = self._clock()
        day = int(now // DAY)
        with self._lock:
            after = self._used(party, day) + Used(transfers, size)
            if _over(after.transfers, self.settings.transfers_per_day) or _over(
                after.bytes, self.settings.bytes_per_day
            ):
                raise SenderError(
                    "this party's quota of the day is used up",
                    rule="limit.quota",
                    status=429,
                    retry_after=int((day + 1) * DAY - now) + 1,
                )
            self._count(party, day, Used(transfers, size))

    def add(self, party: str, transfers: int, size: int) -> None:
        """Count it, for it was done already."""
        if self.on:
            with self._lock:
                self._count(party, int(self._clock() // DAY), Used(transfers, size))

    def _count(self, party: str, day: int, used: Used) -> None:
        self._mine[party, day] = self._mine.get((party, day), Used()) + used

    def used(self, party: str) -> Used:
        """What a party used today, as far as is known here."""
        with self._lock:
            return self._used(party, int(self._clock() // DAY))

    def _used(self, party: str, day: int) -> Used:
        return self._all.get((party, day), Used()) + self._mine.get((party, day), Used())

    def settle(self, log: Log) -> None:
        """Add up what was counted here, and see what others counted."""
        day = int(self._clock() // DAY)
        with self._lock:
            mine, self._mine = self._mine, {}
            for key, used in mine.items():
                # Counted until the sum is read again: nobody gains by asking in between.
                self._all[key] = self._all.get(key, Used()) + used
        try:
            if mine:
                log.beside(lambda store: _add(store, mine, day))
            rows = log.rows("SELECT party, transfers, bytes FROM quota WHERE day = ?", (day,))
        except BaseException:
            with self._lock:
                for key, used in mine.items():
                    self._all[key] = Used(
                        self._all[key].transfers - used.transfers,
                        self._all[key].bytes - used.bytes,
                    )
                    self._mine[key] = self._mine.get(key, Used()) + used
            raise
        with self._lock:
            self._all = {(str(row[0]), day): Used(int(row[1]), int(row[2])) for row in rows}


def _add(store: Store, mine: dict[tuple[str, int], Used], day: int) -> None:
    rows = [(party, on, used.transfers, used.bytes) for (party, on), used in sorted(mine.items())]
    store.write(ADD, rows)
    store.write("DELETE FROM quota WHERE day < ?", [(day - KEPT_DAYS,)])


def _over(value: int, limit: int) -> bool:
    return bool(limit) and value > limit


async def settle_quotas(state: State) -> None:
    """Beside the requests, until cancelled. Once more then, so that nothing is forgotten."""
    quotas: Quotas | None = getattr(getattr(state, "allowances", None), "quotas", None)
    if quotas is None or not quotas.on:
        return
    try:
        while True:
            await _settle(quotas, state.gateway.log)
            await asyncio.sleep(SECONDS)
    finally:
        await _settle(quotas, state.gateway.log)


async def _settle(quotas: Quotas, log: Log) -> None:
    try:
        await asyncio.to_thread(quotas.settle, log)
    except CorridorError as error:
        journal.say("quota.failed", rule=error.rule)
