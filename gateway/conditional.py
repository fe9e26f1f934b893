"""Answers that change seldom: a tag, so that asking again costs nobody a body."""

import hashlib

from starlette.requests import Request
from starlette.responses import Response

PUBLIC = "public, max-age=60"
PRIVATE = "private, no-cache"


def cached(request: Request, body: bytes, media_type: str, *, private: bool = False) -> Response:
    """The answer with its `ETag`, or 304 where the asker has it already (RFC 9110, 13.1.2)."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": PRIVATE if private else PUBLIC}
    if private:
        headers["Vary"] = "Authorization"
    if matches(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def matches(said: list[str], tag: str) -> bool:
    """Whether one of the tags that were sent is this one, compared weakly, or a star."""
    tags = [one.strip().removeprefix("W/") for line in said for one in line.split(",")]
    return tag in tags or tags == ["*"]
