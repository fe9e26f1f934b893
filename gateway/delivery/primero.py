"""Records of Primero v2, one a request.

A record with an id is patched, and made where it is not there. One without is made under an id
that follows from the transfer and its place in it, so that a second attempt makes no second record.
"""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid5

import httpx

from gateway import adapter
from gateway.adapter import Answering, Outcome
from gateway.delivery.parcel import Parcel
from gateway.delivery.singly import each, lines
from gateway.delivery.told import Told, fault, refused, settled


async def push(client: httpx.AsyncClient, parcel: Parcel) -> Told:
    """Each record of the content."""
    if parcel.format != "primero":
        return refused("push.format", begun=False)
    return await each(client, parcel, lines(parcel.content), _record)


async def _record(client: httpx.AsyncClient, parcel: Parcel, index: int, record: Any) -> Told:
    data = record["data"]
    records = f"api/v2/{parcel.option('records', 'cases')}"
    known = data.get("id") or str(uuid5(UUID(parcel.transfer), str(index)))
    if known in (".", ".."):  # steps in a path, however they are quoted
        return settled([Outcome(index, "refused", at="id")])
    own = f"{records}/{quote(known, safe='')}"
    patch = {"data": {name: value for name, value in data.items() if name != "id"}}
    if "id" in data:
        answer = await client.patch(own, json=patch)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            answer = await client.post(records, json=record)
    else:
        answer = await client.post(records, json={"data": {"id": known, **data}})
        if answer.status_code == HTTPStatus.CONFLICT:  # ours, from an attempt before
            answer = await client.patch(own, json=patch)
    return _told(parcel, index, answer)


def _told(parcel: Parcel, index: int, answer: httpx.Response) -> Told:
    if answer.status_code == HTTPStatus.NO_CONTENT:
        return settled([Outcome(index, "accepted")])
    one = adapter.named(parcel.format)
    said = adapter.outcomes(one, answer.content, 1) if isinstance(one, Answering) else []
    return fault(answer, [each for each in said if each.state == "refused"]) or settled(said)
