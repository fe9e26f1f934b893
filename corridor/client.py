"""A gateway's API, for a partner's program: `Client`, and `AsyncClient` for asyncio and trio.

    with Client("https://gateway.example.org", "the bearer key") as gateway:
        made = gateway.transfer(Terms("agr:...", "hum...", "kobo"), Path("households.json"))

Both have the same calls (`corridor.calls`). A call that failed on its way, or that the gateway
could not take just now, is repeated with growing pauses where a repetition does no harm; every
transfer has an idempotency key, so that is always so for it.
"""

import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx

from corridor import calls
from corridor.answers import (
    CHUNK,
    Answer,
    Content,
    Made,
    Preview,
    Receipt,
    State,
    Terms,
)
from corridor.arriving import Arriving, network
from corridor.calls import Call, Flow, Pause
from corridor.failures import ClientError, ProblemError, UnreachableError
from corridor.identity import Bearer, Dpop, Signed
from corridor.patience import Patience

__all__ = [
    "AsyncClient",
    "Bearer",
    "Client",
    "ClientError",
    "Content",
    "Dpop",
    "Made",
    "Patience",
    "Preview",
    "ProblemError",
    "Receipt",
    "Signed",
    "State",
    "Terms",
    "UnreachableError",
]
P = ParamSpec("P")
R = TypeVar("R")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class _Base:
    """What both clients are given, and check."""

    def __init__(
        self,
        address: str,
        identity: str | httpx.Auth | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        timeout: float = 60.0,
        patience: Patience | None = None,
    ) -> None:
        """`identity`: a bearer key, `Signed(...)` or `Dpop(...)`; None where `tls` has a client
        certificate, or for what anybody may read. `timeout`: seconds without a byte."""
        parts = urlsplit(address)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError("an address with https is needed: keys and content are secret")
        self._patience = patience or Patience()
        self._given: dict[str, Any] = {
            "base_url": f"{parts.scheme}://{parts.netloc}{parts.path}",
            "auth": Bearer(identity) if isinstance(identity, str) else identity,
            "verify": tls or True,
            "timeout": timeout,
            "headers": {"User-Agent": "corridor-client"},
        }


def _sync(flow: Callable[P, Flow[R]]) -> "Callable[Concatenate[Client, P], R]":
    @wraps(flow)
    def run(self: "Client", /, *given: P.args, **named: P.kwargs) -> R:
        return self.run(flow(*given, **named))

    return run


def _awaited(
    flow: Callable[P, Flow[R]],
) -> "Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, R]]":
    @wraps(flow)
    async def run(self: "AsyncClient", /, *given: P.args, **named: P.kwargs) -> R:
        return await self.run(flow(*given, **named))

    return run


class Client(_Base):
    """For programs with threads, or with one. May be shared by threads."""

    def __enter__(self) -> "Client":
        self._http = httpx.Client(**self._given)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    preview = _sync(calls.preview)
    transfer = _sync(calls.transfer)
    state = _sync(calls.state)
    wait = _sync(calls.wait)
    cancel = _sync(calls.cancel)
    evidence = _sync(calls.evidence)
    receipt = _sync(calls.receipt)
    content = _sync(calls.content)
    delivery = _sync(calls.delivery)
    acknowledge = _sync(calls.acknowledge)
    delete = _sync(calls.delete)
    custody = _sync(calls.custody)
    recall = _sync(calls.recall)
    answer_recall = _sync(calls.answer_recall)
    inclusion = _sync(calls.inclusion)
    consistency = _sync(calls.consistency)
    discovered = _sync(calls.discovered)
    text = _sync(calls.text)

    def inbox(self) -> Iterator[dict[str, Any]]:
        """What waits for you, oldest first: every page of it."""
        return self.items("/v1/inbox")

    def recalls(self) -> Iterator[dict[str, Any]]:
        """What you are asked to delete, oldest first: every page of it."""
        return self.items("/v1/recalls")

    def items(self, path: str, **params: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        after: str | None = None
        while True:
            page = self.run(calls.page(path, params, after))
            yield from page.items
            if page.next is None:
                return
            after = page.next

    def run(self, flow: Flow[R]) -> R:
        """Everything one call of `corridor.calls` asks for."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    step = next(flow)
                else:
                    step = flow.send(self._ask(step))
        except StopIteration as end:
            answer: R = end.value
            return answer

    def _ask(self, call: Call) -> Answer:
        for attempt in self._patience.tries(call):
            with attempt:
                return self._once(call)
        raise AssertionError

    def _once(self, call: Call) -> Answer:
        with ExitStack() as stack:
            body = call.content
            if isinstance(body, Path):
                body = stack.enter_context(body.open("rb"))
            with network(), Arriving(call) as arriving:
                request = self._http.build_request(content=body, **_asked(call))
                answer = self._http.send(request, stream=True)
                stack.callback(answer.close)
                arriving.began(answer)
                for part in answer.iter_bytes(CHUNK):
                    arriving.take(part)
        return arriving.whole()


class AsyncClient(_Base):
    """The same for asyncio and trio."""

    async def __aenter__(self) -> "AsyncClient":
        self._http = httpx.AsyncClient(**self._given)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    preview = _awaited(calls.preview)
    transfer = _awaited(calls.transfer)
    state = _awaited(calls.state)
    wait = _awaited(calls.wait)
    cancel = _awaited(calls.cancel)
    evidence = _awaited(calls.evidence)
    receipt = _awaited(calls.receipt)
    content = _awaited(calls.content)
    delivery = _awaited(calls.delivery)
    acknowledge = _awaited(calls.acknowledge)
    delete = _awaited(calls.delete)
    custody = _awaited(calls.custody)
    recall = _awaited(calls.recall)
    answer_recall = _awaited(calls.answer_recall)
    inclusion = _awaited(calls.inclusion)
    consistency = _awaited(calls.consistency)
    discovered = _awaited(calls.discovered)
    text = _awaited(calls.text)

    def inbox(self) -> AsyncIterator[dict[str, Any]]:
        """What waits for you, oldest first: every page of it."""
        return self.items("/v1/inbox")

    def recalls(self) -> AsyncIterator[dict[str, Any]]:
        """What you are asked to delete, oldest first: every page of it."""
        return self.items("/v1/recalls")

    async def items(self, path: str, **params: str) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        after: str | None = None
        while True:
            page = await self.run(calls.page(path, params, after))
            for item in page.items:
                yield item
            if page.next is None:
                return
            after = page.next

    async def run(self, flow: Flow[R]) -> R:
        """Everything one call of `corridor.calls` asks for."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    await anyio.sleep(step.seconds)
                    step = next(flow)
                else:
                    step = flow.send(await self._ask(step))
        except StopIteration as end:
            answer: R = end.value
            return answer

    async def _ask(self, call: Call) -> Answer:
        async for attempt in self._patience.tries(call):
            with attempt:
                return await self._once(call)
        raise AssertionError

    async def _once(self, call: Call) -> Answer:
        body = call.content
        asked = _asked(call)
        if isinstance(body, Path):
            asked["headers"]["Content-Length"] = str(body.stat().st_size)
            body = _read(body)
        elif isinstance(body, Iterable) and not isinstance(body, bytes):
            body = _each(body)
        with network(), Arriving(call) as arriving:
            answer = await self._http.send(
                self._http.build_request(content=body, **asked), stream=True
            )
            try:
                arriving.began(answer)
                async for part in answer.aiter_bytes(CHUNK):
                    arriving.take(part)
            finally:
                await answer.aclose()
        return arriving.whole()


async def _read(path: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        while part := await file.read(CHUNK):
            yield part


async def _each(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def _asked(call: Call) -> dict[str, Any]:
    return {
        "method": call.method,
        "url": call.path,
        "params": dict(call.params) or None,
        "headers": dict(call.headers),
    }
