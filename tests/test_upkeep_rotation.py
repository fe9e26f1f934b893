"""Another key for a log, and what still holds under which key."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from gateway import entry, log_file, log_guard, log_place, log_rotation, log_view, note
from gateway.audit import verify_log, verify_proof
from gateway.cli import app
from gateway.deployment import read_deployment, read_keys
from gateway.errors import GatewayError
from gateway.high_water import HighWater
from gateway.log import Log
from gateway.log_keys import LogKeys, digest
from gateway.note import NoteError, Signer, parse_note, render_vkey
from gateway.upkeep import rotation
from tests.log_database import gateway_on

SAMPLE = json.loads((Path(__file__).parent / "vectors/released_transfer.json").read_text())
KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(1, 4)]
ORIGIN = "gw.example.org/transfers/2027"
VKEYS = [Signer.of(ORIGIN, key).vkey for key in KEYS]


def text(*numbers):
    return "\n".join(render_vkey(VKEYS[number]) for number in numbers)


@pytest.fixture
def directory(tmp_path):
    Log.create(tmp_path / "log", origin=ORIGIN, key=KEYS[0], gateway="gw-1").close()
    return tmp_path / "log"


def append(directory, key):
    with Log.open(directory, key=key, gateway="gw-1") as log:
        return log.append(SAMPLE | {"id": entry.new_id(), "outcome": "refused"})


def rotate(directory, old, new):
    with (
        closing(log_place.open_store(directory)) as store,
        closing(HighWater(directory)) as noted,
    ):
        return log_rotation.rotate(store, noted, old, new, gateway="gw-1", clock=rotation._now)


def rules(directory, vkey):
    return {problem.rule for problem in verify_log(directory, vkey=vkey).problems}


def proof_of(appended):
    return note.render_proof(note.Proof(appended.index, appended.proof, appended.checkpoint))


def change(directory, size, text):
    """By somebody who may write the file: the trigger is put back afterwards."""
    with closing(log_file.connect(directory / log_file.FILE)) as connection:
        [(trigger,)] = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE name = 'checkpoint_update'"
        )
        connection.execute("DROP TRIGGER checkpoint_update")
        connection.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (text, size))
        connection.execute(trigger)


def test_one_checkpoint_is_signed_by_both_keys_and_the_later_ones_by_the_new_one(directory):
    before = append(directory, KEYS[0])

    changed = rotate(directory, *KEYS[:2])
    after = append(directory, KEYS[1])

    assert entry.parse(changed.leaf)["digest"] == digest(VKEYS[1])
    for vkey in VKEYS[:2]:
        assert note.open_checkpoint(changed.checkpoint, vkey).size == changed.size
    assert [by.id for by in parse_note(after.checkpoint).signatures] == [VKEYS[1].id]
    assert rules(directory, text(0, 1)) == set()
    verify_proof(proof_of(before), before.leaf, vkey=text(0))
    verify_proof(proof_of(before), before.leaf, vkey=text(0, 1))
    verify_proof(proof_of(after), after.leaf, vkey=text(0, 1))
    with pytest.raises(GatewayError) as error:
        append(directory, KEYS[0])
    assert error.value.rule == "log.key"


def test_keys_may_change_more_than_once(directory):
    rotate(directory, *KEYS[:2])
    rotate(directory, *KEYS[1:])
    append(directory, KEYS[2])

    assert rules(directory, text(0, 1, 2)) == set()
    for keys in (text(0), text(0, 1), text(0, 2), text(1, 0, 2), text(2)):
        assert "log.key" in rules(directory, keys)


def test_an_older_key_signs_nothing_after_it_was_replaced(directory):
    rotate(directory, *KEYS[:2])
    after = append(directory, KEYS[1])
    signed = note.open_checkpoint(after.checkpoint, VKEYS[1])
    forged = Signer.of(ORIGIN, KEYS[0]).checkpoint(signed.size, signed.root)

    change(directory, signed.size, forged)

    assert "checkpoint.note.unsigned" in rules(directory, text(0, 1))


@pytest.mark.parametrize("kept", [0, 1])
def test_a_handover_that_one_key_did_not_sign_is_none(directory, kept):
    changed = rotate(directory, *KEYS[:2])
    append(directory, KEYS[1])
    both = parse_note(changed.checkpoint)
    lonely = note.render_note(note.Note(both.text, both.signatures[kept : kept + 1]))

    change(directory, changed.size, lonely)

    assert "checkpoint.note.unsigned" in rules(directory, text(0, 1))


def test_a_key_is_not_changed_under_a_running_gateway(directory):
    with (
        Log.open(directory, key=KEYS[0], gateway="gw-1"),
        pytest.raises(GatewayError) as error,
    ):
        rotate(directory, *KEYS[:2])

    assert error.value.rule == "log.in_use"


def test_a_log_whose_mark_is_older_than_its_key_is_opened(directory, monkeypatch):
    """Stopped after COMMIT, before the high-water file was written."""
    monkeypatch.setattr(HighWater, "advance", lambda *_: 1 / 0)
    with pytest.raises(GatewayError) as error:
        rotate(directory, *KEYS[:2])
    assert error.value.rule == "log.unavailable"
    monkeypatch.undo()

    append(directory, KEYS[1])

    assert rules(directory, text(0, 1)) == set()


def test_the_keys_a_log_names_are_looked_at(directory):
    with closing(log_file.connect(directory / log_file.FILE)) as connection:
        connection.execute("UPDATE log SET vkey = 'none'")

    with pytest.raises(GatewayError) as error:
        append(directory, KEYS[0])

    assert (error.value.rule, error.value.at) == ("log.key", "vkey.form")
    other = Signer.of("other.example/log", KEYS[1]).vkey
    for wrong in ((VKEYS[0], other), (VKEYS[0], VKEYS[0]), ()):
        with pytest.raises(NoteError):
            LogKeys(wrong)


def said(deployment):
    return [entry.parse(leaf) for _, leaf in log_view.entries(deployment / "data")]


def holds(deployment):
    read = read_deployment(deployment)
    with Log.open(read.data, key=read_keys(deployment).log, gateway="gw-1"):
        pass
    return verify_log(read.data, vkey=read.vkey()).problems


def test_the_command_leaves_one_private_key_and_every_public_one(deployment):
    first = read_deployment(deployment).vkey()

    for count in (2, 3):
        done = CliRunner().invoke(app, ["log", "rotate-key", "-d", str(deployment)])
        assert done.exit_code == 0, done.output
        keys = read_deployment(deployment).vkey().split("\n")
        assert (keys[0], len(keys)) == (first, count)

    assert holds(deployment) == ()
    assert not (deployment / "keys" / rotation.NEW).exists()
    assert (deployment / "keys" / "log.key").stat().st_mode & 0o077 == 0
    assert [one["what"] for one in said(deployment)].count("key") >= 2


class PowerCutError(Exception):
    pass


@pytest.mark.parametrize(("step", "number"), [("put", 1), ("put", 2), ("rename", 1), ("settle", 1)])
def test_a_change_that_was_stopped_goes_on_with_the_same_key(deployment, monkeypatch, step, number):
    of = {"rename": rotation.os}.get(step, rotation)
    name = {"rename": "replace"}.get(step, step)
    real, calls = getattr(of, name), []

    def stopped(*arguments, **named):
        calls.append(arguments)
        if len(calls) == number:
            raise PowerCutError
        return real(*arguments, **named)

    monkeypatch.setattr(of, name, stopped)
    with pytest.raises(PowerCutError):
        rotation.rotate_key(deployment)
    monkeypatch.undo()
    if step != "settle":
        rotation.rotate_key(deployment)

    assert len(read_deployment(deployment).vkey().split("\n")) == 2
    assert holds(deployment) == ()


def test_a_key_of_another_kind_is_refused(deployment):
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    pem = X25519PrivateKey.generate().private_bytes(
        *rotation._PEM, rotation.serialization.NoEncryption()
    )
    path = deployment / "keys" / rotation.NEW
    path.write_bytes(pem)
    path.chmod(0o600)

    with pytest.raises(GatewayError) as error:
        rotation.rotate_key(deployment)

    assert error.value.rule == "keys.kind"


def test_the_guard_reads_every_key(directory):
    rotate(directory, *KEYS[:2])

    with closing(log_place.open_store(directory)) as store:
        assert log_guard.keys_of(store).all == tuple(VKEYS[:2])


def test_a_log_in_a_database_changes_its_key_when_every_gateway_is_stopped(tmp_path, database):
    one, two = (gateway_on(tmp_path / name, database) for name in ("one", "two"))
    Log.create(one, origin=ORIGIN, key=KEYS[0], gateway="gw-1").close()
    with Log.join(two, key=KEYS[0], gateway="gw-2"), pytest.raises(GatewayError) as error:
        rotate(one, *KEYS[:2])
    assert error.value.rule == "log.in_use"

    rotate(one, *KEYS[:2])
    with pytest.raises(GatewayError) as error:
        append(two, KEYS[0])
    append(two, KEYS[1])

    assert error.value.rule == "log.key"
    assert rules(one, text(0, 1)) == rules(two, text(0, 1)) == set()
