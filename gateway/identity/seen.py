"""Requests that were seen: each nonce counts once, in every process on the same log.

What comes at the same time is written in one transaction, as with the log itself: under load a
flush is shared by many requests. Kept are keyed digests, for as long as the request would count.
"""

import asyncio
import hmac
import time
from dataclasses import dataclass, field

from starlette.datastructures import State

from gateway import journal
from gateway.errors import GatewayError
from gateway.exchange import Gateway
from gateway.log_store import Store

BATCH = 200
MAX_WAITING = 4000
SWEEP_SECONDS = 60.0


@dataclass(slots=True)
class _Lines:
    """Marks that wait for their transaction, and the task that writes them."""

    waiting: list[tuple[bytes, int, asyncio.Future[bool]]] = field(default_factory=list)
    writer: asyncio.Task[None] | None = None
    swept: float = 0.0


async def first_time(state: State, kind: str, who: str, nonce: str, until: float) -> bool:
    """Whether this nonce was never seen before; it is from now on, until a moment in seconds.

    Raises `GatewayError` where that cannot be said.
    """
    gateway: Gateway = state.gateway
    said = f"seen\n{kind}\n{who}\n{nonce}".encode()
    mark = hmac.digest(gateway.keys.content, said, "sha256")
    lines: _Lines | None = getattr(state, "seen", None)
    if lines is None:
        lines = state.seen = _Lines()
    if len(lines.waiting) >= MAX_WAITING:
        raise GatewayError("too many requests wait", rule="keys.busy", retry_after=2)
    future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    lines.waiting.append((mark, int(until * 1000) + 1000, future))
    if lines.writer is None or lines.writer.done():
        lines.writer = asyncio.create_task(_write(gateway, lines))
    return await future


async def _write(gateway: Gateway, lines: _Lines) -> None:
    while lines.waiting:
        batch, lines.waiting = lines.waiting[:BATCH], lines.waiting[BATCH:]
        rows = [(mark, until) for mark, until, _ in batch]
        sweep = time.monotonic() - lines.swept > SWEEP_SECONDS
        if sweep:
            lines.swept = time.monotonic()
        try:
            new = await asyncio.to_thread(_new, gateway, rows, sweep)
        except Exception as error:
            journal.failed(error)
            failed = GatewayError("it cannot be said whether this came before", rule="keys.nonce")
            for _, _, future in batch:
                if not future.done():
                    future.set_exception(failed)
            continue
        for mark, _, future in batch:
            # Twice in one batch: the first of them took it.
            answer = mark in new
            new.discard(mark)
            if not future.done():
                future.set_result(answer)


def _new(gateway: Gateway, rows: list[tuple[bytes, int]], sweep: bool) -> set[bytes]:
    distinct = dict(rows)
    marks = ", ".join(["(?, ?)"] * len(distinct))

    def work(store: Store) -> set[bytes]:
        if sweep:
            store.write("DELETE FROM nonce WHERE expires < ?", [(int(time.time() * 1000),)])
        query = (
            f"INSERT INTO nonce (mark, expires) VALUES {marks}"  # noqa: S608 - marks alone
            " ON CONFLICT DO NOTHING RETURNING mark"
        )
        values = [value for row in distinct.items() for value in row]
        return {bytes(mark) for (mark,) in store.ask(query, values)}

    return gateway.log.beside(work)
