"""The routes of custody: what a recipient says of its copies, and recalls.

As everywhere, a transfer or a recall that a party is not part of does not exist for it.
"""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from gateway import paging
from gateway.api_reading import Open, Party
from gateway.errors import SenderError
from gateway.happenings import custody
from gateway.happenings.certificate import LARGEST, UUID, Word
from gateway.happenings.looking import about
from gateway.identity import caller_of, still
from gateway.log import Appended
from gateway.paging import PAGE, After, Limit

router = APIRouter()
MAX_RECALLED = 500
"""Transfers in one request."""


async def body_of(request: Request) -> bytes:
    """A small body. What is too large is refused before it is held."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            raise SenderError("the body is too large", rule="body.too_large", status=413)
        parts.append(part)
    content = b"".join(parts)
    caller = await caller_of(request)
    caller.check_content(content)
    still(request, caller)
    return content


Body = Annotated[bytes, Depends(body_of)]


class Asked(BaseModel):
    """A recall."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    transfers: list[Annotated[str, Field(pattern=UUID)]] = Field(
        min_length=1, max_length=MAX_RECALLED
    )
    reason: str = Field(max_length=40)


def _shown(model: type[BaseModel], *, signed: bool = True) -> dict[str, Any]:
    """What a request body looks like, for OpenAPI."""
    schema = model.model_json_schema()
    if signed:
        jws = {"type": "object", "required": ["signed"], "properties": {"signed": _JWS}}
        schema = {"oneOf": [schema, jws]}
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}, "security": [{"bearer": []}]}


_JWS = {"type": "string", "description": "Compact JWS over the statement, by the party's key."}


def _written(appended: Appended) -> Response:
    """The entry, and the proof that it is in the log."""
    proof = {
        "index": appended.index,
        "size": appended.size,
        "hashes": [one.hex() for one in appended.proof],
        "checkpoint": appended.checkpoint,
    }
    body = {"entry": orjson.loads(appended.leaf), "proof": proof}
    return Response(orjson.dumps(body), 201, media_type="application/json")


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


@router.post(
    "/v1/transfers/{transfer}/acknowledgement",
    summary="The recipient has the content",
    status_code=201,
    openapi_extra=_shown(Word),
)
def acknowledge(transfer: str, party: Party, gateway: Open, body: Body) -> Response:
    """Once, by the recipient. `content` may hold the SHA-256 of what came: it must be what left."""
    return _written(custody.acknowledge(custody.Desk.of(gateway), transfer, party, body))


@router.post(
    "/v1/transfers/{transfer}/deletion",
    summary="The recipient deleted the content",
    status_code=201,
    openapi_extra=_shown(Word),
)
def delete(transfer: str, party: Party, gateway: Open, body: Body) -> Response:
    """All of it (`done`), or what could be (`partial`, with a reason). Answers an open recall.

    Signed where the agreement asks for a deletion certificate.
    """
    return _written(custody.delete(custody.Desk.of(gateway), transfer, party, body))


@router.get("/v1/transfers/{transfer}/custody", summary="What was said of the copies")
def said_of(transfer: str, party: Party, gateway: Open) -> Response:
    """Every entry about the copies of a transfer the caller is part of, oldest first."""
    custody.transfer_of(gateway.log, transfer, party)
    found = [one for one in about(gateway.log, transfer) if one["type"] == "custody"]
    return _json({"items": found})


@router.post(
    "/v1/recalls",
    summary="Ask recipients to delete",
    status_code=201,
    openapi_extra=_shown(Asked, signed=False),
)
def recall(party: Party, gateway: Open, body: Body) -> Response:
    """Every recipient of the named transfers is asked, and answers within 72 hours.

    Only the sender of them all can ask. A repetition asks nobody twice.
    """
    try:
        asked = Asked.model_validate_json(body)
    except ValidationError:
        raise SenderError("a recall that is not fit", rule="recall.form", at="body") from None
    desk = custody.Desk.of(gateway)
    return _json({"items": custody.recall(desk, asked.transfers, asked.reason, party=party)}, 201)


@router.get("/v1/recalls", summary="What the caller is asked to delete")
def recalls(
    request: Request, party: Party, gateway: Open, after: After = "", limit: Limit = PAGE
) -> Response:
    """Recalls the caller has yet to finish, oldest first, at most `limit`. `next` is the `after`
    of the next page, absent on the last."""
    found = custody.asked_of(gateway.log, party, paging.read(after), limit)
    last = found[-1]["recall"] if len(found) == limit else None
    return paging.paged(request, found, last, limit)


@router.post(
    "/v1/recalls/{recall_id}/answer",
    summary="Answer a recall",
    status_code=201,
    openapi_extra=_shown(Word),
)
def answer(recall_id: str, party: Party, gateway: Open, body: Body) -> Response:
    """`acknowledged`, then `done`, `partial` or `refused`, the last two with a reason."""
    return _written(custody.answer(custody.Desk.of(gateway), recall_id, party, body))
