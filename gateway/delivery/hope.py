"""Households for UNICEF HOPE: a registration data import that is made, filled and completed.

What a mapping made for `rdi/upload` goes there, all or nothing. A list of households is pushed
`lax`: HOPE says of each whether it took it, and the import is completed with what it took. An
attempt whose answer was lost leaves an import that nobody completed, which HOPE does not use.
"""

import re
from http import HTTPStatus
from typing import Any

import httpx
import orjson

from gateway import adapter
from gateway.adapter import Answering, Outcome
from gateway.delivery.parcel import Parcel
from gateway.delivery.told import Told, fault, later, refused, settled

_ID = re.compile("[A-Za-z0-9-]{1,64}")


async def push(client: httpx.AsyncClient, parcel: Parcel) -> Told:
    """Make an import of the content."""
    area = parcel.option("business_area")
    if parcel.format != "hope":
        return refused("push.format", begun=False)
    if not area:
        return Told((), "push.option_missing", again=True, begun=False)
    base = f"api/rest/{area}/rdi"
    content = orjson.loads(parcel.content)
    if isinstance(content, dict):
        answer = await _post(client, f"{base}/upload/", parcel.content)
        return _told(parcel, answer, len(content.get("households", ())))
    created = await _post(client, f"{base}/create/", _named(parcel))
    number = _number(created)
    if number is None:
        return fault(created) or later("push.unclear")
    answer = await _post(client, f"{base}/{number}/push/lax/", parcel.content)
    told = _told(parcel, answer, len(content))
    if told.again or not any(one.state == "accepted" for one in told.outcomes):
        return told
    completed = await _post(client, f"{base}/{number}/completed/", b"{}")
    return fault(completed) or told


async def _post(client: httpx.AsyncClient, path: str, content: bytes) -> httpx.Response:
    return await client.post(path, content=content, headers={"Content-Type": "application/json"})


def _named(parcel: Parcel) -> bytes:
    """A name that HOPE's people find again: the transfer's id."""
    said = {"name": f"corridor {parcel.transfer}"}
    if program := parcel.option("program"):
        said["program"] = program
    return orjson.dumps(said)


def _number(answer: httpx.Response) -> str | None:
    if answer.status_code not in (HTTPStatus.OK, HTTPStatus.CREATED):
        return None
    try:
        said: Any = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return None
    number = said.get("id") if isinstance(said, dict) else None
    return number if isinstance(number, str) and _ID.fullmatch(number) else None


def _told(parcel: Parcel, answer: httpx.Response, sent: int) -> Told:
    one = adapter.named(parcel.format)
    said: list[Outcome] = []
    if isinstance(one, Answering):
        said = adapter.outcomes(one, answer.content, sent)
    return fault(answer, [each for each in said if each.state == "refused"]) or settled(said)
