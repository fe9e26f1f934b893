"""The command line as an officer, an auditor and a field office use it."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.deployment import read_deployment

TERMS = [
    "--format", "kobo", "--agreement", "agr:registration-2026",
    "--purpose", "hum.assist.registration",
]  # fmt: skip


def run(*args: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def carried(deployment, tmp_path):
    """A transfer carried from a file to a file."""
    out, receipt = tmp_path / "out.json", tmp_path / "receipt.json"
    payload = deployment / "payloads" / "households.json"
    code, shown, _ = run(
        "exchange", payload, "-d", deployment, *TERMS, "--out", out, "--receipt", receipt
    )
    assert (code, "RELEASED" in shown) == (0, True)
    return out, receipt


def verify(deployment: Path, receipt: Path, *more: object) -> tuple[int, str, str]:
    return run("log", "verify", "--receipt", receipt, "-d", deployment, *more)


def test_exchange_then_verify(deployment, carried):
    out, receipt = carried

    code, shown, _ = verify(deployment, receipt, "--content", out)

    assert (code, "content hold" in shown) == (0, True)
    assert orjson.loads(out.read_bytes())["resourceType"] == "Bundle"
    assert out.stat().st_mode & 0o077 == receipt.stat().st_mode & 0o077 == 0


def test_a_receipt_is_verified_without_a_deployment(deployment, carried, tmp_path):
    key = tmp_path / "key"
    key.write_text(read_deployment(deployment).vkey() + "\n")

    assert run("log", "verify", "--receipt", carried[1], "--key", key)[0] == 0


def test_any_changed_byte_of_a_receipt_is_noticed(deployment, carried, tmp_path):
    body = carried[1].read_bytes()
    changed = tmp_path / "changed.json"
    random_ = random.Random(1)
    places = {random_.randrange(len(body)) for _ in range(25)} | {0, len(body) - 1}

    for place in places:
        flipped = bytearray(body)
        flipped[place] ^= 1 << random_.randrange(8)
        changed.write_bytes(flipped)
        assert verify(deployment, changed)[0] == 1, place


def test_any_changed_byte_of_the_log_is_noticed(deployment, carried):
    path = deployment / "data" / "log.sqlite"
    body = path.read_bytes()
    random_ = random.Random(2)

    for place in [random_.randrange(len(body)) for _ in range(25)]:
        flipped = bytearray(body)
        flipped[place] ^= 1 << random_.randrange(8)
        path.write_bytes(flipped)
        assert verify(deployment, carried[1])[0] == 1, place
    path.write_bytes(body)
    assert verify(deployment, carried[1])[0] == 0


def test_a_receipt_of_another_log_does_not_verify(deployment, carried, tmp_path):
    other = tmp_path / "other"
    run("init", other, "--origin", "elsewhere.example/log")

    assert verify(other, carried[1])[0] == 1


def test_a_receipt_from_before_a_restored_backup_does_not_verify(deployment, tmp_path, carried):
    data = deployment / "data"
    before = {path.name: path.read_bytes() for path in data.glob("log.*")}
    out, receipt = tmp_path / "o2", tmp_path / "r2"
    payload = deployment / "payloads" / "households.json"
    run("exchange", payload, "-d", deployment, *TERMS, "--out", out, "--receipt", receipt)
    for name, body in before.items():
        (data / name).write_bytes(body)

    code, _, told = verify(deployment, receipt)

    assert (code, "log.forked" in told) == (1, True)


@pytest.mark.parametrize(
    ("extra", "word"),
    [
        (["--purpose", "hum.account.donor"], "minimize.aggregate_only"),
        (["--to", "org:border-directorate", "--from", "org:amal-relief", "--basis", "lb.public"],
         "red.migration"),
        (["--purpose", "hum.health.care"], "human.dpo"),
    ],
)  # fmt: skip
def test_a_refusal_exits_1_leaves_no_content_and_is_in_the_log(deployment, tmp_path, extra, word):
    out, receipt = tmp_path / "out", tmp_path / "receipt"
    payload = deployment / "payloads" / "households.json"

    code, shown, _ = run(
        "exchange", payload, "-d", deployment, *TERMS, *extra, "--out", out, "--receipt", receipt
    )

    assert (code, word in shown.replace("\n", ""), out.exists()) == (1, True, False)
    assert verify(deployment, receipt)[0] == 0
    lines = run("log", "show", "-d", deployment, "--json")[1].splitlines()
    [entry] = [entry for entry in map(json.loads, lines) if entry["type"] == "transfer"]
    assert any(rule.startswith(word) for rule in entry["rules"])


def test_log_show_is_a_table_for_people(deployment, carried):
    code, shown, _ = run("log", "show", "-d", deployment)

    assert (code, "released" in shown, "hum.assist" in shown) == (0, True, True)


def test_preview_and_json(deployment):
    payload = deployment / "payloads" / "households.json"

    code, shown, _ = run("preview", payload, "-d", deployment, *TERMS, "--json")

    assert (code, json.loads(shown)["outcome"]) == (0, "released")
    code, shown, _ = run(
        "preview", payload, "-d", deployment, *TERMS, "--purpose", "hum.health.care"
    )
    assert (code, "HELD" in shown) == (1, True)


def test_exchange_as_json(deployment, tmp_path):
    code, shown, _ = run(
        "exchange", deployment / "payloads" / "households.json", "-d", deployment, *TERMS,
        "--out", tmp_path / "o", "--receipt", tmp_path / "r", "--json",
    )  # fmt: skip

    assert (code, json.loads(shown)["records"]["read"]) == (0, 10)


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        (["exchange", "{payload}", "-d", "nowhere", *TERMS, "--out", "o", "--receipt", "r"],
         "deployment.missing"),
        (["exchange", "missing.json", "-d", "{d}", *TERMS, "--out", "o", "--receipt", "r"],
         "payload.unreadable"),
        (["exchange", "{payload}", "-d", "{d}", *TERMS, "--out", "no/such/o", "--receipt", "r"],
         "out.no_folder"),
        (["exchange", "{d}/corridor.toml", "-d", "{d}", *TERMS, "--out", "o", "--receipt", "r"],
         "json.invalid"),
        (["log", "show", "-d", "nowhere"], "deployment.missing"),
        (["log", "verify", "-d", "nowhere"], "deployment.missing"),
        (["log", "verify", "-d", "{d}", "--receipt", "missing"], "receipt.unreadable"),
        (["party", "key", "org:nobody", "-d", "{d}"], "party.unknown"),
    ],
)  # fmt: skip
def test_an_error_is_one_line_with_its_rule(deployment, tmp_path, monkeypatch, args, rule):
    monkeypatch.chdir(tmp_path)
    payload = deployment / "payloads" / "households.json"

    code, _, told = run(*(str(arg).format(d=deployment, payload=payload) for arg in args))

    assert (code, rule in told, "Traceback" in told) == (1, True, False)


@pytest.mark.parametrize(
    "args",
    [["exchange"], ["log", "verify"], ["nothing"], ["init"], ["log", "verify", "--key", "k"]],
)
def test_wrong_usage_exits_2(args, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert run(*args)[0] == 2


PUBLIC = ("log.vkey", "bundle.pub")


def test_init_makes_what_is_missing_and_replaces_nothing(tmp_path):
    directory = tmp_path / "new"

    assert run("init", directory)[0] == 2
    code, first, _ = run("init", directory, "--origin", "gw.example/log", "--name", "gw-9")
    assert (code, "made keys/log.key" in first) == (0, True)
    before = {path: path.read_bytes() for path in (directory / "keys").iterdir()}
    assert run("init", directory)[:2] == (0, "")
    assert before == {path: path.read_bytes() for path in (directory / "keys").iterdir()}
    assert all(path.stat().st_mode & 0o077 == 0 or path.name in PUBLIC for path in before)
    (directory / "keys" / "log.key").unlink()
    assert "keys.lost" in run("init", directory)[2]


def test_policy_commands(deployment, tmp_path):
    assert run("policy", "check", "-d", deployment)[0] == 0
    code, shown, _ = run("policy", "test")
    assert (code, "policy tests passed" in shown) == (0, True)
    code, revision, _ = run("policy", "bundle", tmp_path / "bundle.tar.gz")
    assert (code, revision.startswith("sha256:")) == (0, True)


def test_a_local_policy_that_is_none_of_ours_is_refused(deployment):
    (deployment / "policies").mkdir()
    (deployment / "policies" / "wide.rego").write_text("package exchange\n\nverdict := true\n")

    assert run("policy", "check", "-d", deployment)[0] == 1
    assert run("policy", "bundle", deployment / "b.tar.gz", "-d", deployment)[0] == 1
    assert run("policy", "test", "-d", deployment)[0] == 1


def test_the_demo_runs_and_its_folder_can_be_kept(tmp_path):
    code, shown, _ = run("demo", "--keep", tmp_path / "kept")

    assert code == 0
    for word in ("RELEASED", "REFUSED", "HELD", "log holds", "receipt holds", "tampered copy"):
        assert word in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert run("log", "verify", "-d", tmp_path / "kept")[0] == 0


def test_the_installed_command_serves_until_it_is_told_to_stop(deployment):
    import signal
    import time
    import urllib.request

    with (deployment / "corridor.toml").open("a") as file:
        file.write("\n[server]\nport = 0\n")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "-d", str(deployment), "--port", str(port)],
        stderr=subprocess.PIPE, env=environment,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                    assert json.load(answer)["ready"] is True
                break
            except OSError:
                assert time.monotonic() < deadline
                assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert json.loads(told.splitlines()[0])["event"] == "serving"
    lines = run("log", "show", "-d", deployment, "--json")[1].splitlines()
    said = [json.loads(line).get("what") for line in lines]
    assert [one for one in said if one in ("start", "stop")][-2:] == ["start", "stop"]
    assert said[-1] == "stop"
