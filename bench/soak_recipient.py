"""A recipient's system that fails one push in five, in each of the ways they do.

It answers 500, hangs up, does not answer at all, or answers 200 with an error inside. What it
took is known by the id that each push carries.
"""

import asyncio
import json
import random
import signal
import sys
from collections import Counter
from pathlib import Path

FAILURES = ("status 500", "hangs up", "no answer", "200, error inside")
SHARE = 0.2

ERROR = b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"transient"}]}'


def accepted(bundle: bytes) -> bytes:
    """A FHIR server's answer to a transaction: a status for each of its entries."""
    each = b'{"response":{"status":"200 OK"}}'
    entries = b",".join([each] * bundle.count(b'"method":"PUT"'))
    return b'{"resourceType":"Bundle","type":"transaction-response","entry":[%b]}' % entries


class Recipient(asyncio.Protocol):
    """One connection. All of them share what was taken."""

    taken: Counter[str]
    failed: Counter[str]
    random_: random.Random
    share: float
    inside: bool
    """Whether an error inside an answer of 200 is one that the system spoken here has."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            head, gap, body = self.buffer.partition(b"\r\n\r\n")
            if not gap:
                return
            said = dict(
                line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line
            )
            length = int(said.get(b"content-length", b"0"))
            if len(body) < length:
                return
            self.buffer = body[length:]
            name = said.get(b"x-request-id") or said.get(b"webhook-id") or b"?"
            self._answer(name.decode(), body[:length])

    def _answer(self, name: str, body: bytes) -> None:
        cls = type(self)
        failures = FAILURES if cls.inside else FAILURES[:3]
        failure = cls.random_.choice(failures) if cls.random_.random() < cls.share else ""
        if failure:
            cls.failed[failure] += 1
        if failure == "hangs up":
            self.transport.close()
        elif failure == "status 500":
            self._write(b"500 Internal Server Error", ERROR)
        elif failure == "200, error inside":
            self._write(b"200 OK", ERROR)
        elif not failure:
            cls.taken[name] += 1
            self._write(b"200 OK", accepted(body))

    def _write(self, status: bytes, body: bytes) -> None:
        self.transport.write(
            b"HTTP/1.1 %b\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\n\r\n%b"
            % (status, len(body), body)
        )


def serve(port: int, to: Path, *, inside: bool, seed: int = 3) -> None:
    """Until SIGTERM; what was taken and what failed is then written to `to`.

    After SIGUSR1 it fails no more, as a recipient that was repaired.
    """
    Recipient.taken, Recipient.failed = Counter(), Counter()
    Recipient.random_, Recipient.share, Recipient.inside = random.Random(seed), SHARE, inside

    async def run() -> None:
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, done.set)
        loop.add_signal_handler(signal.SIGUSR1, lambda: setattr(Recipient, "share", 0.0))
        server = await loop.create_server(Recipient, "127.0.0.1", port, backlog=256)
        await done.wait()
        server.close()

    asyncio.run(run())
    to.write_text(json.dumps({"taken": Recipient.taken, "failed": Recipient.failed}))


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), inside="inside" in sys.argv[3:])
