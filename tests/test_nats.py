"""Bulk work through a real NATS server: what is lost on the way, and what is not."""

import asyncio
import gc
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import httpx
import orjson
import pytest

from bench.people import submission
from gateway import receipt
from gateway.bulk import nats_engine, nats_place, nats_worker
from gateway.bulk.engine import engine_of
from gateway.bulk.nats_engine import NatsEngine
from gateway.bulk.nats_place import Nats
from gateway.delivery.afar import passed_on
from gateway.delivery.wake import listen, wake
from gateway.demo import served
from gateway.deployment import read_deployment
from gateway.errors import GatewayError, OfficerError
from tests.nats_server import NatsServer

ORIGIN = "gw.example.org/transfers/2027"


class Upper:
    """Work that shows what was done with it."""

    def __init__(self, width=2):
        self.width, self.done = width, []
        self.before = None

    async def run(self, tasks):
        async for task in tasks:
            if self.before is not None:
                await self.before(task)
            self.done.append(task)
            yield task.upper()

    async def close(self):
        pass


# Of connections that broke; see `_swept`.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def server(tmp_path):
    with NatsServer.made(tmp_path) as running:
        yield running


@pytest.fixture(autouse=True)
def _swept():
    """NATS' client leaves connections that broke, or were never made, to the garbage collector:
    here, where that is known, and not in somebody else's test, where it would be a fault."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch):
    """Nobody waits for long here."""
    monkeypatch.setattr(nats_worker, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(nats_worker, "PAUSE", 0.1)
    monkeypatch.setattr(nats_engine, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(nats_place, "RECONNECT_SECONDS", 0.1)


def place(server, **more):
    return Nats(server.url, ORIGIN, **{"ack_wait": 1.0, **more})


@asynccontextmanager
async def worker(server, work=None, **more):
    """A worker, until the block ends; its `stop`."""
    stop = asyncio.Event()
    running = asyncio.create_task(nats_worker.work(place(server, **more), work or Upper(), stop))
    try:
        yield running
    finally:
        stop.set()
        await asyncio.wait([running])


@asynccontextmanager
async def engine(server, width=3, **more):
    made = NatsEngine(place(server, **more), width)
    try:
        yield made
    finally:
        await made.close()


async def each(tasks):
    for task in tasks:
        yield task


async def answers(engine, tasks):
    return [one async for one in engine.run(each(tasks))]


def run(work):
    return asyncio.run(asyncio.wait_for(work, 40))


def named(count):
    return [f"task {number}".encode() for number in range(count)]


def upper(tasks):
    return [task.upper() for task in tasks]


def test_answers_come_in_the_order_of_the_tasks(server):
    async def work():
        async def slower_first(task):
            await asyncio.sleep(0.05 if task == b"task 0" else 0)

        slow = Upper()
        slow.before = slower_first
        async with worker(server, slow), worker(server), engine(server) as asked:
            assert await answers(asked, named(30)) == upper(named(30))
            both = await asyncio.gather(answers(asked, named(5)), answers(asked, [b"x", b"y"]))
            assert both == [upper(named(5)), [b"X", b"Y"]]
            js = asked._nats.js
            for name in ("task", "answer"):
                # A worker acknowledges a task after it has answered: until then it is kept.
                while (await js.stream_info(f"{asked._nats.prefix}-{name}")).state.messages:
                    await asyncio.sleep(0.02)

    run(work())


def test_few_more_tasks_are_taken_than_answers_are_read(server):
    async def work():
        taken = []

        async def counted():
            for task in named(20):
                taken.append(task)
                yield task

        async with worker(server), engine(server, width=2) as asked:
            reading = asked.run(counted())
            await anext(reading)
            assert len(taken) <= 4
            await reading.aclose()

    run(work())


def test_what_is_larger_than_a_message_comes_through_and_leaves_nothing_behind(server):
    async def work():
        large = os.urandom(10).hex().encode() * 150_000  # 3 MB; a message holds 1 MB
        async with worker(server), engine(server) as asked:
            assert await answers(asked, [b"small", large]) == [b"SMALL", large.upper()]
            store = await asked._nats.js.object_store(f"{asked._nats.prefix}-large")
            assert await listed(store) == []

    run(work())


async def listed(store):
    from nats.js.errors import NotFoundError

    try:
        return await store.list(ignore_deletes=True)
    except NotFoundError:
        return []


def test_what_a_dead_worker_held_is_done_by_another(server):
    async def work():
        begun = asyncio.Event()

        async def never(_task):
            begun.set()
            await asyncio.sleep(60)

        dying = Upper(1)
        dying.before = never
        async with engine(server) as asked:
            async with worker(server, dying) as first:
                asking = asyncio.create_task(answers(asked, named(3)))
                await begun.wait()
                first.cancel()  # nothing is said to the server
            async with worker(server):
                assert await asking == upper(named(3))

    run(work())


def test_a_long_task_is_not_given_to_another(server):
    async def work():
        async def long(_task):
            await asyncio.sleep(2.5)  # more than twice what NATS waits

        slow, other = Upper(1), Upper(1)
        slow.before = other.before = long
        async with worker(server, slow), worker(server, other), engine(server) as asked:
            assert await answers(asked, [b"x"]) == [b"X"]
            assert len(slow.done + other.done) == 1

    run(work())


def test_a_task_that_kills_workers_is_given_up(server, monkeypatch):
    async def work():
        monkeypatch.setattr(nats_worker, "ATTEMPTS", 2)
        deaths = []

        async def kill(_task):
            deaths.append(1)
            raise asyncio.CancelledError

        killed = Upper(1)
        killed.before = kill
        async with engine(server) as asked:
            asking = asyncio.create_task(answers(asked, [b"x"]))
            while not asking.done():
                async with worker(server, killed, ack_wait=0.3) as dying:
                    await asyncio.wait([asking, dying], return_when=asyncio.FIRST_COMPLETED)
            with pytest.raises(GatewayError) as error:
                await asking
        assert (error.value.rule, len(deaths)) == ("bulk.worker_died", 2)

    run(work())


def test_what_a_worker_refuses_is_told(server):
    async def work():
        async def refuse(task):
            if task == b"foreign":
                raise GatewayError("a message that is not ours", rule="bulk.message")

        strict = Upper()
        strict.before = refuse
        async with worker(server, strict), engine(server) as asked:
            with pytest.raises(GatewayError) as error:
                await answers(asked, [b"x", b"foreign", b"y"])
            assert error.value.rule == "bulk.message"
            assert await answers(asked, [b"z"]) == [b"Z"]

    run(work())


@pytest.mark.parametrize("lost", [False, True], ids=["files kept", "files lost"])
def test_while_nats_is_dead_the_work_waits(server, lost):
    async def work():
        async def slowly(_task):
            await asyncio.sleep(0.05)  # so that something is under way when the server dies

        slow = Upper()
        slow.before = slowly
        async with worker(server, slow), engine(server) as asked:
            seen = []

            async def read():
                async for answer in asked.run(each(named(40))):
                    seen.append(answer)

            reading = asyncio.create_task(read())
            while len(seen) < 5:
                await asyncio.sleep(0.01)
            server.kill()
            if lost:
                server.lose()
            await asyncio.sleep(0.3)
            assert not reading.done()
            server.start()
            await reading
            assert seen == upper(named(40))

    run(work())


def test_a_gateway_and_a_worker_may_start_before_nats(tmp_path):
    async def work():
        server = NatsServer(tmp_path)
        async with worker(server), engine(server) as asked:
            asking = asyncio.create_task(answers(asked, [b"x"]))
            await asyncio.sleep(0.3)
            assert not asking.done()
            server.start()
            try:
                assert await asking == [b"X"]
            finally:
                await asked.close()
                server.kill()

    run(work())


def test_work_that_nobody_waits_for_is_withdrawn(server):
    async def work():
        async with engine(server) as asked:
            for turns in range(40):  # at any moment of sending: the client swallows some cancels
                asking = asyncio.create_task(answers(asked, named(3)))
                while not asked._asked:
                    await asyncio.sleep(0)
                for _ in range(turns):
                    await asyncio.sleep(0)
                asking.cancel()
                await asyncio.wait([asking], timeout=5)
                assert asking.cancelled(), turns
                info = await asked._nats.js.stream_info(f"{asked._nats.prefix}-task")
                assert (info.state.messages, asked._asked) == (0, {})

    run(work())


def test_other_gateways_hear_that_there_is_something_to_push(server):
    async def work():
        ours, theirs = [], asyncio.Queue()
        telling = asyncio.create_task(passed_on(place(server)))
        stop = listen(ours.append)
        try:
            other = place(server)
            await other.connect()
            await other.client.subscribe(f"{other.prefix}.wake", cb=theirs.put)
            await other.client.flush()
            wake("t1")
            told = await asyncio.wait_for(theirs.get(), 10)
            assert b"t1" not in told.data
            await other.client.flush()
            await asyncio.sleep(0.1)
            assert (ours, theirs.qsize()) == (["t1"], 0)  # nobody hears an echo
            await other.client.publish(told.subject, b"another")
            while len(ours) < 2:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            assert theirs.qsize() == 1  # its own word; ours was not passed on
            await other.close()
        finally:
            stop()
            telling.cancel()
            await asyncio.wait([telling])
        assert telling.cancelled()

    run(work())


def test_a_server_may_ask_for_a_token(tmp_path):
    async def work():
        with NatsServer.made(tmp_path, 'authorization { token: "s3cret" }') as server:
            with pytest.raises(GatewayError) as error:
                await place(server, token="wrong").connect()
            assert error.value.rule == "nats.unavailable"
            assert "s3cret" not in repr(place(server, token="s3cret"))
            async with worker(server, token="s3cret"), engine(server, token="s3cret") as asked:
                assert await answers(asked, [b"x"]) == [b"X"]

    run(work())


def submissions(count):
    chance = random.Random(3)
    lines = []
    for number in range(count):
        name = f"{number:08x}-0000-4000-8000-{chance.getrandbits(48):012x}"
        own = {"_id": number, "_uuid": name, "meta/instanceID": f"uuid:{name}"}
        lines.append(orjson.dumps({**submission(chance, number), **own}))
    return b"\n".join(lines) + b"\n"


class Worker:
    """`corridor work` in a process of its own."""

    def __init__(self, directory):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "work", "-d", str(directory), "--processes", "1"],
            stderr=subprocess.DEVNULL,
        )

    def end(self, how=signal.SIGTERM):
        self._process.send_signal(how)
        return self._process.wait(30)


def test_a_payload_is_worked_on_by_other_processes_one_of_which_is_killed(
    deployment, token, server
):
    settings = deployment / "corridor.toml"
    bulk = f'\n[bulk]\nengine = "nats"\nnats_url = "{server.url}"\npart_bytes = 20000\n'
    settings.write_text(settings.read_text() + bulk)
    payload = submissions(1500)
    workers = [Worker(deployment)]
    terms = {"agreement": "agr:registration-2026", "purpose": "hum.assist.registration"}
    headers = {"Authorization": f"Bearer {token}", "Prefer": "respond-async"}
    try:
        with served(deployment) as address, httpx.Client(base_url=address, timeout=30) as client:
            client.headers.update(headers)
            answer = client.post(
                "/v1/transfers", params={**terms, "format": "kobo"}, content=payload
            )
            assert answer.status_code == 202, answer.text
            place, end = answer.headers["Location"], time.monotonic() + 90
            while (told := client.get(place).json())["state"] in ("queued", "running"):
                if told["state"] == "running" and len(workers) == 1:
                    time.sleep(0.1)
                    workers[0].end(signal.SIGKILL)
                    workers.append(Worker(deployment))
                assert time.monotonic() < end, told
                time.sleep(0.02)
            assert told["state"] == "open", told
            held = client.get(f"{place}/receipt").content
            content = client.get(f"{place}/content").content
        assert len(workers) == 2
        vkey = read_deployment(deployment).vkey()
        entry = receipt.verify(held, vkey=vkey, content=content).entry
        assert entry["outcome"] == "released"
        assert content.count(b'"resourceType":"Patient"') >= 1500
        seen = server.folder / "store"
        stored = [one.read_bytes() for one in seen.rglob("*") if one.is_file()]
        assert any(b"corridor-" in one for one in stored)  # it is what NATS keeps
        assert not any(word in one for one in stored for word in (b"Warsame", b"_uuid", b"phone"))
        assert workers[1].end() == 0
    finally:
        for one in workers:
            one._process.kill()
            one._process.wait()


def test_settings_name_the_server(deployment):
    (deployment / "keys/secrets.json").write_text('{"nats": "s3cret"}')
    (deployment / "keys/secrets.json").chmod(0o600)
    settings, text = deployment / "corridor.toml", (deployment / "corridor.toml").read_text()

    def engine_with(bulk):
        settings.write_text(f"{text}\n[bulk]\nengine = 'nats'\n{bulk}\n")
        return engine_of(read_deployment(deployment))

    url = "nats_url = 'nats://127.0.0.1:4222'\n"
    made = engine_with(url + "nats_token = 'nats'\nnats_parts = 3")
    assert isinstance(made, NatsEngine)
    assert (made.width, made._nats.token) == (3, "s3cret")
    for wrong, rule in {
        "": "settings.missing",
        url + "nats_token = 'other'": "settings.no_secret",
        "nats_url = 'nats://me:secret@127.0.0.1'": "settings.string_pattern_mismatch",
    }.items():
        with pytest.raises(OfficerError) as error:
            engine_with(wrong)
        assert error.value.rule == rule
    asyncio.run(made.close())  # never connected
