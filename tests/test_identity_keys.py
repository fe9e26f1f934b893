"""What operators do with keys, and what is left when something cannot be written."""

import asyncio
import json
import shutil
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from gateway import arrival, session
from gateway.arrival import Arrival
from gateway.cli import app
from gateway.deployment import read_deployment, read_keys
from gateway.errors import CorridorError, GatewayError
from gateway.identity import evidence, seen
from gateway.identity.keyring import RequestKey, keyring_of
from gateway.identity.public import public_of
from gateway.identity.seen import first_time
from gateway.log import Log
from gateway.terms import Asked, terms_of
from tests.identity_world import SENDER, Partner, digest_of
from tests.log_database import gateway_on
from tests.test_log import ORIGIN

OTHER = "org:border-directorate"


def command(*arguments):
    done = CliRunner().invoke(app, [*map(str, arguments)])
    return done.exit_code, done.output


def pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_public_keys_as_partners_send_them(deployment, tmp_path):
    partner = Partner("EC")
    made = {
        "ed.pem": pem(Ed25519PrivateKey.generate()),
        "p256.pem": pem(ec.generate_private_key(ec.SECP256R1())),
        "key.jwk": json.dumps({**partner.jwk, "kid": "theirs", "use": "sig"}).encode(),
        "p384.pem": pem(ec.generate_private_key(ec.SECP384R1())),
        "rsa.pem": pem(rsa.generate_private_key(65537, 2048)),
        "bad.jwk": b'{"kty": "RSA"}',
        "half.jwk": b'{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}',
        "text": b"a key",
    }
    found = {}
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
        asked = ("party", "request-key", SENDER, "--public", tmp_path / name, "-d", deployment)
        found[name] = command(*asked)

    assert [code for code, _ in found.values()] == [0, 0, 0, 1, 1, 1, 1, 1]
    assert found["key.jwk"][1] == f"request:{partner.id}\n"
    held = read_deployment(deployment).parties[SENDER]["request_keys"]
    assert len(held) == 3
    assert held[2]["jwk"] == partner.jwk
    again = ("party", "request-key", OTHER, "--public", tmp_path / "ed.pem", "-d", deployment)
    assert "keys.twice" in command(*again)[1]
    assert "evidence.unreadable" in command(*again[:4], tmp_path / "none", *again[5:])[1]
    assert "party.unknown" in command(*again[:2], "org:nobody", *again[3:])[1]
    assert "party.key" in command(*again[:3], "-d", deployment)[1]
    assert "party.key" in command(*again, "--key-out", tmp_path / "x")[1]


def test_a_certificate_that_is_none(deployment, tmp_path):
    (tmp_path / "text").write_text("a certificate")
    asked = ("party", "certificate", SENDER, tmp_path / "text", "-d", deployment)
    path = deployment / "parties" / "amal-relief.yaml"

    assert "party.certificate" in command(*asked)[1]
    path.write_text(f'{path.read_text()}\ncertificates: ["{"A" * 43}"]\n')
    (tmp_path / "text").write_text("a certificate")
    assert command(*asked)[0] == 1


def test_a_password_for_a_route_that_takes_one(deployment):
    routes = deployment / "routes"
    routes.mkdir(exist_ok=True)
    text = (
        "id: {id}\nsystem: kobo\nstatus: active\nsender: org:amal-relief\nterms:\n"
        "  agreement: agr:registration-2026\n  purpose: hum.assist.registration\n"
        "  format: kobo\n  to: [org:sante-sans-rivages]\n  deliver: inbox\nauth: {auth}\n"
    )
    for name, auth in (("hook", "{kind: basic, user: kobo}"), ("own", "{kind: party}")):
        (routes / f"{name}.yaml").write_text(text.format(id=name, auth=auth))

    code, said = command("route", "key", "hook", "-d", deployment)

    assert (code, said[:3]) == (0, "ch_")
    assert "route.no_password" in command("route", "key", "own", "-d", deployment)[1]
    assert "route.unknown" in command("route", "key", "none", "-d", deployment)[1]


def test_a_senders_word_is_checked_by_a_command(deployment, tmp_path, payload):
    partner, stranger = Partner(), Partner()
    key = RequestKey(SENDER, public_of(partner.jwk))
    base = f'"@method": POST\n"content-digest": {digest_of(payload)}\n"@signature-params": x'
    good = evidence.said_by(key, base.encode(), partner.private.sign(base.encode()))
    bad = evidence.said_by(key, base.encode(), stranger.private.sign(base.encode()))
    theirs = RequestKey(OTHER, public_of(partner.jwk))
    other = evidence.said_by(theirs, base.encode(), partner.private.sign(base.encode()))
    silent = evidence.said_by(key, b"x", partner.private.sign(b"x"))

    async def run():
        async with session.opened(deployment) as gateway:
            asked = Asked(
                SENDER, None, "agr:registration-2026", "hum.assist.registration", None, "kobo",
                None, "inbox", None,
            )  # fmt: skip
            terms = terms_of(asked, gateway.deployment, gateway.known)
            state, found = SimpleNamespace(gateway=gateway), []
            for said in (good, bad, other, silent):
                made = Arrival(lambda _: terms, payload, evidence=said)
                found.append((await arrival.carry(state, made)).receipt)
            return found

    receipts = asyncio.run(run())
    vkey = read_deployment(deployment).vkey()
    rules = []
    for said, receipt in zip((bad, other, silent), receipts[1:], strict=True):
        with pytest.raises(CorridorError) as refusal:
            evidence.verify(said, receipt, vkey=vkey, content=payload)
        rules.append(refusal.value.rule)
    assert rules == ["evidence.signature", "evidence.party", "evidence.content"]
    files = {"word": good, "receipt": receipts[0], "payload": payload}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    asked = ("party", "evidence", tmp_path / "word", tmp_path / "receipt", "--key",
             deployment / "keys" / "log.vkey")  # fmt: skip
    code, said = command(*asked, "--content", tmp_path / "payload")
    assert (code, f"{SENDER} asked for transfer" in said, "this content" in said) == (0, True, True)
    assert "this content" not in command(*asked)[1]


def test_what_cannot_be_remembered_is_not_let_in(deployment, monkeypatch):
    log = Log.open(deployment / "data", key=read_keys(deployment).log, gateway="demo-1")
    gateway = SimpleNamespace(log=log, keys=read_keys(deployment))
    state = SimpleNamespace(gateway=gateway)

    async def run():
        until = 2**32
        asked = [first_time(state, "signature", "key", "n", until) for _ in range(3)]
        gone = asyncio.create_task(first_time(state, "signature", "key", "gone", until))
        await asyncio.sleep(0)
        gone.cancel()
        assert sorted(await asyncio.gather(*asked)) == [False, False, True]
        assert await first_time(state, "dpop", "key", "n", until)
        assert await first_time(state, "dpop", "key", "old", 1)
        state.seen.swept = float("-inf")
        assert await first_time(state, "dpop", "key", "old", 1)
        await asyncio.to_thread(log.close)
        late = asyncio.create_task(first_time(state, "dpop", "key", "late", until))
        other = asyncio.create_task(first_time(state, "dpop", "key", "other", until))
        await asyncio.sleep(0)
        other.cancel()
        with pytest.raises(GatewayError) as refusal:
            await late
        assert refusal.value.rule == "keys.nonce"
        monkeypatch.setattr(seen, "MAX_WAITING", 0)
        with pytest.raises(GatewayError) as refusal:
            await first_time(state, "dpop", "key", "more", until)
        assert refusal.value.rule == "keys.busy"

    asyncio.run(run())


def test_keys_that_cannot_be_used_let_nobody_in(deployment):
    path = deployment / "parties" / "amal-relief.yaml"
    before = path.read_text()
    key = read_keys(deployment).log
    with Log.open(deployment / "data", key=key, gateway="demo-1") as log:
        held = read_deployment(deployment)

        def ring():
            return keyring_of(SimpleNamespace(gateway=SimpleNamespace(deployment=held, log=log)))

        assert SENDER in ring().active
        none = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
        late = Partner().jwk
        for text in (
            f"{before}\nrequest_keys:\n  - jwk: {json.dumps(none)}\n",
            f'{before}\ncertificates: ["{"A" * 43}", "{"A" * 43}"]\n',
            "id: [",
        ):
            path.write_text(text)
            with pytest.raises(GatewayError) as refusal:
                ring()
            assert refusal.value.rule == "keys.unreadable"
        revoked = 'revoked_at: "2026-01-01T00:00:00Z"'
        path.write_text(f"{before}\nrequest_keys:\n  - {{jwk: {json.dumps(late)}, {revoked}}}\n")
        assert ring().requests == {}
        shutil.move(path, deployment / "gone")
        assert SENDER not in ring().active


def test_two_machines_on_one_database_count_a_nonce_once(tmp_path, database, deployment):
    keys = read_keys(deployment)
    folders = [gateway_on(tmp_path / name, database) for name in ("one", "two")]
    Log.create(folders[0], origin=ORIGIN, key=keys.log, gateway="gw-1").close()
    Log.join(folders[1], key=keys.log, gateway="gw-2").close()

    async def run(logs):
        states = [SimpleNamespace(gateway=SimpleNamespace(log=log, keys=keys)) for log in logs]
        asked = [
            first_time(states[n % 2], "signature", "key", f"n{n // 4}", 2**32) for n in range(16)
        ]
        return await asyncio.gather(*asked)

    with (
        Log.open(folders[0], key=keys.log, gateway="gw-1") as one,
        Log.open(folders[1], key=keys.log, gateway="gw-2") as two,
    ):
        found = asyncio.run(run((one, two)))

    assert [sum(found[at : at + 4]) for at in (0, 4, 8, 12)] == [1, 1, 1, 1]
