"""One attempt: which system takes it how, and what failed on the way."""

from collections.abc import Awaitable, Callable, Mapping

import httpx

from gateway import journal
from gateway.delivery import (
    commcare,
    dhis2,
    fhir,
    hope,
    openrosa,
    primero,
    rapidpro,
    webhook,
)
from gateway.delivery.parcel import Parcel
from gateway.delivery.told import Told, later, refused
from gateway.errors import CorridorError, OfficerError

Push = Callable[[httpx.AsyncClient, Parcel], Awaitable[Told]]

SYSTEMS: Mapping[str, Push] = {
    "commcare": commcare.push,
    "dhis2": dhis2.push,
    "fhir": fhir.push,
    "hope": hope.push,
    "primero": primero.push,
    "rapidpro": rapidpro.push,
    "webhook": webhook.push,
    **dict.fromkeys(("openrosa", "kobo", "odk", "ona"), openrosa.push),
}
"""How each system is pushed to."""

UNSENT = frozenset(
    f"outbound.{what}" for what in ("name", "address", "connect", "tls", "origin", "protocol")
)
"""Failures before the first byte of a request left."""


async def send(client: httpx.AsyncClient, parcel: Parcel) -> Told:
    """Push it. Whatever goes wrong is told, and never raised."""
    push = SYSTEMS.get(parcel.endpoint["system"])
    if push is None:
        return refused("push.system", begun=False)
    try:
        return await push(client, parcel)
    except OfficerError as error:
        return Told(tuple(parcel.said), error.rule, again=True, begun=bool(parcel.said))
    except CorridorError as error:
        begun = bool(parcel.said) or error.rule not in UNSENT
        return Told(tuple(parcel.said), error.rule, again=True, begun=begun)
    except Exception as error:
        journal.failed(error)
        return later("push.failed", parcel.said)
