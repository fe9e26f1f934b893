"""Lists in pages: `next` is opaque, and `Link` leads there (RFC 8288)."""

import base64
import binascii
import uuid
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import SenderError

PAGE = 100
After = Annotated[str, Query(max_length=36)]
Limit = Annotated[int, Query(ge=1, le=PAGE)]
_FORM = "c1."


def written(last: str) -> str:
    """The cursor that goes on after this id."""
    return _FORM + base64.urlsafe_b64encode(uuid.UUID(last).bytes).decode().rstrip("=")


def read(after: str) -> str:
    """The id a cursor goes on after; empty for the first page. Raises `SenderError`."""
    if not after:
        return ""
    try:
        raw = base64.urlsafe_b64decode(after.removeprefix(_FORM) + "==")
        last = str(uuid.UUID(bytes=raw))
    except (ValueError, binascii.Error):
        last = ""
    if not last or written(last) != after:
        raise SenderError("not a cursor of ours", rule="cursor.unfit", at="after")
    return last


def paged(request: Request, items: Sequence[Any], last: str | None, limit: int) -> Response:
    """A page. `last` is the id of its last item where more may follow."""
    if last is None:
        return Response(orjson.dumps({"items": items}), media_type="application/json")
    cursor = written(last)
    said = {"after": cursor} if limit == PAGE else {"after": cursor, "limit": str(limit)}
    link = f'<{request.url.path}?{urlencode(said)}>; rel="next"'
    body = orjson.dumps({"items": items, "next": cursor})
    return Response(body, headers={"Link": link}, media_type="application/json")
