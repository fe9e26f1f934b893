"""Requests per second of `POST /v1/transfers` with one submission, beside a bare FastAPI echo.

    python -m bench.single [SECONDS] [CONNECTIONS]

Both are served the same way (uvicorn, one worker, uvloop and httptools) in a process of their
own and asked by the same client, in turns. Each answer of ours comes after its entry is
durable. Loopback only, and bounded in time.
"""

import asyncio
import multiprocessing
import os
import random
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import uvicorn

from bench.people import submission
from gateway import journal
from gateway.app import create_app
from gateway.cli import DEMO
from gateway.demo import prepare

ROUNDS = 3
QUERY = "agreement=agr:registration-2026&purpose=hum.assist.registration&format=kobo&into=fhir.r4"


def serve_echo(listener: socket.socket) -> None:
    """FastAPI, request in, response out."""
    from fastapi import FastAPI, Request, Response

    app = FastAPI()

    @app.post("/v1/transfers")
    async def echo(request: Request) -> Response:
        return Response(await request.body(), media_type="application/json")

    _serve(app, listener)


def serve_gateway(listener: socket.socket, directory: Path) -> None:
    """The gateway, its own log lines going nowhere."""
    with open(os.devnull, "w") as nowhere:
        journal.configure(nowhere)
        _serve(create_app(directory), listener)


def _serve(app: object, listener: socket.socket) -> None:
    config = uvicorn.Config(app, access_log=False, log_config=None)  # type: ignore[arg-type]
    uvicorn.Server(config).run([listener])


class Client(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, requests: Callable[[], bytes], until: float, took: list[float]) -> None:
        self.requests, self.until, self.took = requests, until, took
        self.buffer = b""
        self.finished = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        if time.perf_counter() > self.until:
            self.transport.close()
            self.finished.set_result(None)
            return
        self.began = time.perf_counter()
        self.transport.write(self.requests())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, gap, body = self.buffer.partition(b"\r\n\r\n")
        if not gap:
            return
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
            raise SystemExit(f"answered {head[:60]!r}")
        self.took.append(time.perf_counter() - self.began)
        self.buffer = b""
        self._ask()


async def load(
    port: int, requests: Callable[[], bytes], seconds: float, connections: int
) -> list[float]:
    """Seconds each answer took."""
    took: list[float] = []
    until = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: Client(requests, until, took), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(client.finished for client in clients))
    return took


def started(target: Callable[..., None], *args: object) -> tuple[multiprocessing.Process, int]:
    """A server in a process of its own, and its port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(256)
    process = multiprocessing.get_context("fork").Process(target=target, args=(listener, *args))
    process.start()
    port: int = listener.getsockname()[1]
    listener.close()
    return process, port


def bodies(token: str) -> Callable[[], bytes]:
    """Requests, each with a submission of its own."""
    random_ = random.Random(7)
    made = []
    for number in range(2000):
        body = orjson.dumps(submission(random_, number))
        head = (
            f"POST /v1/transfers?{QUERY} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {token}\r\nPrefer: return=representation\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    turn = iter(range(10**9))
    return lambda: made[next(turn) % len(made)]


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    connections = int(sys.argv[2]) if len(sys.argv) > 2 else 32
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "demo"
        shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns("keys", "data"))
        requests = bodies(prepare(directory))
        servers = {"echo": started(serve_echo), "ours": started(serve_gateway, directory)}
        try:
            rates: dict[str, list[float]] = {"echo": [], "ours": []}
            tails: dict[str, list[float]] = {"echo": [], "ours": []}
            for _, port in servers.values():
                asyncio.run(load(port, requests, 1.0, connections))
            for _ in range(ROUNDS):
                for name, (_, port) in servers.items():
                    took = asyncio.run(load(port, requests, seconds, connections))
                    rates[name].append(len(took) / seconds)
                    tails[name].append(statistics.quantiles(took, n=100)[98] * 1000)
        finally:
            for process, _ in servers.values():
                process.terminate()
                process.join(10)
    tail = {name: statistics.median(found) for name, found in tails.items()}
    echo, ours = statistics.median(rates["echo"]), statistics.median(rates["ours"])
    print(f"single: one submission a request, {connections} connections, {ROUNDS} x {seconds:g} s")
    print(f"  FastAPI echo           {echo:10,.0f} requests/s   p99 {tail['echo']:6.1f} ms")
    print(f"  exchange, kobo to fhir {ours:10,.0f} requests/s   p99 {tail['ours']:6.1f} ms")
    print(f"  ratio                  {ours / echo:10.2f} of the echo's rate (aim: at least 0.4)")


if __name__ == "__main__":
    main()
