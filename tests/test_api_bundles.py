"""The route that policy servers fetch their bundle from, over real sockets."""

import json
import shutil
from contextlib import contextmanager

import httpx
import pytest
from typer.testing import CliRunner

from gateway import entry
from gateway.api_bundles import ADDRESS
from gateway.canonical import digest
from gateway.cli import app
from gateway.demo import served
from gateway.deployment import bearer_digest, new_bearer, read_deployment, read_keys
from gateway.log import Log
from gateway.policy import Bundle
from gateway.policy.bundle_signing import verify_bundle
from tests.policy_servers import until

NARROW = 'package local\n\nnarrow := {"person": {"name": "drop"}}\n'


def narrowed(bundle: Bundle) -> Bundle:
    policies = dict(bundle.policies) | {"local/own.rego": NARROW}
    return Bundle(tuple(sorted(policies.items())), bundle.data)


def activate(directory, bundle: Bundle) -> None:
    """What another process does when people activate a bundle: one entry of the log."""
    log = Log.open(read_deployment(directory).data, key=read_keys(directory).log, gateway="gw-2")
    packed = bundle.packed()
    said = entry.control(
        gateway="gw-2",
        what="policy",
        digest=bundle.revision,
        subject={"id": "policy", "version": bundle.revision[7:19], "state": "active"},
        signers=["officer:dpo-1", "officer:programme-1"],
        documents=[digest(packed)],
    )
    try:
        log.submit(said, documents=[("bundle", packed)]).result(20)
    finally:
        log.close()


def new_token(directory) -> str:
    done = CliRunner().invoke(app, ["policy", "token", "-d", str(directory)])
    assert done.exit_code == 0, done.output
    return done.output.strip()


@contextmanager
def world_of(directory):
    token = new_token(directory)
    with served(directory) as address, httpx.Client(base_url=address, timeout=20) as client:
        yield World(directory, client, token)


class World:
    def __init__(self, directory, client, token) -> None:
        self.directory, self.client, self.token = directory, client, token
        self.public = (directory / "keys" / "bundle.pub").read_text()

    def get(self, *, method="GET", token=None, **headers):
        said = {"Authorization": f"Bearer {token or self.token}"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, ADDRESS, headers=said | named)


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    directory = tmp_path_factory.mktemp("bundles") / "demo"
    shutil.copytree(prepared[0], directory)
    with world_of(directory) as made:
        yield made


def test_the_bundle_that_answers_is_served_signed(world):
    answer = world.get()

    found = verify_bundle(answer.content, world.public)
    assert answer.status_code == 200
    assert found.revision == world.client.get("/readyz").json()["bundle"]
    assert answer.headers["content-type"] == "application/gzip"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["etag"].startswith('"')


def test_it_is_sent_once(world):
    tag = world.get().headers["etag"]

    for said in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = world.get(If_None_Match=said)
        assert (answer.status_code, answer.content) == (304, b""), said
        assert answer.headers["etag"] == tag
    for said in ("", '"other"', tag.strip('"'), f'"x{tag[1:]}', '"*"'):
        assert world.get(If_None_Match=said).status_code == 200, said


def test_its_head_can_be_asked_for(world):
    whole, head = world.get(), world.get(method="HEAD")

    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-length", "content-type"):
        assert head.headers[name] == whole.headers[name]
    assert world.get(method="HEAD", If_None_Match=whole.headers["etag"]).status_code == 304
    assert world.get(method="POST").status_code == 405


def test_long_polling_is_not_offered(world):
    answer = world.get(Prefer="modes=snapshot,delta;wait=60")

    assert answer.status_code == 200
    # Only this media type would say that the server waits.
    assert "openpolicyagent" not in answer.headers["content-type"]
    assert "preference-applied" not in answer.headers


def test_a_policy_server_fetches_bundles_and_nothing_else(world, payload):
    for path in ("/v1/agreements", "/v1/inbox", "/v1/log/proofs/inclusion?index=0"):
        answer = world.client.get(path, headers={"Authorization": f"Bearer {world.token}"})
        assert (answer.status_code, answer.json()["rule"]) == (401, "key.invalid"), path
    sent = world.client.post(
        "/v1/transfers", content=payload, headers={"Authorization": f"Bearer {world.token}"}
    )
    assert sent.status_code == 401


def test_nobody_else_fetches_bundles(world, token):
    stranger = new_bearer(world.directory, "org:border-directorate")
    for other in (token, stranger, "x", bearer_digest(world.token)):
        answer = world.client.get(ADDRESS, headers={"Authorization": f"Bearer {other}"})
        assert (answer.status_code, answer.json()["rule"]) == (401, "key.invalid")
        assert "etag" not in answer.headers
    assert world.client.get(ADDRESS).status_code == 401
    assert world.client.head(ADDRESS).status_code == 401
    basic = world.client.get(ADDRESS, headers={"Authorization": f"Basic {world.token}"})
    assert basic.status_code == 401


def test_a_token_is_kept_as_a_digest_and_ends_when_that_is_taken_out(world):
    path = world.directory / "keys" / "opa.json"
    second = new_token(world.directory)
    assert world.get(token=second).status_code == 200

    held = path.read_text()
    assert second not in held
    [(holder, keys)] = json.loads(held).items()
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(
        json.dumps({holder: [one for one in keys if one["sha256"] != bearer_digest(second)]})
    )

    assert world.get(token=second).status_code == 401
    assert world.get().status_code == 200


def test_openapi_says_what_it_is(world):
    operations = world.client.get("/openapi.json").json()["paths"][ADDRESS]

    assert operations.keys() == {"get"}
    assert {"200", "304", "401"} <= operations["get"]["responses"].keys()
    assert "application/gzip" in operations["get"]["responses"]["200"]["content"]
    assert operations["get"]["security"] == [{"bearer": []}]


DAMAGE = [
    (lambda keys: (keys / "opa.json").unlink(), "keys.missing"),
    (lambda keys: (keys / "opa.json").write_text("[]"), "keys.broken"),
    (lambda keys: (keys / "opa.json").chmod(0o644), "keys.mode"),
    (lambda keys: (keys / "bundle.key").unlink(), "keys.missing"),
    (lambda keys: (keys / "bundle.key").chmod(0o640), "keys.mode"),
    (lambda keys: (keys / "bundle.key").write_text("x"), "keys.broken"),
]


def test_a_damaged_key_file_serves_nobody(deployment, tmp_path):
    with world_of(deployment) as world:
        keys = deployment / "keys"
        shutil.copytree(keys, tmp_path / "sound")
        for number, (change, rule) in enumerate(DAMAGE):
            change(keys)
            answer = world.get()
            assert (answer.status_code, answer.json()["rule"]) == (503, rule), number
            shutil.rmtree(keys)
            shutil.copytree(tmp_path / "sound", keys)
        assert world.get().status_code == 200


def test_an_activation_changes_what_is_served(deployment):
    with world_of(deployment) as world:
        before = world.get()
        newer = narrowed(verify_bundle(before.content, world.public))

        activate(deployment, newer)

        tag = before.headers["etag"]
        until(lambda: world.get(If_None_Match=tag).status_code == 200)
        after = world.get(If_None_Match=tag)
        assert verify_bundle(after.content, world.public) == newer
        assert after.headers["etag"] != tag
    # Another process, another day: the same bytes, so no server fetches them again.
    with world_of(deployment) as world:
        assert world.get(If_None_Match=after.headers["etag"]).status_code == 304
