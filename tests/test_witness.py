"""What a witness signs, what it refuses, and whose word a policy asks for."""

import base64
import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from gateway import note
from gateway.cli import app
from gateway.errors import CorridorError, GatewayError, OfficerError
from gateway.note import parse_key, render_vkey
from gateway.publication import proofs, trust
from gateway.publication.cosignature import Cosigner, WitnessKey, cosignatures, verified
from gateway.publication.witness import MAX_BODY, SIZE, Witness, address_of, make_key
from tests.published import KEY, KEYS, ORIGIN, VKEY, a_log, a_witness, fill, served, tree_of

W1 = Cosigner.of("witness.example.net/w1", Ed25519PrivateKey.from_private_bytes(b"\x08" * 32))
W2 = Cosigner.of("witness.example.net/w2", Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
TEXT = f"{ORIGIN}\n3\nmtBGCas4lPVHMOLmjJci8n/WzdrTUNaN2pAFxr8K8Nw=\n"
LINE = (
    "— witness.example.net/w1 qpSH4QAAAABrAnhljbh7rK+/eWNYOBuLu8DwFeO9F1YbkMt9ht99iAbFpma4ubWYCvxR"
    "h30Jxfsw+3PS/cLBf4cIhVzYhDkJUSTFDQ==\n"
)
"""Made by other people's code from the same seeds: transfer-log.md, section 4.4."""


def rendered(cosigner):
    return render_vkey(cosigner.public)


def test_a_cosignature_is_that_of_the_specification():
    vkey = "witness.example.net/w1+aa9487e1+BBOY9ixtGkV8UbpqS189vS9p/KkyFiGNyJl+QWvRfZPK"

    assert rendered(W1) == vkey
    assert W1.cosign(TEXT, 1795324005) == LINE
    assert parse_key(vkey, WitnessKey) == W1.public


@pytest.mark.parametrize(
    "text",
    [note.render_vkey(VKEY), "w1", "w1+00000000+BBOY", rendered(W1).replace("aa94", "aa95"),
     rendered(W1)[:-1], rendered(W1) + "\n", "w 1+" + rendered(W1).partition("+")[2]],
)  # fmt: skip
def test_a_witness_key_has_one_form(text):
    with pytest.raises(note.NoteError):
        parse_key(text, WitnessKey)


def test_only_lines_of_known_witnesses_count_and_those_must_hold():
    by_log = note.Signer.of(ORIGIN, KEY).checkpoint(3, base64.b64decode(TEXT.split("\n")[2]))
    held = note.parse_note(by_log + LINE + W2.cosign(TEXT, 5))

    found = cosignatures(held, {"one": W1.public})
    assert {name: (one.time, one.line) for name, one in found.items()} == {
        "one": (1795324005, LINE)
    }
    other = note.parse_note(by_log + W1.cosign(TEXT.replace("\n3\n", "\n4\n"), 5))
    with pytest.raises(note.NoteError) as caught:
        cosignatures(other, {"one": W1.public})
    assert caught.value.rule == "cosignature.signature"


@pytest.mark.parametrize("value", [b"", b"\x00" * 72, b"\x00" * 7 + b"\x01" + b"\x00" * 65])
def test_a_cosignature_has_a_time_and_a_length(value):
    line = note.Signature(W1.public.name, W1.public.id, value)
    with pytest.raises(note.NoteError):
        verified(TEXT, line, W1.public)


@pytest.mark.parametrize("time", [0, 1 << 53])
def test_a_time_that_is_none_is_refused_though_signed(time):
    [line] = note.parse_note(TEXT + "\n" + W1.cosign(TEXT, time)).signatures
    with pytest.raises(note.NoteError) as caught:
        verified(TEXT, line, W1.public)
    assert caught.value.rule == "cosignature.time"


def asking(tree, old, size):
    return proofs.consistency(tree, old, proofs.at(tree, size)).encode()


def test_a_witness_signs_what_goes_on_from_what_it_signed(tmp_path):
    witness = a_witness(tmp_path / "w")
    with a_log(tmp_path / "log", 3) as log:
        tree = tree_of(log)
        first = witness.add(asking(tree, 0, 3))
        fill(log, 300)
        second = witness.add(asking(tree, 3, 300))
        again = witness.add(asking(tree, 300, 300))
        newest = witness.newest(address_of(ORIGIN))
        assert [one.status for one in (first, second, again)] == [200, 200, 200]
        held = note.parse_note(log.checkpoint() + second.body)
        key = parse_key(witness.vkey, WitnessKey)
        assert cosignatures(held, {"w": key})["w"].line == second.body
        assert note.open_checkpoint(newest.body, VKEY).size == 300
        assert witness.newest("0" * 64).status == 404
    witness.close()


def test_a_witness_refuses(tmp_path):
    witness = a_witness(tmp_path / "w")
    stranger = Ed25519PrivateKey.generate()
    with a_log(tmp_path / "log", 3) as log, a_log(tmp_path / "fork", 3) as fork:
        tree, other = tree_of(log), tree_of(fork)
        nothing = witness.newest(address_of(ORIGIN))
        assert (nothing.status, witness.add(asking(tree, 0, 3)).status) == (404, 200)
        fill(log, 9)
        fill(fork, 9)
        behind = witness.add(asking(tree, 1, 9))
        rolled_back = witness.add(asking(tree, 0, 3))
        assert (behind.status, behind.body, behind.media_type) == (409, "3\n", SIZE)
        assert (rolled_back.status, rolled_back.body) == (409, "3\n")
        assert witness.add(asking(other, 3, 9)).status == 422  # a fork
        assert witness.add(asking(other, 3, 3)).status == 409  # another root of one size
        body = asking(tree, 3, 9)
        assert witness.add(body.replace(b"old 3", b"old 10")).status == 400
        forged = note.Signer.of(ORIGIN, stranger).checkpoint(9, proofs.root_at(tree, 9))
        assert witness.add(proofs.consistency(tree, 3, forged).encode()).status == 403
        unknown = note.Signer.of("example.org/other", KEY).checkpoint(9, b"\x00" * 32)
        assert witness.add(proofs.consistency(tree, 3, unknown).encode()).status == 404
        assert witness.add(body).status == 200  # nothing of the above was taken for signed
    witness.close()


@pytest.mark.parametrize(
    "body",
    [b"", b"old 0\n", b"\xff", b"old 00\n\nx", b"old 1\nAAAA\n\n", b"old 1\n%\n\n",
     b"old 1\n" + b"A\n" * 64 + b"\n", b"old 0\n\nnot a checkpoint\n"],
)  # fmt: skip
def test_a_witness_reads_one_form(tmp_path, body):
    witness = a_witness(tmp_path / "w")
    assert witness.add(body).status == 400
    witness.close()


@pytest.mark.parametrize("failing", [1, 2, 3, 4])
def test_a_witness_signs_nothing_that_it_may_forget(tmp_path, monkeypatch, failing):
    """Every flush fails in turn; reopened, it holds what it signed before or what it was asked."""
    state, calls = tmp_path / "w", []
    witness = a_witness(state)
    flush = os.fsync

    def broken(handle: int) -> None:
        calls.append(handle)
        if len(calls) == failing:
            raise OSError(5, "no")
        flush(handle)

    with a_log(tmp_path / "log", 3) as log:
        body = asking(tree_of(log), 0, 3)
    answer = None
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with suppress(OSError):
            answer = witness.add(body)
    witness.close()
    again = Witness(state, [KEYS])
    held = again.newest(address_of(ORIGIN))
    again.close()
    assert (answer is not None) == (len(calls) < failing)
    assert answer is None or held.status == 200


def test_a_witness_that_forgot_signs_nothing(tmp_path):
    state = tmp_path / "w"
    witness = a_witness(state)
    with a_log(tmp_path / "log", 3) as log:
        body = asking(tree_of(log), 0, 3)
        assert witness.add(body).status == 200
        with pytest.raises(GatewayError) as caught:
            Witness(state, [KEYS])
        assert caught.value.rule == "witness.busy"
        (state / address_of(ORIGIN)).unlink()
        with pytest.raises(GatewayError) as caught:
            witness.add(body)
        assert caught.value.rule == "witness.lost"
    witness.close()
    for damage in (
        lambda: None,
        lambda: (state / address_of(ORIGIN)).write_text(TEXT + "\n" + LINE),
    ):
        damage()
        with pytest.raises(GatewayError) as caught:
            Witness(state, [KEYS])
        assert caught.value.rule == "witness.lost"
    (state / "logs").unlink()
    with pytest.raises(GatewayError) as caught:
        Witness(state, [KEYS])
    assert caught.value.rule == "keys.missing"


def test_a_witness_has_one_key_and_each_log_one_name(tmp_path):
    state = tmp_path / "w"
    make_key(state, "example.org/w1")
    assert (state / "witness.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(OfficerError) as caught:
        make_key(state, "example.org/w1")
    assert caught.value.rule == "witness.exists"
    (tmp_path / "file").touch()
    with pytest.raises(OfficerError) as caught:
        make_key(tmp_path / "file" / "w", "example.org/w1")
    assert caught.value.rule == "witness.state"
    with pytest.raises(OfficerError) as caught:
        Witness(state, [KEYS, KEYS])
    assert caught.value.rule == "witness.log_twice"
    make_key(tmp_path / "other", "example.org/w1")
    (state / "witness.vkey").write_bytes((tmp_path / "other/witness.vkey").read_bytes())
    with pytest.raises(GatewayError) as caught:
        Witness(state, [KEYS])
    assert (caught.value.rule, caught.value.at) == ("keys.broken", "witness.vkey")
    (state / "witness.key").write_text("no key")
    with pytest.raises(GatewayError) as caught:
        Witness(state, [KEYS])
    assert (caught.value.rule, caught.value.at) == ("keys.broken", "witness.key")


def test_the_witness_over_http(tmp_path, told):
    witness = a_witness(tmp_path / "w")
    with a_log(tmp_path / "log", 3) as log:
        body = asking(tree_of(log), 0, 3)
    with served(witness) as url, httpx.Client(base_url=url) as client:
        signed = client.post("/add-checkpoint", content=body)
        conflict = client.post("/add-checkpoint", content=body)
        shown = client.get(f"/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint")

        assert (signed.status_code, signed.text.startswith("— witness")) == (200, True)
        assert (conflict.status_code, conflict.text) == (409, "3\n")
        assert conflict.headers["content-type"] == "text/x.tlog.size"
        assert note.open_checkpoint(shown.text, VKEY).size == 3
        assert client.post("/add-checkpoint", content=b"x" * (MAX_BODY + 1)).status_code == 400
        assert client.get("/add-checkpoint").status_code == 405
        (tmp_path / "w" / address_of(ORIGIN)).unlink()
        assert client.post("/add-checkpoint", content=body).status_code == 500
        assert client.get(f"/{address_of(ORIGIN)}/checkpoint").status_code == 500
    witness.close()
    told.seek(0)
    lines = [json.loads(line) for line in told]
    assert [line.get("status", line.get("rule")) for line in lines] == [
        200, 409, "witness.lost", "witness.lost",
    ]  # fmt: skip


POLICY = f"""\
# who we believe
log {note.render_vkey(VKEY)} https://gw.example.org/v1/log/
witness one {rendered(W1)} https://w1.example.net
 witness\ttwo {rendered(W2)}
group both all one two

quorum both
"""


def test_a_policy_says_who_is_enough():
    policy = trust.parse_policy(POLICY.encode())

    assert policy.logs == (VKEY,)
    assert policy.urls == {"one": "https://w1.example.net"}
    assert [policy.enough(names) for names in ((), ("one",), ("one", "two"))] == [0, 0, 1]
    either = trust.parse_policy(POLICY.replace("all one", "any one").encode())
    assert [either.enough(names) for names in ((), ("two",), ("three",))] == [0, 1, 0]
    single = trust.parse_policy(POLICY.replace("quorum both", "quorum two").encode())
    assert [single.enough(names) for names in (("one",), ("two",))] == [0, 1]
    nobody = trust.parse_policy(POLICY.replace("quorum both", "quorum none").encode())
    assert nobody.enough(())
    nested = POLICY.replace("quorum both", "group all 1 both\nquorum all").encode()
    assert trust.parse_policy(nested).enough(("one", "two"))


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("quorum both\n", "", "witness.policy_quorum"),
        ("quorum both\n", "quorum both\nquorum both\n", "witness.policy_quorum"),
        ("quorum both", "quorum three", "witness.policy_quorum"),
        ("all one two", "3 one two", "witness.policy_count"),
        ("all one two", "0 one two", "witness.policy_count"),
        ("all one two", "some one two", "witness.policy_count"),
        ("all one two", "all one one", "witness.policy_member"),
        ("all one two", "all one none", "witness.policy_member"),
        ("all one two", "all", "witness.policy_line"),
        ("group both", "group one", "witness.policy_name"),
        ("group both", "group none", "witness.policy_name"),
        ("witness\ttwo", "witness\tone", "witness.policy_name"),
        (rendered(W2), rendered(W1), "witness.policy_twice"),
        (rendered(W2), note.render_vkey(VKEY), "vkey.type"),
        (rendered(W2), rendered(W2).replace("/w2", "/\xff"), "vkey.id"),
        ("log ", "logs ", "witness.policy_line"),
        ("quorum both\n", "quorum both", "witness.policy_form"),
        ("#", "\x00", "witness.policy_form"),
    ],
)
def test_a_policy_is_read_strictly(before, after, rule):
    with pytest.raises(CorridorError) as caught:
        trust.parse_policy(POLICY.replace(before, after, 1).encode("utf-8"))
    assert caught.value.rule == rule
    with pytest.raises(CorridorError) as caught:
        trust.parse_policy(POLICY.replace(rendered(W2), "\xff+", 1).encode("latin-1"))
    assert caught.value.rule == "vkey.name"


def test_witnesses_are_added_by_command(deployment, tmp_path):
    run = CliRunner().invoke

    def add(name, key, *more):
        options = ["-d", str(deployment), *more]
        url = f"https://{name}.example.net"
        return run(app, ["log", "witness", "add", name, rendered(key), url, *options])

    assert add("one", W1).stdout == "witnesses: 1, quorum one\n"
    assert add("two", W2).stdout == "witnesses: 2, quorum one\n"
    third = Cosigner.of("w3", Ed25519PrivateKey.generate())
    assert add("three", third, "--quorum", "2").stdout == "witnesses: 3, quorum enough\n"
    policy = trust.policy_of(deployment)
    assert [policy.enough(names) for names in (("one",), ("two", "three"))] == [False, True]
    assert policy.urls["two"] == "https://two.example.net"
    assert "witness.policy_name" in add("one", Cosigner.of("w4", KEY)).output
    wrong = run(app, ["log", "witness", "add", "four", rendered(third), "x", "-d", str(deployment)])
    assert (wrong.exit_code, "witness.url" in wrong.output) == (1, True)
    assert trust.policy_of(tmp_path) == trust.Policy()
    with pytest.raises(OfficerError) as caught:
        trust.read_policy(tmp_path / "none")
    assert caught.value.rule == "witness.policy_missing"


def test_a_witness_is_made_by_command(tmp_path):
    made = CliRunner().invoke(
        app, ["log", "witness", "init", "w/1", "--state", str(tmp_path / "w")]
    )

    assert parse_key(made.stdout.strip(), WitnessKey).name == "w/1"
    (tmp_path / "log.vkey").write_text(note.render_vkey(VKEY))
    arguments = ["--state", str(tmp_path / "w"), "--log", str(tmp_path / "log.vkey")]
    bad = CliRunner().invoke(app, ["log", "witness", "serve", *arguments, "--listen", "8081"])
    assert bad.exit_code == 2


def test_a_witness_is_served_by_command(tmp_path):
    state, key = tmp_path / "w", tmp_path / "log.vkey"
    make_key(state, "example.org/w1")
    key.write_text(KEYS.render() + "\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        place = f"127.0.0.1:{free.getsockname()[1]}"
    command = ["log", "witness", "serve", "--state", state, "--log", key, "--listen", place]
    with a_log(tmp_path / "log", 3) as log:
        body = asking(tree_of(log), 0, 3)
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", *map(str, command)], stderr=subprocess.PIPE
    ) as served_by:
        assert served_by.stderr is not None
        assert b"witnessing" in served_by.stderr.readline()
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
            answer = client.post(f"http://{place}/add-checkpoint", content=body)
        served_by.terminate()
        said = served_by.stderr.read()
    assert (answer.status_code, answer.text.startswith("— example.org/w1 ")) == (200, True)
    assert b'"status":200' in said
