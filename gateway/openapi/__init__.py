"""What the API says of itself: `/openapi.json`, and `/docs` for people."""

from typing import Any

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.conditional import cached
from gateway.openapi.contract import composed
from gateway.openapi.page import page

__all__ = ["describe"]


def describe(app: FastAPI) -> None:
    """Let the app describe itself by our document, and show it."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = composed(made())
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to extend it

    @app.get("/openapi.json", include_in_schema=False)
    def document(request: Request) -> Response:
        """The operations, for programs."""
        return cached(request, orjson.dumps(openapi()), "application/json")

    @app.get("/docs", include_in_schema=False)
    def docs(request: Request) -> Response:
        """The operations, readable without an internet."""
        return cached(
            request, page(openapi()).encode(), HTMLResponse.media_type + "; charset=utf-8"
        )
