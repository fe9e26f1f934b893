"""The message around records: what is written, and what delivery puts into it.

Whom a message is for, when it is sent and by which number are not known to an adapter, which has
no clock and no randomness. It writes values that say so, and `addressed` replaces them.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from gateway.errors import GatewayError

NO_ID = "00000000-0000-0000-0000-000000000000"
NO_MOMENT = "1970-01-01T00:00:00Z"
VERSION = "1.0.0"


def header(action: str, sender: str, count: int, **more: Any) -> dict[str, Any]:
    """A header that is not addressed yet."""
    return {
        "version": VERSION,
        "message_id": NO_ID,
        "message_ts": NO_MOMENT,
        "action": action,
        **more,
        "sender_id": sender,
        "total_count": count,
        "is_msg_encrypted": False,
    }


def listed(before: bytes, objects: Iterable[dict[str, Any]], after: bytes) -> Iterator[bytes]:
    """A JSON list, one object at a time, between what stands before and after it."""
    yield before + b"["
    comma = b""
    for one in objects:
        yield comma + orjson.dumps(one)
        comma = b","
    yield b"]" + after


def answer(objects: Iterable[dict[str, Any]], sender: str) -> Iterator[bytes]:
    """An on-search with one answer, which holds every record."""
    head = header("on-search", sender, 1, status="succ", completed_count=1)
    item = {"reference_id": NO_ID, "timestamp": NO_MOMENT, "status": "succ"}
    before = (
        b'{"signature":"","header":%b,"message":{"transaction_id":"%b","correlation_id":"%b",'
        b'"search_response":[%b,"data":{"version":"%b","reg_records":'
        % (
            orjson.dumps(head),
            NO_ID.encode(),
            NO_ID.encode(),
            orjson.dumps(item).removesuffix(b"}"),
            VERSION.encode(),
        )
    )
    yield from listed(before, objects, b"}}]}}")


def addressed(
    body: bytes,
    *,
    sender_id: str,
    receiver_id: str,
    message_id: str,
    message_ts: str,
    transaction_id: str | None = None,
    correlation_id: str | None = None,
    reference_id: str | None = None,
) -> bytes:
    """A message as it is sent, still to be signed.

    `message_ts` is RFC 3339 with its zone. The other ids name the request that is answered; where
    they are not given, the message's own stands for them. Raises `GatewayError` for a body that
    was not written here or is addressed already.
    """
    try:
        document = orjson.loads(body)
        head, message = document["header"], document["message"]
        fresh = head["message_id"] == NO_ID and head["message_ts"] == NO_MOMENT
    except (orjson.JSONDecodeError, KeyError, TypeError):
        fresh = False
    if not fresh:
        raise GatewayError("not a message that waits for its address", rule="spdci.addressed")
    head |= {
        "message_id": message_id,
        "message_ts": message_ts,
        "sender_id": sender_id,
        "receiver_id": receiver_id,
    }
    given = {
        "transaction_id": transaction_id,
        "correlation_id": correlation_id,
    }
    for name, value in given.items():
        if name in message:
            message[name] = value or message_id
    for one in message.get("search_response", ()):
        one["reference_id"] = reference_id or message_id
        one["timestamp"] = message_ts
    return orjson.dumps(document)
