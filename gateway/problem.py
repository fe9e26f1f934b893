"""Errors over HTTP: RFC 9457 problem details, sorted by who has to act."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import journal
from gateway.errors import CorridorError, GatewayError, OfficerError, RecipientError, SenderError

MEDIA_TYPE = "application/problem+json"
TYPE = "https://corridor.invalid/problems/"
"""Problem types are names; each stands in docs/partners.md."""

ACTORS: dict[type[CorridorError], str] = {
    SenderError: "sender",
    OfficerError: "officer",
    GatewayError: "operator",
    RecipientError: "recipient",
}


def problem(
    status: int, rule: str, title: str, *, act: str, at: str = "", headers: Any = None
) -> Response:
    """A problem document. `rule` is stable; `act` says whose turn it is; no value is quoted."""
    body = {"type": TYPE + rule, "title": title, "status": status, "rule": rule, "act": act}
    if at:
        body["at"] = at
    return Response(orjson.dumps(body), status, headers, MEDIA_TYPE)


def of_error(error: CorridorError) -> Response:
    """The problem an error of ours becomes."""
    act = next((who for kind, who in ACTORS.items() if isinstance(error, kind)), "operator")
    headers = {"Retry-After": "5"} if error.http_status == 503 else None
    return problem(
        error.http_status, error.rule, error.problem, act=act, at=error.at, headers=headers
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
    rule = "method.not_allowed" if status == 405 else "not_found"
    title = "this address does not take that method" if status == 405 else "nothing here"
    headers = getattr(error, "headers", None)
    return problem(status, rule, title, act="sender", headers=headers)


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
        except Exception as error:
            journal.failed(error)
            if not started:
                title = "the gateway failed; nothing left"
                answer = problem(500, "gateway.failed", title, act="operator")
                await answer(scope, receive, send)
