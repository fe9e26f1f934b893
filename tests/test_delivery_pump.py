"""The outbox and what empties it: leases, pauses, and what a crash leaves."""

import asyncio
import itertools
import json
import shutil
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import State

from gateway import session
from gateway.adapter import Outcome
from gateway.delivery import ledger, mended, outbox
from gateway.delivery import pump as pumping
from gateway.delivery.clients import Clients
from gateway.delivery.endpoints import endpoint_named
from gateway.delivery.outbox import Lane, Row, row_of
from gateway.delivery.pump import Pump
from gateway.delivery.told import Told, later, refused
from gateway.deployment import read_deployment, read_keys
from gateway.entry import new_id
from gateway.errors import SenderError
from gateway.exchange import exchange
from gateway.happenings import custody
from gateway.happenings.custody import Desk
from gateway.happenings.passed import passed
from gateway.log import Log
from gateway.moments import now_ms
from gateway.observe.watch import Watch
from gateway.settings import DeliverySettings
from gateway.terms import Asked, terms_of
from gateway.transfer import Gateway, Transfer
from tests.vendors.pushed.registered import AGREEMENT, QUICK, RECIPIENT, configure, register
from tests.vendors.pushed.server import Answer, Recipient, recipient

LANE = Lane(RECIPIENT, "main", 1, 5)
NOW = 1_800_000_000_000


async def released(gateway: Gateway, payload: bytes) -> str:
    """A transfer that waits to be pushed."""
    asked = Asked(
        sender="org:amal-relief", recipient=RECIPIENT, agreement=AGREEMENT, source="kobo",
        purpose="hum.assist.registration", deliver="push",
    )  # fmt: skip
    terms = terms_of(asked, gateway.deployment, gateway.known)
    return (await exchange(Transfer(new_id(), terms, payload), gateway)).transfer


@asynccontextmanager
async def pumped(gateway: Gateway) -> AsyncIterator[Pump]:
    state = State()
    state.gateway = gateway
    pump = Pump(state)
    task = asyncio.create_task(pump.run())
    try:
        yield pump
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(found: Callable[[], Any], wanted: Any = True) -> None:
    deadline = time.monotonic() + 30
    while found() != wanted:
        assert time.monotonic() < deadline, found()
        await asyncio.sleep(0.02)


def state_of(gateway: Gateway, transfer: str) -> str:
    row = row_of(gateway.log, transfer)
    assert row is not None
    return row.state


Story = Callable[[Gateway, Recipient, bytes], Awaitable[None]]


@pytest.fixture(scope="module")
def running(
    prepared: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[asyncio.Runner, Gateway]]:
    """A gateway for many stories, each with an empty outbox."""
    directory = tmp_path_factory.mktemp("pump") / "demo"
    shutil.copytree(prepared[0], directory)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        gateway = runner.run(stack.enter_async_context(session.opened(directory)))
        yield runner, gateway
        runner.run(stack.aclose())


@pytest.fixture
def told_story(
    running: tuple[asyncio.Runner, Gateway], payload: bytes, tmp_path: Path
) -> Callable[..., None]:
    """Tell a story about a gateway whose recipient answers."""
    runner, gateway = running

    def tell(
        story: Story, answer: Any = lambda _: Answer(204), text: str = QUICK, **more: Any
    ) -> None:
        empty = ("delivery", "breaker", "kept")
        for table in empty:
            gateway.log.beside(lambda store, table=table: store.write(f"DELETE FROM {table}", [()]))
        directory = tmp_path / "deployment"
        shutil.copytree(gateway.deployment.directory, directory)
        configure(directory, text)
        with recipient(answer) as to:
            register(directory, url=to.address, **more)
            read = replace(read_deployment(directory), directory=gateway.deployment.directory)
            runner.run(story(replace(gateway, deployment=read), to, payload))

    return tell


def test_what_a_dead_gateway_held_is_pushed_by_another(told_story):
    async def story(gateway, to, payload):
        one = await released(gateway, payload)
        row = row_of(gateway.log, one)
        until_ = now_ms() + 400
        gateway.log.beside(lambda store: outbox.lease(store, [row], "dead", until_))
        async with pumped(gateway):
            await until(lambda: state_of(gateway, one), "delivered")
        assert now_ms() > until_
        assert row_of(gateway.log, one).attempts == 2

    told_story(story)


def test_what_takes_long_is_held(told_story):
    """Two gateways: while one is at it, the other one keeps away."""

    def slow(_: Any) -> Answer:
        time.sleep(1.2)
        return Answer(204)

    async def story(gateway, to, payload):
        async with pumped(gateway), pumped(gateway):
            one = await released(gateway, payload)
            await until(lambda: state_of(gateway, one), "delivered")
        assert len(to.asked) == 1

    told_story(story, slow, QUICK.replace("lease_seconds = 2", "lease_seconds = 0.6"))


def test_an_address_that_fails_is_left_alone_and_then_tried_again(told_story):
    told = iter([Answer(500), Answer(500), *[Answer(204)] * 9])

    async def story(gateway, to, payload):
        sent = [await released(gateway, payload) for _ in range(4)]
        read = "SELECT failures FROM breaker WHERE open_until > ?"
        async with pumped(gateway):
            await until(lambda: gateway.log.rows(read, (now_ms(),)), [(2,)])
            await asyncio.sleep(0.3)
            assert len(to.asked) == 2
            over = {(RECIPIENT, "main"): (2, now_ms())}
            gateway.log.beside(lambda store: outbox.note_health(store, over))
            for one in sent:
                await until(lambda one=one: state_of(gateway, one), "delivered")
        assert gateway.log.rows("SELECT failures, open_until FROM breaker") == [(0, 0)]

    text = QUICK.replace("breaker_seconds = 0.2", "breaker_seconds = 600\nbreaker_failures = 1")
    told_story(story, lambda _: next(told), text, concurrency=2)


def test_an_address_that_asks_for_peace_is_left_in_peace(told_story):
    async def story(gateway, to, payload):
        one, two = [await released(gateway, payload) for _ in range(2)]
        async with pumped(gateway):
            await until(lambda: row_of(gateway.log, one).rule, "push.http_429")
            row = row_of(gateway.log, one)
            assert row.due - row.time >= 60_000
            await asyncio.sleep(0.4)
        assert (row_of(gateway.log, two).attempts, len(to.asked)) == (0, 1)

    told_story(story, lambda _: Answer(429, headers={"Retry-After": "60"}))


def test_several_go_at_once_where_the_address_allows(told_story):
    together = threading.Barrier(3)

    def raw(connection: Any) -> None:
        together.wait(10)  # opens only where three are under way at once
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    async def story(gateway, to, payload):
        sent = [await released(gateway, payload) for _ in range(3)]
        async with pumped(gateway):
            for one in sent:
                await until(lambda one=one: state_of(gateway, one), "delivered")

    told_story(story, lambda _: Answer(raw=raw), concurrency=3)


def test_pushes_that_hang_keep_no_others_back_while_many_requests_wait(told_story, monkeypatch):
    monkeypatch.setattr(Watch, "under_way", 1000)
    hanging, end = 9, threading.Event()
    calls = itertools.count()

    def answer(_: Any) -> Answer:
        return Answer(raw=lambda _: end.wait(20)) if next(calls) < hanging else Answer(204)

    async def story(gateway, to, payload):
        sent = [await released(gateway, payload) for _ in range(hanging + 2)]
        async with pumped(gateway):
            await until(lambda: [state_of(gateway, one) for one in sent].count("delivered"), 2)
            assert len(to.asked) == hanging + 2
            end.set()

    told_story(story, answer, concurrency=hanging + 2)


def test_what_was_leased_while_a_gateway_stopped_is_given_back(told_story, monkeypatch):
    leasing, lease = threading.Event(), outbox.lease

    def slow(*given: Any) -> None:
        lease(*given)
        leasing.set()
        time.sleep(0.2)

    async def story(gateway, to, payload):
        one = await released(gateway, payload)
        with monkeypatch.context() as slowed:
            slowed.setattr(outbox, "lease", slow)
            async with pumped(gateway):
                await asyncio.to_thread(leasing.wait, 10)
        row = row_of(gateway.log, one)
        assert (row.state, row.attempts, row.leased, row.leased_until) == ("waiting", 1, "", 0)
        assert to.asked == []

    told_story(story)


def test_nothing_is_pushed_to_this_machine(told_story):
    async def story(gateway, to, payload):
        one = await released(gateway, payload)
        async with pumped(gateway):
            await until(lambda: row_of(gateway.log, one).rule, "outbound.address")
        row = row_of(gateway.log, one)
        assert (row.state, row.begun, to.asked) == ("waiting", 0, [])

    told_story(story, network="private")


def test_what_may_be_taken(told_story):
    async def story(gateway, to, payload):
        sent = [await released(gateway, payload) for _ in range(4)]
        log, now = gateway.log, now_ms()
        wide = Lane(RECIPIENT, "main", 3, 6)

        def taken(lane: Lane, room: int = 9) -> list[str]:
            return [row.transfer for row in outbox.takeable(log.rows, lane, now, room)]

        def health(failures: int, open_until: int) -> None:
            log.beside(lambda store: outbox.note_health(store, {wide.key: (failures, open_until)}))

        assert (taken(LANE), taken(wide), taken(wide, 2)) == (sent[:1], sent[:3], sent[:2])
        health(0, now + 1)
        assert (taken(LANE), taken(wide)) == ([], [])
        health(6, now)
        assert taken(wide) == sent[:1]
        health(5, 0)
        assert taken(wide) == sent[:3]
        first = outbox.takeable(log.rows, wide, now, 1)
        log.beside(lambda store: outbox.lease(store, first, "other", now + 5000))
        assert (taken(LANE), taken(wide)) == ([], sent[1:3])
        health(6, now)
        assert taken(wide) == []
        # Whatever the oldest waits for, all wait for, where one goes at a time.
        health(0, 0)
        waits = replace(row_of(log, sent[0]), due=now + 9, rule="push.http_500")
        log.beside(lambda store: outbox.settle(store, [waits], "nobody"))
        assert row_of(log, sent[0]).leased == "other"  # it is not nobody's to settle
        log.beside(lambda store: outbox.settle(store, [waits], "other"))
        assert (taken(LANE), taken(wide)) == ([], sent[1:])

    told_story(story)


def test_what_arrived_is_told_to_the_log_after_a_crash(deployment, payload):
    async def crashed() -> list[str]:
        async with session.opened(deployment) as gateway:
            one, two = [await released(gateway, payload) for _ in range(2)]
            row = row_of(gateway.log, one)
            done = replace(row, state="delivered", attempts=1)
            gateway.log.beside(lambda store: outbox.lease(store, [row], "x", now_ms()))
            gateway.log.beside(lambda store: outbox.settle(store, [done], "x"))
            gateway.log.destroy("content", two)
            return [one, two]

    async def again(names: list[str]) -> None:
        # The start closes what never left, and does not say so of what was pushed.
        async with session.opened(deployment) as gateway:
            assert [gateway.log.state(name) for name in names] == ["open", "not_released"]
            async with pumped(gateway):
                await until(lambda: gateway.log.state(names[0]), "delivered")
                await until(lambda: row_of(gateway.log, names[1]).rule, "push.content_gone")

    register(deployment, url="http://127.0.0.1:9")
    asyncio.run(again(asyncio.run(crashed())))


def begin(log: Log, transfer: str) -> None:
    """As if it was tried once."""
    row = row_of(log, transfer)
    assert row is not None
    log.beside(lambda store: outbox.lease(store, [row], "x", now_ms() + 60_000))


def test_time_recall_and_drop_say_of_a_push_only_what_is_known(told_story):
    async def story(gateway, to, payload):
        log = gateway.log
        sent = [await released(gateway, payload) for _ in range(6)]
        for one in sent[::2]:
            begin(log, one)
        for one in sent[:2]:
            mended.drop(log, row_of(log, one), NOW)
        desk = Desk.of(gateway)
        told = custody.recall(desk, sent[2:4], "breach")
        assert [one["state"] for one in told] == ["requested", "never_left"]
        passed(replace(desk, clock=lambda: now_ms() + 73 * 3_600_000))
        for one, state in zip(sent, ["delivered", "not_released"] * 3, strict=True):
            await until(lambda one=one: log.state(one), state)
        assert [row_of(log, one).rule for one in sent[:2]] == ["push.dropped"] * 2
        mended.drop(log, row_of(log, sent[0]), NOW)  # twice is no fault
        assert mended.redrive(log, [row_of(log, sent[0])], NOW) == []

    told_story(story)


def test_what_was_delivered_is_not_dropped(told_story):
    async def story(gateway, to, payload):
        one = await released(gateway, payload)
        async with pumped(gateway):
            await until(lambda: state_of(gateway, one), "delivered")
        with pytest.raises(SenderError, match="delivered"):
            mended.drop(gateway.log, mended.one(gateway.log, one), NOW)
        with pytest.raises(SenderError, match="no such push"):
            mended.one(gateway.log, new_id())
        assert len(mended.listed(gateway.log, mended.Wanted("delivered", RECIPIENT))) == 1
        assert mended.listed(gateway.log, mended.Wanted("dead")) == []

    told_story(story)


def test_an_address_that_is_registered_no_more(told_story):
    async def story(gateway, to, payload):
        one = await released(gateway, payload)
        parties = dict(gateway.deployment.parties)
        parties[RECIPIENT] = {**parties[RECIPIENT], "endpoints": []}
        gateway = replace(gateway, deployment=replace(gateway.deployment, parties=parties))
        async with pumped(gateway):
            await until(lambda: row_of(gateway.log, one).rule, "push.no_endpoint")
        assert (state_of(gateway, one), to.asked) == ("dead", [])
        assert [name for name, _ in gateway.log.waiting(RECIPIENT, "", 9)] == [one]
        assert endpoint_named(None, "main") is None

    told_story(story)


def test_nothing_is_pushed_under_an_agreement_that_ended(told_story, monkeypatch):
    async def story(gateway, to, payload):
        one = await released(gateway, payload)
        ended = "INSERT INTO standing VALUES ('agreement', ?, '1', 'suspended', '', '', 0)"
        gateway.log.beside(lambda store: store.write(ended, [(AGREEMENT,)]))
        async with pumped(gateway):
            await until(lambda: state_of(gateway, one), "dead")
        row = row_of(gateway.log, one)
        assert (row.rule, row.begun, to.asked) == ("agreement.not_active", 0, [])
        gateway.log.beside(
            lambda store: store.write("DELETE FROM standing WHERE id = ?", [(AGREEMENT,)])
        )

    told_story(story)


def test_large_content_is_read_apart_and_lost_content_is_noticed(told_story, monkeypatch):
    monkeypatch.setattr(pumping, "LARGE", 10)

    async def story(gateway, to, payload):
        one, two = [await released(gateway, payload) for _ in range(2)]
        gateway.log.destroy("content", two)
        async with pumped(gateway):
            await until(lambda: state_of(gateway, one), "delivered")
            await until(lambda: row_of(gateway.log, two).rule, "push.content_gone")
        assert len(to.asked) == 1
        assert gateway.log.kept("content", one) is None

    told_story(story)


def test_content_that_is_damaged_is_not_sent(told_story):
    async def story(gateway, to, payload):
        one = await released(gateway, payload)
        broken = "UPDATE kept SET value = ? WHERE kind = 'content' AND key = ?"
        gateway.log.beside(lambda store: store.write(broken, [(b"x" * 100, one)]))
        async with pumped(gateway):
            await until(lambda: row_of(gateway.log, one).rule, "content.sealed")
        row = row_of(gateway.log, one)
        assert (row.state, row.begun, to.asked) == ("waiting", 0, [])

    told_story(story)


def test_a_store_that_fails_for_a_moment_loses_nothing(told_story, monkeypatch, told):
    monkeypatch.setattr(pumping, "TROUBLE_SECONDS", 0.01)

    async def story(gateway, to, payload):
        gateway.log.beside(lambda store: store.write("ALTER TABLE breaker RENAME TO b", [()]))
        async with pumped(gateway):
            one = await released(gateway, payload)
            await until(lambda: b"delivery.failed" in told.buffer.getvalue())
            gateway.log.beside(lambda store: store.write("ALTER TABLE b RENAME TO breaker", [()]))
            await until(lambda: state_of(gateway, one), "delivered")

    told_story(story)


def test_a_new_secret_is_used_at_once(deployment):
    def write(value: str) -> None:
        path = deployment / "keys" / "secrets.json"
        path.write_text(json.dumps({"s": value}))
        path.chmod(0o600)

    async def run() -> None:
        clients, read = Clients(), read_deployment(deployment)
        endpoint = {
            "id": "e", "url": "https://a.example", "auth": {"kind": "signature", "secret": "s"},
        }  # fmt: skip
        write("one")
        first = clients.client(read, "p", endpoint)
        assert clients.client(read, "p", endpoint)[0] is first[0]
        write("other")
        second = clients.client(read, "p", endpoint)
        assert (first[1], second[1], first[0] is second[0]) == ("one", "other", False)
        assert not first[0].is_closed
        await clients.close()
        assert first[0].is_closed
        assert second[0].is_closed

    asyncio.run(run())


# What an attempt means

ROW = Row("t", "p", "e", "f", "a", "waiting", 0, NOW, "me", NOW + 9, 0, "", None, NOW)
SETTINGS = DeliverySettings()


@given(st.integers(1, 10_000))
def test_waits_grow_to_a_bound_and_are_any_moment_of_it(attempts):
    seconds = [ledger.wait(attempts, SETTINGS) for _ in range(8)]
    assert all(0 <= one <= min(2.0 * 2 ** min(attempts - 1, 20), 900) for one in seconds)
    assert len(set(seconds)) > 1


def test_a_name_that_stands_twice_is_one_address(prepared):
    read = read_deployment(prepared[0])
    one = {"id": "main", "system": "webhook", "url": "https://a.example", "formats": ["hxl"]}
    pulled = {"id": "other", "system": "kobo", "url": "https://a.example"}
    party = {**read.parties[RECIPIENT], "endpoints": [one, {**one, "concurrency": 9}, pulled]}
    gone = {**party, "id": "org:gone", "status": "suspended"}
    read = replace(read, parties={RECIPIENT: party, "org:gone": gone})
    assert outbox.lanes_of(read) == [LANE]


def test_what_an_attempt_makes_of_a_row():
    after = ledger.after_attempt(ROW, Told((Outcome(0, "accepted"),)), SETTINGS, NOW)
    assert (after.state, after.attempts, after.begun) == ("delivered", 1, 1)
    after = ledger.after_attempt(ROW, refused("push.refused"), SETTINGS, NOW)
    assert (after.state, after.rule) == ("dead", "push.refused")
    after = ledger.after_attempt(ROW, later("push.http_429", after=3600), SETTINGS, NOW)
    assert (after.state, after.due) == ("waiting", NOW + 3_600_000)
    unsent = Told((), "outbound.connect", again=True, begun=False)
    assert ledger.after_attempt(ROW, unsent, SETTINGS, NOW).begun == 0
    assert ledger.after_attempt(replace(ROW, begun=1), unsent, SETTINGS, NOW).begun == 1
    last = replace(ROW, attempts=SETTINGS.max_attempts - 1)
    assert ledger.after_attempt(last, unsent, SETTINGS, NOW).state == "dead"


def test_what_an_attempt_says_of_its_address():
    health = ledger.Health(4, 0)
    health.note(refused("push.content_gone", begun=False), LANE, SETTINGS, NOW)
    assert (health.failures, health.open_until) == (4, 0)
    health.note(later("outbound.timeout"), LANE, SETTINGS, NOW)
    assert (health.failures, health.open_until) == (5, NOW + 60_000)
    health.note(later("push.http_503", after=90), LANE, SETTINGS, NOW)
    assert (health.failures, health.open_until) == (6, NOW + 90_000)
    health.note(refused("push.refused"), LANE, SETTINGS, NOW)
    assert (health.failures, health.open_until) == (0, 0)


STATES = st.sampled_from(("accepted", "refused", "unknown"))


@given(st.lists(STATES, max_size=40))
def test_outcomes_are_counted_and_what_was_taken_is_known_again(states):
    packed = ledger.pack([Outcome(n, state) for n, state in enumerate(states)])
    said = ledger.shown(replace(ROW, outcomes=packed))
    assert said["records"] == {
        name: states.count(name) for name in ("accepted", "refused", "unknown")
    }
    taken = {n for n, state in enumerate(states) if state == "accepted"}
    assert ledger.taken_of(packed) == taken
    assert {one["index"] for one in said["outcomes"]} == set(range(len(states))) - taken


def test_a_record_that_is_refused_twice_is_one():
    twice = [Outcome(0, "accepted"), Outcome(0, "refused", "a"), Outcome(0, "refused", "b")]
    said = ledger.shown(replace(ROW, outcomes=ledger.pack(twice), rule="push.refused"))
    assert said["records"] == {"accepted": 0, "refused": 1, "unknown": 0}
    assert [one["code"] for one in said["outcomes"]] == ["a", "b"]
    assert said["rule"] == "push.refused"
    assert ledger.taken_of(None) == frozenset()


# PostgreSQL


def test_the_same_where_the_log_is_in_postgresql(deployment, database, payload):
    configure(deployment, QUICK + f'\n[log]\nstore = "postgresql"\ndatabase = "{database}"\n')
    shutil.rmtree(deployment / "data")
    held = read_deployment(deployment)
    key = read_keys(deployment).log
    Log.create(held.data, origin=held.settings.gateway.origin, key=key, gateway="gw-1").close()
    told = iter([Answer(500), *[Answer(204)] * 3, *[Answer(400)] * 9])

    async def run() -> None:
        async with session.opened(deployment) as gateway, pumped(gateway):
            sent = [await released(gateway, payload) for _ in range(3)]
            for one in sent:
                await until(lambda one=one: state_of(gateway, one), "delivered")
                await until(lambda one=one: gateway.log.state(one), "delivered")
            assert row_of(gateway.log, sent[0]).outcomes is not None
            assert gateway.log.waiting(RECIPIENT, "", 9) == []
            assert outbox.unsaid(gateway.log) == []
            assert outbox.hopeless(gateway.log, gateway.deployment, NOW) == []
            assert len(mended.listed(gateway.log, mended.Wanted("delivered"))) == 3
            dead = await released(gateway, payload)
            await until(lambda: state_of(gateway, dead), "dead")
            mended.redrive(gateway.log, mended.listed(gateway.log, mended.Wanted("dead")), NOW)
            mended.drop(gateway.log, mended.one(gateway.log, dead), NOW)

    with recipient(lambda _: next(told)) as to:
        register(deployment, url=to.address)
        asyncio.run(run())
    assert len(to.asked) >= 5
