"""Large payloads over HTTP: packed, sealed, carried as jobs, taken back, resumed."""

import asyncio
import gzip
import hashlib
import shutil
import threading
import time
from dataclasses import replace

import httpx
import orjson
import pytest
import zstandard

from gateway import arrival, deliver, session
from gateway.arrival import Arrival
from gateway.bulk import intake, job_rows, jobs
from gateway.bulk.intake import Body
from gateway.demo import served
from gateway.deployment import new_bearer
from gateway.errors import GatewayError
from gateway.terms import Asked, terms_of
from tests.bulk_world import ASKED, ndjson, submissions

TERMS = {
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "format": "kobo",
}
SETTINGS = """
[bulk]
part_bytes = 50000
job_bytes = 150000
body_limit_bytes = 6000000
workers = 1
lease_seconds = 2
free_bytes = 0
"""
LATER = {"Prefer": "respond-async"}


class World:
    def __init__(self, directory, client, tokens) -> None:
        self.directory, self.client = directory, client
        self.sender, self.recipient, self.stranger = (
            {"Authorization": f"Bearer {one}"} for one in tokens
        )

    def post(self, content, *, path="/v1/transfers", headers=None, **terms):
        return self.client.post(
            path,
            params={**TERMS, **terms},
            content=content,
            headers={**self.sender, **(headers or {})},
        )

    def state(self, place: str, **more) -> dict:
        return self.client.get(place, headers=more.get("of", self.sender)).json()

    def over(self, place: str) -> dict:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            told = self.state(place)
            if told["state"] not in ("queued", "running", "cancelling"):
                return told
            time.sleep(0.05)
        raise AssertionError(told)

    def emptied(self) -> bool:
        """The row of a job and its file end shortly after the entry is there."""
        deadline = time.monotonic() + 10
        while self.files() and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self.files()

    def files(self) -> list[str]:
        folder = self.directory / "data" / intake.FOLDER
        return sorted(path.name for path in folder.glob("*"))


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    directory = tmp_path_factory.mktemp("bulk-http") / "demo"
    shutil.copytree(prepared[0], directory)
    settings = directory / "corridor.toml"
    settings.write_text(settings.read_text() + SETTINGS)
    others = ("org:sante-sans-rivages", "org:border-directorate")
    tokens = (prepared[1], *(new_bearer(directory, one) for one in others))
    with served(directory) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield World(directory, client, tokens)


SMALL = ndjson(submissions(3))
LARGE = ndjson(submissions(150))


def packed(coding: str, content: bytes) -> bytes:
    if coding == "gzip":
        return gzip.compress(content)
    if coding == "zstd":
        return zstandard.compress(content)
    return content


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "zstd", "identity"])
def test_a_packed_body_is_its_content(world, coding):
    plain = world.post(SMALL, path="/v1/preview").json()
    body = packed(coding.removeprefix("x-"), SMALL)

    answer = world.post(body, path="/v1/preview", headers={"Content-Encoding": coding})

    assert answer.json() == plain
    assert plain["details"]["records"]["read"] > 3


def test_gzip_may_have_several_members(world):
    body = gzip.compress(SMALL[:700]) + gzip.compress(SMALL[700:])

    answer = world.post(body, path="/v1/preview", headers={"Content-Encoding": "gzip"})

    assert answer.status_code == 200


BOMB = bytes(5_000_000)
CUT = gzip.compress(SMALL)[:-9]


@pytest.mark.parametrize(
    ("coding", "body", "status", "rule"),
    [
        ("gzip", CUT, 400, "body.not_packed"),
        ("gzip", b"{}", 400, "body.not_packed"),
        ("zstd", zstandard.compress(SMALL)[:-4], 400, "body.not_packed"),
        ("zstd", zstandard.compress(SMALL) + b"more", 400, "body.not_packed"),
        ("zstd", b"{}", 400, "body.not_packed"),
        ("gzip", gzip.compress(BOMB), 413, "body.expansion"),
        ("zstd", zstandard.compress(BOMB), 413, "body.expansion"),
        ("gzip", gzip.compress(LARGE * 25, 1), 413, "body.too_large"),
        ("br", SMALL, 415, "body.encoding"),
        ("gzip, gzip", SMALL, 415, "body.encoding"),
        ("identity", bytes(6_000_001), 413, "body.too_large"),
    ],
)
def test_a_bad_body_is_refused_and_leaves_nothing(world, coding, body, status, rule):
    before = world.files()

    answer = world.post(body, headers={"Content-Encoding": coding})

    assert (answer.status_code, answer.json()["rule"]) == (status, rule)
    assert world.files() == before


def test_a_body_without_a_length_is_bounded_too(world):
    answer = world.post(iter([bytes(1_000_000)] * 7))

    assert (answer.status_code, answer.json()["rule"]) == (413, "body.too_large")
    assert world.files() == []


def test_a_disk_without_room_takes_nothing(world, monkeypatch):
    full = shutil.disk_usage(world.directory)._replace(free=0)
    monkeypatch.setattr(intake.shutil, "disk_usage", lambda _: full)
    monkeypatch.setattr(intake, "HELD", 1000)

    answer = world.post(LARGE)

    assert (answer.status_code, answer.json()["rule"]) == (503, "bulk.disk_full")
    assert world.files() == []


def test_a_large_payload_is_a_job_and_its_content_is_fetched_once(world, monkeypatch):
    monkeypatch.setattr(intake, "HELD", 10_000)

    answer = world.post(LARGE)

    assert answer.status_code == 202
    assert answer.json()["state"] == "queued"
    assert answer.headers["Preference-Applied"] == "respond-async"
    place = answer.headers["Location"]
    told = world.over(place)
    assert (told["state"], told["outcome"]) == ("open", "released")
    assert "subjects" in told
    content = world.client.get(f"{place}/content", headers=world.sender)
    assert content.status_code == 200
    assert len(orjson.loads(content.content)["entry"]) > 300
    assert world.client.get(f"{place}/content", headers=world.sender).status_code == 410
    assert world.emptied()


def test_a_caller_may_ask_for_a_job(world):
    answer = world.post(SMALL, headers=LATER)

    assert answer.status_code == 202
    assert world.over(answer.headers["Location"])["outcome"] == "released"


def test_a_job_that_cannot_be_done_says_why(world):
    answer = world.post(LARGE + b'{"_id": \n', headers=LATER)

    told = world.over(answer.headers["Location"])

    assert told["state"] == "failed"
    assert told["problem"]["rule"] == "json.truncated"
    assert told["problem"]["status"] == 422
    assert told["problem"]["type"].endswith("/json.truncated")
    assert told["problem"]["act"] == "sender"
    assert world.emptied()
    gone = world.client.delete(answer.headers["Location"], headers=world.sender)
    assert (gone.status_code, gone.json()["rule"]) == (409, "job.over")


def test_the_same_key_is_the_same_job(world):
    key = {**LATER, "Idempotency-Key": "k-1"}

    first, second = world.post(SMALL, headers=key), world.post(SMALL, headers=key)
    told = world.over(first.headers["Location"])
    third, other = world.post(SMALL, headers=key), world.post(LARGE, headers=key)

    assert told["outcome"] == "released"
    assert second.headers["Location"] == first.headers["Location"] == third.headers["Location"]
    assert (third.status_code, third.headers["Idempotency-Replayed"]) == (200, "true")
    assert (other.status_code, other.json()["rule"]) == (409, "idempotency.conflict")
    assert world.emptied()


def test_nobody_else_hears_of_a_job(world):
    place = world.post(SMALL, headers={**LATER, "Idempotency-Key": "k-2"}).headers["Location"]
    nowhere = "/v1/transfers/01920000-0000-7000-8000-000000000000"

    for who in (world.stranger,):
        for ask in (world.client.get, world.client.delete):
            mine, none = ask(place, headers=who), ask(nowhere, headers=who)
            assert mine.status_code == none.status_code == 404
            assert mine.json() == none.json()
    world.over(place)


def test_the_content_of_a_large_transfer_waits_in_a_sealed_file(world, monkeypatch):
    monkeypatch.setattr(deliver, "MAX_ROW", 1000)
    place = world.post(SMALL, deliver="inbox").headers["Location"]
    transfer = place.rpartition("/")[2]
    [path] = (world.directory / "data" / deliver.FOLDER).glob(f"{transfer}.*")
    stored = path.read_bytes()

    content = world.client.get(f"{place}/content", headers=world.recipient)

    assert content.status_code == 200
    assert int(content.headers["Content-Length"]) == len(content.content)
    assert orjson.loads(content.content)["resourceType"] == "Bundle"
    assert b"Bundle" not in stored
    assert not path.exists()
    again = world.client.get(f"{place}/content", headers=world.recipient)
    assert (again.status_code, again.json()["rule"]) == (410, "content.gone")


# What a crash leaves


def opened(directory, work):
    async def main():
        async with session.opened(directory) as gateway:
            return await work(gateway)

    return asyncio.run(main())


def accepted(gateway, content=LARGE, key=None, said=b""):
    terms = terms_of(ASKED, gateway.deployment, gateway.known)
    of = Arrival(lambda _: terms, content, key, evidence=said)
    body = Body(content, len(content), hashlib.sha256(content).digest())
    return jobs.accept(gateway, ASKED, terms, body, of)


class State:
    def __init__(self, gateway) -> None:
        self.gateway = gateway


async def until_over(state, transfer, patience=12):
    working = asyncio.create_task(jobs.work_jobs(state))
    try:
        for _ in range(patience * 50):
            job = job_rows.find(state.gateway.log, transfer)
            if job.state in ("done", "failed", "cancelled"):
                return job
            await asyncio.sleep(0.02)
        raise AssertionError(job)
    finally:
        working.cancel()
        await asyncio.wait([working])


@pytest.fixture
def mine(deployment):
    settings = deployment / "corridor.toml"
    settings.write_text(settings.read_text() + SETTINGS)
    return deployment


def held(gateway, transfer) -> str:
    return gateway.log.state(transfer)


def test_a_job_whose_process_died_is_done_by_another(mine):
    async def begun(gateway):
        job = accepted(gateway)
        # The lease of a process that is no more has run out a while ago.
        taken = job_rows.taken(gateway.log, "dead", -1000, {job.file})
        assert taken.transfer == job.transfer
        assert job_rows.find(gateway.log, job.transfer).state == "running"
        return job

    async def done(gateway):
        found = await until_over(State(replace(gateway, bulk=None)), job.transfer)
        return (
            found.state,
            gateway.log.state(job.transfer),
            gateway.log.kept("request", job.transfer),
        )

    job = opened(mine, begun)
    state, release, _ = opened(mine, done)

    assert (state, release) == ("done", "open")
    assert not list((mine / "data" / intake.FOLDER).iterdir())


def test_a_process_that_was_taken_for_dead_ends_nothing(mine):
    async def main(gateway):
        job = accepted(gateway)
        slow = job_rows.taken(gateway.log, "slow", -1000, {job.file})
        job_rows.taken(gateway.log, "other", 60_000, {job.file})
        wanted = job_rows.moved(gateway.log, slow, "slow", 60_000, ("reading", 1, 1))
        await jobs._Carrying(State(gateway), "slow", slow)._over("cancelled")
        return wanted, job_rows.find(gateway.log, job.transfer)

    wanted, job = opened(mine, main)

    assert not wanted
    assert (job.state, job.leased) == ("running", "other")
    assert (mine / "data" / intake.FOLDER / job.file).exists()


def test_gateways_that_share_a_folder_see_each_other_s_payloads(mine, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    settings = mine / "corridor.toml"
    settings.write_text(settings.read_text().replace("[bulk]", f'[bulk]\nfolder = "{shared}"'))

    async def main(gateway):
        job = accepted(gateway)
        assert (shared / intake.FOLDER / job.file).exists()
        done = await until_over(State(replace(gateway, bulk=None)), job.transfer)
        return done.state

    assert opened(mine, main) == "done"
    assert not list((shared / intake.FOLDER).iterdir())


def test_a_job_that_was_logged_before_its_process_died_is_not_done_again(mine):
    async def main(gateway):
        job = accepted(gateway)
        state = State(replace(gateway, bulk=None))
        await until_over(state, job.transfer)
        size = gateway.log.size()
        gateway.log.beside(
            lambda store: store.write(
                "UPDATE job SET state = 'running', leased_until = 0 WHERE transfer = ?",
                [(job.transfer,)],
            )
        )
        (mine / "data" / intake.FOLDER / job.file).touch()
        await until_over(state, job.transfer)
        return size, gateway.log.size()

    before, after = opened(mine, main)

    assert before == after


def test_a_job_is_given_back_when_the_gateway_stops(mine, monkeypatch):
    async def main(gateway):
        job = accepted(gateway)
        begun = asyncio.Event()

        async def never(state, brought):
            begun.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(arrival, "carry", never)
        working = asyncio.create_task(jobs.work_jobs(State(gateway)))
        await asyncio.wait_for(begun.wait(), 10)
        running = job_rows.find(gateway.log, job.transfer).state
        working.cancel()
        await asyncio.wait([working])
        return running, job_rows.find(gateway.log, job.transfer)

    running, found = opened(mine, main)

    assert running == "running"
    assert (found.state, found.leased) == ("queued", "")


def test_a_job_under_way_can_be_taken_back(mine):
    async def main(gateway):
        job = accepted(gateway)
        running = threading.Event()

        async def slow(asking, content, commitments):
            from gateway.bulk import progress

            while True:
                running.set()
                progress.said("reading", 1)
                await asyncio.sleep(0.01)

        from gateway import exchange

        before, exchange.chunked.judged = exchange.chunked.judged, slow
        try:
            working = asyncio.create_task(until_over(State(gateway), job.transfer))
            assert await asyncio.to_thread(running.wait, 10)
            said = jobs.cancelled(gateway, job.transfer, "org:amal-relief")
            return said.state, (await working).state, gateway.log.find(job.transfer)
        finally:
            exchange.chunked.judged = before

    said, state, index = opened(mine, main)

    assert (said, state, index) == ("cancelling", "cancelled", None)
    assert not list((mine / "data" / intake.FOLDER).iterdir())


def test_a_job_in_line_is_taken_back_at_once(mine):
    async def main(gateway):
        job = accepted(gateway)
        first = jobs.cancelled(gateway, job.transfer, "org:amal-relief")
        again = jobs.cancelled(gateway, job.transfer, "org:amal-relief")
        return first.state, again.state, job_rows.find(gateway.log, job.transfer)

    first, again, row = opened(mine, main)

    assert (first, again) == ("cancelled", "cancelled")
    assert row.terms == b""
    assert not list((mine / "data" / intake.FOLDER).iterdir())


@pytest.mark.parametrize(("attempts", "state"), [(0, "done"), (4, "failed")])
def test_a_failure_of_ours_is_tried_again_for_a_while(mine, monkeypatch, attempts, state):
    real, failed = arrival.carry, []

    async def once(state, brought):
        if not failed:
            failed.append(1)
            raise GatewayError("the log is busy", rule="log.busy")
        return await real(state, brought)

    monkeypatch.setattr(arrival, "carry", once)

    async def main(gateway):
        job = accepted(gateway)
        written = replace(job.asked, attempts=attempts).written()
        gateway.log.beside(lambda s: s.write("UPDATE job SET terms = ?", [(written,)]))
        return await until_over(State(replace(gateway, bulk=None)), job.transfer)

    found = opened(mine, main)

    assert found.state == state
    if state == "failed":
        assert orjson.loads(found.problem)["rule"] == "log.busy"


def test_too_many_open_jobs_are_refused(mine):
    async def main(gateway):
        bulk = gateway.deployment.settings.bulk.model_copy(update={"open_jobs_per_party": 1})
        settings = gateway.deployment.settings.model_copy(update={"bulk": bulk})
        gateway = replace(gateway, deployment=replace(gateway.deployment, settings=settings))
        accepted(gateway)
        with pytest.raises(GatewayError) as caught:
            accepted(gateway)
        return caught.value.rule, caught.value.http_status

    assert opened(mine, main) == ("job.too_many", 429)
    assert len(list((mine / "data" / intake.FOLDER).iterdir())) == 1


def test_what_nobody_needs_is_swept(mine, monkeypatch):
    async def main(gateway):
        data = gateway.deployment.data
        job = accepted(gateway)
        lost = data / intake.FOLDER / f"lost{intake.SUFFIX}"
        lost.write_bytes(b"x")
        content = deliver.file_of("01920000-0000-7000-8000-000000000000", b"key", data)
        content.parent.mkdir(exist_ok=True)
        content.write_bytes(b"x")
        jobs.sweep(gateway)
        young = lost.exists(), content.exists()
        monkeypatch.setattr(jobs, "YOUNG_SECONDS", -10)
        monkeypatch.setattr(deliver, "YOUNG_MS", -10_000)
        jobs.sweep(gateway)
        return young, lost.exists(), content.exists(), (data / intake.FOLDER / job.file).exists()

    assert opened(mine, main) == ((True, True), False, False, True)


def test_a_job_that_waited_too_long_is_not_done(mine):
    async def main(gateway):
        job = accepted(gateway)
        gateway.log.beside(lambda store: store.write("UPDATE job SET expires = 1", [()]))
        found = await until_over(State(gateway), job.transfer)
        return found.state, orjson.loads(found.problem)["rule"], gateway.log.find(job.transfer)

    assert opened(mine, main) == ("failed", "job.expired", None)


def test_a_sender_s_word_goes_with_its_job(mine):
    async def main(gateway):
        job = accepted(gateway, said=b"what was signed")
        brought = jobs._Carrying(State(gateway), "me", job)._arrival()
        with brought.content.open() as file:
            return job.terms, brought.evidence, file.read(), brought.transfer == job.transfer

    terms, said, content, same = opened(mine, main)

    assert (said, content, same) == (b"what was signed", LARGE, True)
    assert b"what was signed" not in terms


def test_asked_is_kept_as_it_was_said():
    asked = job_rows.Asked({"sender": "org:a"}, "aa", "once", "bb", attempts=2)

    assert job_rows.Asked(**orjson.loads(asked.written())) == asked
    assert Asked(**{name: getattr(ASKED, name) for name in Asked.__dataclass_fields__}) == ASKED
