"""Ways to lose, double or misreport work that were tried once and must stay closed."""

import asyncio
import time
from dataclasses import replace

import orjson
import pytest

from gateway import app, arrival, session
from gateway.arrival import Arrival
from gateway.bulk import intake, job_rows, jobs
from gateway.delivery import outbox
from gateway.delivery.outbox import row_of
from gateway.deployment import read_deployment, read_keys
from gateway.entry import new_id
from gateway.errors import OfficerError
from gateway.exchange import Transfer, exchange
from gateway.happenings.custody import Desk
from gateway.happenings.passed import passed
from gateway.log import Log, Superseded
from gateway.log_beside import Beside
from gateway.log_store import Unknown
from gateway.moments import now_ms
from gateway.subjects import commitments
from gateway.terms import terms_of
from tests import test_bulk_http, test_delivery_pump, test_routes, test_subjects
from tests.test_bulk_http import State, accepted, opened, until_over
from tests.test_delivery_pump import begin, pumped, released, state_of, until
from tests.test_subjects import DPO, carried, held_rows, page, rights, terms_in, told
from tests.vendors.pushed.registered import RECIPIENT

first, world = test_subjects.first, test_subjects.world
running, told_story = test_delivery_pump.running, test_delivery_pump.told_story
place, send, household = test_routes.place, test_routes.send, test_routes.household
mine = test_bulk_http.mine

MARKED = "SELECT count(*), count(DISTINCT position) FROM subject WHERE transfer = ?"


@pytest.mark.parametrize("end", [asyncio.CancelledError, Superseded])
def test_rows_about_people_of_an_attempt_that_died_stand_in_nobody_s_way(world, monkeypatch, end):
    directory, _, _ = world
    monkeypatch.setattr(commitments, "LEAVES", 2)

    def died(*_, **__):
        raise end

    async def again():
        async with session.opened(directory) as gateway:
            transfer = Transfer(new_id(), terms_in(gateway), page(0, 1))
            with monkeypatch.context() as torn:
                torn.setattr(Log, "submit", died)
                with pytest.raises(end):
                    await exchange(transfer, gateway)
            outcome = await exchange(transfer, gateway)
            outcome.released.close()
            [(rows, places)] = gateway.log.rows(MARKED, (transfer.id,))
            # Somebody who comes too late takes nothing of it back.
            late = commitments.Commitments(transfer.id, b"k" * 32, gateway.log)
            late._staged = True
            late.abandon()
            return rows, places, gateway.log.rows(MARKED, (transfer.id,))

    rows, places, after = asyncio.run(again())

    assert (rows, after) == (places, [(rows, places)])
    assert rows > 2


def test_a_job_whose_row_was_perhaps_written_keeps_its_payload(mine, monkeypatch):
    queued = job_rows.queued

    def lost(*given):
        queued(*given)
        raise Unknown("the connection was lost", rule="log.unavailable")

    async def main(gateway):
        with monkeypatch.context() as torn:
            torn.setattr(job_rows, "queued", lost)
            with pytest.raises(Unknown):
                accepted(gateway, key="k")
        job = accepted(gateway, key="k")  # the sender asks again, and it is there
        return (await until_over(State(replace(gateway, bulk=None)), job.transfer)).state

    assert opened(mine, main) == "done"
    assert not list((mine / "data" / intake.FOLDER).iterdir())


def test_a_job_that_nobody_can_do_comes_to_an_end(mine):
    async def main(gateway):
        job = accepted(gateway)
        (gateway.deployment.sealed / intake.FOLDER / job.file).unlink()
        gateway.log.beside(lambda store: store.write("UPDATE job SET expires = 1", [()]))
        jobs.sweep(gateway)
        found = job_rows.find(gateway.log, job.transfer)
        return found.state, orjson.loads(found.problem)["rule"], found.terms

    assert opened(mine, main) == ("failed", "job.expired", b"")


def test_a_job_under_way_is_not_begun_twice_when_its_lease_ran_out(mine, monkeypatch):
    begun = []

    async def slow(*_):
        begun.append(1)
        await asyncio.sleep(60)

    monkeypatch.setattr(arrival, "carry", slow)
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.02)

    async def main(gateway):
        job = accepted(gateway)
        working = asyncio.create_task(jobs.work_jobs(State(gateway)))
        while not begun:
            await asyncio.sleep(0.01)
        gateway.log.beside(lambda store: store.write("UPDATE job SET leased_until = 0", [()]))
        await asyncio.sleep(0.3)
        working.cancel()
        await asyncio.wait([working])
        return job_rows.find(gateway.log, job.transfer).state

    assert (opened(mine, main), len(begun)) == ("queued", 1)


@pytest.mark.parametrize(
    ("owner", "step", "change", "then"),
    [
        (commitments.Commitments, "_stage", "leased = 'other'", "running"),
        (Log, "submit", "leased = 'other'", "running"),
        (commitments.Commitments, "_stage", "state = 'cancelling'", "cancelled"),
        (Log, "submit", "state = 'cancelling'", "cancelled"),
    ],
)
def test_who_lost_a_job_writes_nothing_more_for_it(mine, monkeypatch, owner, step, change, then):
    monkeypatch.setattr(commitments, "LEAVES", 64)
    plainly = getattr(owner, step)

    async def main(gateway):
        def overtaken(*given, **named):
            gateway.log.beside(lambda store: store.write(f"UPDATE job SET {change}", [()]))
            return plainly(*given, **named)

        state = State(replace(gateway, bulk=None))
        accepted(gateway)
        job = job_rows.taken(gateway.log, "one", 60_000, set(jobs._files(gateway)))
        with monkeypatch.context() as torn:
            torn.setattr(owner, step, overtaken)
            await jobs._Carrying(state, "one", job).run()
        after = job_rows.find(gateway.log, job.transfer)
        assert (after.state, gateway.log.find(job.transfer)) == (then, None)
        if then == "cancelled":
            return
        await jobs._Carrying(state, "other", after).run()
        assert job_rows.find(gateway.log, job.transfer).state == "done"
        [(rows, places)] = gateway.log.rows(MARKED, (job.transfer,))
        assert rows == places > 64

    opened(mine, main)


def test_a_job_that_a_request_overtook_names_the_transfer(mine):
    async def main(gateway):
        state = State(replace(gateway, bulk=None))
        job = accepted(gateway, key="k")
        wanted = test_bulk_http.ASKED
        made = await arrival.carry(
            state,
            Arrival(
                lambda now: terms_of(wanted, now.deployment, now.known), test_bulk_http.LARGE, "k"
            ),
        )
        found = await until_over(state, job.transfer)
        return found.state, orjson.loads(found.problem), made.transfer

    state, problem, made = opened(mine, main)

    assert (state, problem["rule"], problem["at"]) == ("failed", "idempotency.repeated", made)


def test_an_objection_says_of_a_push_only_what_is_known(world):
    directory, _, person = world
    made = [carried(directory, page(1), deliver="inbox")[0][0].transfer for _ in range(2)]
    said = (RECIPIENT, "main", "fhir.r4", "agr", "waiting", 1, 0, "", 0, 1, "", 0)
    names = [name for name in outbox.COLUMNS if name != "outcomes"]

    def pushed(store):
        store.insert("delivery", names, [(made[0], *said)])

    def log():
        return Log.open(directory / "data", key=read_keys(directory).log, gateway="gw-1")

    with log() as one:
        one.beside(pushed)
    told(rights(directory, "object", *DPO, ids=person))
    with log() as one:
        states = [one.state(name) for name in made]

    assert states == ["delivered", "not_released"]


def test_what_a_dead_gateway_held_for_an_address_that_is_gone_is_no_more_waited_for(told_story):
    async def story(gateway, to, payload):
        one = await released(gateway, payload)
        row, past = row_of(gateway.log, one), now_ms() - 1
        gateway.log.beside(lambda store: outbox.lease(store, [row], "dead", past))
        parties = dict(gateway.deployment.parties)
        parties[RECIPIENT] = {**parties[RECIPIENT], "endpoints": []}
        gateway = replace(gateway, deployment=replace(gateway.deployment, parties=parties))
        async with pumped(gateway):
            await until(lambda: state_of(gateway, one), "dead")
        assert [name for name, _ in gateway.log.waiting(RECIPIENT, "", 9)] == [one]

    told_story(story)


def test_a_push_that_was_tried_and_destroyed_is_told_after_a_crash(told_story):
    async def story(gateway, to, payload):
        log = gateway.log
        one, other = [await released(gateway, payload) for _ in range(2)]
        for name in (one, other):
            begin(log, name)
            log.beside(lambda store: store.write("UPDATE delivery SET state = 'dead'", [()]))
        log.destroy("content", one)  # and here it died
        assert outbox.unsaid(log) == [one]

    told_story(story)


def test_erasure_leaves_no_mark_of_what_was_sent(world):
    directory, _, person = world
    made = carried(directory, page(1))[0][0].transfer
    deployment, keys = read_deployment(directory), read_keys(directory)
    columns = ("mark", "transfer", "route", "version", "time")
    beside = Beside("arrived", columns, (b"m", made, "kobo", b"v", 1))
    kept = ("kind", "key", "owner", "value", "expires")

    def rows(store):
        store.insert(beside.table, beside.columns, [beside.values])
        store.insert("kept", kept, [("signature", made, "org:amal-relief", b"s", 0)])

    with Log.open(deployment.data, key=keys.log, gateway="gw-1") as log:
        log.beside(rows)
    told(rights(directory, "erase", *DPO, ids=person))

    assert held_rows(directory, "SELECT mark FROM arrived") == []
    assert held_rows(directory, "SELECT key FROM kept WHERE kind = 'signature'") == []


def test_a_fault_of_an_officer_is_not_the_record_s(send, household, monkeypatch):
    async def unfit(*_):
        raise OfficerError("it is not fit", rule="mapping.broken")

    with monkeypatch.context() as broken:
        broken.setattr(arrival, "carry", unfit)
        answer = send("kobo", household)
    again = send("kobo", household)

    assert (answer.status_code, answer.json()["items"][0]["outcome"]) == (503, "failed")
    assert again.status_code == 201


def test_content_that_expires_during_a_round_is_not_destroyed_in_silence(told_story, monkeypatch):
    async def story(gateway, to, payload):
        log = gateway.log
        one, other = [await released(gateway, payload) for _ in range(2)]
        log.beside(
            lambda store: store.write(
                "UPDATE kept SET expires = ? WHERE kind = 'content' AND key = ?",
                [(now_ms() + 300, one), (1, other)],
            )
        )

        def slow(desk):
            passed(desk)
            while log.kept("content", one) is not None:
                time.sleep(0.01)

        monkeypatch.setattr(app, "passed", slow)
        sweeping = asyncio.create_task(app.sweep(State(gateway)))
        await until(lambda: log.state(other), "not_released")
        await asyncio.sleep(0.5)
        sweeping.cancel()
        passed(Desk.of(gateway))
        await until(lambda: log.state(one), "not_released")

    told_story(story)
