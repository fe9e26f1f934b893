"""A real HTTP server on loopback that answers what a test says, and remembers what it was asked."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: Callable[[Any], None] | None = None
    """Writes to the socket itself, and ends the connection."""


def json(value: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status, orjson.dumps(value), {"Content-Type": "application/json", **headers})


@dataclass
class Recipient:
    """What was asked, and where."""

    address: str = ""
    asked: list[Asked] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    """For answers that hang: until the server stops."""


Answers = Callable[[Asked], Answer]


@contextmanager
def recipient(answer: Answers) -> Iterator[Recipient]:
    """Serve until the block ends."""
    served = Recipient()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self._body()
            asked = Asked(self.command, self.path, dict(self.headers.items()), body)
            with lock:
                served.asked.append(asked)
                told = answer(asked)
            if told.raw is not None:
                self.close_connection = True
                told.raw(self.connection)
                return
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        do_GET = do_POST = do_PUT = do_PATCH = _answer  # noqa: N815 - the names of the library

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            pass  # a client that went away

    server = Server(("127.0.0.1", 0), Handler)
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        served.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
