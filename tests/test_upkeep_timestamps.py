"""Tokens of a time stamping authority over checkpoints, and what is not taken for one."""

import shutil
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.errors import GatewayError
from gateway.note import Signer, parse_note
from gateway.upkeep import timestamps
from tests import authority

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the tokens")


@pytest.fixture(scope="module")
def tsa(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tsa") / "one"
    return folder, authority.make(folder)


@pytest.fixture
def checkpoint(prepared):
    from gateway.deployment import read_keys

    return Signer.of("gw.example.org/log", read_keys(prepared[0]).log).checkpoint(7, bytes(32))


def run(*arguments):
    return CliRunner().invoke(app, ["log", "timestamp", *map(str, arguments)])


def test_a_checkpoint_is_stamped_and_the_token_holds(deployment, tsa):
    folder, root = tsa
    with authority.served(folder) as url:
        done = run("-d", deployment, "--url", url, "--tsa", root)
    assert done.exit_code == 0, done.output
    [token] = (deployment / "data" / timestamps.FOLDER).iterdir()
    assert f"checkpoint {token.stem} was there at {time.strftime('%Y-%m-%dT', time.gmtime())}" in (
        done.output
    )

    assert "1 tokens hold" in run("-d", deployment, "--check", "--tsa", root).output

    token.rename(token.with_name("3.tsr"))
    wrong = run("-d", deployment, "--check", "--tsa", root)
    assert (wrong.exit_code, "timestamp.broken" in wrong.output) == (1, True)


def test_tokens_are_checked_for_what_they_are_over_and_by_whom(tmp_path, tsa, checkpoint):
    folder, root = tsa
    text = parse_note(checkpoint).text
    with authority.served(folder) as url:
        stamped = timestamps.stamp(tmp_path, url, checkpoint)
    kept, roots = tmp_path / timestamps.FOLDER, timestamps.read_roots(root)
    other = timestamps.read_roots(authority.make(tmp_path / "other"))

    def rules(roots, text_of):
        found, problems = timestamps.check(kept, roots, text_of)
        return found or [problem.rule for problem in problems]

    assert rules(roots, lambda _: text) == [stamped]
    assert abs(stamped.time - time.time() * 1000) < 60_000
    assert rules(roots, lambda _: text + "x") == ["timestamp.signature"]
    assert rules(other, lambda _: text) == ["timestamp.signature"]
    assert rules([], lambda _: text) == ["timestamp.signature"]
    assert rules(roots, lambda _: None) == ["timestamp.checkpoint"]
    (kept / "7.tsr").write_bytes(b"no token")
    assert rules(roots, lambda _: text) == ["timestamp.signature"]


def other_query(folder, query):
    wrong = bytearray(query)
    at = wrong.index(b"\x04\x20")  # the imprint
    wrong[at + 2] ^= 1
    return authority.stamped(folder, bytes(wrong))


def other_nonce(folder, query):
    wrong = bytearray(query)
    wrong[-4] ^= 1  # in the nonce, before what asks for a certificate
    return authority.stamped(folder, bytes(wrong))


def unknown_digest(folder, query):
    oid = bytes.fromhex("608648016503040201")  # sha256, which becomes sha384
    return authority.stamped(folder, query.replace(oid, oid[:-1] + b"\x02"))


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (lambda *_: b"", "timestamp.refused"),
        (lambda *_: b"nothing", "timestamp.form"),
        (lambda *_: b"0" * (1 << 17), "timestamp.form"),
        (unknown_digest, "timestamp.refused"),
        (other_query, "timestamp.imprint"),
        (other_nonce, "timestamp.nonce"),
    ],
)
def test_nothing_else_is_kept(tmp_path, tsa, checkpoint, answer, rule):
    with (
        authority.served(tsa[0], answer) as url,
        pytest.raises(GatewayError) as error,
    ):
        timestamps.stamp(tmp_path, url, checkpoint)

    assert error.value.rule == rule
    assert list(tmp_path.iterdir()) == []


def test_a_token_of_another_authority_is_not_kept(tmp_path, tsa, checkpoint):
    other = timestamps.read_roots(authority.make(tmp_path / "other"))
    with authority.served(tsa[0]) as url, pytest.raises(GatewayError) as error:
        timestamps.stamp(tmp_path, url, checkpoint, other)

    assert error.value.rule == "timestamp.signature"


def test_an_authority_that_does_not_answer_is_said_so(deployment, tmp_path):
    assert "timestamp.unavailable" in run("-d", deployment, "--url", "http://127.0.0.1:1/").output
    assert "timestamp.unavailable" in run("-d", deployment, "--url", "http://[").output
    assert "settings.missing" in run("-d", deployment).output
    assert run("-d", deployment, "--check").exit_code == 2
    Path(tmp_path / "none.pem").write_text("none")
    assert "timestamp.roots" in run("-d", deployment, "--tsa", tmp_path / "none.pem").output


def test_an_auditor_checks_the_tokens_that_came_with_an_export(deployment, tsa, tmp_path):
    folder, root = tsa
    with authority.served(folder) as url:
        assert run("-d", deployment, "--url", url).exit_code == 0
    log = CliRunner()
    out, key = tmp_path / "out", deployment / "keys" / "log.vkey"
    assert log.invoke(app, ["log", "export", str(out), "-d", str(deployment)]).exit_code == 0

    def verified(certificate):
        asked = ["log", "verify", str(out), "--key", str(key), "--tsa", str(certificate)]
        done = log.invoke(app, asked)
        return done.exit_code, done.output

    code, said = verified(root)
    assert (code, "time stamps: 1 hold" in said) == (0, True), said
    code, said = verified(authority.make(tmp_path / "other"))
    assert (code, "timestamp.signature at timestamps/" in said) == (1, True), said
    [token] = (out / timestamps.FOLDER).iterdir()
    token.rename(token.with_name("999.tsr"))
    code, said = verified(root)
    assert (code, "timestamp.checkpoint at timestamps/999.tsr" in said) == (1, True), said


def test_an_entry_later_than_a_token_over_it_is_found(deployment, tsa, tmp_path, monkeypatch):
    folder, root = tsa
    with authority.served(folder) as url:
        assert run("-d", deployment, "--url", url).exit_code == 0
    out, key = tmp_path / "out", deployment / "keys" / "log.vkey"
    assert (
        CliRunner().invoke(app, ["log", "export", str(out), "-d", str(deployment)]).exit_code == 0
    )
    monkeypatch.setattr("gateway.cli_log_verify.MAX_SKEW", -86_400)

    done = CliRunner().invoke(
        app, ["log", "verify", str(out), "--key", str(key), "--tsa", str(root)]
    )
    assert (done.exit_code, "entry.after_timestamp at entry " in done.output) == (1, True)
