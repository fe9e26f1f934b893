"""Polling, against local servers that page and filter as the vendors' own do."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from starlette.datastructures import State
from typer.testing import CliRunner

from gateway import arrival, following, session
from gateway.cli import app
from gateway.demo import prepare
from gateway.errors import GatewayError, OfficerError, SenderError
from gateway.routes import cursor, pulling
from gateway.routes.envelopes import items
from gateway.routes.pulling import Report, pull, pull_routes
from gateway.routes.taking import Taking, taking_of
from tests.conftest import DEMO
from tests.vendors.pulled import apis
from tests.vendors.pulled.world import add_endpoint, add_mappings, add_route
from tests.vendors.pushed.server import Answer, Asked, Recipient, recipient
from tests.vendors.pushed.server import json as answered

SIZE = "household_status/size_h_c"
FIRST = 1777593600
"""2026-05-01T00:00:00Z, the moment of record 0."""

OPTIONS = {
    "kobo": lambda form: {"asset": form},
    "ona": lambda _: {"form": "77"},
    "odk": lambda _: {"project": "7", "form": "families v2"},
    "commcare": lambda form: {"domain": form},
    "forms": lambda form: {"domain": form, "kind": "forms"},
    "primero": lambda form: {"kind": form},
    "dhis2": lambda _: {"kind": "trackedEntities", "query.program": "pRogRamAbCd"},
    "rapidpro": lambda _: {"kind": "contacts"},
}
APIS = {
    "kobo": apis.Kobo,
    "ona": apis.Ona,
    "odk": apis.Odk,
    "commcare": apis.CommCareCases,
    "forms": apis.CommCareForms,
    "primero": apis.Primero,
    "dhis2": apis.Dhis2,
    "rapidpro": apis.RapidPro,
}
FORMS = [f"form{number}" for number in range(30)]
"""Of Kobo, one for each test."""


def when(number: int) -> str:
    return f"2026-05-01T{number // 60:02d}:{number % 60:02d}:00"


def record(system: str, number: int, moment: str, payload: bytes) -> dict[str, Any]:
    """A household of a system, changed at a moment."""
    if system == "kobo":
        one: dict[str, Any] = json.loads(payload)["results"][0]
        name = f"00000000-0000-4000-8000-{number:012d}"
        names = {"_uuid": name, "meta/instanceID": f"uuid:{name}", "_id": number}
        return {**one, **names, "_submission_time": moment}
    makes: dict[str, Callable[[], dict[str, Any]]] = {
        "ona": lambda: {"_uuid": f"o{number}", "_xform_id_string": "f", "size": 4,
                        "_submission_time": moment, "meta/instanceID": f"uuid:o{number}"},
        "odk": lambda: {"__id": f"uuid:k{number}", "size": 4, "__system": {
            "submissionDate": f"{moment}.000Z", "updatedAt": None}},
        "commcare": lambda: {"case_id": f"c{number}", "case_type": "h",
                             "properties": {"size": "4"}, "indexed_on": f"{moment}.000000Z",
                             "server_last_modified": f"{moment}.000000Z"},
        "primero": lambda: {"id": f"p{number}", "size": 4, "consent_for_services": True,
                            "disclosure_other_orgs": True, "module_id": "primeromodule-cp",
                            "last_updated_at": f"{moment}.000Z"},
        "dhis2": lambda: {"trackedEntity": f"tEi{number:08d}", "trackedEntityType": "tYpEoFhOuse",
                          "orgUnit": "oRgUnItAbCd", "updatedAt": f"{moment}.000",
                          "attributes": [{"attribute": "hOuseSize01", "value": "4"}]},
        "forms": lambda: {"id": f"f{number}", "form": {"size": "4", "@name": "n"},
                          "received_on": f"{moment}.000000Z", "indexed_on": f"{moment}.000000Z"},
        "rapidpro": lambda: {"uuid": f"r{number}", "name": "x", "urns": ["tel:+1"],
                             "modified_on": f"{moment}.000000Z", "groups": [], "fields": {},
                             "results": {"size": {"value": "4"}}},
    }  # fmt: skip
    return makes[system]()


class Form:
    """One route, and the form or list of the server that it asks."""

    def __init__(self, world: "World", system: str, route: str, payload: bytes) -> None:
        self.world, self.system, self.route, self.payload = world, system, route, payload
        self.api = world.apis[route]

    def has(self, number: int, moment: str = "") -> None:
        one = record(self.system, number, moment or when(number), self.payload)
        self.api.records.append(one)

    async def asked(self, since: str = "") -> Report:
        state = self.world.state
        return await pull(state, state.gateway.deployment.routes[self.route], since)

    def pull(self, since: str = "") -> Report:
        return self.world.run(self.asked(since))

    @property
    def kept(self) -> cursor.Cursor:
        return cursor.read(self.world.state.gateway.log, self.route)

    @property
    def requests(self) -> int:
        paths = [one.path.partition("?")[0] for one in self.world.asked.asked]
        return paths.count(self.api.path)


class World:
    """An open gateway with a route for each test, and the server they ask."""

    def __init__(self, directory: Path, runner: asyncio.Runner) -> None:
        self.directory, self.run = directory, runner.run
        self.apis: dict[str, apis.Api] = {}
        self.state = State()
        self.asked = Recipient()

    def answer(self, asked: Asked) -> Answer:
        path = asked.path.partition("?")[0]
        found = [one for one in self.apis.values() if one.path == path]
        return found[0](asked) if found else Answer(404)

    def add(self, route: str, system: str, **more: Any) -> None:
        self.apis[route] = APIS[system](route)
        options = {**OPTIONS[system](route), "page_size": "3", **more.pop("options", {})}
        of = "commcare" if system == "forms" else system
        asks = {"endpoint": of, "options": options, **more.pop("pull", {})}
        terms = {"mapping": "commcare-forms-households"} if system == "forms" else {}
        add_route(self.directory, route, of, pull=asks, terms=terms, **more)


@pytest.fixture(scope="module")
def world(prepared: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("pull") / "demo"
    shutil.copytree(prepared[0], directory)
    add_mappings(directory)
    with ExitStack() as stack:
        made = World(directory, stack.enter_context(asyncio.Runner()))
        made.asked = stack.enter_context(recipient(made.answer))
        for system in APIS:
            if system != "forms":
                add_endpoint(directory, system, made.asked.address)
            made.add(f"a-{system}", system, options={"overlap_minutes": "0"})
        for form in FORMS:
            made.add(form, "kobo", options={"overlap_minutes": "0"})
        made.add("moving", "primero")
        made.add("both-ways", "commcare")
        made.add("often", "kobo", pull={"every_minutes": 1})
        made.add("closed", "kobo", pull={"every_minutes": 1}, status="suspended")
        made.add("broken", "kobo", pull={"every_minutes": 1}, options={"page_size": "0"})
        opened = AsyncExitStack()
        gateway = made.run(opened.enter_async_context(session.opened(directory)))
        stack.callback(lambda: made.run(opened.aclose()))
        made.state = State({"gateway": gateway})
        stack.callback(lambda: made.run(following.close(made.state)))
        yield made


@pytest.fixture
def form(world: World, payload: bytes, request: pytest.FixtureRequest) -> Form:
    """A Kobo form nobody asked for yet."""
    world.asked.asked.clear()
    return Form(world, "kobo", FORMS_LEFT.pop(), payload)


FORMS_LEFT = [*FORMS]


@pytest.fixture
def make(world: World, payload: bytes) -> Callable[[str, str], Form]:
    return lambda route, system: Form(world, system, route, payload)


@pytest.mark.parametrize("system", sorted(APIS))
def test_each_system_is_asked_to_its_end_and_then_for_what_is_new(make, system):
    form = make(f"a-{system}", system)
    for number in range(8):
        form.has(number)
    first, again = form.pull(), form.pull()
    form.has(100)
    third = form.pull()

    # A protection case is no household registration: policy refuses each, and that is an answer.
    what = "refused" if system == "primero" else "released"
    assert first.rule == again.rule == third.rule == ""
    assert first.counts == {what: 8}, first.said()
    assert set(again.counts) == {"repeated"}
    assert third.counts[what] == 1
    assert third.records <= 4


def test_a_hook_and_a_poll_bring_the_same_record_once(make):
    form = make("both-ways", "commcare")
    form.has(1)
    forwarded = {"case_id": "c1", "properties": {"size": "4", "case_type": "h"},
                 "server_date_modified": when(1) + "Z"}  # fmt: skip
    state = form.world.state
    route = state.gateway.deployment.routes["both-ways"]
    brought = items("commcare", json.dumps(forwarded).encode(), {})
    [taken] = form.world.run(taking_of(state).take(route, brought))

    assert (taken.outcome, form.pull().counts) == ("released", {"repeated": 1})


def test_two_gateways_that_get_the_same_record_carry_it_once(form):
    """Neither knows of the other: the log's transaction decides. Kobo writes each attempt anew."""
    state = form.world.state
    route = state.gateway.deployment.routes[form.route]
    form.has(1)
    texts = [json.dumps({**form.api.records[0], "_status": one}).encode() for one in ("a", "b")]

    async def both() -> list[Any]:
        each = [Taking(state).take(route, items("kobo", text, {})) for text in texts]
        return [taken for found in await asyncio.gather(*each) for taken in found]

    found = form.world.run(both())
    assert sorted(one.outcome for one in found) == ["released", "repeated"]
    assert len({one.transfer for one in found}) == 1


def test_on_postgresql_too(payload, database, tmp_path):
    directory = tmp_path / "demo"
    shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns("keys", "data"))
    with (directory / "corridor.toml").open("a") as file:
        file.write(f'\n[log]\nstore = "postgresql"\ndatabase = "{database}"\n')
    prepare(directory)
    with asyncio.Runner() as runner:
        world = World(directory, runner)
        with recipient(world.answer) as world.asked:
            add_endpoint(directory, "kobo", world.asked.address)
            world.add("asked", "kobo")
            form = Form(world, "kobo", "asked", payload)
            for number in range(4):
                form.has(number)

            async def work() -> list[Report]:
                async with session.opened(directory) as gateway:
                    world.state = State({"gateway": gateway})
                    return [await form.asked(), await form.asked()]

            first, again = runner.run(work())
    assert (first.rule, first.counts) == ("", {"released": 4})
    assert (again.rule, again.counts) == ("", {"repeated": 4})


def test_many_at_one_moment_are_all_read(form):
    for number in range(8):
        form.has(number, when(5))
    assert form.pull().counts == {"released": 8}
    assert form.requests < 8


def test_what_moves_while_it_is_read_is_not_missed(make):
    """A case that changes between two pages moves to the end, and the others move up."""
    form = make("moving", "primero")
    for number in range(7):
        form.has(number)

    def changed() -> None:
        form.api.records[0]["last_updated_at"] = when(50) + ".000Z"

    form.api.before = [lambda: None, changed]
    assert form.pull().counts == {"refused": 8}  # the first one twice: it changed


def test_a_faulty_record_is_told_and_does_not_block(form):
    for number in range(5):
        form.has(number)
    form.api.records[1][SIZE] = "many"
    first, kept = form.pull(), form.kept

    assert (first.rule, first.counts) == ("", {"released": 4, "faulty": 1})
    assert [(one["page"], one["index"]) for one in first.faults] == [(1, 1)]
    assert "many" not in str(first.said())
    assert (kept.left, kept.left_since // 1_000_000) == (1, FIRST + 60)
    assert kept.at // 1_000_000 == FIRST + 240
    # What comes later does not make it forgotten.
    form.has(30)
    assert form.pull().counts["released"] == 1
    assert (form.kept.left, form.kept.left_since // 1_000_000) == (1, FIRST + 60)
    # Mended, it is found again from where it was left, and nothing is left then.
    form.api.records[1][SIZE] = "4"
    assert form.pull("2026-05-01T00:00:00Z").counts == {"released": 1, "repeated": 5}
    assert (form.kept.left, form.kept.left_since) == (0, 0)


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (Answer(500), "pull.answer"),
        (Answer(401), "pull.denied"),
        (Answer(404), "pull.missing"),
        (Answer(429, headers={"Retry-After": "3600"}), "pull.busy"),
        (Answer(302, headers={"Location": "http://127.0.0.1:1/"}), "pull.answer"),
        (Answer(200, b"<html>"), "pull.page"),
        (answered({"results": 3}), "pull.page"),
        (answered({"results": [{"x": 1}], "next": "?a=1", "count": 9}), "pull.circle"),
    ],
)
def test_what_stops_it_leaves_the_cursor_where_it_was(form, answer, rule):
    for number in range(5):
        form.has(number)
    form.api.before = [lambda: None, *([lambda: answer] * 9)]

    assert (form.pull().rule, form.kept.rule) == (rule, rule)
    assert form.kept.at // 1_000_000 == FIRST + 120  # the first page is carried, and counts
    form.api.before = []
    # What could not be read the first time comes now, once.
    assert form.pull().counts["released"] == 2
    assert form.kept.rule == ""


def test_a_system_that_wants_patience_gets_it(form):
    form.has(1)
    busy = [Answer(429, headers={"Retry-After": "0"})]
    busy.append(Answer(503, headers={"Retry-After": "Mon, 01 Jan 2024 00:00:00 GMT"}))
    form.api.before = [lambda one=one: one for one in busy]
    assert form.pull().counts == {"released": 1}
    assert form.requests == 3


def test_one_that_stays_busy_is_left_alone(form):
    form.api.before = [lambda: Answer(503, headers={"Retry-After": "0"})] * 9
    assert form.pull().rule == "pull.busy"
    assert form.requests == pulling.TRIES


def test_waiting_grows_where_nothing_is_said():
    assert [pulling._patience("", number) for number in (1, 2)] == [2.0, 4.0]
    assert pulling._patience("soon", 1) == 2.0


def test_the_gateway_failing_stops_it_and_it_goes_on_later(form, monkeypatch):
    for number in range(5):
        form.has(number)
    log = form.world.state.gateway.log
    whole = log.permit

    def refuses() -> None:
        raise GatewayError("not now", rule="log.stopped")

    form.api.before = [lambda: None, lambda: setattr(log, "permit", refuses)]
    try:
        report = form.pull()
    finally:
        log.permit = whole
    assert (report.rule, report.counts) == ("log.stopped", {"released": 3, "failed": 2})
    form.api.before = []
    assert form.pull().counts["released"] == 2


def test_one_record_that_makes_the_gateway_fail_is_left_behind(form, monkeypatch):
    """A fault of ours with one record must not hold up all that come after it."""
    for number in range(4):
        form.has(number)
    real = arrival.carry

    async def carry(state: State, one: Any) -> Any:
        if b'"_id":1,' in one.content:
            raise ValueError("quotes what it choked on")
        return await real(state, one)

    monkeypatch.setattr(arrival, "carry", carry)
    report = form.pull()
    assert (report.rule, report.counts) == ("", {"released": 3, "faulty": 1})
    assert [(one["index"], one["rule"]) for one in report.faults] == [(1, "gateway.failed")]


def test_what_fails_once_is_carried_the_second_time(form, monkeypatch):
    for number in range(3):
        form.has(number)
    real, failing = arrival.carry, [GatewayError("busy", rule="log.busy")]

    async def carry(state: State, one: Any) -> Any:
        if failing:
            raise failing.pop()
        return await real(state, one)

    monkeypatch.setattr(arrival, "carry", carry)
    assert form.pull().counts == {"released": 3}


def test_a_sender_that_is_suspended_meanwhile_stops_it(form, monkeypatch):
    for number in range(4):
        form.has(number)
    real = arrival.carry

    async def carry(state: State, one: Any) -> Any:
        if b'"_id":3,' in one.content:
            raise SenderError("suspended", rule="party.suspended", status=403)
        return await real(state, one)

    monkeypatch.setattr(arrival, "carry", carry)
    assert form.pull().rule == "party.suspended"
    monkeypatch.setattr(arrival, "carry", real)
    assert form.kept.at // 1_000_000 == FIRST + 120
    assert form.pull().counts["released"] == 1


def test_what_was_refused_may_leave_when_something_else_stands(form):
    form.has(1)
    form.api.records[0]["consent/consent_h_c"] = "0"
    state, early = form.world.state, "2026-05-01T00:00:00Z"
    found = [form.pull(early).counts, form.pull(early).counts]
    gateway = state.gateway
    state.gateway = replace(gateway, epoch=gateway.epoch + 1)
    try:
        found += [form.pull(early).counts, form.pull(early).counts]
    finally:
        state.gateway = gateway
    # The same version, for another agreement or other policies stand now; and again only once.
    assert found == [{"refused": 1}, {"repeated": 1}] * 2


def test_only_one_asks_at_a_time(form):
    form.has(1)

    async def both() -> list[Report]:
        return list(await asyncio.gather(form.asked(), form.asked()))

    assert sorted(one.rule for one in form.world.run(both())) == ["", "pull.under_way"]


def test_whose_lease_was_taken_over_stops(form):
    for number in range(4):
        form.has(number)
    log = form.world.state.gateway.log
    other = "UPDATE cursor SET leased = ? WHERE route = ?"

    def taken() -> None:
        log.beside(lambda store: store.write(other, [("other", form.route)]))

    form.api.before = [taken]
    assert form.pull().rule == "pull.under_way"
    assert not cursor.save(log, form.route, cursor.Cursor(9), "nobody")
    assert not cursor.lease(log, form.route, "third")


def test_routes_are_asked_as_often_as_they_say(make, monkeypatch, told):
    """One that is asked, one that is suspended, and one that cannot be asked."""
    form = make("often", "kobo")
    form.has(1)
    monkeypatch.setattr(pulling, "LOOK_SECONDS", 0.02)

    async def beside() -> bool:
        task = asyncio.create_task(pull_routes(form.world.state))
        for _ in range(400):
            await asyncio.sleep(0.02)
            if form.kept.asked and form.kept.at:
                break
        await asyncio.sleep(0.2)
        running = not task.done()
        task.cancel()
        await asyncio.wait([task])
        return running

    assert form.world.run(beside())
    assert form.kept.at // 1_000_000 == FIRST + 60
    assert form.requests == 1
    assert not make("closed", "kobo").kept.asked
    lines = [json.loads(line) for line in told.buffer.getvalue().splitlines()]
    [said] = [one for one in lines if one["event"] == "pull.failed"]
    assert (said["route"], said["rule"]) == ("broken", "route.option")


@pytest.mark.parametrize(
    "options", [{"asset": ""}, {"asset": ".."}, {"page_size": "0"}, {"overlap_minutes": "x"}]
)
def test_options_are_checked(form, options):
    state = form.world.state
    route = state.gateway.deployment.routes[form.route]
    asks = {**route["pull"], "options": {**route["pull"]["options"], **options}}
    with pytest.raises(OfficerError) as error:
        form.world.run(pull(state, {**route, "pull": asks}))
    assert error.value.rule == "route.option"


def test_a_system_that_cannot_be_asked(form):
    state = form.world.state
    route = state.gateway.deployment.routes[form.route]
    with pytest.raises(OfficerError) as error:
        form.world.run(pull(state, {**route, "system": "ushahidi"}))
    assert error.value.rule == "route.no_pull"


@pytest.fixture
def lone(deployment: Path, payload: bytes) -> Iterator[Form]:
    """A deployment of its own with one route, for commands."""
    shutil.rmtree(deployment / "routes", ignore_errors=True)
    add_mappings(deployment)
    with asyncio.Runner() as runner:
        world = World(deployment, runner)
        with recipient(world.answer) as world.asked:
            add_endpoint(deployment, "kobo", world.asked.address)
            world.add("asked", "kobo")
            yield Form(world, "kobo", "asked", payload)
    structlog.reset_defaults()


def test_the_commands(lone):
    world = lone
    world.has(1)
    world.has(2)
    world.api.records[1][SIZE] = "many"
    run = CliRunner().invoke
    folder = ["-d", str(lone.world.directory)]

    shown = run(app, ["pull", "asked", *folder])
    assert shown.exit_code == 1
    assert "asked: 2 records, 1 released, 1 faulty" in shown.stdout
    assert "page 1, record 2: value." in shown.stdout
    listed = run(app, ["route", "list", "--json", *folder])
    [row] = [one for one in json.loads(listed.stdout) if one["route"] == "asked"]
    assert (row["left"], row["left_since"], row["cursor"]) == (1, when(2) + "Z", when(2) + "Z")
    assert "asked" in run(app, ["route", "list", *folder]).stdout
    world.api.records.pop()
    done = run(app, ["pull", "--all", "--json", "--since", "2026-05-01T00:00:00Z", *folder])
    assert (done.exit_code, json.loads(done.stdout)[0]["counts"]) == (0, {"repeated": 1})
    for wrong in ([], ["asked", "--all"], ["asked", "--since", "yesterday"]):
        assert run(app, ["pull", *wrong, *folder]).exit_code == 2
    lone.api.path = ""
    stopped = run(app, ["pull", "asked", *folder])
    assert (stopped.exit_code, "stopped halfway: pull.missing" in stopped.stdout) == (1, True)
    unknown = run(app, ["pull", "none", *folder])
    assert (unknown.exit_code, "route.unknown" in unknown.stderr) == (1, True)


def test_routes_are_checked(lone):
    world = lone.world
    folder, run = ["-d", str(world.directory)], CliRunner().invoke
    fit = run(app, ["route", "check", *folder])
    assert (fit.exit_code, fit.stdout) == (0, "1 routes are fit\n")

    add_route(world.directory, "idle", "kobo", auth=None)
    path = world.directory / "routes" / "idle.yaml"
    path.write_text(path.read_text().replace("auth: null\n", ""))
    add_route(world.directory, "other", "kobo", terms={"purpose": "nothing"})
    add_route(world.directory, "asks", "ona", pull={"endpoint": "kobo"})
    add_route(world.directory, "asks2", "ona", pull={"endpoint": "kobo", "options": {"form": "1"}})
    add_route(world.directory, "asks3", "generic", pull={"endpoint": "kobo"})
    signed = {"kind": "signature", "secret": "none"}
    add_route(world.directory, "signed", "ushahidi", auth=signed)
    add_route(world.directory, "words", "kobo", auth={"kind": "bearer"})
    (world.directory / "keys" / "secrets.json").write_text("{}")
    found = run(app, ["route", "check", "--json", *folder])
    assert found.exit_code == 1
    assert {(one["route"], one["rule"]) for one in json.loads(found.stdout)} == {
        ("asked", "endpoint.secret"),
        ("idle", "route.idle"),
        ("other", "purpose.unknown"),
        ("asks", "route.option"),
        ("asks2", "route.system"),
        ("asks3", "format.unknown"),
        ("asks3", "route.no_pull"),
        ("signed", "route.secret"),
        ("words", "route.no_key"),
    }
    assert "route.idle" in run(app, ["route", "check", *folder]).stdout
