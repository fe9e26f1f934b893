"""The HTTP API. Nothing is decided here.

`POST /v1/transfers` and `/v1/preview` are plain Starlette routes inside the FastAPI app, bytes
in and bytes out: they carry the load. Everything else is a FastAPI route.
"""

import asyncio
import gc
import hashlib
import hmac
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway import following, journal, problem, session
from gateway.adapter import installed
from gateway.api_bundles import router as bundles
from gateway.api_custody import router as custody
from gateway.api_log import router as log_tiles
from gateway.api_reading import party_of, router
from gateway.api_reports import router as reports
from gateway.entry import new_id
from gateway.errors import CorridorError, SenderError
from gateway.exchange import Gateway, Outcome, Transfer, exchange, judge
from gateway.happenings.custody import Desk
from gateway.happenings.passed import passed
from gateway.log import Duplicate, Superseded
from gateway.openapi import describe
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

SWEEP_SECONDS = 300
STATUS = {"released": 201, "held": 202, "refused": 403}
JSON = "application/json"


def create_app(directory: Path) -> FastAPI:
    """The application for one deployment. Opens its log when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # The log's thread gives up the interpreter at every flush and must get it back to
        # answer. With the default of 5 ms a busy event loop makes it wait for most of them.
        sys.setswitchinterval(0.001)
        installed()  # Imported now: the first transfer need not wait for every format.
        async with session.opened(directory) as gateway:
            app.state.gateway = gateway
            tasks = [
                asyncio.create_task(_sweep(gateway)),
                asyncio.create_task(following.follow_log(app.state)),
            ]
            # What is here now stays: the collector need not look at it again, nor look so often.
            gc.freeze()
            gc.set_threshold(20_000, 20, 50)
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
                await following.close(app.state)

    app = FastAPI(title="Corridor", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_exception_handler(CorridorError, problem.on_corridor_error)
    app.add_exception_handler(RequestValidationError, problem.on_validation_error)
    app.add_exception_handler(HTTPException, problem.on_not_found)
    app.add_middleware(problem.Guard)
    app.add_route("/v1/transfers", transfers, methods=["POST"])
    app.add_route("/v1/preview", preview, methods=["POST"])
    app.include_router(router)
    app.include_router(bundles)
    app.include_router(log_tiles)
    app.include_router(custody)
    app.include_router(reports)
    describe(app)
    return app


async def _sweep(gateway: Gateway) -> None:
    """Destroy what nobody fetched in time, now and every few minutes."""
    while not gateway.log.stopped:
        try:
            await asyncio.to_thread(passed, Desk.of(gateway))
            await asyncio.to_thread(gateway.log.destroy_expired)
        except CorridorError as error:
            # Another process may hold the log just now; the next round tries again.
            journal.say("sweep.failed", rule=error.rule)
        await asyncio.sleep(SWEEP_SECONDS)


async def transfers(request: Request) -> Response:
    """`POST /v1/transfers`: one transfer, as far as policy lets it go."""
    began = time.perf_counter()
    gateway: Gateway = request.app.state.gateway
    try:
        party = party_of(request)
        terms = _terms(request, party)
        content = await _body(request, gateway.deployment.settings.server.body_limit_bytes)
        transfer = _transfer(request, terms, content, gateway)
        if transfer.once and (before := _repeat(transfer, gateway)):
            return before
        try:
            outcome = await exchange(transfer, gateway)
        except Superseded:
            # An agreement or the policies changed while this was under way: once more, then.
            gateway = await following.follow(request.app.state)
            terms = _terms(request, party)
            outcome = await exchange(replace(transfer, terms=terms), gateway)
        except Duplicate:
            return _repeat(transfer, gateway) or _conflict()
    except CorridorError as error:
        journal.say("transfer.not_made", rule=error.rule, status=error.http_status)
        raise
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
    return _answer(request, outcome, gateway)


async def preview(request: Request) -> Response:
    """`POST /v1/preview`: the same question, with nothing logged and nothing released."""
    gateway: Gateway = request.app.state.gateway
    terms = _terms(request, party_of(request))
    limit = gateway.deployment.settings.server.body_limit_bytes
    judged = await judge(terms, await _body(request, limit), gateway)
    judged.close()
    return Response(
        orjson.dumps({"outcome": judged.outcome, "details": judged.details}), media_type=JSON
    )


def _terms(request: Request, party: str) -> Terms:
    gateway: Gateway = request.app.state.gateway
    query = request.scope["query_string"]
    return gateway.remembered.of("terms", (party, query), lambda: _asked(request, party, gateway))


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


def _transfer(request: Request, terms: Terms, content: bytes, gateway: Gateway) -> Transfer:
    at_once = "return=representation" in request.headers.get("prefer", "")
    key = request.headers.get("idempotency-key")
    if key is None:
        return Transfer(new_id(), terms, content, at_once=at_once)
    if not 1 <= len(key) <= 255:
        raise SenderError("1 to 255 characters", rule="idempotency.key", at="Idempotency-Key")
    # Both digests are keyed: a bare digest of the content could be guessed from.
    secret = gateway.keys.content
    once = hmac.digest(secret, f"once\n{terms.sender}\n{key}".encode(), "sha256").hex()
    said = f"mark\n{terms!r}\n".encode() + hashlib.sha256(content).digest()
    mark = hmac.digest(secret, said, "sha256")
    return Transfer(new_id(), terms, content, once, mark, at_once)


def _repeat(transfer: Transfer, gateway: Gateway) -> Response | None:
    """The answer given before to the same key; 409 where it came with something else."""
    held = gateway.log.kept("idempotency", transfer.once or "")
    if held is None:
        return None
    before = orjson.loads(held.value)
    if not hmac.compare_digest(before["mark"], transfer.mark.hex()):
        return _conflict()
    receipt = gateway.log.kept("receipt", before["transfer"])
    if receipt is None:
        return None
    return Response(
        receipt.value,
        200,
        {"Idempotency-Replayed": "true", "Location": f"/v1/transfers/{before['transfer']}"},
        JSON,
    )


def _conflict() -> Response:
    return problem.problem(
        409,
        "idempotency.conflict",
        "this key was used for another transfer",
        act="sender",
        at="Idempotency-Key",
    )


async def _handed_over(gateway: Gateway, transfer: str, released: Spool) -> None:
    # Not a plain function: those are given a thread of their own, which costs more than this.
    released.close()
    gateway.log.done(transfer)


def _answer(request: Request, outcome: Outcome, gateway: Gateway) -> Response:
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
