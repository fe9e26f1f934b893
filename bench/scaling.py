"""One large payload, worked on in three ways: one process, two, and two through NATS.

    python -m bench.scaling [SUBMISSIONS]

Invented Kobo submissions as NDJSON to a real `corridor serve`; the job is waited for. For NATS a
real server and two `corridor work` processes. `x` is the cost against `orjson.loads` and
`orjson.dumps` of the same lines in the same run.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.ndjson import Watched, carried, free_port, yardstick
from gateway.cli import DEMO
from gateway.demo import prepare

NATS = 'engine = "nats"\nnats_url = "nats://127.0.0.1:{}"\n'


@contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def nats(folder: Path) -> Iterator[int]:
    """A NATS server with JetStream; its port."""
    program = shutil.which("nats-server", path="/usr/sbin:/usr/local/bin:/usr/bin:/bin")
    if program is None:
        raise SystemExit("nats-server is not installed")
    port, settings = free_port(), folder / "nats.conf"
    settings.write_text(
        f'host: 127.0.0.1\nport: {port}\nmax_payload: 8MB\njetstream {{ store_dir: "{folder}" }}\n'
    )
    with started(program, "-c", str(settings)):
        yield port


def measured(count: int, bulk: str, workers: int) -> tuple[float, float]:
    """Seconds of the job, and the most memory of all processes of ours, in megabytes."""
    with tempfile.TemporaryDirectory() as scratch, nats(Path(scratch)) as port:
        directory = Path(scratch) / "demo"
        shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns("keys", "data"))
        token = prepare(directory)
        settings = directory / "corridor.toml"
        settings.write_text(
            f"{settings.read_text()}\n[bulk]\njob_bytes = 1024\n{bulk.format(port)}"
        )
        corridor = (sys.executable, "-m", "gateway")
        listening = str(free_port())
        with started(*corridor, "serve", "-d", str(directory), "--port", listening) as server:
            working = [started(*corridor, "work", "-d", str(directory), "--processes", "1")
                       for _ in range(workers)]  # fmt: skip
            processes = [server, *(one.__enter__() for one in working)]
            address = f"http://127.0.0.1:{listening}"
            _wait(address)
            watched = [Watched(one.pid) for one in processes]
            headers = {"Authorization": f"Bearer {token}"}
            try:
                with httpx.Client(base_url=address, timeout=600, headers=headers) as client:
                    carried(client, 500)  # everybody has started
                    _, job, _ = carried(client, count)
            finally:
                for each in watched:
                    each.stop()
                for one in working:
                    one.__exit__(None, None, None)
    return job, sum(each.peak_mb for each in watched)


def _wait(address: str) -> None:
    for _ in range(1200):
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise SystemExit("the gateway did not start")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("submissions", type=int, nargs="?", default=200_000)
    count = parser.parse_args().submissions
    yard, size = yardstick(count)
    print(f"scaling: {count:,} Kobo submissions, {size / 1e6:,.0f} MB, over HTTP")
    print(f"  orjson loads + dumps      {yard:8.1f} s {count / yard:9,.0f}/s", flush=True)
    ways = (
        ("one process", "workers = 1\n", 0),
        ("two processes", "workers = 2\n", 0),
        ("NATS, two workers", NATS, 2),
    )
    for name, bulk, workers in ways:
        job, peak = measured(count, bulk, workers)
        print(
            f"  {name:24}  {job:8.1f} s {count / job:9,.0f}/s, {job / yard:.1f} x, {peak:,.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
