"""Systems that take one record with a request: in their order, and none twice that was taken."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx
import orjson

from gateway.adapter import Outcome
from gateway.delivery.parcel import Parcel
from gateway.delivery.told import Told, later, settled

One = Callable[[httpx.AsyncClient, Parcel, int, Any], Awaitable[Told]]


async def each(
    client: httpx.AsyncClient, parcel: Parcel, records: Sequence[Any], push: One
) -> Told:
    """Push one after the other. The first that cannot go now ends the attempt: those behind it
    may refer to it."""
    for index, record in enumerate(records):
        if index in parcel.taken:
            parcel.said.append(Outcome(index, "accepted"))
            continue
        told = await push(client, parcel, index, record)
        parcel.said += [Outcome(index, one.state, one.code, one.at) for one in told.outcomes] or [
            Outcome(index, "refused" if told.rule and not told.again else "unknown")
        ]
        if told.again:
            rest = [Outcome(n, "accepted") for n in parcel.taken if n > index]
            return later(told.rule, [*parcel.said, *rest], after=told.after)
    return settled(parcel.said)


def lines(content: bytes) -> list[Any]:
    """The documents of NDJSON."""
    return [orjson.loads(line) for line in content.split(b"\n") if line.strip()]
