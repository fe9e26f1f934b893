"""The whole journey with an OPA server deciding, and the same answer from both engines."""

import asyncio
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import log_view, session
from gateway.deployment import read_deployment
from gateway.entry import new_id, parse
from gateway.exchange import Transfer, exchange
from gateway.policy import PolicyMismatch
from gateway.terms import Asked, terms_of

ASKED = Asked(
    sender="org:amal-relief",
    agreement="agr:registration-2026",
    purpose="hum.assist.registration",
    source="kobo",
    deliver="return",
)
needs_opa = pytest.mark.skipif(not shutil.which("opa"), reason="opa is not on PATH")


@pytest.fixture(scope="module")
def opa(prepared, tmp_path_factory) -> Iterator[int]:
    """The port of a real OPA server with the demo's bundle."""
    bundle = tmp_path_factory.mktemp("opa") / "bundle"
    session.bundle_of(read_deployment(prepared[0])).write(bundle)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["opa", "run", "--server", "--addr", f"127.0.0.1:{port}", "--bundle", str(bundle),
         "--log-level", "error"]
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health?bundles", timeout=2).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                assert process.poll() is None
        yield port
    finally:
        process.terminate()
        process.wait(10)


def carried(directory: Path, content: bytes):
    async def carry():
        async with session.opened(directory) as gateway:
            terms = terms_of(ASKED, gateway.deployment, gateway.known)
            outcome = await exchange(Transfer(new_id(), terms, content), gateway)
            gateway.log.done(outcome.transfer)
            return outcome

    return asyncio.run(carry())


def ask_opa(directory: Path, port: int) -> None:
    settings = directory / "corridor.toml"
    engine = f'engine = "opa"\nopa_port = {port}'
    settings.write_text(settings.read_text().replace('engine = "embedded"', engine))


@needs_opa
def test_both_engines_let_the_same_leave(deployment, payload, opa):
    here = carried(deployment, payload)
    ask_opa(deployment, opa)
    there = carried(deployment, payload)

    assert there.content == here.content
    assert there.details == here.details
    entries = [parse(leaf) for _, leaf in log_view.entries(deployment / "data")]
    engines = [entry["policy"]["engine"] for entry in entries if entry["type"] == "transfer"]
    assert engines == ["embedded", "opa"]


@needs_opa
def test_an_opa_with_other_policies_than_ours_is_refused(deployment, payload, opa):
    ask_opa(deployment, opa)
    (deployment / "policies").mkdir()
    (deployment / "policies" / "narrow.rego").write_text(
        'package local\n\nnarrow := {"person": {"name": "drop"}}\n'
    )

    with pytest.raises(PolicyMismatch):
        carried(deployment, payload)
