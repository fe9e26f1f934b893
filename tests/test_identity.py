"""Signed requests: what lets a party in, what does not, and what is proven of it later."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import orjson
import pytest
from typer.testing import CliRunner

from gateway.audit import verify_log
from gateway.canonical import canonical
from gateway.cli import app
from gateway.demo import served
from gateway.deployment import bearer_digest, new_bearer, read_deployment, read_keys
from gateway.entry import control
from gateway.errors import CorridorError
from gateway.identity import evidence
from gateway.log import Log
from gateway.log_standing import digest_of as digest_of_document
from tests.identity_world import (
    RECIPIENT,
    SENDER,
    TERMS,
    WHOLE,
    Partner,
    digest_of,
    enter,
)

LIST = "/v1/agreements"


class World:
    def __init__(self, directory, addresses, bearer) -> None:
        self.directory, self.addresses, self.bearer = directory, addresses, bearer
        self.client = httpx.Client(timeout=30)

    def request(self, path=LIST, *, at=0, method="GET", **more):
        return self.client.build_request(method, self.addresses[at] + path, **more)

    def post(self, content, path="/v1/transfers", **more):
        return self.request(path, method="POST", content=content, params=TERMS, **more)

    def send(self, request):
        return self.client.send(request)


@pytest.fixture(scope="module")
def ed():
    return Partner()


@pytest.fixture(scope="module")
def p256():
    return Partner("EC")


@pytest.fixture(scope="module")
def theirs():
    return Partner()


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory, ed, p256, theirs):
    """Two processes' worth of gateway on one log."""
    directory = tmp_path_factory.mktemp("identity") / "demo"
    shutil.copytree(prepared[0], directory)
    enter(directory, SENDER, ed, p256)
    enter(directory, RECIPIENT, theirs)
    bearer = new_bearer(directory, RECIPIENT)
    with served(directory) as first, served(directory) as second:
        made = World(directory, [first, second], bearer)
        with made.client:
            yield made


def refused(answer):
    assert (answer.status_code, answer.json()["rule"]) == (401, "key.invalid")
    return answer.content


@pytest.mark.parametrize("kind", ["ed", "p256"])
@pytest.mark.parametrize("digest", ["sha-256", "sha-512"])
def test_a_signed_transfer_is_made_and_its_senders_word_is_proven(
    world, payload, kind, digest, request
):
    partner = request.getfixturevalue(kind)
    signed = partner.signed(world.post(payload), digest=digest_of(payload, digest))

    answer = world.send(signed)

    assert answer.status_code == 201
    address = answer.headers["location"]
    asked = partner.signed(world.request(f"{address}/evidence"), covered=WHOLE[:2])
    word = world.send(asked).content
    vkey = read_deployment(world.directory).vkey()
    found = evidence.verify(word, answer.content, vkey=vkey, content=payload)
    assert (found.party, found.key, found.content_checked) == (SENDER, partner.id, True)
    assert found.transfer == address.rpartition("/")[2]
    assert answer.json()["details"]["request"]["key"] == partner.id


def test_the_word_is_for_its_sender_alone(world, payload, ed, theirs):
    address = world.send(ed.signed(world.post(payload))).headers["location"]
    bearer = {"Authorization": f"Bearer {world.bearer}"}

    other = world.send(theirs.signed(world.request(f"{address}/evidence"), covered=WHOLE[:2]))
    receipt = world.send(world.request(f"{address}/receipt", headers=bearer))

    assert other.status_code == 404
    assert "content-digest" not in receipt.text.lower()


def test_a_transfer_that_was_not_signed_has_no_word(world, payload, token):
    bearer = {"Authorization": f"Bearer {token}"}
    answer = world.send(world.post(payload, headers=bearer))

    word = world.send(world.request(f"{answer.headers['location']}/evidence", headers=bearer))

    assert (word.status_code, word.json()["rule"]) == (404, "evidence.none")
    assert "request" not in answer.json()["details"]


def test_the_word_waits_sealed(world, payload, ed):
    world.send(ed.signed(world.post(payload)))

    files = [path for path in (world.directory / "data").rglob("*") if path.is_file()]
    written = b"".join(path.read_bytes() for path in files)

    assert digest_of(payload).encode() not in written


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"salt": "AAAA"}, "entry.salt"),
        ({"party": RECIPIENT}, "evidence.commitment"),
        ({"signature": "A" * 86 + "=="}, "evidence.commitment"),
        ({"form": "another"}, "evidence.form"),
        ({"jwk": {"kty": "oct"}}, "evidence.form"),
        ({"more": 1}, "evidence.form"),
        ({"salt": "%"}, "evidence.form"),
    ],
)
def test_a_changed_word_proves_nothing(world, payload, ed, change, rule):
    answer = world.send(ed.signed(world.post(payload)))
    address = answer.headers["location"]
    word = world.send(ed.signed(world.request(f"{address}/evidence"), covered=WHOLE[:2])).content
    changed = orjson.dumps({**orjson.loads(word), **change})
    vkey = read_deployment(world.directory).vkey()

    with pytest.raises(CorridorError) as refusal:
        evidence.verify(changed, answer.content, vkey=vkey)
    assert refusal.value.rule == rule
    with pytest.raises(CorridorError) as refusal:
        evidence.verify(word, answer.content, vkey=vkey, content=payload + b" ")
    assert refusal.value.rule == "evidence.content"


def test_the_target_may_be_signed_in_parts(world, ed):
    parts = ("@method", "@authority", "@path", "@query")

    assert world.send(ed.signed(world.request(), covered=parts)).status_code == 200
    refused(world.send(ed.signed(world.request(), covered=parts[:3])))


def test_without_a_nonce_the_same_request_counts_once(world, ed):
    first = ed.signed(world.request(), covered=WHOLE[:2], nonce=None)
    again = world.request(headers=dict(first.headers))

    assert world.send(first).status_code == 200
    refused(world.send(again))


def test_a_replay_is_refused_by_every_process(world, ed):
    # `@path` and `@query` are the same at both; the address is not, so it is not what refuses.
    first = ed.signed(world.request(at=0), covered=WHOLE[:2], nonce="once")
    elsewhere = ed.signed(world.request(at=1), covered=WHOLE[:2], nonce="once")

    assert world.send(first).status_code == 200
    refused(world.send(world.request(at=0, headers=dict(first.headers))))
    refused(world.send(elsewhere))


def test_at_the_same_time_one_of_them_counts(world, ed):
    # More than one transaction takes, all at once, on one loop.
    made = ed.signed(world.request(), covered=WHOLE[:2])

    def one(_):
        return httpx.get(made.url, headers=dict(made.headers)).status_code

    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(one, range(16)))

    assert found == [200] + [401] * 15


@pytest.mark.parametrize(
    "how",
    [
        {"age": 120},
        {"age": -120},
        {"age": 10, "good_for": 5},
        {"key_id": "unknown"},
        {"key_id": "../../keys/log.key"},
        {"key_id": "' OR 1=1 --"},
        {"key_id": ""},
        {"covered": ("@method",)},
        {"covered": ("@target-uri",)},
        {"nonce": "n" * 300},
    ],
)
def test_a_signature_that_says_too_little_or_another_time_or_key(world, ed, how):
    refused(world.send(ed.signed(world.request(), **{"covered": WHOLE[:2], **how})))


def test_the_key_of_another_party_signs_for_that_party_only(world, payload, theirs):
    answer = world.send(theirs.signed(world.post(payload)))

    assert (answer.status_code, answer.json()["act"]) == (422, "sender")


def test_a_key_id_chooses_and_does_not_make(world, ed, p256, theirs):
    # Signed by one key, said to be by another: of the same party, of another, of another kind.
    for named in (p256, theirs):
        refused(world.send(ed.signed(world.request(), covered=WHOLE[:2], key_id=named.id)))
    stranger = Partner()
    refused(world.send(stranger.signed(world.request(), covered=WHOLE[:2])))
    refused(world.send(stranger.signed(world.request(), covered=WHOLE[:2], key_id=ed.id)))


def test_the_algorithm_is_the_keys_own(world, ed):
    made = ed.signed(world.request(), covered=WHOLE[:2])
    for other in ("ecdsa-p256-sha256", "hmac-sha256", "rsa-pss-sha512", "none"):
        said = made.headers["signature-input"].replace('"ed25519"', f'"{other}"')
        refused(world.send(world.request(headers={**made.headers, "signature-input": said})))
    assert (
        world.send(ed.signed(world.request(), covered=WHOLE[:2], include_alg=False)).status_code
        == 200
    )


def test_a_body_that_was_not_signed_is_not_read(world, ed, payload):
    refused(world.send(ed.signed(world.post(payload), covered=WHOLE[:2])))
    chunked = world.request(
        "/v1/transfers", method="POST", params=TERMS, content=iter([payload[:10], payload[10:]])
    )
    refused(world.send(ed.signed(chunked, covered=WHOLE[:2])))


@pytest.mark.parametrize("path", ["/v1/transfers", "/v1/preview", "/v1/recalls"])
@pytest.mark.parametrize("kind", ["sha-256", "sha-512"])
def test_another_body_than_the_signed_one_is_refused(world, ed, payload, path, kind):
    made = ed.signed(world.post(payload, path), digest=digest_of(b"something else", kind))

    answer = world.send(made)

    assert (answer.status_code, answer.json()["rule"]) == (422, "digest.mismatch")


def test_a_body_where_none_was_signed_is_refused(world, ed, payload):
    made = ed.signed(world.request("/v1/transfers", method="POST", params=TERMS), covered=WHOLE[:2])
    words = {name: made.headers[name] for name in ("signature", "signature-input")}

    refused(world.send(world.post(payload, headers=words)))


@pytest.mark.parametrize(
    "digest",
    ["", "sha-256=:AAAA:", "sha-256=1", "md5=:AAAA:", "sha-256", "sha-256=:%:", "x" * 5000],
)
def test_a_digest_nobody_can_check(world, ed, payload, digest):
    request = world.post(payload)
    made = ed.signed(request)
    refused(world.send(world.post(payload, headers={**made.headers, "content-digest": digest})))


@pytest.mark.parametrize(
    "headers",
    [
        {"signature": "sig=:AAAA:"},
        {"signature-input": 'sig=("@method");created=1'},
        {"signature-input": "(", "signature": "sig=:AAAA:"},
        {"signature-input": "sig=1", "signature": "sig=:AAAA:"},
        {"signature-input": 'sig=("@method");created=1', "signature": "other=:AAAA:"},
        {"signature-input": 'sig=("@method");created=1', "signature": "sig=1"},
        {"signature-input": 'a=("@method"), a=("@path")', "signature": "a=:AAAA:"},
        {"signature-input": 'a=("@method"), b=("@path")', "signature": "a=:AAAA:, b=:AAAA:"},
        {"signature-input": "x" * 5000, "signature": "sig=:AAAA:"},
        {"authorization": "Bearer", "signature": "sig=:AAAA:"},
        {"authorization": "Basic AAAA"},
        {"authorization": "Bearer x"},
        {"authorization": ""},
        {},
    ],
)
def test_everybody_else_gets_the_same_answer(world, headers):
    answer = world.send(world.request(headers=headers))

    assert refused(answer) == refused(world.send(world.request()))
    assert answer.headers["www-authenticate"].startswith("Bearer, DPoP")


def test_two_ways_at_once_are_none(world, ed):
    words = {"Authorization": f"Bearer {world.bearer}"}

    assert world.send(world.request(headers=words)).status_code == 200
    refused(world.send(ed.signed(world.request(headers=words), covered=WHOLE[:2])))
    refused(world.send(world.request(headers=[*words.items(), *words.items()])))


def test_what_was_signed_for_another_gateway_means_nothing_here(world, ed):
    made = ed.signed(
        world.client.build_request("GET", f"http://gw.example{LIST}"), covered=WHOLE[:2]
    )

    for host in ("gw.example", "127.0.0.1:1"):
        headers = {**made.headers, "host": host}
        refused(world.send(world.request(headers=headers)))


def test_a_changed_request_is_another_one(world, ed):
    made = ed.signed(world.request(), covered=WHOLE[:2])

    refused(world.send(world.request("/v1/inbox", headers=dict(made.headers))))
    refused(world.send(world.request(LIST + "?a=1", headers=dict(made.headers))))
    assert world.send(world.request(headers=dict(made.headers))).status_code == 200


def command(*arguments):
    done = CliRunner().invoke(app, ["party", *map(str, arguments)])
    return done.exit_code, done.output


def until(status, send):
    began = time.monotonic()
    while (found := send()).status_code != status:
        assert time.monotonic() - began < 8
        time.sleep(0.1)
    return found


def test_a_key_that_is_revoked_ends_everywhere_and_for_ever(world, tmp_path):
    pem, folder = tmp_path / "late.pem", ("-d", world.directory)
    code, name = command("request-key", SENDER, "--key-out", pem, *folder)
    assert (code, name[:8], pem.stat().st_mode & 0o777) == (0, "request:", 0o600)
    bearer = CliRunner().invoke(app, ["party", "key", SENDER, "-d", str(world.directory)])
    headers = {"Authorization": f"Bearer {bearer.output.strip()}"}
    late = Partner.of(pem)
    asked = (
        lambda at: world.send(late.signed(world.request(at=at), covered=WHOLE[:2])),
        lambda at: world.send(world.request(at=at, headers=headers)),
    )
    for at in (0, 1):
        for ask in asked:
            until(200, lambda at=at, ask=ask: ask(at))
    listed = command("keys", *folder)[1]
    assert listed.count("yes") == 7
    digest = bearer_digest(bearer.output.strip())

    for key in (name.strip(), f"bearer:{digest[:32]}"):
        assert command("revoke", key, *folder)[0] == 0

    # Neither file was touched: the log says so, and everybody who has it open follows.
    for at in (0, 1):
        for ask in asked:
            until(401, lambda at=at, ask=ask: ask(at))
    counts = {
        one["key"]: one["counts"] for one in json.loads(command("keys", "--json", *folder)[1])
    }
    assert [counts[key] for key in (name.strip(), f"bearer:{digest[:32]}")] == [False, False]
    assert command("revoke", "request:nobody", *folder)[0] == 1
    assert command("request-key", SENDER, "--key-out", pem, *folder)[0] == 1
    report = verify_log(world.directory / "data", vkey=read_deployment(world.directory).vkey())
    assert report.problems == ()


def test_a_party_that_is_suspended_anywhere_speaks_nowhere(world, theirs):
    def asked(at):
        return world.send(theirs.signed(world.request(at=at), covered=WHOLE[:2]))

    path = world.directory / "parties" / "sante-sans-rivages.yaml"
    before = path.read_text()
    assert [asked(at).status_code for at in (0, 1)] == [200, 200]
    path.write_text(before.replace("status: active", "status: suspended"))
    for at in (0, 1):
        until(401, lambda at=at: asked(at))
    path.write_text(before)
    for at in (0, 1):
        until(200, lambda at=at: asked(at))


def test_what_another_machine_logs_of_a_party_counts_here(world, theirs):
    """Its files are its own; what they say of a suspension stands in the log of all."""

    def say(state):
        document = canonical({"id": RECIPIENT, "status": state})
        digest = digest_of_document(document)
        said = control(
            gateway="gw-2", what="party", digest=digest, documents=[digest],
            subject={"id": RECIPIENT, "version": "1", "state": state},
        )  # fmt: skip
        key = read_keys(world.directory).log
        with Log.open(world.directory / "data", key=key, gateway="gw-2") as log:
            log.append(said, documents=[("party", document)])

    def asked():
        return world.send(theirs.signed(world.request(), covered=WHOLE[:2]))

    assert asked().status_code == 200
    say("suspended")
    until(401, asked)
    say("active")
    until(200, asked)


def test_a_key_that_stands_twice_lets_nobody_in(world, ed, theirs):
    path = world.directory / "parties" / "sante-sans-rivages.yaml"
    before = path.read_text()
    path.write_text(f"{before}  - jwk: {json.dumps(ed.jwk)}\n")
    until(503, lambda: world.send(theirs.signed(world.request(), covered=WHOLE[:2])))
    path.write_text(before)
    until(200, lambda: world.send(theirs.signed(world.request(), covered=WHOLE[:2])))
