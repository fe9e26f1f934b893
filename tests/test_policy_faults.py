"""A policy server that fails in every way: each is a denial, soon, and never asked twice."""

import asyncio
import json
import socket
import struct
import threading
import time

import pytest

from gateway.policy import (
    OpaServer,
    PolicyError,
    PolicyFailed,
    PolicyMismatch,
    PolicyTimeout,
    PolicyUnavailable,
    PolicyUndefined,
    Question,
)
from tests.strategies_policy import sample

REVISION = "sha256:" + "0" * 64
DEADLINE = 0.5


class FaultServer:
    """Reads one whole request and does what it was told. Counts requests."""

    def __init__(self, fault):
        self.fault, self.requests, self.bodies, self.paths = fault, 0, [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.answer(connection)

    def answer(self, connection):
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(65536)
        head, _, body = received.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65536)
        self.requests += 1
        self.paths.append(head.split(b" ")[1].decode())
        self.bodies.append(json.loads(body))
        self.fault(connection)

    def close(self):
        self.listener.close()


def reply(status, body, kind="application/json"):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()

    def send(connection):
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n"
        connection.sendall(head.encode() + b"Connection: close\r\n\r\n" + text)

    return send


def slow(connection):
    time.sleep(DEADLINE * 3)


def drip(connection):
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
    )
    time.sleep(DEADLINE * 3)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection):
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    )


def provenance(revision):
    return {"provenance": {"bundles": {"b": {"revision": revision}}}}


@pytest.fixture
def ask():
    closing = []

    def asking(fault):
        server = FaultServer(fault)
        engine = OpaServer("127.0.0.1", server.port, revision=REVISION, deadline=DEADLINE)
        closing.append((server, engine))
        return server, engine

    yield asking
    for server, engine in closing:
        asyncio.run(engine.close())
        server.close()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (reply(200, {}), PolicyUndefined),
        (reply(200, {"result": {}} | provenance(REVISION)), PolicyUndefined),
        (reply(200, {"result": True} | provenance(REVISION)), PolicyFailed),
        (reply(200, []), PolicyFailed),
        (reply(400, {"code": "invalid_parameter", "message": "Canary"}), PolicyFailed),
        (reply(429, {}), PolicyUnavailable),
        (reply(500, {"code": "internal_error", "message": "Canary"}), PolicyFailed),
        (reply(502, b"<html>Canary</html>", "text/html"), PolicyUnavailable),
        (reply(503, {}), PolicyUnavailable),
        (reply(200, b"<html>Canary</html>", "text/html"), PolicyFailed),
        (reply(200, b"{Canary"), PolicyFailed),
        (reply(200, b"\xff"), PolicyFailed),
        (slow, PolicyTimeout),
        (drip, PolicyTimeout),
        (reset, PolicyUnavailable),
        (hang_up, PolicyUnavailable),
        (lambda connection: None, PolicyUnavailable),
        (reply(200, {"result": {"verdict": "allow"}} | provenance("sha256:other")), PolicyMismatch),
        (reply(200, {"result": {"verdict": "allow"}}), PolicyMismatch),
        (reply(200, {"result": 1, "provenance": {"bundles": []}}), PolicyMismatch),
        (reply(200, {"result": 1, "provenance": {"bundles": {}}}), PolicyMismatch),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_fault_is_a_denial(ask, fault, error):
    server, engine = ask(fault)
    started = time.monotonic()

    with pytest.raises(PolicyError) as denied:
        engine.decide_now(Question.of(sample()))

    assert type(denied.value) is error
    assert time.monotonic() - started < DEADLINE * 2.5
    assert server.requests == 1
    assert "Canary" not in str(denied.value)
    assert denied.value.__cause__ is None


def test_nobody_there_is_a_denial():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = OpaServer("127.0.0.1", port, revision=REVISION, deadline=DEADLINE)

    with pytest.raises(PolicyUnavailable):
        asyncio.run(engine.decide(Question.of(sample())))

    asyncio.run(engine.close())


def test_the_server_is_asked_strictly_and_reads_the_canonical_question(ask):
    server, engine = ask(reply(200, {}))
    question = Question.of(sample())

    with pytest.raises(PolicyUndefined):
        asyncio.run(engine.decide(question))

    assert server.paths == ["/v1/data/exchange/decision?strict-builtin-errors=true&provenance=true"]
    assert server.bodies == [{"input": question.document}]
    assert (engine.name, engine.revision) == ("opa", REVISION)
