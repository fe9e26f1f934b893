"""Cases as the bodies of API v2: a list, one object for each case."""

from collections.abc import Iterator
from typing import Any

import orjson

from adapters.commcare.cases import Fields
from adapters.commcare.written import Written, indices, parents_first, text
from gateway.errors import SenderError

TOP = ("external_id", "case_type", "case_name", "owner_id")
SET_BY_HQ = frozenset(
    {"date_closed", "date_modified", "server_date_modified", "user_id", "domain"}
    | {"indexed_on", "properties/date_opened", "opened_by", "closed_by", "server_date_opened"}
)
"""What the API sets itself and takes from nobody."""

CHUNK = 64 << 10


def write(written: Written) -> Iterator[bytes]:
    """The list, in chunks. Parents stand before their children."""
    buffer = bytearray(b"[")
    first = True
    for number, fields in enumerate(written.objects(), 1):
        for case, at in parents_first(fields, written, f"case {number}"):
            buffer += b"\n" if first else b",\n"
            first = False
            buffer += orjson.dumps(_body(case, written, at))
        if len(buffer) >= CHUNK:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer + b"\n]\n")


def _body(fields: Fields, written: Written, at: str) -> dict[str, Any]:
    body: dict[str, Any] = {}
    properties: dict[str, str] = {}
    if fields.get("case_id"):
        body = {"create": False, "case_id": text(fields["case_id"], at)}
    elif not fields.get("properties/external_id"):
        # HQ would make a new case with each transfer.
        raise SenderError("a case without an id", rule="commcare.no_case_id", at=at)
    for key, value in fields.items():
        own = written.property_of(key)
        if key in SET_BY_HQ:
            written.lose(key)
        elif own:
            (body if own in TOP else properties)[own] = text(value, at)
        elif key == "closed":
            body["close"] = value is True or value == "true"
        elif key != "case_id" and not key.startswith("indices/"):
            written.lose(key)
    if properties:
        body["properties"] = properties
    if found := indices(fields, written):
        body["indices"] = found
    written.once(f"{body.get('case_id')}/{body.get('external_id')}", at)
    return body
