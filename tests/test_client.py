"""The typed client, on a real gateway; and on a server that answers what a test tells it to."""

import asyncio
import dataclasses
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import orjson
import pytest

from corridor.answers import Answer
from corridor.client import (
    AsyncClient,
    Client,
    Patience,
    ProblemError,
    Receipt,
    State,
    Terms,
    UnreachableError,
)
from gateway.demo import served
from gateway.deployment import new_bearer
from gateway.errors import CorridorError
from tests.test_layout import LINES, ROOT, imports

TERMS = Terms("agr:registration-2026", "hum.assist.registration", "kobo")
INBOX = dataclasses.replace(TERMS, deliver="inbox")
QUICK = Patience(attempts=4, seconds=5, first_pause=0.01, longest_pause=0.02)


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory) -> Iterator[tuple[str, str, str]]:
    """Address of a gateway, the sender's key, the recipient's key."""
    directory = tmp_path_factory.mktemp("client") / "demo"
    shutil.copytree(prepared[0], directory)
    key = new_bearer(directory, "org:sante-sans-rivages")
    with served(directory) as address:
        yield address, prepared[1], key


@pytest.fixture
def sender(world) -> Iterator[Client]:
    with Client(world[0], world[1]) as client:
        yield client


@pytest.fixture
def recipient(world) -> Iterator[Client]:
    with Client(world[0], world[2]) as client:
        yield client


def test_a_transfer_its_receipt_and_its_content_once(sender, payload):
    made = sender.transfer(TERMS, payload, key="once")
    again = sender.transfer(TERMS, payload, key="once")
    vkey = sender.text("/v1/log/key").strip()
    content = sender.content(made.transfer)

    assert (made.outcome, made.repeated, made.content) == ("released", False, None)
    assert (again.transfer, again.repeated) == (made.transfer, True)
    assert made.receipt.details["records"] == {"read": 10, "released": 8}
    assert made.receipt.transfer == made.transfer
    made.receipt.verify(vkey, content.content)
    with pytest.raises(CorridorError, match="content"):
        made.receipt.verify(vkey, content.content + b" ")
    with pytest.raises(ProblemError, match=r"410 content\.gone") as gone:
        sender.content(made.transfer)
    assert (gone.value.status, gone.value.act) == (410, "sender")
    assert sender.receipt(made.transfer) == made.receipt


def test_the_content_with_the_answer(sender, payload):
    made = sender.transfer(TERMS, payload, take=True)

    made.receipt.verify(sender.text("/v1/log/key").strip(), made.content)
    assert made.media_type == "application/fhir+json"


def test_refused_and_held_are_answers(sender, payload):
    border = dataclasses.replace(TERMS, to="org:border-directorate", basis="lb.public")
    refused = sender.transfer(border, payload)
    held = sender.transfer(dataclasses.replace(TERMS, purpose="hum.health.care"), payload)

    assert (refused.outcome, held.outcome) == ("refused", "held")
    assert refused.receipt.details["objections"]
    assert sender.preview(TERMS, payload).outcome == "released"


def test_the_recipient_s_side(sender, recipient, deployment, tmp_path):
    path = deployment / "payloads" / "households.json"
    made = [sender.transfer(INBOX, path).transfer for _ in range(2)]
    into = tmp_path / "content.json"

    assert [one["transfer"] for one in recipient.inbox()] == made
    content = recipient.content(made[0], into)
    assert (content.content, content.size) == (b"", into.stat().st_size)
    assert stat.S_IMODE(into.stat().st_mode) == 0o600
    Receipt.of(recipient.receipt(made[0]).raw).verify(
        recipient.text("/v1/log/key").strip(), into.read_bytes()
    )
    assert recipient.acknowledge(made[0], content.sha256)["entry"]["what"] == "acknowledged"
    [asked] = sender.recall([made[0]], "sent_in_error")
    assert [one["recall"] for one in recipient.recalls()] == [asked["recall"]]
    assert "proof" in recipient.answer_recall(asked["recall"], {"state": "acknowledged"})
    assert "proof" in recipient.delete(made[0], {"state": "done"})
    assert len(sender.custody(made[0])) >= 3
    recipient.content(made[1])
    assert "proof" in recipient.acknowledge(made[1])


def test_looking_things_up(sender):
    assert sender.discovered("/v1/agreements")[0]["id"]
    assert sender.inclusion(0)["index"] == 0
    assert sender.consistency(1, 2)["new"] == 2


def test_the_same_without_threads(world, deployment):
    address, key, _ = world
    path = deployment / "payloads" / "households.json"

    async def go() -> None:
        async with AsyncClient(address, key) as client, AsyncClient(address, world[2]) as other:
            made = await client.transfer(INBOX, path)
            assert (await client.state(made.transfer)).state == "open"
            waiting = [one["transfer"] async for one in other.inbox()]
            assert made.transfer in waiting
            content = await other.content(made.transfer)
            made.receipt.verify((await other.text("/v1/log/key")).strip(), content.content)
            streamed = await client.transfer(TERMS, iter([path.read_bytes()]))
            assert streamed.outcome == "released"
            assert (await client.transfer(TERMS, path.read_bytes())).outcome == "released"
            assert [one async for one in client.recalls()] == []
            with pytest.raises(ProblemError, match=r"404 transfer\.unknown"):
                await client.receipt("no-such")

    asyncio.run(go())


def test_what_is_shown_holds_no_content_and_no_key(world, sender, payload):
    made = sender.transfer(TERMS, payload, take=True)
    shown = repr([made, made.receipt, Answer(200, httpx.Headers(), payload), sender])

    assert b"birth" in made.receipt.raw
    assert "birth" not in shown
    assert world[1] not in shown


@pytest.mark.parametrize("address", ["http://gateway.example", "gateway.example", "ftp://h/"])
def test_nothing_secret_over_an_open_line(address):
    with pytest.raises(ValueError, match="https"):
        Client(address, "key")


def test_the_client_needs_nothing_else_of_the_gateway():
    """A partner's program runs without its database, engines and formats."""
    for path in (ROOT / "corridor").glob("*.py"):
        assert imports(path) <= {"receipt"}, path.name
        assert path.read_text().count("\n") <= LINES


Script = list[Callable[[BaseHTTPRequestHandler], None]]


@contextmanager
def answering(script: Script) -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    """A server that answers request by request what it is told, and what it was asked."""
    seen: list[tuple[str, dict[str, str], bytes]] = []

    class Told(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = self.rfile.read(length)
            seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            script[len(seen) - 1](self)
            self.close_connection = True

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Told)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def says(status: int, body: object = None, /, **headers: str) -> Callable:
    def answer(request: BaseHTTPRequestHandler) -> None:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        request.send_response(status)
        said = {"Content_Length": str(len(content)), **headers}
        for name, value in said.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(content)

    return answer


def hangs_up(request: BaseHTTPRequestHandler) -> None:
    """Not a byte of an answer."""


ENTRY = orjson.dumps({"id": "t-1", "outcome": "released"}).decode()
MADE = says(201, {"entry": ENTRY, "details": {}}, Location="/v1/transfers/t-1")
BUSY = says(503, {"rule": "log.busy", "act": "operator"}, Retry_After="0")


def test_a_transfer_is_repeated_until_it_is_known(tmp_path):
    path = tmp_path / "payload"
    path.write_bytes(b"[]")
    for content in (b"[]", path):
        script = [BUSY, hangs_up, says(502, b"<html>"), MADE]
        with answering(script) as (address, seen), Client(address, "k", patience=QUICK) as client:
            made = client.transfer(TERMS, content, take=True, later=True)

        assert (made.transfer, made.outcome) == ("t-1", "released")
        assert len({one[1]["idempotency-key"] for one in seen}) == 1
        assert [one[2] for one in seen] == [b"[]"] * 4
        assert seen[0][1]["prefer"] == "return=representation, respond-async"
        assert seen[0][1]["content-digest"].startswith("sha-256=:")


@pytest.mark.parametrize("content", [b"[]", Path("payload")])
def test_repeated_without_threads(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("payload").write_bytes(b"[]")

    async def go(address: str) -> str:
        async with AsyncClient(address, "key", patience=QUICK) as client:
            return (await client.transfer(TERMS, content)).transfer

    with answering([hangs_up, BUSY, MADE]) as (address, seen):
        assert asyncio.run(go(address)) == "t-1"
    assert [one[2] for one in seen] == [b"[]"] * 3


def test_what_is_said_once_is_sent_once():
    with (
        answering([hangs_up]) as (address, seen),
        Client(address, patience=QUICK) as client,
        pytest.raises(UnreachableError, match="broke") as broke,
    ):
        client.content("t-1")
    assert len(seen) == 1
    assert broke.value.sent
    with (
        answering([BUSY]) as (address, seen),
        Client(address, patience=QUICK) as client,
        pytest.raises(ProblemError, match=r"log\.busy"),
    ):
        client.acknowledge("t-1")
    assert len(seen) == 1


def test_before_anything_was_done_it_is_asked_again():
    limited = says(429, {"rule": "limits.rate"}, Retry_After="Thu, 01 Jan 2026 00:00:00 GMT")
    with (
        answering([limited, says(201, {})]) as (address, _),
        Client(address, patience=QUICK) as client,
    ):
        assert client.acknowledge("t-1") == {}
    nowhere = Client("http://127.0.0.1:1", patience=QUICK)
    with nowhere as client, pytest.raises(UnreachableError) as never:
        client.acknowledge("t-1")
    assert not never.value.sent


def test_nobody_waits_for_a_day():
    full = says(429, {"rule": "limits.quota", "title": "enough for today"}, Retry_After="86400")
    with (
        answering([full]) as (address, _),
        Client(address, patience=QUICK) as client,
        pytest.raises(ProblemError) as enough,
    ):
        client.preview(TERMS, b"[]")

    assert enough.value.retry_after == 86400


def test_an_answer_of_something_else():
    nothing = says(200, {"entry": ENTRY, "details": {}})
    with answering([says(400, b"[1]"), nothing]) as (address, _), Client(address) as client:
        with pytest.raises(ProblemError, match=r"400 http\.status"):
            client.state("t-1")
        with pytest.raises(UnreachableError, match="Location"):
            client.transfer(TERMS, b"[]")


def test_half_a_file_is_no_file(tmp_path):
    half = says(200, b"half", Content_Length="99")
    with (
        answering([half]) as (address, _),
        Client(address, patience=QUICK) as client,
        pytest.raises(UnreachableError),
    ):
        client.content("t-1", tmp_path / "content")

    assert list(tmp_path.iterdir()) == []


def test_a_queued_transfer_is_waited_for():
    seen: list[State] = []
    script = [
        says(202, {"state": "queued"}, Location="/v1/transfers/t-1"),
        says(200, {"state": "running", "progress": 0.5}),
        says(200, {"state": "open", "index": 3}),
        says(200, {"state": "running"}),
        says(200, {"state": "cancelling"}),
    ]
    with answering(script) as (address, asked), Client(address) as client:
        made = client.transfer(TERMS, b"[]", later=True)
        done = client.wait(made.transfer, every=0.01, told=seen.append)
        with pytest.raises(UnreachableError, match="in time"):
            client.wait(made.transfer, seconds=0)
        assert client.cancel(made.transfer).working

    assert (made.outcome, made.receipt) == ("queued", None)
    assert [one.state for one in seen] == ["running", "open"]
    assert done.said["index"] == 3
    assert asked[-1][0] == "/v1/transfers/t-1"


def test_waiting_without_threads():
    async def go(address: str) -> State:
        async with AsyncClient(address) as client:
            return await client.wait("t-1", every=0.01)

    with answering([says(200, {"state": "running"}), says(200, {"state": "none"})]) as (address, _):
        assert asyncio.run(go(address)).state == "none"


def test_every_page_of_a_list():
    follow = '</v1/transfers/x>; rel="describedby", </v1/inbox?after=b&page=9>; rel="next"'
    script = [
        says(200, {"items": [{"transfer": "a"}], "next": "a"}),
        says(200, {"items": [{"transfer": "b"}]}, Link=follow),
        says(200, {"items": [{"transfer": "c"}]}),
        says(200, {"items": [{"transfer": "d"}], "next": "d"}),
        says(200, {"items": []}),
    ]

    async def go(address: str) -> list[str]:
        async with AsyncClient(address) as client:
            return [one["transfer"] async for one in client.inbox()]

    with answering(script) as (address, asked):
        with Client(address) as client:
            assert [one["transfer"] for one in client.inbox()] == ["a", "b", "c"]
        assert asyncio.run(go(address)) == ["d"]
    assert [one[0] for one in asked][:3] == ["/v1/inbox", "/v1/inbox?after=a", "/v1/inbox?after=b"]


def test_the_delivery_of_a_push():
    with (
        answering([says(200, {"state": "delivered"})]) as (address, asked),
        Client(address) as client,
    ):
        assert client.delivery("t/1") == {"state": "delivered"}
    assert asked[0][0] == "/v1/transfers/t%2F1/delivery"
