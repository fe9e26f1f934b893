"""The whole gateway, killed while partners wait for answers over HTTP."""

import random
import shutil
import signal
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson

from gateway import note, receipt
from gateway.audit import verify_log
from gateway.demo import prepare
from gateway.deployment import read_deployment, read_keys
from gateway.log import Log
from tests.conftest import DEMO
from tests.postgres import Cluster
from tests.proof.trials import Row
from tests.test_crash import TERMS, Server

PARTNERS = 4
ENDS = ("delivered", "not_released")
STORE = '\n[log]\nstore = "postgresql"\ndatabase = "{}"\n'
PAYLOAD = (DEMO / "payloads" / "households.json").read_bytes()


@dataclass
class Answers:
    """What partners were given, by the transfer's id."""

    address: str
    token: str
    first: threading.Event = field(default_factory=threading.Event)
    content: dict[str, bytes] = field(default_factory=dict)

    def ask(self) -> None:
        """Ask until nobody answers any more."""
        headers = {"Authorization": f"Bearer {self.token}", "Prefer": "return=representation"}
        with httpx.Client(headers=headers, timeout=30) as client:
            while True:
                try:
                    answer = client.post(
                        f"{self.address}/v1/transfers", params=TERMS, content=PAYLOAD
                    )
                except httpx.TransportError:
                    return
                if answer.status_code == 201:
                    name = answer.headers["location"].rsplit("/", 1)[1]
                    self.content[name] = answer.content
                    self.first.set()


def served(name: str, cluster: Cluster | None, *, trials: int, seed: int) -> Row:
    """Kill `corridor serve` so many times; the judge comes at the end."""
    chance, row, began = random.Random(f"{name} {seed}"), Row(name), time.monotonic()
    answered: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "demo"
        shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns("keys", "data"))
        if cluster is not None:
            with (directory / "corridor.toml").open("a") as settings:
                settings.write(STORE.format(cluster.database()))
        token = prepare(directory)
        for _ in range(trials):
            row.trials += 1
            answered |= _killed(directory, token, chance)
        Server(directory).kill(signal.SIGTERM)  # closes what no answer was given for
        row.answers = len(answered)
        _judge(directory, answered, row)
    row.seconds = time.monotonic() - began
    return row


def _killed(directory: Path, token: str, chance: random.Random) -> dict[str, bytes]:
    server = Server(directory)
    answers = Answers(server.address, token)
    partners = [threading.Thread(target=answers.ask) for _ in range(PARTNERS)]
    for partner in partners:
        partner.start()
    answers.first.wait(30)
    time.sleep(chance.uniform(0, 0.1))
    server.kill()
    for partner in partners:
        partner.join()
    return answers.content


def _judge(directory: Path, answered: dict[str, bytes], row: Row) -> None:
    """Each answer has its entry and its receipt, and each release one end."""
    deployment = read_deployment(directory)
    vkey = deployment.vkey()
    found = verify_log(deployment.data, vkey=vkey)
    row.problems += [f"audit: {one.rule} {one.at}" for one in found.problems]
    key = read_keys(directory).log
    with closing(Log.open(deployment.data, key=key, gateway="auditor")) as log:
        note.open_checkpoint(log.checkpoint(), note.parse_vkey(vkey))
        entries = [orjson.loads(leaf) for _, leaf in log.entries()]
        for name, content in answered.items():
            kept = log.kept("receipt", name)
            if kept is None:
                row.problems.append(f"lost: {name} was answered and is not there")
            elif receipt.verify(kept.value, vkey=vkey, content=content).entry["id"] != name:
                row.problems.append(f"changed: {name} is another transfer")
    released = sorted(one["id"] for one in entries if one.get("outcome") == "released")
    ends = sorted(name for one in entries for end in ENDS for name in one.get(end, ()))
    if released != ends:
        row.problems.append("a release that has not come to exactly one end")
    row.entries, row.unanswered = len(entries), len(set(released) - answered.keys())
