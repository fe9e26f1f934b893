"""The HTTP API: its parts put together, and what runs beside the requests."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import State
from starlette.exceptions import HTTPException

from gateway import following, journal, problem, session
from gateway.adapter import installed
from gateway.api_bundles import router as bundles
from gateway.api_custody import router as custody
from gateway.api_delivery import router as delivery
from gateway.api_identity import router as identity
from gateway.api_log import router as log_tiles
from gateway.api_observe import expose
from gateway.api_observe import router as watched
from gateway.api_reading import router
from gateway.api_reports import router as reports
from gateway.api_routes import router as hooks
from gateway.api_transfers import preview, transfers
from gateway.bulk.jobs import work_jobs
from gateway.delivery.afar import tell_others
from gateway.delivery.pump import pump
from gateway.errors import CorridorError
from gateway.exchange import Gateway
from gateway.happenings.custody import Desk
from gateway.happenings.passed import passed
from gateway.identity.address import Forwarded
from gateway.limits import Allowances, Edge
from gateway.limits.quota import settle_quotas
from gateway.observe import tracing
from gateway.observe.watch import Watch
from gateway.openapi import describe
from gateway.routes.pulling import pull_routes

SWEEP_SECONDS = 300


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
            tracing.start(gateway.deployment.settings)
            app.state.allowances = Allowances(gateway.deployment.settings.limits)
            tasks = [asyncio.create_task(work(app.state)) for work in BESIDE]
            for task in tasks:
                task.add_done_callback(_ended)
            # What is here now stays: the collector need not look at it again, nor look so often.
            gc.freeze()
            gc.set_threshold(20_000, 20, 50)
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                # Each gives back what it holds. Who cannot in time has leases that end.
                bound = gateway.deployment.settings.server.shutdown_seconds
                await asyncio.wait(tasks, timeout=bound)
                await following.close(app.state)
                await asyncio.to_thread(tracing.stop)

    app = FastAPI(
        title="Corridor",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # It would send callers on to whatever host their request names.
        redirect_slashes=False,
    )
    app.add_exception_handler(CorridorError, problem.on_corridor_error)
    app.add_exception_handler(RequestValidationError, problem.on_validation_error)
    app.add_exception_handler(HTTPException, problem.on_not_found)
    app.add_middleware(problem.Guard)
    app.add_middleware(Edge)
    app.add_middleware(Watch)
    app.add_middleware(Forwarded)
    app.add_route("/v1/transfers", transfers, methods=["POST"])
    app.add_route("/v1/preview", preview, methods=["POST"])
    app.include_router(router)
    app.include_router(watched)
    app.include_router(bundles)
    app.include_router(log_tiles)
    app.include_router(custody)
    app.include_router(delivery)
    app.include_router(reports)
    app.include_router(hooks)
    app.include_router(identity)
    describe(app)
    return app


def _ended(task: asyncio.Task[None]) -> None:
    """Say that something beside the requests failed, which nobody else would see."""
    if not task.cancelled() and (error := task.exception()) is not None:
        journal.failed(error)


async def sweep(state: State) -> None:
    """Destroy what nobody fetched in time, now and every few minutes."""
    gateway: Gateway = state.gateway
    while not gateway.log.stopped:
        try:
            desk = Desk.of(gateway)
            began = desk.clock()
            await asyncio.to_thread(passed, desk)
            # What expires meanwhile is for the next round: nobody said yet that it never left.
            await asyncio.to_thread(gateway.log.destroy_expired, began)
        except CorridorError as error:
            # Another process may hold the log just now; the next round tries again.
            journal.say("sweep.failed", rule=error.rule)
        await asyncio.sleep(SWEEP_SECONDS)


BESIDE: tuple[Callable[[State], Coroutine[None, None, None]], ...] = (
    sweep,
    following.follow_log,
    pull_routes,
    expose,
    following.follow_files,
    settle_quotas,
    pump,
    tell_others,
    work_jobs,
)
"""What runs beside the requests until the gateway stops."""
