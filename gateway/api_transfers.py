"""`POST /v1/transfers` and `/v1/preview`: plain Starlette routes inside the FastAPI app, bytes in
and bytes out, for they carry the load.
"""

import hashlib
import time

import orjson
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway import arrival, journal
from gateway.arrival import Arrival, Repeated
from gateway.errors import CorridorError, SenderError
from gateway.exchange import Gateway, Outcome, judge
from gateway.identity import caller_of
from gateway.spool import Spool
from gateway.terms import Asked, Terms, terms_of

QUERY = {
    "to": "recipient",
    "agreement": "agreement",
    "purpose": "purpose",
    "basis": "legal_basis",
    "format": "source",
    "into": "target",
    "deliver": "deliver",
    "mapping": "mapping",
}
"""Query parameter to the part of the terms it says."""

STATUS = {"released": 201, "held": 202, "refused": 403}
JSON = "application/json"


async def transfers(request: Request) -> Response:
    """`POST /v1/transfers`: one transfer, as far as policy lets it go."""
    began = time.perf_counter()
    try:
        caller = await caller_of(request)
        terms = _terms(request, caller.party)
        gateway: Gateway = request.app.state.gateway
        content = await _body(request, gateway.deployment.settings.server.body_limit_bytes)
        caller.check(hashlib.sha256(content).digest())
        brought = Arrival(
            lambda gateway: _terms(request, caller.party, gateway),
            content,
            request.headers.get("idempotency-key"),
            at_once="return=representation" in request.headers.get("prefer", ""),
        )
        outcome = await arrival.carry(request.app.state, brought)
    except CorridorError as error:
        journal.say("transfer.not_made", rule=error.rule, status=error.http_status)
        raise
    if isinstance(outcome, Repeated):
        return _again(outcome)
    journal.say(
        "transfer",
        id=outcome.transfer,
        outcome=outcome.outcome,
        sender=terms.sender,
        recipient=terms.recipient,
        purpose=terms.purpose,
        bytes_in=len(content),
        bytes_out=outcome.released.size if outcome.released else 0,
        ms=round((time.perf_counter() - began) * 1000, 1),
    )
    return _answer(outcome, request.app.state.gateway)


async def preview(request: Request) -> Response:
    """`POST /v1/preview`: the same question, with nothing logged and nothing released."""
    gateway: Gateway = request.app.state.gateway
    caller = await caller_of(request)
    terms = _terms(request, caller.party)
    content = await _body(request, gateway.deployment.settings.server.body_limit_bytes)
    caller.check(hashlib.sha256(content).digest())
    judged = await judge(terms, content, gateway)
    judged.close()
    return Response(
        orjson.dumps({"outcome": judged.outcome, "details": judged.details}), media_type=JSON
    )


def _terms(request: Request, party: str, gateway: Gateway | None = None) -> Terms:
    known: Gateway = gateway or request.app.state.gateway
    query = request.scope["query_string"]
    return known.remembered.of("terms", (party, query), lambda: _asked(request, party, known))


def _asked(request: Request, party: str, gateway: Gateway) -> Terms:
    asked: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in QUERY or QUERY[name] in asked:
            raise SenderError(
                "a parameter that is not known, or stands twice", rule="query.unknown", at="query"
            )
        asked[QUERY[name]] = value
    asked.setdefault("deliver", "return")
    return terms_of(Asked(sender=party, **asked), gateway.deployment, gateway.known)


async def _body(request: Request, limit: int) -> bytes:
    """The whole body. A declared length above the limit is refused before a byte is read."""
    declared = request.headers.get("content-length", "")
    too_large = SenderError("the body is too large", rule="body.too_large", status=413)
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    if request.headers.get("content-encoding", "identity") != "identity":
        raise SenderError("send it without content encoding", rule="body.encoding", status=415)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise too_large
        parts.append(part)
    return b"".join(parts)


def _again(before: Repeated) -> Response:
    return Response(
        before.receipt,
        200,
        {"Idempotency-Replayed": "true", "Location": f"/v1/transfers/{before.transfer}"},
        JSON,
    )


async def _handed_over(gateway: Gateway, transfer: str, released: Spool) -> None:
    # Not a plain function: those are given a thread of their own, which costs more than this.
    released.close()
    gateway.log.done(transfer)


def _answer(outcome: Outcome, gateway: Gateway) -> Response:
    address = f"/v1/transfers/{outcome.transfer}"
    status = STATUS[outcome.outcome]
    released = outcome.released
    if released is None:
        return Response(outcome.receipt, status, {"Location": address}, JSON)
    headers = {
        "Location": address,
        "Link": f'<{address}/receipt>; rel="describedby"',
        "Preference-Applied": "return=representation",
        "Cache-Control": "no-store",
    }
    done = BackgroundTask(_handed_over, gateway, outcome.transfer, released)
    if released.on_disk:
        headers["Content-Length"] = str(released.size)
        return StreamingResponse(released.chunks(), status, headers, outcome.media_type, done)
    return Response(released.read(), status, headers, outcome.media_type, done)
