"""A web hook signed by Standard Webhooks (1.0.0): the content as it is, in one request.

Any answer of 2xx takes it. The id is the transfer's, the same in every attempt.
"""

import base64
import binascii
import hmac
import time

import httpx

from gateway.adapter import Outcome
from gateway.delivery.parcel import Parcel
from gateway.delivery.told import Told, fault, settled
from gateway.errors import OfficerError

_PREFIX = "whsec_"


async def push(client: httpx.AsyncClient, parcel: Parcel) -> Told:
    """Post it to exactly the registered address."""
    headers = {
        "Content-Type": parcel.media_type,
        "Idempotency-Key": parcel.transfer,
        "webhook-id": parcel.transfer,
    }
    if parcel.secret:
        at = str(int(time.time()))
        headers["webhook-timestamp"] = at
        headers["webhook-signature"] = signature(parcel, at)
    answer = await client.post(parcel.endpoint["url"], content=parcel.content, headers=headers)
    return fault(answer) or settled([Outcome(None, "accepted")])


def signature(parcel: Parcel, at: str) -> str:
    """`v1,` and HMAC-SHA256 over id, time and content. Content need not be text here, which is
    why this is not left to the library."""
    try:
        key = base64.b64decode(parcel.secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        at = f"endpoint {parcel.endpoint['id']}"
        raise OfficerError("not base64", rule="endpoint.secret", at=at) from None
    signed = f"{parcel.transfer}.{at}.".encode() + parcel.content
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
