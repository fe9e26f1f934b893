"""Single transfers under load while their recipient fails: is anything lost, or not logged?

    python -m bench.soak [SECONDS] [CONNECTIONS]

A real `corridor serve` takes transfers of one submission each, with `deliver=push`, from 64
connections. Each answer comes after its entry is durable. The recipient's system fails one push
in five. Then the recipient is repaired, the outbox drains, and everything is counted: by what
the sender was answered, by what the recipient took, and by the log. A bare FastAPI echo is asked
by the same client in the same run. Exits 1 where anything was lost or not logged.
"""

import json
import multiprocessing
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw
import httpx
import orjson
import yaml

from bench.single import serve_echo
from bench.soak_load import Answered
from gateway.audit import verify_log
from gateway.cli import DEMO
from gateway.delivery.send import SYSTEMS
from gateway.demo import prepare
from gateway.deployment import read_deployment

SENDER, RECIPIENT = "org:amal-relief", "org:sante-sans-rivages"
METRICS_KEY = "watching"
DRAIN = 4.0
"""How many times as long as the load the outbox may take to drain, and a minute more."""

SETTINGS = """
[limits]
requests_per_second = 0
address_per_second = 0
wrong_keys_per_minute = 0

[delivery]
timeout_seconds = 2.0
total_seconds = 5.0
max_attempts = 50
backoff_seconds = 0.5
backoff_max_seconds = 10.0

[observe]
metrics_secret = "soak"
"""


def loaded(port: int, token: str, seconds: float, connections: int) -> Answered:
    """What a load was answered."""
    command = [sys.executable, "-m", "bench.soak_load", str(port), str(seconds), str(connections)]
    done = subprocess.run(
        command, input=token.encode(), stdout=subprocess.PIPE, timeout=seconds + 120, check=True
    )
    return Answered(**orjson.loads(done.stdout))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def made_deployment(scratch: Path, port: int) -> tuple[Path, str]:
    """A copy of the demo's, whose recipient has an address, and the sender's key."""
    directory = scratch / "soak"
    shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns("keys", "data"))
    token = prepare(directory)
    settings = directory / "corridor.toml"
    before = settings.read_text(encoding="utf-8").partition("\n[limits]\n")[0]
    settings.write_text(before + SETTINGS, encoding="utf-8")
    party = directory / "parties" / "sante-sans-rivages.yaml"
    facts = yaml.safe_load(party.read_text(encoding="utf-8"))
    facts["endpoints"] = [
        {
            "id": "main",
            "system": "fhir" if "fhir" in SYSTEMS else "webhook",
            "url": f"http://127.0.0.1:{port}",
            "formats": ["fhir.r4"],
            "network": "loopback",
            "concurrency": 32,
        }
    ]
    party.write_text(yaml.safe_dump(facts, allow_unicode=True), encoding="utf-8")
    secrets = directory / "keys" / "secrets.json"
    secrets.write_text(json.dumps({"soak": METRICS_KEY}))
    secrets.chmod(0o600)
    return directory, token


@contextmanager
def gateway(directory: Path, port: int, *, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`corridor serve`, and what it says in a file; stopped as an operator stops it."""
    corridor = Path(sys.executable).with_name("corridor")
    command = [str(corridor), "serve", "--deployment", str(directory), "--port", str(port)]
    with said.open("wb") as errors:
        process = subprocess.Popen(command, stdout=errors, stderr=errors)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.05)
        else:
            raise SystemExit("the gateway is not ready:\n" + said.read_text()[-2000:])
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)


def measured(port: int) -> dict[str, float]:
    """What `/metrics` says, by name and labels."""
    page = httpx.get(
        f"http://127.0.0.1:{port}/metrics",
        headers={"Authorization": f"Bearer {METRICS_KEY}"},
        timeout=30,
    )
    lines = [line for line in page.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def drained(port: int, seconds: float) -> tuple[float, float]:
    """Seconds until nothing waited, and how many dead letters there are."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        now = measured(port)
        if not now['corridor_deliveries{state="waiting"}']:
            break
        time.sleep(1)
    return time.monotonic() - began, now['corridor_deliveries{state="dead"}']


@dataclass
class Account:
    """What happened, by the log and its rows."""

    released: set[str]
    delivered: set[str]
    states: dict[str, int]
    problems: list[str]


def account(directory: Path) -> Account:
    """Read what the gateway left, as an auditor would."""
    deployment = read_deployment(directory)
    found = verify_log(deployment.data, vkey=deployment.vkey())
    rows = apsw.Connection(str(deployment.data / "log.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    released = "SELECT id, state FROM transfer_state WHERE outcome = 'released'"
    states = rows.execute("SELECT state, count(*) FROM delivery GROUP BY state").fetchall()
    made = dict(rows.execute(released).fetchall())
    rows.close()
    delivered = {name for name, state in made.items() if state == "delivered"}
    return Account(set(made), delivered, dict(states), [one.rule for one in found.problems])


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 300.0
    connections = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    sys.exit(0 if soak(seconds, connections) else 1)


def soak(seconds: float, connections: int) -> bool:
    """Run it and print what was found; whether all is well."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        there, here = free_port(), free_port()
        directory, token = made_deployment(scratch, there)
        took = scratch / "taken.json"
        inside = ["inside"] if "fhir" in SYSTEMS else []
        recipient = subprocess.Popen(
            [sys.executable, "-m", "bench.soak_recipient", str(there), str(took), *inside]
        )
        try:
            echoes = [echo(token, seconds, connections)]
            with gateway(directory, here, said=scratch / "said.log"):
                loaded(here, token, min(2.0, seconds), connections)  # to warm it up
                began = time.monotonic()
                answered = loaded(here, token, seconds, connections)
                behind = measured(here)
                recipient.send_signal(signal.SIGUSR1)
                drain, dead = drained(here, seconds * DRAIN + 60)
                lasted = time.monotonic() - began
            echoes.append(echo(token, seconds, connections))
        finally:
            recipient.terminate()
            recipient.wait(30)
        there_said = json.loads(took.read_text())
        return told(
            Run(seconds, connections, echoes, answered, behind, drain, dead, lasted),
            account(directory),
            there_said["taken"],
            there_said["failed"],
        )


def echo(token: str, seconds: float, connections: int) -> float:
    """Requests a second of the bare echo."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        process = multiprocessing.get_context("fork").Process(target=serve_echo, args=(listener,))
        process.start()
        port: int = listener.getsockname()[1]
    try:
        short = min(max(seconds / 10, 0.5), 15.0)
        loaded(port, token, min(1.0, seconds), connections)
        return len(loaded(port, token, short, connections).seconds) / short
    finally:
        process.terminate()
        process.join(10)


@dataclass
class Run:
    """One run, as it was seen from outside."""

    seconds: float
    connections: int
    echoes: list[float]
    answered: Answered
    behind: dict[str, float]
    drain: float
    dead: float
    lasted: float


def told(run: Run, log: Account, taken: dict[str, int], failed: dict[str, int]) -> bool:
    """Print it; whether nothing was lost and nothing is missing in the log."""
    answered = set(run.answered.transfers)
    lost = log.released - set(taken)
    unlogged = (answered | set(taken)) - log.released
    unsaid = set(taken) - log.delivered
    twice = sum(count - 1 for count in taken.values())
    rate = len(run.answered.seconds) / run.seconds
    echoed = statistics.mean(run.echoes)
    parts = statistics.quantiles(run.answered.seconds, n=100)
    waiting = run.behind['corridor_deliveries{state="waiting"}']
    pushes = sum(taken.values()) / run.lasted
    print(f"soak: {run.connections} connections, {run.seconds:g} s, one submission a request")
    print(f"  transfers              {rate:10,.0f} a second")
    print(f"  answers                p50 {parts[49] * 1000:.1f} ms   p99 {parts[98] * 1000:.1f} ms")
    print(f"  FastAPI echo           {echoed:10,.0f} a second")
    print(f"  ratio                  {rate / echoed:10.2f} of the echo's rate (aim: 0.4)")
    entries, commits = len(log.released), run.behind["corridor_log_commits_total"]
    commit = run.behind["corridor_log_commit_seconds_total"] / commits
    print(
        f"  commits                {commit * 1000:10.1f} ms, about {entries / commits:.0f} entries"
    )
    print(f"  other answers          {run.answered.other or 'none'}")
    print(f"  pushes                 {pushes:10,.0f} a second until the outbox was empty")
    print(f"  failed on purpose      {sum(failed.values()):10,} of them: {failed}")
    print(f"  waiting at the end     {waiting:10,.0f}, drained in {run.drain:.0f} s")
    print(f"  released, by the log   {len(log.released):10,}, with the warm-up; {log.states}")
    print(f"  taken by the recipient {len(taken):10,}, and again {twice:,}")
    print(f"  delivered, by the log  {len(log.delivered):10,}")
    print(f"  lost                   {len(lost):10,}")
    print(f"  unlogged               {len(unlogged):10,}")
    print(f"  taken, not said so     {len(unsaid):10,}")
    print(f"  the log verifies       {'no: ' + str(log.problems) if log.problems else 'yes':>10}")
    return not (lost or unlogged or unsaid or log.problems or run.dead)


if __name__ == "__main__":
    main()
