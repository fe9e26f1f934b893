"""What people decide reaches every worker of a running gateway."""

import shutil
import threading
import time
from contextlib import ExitStack

import httpx
import pytest

from gateway import entry, log_view, session
from gateway.agreement import content_digest
from gateway.demo import served
from gateway.deployment import new_bearer, read_deployment, read_keys
from gateway.log import Log
from gateway.log_standing import digest_of
from gateway.policy import read_bundle

NAME = "agr:registration-2026"
TERMS = {"agreement": NAME, "purpose": "hum.assist.registration", "format": "kobo"}


@pytest.fixture
def world(prepared, tmp_path):
    """Two workers on one deployment, each a server with its own engine and its own log handle."""
    directory = tmp_path / "demo"
    shutil.copytree(prepared[0], directory)
    recipient = new_bearer(directory, "org:sante-sans-rivages")
    with ExitStack() as stack:
        workers = [stack.enter_context(served(directory)) for _ in range(2)]
        clients = [stack.enter_context(httpx.Client(base_url=one, timeout=30)) for one in workers]
        yield World(directory, clients, prepared[1], recipient)


class World:
    def __init__(self, directory, clients, sender, recipient) -> None:
        self.directory, self.clients = directory, clients
        self.sender = {"Authorization": f"Bearer {sender}"}
        self.recipient = {"Authorization": f"Bearer {recipient}"}

    def post(self, worker, payload, **more):
        return self.clients[worker].post(
            "/v1/transfers", params=TERMS | more, content=payload, headers=self.sender
        )

    def say(self, what, state, digest, *, name=NAME, version="1", documents=()):
        """What `corridor agreement` and `corridor policy` do, in a process of their own."""
        said = entry.control(
            gateway="demo-1", what=what, digest=digest, signers=["officer:dpo-1"],
            subject={"id": name, "version": version, "state": state},
            documents=[digest_of(value) for _, value in documents],
        )  # fmt: skip
        key = read_keys(self.directory).log
        with Log.open(self.directory / "data", key=key, gateway="cli-1") as log:
            return log.append(said, documents=documents).index

    def released(self):
        """Indexes of released transfers."""
        found = ((n, entry.parse(leaf)) for n, leaf in log_view.entries(self.directory / "data"))
        return [n for n, one in found if one.get("outcome") == "released"]

    def terminate(self):
        agreement = read_deployment(self.directory).agreements[NAME]
        return self.say("agreement", "terminated", content_digest(agreement))


def rules(answer):
    return [one["rule"] for one in answer.json()["details"]["objections"]]


def test_an_agreement_that_ends_ends_for_every_worker(world, payload):
    assert [world.post(worker, payload).status_code for worker in (0, 1)] == [201, 201]
    waiting = world.post(0, payload, deliver="inbox").headers["Location"]

    ended = world.terminate()

    # At once: no worker had a moment to notice by itself.
    for worker in (0, 1):
        answer = world.post(worker, payload)
        assert (answer.status_code, rules(answer)) == (403, ["agreement.not_active"])
    assert max(world.released()) < ended
    fetched = world.clients[1].get(f"{waiting}/content", headers=world.recipient)
    assert (fetched.status_code, fetched.json()["rule"]) == (403, "agreement.not_active")


def test_nothing_is_released_after_the_end_whatever_is_under_way(world, payload):
    answers = []

    def keep_asking(worker):
        for _ in range(30):
            answers.append(world.post(worker, payload).status_code)

    threads = [threading.Thread(target=keep_asking, args=(worker,)) for worker in (0, 1)]
    for thread in threads:
        thread.start()
    while answers.count(201) < 4:
        time.sleep(0.005)
    ended = world.terminate()
    for thread in threads:
        thread.join()

    assert set(answers) == {201, 403}
    assert len(world.released()) == answers.count(201)
    assert max(world.released()) < ended


def test_an_activated_bundle_answers_in_every_worker_and_the_folders_no_more(world, payload):
    local = world.directory / "policies"
    local.mkdir(exist_ok=True)
    (local / "mine.rego").write_text(
        'package local\n\nobjections contains {"rule": "local.closed", "fix": "Wait for June."}\n'
    )
    assert world.post(0, payload).status_code == 201  # in a folder is not in force
    bundle = read_bundle(session.POLICIES, local)
    packed = [("bundle", bundle.packed())]

    world.say("policy", "active", bundle.revision, name="policy", version="2", documents=packed)
    (local / "mine.rego").unlink()

    for worker in (0, 1):
        answer = world.post(worker, payload)
        assert (answer.status_code, rules(answer)) == (403, ["local.closed"])
        ready = world.clients[worker].get("/readyz").json()
        assert ready["bundle"] == bundle.revision


def test_policies_that_cannot_be_read_release_nothing(world, payload):
    world.say("policy", "active", "sha256:" + "7" * 64, name="policy", version="2")

    for worker in (0, 1):
        answer = world.post(worker, payload)
        assert (answer.status_code, answer.json()["rule"]) == (503, "log.superseded")
    assert world.released() == []


def test_a_worker_notices_without_being_asked(world):
    world.terminate()

    deadline = time.monotonic() + 10
    while True:
        pages = [client.get("/v1/agreements", headers=world.sender) for client in world.clients]
        states = [one["state"] for page in pages for one in page.json() if one["id"] == NAME]
        if states == ["terminated", "terminated"]:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
