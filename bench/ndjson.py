"""A large payload through the API: its rate, and the memory of everything that works on it.

    python -m bench.ndjson [SUBMISSIONS] [WORKERS ...]

Invented Kobo submissions, a million unless told otherwise, are made while they are sent: NDJSON
to `POST /v1/transfers` of a real `corridor serve`, which answers 202. The job is waited for and
the FHIR bundle fetched. Memory is the resident set of the server and all its workers, added up
and looked at ten times a second. The yardstick is `orjson.loads` and `orjson.dumps` of the same
lines, in this process. With 1 and then 2 workers unless told otherwise.
"""

import argparse
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import orjson

from bench.people import submission
from gateway.cli import DEMO
from gateway.demo import prepare

AIM_MB = 400
TERMS = {
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "format": "kobo",
}
BATCH = 200
PATIENCE = 3600


def lines(count: int) -> Iterator[bytes]:
    """So many submissions, some hundred lines at a time."""
    random_ = random.Random(1)
    bodies = [submission(random_, number) for number in range(500)]
    for start in range(0, count, BATCH):
        some: list[bytes] = []
        for number in range(start, min(start + BATCH, count)):
            uuid = f"{number:08x}-0000-4000-8000-{random_.getrandbits(48):012x}"
            own = {"_id": number, "_uuid": uuid, "meta/instanceID": f"uuid:{uuid}"}
            some.append(orjson.dumps({**bodies[number % len(bodies)], **own}))
        yield b"\n".join(some) + b"\n"


class Watched:
    """The most memory that a process and those below it had together."""

    def __init__(self, pid: int) -> None:
        self.peak_mb = 0.0
        self._pid, self._over = pid, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self.peak_mb = max(self.peak_mb, sum(map(resident_mb, family(self._pid))))


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for one in found:
        # Of each thread: workers are started by one that is not the first.
        for told in Path(f"/proc/{one}/task").glob("*/children"):
            with suppress(OSError):
                found += map(int, told.read_text().split())
    return found


def resident_mb(pid: int) -> float:
    """Resident set, in megabytes."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def serve(directory: Path, workers: int) -> tuple[subprocess.Popen[bytes], str]:
    """A gateway with so many workers, answering."""
    settings = directory / "corridor.toml"
    settings.write_text(f"{settings.read_text()}\n[bulk]\nworkers = {workers}\n")
    port = free_port()
    command = [sys.executable, "-m", "gateway", "serve", "-d", str(directory), "--port", str(port)]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                return server, address
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    server.kill()
    raise SystemExit("the gateway did not start")


def carried(client: httpx.Client, count: int) -> tuple[float, float, int]:
    """Seconds to send, seconds of the job, bytes fetched."""
    began = time.perf_counter()
    answer = client.post("/v1/transfers", params=TERMS, content=lines(count))
    sent = time.perf_counter()
    if answer.status_code not in (201, 202):
        raise SystemExit(f"answered {answer.status_code}: {answer.text[:300]}")
    place = answer.headers["Location"]
    while time.perf_counter() - sent < PATIENCE:
        told = client.get(place).json()
        if told["state"] not in ("queued", "running"):
            break
        time.sleep(0.2)
    done = time.perf_counter()
    if told["state"] != "open":
        raise SystemExit(f"the job came to {told['state']}: {told.get('problem')}")
    with client.stream("GET", f"{place}/content") as content:
        written = sum(map(len, content.iter_raw(1 << 20)))
    return sent - began, done - sent, written


def yardstick(count: int) -> tuple[float, int]:
    """Seconds of a processor to read and write each line, and bytes of all of them."""
    seconds, size = 0.0, 0
    for some in lines(count):
        size += len(some)
        each = some.splitlines()
        began = time.process_time()
        for line in each:
            orjson.dumps(orjson.loads(line))
        seconds += time.process_time() - began
    return seconds, size


def measured(count: int, workers: int) -> tuple[float, float, float, int, float]:
    """Seconds to send, seconds of the job, peak megabytes, bytes out, seconds of processors."""
    before = os.times()
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "demo"
        shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns("keys", "data"))
        token = prepare(directory)
        server, address = serve(directory, workers)
        watched = Watched(server.pid)
        headers = {"Authorization": f"Bearer {token}"}
        try:
            with httpx.Client(base_url=address, timeout=600, headers=headers) as client:
                sent, job, written = carried(client, count)
        finally:
            watched.stop()
            server.terminate()
            server.wait()
        after = os.times()
        used = after.children_user + after.children_system
        used -= before.children_user + before.children_system
        return sent, job, watched.peak_mb, written, used


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("submissions", type=int, nargs="?", default=1_000_000)
    parser.add_argument("workers", type=int, nargs="*", default=[1, 2])
    asked = parser.parse_args()
    yard, size = yardstick(asked.submissions)
    count = asked.submissions
    print(f"ndjson: {count:,} Kobo submissions, {size / 1e6:,.0f} MB, over HTTP")
    print(f"  orjson loads + dumps {yard:8.1f} s {count / yard:10,.0f} submissions/s", flush=True)
    worst = 0.0
    for workers in asked.workers:
        sent, job, peak, written, used = measured(count, workers)
        worst = max(worst, peak)
        print(
            f"  {workers} worker(s)          {job:8.1f} s {count / job:10,.0f} submissions/s,"
            f" {job / yard:.1f} x the yardstick ({used:.1f} s of processors);"
            f" sent in {sent:.1f} s;"
            f" {peak:,.0f} MB at most (aim: {AIM_MB}); {written / 1e6:,.0f} MB out",
            flush=True,
        )
    if worst > AIM_MB:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
