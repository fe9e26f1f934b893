"""A payload in parts says, and becomes, exactly what it does at once."""

import asyncio
import io
import os
import shutil
import signal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from gateway import adapter, cli_progress
from gateway.bulk import cutting, engine, message, work
from gateway.bulk.engine import LocalEngine
from gateway.bulk.looked import Apart, Together, marks_of
from gateway.bulk.progress import Progress, Unwanted, listened, said
from gateway.content import QUICK
from gateway.deployment import read_keys
from gateway.errors import GatewayError
from tests.bulk_world import World, ndjson, submissions

MANY = 60
"""Submissions of more than `QUICK` bytes together."""


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    directory = tmp_path_factory.mktemp("bulk") / "demo"
    shutil.copytree(prepared[0], directory)
    found = World(directory)
    yield found
    found.close()


def spoilt(found: list[dict], how: str) -> list[dict] | bytes:
    """Payloads that are harder to cut."""
    if how == "twice":
        return [*found, found[3]]
    if how == "conflict":
        return [*found, {**found[3], "household_location/address_h_c": "elsewhere"}]
    if how == "refused":
        return [
            {**one, "consent/consent_h_c": "0"} if n % 5 == 0 else one
            for n, one in enumerate(found)
        ]
    if how == "late":
        last = {**found[-1], "consent/consent_h_c": "0", "household_status/new_question": "x"}
        return [*found[:-1], last]
    if how == "unknown":
        return [{**one, f"group/question_{n % 3}": "1"} for n, one in enumerate(found)]
    if how == "broken":
        return ndjson(found[:40]) + b'{"_id": 1, \n' + ndjson(found[40:])
    if how == "wrong":
        return [*found[:50], {**found[50], "_uuid": 7, "meta/instanceID": 7}, *found[51:]]
    if how == "crlf":
        return ndjson(found).replace(b"\n", b"\r\n\r\n")
    return found


HOW = ("", "twice", "conflict", "refused", "late", "unknown", "broken", "wrong", "crlf")


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("target", ["fhir.r4", "fhir.r4.ndjson"])
def test_parts_come_to_what_the_whole_comes_to(world, how, target):
    payload = spoilt(submissions(MANY), how)
    payload = payload if isinstance(payload, bytes) else ndjson(payload)

    parts, whole, tasks = world.both(payload, target=target)

    assert tasks > 10
    assert parts == whole


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(41, 70),
    hows=st.lists(st.sampled_from(["", "refused", "late", "unknown"]), max_size=2),
    target=st.sampled_from(["fhir.r4", "geojson.seq", "geojson", "kobo"]),
)
def test_any_payload_in_parts_is_the_payload(world, seed, count, hows, target):
    found = submissions(count, seed)
    for how in hows:
        found = spoilt(found, how)

    parts, whole, _ = world.both(ndjson(found), target=target)

    assert parts == whole


def test_what_cannot_be_cut_is_worked_on_as_one(world):
    page = orjson.dumps({"count": MANY, "next": None, "results": submissions(MANY)})

    parts, whole, tasks = world.both(page)
    again, _, less = world.both(page)

    assert parts == whole == again
    assert tasks == 2  # read, then written: nobody knew what policy says
    assert less == 1


def test_a_fault_of_what_is_worked_on_as_one_is_told_as_always(world):
    page = orjson.dumps({"count": MANY, "next": None, "results": submissions(MANY)})[:-2]

    parts, whole, _ = world.both(page)

    assert parts == whole
    assert parts[0] == "json.truncated"


def test_a_transfer_that_is_refused_or_held_is_so_in_parts(world):
    payload = ndjson(submissions(MANY))
    for more in (
        {"purpose": "hum.health.care"},
        {"recipient": "org:border-directorate", "legal_basis": "lb.public"},
    ):
        parts, whole, _ = world.both(payload, **more)

        assert parts == whole
        assert parts[0] is None


def test_a_quick_payload_is_worked_on_at_once(world):
    payload = ndjson(submissions(3))
    assert len(payload) < QUICK

    _, _, tasks = world.both(payload)

    assert tasks == 0


# Cutting


def pieces(content: bytes, size: int, name="kobo", plan=None) -> list[bytes]:
    return list(cutting.parts(adapter.named(name), plan, io.BytesIO(content), size))


@given(st.lists(st.integers(0, 400), min_size=2, max_size=40), st.integers(16, 300))
def test_parts_are_whole_lines_and_nothing_is_lost(sizes, size):
    content = b"".join(orjson.dumps({"a": "x" * n}) + b"\n" for n in sizes)

    found = pieces(content, size)

    assert b"".join(found) == content
    assert all(part.endswith(b"\n") for part in found)


def test_a_document_over_several_lines_is_not_cut():
    for content in (b'{\n"a": 1}\n{"b": 2}\n', b'{"a": 1}', b"[1]\n[2]\n", b""):
        with pytest.raises(cutting.Uncut):
            pieces(content, 16)


def test_a_part_that_is_read_otherwise_than_the_first_is_not_cut():
    content = b'{"a": 1}\n' * 10 + b'{"id": "f", "submission": {}}\n' * 10

    with pytest.raises(cutting.Uncut):
        pieces(content, 90)


def test_a_table_is_cut_outside_quotes(deployment):
    from gateway.deployment import read_deployment

    plans = read_deployment(deployment).mappings.values()
    plan = next((one for one in plans if one.format == "tabular"), None)
    if plan is None:
        plan = type("Plan", (), {"format": "tabular", "document": {}})()
    rows = b"".join(b'%d,"a\nb ""c"" %d"\n' % (n, n) for n in range(50))

    found = pieces(b"id,note\n" + rows, 64, "tabular", plan)

    assert len(found) > 5
    assert all(part.startswith(b"id,note\n") for part in found)
    assert b"".join(part.removeprefix(b"id,note\n") for part in found) == rows
    assert all(part.count(b'"') % 2 == 0 for part in found)


@pytest.mark.parametrize(
    "start", [b'"id\nx",note\n1,2\n', b"\n1,2\n", b"PK\x03\x04rest", b"sep=;\na"]
)
def test_a_table_with_another_beginning_is_not_cut(start):
    plan = type("Plan", (), {"format": "tabular", "document": {}})()

    with pytest.raises(cutting.Uncut):
        pieces(start, 16, "tabular", plan)


# What parts say together


def look(**more):
    nothing = {"lineage": {}, "unmapped": [], "repeated": [], "present": [], "counts": {}}
    return {"count": 1, "twice": 0, **nothing, **more}


def person(name, **more):
    return {"record_type": "person", "record_id": name, **more}


def added(*parts):
    together = Together()
    for records in parts:
        together.add(look(count=len(records)), *marks_of(records, b"k"))
    return together


def test_one_id_in_two_parts_is_noticed():
    added([person("a/1")], [person("a/2")]).settle(alone=True)

    with pytest.raises(Apart):
        added([person("a/1")], [person("a/2"), person("a/1")]).settle(alone=False)


def test_a_reference_into_another_part_is_noticed():
    household = {
        "record_type": "household", "record_id": "a/h", "member_list": [{"member": "a/1"}],
    }  # fmt: skip

    added([household, person("a/1")], [person("a/2")]).settle(alone=True)
    added([household], [person("a/2")]).settle(alone=False)
    with pytest.raises(Apart):
        added([household], [person("a/2")]).settle(alone=True)
    with pytest.raises(Apart):
        added([household], [person("a/1")]).settle(alone=False)


def test_a_leaf_that_was_read_elsewhere_in_another_part_is_noticed():
    together = Together()
    together.add(look(lineage={"person.sex": "a"}), b"", b"")

    with pytest.raises(Apart):
        together.add(look(lineage={"person.sex": "a | b"}), b"", b"")


# Messages and engines


def test_an_answer_to_another_task_is_refused(prepared):
    key = message.message_key(read_keys(prepared[0]).content)
    one, other = (message.seal(key, message.TASK, {"n": n}, [b"x", b""]) for n in (1, 2))

    assert message.unseal(key, message.TASK, one) == ({"n": 1}, [b"x", b""])
    answer = message.seal(key, message.answers(one), {})
    with pytest.raises(GatewayError, match="not ours"):
        message.unseal(key, message.answers(other), answer)


def task_of(prepared, **more) -> bytes:
    key = message.message_key(read_keys(prepared[0]).content)
    header = {"epoch": 0, "source": "kobo", "mapping": None, "into": None, "today": "2026-01-01",
              "part": False, "marks": "00", "rulings": [], **more}  # fmt: skip
    return message.seal(key, message.TASK, header, [b"{"])


async def answered(found: LocalEngine, tasks: list[bytes]) -> list[bytes]:
    async def each():
        for task in tasks:
            yield task

    return [answer async for answer in found.run(each())]


def test_workers_answer_in_order_and_are_started_anew_when_they_die(prepared):
    key = message.message_key(read_keys(prepared[0]).content)
    tasks = [task_of(prepared) for _ in range(4)]

    async def main():
        found = LocalEngine(prepared[0], 1)
        try:
            first = await answered(found, tasks)
            for process in list(found._pool._processes.values()):
                os.kill(process.pid, signal.SIGKILL)
            return first, await answered(found, tasks)
        finally:
            await found.close()

    for answers in asyncio.run(main()):
        said = [
            message.unseal(key, message.answers(task), answer)[0]
            for task, answer in zip(tasks, answers, strict=True)
        ]
        assert [one["fault"][1] for one in said] == ["mapping.missing"] * 4


def dies(_: bytes) -> bytes:
    os._exit(3)


def test_a_task_that_workers_die_of_is_given_up(prepared, monkeypatch):
    monkeypatch.setattr(engine, "work", dies)
    monkeypatch.setattr(engine, "ATTEMPTS", 2)

    async def main():
        found = LocalEngine(prepared[0], 1)
        try:
            with pytest.raises(GatewayError) as caught:
                await answered(found, [b"x"])
            return caught.value.rule
        finally:
            await found.close()

    assert asyncio.run(main()) == "bulk.worker_died"


def test_a_worker_with_another_mapping_says_so(prepared):
    work.prepare(prepared[0])
    key = message.message_key(read_keys(prepared[0]).content)
    task = task_of(prepared, mapping=["kobo-registration", "sha256:other"])

    said, _ = message.unseal(key, message.answers(task), work.work(task))

    assert said["fault"][1] == work.STALE


def test_progress_is_told_and_can_be_stopped():
    told: list[tuple[str, int]] = []
    said("reading", 1)  # nobody listens
    with listened(Progress(tell=lambda one: told.append((one.step, one.done)))) as progress:
        said("reading", 5, 2)
        progress.wanted = False
        with pytest.raises(Unwanted):
            said("writing", 6)

    assert told == [("reading", 5), ("writing", 6)]
    assert progress.records == 2


def test_a_terminal_shows_how_far_a_large_payload_is(tmp_path, monkeypatch):
    payload, seen = tmp_path / "payload", io.StringIO()
    payload.write_bytes(bytes(100))
    monkeypatch.setattr(cli_progress, "LEAST", 50)
    for console in (Console(file=seen, force_terminal=False), Console(file=seen, width=100)):
        with cli_progress.shown(payload, console):
            said("reading", 60, 3)
        assert seen.getvalue() == ""

    with cli_progress.shown(payload, Console(file=seen, force_terminal=True, width=100)):
        said("writing", 60, 1234)

    assert "writing, 1,234 records" in seen.getvalue()
