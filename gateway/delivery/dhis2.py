"""Tracker objects and data values of DHIS2, in one import.

200 is no success: the report inside says what was taken, and 409 has one too. With the option
`async` the import is a job of the server, which is asked until its report is there.
"""

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx
import orjson

from gateway import adapter
from gateway.adapter import Answering, Outcome
from gateway.delivery.parcel import Parcel
from gateway.delivery.told import Told, fault, later, refused, settled

ASK_SECONDS = 1.0
MAX_ASKED = 60
_UID = re.compile("[A-Za-z][A-Za-z0-9]{10}")
_VALUE = re.compile(rb"<(?:\w+:)?dataValue[\s/>]")


async def push(client: httpx.AsyncClient, parcel: Parcel) -> Told:
    """Import it; what is there already is updated."""
    if parcel.format == "dhis2.tracker":
        return await _tracker(client, parcel)
    if parcel.format.startswith("dhis2.aggregate") or parcel.format == "dhis2.adx":
        query = {"importStrategy": "CREATE_AND_UPDATE", **_asked(parcel)}
        answer = await client.post(
            "api/dataValueSets",
            params=query,
            content=parcel.content,
            headers={"Content-Type": parcel.media_type, "Accept": "application/json"},
        )
        return _told(parcel, answer, _values(parcel))
    return refused("push.format", begun=False)


async def _tracker(client: httpx.AsyncClient, parcel: Parcel) -> Told:
    lists = orjson.loads(parcel.content).values()
    sent = next((len(one) for one in lists if isinstance(one, list) and one), 0)
    job = parcel.option("async") == "true"
    query = {
        "async": "true" if job else "false",
        "importStrategy": "CREATE_AND_UPDATE",
        "atomicMode": parcel.option("atomic_mode", "OBJECT"),
        **_asked(parcel),
    }
    headers = {"Content-Type": parcel.media_type}
    answer = await client.post("api/tracker", params=query, content=parcel.content, headers=headers)
    if job and answer.is_success:
        reported = await _reported(client, answer)
        if reported is None:
            return later("push.job_unfinished")
        answer = reported
    return _told(parcel, answer, sent)


async def _reported(client: httpx.AsyncClient, begun: httpx.Response) -> httpx.Response | None:
    """The report of a job, as soon as it is there."""
    uid = _job(begun.content)
    if uid is None:
        return begun
    for _ in range(MAX_ASKED):
        state = await client.get(f"api/tracker/jobs/{uid}")
        if not state.is_success:
            return state
        if _completed(state.content):
            return await client.get(f"api/tracker/jobs/{uid}/report")
        await asyncio.sleep(ASK_SECONDS)
    return None


def _job(answer: bytes) -> str | None:
    said = _json(answer)
    response = said.get("response") if isinstance(said, dict) else None
    uid = response.get("id") if isinstance(response, dict) else None
    return uid if isinstance(uid, str) and _UID.fullmatch(uid) else None


def _completed(answer: bytes) -> bool:
    said = _json(answer)
    return isinstance(said, list) and any(
        isinstance(one, dict) and one.get("completed") is True for one in said
    )


def _json(answer: bytes) -> Any:
    try:
        return orjson.loads(answer)
    except orjson.JSONDecodeError:
        return None


def _told(parcel: Parcel, answer: httpx.Response, sent: int) -> Told:
    reader = adapter.named(parcel.format)
    said: list[Outcome] = []
    if isinstance(reader, Answering):
        said = adapter.outcomes(reader, answer.content, sent, parcel.content)
    if answer.status_code == HTTPStatus.CONFLICT and any(one.state == "refused" for one in said):
        # Its rules refused some of it, and will again.
        return refused("push.refused", said)
    return fault(answer, [one for one in said if one.state == "refused"]) or settled(said)


def _values(parcel: Parcel) -> int:
    """How many data values the content has."""
    if parcel.media_type.endswith("xml"):
        return len(_VALUE.findall(parcel.content))
    if parcel.media_type == "text/csv":
        return max(0, len(parcel.content.splitlines()) - 1)
    return len(orjson.loads(parcel.content).get("dataValues", ()))


def _asked(parcel: Parcel) -> Mapping[str, str]:
    """Options named `query.NAME` become parameters: `query.orgUnitIdScheme: CODE`."""
    options = parcel.endpoint.get("options", {})
    return {
        name.removeprefix("query."): str(value)
        for name, value in options.items()
        if name.startswith("query.")
    }
