"""The load of `bench.soak`, in a process of its own that imports nothing of the gateway.

python -m bench.soak_load PORT SECONDS CONNECTIONS < KEY
"""

import asyncio
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from bench.people import submission

QUERY = (
    "agreement=agr:registration-2026&purpose=hum.assist.registration&format=kobo&into=fhir.r4"
    "&deliver=push"
)
BODIES = 5000


@dataclass
class Answered:
    """What the sender was told."""

    seconds: list[float] = field(default_factory=list)
    transfers: list[str] = field(default_factory=list)
    other: dict[str, int] = field(default_factory=dict)
    """Statuses other than 200 and 201, and how often."""


class Client(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, requests: Callable[[], bytes], until: float, answered: Answered) -> None:
        self.requests, self.until, self.answered = requests, until, answered
        self.buffer = b""
        self.finished = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.finished.done():
            self._count("hung up")
            self.finished.set_result(None)

    def _count(self, what: str) -> None:
        self.answered.other[what] = self.answered.other.get(what, 0) + 1

    def _ask(self) -> None:
        if time.perf_counter() > self.until:
            self.finished.set_result(None)
            self.transport.close()
            return
        self.began = time.perf_counter()
        self.transport.write(self.requests())

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, gap, body = self.buffer.partition(b"\r\n\r\n")
        if not gap:
            return
        lower = head.lower()
        length = int(lower.split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        self.buffer = b""
        status = head[9:12].decode()
        if status in ("200", "201"):
            self.answered.seconds.append(time.perf_counter() - self.began)
            if status == "201":
                place = lower.split(b"location: /v1/transfers/")[1]
                self.answered.transfers.append(place.split(b"\r\n")[0].decode())
            self._ask()
            return
        self._count(status)
        asyncio.get_running_loop().call_later(0.05, self._ask)


def load(port: int, token: str, seconds: float, connections: int) -> Answered:
    """Ask until the time is over."""
    random_ = random.Random(7)
    made = []
    for number in range(BODIES):
        body = orjson.dumps(submission(random_, number))
        made.append(
            f"POST /v1/transfers?{QUERY} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
    turn = iter(range(10**9))
    answered = Answered()

    async def run() -> None:
        until = time.perf_counter() + seconds
        loop = asyncio.get_running_loop()
        clients = [
            (
                await loop.create_connection(
                    lambda: Client(lambda: made[next(turn) % BODIES], until, answered),
                    "127.0.0.1",
                    port,
                )
            )[1]
            for _ in range(connections)
        ]
        await asyncio.wait([client.finished for client in clients], timeout=seconds + 60)

    asyncio.run(run())
    return answered


if __name__ == "__main__":
    made = load(int(sys.argv[1]), sys.stdin.read(), float(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.buffer.write(orjson.dumps(made))
