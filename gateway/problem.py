"""Errors over HTTP: RFC 9457 problem details, sorted by who has to act."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import journal
from gateway.errors import CorridorError, described
from gateway.observe.meters import told_problem

MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer, DPoP algs="Ed25519 EdDSA ES256"'
"""What every 401 says of the ways to be somebody."""


def problem(
    status: int,
    rule: str,
    title: str,
    *,
    act: str,
    at: str = "",
    headers: Any = None,
    faults: Sequence[Mapping[str, Any]] = (),
) -> Response:
    """A problem document. `rule` is stable; `act` says whose turn it is; no value is quoted."""
    told_problem(rule, act)
    body = described(status, rule, title, act=act, at=at, faults=faults)
    return Response(orjson.dumps(body), status, headers, MEDIA_TYPE)


def of_error(error: CorridorError) -> Response:
    """The problem an error of ours becomes."""
    wait = error.retry_after or (5 if error.http_status == 503 else 0)
    headers = {"Retry-After": str(wait)} if wait else None
    if error.http_status == 401:
        headers = {"WWW-Authenticate": CHALLENGE}
    return problem(
        error.http_status,
        error.rule,
        error.problem,
        act=error.act,
        at=error.at,
        headers=headers,
        faults=error.faults,
    )


async def on_corridor_error(request: Request, error: Exception) -> Response:
    """FastAPI's handler for `CorridorError`."""
    if not isinstance(error, CorridorError):
        raise TypeError
    return of_error(error)


async def on_validation_error(request: Request, error: Exception) -> Response:
    """Instead of FastAPI's own answer, which quotes the input."""
    return problem(422, "query.unfit", "a parameter is missing or not fit", act="sender")


async def on_not_found(request: Request, error: Exception) -> Response:
    """An address nobody answers at, and a method it does not take."""
    status = getattr(error, "status_code", 404)
    if status == 405:
        allow = {"Allow": ", ".join(sorted(methods_at(request)))}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allow)
        title = "this address does not take that method"
        return problem(405, "method.not_allowed", title, act="sender", headers=allow)
    headers = getattr(error, "headers", None)
    return problem(status, "not_found", "nothing here", act="sender", headers=headers)


def methods_at(request: Request) -> set[str]:
    """What can be asked at an address: of all routes there, not of the first one only."""
    found = {"OPTIONS"}
    for template, operations in request.app.openapi()["paths"].items():
        parts = (
            part if n % 2 == 0 else ".+" if part == "path" else "[^/]+"
            for n, part in enumerate(re.split(r"[{}]", template))
        )
        if re.fullmatch("".join(parts), request.url.path):
            found |= {method.upper() for method in operations if method in METHODS}
    if found == {"OPTIONS"}:
        found.add("GET")  # of the pages about the API itself
    # A look at content is no way to take it, which can be done once.
    if "GET" in found and not request.url.path.endswith("/content"):
        found.add("HEAD")
    return found


METHODS = ("get", "post", "put", "patch", "delete")


class Guard:
    """Around the whole app: what nobody foresaw becomes a 500 that says nothing of its cause.

    The cause goes to the operator's log, by type and place. Starlette's own last resort hands
    the exception on to the server, which prints it with its text, and that may quote a value.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except ClientDisconnect:
            # Whoever asked is gone, or was too slow, in the middle of the body.
            journal.say("request.cut_off")
        except Exception as error:
            journal.failed(error)
            if not started:
                title = "the gateway failed; nothing left"
                answer = problem(500, "gateway.failed", title, act="operator")
                await answer(scope, receive, send)
