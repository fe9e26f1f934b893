"""`POST /v1/routes/{route}`: what vendors' systems send by themselves.

Their systems look at the status and nothing else, so it says what they should do: 2xx is done,
503 is to be tried again, and everything else stays as it is until a person looks. Never 410:
RapidPro takes it for the end of a subscription.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import Response

from gateway import journal, problem
from gateway.errors import CorridorError, SenderError, described
from gateway.identity import caller_of
from gateway.identity.hooks import check_hook, check_shown
from gateway.identity.keyring import keyring_of
from gateway.limits.allowance import admit, spend, spend_more
from gateway.routes.envelopes import items
from gateway.routes.gate import Gate
from gateway.routes.taking import Taken, counted, taking_of, worst
from gateway.transfer import Gateway

router = APIRouter()

STATUS = {"released": 201, "held": 202, "repeated": 200, "older": 200}
"""What is done, however it went. All else is a problem."""

PROBLEMS = {
    "failed": "it could not be carried now: try again",
    "faulty": "a record cannot be read",
    "refused": "policy refuses it",
}
PROBLEM_STATUS: Mapping[str, tuple[int, tuple[int, ...]]] = {
    "failed": (503, (500,)),
    "faulty": (422, (403, 404, 413, 415)),
    "refused": (403, ()),
}
"""The usual status, and what an error may say instead. To a vendor's system others mean nothing."""
ACTS = {"failed": "operator", "faulty": "sender", "refused": "sender"}


@router.post("/v1/routes/{route}", summary="A vendor's webhook")
async def hook(route: str, request: Request) -> Response:
    """Records of a vendor's system: terms, mapping and recipients come from the route.

    Each record becomes a transfer for each recipient, and each version of it only once. The
    status is that of what needs most to be looked at; `items` has every record by its position.
    """
    began = time.perf_counter()
    gateway: Gateway = request.app.state.gateway
    try:
        known = await _route(route, request)
        with _gate(request.app.state).entered(route):
            await check_shown(request, known)
            body = await _body(request, gateway.deployment.settings.server.body_limit_bytes)
            await check_hook(request, known, body)
            admit(request, known["sender"])
            spend(request, known["sender"])
            brought = items(known["system"], body, request.headers)
            spend_more(request, known["sender"], len(brought) * len(known["terms"]["to"]) - 1)
            found = await taking_of(request.app.state).take(known, brought)
    except CorridorError as error:
        journal.say("route.not_taken", rule=error.rule, status=error.http_status)
        raise
    ms = round((time.perf_counter() - began) * 1000, 1)
    journal.say("route", route=route, bytes_in=len(body), ms=ms, **counted(found))
    return _answer(route, found)


async def _route(name: str, request: Request) -> Mapping[str, Any]:
    """The route, if it takes hooks now. A suspended one is as if there were none.

    The keyring follows the files at once; the rest of a route is read when the gateway rereads.
    """
    gateway: Gateway = request.app.state.gateway
    known = gateway.deployment.routes.get(name)
    active = keyring_of(request.app.state).routes
    if known is None or name not in active or "auth" not in known:
        await caller_of(request)  # strangers are not told which routes there are
        raise SenderError("no such route", rule="route.unknown", status=404)
    return known


def _gate(state: State) -> Gate:
    made: Gate | None = getattr(state, "route_gate", None)
    if made is None:
        made = state.route_gate = Gate()
    return made


async def _body(request: Request, limit: int) -> bytes:
    """The whole body, as no vendor sends it compressed or in parts."""
    too_large = SenderError("the body is too large", rule="body.too_large", status=413)
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    if request.headers.get("content-encoding", "identity") != "identity":
        raise SenderError("send it without content encoding", rule="body.encoding", status=415)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise too_large
    return bytes(body)


def _answer(route: str, found: Sequence[Taken]) -> Response:
    first = worst(found)
    told: dict[str, Any] = {
        "route": route,
        "outcome": first.outcome,
        "counts": counted(found),
        "items": [one.said() for one in found],
    }
    if first.outcome in STATUS:
        return Response(orjson.dumps(told), STATUS[first.outcome], media_type="application/json")
    usual, others = PROBLEM_STATUS[first.outcome]
    status = first.status if first.status in others else usual
    rule = first.rule or "route.refused"
    title, act = PROBLEMS[first.outcome], ACTS[first.outcome]
    body = described(status, rule, title, act=act) | told
    headers = {"Retry-After": "5"} if status == 503 else None
    return Response(orjson.dumps(body), status, headers, problem.MEDIA_TYPE)
