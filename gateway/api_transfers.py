"""`POST /v1/transfers` and `/v1/preview`: plain Starlette routes inside the FastAPI app, bytes in
and bytes out, for they carry the load.
"""

import asyncio
import time
from collections.abc import Mapping

import orjson
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway import arrival, journal
from gateway.arrival import Arrival, Repeated
from gateway.bulk import jobs
from gateway.bulk.intake import Body, body_of
from gateway.errors import CorridorError, SenderError
from gateway.exchange import Gateway, Outcome, judge
from gateway.identity import caller_of
from gateway.limits.allowance import spend, spent
from gateway.observe.meters import released as released_after
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
        settings = gateway.deployment.settings
        spend(request, caller.party)
        body = await body_of(request, caller, gateway.deployment.sealed, settings.bulk)
        spent(request, caller.party, body.size)
        preferred = preferences(request)
        brought = Arrival(
            lambda gateway: _terms(request, caller.party, gateway),
            body.content,
            request.headers.get("idempotency-key"),
            at_once=preferred.get("return") == "representation",
            lenient=lenient(preferred),
            evidence=caller.evidence,
            digest=body.digest,
        )
        if "respond-async" in preferred or body.size > settings.bulk.job_bytes:
            asked = asked_of(request, caller.party)
            return await _accepted(request, asked, terms, body, brought)
        try:
            outcome = await arrival.carry(request.app.state, brought)
        finally:
            body.remove()
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
        bytes_in=body.size,
        bytes_out=outcome.released.size if outcome.released else 0,
        ms=round((time.perf_counter() - began) * 1000, 1),
    )
    return _answer(outcome, request.app.state.gateway, applied(preferred))


async def preview(request: Request) -> Response:
    """`POST /v1/preview`: the same question, with nothing logged and nothing released."""
    gateway: Gateway = request.app.state.gateway
    caller = await caller_of(request)
    terms = _terms(request, caller.party)
    settings = gateway.deployment.settings
    spend(request, caller.party)
    body = await body_of(request, caller, gateway.deployment.sealed, settings.bulk)
    spent(request, caller.party, body.size)
    try:
        preferred = preferences(request)
        judged = await judge(terms, body.content, gateway, lenient=lenient(preferred))
    finally:
        body.remove()
    judged.close()
    return Response(
        orjson.dumps({"outcome": judged.outcome, "details": judged.details}),
        headers=applied(preferred),
        media_type=JSON,
    )


def _terms(request: Request, party: str, gateway: Gateway | None = None) -> Terms:
    known: Gateway = gateway or request.app.state.gateway
    query = request.scope["query_string"]
    return known.remembered.of("terms", (party, query), lambda: _asked(request, party, known))


def _asked(request: Request, party: str, gateway: Gateway) -> Terms:
    return terms_of(asked_of(request, party), gateway.deployment, gateway.known)


def asked_of(request: Request, party: str) -> Asked:
    """What the query says. Raises `SenderError` for what nobody asks."""
    asked: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in QUERY or QUERY[name] in asked:
            raise SenderError(
                "a parameter that is not known, or stands twice", rule="query.unknown", at="query"
            )
        asked[QUERY[name]] = value
    asked.setdefault("deliver", "return")
    return Asked(sender=party, **asked)


def preferences(request: Request) -> dict[str, str]:
    """RFC 7240: what the caller would like, in lower case, by name."""
    said = ",".join(request.headers.getlist("prefer")).lower()
    named = (one.partition(";")[0].partition("=") for one in said.split(","))
    return {name.strip(): value.strip().strip('"') for name, _, value in named if name.strip()}


def lenient(preferred: Mapping[str, str]) -> bool:
    """Whether records that are not sound are to be left out and listed."""
    return preferred.get("handling") == "lenient"


def applied(preferred: Mapping[str, str], *more: str) -> dict[str, str]:
    """The header that says which wishes were followed."""
    said = [*more, *(["handling=lenient"] if lenient(preferred) else [])]
    return {"Preference-Applied": ", ".join(said)} if said else {}


async def _accepted(
    request: Request, asked: Asked, terms: Terms, body: Body, brought: Arrival
) -> Response:
    """202: it will be made, and can be asked about."""
    gateway: Gateway = request.app.state.gateway
    job = await asyncio.to_thread(jobs.accept, gateway, asked, terms, body, brought)
    if isinstance(job, Repeated):
        return _again(job)
    jobs.wake(request.app.state)
    journal.say("job.accepted", id=job.transfer, sender=job.sender, bytes_in=body.size)
    wishes = applied(preferences(request), "respond-async")
    headers = {"Location": f"/v1/transfers/{job.transfer}", **wishes}
    return Response(orjson.dumps(job.told()), 202, headers, JSON)


def _again(before: Repeated) -> Response:
    return Response(
        before.receipt,
        200,
        {"Idempotency-Replayed": "true", "Location": f"/v1/transfers/{before.transfer}"},
        JSON,
    )


async def _handed_over(gateway: Gateway, transfer: str, released: Spool, began: float) -> None:
    # Not a plain function: those are given a thread of their own, which costs more than this.
    released.close()
    gateway.log.done(transfer)
    released_after(time.perf_counter() - began)


def _answer(outcome: Outcome, gateway: Gateway, wishes: Mapping[str, str]) -> Response:
    address = f"/v1/transfers/{outcome.transfer}"
    status = STATUS[outcome.outcome]
    released = outcome.released
    if released is None:
        return Response(outcome.receipt, status, {"Location": address, **wishes}, JSON)
    also = wishes.get("Preference-Applied")
    headers = {
        "Location": address,
        "Link": f'<{address}/receipt>; rel="describedby"',
        "Preference-Applied": "return=representation" + (f", {also}" if also else ""),
        "Cache-Control": "no-store",
    }
    done = BackgroundTask(_handed_over, gateway, outcome.transfer, released, time.perf_counter())
    if released.on_disk:
        headers["Content-Length"] = str(released.size)
        return StreamingResponse(released.chunks(), status, headers, outcome.media_type, done)
    return Response(released.read(), status, headers, outcome.media_type, done)
