"""`corridor demo`: the main job, over HTTP, on a copy of `deploy/demo`.

One transfer that is released minimized, one refused on a red line, one held for a person; then
the log is checked, a byte of a copy of it is changed, and the check fails.
"""

import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
from rich.console import Console

from gateway import journal, receipt
from gateway.app import create_app
from gateway.audit import verify_log
from gateway.deployment import make_keys, new_bearer, read_deployment, read_keys
from gateway.errors import GatewayError, OfficerError
from gateway.log import Log
from gateway.server import server_of, settings_of
from gateway.show import show_details

SENDER = "org:amal-relief"
TERMS = {"agreement": "agr:registration-2026", "format": "kobo"}
SCENES = (
    (
        "1. Registering the same families: granted, and cut down to the agreement",
        {"purpose": "hum.assist.registration"},
    ),
    (
        "2. The same people, for a border authority: a red line",
        {
            "purpose": "hum.assist.registration",
            "to": "org:border-directorate",
            "basis": "lb.public",
        },
    ),
    (
        "3. Health care, another purpose than registration: a person must decide",
        {"purpose": "hum.health.care"},
    ),
)
EXPECTED = ("released", "refused", "held")


def run(source: Path, console: Console, keep: Path | None) -> None:
    """Show it. Raises `GatewayError` where anything is not as it must be."""
    if not (source / "corridor.toml").is_file():
        raise OfficerError("no demo deployment here", rule="demo.missing", at=source.name)
    journal.silence()
    with tempfile.TemporaryDirectory() as scratch:
        directory = keep or Path(scratch) / "demo"
        shutil.copytree(source, directory, ignore=shutil.ignore_patterns("keys", "data"))
        token = prepare(directory)
        payload = (directory / "payloads" / "households.json").read_bytes()
        with served(directory) as address:
            console.print(f"serving {directory.name} at {address}\n", highlight=False)
            for (title, terms), expected in zip(SCENES, EXPECTED, strict=True):
                console.rule(title, align="left", style="dim")
                if _scene(console, address, token, payload, terms, directory) != expected:
                    raise GatewayError("the demo went another way", rule="demo.outcome")
                console.print()
        console.rule("4. An outsider checks, with the public key alone", align="left", style="dim")
        _check(console, directory, Path(scratch))


def prepare(directory: Path) -> str:
    """Keys, log and a bearer key for a fresh copy of the demo deployment."""
    deployment = read_deployment(directory)
    gateway = deployment.settings.gateway
    make_keys(directory, gateway.origin)
    log_key = read_keys(directory).log
    Log.create(deployment.data, origin=gateway.origin, key=log_key, gateway=gateway.name).close()
    return new_bearer(directory, SENDER)


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """A real server on a free loopback port, stopped when the block ends."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = server_of(create_app(directory), settings_of(directory), lifespan="on")
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise GatewayError("the server did not start", rule="demo.server")
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _scene(
    console: Console,
    address: str,
    token: str,
    payload: bytes,
    terms: dict[str, str],
    directory: Path,
) -> str:
    answer = httpx.post(
        f"{address}/v1/transfers",
        params={**TERMS, **terms},
        content=payload,
        headers={"Authorization": f"Bearer {token}", "Prefer": "return=representation"},
        timeout=30,
    )
    content = answer.content if answer.status_code == 201 else None
    held = answer.content
    if content is not None:
        path = answer.headers["Link"].split(">")[0].removeprefix("<")
        held = httpx.get(
            f"{address}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=30
        ).content
    verified = receipt.verify(held, vkey=read_deployment(directory).vkey(), content=content)
    outcome = str(verified.entry["outcome"])
    show_details(console, outcome, verified.details)
    if content is not None:
        _peek(console, content)
    name = f"receipt-{outcome}.json"
    (directory / name).write_bytes(held)
    return outcome


def _peek(console: Console, content: bytes) -> None:
    bundle: dict[str, Any] = orjson.loads(content)
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    console.print(f"FHIR R4 bundle: {counts}; {len(content)} bytes", highlight=False)


def _check(console: Console, directory: Path, scratch: Path) -> None:
    vkey = read_deployment(directory).vkey()
    findings = verify_log(directory / "data", vkey=vkey)
    if findings.problems:
        raise GatewayError("the log does not hold", rule="log.broken")
    console.print(f"log holds: {findings.size} entries, root {findings.root.hex()[:16]}…")
    body = (directory / "receipt-released.json").read_bytes()
    receipt.verify(body, vkey=vkey)
    console.print("receipt holds: its entry is in the log, its details are the ones committed to")
    copy = scratch / "tampered"
    shutil.copytree(directory / "data", copy)
    with (copy / "log.sqlite").open("r+b") as file:
        middle = file.seek(0, 2) // 2
        file.seek(middle)
        byte = file.read(1)
        file.seek(middle)
        file.write(bytes([byte[0] ^ 1]))
    broken = verify_log(copy, vkey=vkey)
    if not broken.problems:
        raise GatewayError("a changed byte was not noticed", rule="demo.tamper")
    first = broken.problems[0]
    console.print(
        f"tampered copy: verification fails, as it must ({first.rule} at {first.at})",
        style="green",
    )
