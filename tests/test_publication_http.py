"""The log over HTTP: C2SP tlog-tiles, who may read entries, and that reading is logged."""

import shutil
import time

import httpx
import pytest
from typer.testing import CliRunner

from gateway import log_view, note
from gateway.cli import app
from gateway.demo import served
from gateway.deployment import new_bearer, read_deployment
from gateway.entry import parse
from gateway.log_keys import LogKeys
from gateway.note import parse_key
from gateway.publication import trust
from gateway.publication.cosignature import WitnessKey
from gateway.publication.tiles import ENTRIES, pieces
from tests import published
from tests.published import a_witness, naive_root, unbundled

TERMS = {
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "format": "kobo",
}


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    """A server on a deployment of this module's own, with an auditor's and a party's key."""
    directory = tmp_path_factory.mktemp("published") / "demo"
    shutil.copytree(prepared[0], directory)
    made = CliRunner().invoke(app, ["log", "reader", "court-1", "-d", str(directory)])
    party = new_bearer(directory, "org:border-directorate")
    with served(directory) as address, httpx.Client(base_url=address, timeout=20) as client:
        yield World(directory, client, made.stdout.strip(), party)


class World:
    def __init__(self, directory, client, auditor, party):
        self.directory, self.client = directory, client
        self.auditor = {"Authorization": f"Bearer {auditor}"}
        self.party = {"Authorization": f"bearer {party}"}

    def get(self, path, headers=None):
        return self.client.get(f"/v1/log/{path}", headers=headers)

    def accesses(self):
        found = [parse(leaf) for _, leaf in log_view.entries(self.directory / "data")]
        return [(one["who"], one["what"]) for one in found if one["type"] == "access"]


def test_the_whole_log_is_read_and_holds(world):
    first = world.get("checkpoint")
    vkey = note.parse_vkey(read_deployment(world.directory).vkey())
    signed = note.open_checkpoint(first.text, vkey)
    found = {tile: world.get(tile.path, world.auditor) for tile in pieces(signed.size)}
    leaves = [
        leaf for tile, answer in found.items() if tile.level == ENTRIES
        for leaf in unbundled(answer.content)
    ]  # fmt: skip

    assert first.headers["content-type"] == "text/plain; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    assert {answer.status_code for answer in found.values()} == {200}
    assert naive_root(leaves) == signed.root
    for tile, answer in found.items():
        assert answer.headers["content-type"] == "application/octet-stream"
        assert ("no-store" in answer.headers["cache-control"]) == (tile.level == ENTRIES)


def test_entries_are_for_those_with_a_key_and_reading_them_is_logged_once(world):
    path = "tile/entries/000.p/1"

    for headers in ({}, {"Authorization": "Bearer no"}, {"Authorization": "Basic no"}):
        refused = world.get(path, headers)
        assert (refused.status_code, refused.json()["rule"]) == (401, "key.invalid")
    for _ in range(3):
        assert world.get(path, world.party).status_code == 200
        assert world.get(path, world.auditor).status_code == 200
    said = world.accesses()
    assert said.count(("org:border-directorate", "entries")) == 1
    assert said.count(("auditor:court-1", "entries")) == 1
    assert world.get("tile/0/000.p/1").status_code == 200  # hashes are public
    assert world.accesses() == said


def test_a_key_that_is_taken_away_ends_at_once(world):
    keys = world.directory / "keys" / "auditors.json"
    assert keys.stat().st_mode & 0o777 == 0o600
    held = keys.read_text()
    keys.write_text("{}")
    assert world.get("tile/entries/000.p/1", world.auditor).status_code == 401
    keys.write_text(held)
    assert world.get("tile/entries/000.p/1", world.auditor).status_code == 200


@pytest.mark.parametrize(
    "path", ["tile/0/000.p/255", "tile/0/001", "tile/1/000.p/1", "tile/0/0", "tile/x/000",
             "tile/entries/000.p/255", "tile/entries/0"],
)  # fmt: skip
def test_what_the_log_does_not_have_is_not_there(world, path):
    assert world.get(path, world.auditor).status_code == 404


def test_a_reader_has_a_name_that_an_entry_can_hold(world):
    bad = CliRunner().invoke(app, ["log", "reader", "Dr. Who", "-d", str(world.directory)])
    assert (bad.exit_code, "reader.name" in bad.output) == (1, True)
    again = CliRunner().invoke(app, ["log", "reader", "court-2", "-d", str(world.directory)])
    assert again.stdout.startswith("ck_")


def test_releases_wait_for_witnesses_and_refusals_do_not(deployment, payload, token, tmp_path):
    keys = LogKeys.parse(read_deployment(deployment).vkey())
    witness = a_witness(tmp_path / "w", "witness.example.net/w1", keys)
    settings = deployment / "corridor.toml"
    settings.write_text(settings.read_text() + "\n[log]\nmax_unwitnessed_seconds = 2\n")
    trust.add(
        deployment, read_deployment(deployment).vkey(), "w1", witness.vkey, "http://127.0.0.1:9"
    )

    def post(client, **terms):
        headers = {"Authorization": f"Bearer {token}"}
        return client.post("/v1/transfers", params={**TERMS, **terms}, content=payload,
                           headers=headers)  # fmt: skip

    with served(deployment) as address, httpx.Client(base_url=address, timeout=20) as client:
        time.sleep(2.1)
        waits = post(client)
        refused = post(client, purpose="hum.account.donor")
    with published.served(witness) as url:
        policy = deployment / trust.FILE
        policy.write_text(policy.read_text().replace("http://127.0.0.1:9", url))
        settings.write_text(settings.read_text().replace("seconds = 2", "seconds = 60"))
        with served(deployment) as address, httpx.Client(base_url=address, timeout=20) as client:
            released = post(client)
            head = note.parse_note(client.get("/v1/log/checkpoint").text)
    witness.close()
    transfer = released.headers["location"].rpartition("/")[2]
    ask = ["log", "prove", "--transfer", transfer, "-d", str(deployment)]
    early, proved = (CliRunner().invoke(app, [*ask, *more]) for more in ([], ["--newest"]))
    proof = note.parse_proof(proved.stdout)

    assert early.exit_code == 0 or "log.index" in early.output  # the witness may have signed yet
    note.open_checkpoint(proof.checkpoint, keys.current)
    assert (waits.status_code, waits.json()["rule"]) == (503, "log.unwitnessed")
    assert waits.headers["retry-after"]
    assert refused.status_code == 403, refused.text
    assert released.status_code == 201, released.text
    assert trust.read_policy(policy).judged(head).keys() == {"w1"}
    assert parse_key(witness.vkey, WitnessKey).name == "witness.example.net/w1"
