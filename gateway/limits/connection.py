"""One connection: what is too slow, too long or too much is cut off before anybody reads it.

uvicorn bounds none of this: its only timer is for idle connections that were served before. So
its protocol is extended where bytes come in. What is refused here never becomes a request.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway import journal
from gateway.errors import described
from gateway.identity.certificate import PeerCertificate
from gateway.limits.address import bucket_of
from gateway.problem import MEDIA_TYPE
from gateway.settings import ServerSettings

LINGER_SECONDS = 2.0
"""How long a body is thrown away after its request was answered: a client that still sends
must have the time to read why it was refused."""

TITLES = {
    "http.malformed": "this is not HTTP",
    "http.slow": "the request came too slowly",
    "http.head": "the request line and headers are too long, or too many",
    "http.connections": "too many connections",
}


class Served(uvicorn.Config):
    """uvicorn's configuration, and our bounds with it."""

    def __init__(self, app: Any, bounds: ServerSettings, **more: Any) -> None:
        super().__init__(app, http=Connection, ws="none", **more)
        self.bounds = bounds
        self.per_address: Counter[str] = Counter()


class RefusedError(Exception):
    """Raised inside the parser's callbacks: the bytes that follow are not looked at."""


class Connection(PeerCertificate):
    """One timer for what comes in and one for what goes out. A request that comes whole in one
    piece, as nearly all do, never sets one."""

    def __init__(self, config: Served, *args: Any, **more: Any) -> None:
        super().__init__(config, *args, **more)
        self.bounds = config.bounds
        self.per_address = config.per_address
        self.address = ""
        self.incoming: asyncio.TimerHandle | None = None
        self.outgoing: asyncio.TimerHandle | None = None
        self.part, self.serial = "idle", 0
        self.timed = ("idle", 0)
        self.head_bytes = self.head_parsed = self.head_count = self.body_bytes = 0
        self.hosts = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = bucket_of(self.client[0]) if self.client else ""
        self.per_address[self.address] += 1
        if len(self.connections) > self.bounds.connections or (
            self.per_address[self.address] > self.bounds.connections_per_address
        ):
            self._refuse(503, "http.connections")
        else:
            self._wait(self.bounds.head_seconds, self._no_head)

    def connection_lost(self, exc: Exception | None) -> None:
        self.per_address[self.address] -= 1
        if self.per_address[self.address] <= 0:
            del self.per_address[self.address]
        self._stop_waiting()
        self._taken()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self.body_bytes += len(data)
        super().data_received(data)
        if not self.transport.is_closing():
            self._time(len(data))

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "http.malformed")

    # What the parser meets

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.part, self.serial = "head", self.serial + 1
        self.head_bytes = self.head_parsed = self.head_count = self.hosts = 0

    def on_url(self, url: bytes) -> None:
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.head_count += 1
        self._count_head(len(name) + len(value))
        self.hosts += name.lower() == b"host"
        if self.hosts > 1:
            # RFC 9112, 3.2: a proxy may have looked at the other one.
            self._refuse(400, "http.malformed")
            raise RefusedError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.part = "body"
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.part = "idle"
        super().on_message_complete()

    def on_response_complete(self) -> None:
        lingers = self.part == "body" and not self.pipeline
        super().on_response_complete()
        if lingers and not self.transport.is_closing():
            self._wait(LINGER_SECONDS, self.transport.close)

    def _count_head(self, more: int) -> None:
        self.head_parsed += more
        if (
            self.head_parsed > self.bounds.head_limit_bytes
            or self.head_count > self.bounds.head_limit_headers
        ):
            self._refuse(431, "http.head")
            raise RefusedError

    # What takes too long

    def _time(self, more: int) -> None:
        if self.part == "head":
            # The parser tells of a header when it is whole, and one that never ends is none.
            self.head_bytes += more
            if self.head_bytes > 2 * self.bounds.head_limit_bytes:
                self._refuse(431, "http.head")
                return
        if self.timed != (self.part, self.serial):
            self.timed = (self.part, self.serial)
            self._stop_waiting()
            if self.part == "head":
                self._wait(self.bounds.head_seconds, self._no_head)
            elif self.part == "body":
                self.body_bytes = 0
                self._wait(self.bounds.body_stall_seconds, self._measure_body)
        # uvicorn forgets its own timer when bytes come, be they only empty lines.
        answered = self.cycle is None or self.cycle.response_complete
        if self.part == "idle" and answered and self.incoming is None:
            self._wait(self.timeout_keep_alive, self.transport.close)

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_waiting()
        self.incoming = self.loop.call_later(seconds, then)

    def _stop_waiting(self) -> None:
        if self.incoming is not None:
            self.incoming.cancel()
            self.incoming = None

    def _no_head(self) -> None:
        if self.part == "head":
            self._refuse(408, "http.slow")
        else:
            self.transport.close()

    def _measure_body(self) -> None:
        seconds = self.bounds.body_stall_seconds
        # Where we do not read, or were not yet asked to say 100 Continue, it is us who wait.
        ours = self.flow.read_paused or self.cycle.waiting_for_100_continue
        if not ours and self.body_bytes < seconds * self.bounds.body_bytes_per_second:
            self._refuse(408, "http.slow")
            return
        self.body_bytes = 0
        self._wait(seconds, self._measure_body)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taken()

    def _watch(self, left: int) -> None:
        seconds = self.bounds.body_stall_seconds
        self.outgoing = self.loop.call_later(seconds, self._measure_answer, left)

    def _measure_answer(self, before: int) -> None:
        left = self.transport.get_write_buffer_size()
        least = self.bounds.body_stall_seconds * self.bounds.body_bytes_per_second
        if before - left < least:
            journal.say("connection.cut", rule="http.slow")
            self.transport.abort()
        else:
            self._watch(left)

    def _taken(self) -> None:
        if self.outgoing is not None:
            self.outgoing.cancel()
            self.outgoing = None

    def _refuse(self, status: int, rule: str) -> None:
        """Answer, where no other answer is due first, and close."""
        if self.transport.is_closing():
            return
        journal.say("connection.refused", rule=rule, status=status)
        cycle = self.cycle
        coming = cycle is not None and cycle.more_body
        answered = cycle is None or cycle.response_complete
        if not self.pipeline and (answered or (coming and not cycle.response_started)):
            self.transport.write(_refusal(status, rule))
        if coming and not answered:
            # Whoever waits for the rest of the body learns that none comes.
            cycle.disconnected = True
            cycle.message_event.set()
        self._stop_waiting()
        self.transport.close()


def _refusal(status: int, rule: str) -> bytes:
    body = orjson.dumps(described(status, rule, TITLES[rule], act="sender"))
    head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
    retry = "retry-after: 5\r\n" if status == 503 else ""
    return STATUS_LINE[status] + f"{head}{retry}\r\n".encode() + body
