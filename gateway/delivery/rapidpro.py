"""Contacts of RapidPro, one a request: found by their uuid, else by their first URN."""

from typing import Any

import httpx

from gateway import adapter
from gateway.adapter import Answering
from gateway.delivery.parcel import Parcel
from gateway.delivery.singly import each, lines
from gateway.delivery.told import Told, fault, refused, settled


async def push(client: httpx.AsyncClient, parcel: Parcel) -> Told:
    """Each contact of the content."""
    if parcel.format != "rapidpro":
        return refused("push.format", begun=False)
    return await each(client, parcel, lines(parcel.content), _contact)


async def _contact(client: httpx.AsyncClient, parcel: Parcel, index: int, contact: Any) -> Told:
    body = {name: value for name, value in contact.items() if name != "uuid"}
    urns = contact.get("urns") or []
    if "uuid" in contact:
        found = {"uuid": contact["uuid"]}
    elif urns:
        found = {"urn": urns[0]}
    else:
        # Each attempt would make another contact.
        return refused("push.no_id")
    answer = await client.post("api/v2/contacts.json", params=found, json=body)
    one = adapter.named(parcel.format)
    said = adapter.outcomes(one, answer.content, 1) if isinstance(one, Answering) else []
    return fault(answer, [each for each in said if each.state == "refused"]) or settled(said)
