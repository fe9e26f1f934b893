"""Pushing, from a release to the recipient's system, with real servers on both sides."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from gateway.audit import verify_log
from gateway.cli import app
from gateway.delivery.outbox import row_of
from gateway.demo import served
from gateway.deployment import new_bearer, read_deployment, read_keys
from gateway.log import Log
from tests.vendors.pushed.registered import AGREEMENT, QUICK, RECIPIENT, configure, register
from tests.vendors.pushed.server import Answer, Asked, Recipient, recipient

TERMS = {
    "agreement": AGREEMENT,
    "format": "kobo",
    "purpose": "hum.assist.registration",
    "to": RECIPIENT,
    "deliver": "push",
}


def run(*args: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def reader(deployment: Path) -> Log:
    return Log.open(deployment / "data", key=read_keys(deployment).log, gateway="gw-test")


class Answers:
    now: Callable[[Asked], Answer]

    def __call__(self, asked: Asked) -> Answer:
        return self.now(asked)


class World:
    """A gateway whose recipient is pushed to."""

    directory: Path
    answers: Answers

    def __init__(self, address: str, token: str, theirs: str, to: Recipient) -> None:
        self.address, self.to = address, to
        self.sender, self.theirs = (
            {"Authorization": f"Bearer {token}"},
            {"Authorization": f"Bearer {theirs}"},
        )

    def send(self, payload: bytes) -> str:
        answer = httpx.post(
            f"{self.address}/v1/transfers", params=TERMS, content=payload, headers=self.sender
        )
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"].rsplit("/", 1)[1]

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return httpx.get(f"{self.address}/v1/{path}", headers=headers or self.sender)

    def delivery(self, transfer: str) -> Any:
        return self.get(f"transfers/{transfer}/delivery").json()

    def until(self, transfer: str, **expected: Any) -> Any:
        """What is said of a push, as soon as it is as expected."""
        deadline = time.monotonic() + 10
        while True:
            said = self.delivery(transfer)
            if all(said.get(name) == value for name, value in expected.items()):
                return said
            assert time.monotonic() < deadline, said
            time.sleep(0.02)


@contextmanager
def world(
    deployment: Path, token: str, answer: Callable[[Asked], Answer], **endpoint: Any
) -> Iterator[World]:
    theirs = new_bearer(deployment, RECIPIENT)
    with recipient(answer) as to:
        register(deployment, url=to.address + "/in", **endpoint)
        with served(deployment) as address:
            yield World(address, token, theirs, to)


@pytest.fixture(scope="module")
def shared(prepared: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("shared") / "demo"
    shutil.copytree(prepared[0], directory)
    configure(directory, QUICK + "max_attempts = 3\nbreaker_failures = 9\n")
    answers = Answers()
    with world(directory, prepared[1], answers) as here:
        here.directory, here.answers = directory, answers
        yield here


@pytest.fixture
def here(shared: World) -> World:
    """One gateway for many tests, whose recipient answers well until it is told otherwise."""
    shared.answers.now = lambda _: Answer(204)
    shared.to.asked.clear()
    return shared


def test_what_is_released_arrives_and_is_destroyed(here, payload):
    transfer = here.send(payload)
    said = here.until(transfer, state="delivered")
    assert said["attempts"] == 1
    assert said["records"] == {"accepted": 1, "refused": 0, "unknown": 0}
    [asked] = here.to.asked
    assert asked.path == "/in"
    assert asked.headers["webhook-id"] == transfer == asked.headers["Idempotency-Key"]
    assert asked.json["resourceType"] == "Bundle"
    assert here.get("inbox", here.theirs).json()["items"] == []
    assert here.get(f"transfers/{transfer}/content", here.theirs).status_code == 410


def test_failures_are_tried_again_with_the_same_id(here, payload):
    told = iter([Answer(500), Answer(503), Answer(200)])
    here.answers.now = lambda _: next(told)
    transfer = here.send(payload)
    assert here.until(transfer, state="delivered")["attempts"] == 3
    assert {asked.headers["webhook-id"] for asked in here.to.asked} == {transfer}
    assert len({asked.body for asked in here.to.asked}) == 1


def test_while_it_is_pushed_it_is_in_no_inbox(here, payload):
    looked = threading.Event()

    def raw(connection: Any) -> None:
        looked.wait(10)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    here.answers.now = lambda _: Answer(raw=raw)
    transfer = here.send(payload)
    assert here.get("inbox", here.theirs).json()["items"] == []
    refused = here.get(f"transfers/{transfer}/content", here.theirs)
    assert (refused.status_code, refused.json()["rule"]) == (409, "content.pushed")
    assert here.delivery(transfer)["state"] == "waiting"
    looked.set()
    here.until(transfer, state="delivered")


def test_a_dead_letter_waits_in_the_inbox_and_is_redriven(here, payload):
    good = False
    here.answers.now = lambda _: Answer(200 if good else 500)
    first, second = here.send(payload), here.send(payload)
    for transfer in (first, second):
        said = here.until(transfer, state="dead")
        assert (said["attempts"], said["rule"]) == (3, "push.http_500")
    waiting = [one["transfer"] for one in here.get("inbox", here.theirs).json()["items"]]
    assert waiting == [first, second]
    fetched = here.get(f"transfers/{first}/content", here.theirs)
    assert fetched.json()["resourceType"] == "Bundle"
    good = True
    code, shown, said = run("delivery", "redrive", first, second, "-d", here.directory)
    assert (code, shown) == (1, "1 of 2 wait to be pushed again\n")  # the first was fetched
    assert here.until(second, state="delivered")["attempts"] == 1
    assert here.get("inbox", here.theirs).json()["items"] == []


def test_an_operator_looks_and_gives_up(here, payload):
    here.answers.now = lambda _: Answer(400)
    one, other = here.send(payload), here.send(payload)
    for transfer in (one, other):
        here.until(transfer, state="dead")
    at = ("-d", here.directory)
    code, shown, _ = run("delivery", "list", *at, "--state", "dead", "--json")
    assert (code, [each["transfer"] for each in json.loads(shown)][-2:]) == (0, [one, other])
    code, shown, _ = run("delivery", "list", *at, "--recipient", RECIPIENT)
    assert (code, one in shown, "dead" in shown) == (0, True, True)
    code, shown, _ = run("delivery", "show", one, *at)
    assert (code, json.loads(shown)["to"]) == (0, "main")
    assert json.loads(shown)["outcomes"] == [{"state": "refused", "code": "400"}]
    code, _, said = run("delivery", "show", "none", *at)
    assert (code, "delivery.none" in said) == (1, True)
    code, shown, _ = run("delivery", "drop", one, *at)
    assert (code, shown) == (0, "dropped, and its content destroyed\n")
    assert here.delivery(one)["rule"] == "push.dropped"
    assert here.get(f"transfers/{one}/content", here.theirs).status_code == 410
    here.answers.now = lambda _: Answer(204)
    code, _, said = run("delivery", "redrive", *at, "--recipient", RECIPIENT)
    assert (code, "gone" in said) == (1, True)
    here.until(other, state="delivered")
    for wrong in (
        ("list", *at, "--state", "odd"),
        ("redrive", *at),
        ("redrive", one, "--all", *at),
    ):
        assert run("delivery", *wrong)[0] == 2


def test_order_is_kept_where_one_goes_at_a_time(here, payload):
    ids: list[str] = []
    fails = 2

    def answer(asked: Asked) -> Answer:
        nonlocal fails
        if fails and len(ids) == 0:
            fails -= 1
            return Answer(500)
        ids.append(asked.headers["webhook-id"])
        return Answer(200)

    here.answers.now = answer
    sent = [here.send(payload) for _ in range(3)]
    here.until(sent[-1], state="delivered")
    assert ids == sent


def test_what_is_refused_is_not_tried_again(here, payload):
    here.answers.now = lambda _: Answer(422, b"Ada is no name")
    transfer = here.send(payload)
    said = here.until(transfer, state="dead")
    assert (said["attempts"], said["rule"]) == (1, "push.refused")
    assert said["outcomes"] == [{"state": "refused", "code": "422"}]
    assert here.get(f"transfers/{transfer}/delivery", here.theirs).json() == said
    stranger = {"Authorization": f"Bearer {new_bearer(here.directory, 'org:coordination-office')}"}
    assert here.get(f"transfers/{transfer}/delivery", stranger).status_code in (401, 404)


def test_a_redirect_is_not_followed(here, payload):
    with recipient(lambda _: Answer(200)) as inside:
        here.answers.now = lambda _: Answer(307, headers={"Location": inside.address})
        said = here.until(here.send(payload), state="dead")
        assert (said["rule"], inside.asked) == ("push.redirected", [])


def test_a_party_without_an_address_for_a_format_cannot_be_pushed_it(here, payload):
    asked = {**TERMS, "into": "hxl"}
    answer = httpx.post(
        f"{here.address}/v1/transfers", params=asked, content=payload, headers=here.sender
    )
    assert (answer.status_code, answer.json()["rule"]) == (422, "deliver.no_endpoint")
    asked = {**TERMS, "deliver": "inbox"}
    answer = httpx.post(
        f"{here.address}/v1/transfers", params=asked, content=payload, headers=here.sender
    )
    missing = here.get(answer.headers["Location"].removeprefix("/v1/") + "/delivery")
    assert (missing.status_code, missing.json()["rule"]) == (404, "delivery.none")


def test_what_is_under_way_when_a_gateway_stops_is_handed_back(deployment, token, payload):
    configure(deployment)
    theirs = new_bearer(deployment, RECIPIENT)
    hangs = True

    def answer(asked: Asked) -> Answer:
        return Answer(raw=lambda _: to.stopping.wait(20)) if hangs else Answer(200)

    with recipient(answer) as to:
        register(deployment, url=to.address)
        with served(deployment) as address:
            here = World(address, token, theirs, to)
            transfer = here.send(payload)
            while not to.asked:
                time.sleep(0.01)
        hangs = False
        read = read_deployment(deployment)
        with closing(reader(deployment)) as log:
            row = row_of(log, transfer)
        assert row is not None
        assert (row.state, row.leased, row.begun, row.rule) == (
            "waiting", "", 1, "push.interrupted",
        )  # fmt: skip
        with served(deployment) as address:
            here = World(address, token, theirs, to)
            here.until(transfer, state="delivered")
    assert not verify_log(deployment / "data", vkey=read.vkey()).problems


def test_the_log_says_that_it_arrived(here, payload):
    transfer = here.send(payload)
    here.until(transfer, state="delivered")
    deadline = time.monotonic() + 5
    while here.get(f"transfers/{transfer}").json()["state"] != "delivered":
        assert time.monotonic() < deadline
        time.sleep(0.05)
