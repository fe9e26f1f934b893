"""Three gateways on one database, killed in turn while partners send; and what must hold after.

`python -m tests.replicas [ROUNDS]` runs it for longer and prints what it counted.
"""

import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from gateway import receipt
from gateway.audit import verify_log
from gateway.demo import prepare
from gateway.deployment import new_bearer, read_deployment, read_keys
from gateway.log import Log
from tests.bulk_world import ndjson, submissions
from tests.conftest import DEMO
from tests.postgres import Cluster
from tests.test_crash import closed, transfers
from tests.vendors.pushed.registered import QUICK, RECIPIENT, configure, register
from tests.vendors.pushed.server import Answer, Asked, Recipient, recipient

GATEWAYS = 3
PARTNERS = 6
PACE = 0.05
"""Seconds between two transfers of a partner: gateways that start need the machine, too."""
PATIENCE = 120.0
TERMS = {
    "agreement": "agr:registration-2026",
    "format": "kobo",
    "purpose": "hum.assist.registration",
    "to": RECIPIENT,
}
STORE = '\n[log]\nstore = "postgresql"\ndatabase = "{}"\n'
PAYLOAD = (DEMO / "payloads" / "households.json").read_bytes()
SHARED = '\n[bulk]\nfolder = "{}"\nworkers = 1\npart_bytes = 100000\nlease_seconds = 2\n'
JOB_RECORDS = 600


class Gateway:
    """`corridor serve` in a process of its own, which may still be starting."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "gateway", "serve", "-d", str(directory)]
        self._process = subprocess.Popen([*command, "--port", str(port)], stderr=subprocess.DEVNULL)

    def wait(self) -> None:
        """Until it answers."""
        end = time.monotonic() + PATIENCE
        while not self.answers():
            assert self._process.poll() is None, "it ended"
            assert time.monotonic() < end, "it did not start"
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self, how: int = signal.SIGKILL) -> None:
        self._process.send_signal(how)
        self._process.wait(60)


@dataclass
class Said:
    """What partners were answered: by their key, the way, and the receipt or the content."""

    transfers: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Idempotency key to (transfer, way)."""
    content: dict[str, bytes] = field(default_factory=dict)
    asked: int = 0
    wrong: list[str] = field(default_factory=list)


class Replicas:
    """Folders and processes of three gateways that write one log."""

    def __init__(self, folder: Path, database: str, to: str, settings: str = "") -> None:
        first = folder / "gw-1"
        shutil.copytree(DEMO, first, ignore=shutil.ignore_patterns("keys", "data"))
        shared = folder / "shared"
        shared.mkdir()
        configure(first, STORE.format(database) + QUICK + SHARED.format(shared) + settings)
        self.shared = shared
        self.folders = [folder / f"gw-{n + 1}" for n in range(GATEWAYS)]
        self.token = prepare(first)
        self.theirs = new_bearer(first, RECIPIENT)
        register(first, url=f"{to}/in")
        for number, other in enumerate(self.folders[1:], 2):
            shutil.copytree(first, other, ignore=shutil.ignore_patterns("data"))
            text = (other / "corridor.toml").read_text()
            name = f'name = "demo-{number}"'
            (other / "corridor.toml").write_text(text.replace('name = "demo-1"', name))
            key = read_keys(other).log
            Log.join(other / "data", key=key, gateway=f"demo-{number}").close()
        self.running: list[Gateway | None] = [None] * GATEWAYS

    def start(self, number: int) -> Gateway:
        started = self.running[number] = Gateway(self.folders[number])
        return started

    def kill(self, number: int, how: int = signal.SIGKILL) -> None:
        gateway, self.running[number] = self.running[number], None
        if gateway is not None:
            gateway.kill(how)

    def wait_for_others(self, number: int) -> None:
        """Until one that is not this one answers."""
        others = [one for n, one in enumerate(self.running) if one is not None and n != number]
        end = time.monotonic() + PATIENCE
        while not any(one.answers() for one in others):
            assert time.monotonic() < end, "none came back"
            time.sleep(0.05)

    def addresses(self) -> list[str]:
        return [gateway.address for gateway in self.running if gateway is not None]

    @contextmanager
    def all_running(self) -> Iterator[None]:
        """All of them, stopped as operators stop them."""
        try:
            for gateway in [self.start(number) for number in range(GATEWAYS)]:
                gateway.wait()
            yield
        finally:
            for number in range(GATEWAYS):
                self.kill(number, signal.SIGTERM)


class Load:
    """Partners that send to whichever gateway answers, and ask again when none does."""

    def __init__(self, replicas: Replicas) -> None:
        self.said, self._replicas = Said(), replicas
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(PARTNERS)]

    def __enter__(self) -> "Load":
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for one in self._threads:
            one.join()

    def _send(self, number: int) -> None:
        chance = random.Random(number)
        with httpx.Client(timeout=20) as client:
            while not self._stop.is_set():
                way = ("push", "inbox", "return")[number % 3]
                key = str(uuid.UUID(int=chance.getrandbits(128)))
                transfer = self._once(client, chance, key, way)
                if transfer is None:
                    continue
                with self._lock:
                    self.said.transfers[key] = transfer, way
                if way == "inbox":
                    self._fetch(client, chance, transfer)
                self._stop.wait(PACE)

    def _once(self, client: httpx.Client, chance: random.Random, key: str, way: str) -> str | None:
        """One transfer, asked for until it is answered."""
        headers = {"Authorization": f"Bearer {self._replicas.token}", "Idempotency-Key": key}
        params = {**TERMS, "deliver": way}
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with self._lock:
                self.said.asked += 1
            try:
                address = chance.choice(self._replicas.addresses())
                answer = client.post(
                    f"{address}/v1/transfers", params=params, content=PAYLOAD, headers=headers
                )
            except (httpx.TransportError, IndexError):
                time.sleep(0.02)
                continue
            if answer.status_code in (200, 201):
                return answer.headers["Location"].rsplit("/", 1)[1]
            if answer.status_code not in (429, 503):
                self.said.wrong.append(f"answered {answer.status_code}: {answer.text[:200]}")
                return None
            time.sleep(0.05)
        self.said.wrong.append("no answer in time")
        return None

    def _fetch(self, client: httpx.Client, chance: random.Random, transfer: str) -> None:
        """The recipient takes it; a fetch that a kill interrupted may be repeated or not."""
        headers = {"Authorization": f"Bearer {self._replicas.theirs}"}
        for _ in range(10):
            try:
                address = chance.choice(self._replicas.addresses())
                answer = client.get(f"{address}/v1/transfers/{transfer}/content", headers=headers)
            except (httpx.TransportError, IndexError):
                time.sleep(0.02)
                continue
            if answer.status_code == 200:
                self.said.content[transfer] = answer.content
            return


def flaky() -> "object":
    """A recipient that fails one push in five."""
    chance = random.Random(5)

    def answer(_: Asked) -> Answer:
        return Answer(503 if chance.random() < 0.2 else 200)

    return answer


def begun(replicas: Replicas, number: int) -> str:
    """A job that this gateway is in the middle of."""
    address = replicas.running[number].address
    params = {**TERMS, "deliver": "inbox"}
    headers = {"Authorization": f"Bearer {replicas.token}", "Prefer": "respond-async"}
    with httpx.Client(timeout=30, headers=headers) as client:
        payload = ndjson(submissions(JOB_RECORDS))
        answer = client.post(f"{address}/v1/transfers", params=params, content=payload)
        assert answer.status_code == 202, answer.text
        end = time.monotonic() + PATIENCE
        while client.get(f"{address}{answer.headers['Location']}").json()["state"] == "queued":
            assert time.monotonic() < end, "nobody took the job up"
            time.sleep(0.01)
    return answer.headers["Location"].rsplit("/", 1)[1]


def pushed_of(to: Recipient) -> Counter[str]:
    return Counter(
        next(value for name, value in one.headers.items() if name.lower() == "webhook-id")
        for one in to.asked
    )


def judge(replicas: Replicas, said: Said, to: Recipient, waiting: int) -> list[str]:
    """What does not hold. The gateways have stopped."""
    problems, first = list(said.wrong), replicas.folders[0]
    deployment = read_deployment(first)
    with closing(Log.open(deployment.data, key=read_keys(first).log, gateway="judge")) as log:
        kept = {name: log.kept("receipt", name) for name, _ in said.transfers.values()}
        ends = Counter(closed(first, "delivered") + closed(first, "not_released"))
        entries = transfers(first)
        released = {name for name, entry in entries.items() if entry["outcome"] == "released"}
        inbox = {name for name in released - ends.keys() if log.kept("content", name)}
    vkey = deployment.vkey()
    problems += [
        f"audit: {one.rule} {one.at}" for one in verify_log(first / "data", vkey=vkey).problems
    ]
    pushed = pushed_of(to)
    for name, way in said.transfers.values():
        held = kept[name]
        if name not in released or held is None:
            problems.append("lost: a transfer was answered, and has no entry")
        elif (
            receipt.verify(held.value, vkey=vkey, content=said.content.get(name)).entry["id"]
            != name
        ):
            problems.append("changed: a receipt of another transfer")
        if way == "push" and not pushed[name]:
            problems.append("lost: a push was accepted and never came")
    problems += ["unlogged: pushed without an entry" for name in pushed if name not in released]
    names = [name for name, _ in said.transfers.values()]
    if len(set(names)) != len(names):
        problems.append("two keys, one transfer")
    if len(released) > len(said.transfers):
        problems.append("twice: more releases than were asked for")
    if ends.keys() | inbox != released or max(ends.values(), default=1) > 1:
        problems.append("a release that has not come to exactly one end")
    if waiting:
        problems.append("pushes still wait")
    return problems


def trial(cluster: Cluster, folder: Path, rounds: int, seconds: float) -> tuple[list[str], str]:
    """So many rounds of three kills; what does not hold, and what was counted."""
    database = cluster.database()
    began = time.monotonic()
    with recipient(flaky()) as to:
        replicas = Replicas(folder, database, to.address)
        with replicas.all_running():
            with Load(replicas) as load:
                for turn, victim in enumerate(list(range(GATEWAYS)) * rounds):
                    time.sleep(seconds)
                    replicas.wait_for_others(victim)
                    if turn == 0:
                        job = begun(replicas, victim)
                    replicas.kill(victim)
                    if turn == 0:
                        taken = _leased(cluster, database, job)
                    time.sleep(seconds)
                    replicas.start(victim)
                replicas.wait_for_others(GATEWAYS)
            load.said.transfers["job"] = job, "job"
            ended = _ended(cluster, database, job, taken)
            waiting = _drained(cluster, database)
        problems = judge(replicas, load.said, to, waiting)
        if ended != "done" or any((replicas.shared / "bulk").iterdir()):
            problems.append(f"a job of a killed gateway is {ended}, or its payload is still there")
    pushed = pushed_of(to)
    ways = Counter(way for _, way in load.said.transfers.values())
    counted = (
        f"{GATEWAYS * rounds} kills in {time.monotonic() - began:.0f} s: "
        f"{load.said.asked} requests, {len(load.said.transfers)} transfers ("
        + ", ".join(f"{ways[way]} {way}" for way in sorted(ways))
        + f"); {len(pushed)} pushed in {pushed.total()} attempts; {len(problems)} problems"
    )
    return problems, counted


def _leased(cluster: Cluster, database: str, job: str) -> str:
    query = f"SELECT leased FROM job WHERE transfer = '{job}' AND state = 'running'"
    [[found]] = cluster.run(query, database)
    return str(found)


def _ended(cluster: Cluster, database: str, job: str, dead: str) -> str:
    """What became of a job whose gateway was killed."""
    query = f"SELECT state, leased FROM job WHERE transfer = '{job}'"
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        [[state, leased]] = cluster.run(query, database)
        if state not in ("queued", "running") and leased != dead:
            return str(state)
        time.sleep(0.1)
    return "not done"


def _drained(cluster: Cluster, database: str) -> int:
    """How many pushes still wait after a while."""
    query = "SELECT count(*) FROM delivery WHERE state = 'waiting'"
    end = time.monotonic() + PATIENCE
    while (waiting := cluster.run(query, database)[0][0]) and time.monotonic() < end:
        time.sleep(0.1)
    return int(waiting)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with Cluster.made() as cluster, tempfile.TemporaryDirectory() as scratch:
        problems, counted = trial(cluster, Path(scratch), rounds, 1.0)
    sys.stdout.write("\n".join([*sorted(set(problems)), counted]) + "\n")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
