"""What watches the gateway asks: `/healthz`, `/readyz`, `/metrics`, and metrics at an address of
their own.
"""

import asyncio
import hmac
from typing import Any

from fastapi import APIRouter
from prometheus_client import start_http_server
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway import journal
from gateway.deployment import read_secrets
from gateway.errors import SenderError
from gateway.exchange import Gateway
from gateway.limits.allowance import allowances_of
from gateway.observe.present import registry_of
from gateway.observe.readiness import unready

router = APIRouter()


@router.get("/healthz", summary="The process is alive")
async def health() -> Response:
    """Nothing is checked: a process that answers is alive."""
    return JSONResponse({"alive": True})


@router.get("/readyz", summary="The gateway can do its work")
async def ready(request: Request) -> Response:
    """The log takes entries and is read, there is room, and the policies that stand answer."""
    state, allowances = request.app.state, allowances_of(request)
    draining = allowances is not None and allowances.draining
    # Nobody needs a key to ask, and however many do, one of them at a time has the log looked at.
    looking: asyncio.Task[dict[str, Any]] | None = getattr(state, "looking", None)
    if looking is None or looking.done():
        looking = state.looking = asyncio.create_task(_looked(state.gateway, draining=draining))
    return JSONResponse(await asyncio.shield(looking))


async def _looked(gateway: Gateway, *, draining: bool) -> dict[str, Any]:
    error = await unready(gateway, draining=draining)
    if error is not None:
        raise error
    size = await asyncio.to_thread(gateway.log.size)
    return {"ready": True, "log_size": size, "bundle": gateway.engine.revision}


@router.get("/metrics", summary="Counters and times, for Prometheus")
async def metrics(request: Request) -> Response:
    """In Prometheus' text format, for whoever has the key that `observe.metrics_secret` names.

    Without that setting there is nothing here.
    """
    gateway: Gateway = request.app.state.gateway
    name = gateway.deployment.settings.observe.metrics_secret
    if not name:
        raise HTTPException(404)
    wanted = read_secrets(gateway.deployment.directory).get(name, "")
    given = request.headers.get("authorization", "")
    if not wanted or not hmac.compare_digest(given.encode(), f"Bearer {wanted}".encode()):
        raise SenderError("a key is needed", rule="key.invalid", status=401)
    page = await asyncio.to_thread(generate_latest, registry_of(request.app.state))
    return Response(page, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


async def expose(state: State) -> None:
    """Metrics at an address of their own, where the settings name a port for them."""
    observe = state.gateway.deployment.settings.observe
    if not observe.metrics_port:
        return
    registry = registry_of(state)
    try:
        server, thread = start_http_server(observe.metrics_port, observe.metrics_host, registry)
    except OSError as error:
        # Whoever scrapes finds out at once; partners should not pay for it.
        journal.say("metrics.not_served", error=type(error).__name__)
        return
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        await asyncio.to_thread(thread.join)
