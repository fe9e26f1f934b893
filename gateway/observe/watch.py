"""Around the whole application: each request counted and timed, by the template of its route."""

from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.observe import tracing
from gateway.observe.meters import METHODS, OTHER, answered

NONE = "none"
"""An address that is no route of ours, and a request that was cut off before it was answered."""

CUT_OFF = 499


class Watch:
    """Sees every request begin and end. `under_way` is how many have not ended."""

    under_way = 0

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._templates: dict[Any, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        status = CUT_OFF

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        span = tracing.begin_request("request", scope["headers"]) if tracing.on() else None
        Watch.under_way += 1
        failure: BaseException | None = None
        try:
            await self.app(scope, receive, noting)
        except BaseException as error:
            failure = error
            raise
        finally:
            Watch.under_way -= 1
            route, method = self._template(scope), scope["method"]
            answered(route, method, status, perf_counter() - began)
            if span is not None:
                self._end(span, failure, scope, route, status)

    def _end(
        self, span: Any, failure: BaseException | None, scope: Scope, route: str, status: int
    ) -> None:
        method = scope["method"] if scope["method"] in METHODS else OTHER
        told: dict[str, str | int] = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
        }
        ask = scope.get("corridor.ask")
        if ask is not None:
            told["corridor.request"] = ask.request
        tracing.mark(**told)
        tracing.end(span, failure, f"{method} {route}")

    def _template(self, scope: Scope) -> str:
        endpoint = scope.get("endpoint")
        if endpoint is None:
            return NONE
        known = self._templates.get(endpoint)
        if known is None:
            path = getattr(scope.get("route"), "path", "") or next(
                (
                    one.path
                    for one in scope["app"].routes
                    if getattr(one, "endpoint", None) is endpoint
                ),
                NONE,
            )
            known = self._templates[endpoint] = path
        return known
