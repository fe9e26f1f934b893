"""Around the application: what every request meets before any code that knows what it asks.

Nothing here reads a body, and nothing waits.
"""

import os
import re
from collections.abc import Iterable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from gateway import journal
from gateway.limits.address import bucket_of
from gateway.limits.allowance import METHOD, Allowances, Ask, seconds
from gateway.problem import problem

SMALL_BODY = 1_048_576
"""Of routes that take statements. Payloads have limits of their own, which their routes know."""

HOOKS = "/v1/routes/"
PAYLOADS = ("/v1/transfers", "/v1/preview", HOOKS)
WATCHERS = ("/healthz", "/readyz", "/metrics")
"""Answered however full the gateway is: whoever restarts it must not restart it for that."""

SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
)
NO_STORE = (b"cache-control", b"no-store")
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")

_TRICKS = re.compile(rb"//|%2f|%5c|%00|%25|\\|(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
"""Ways to write one address so that two readers of it disagree."""


class Edge:
    """The outermost part of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        allowances: Allowances = scope["app"].state.allowances
        ask = Ask(bucket_of(scope["client"][0]) if scope["client"] else "", os.urandom(8).hex())
        ask.hook = scope["path"].startswith(HOOKS)
        scope["corridor.ask"] = ask
        bind_contextvars(request=ask.request)
        send = _Finished(send, ask, allowances, scope).send
        if refused := _refused(scope, ask, allowances):
            journal.say("request.refused", status=refused.status_code)
            await refused(scope, receive, send)
            return
        # A question about a resource is answered as the resource would be, without its body:
        # the server itself leaves that out, for it knows the method as it came.
        inner = scope
        if scope["method"] == "HEAD" and not scope["path"].endswith("/content"):
            inner = {**scope, "method": "GET", METHOD: "HEAD"}
        allowances.enter(ask)
        try:
            await self.app(inner, receive, send)
        finally:
            allowances.leave(ask)


def _refused(scope: Scope, ask: Ask, allowances: Allowances) -> Response | None:
    """The answer to a request that is not let in."""
    raw = scope.get("raw_path") or scope["path"].encode()
    if _TRICKS.search(raw) or "\ufffd" in scope["path"]:
        return problem(400, "path.unfit", "an address nobody writes", act="sender")
    if scope["path"] in WATCHERS:
        return None
    if allowances.full():
        return problem(
            503,
            "limit.busy",
            "too many requests at once",
            act="sender",
            headers={"Retry-After": "1"},
        )
    if wait := allowances.wait_of_address(ask):
        return problem(
            429,
            "limit.address",
            "too many requests from this address",
            act="sender",
            headers={"Retry-After": seconds(wait)},
        )
    return _too_large(scope)


def _too_large(scope: Scope) -> Response | None:
    if scope["path"].startswith(PAYLOADS) and scope["method"] == "POST":
        return None
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    if declared.isdigit() and int(declared) > SMALL_BODY:
        return problem(413, "body.too_large", "the body is too large", act="sender")
    return None


class _Finished:
    """Adds to each answer what all of them have, and sees how it went."""

    __slots__ = ("allowances", "ask", "scope", "to")

    def __init__(self, to: Send, ask: Ask, allowances: Allowances, scope: Scope) -> None:
        self.to, self.ask, self.allowances, self.scope = to, ask, allowances, scope

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] == 401:
                self.allowances.wrong(self.ask)
            message = {**message, "headers": self._whole(message.get("headers", ()))}
        await self.to(message)

    def _whole(self, held: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        whole = [*held, (b"x-request-id", self.ask.request.encode()), *SAFE]
        for name, _ in held:
            if name == b"cache-control":
                break
        else:
            whole.append(NO_STORE)
        if self.scope["scheme"] == "https":
            whole.append(STRICT_TRANSPORT)
        if self.ask.party:
            whole += self.allowances.told(self.ask)
        if self.allowances.draining:
            whole.append((b"connection", b"close"))
        return whole
