"""kill -9 and failing disks, with a real server: no answer without an entry, ever."""

import json
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from gateway import log_view, receipt
from gateway.audit import verify_log
from gateway.deployment import read_deployment, read_keys
from gateway.entry import parse
from gateway.log import Log

TERMS = {
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "format": "kobo",
}


class Server:
    """`corridor serve` in a process of its own."""

    def __init__(self, directory: Path, **options: object) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve", "-d", str(directory), "--port",
             str(self.port)],
            stderr=subprocess.DEVNULL, **options,
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while True:
            try:
                if httpx.get(f"{self.address}/healthz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                assert self.process.poll() is None
                assert time.monotonic() < deadline

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self, how: int = signal.SIGKILL) -> None:
        self.process.send_signal(how)
        self.process.wait(30)


def transfers(directory: Path) -> dict[str, dict]:
    found = (parse(leaf) for _, leaf in log_view.entries(directory / "data"))
    return {entry["id"]: entry for entry in found if entry["type"] == "transfer"}


def closed(directory: Path, state: str) -> list[str]:
    found = (parse(leaf) for _, leaf in log_view.entries(directory / "data"))
    return [one for entry in found for one in entry.get(state, ())]


def test_killed_at_any_moment_every_answer_has_its_entry(deployment, token, payload):
    answered: dict[str, bytes] = {}
    for round_ in range(3):
        server = Server(deployment)
        end = time.monotonic() + 0.3 * (round_ + 1)
        killer = subprocess.Popen(
            [sys.executable, "-c",
             f"import os,time; time.sleep({0.1 + 0.13 * round_}); os.kill({server.process.pid}, 9)"]
        )  # fmt: skip
        with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=10) as client:
            while server.process.poll() is None or time.monotonic() < end:
                try:
                    answer = client.post(
                        f"{server.address}/v1/transfers",
                        params=TERMS,
                        content=payload,
                        headers={"Prefer": "return=representation"},
                    )
                except httpx.TransportError:
                    break
                if answer.status_code == 201:
                    answered[answer.headers["location"].rsplit("/", 1)[1]] = answer.content
        killer.wait(10)
        server.process.wait(10)
    Server(deployment).kill(signal.SIGTERM)

    vkey = read_deployment(deployment).vkey()
    logged = transfers(deployment)
    assert len(answered) > 5
    assert answered.keys() <= logged.keys()
    with Log.open(deployment / "data", key=read_keys(deployment).log, gateway="auditor") as opened:
        for transfer, content in answered.items():
            body = opened.kept("receipt", transfer).value
            assert receipt.verify(body, vkey=vkey, content=content).entry["id"] == transfer
    assert verify_log(deployment / "data", vkey=vkey).problems == ()
    # Each of them has exactly one end: delivered, or found at start-up and closed.
    ends = closed(deployment, "delivered") + closed(deployment, "not_released")
    assert sorted(ends) == sorted(logged)


def test_a_full_disk_is_503_and_releases_nothing(deployment, token, payload):
    used = max(path.stat().st_size for path in (deployment / "data").iterdir())
    limit = used + 40_000

    def cramped() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    server = Server(deployment, preexec_fn=cramped)
    answers = [
        httpx.post(
            f"{server.address}/v1/transfers", params=TERMS, content=payload, timeout=20,
            headers={"Authorization": f"Bearer {token}", "Prefer": "return=representation"},
        )
        for _ in range(12)
    ]  # fmt: skip
    server.kill()

    failed = [answer for answer in answers if answer.status_code != 201]
    assert failed
    for answer in failed:
        assert (answer.status_code, answer.json()["act"]) == (503, "operator")
        assert answer.headers["retry-after"]
        assert "فاطمة" not in answer.text
    Server(deployment).kill(signal.SIGTERM)
    released = [answer for answer in answers if answer.status_code == 201]
    logged = [one for one in transfers(deployment).values() if one["outcome"] == "released"]
    assert len(released) <= len(logged)


def test_a_locked_log_is_503_and_writes_nothing(deployment, token, payload):
    import apsw

    from gateway.log_file import connect

    server = Server(deployment)
    try:
        holder = connect(deployment / "data" / "log.sqlite")
        holder.execute("BEGIN IMMEDIATE")
        answer = httpx.post(
            f"{server.address}/v1/transfers", params=TERMS, content=payload, timeout=30,
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        holder.execute("ROLLBACK")
        holder.close()
        assert isinstance(holder, apsw.Connection)
        again = httpx.post(
            f"{server.address}/v1/transfers", params=TERMS, content=payload, timeout=30,
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
    finally:
        server.kill(signal.SIGTERM)

    assert (answer.status_code, answer.json()["rule"]) == (503, "log.busy")
    assert again.status_code == 201
    assert len(transfers(deployment)) == 1


@pytest.mark.parametrize("missing", ["pseudonym.key", "log.key"])
def test_a_gateway_without_its_keys_does_not_start(deployment, missing):
    (deployment / "keys" / missing).unlink()

    done = subprocess.run(
        [sys.executable, "-m", "gateway", "serve", "-d", str(deployment), "--port", "0"],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode != 0
    assert b"PRIVATE" not in done.stderr


def test_an_opa_that_is_down_is_503_and_nothing_is_logged(deployment, token, payload):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = (deployment / "corridor.toml").read_text()
    (deployment / "corridor.toml").write_text(
        settings.replace('engine = "embedded"', f'engine = "opa"\nopa_port = {port}')
    )
    server = Server(deployment)
    answer = httpx.post(
        f"{server.address}/v1/transfers", params=TERMS, content=payload, timeout=30,
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    server.kill(signal.SIGTERM)

    assert (answer.status_code, json.loads(answer.content)["act"]) == (503, "operator")
    assert transfers(deployment) == {}
