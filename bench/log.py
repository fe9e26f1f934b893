"""The transfer log in figures: durable appends, verification, proofs, and what size costs.

    python -m bench.log [ENTRIES]

Both stores are measured in one run beside what the disk itself can do. PostgreSQL is left out,
and said to be, where it is not installed. The large log has a million entries unless told
otherwise; it is written by `bench.biglog`, published as an auditor gets it, and verified by the
command that an auditor uses. Nothing is measured twice to pick the better.
"""

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench import biglog
from bench.log_appends import Rate, appends, growth, raw
from gateway import note
from gateway.audit import verify_proof
from gateway.deployment import Deployment, read_deployment, read_keys
from gateway.log import Log
from gateway.log_file import FILE
from gateway.log_snapshot import open_unchanging
from gateway.publication.export import export
from gateway.publication.reading import opened
from tests.postgres import Cluster, binaries
from tests.proof.places import Place

CALLERS = (1, 32, 128)
SMALL = 10_000
QUESTIONS = 100
PROOFS = 300
AT_ONCE = 32


def rates(name: str, place: Place, yard: Rate) -> None:
    """Durable appends of one store."""
    place.create()
    with place.open() as log:
        for at_once in CALLERS:
            rate = appends(log, at_once)
            ratio = rate.per_second / yard.per_second
            print(f"  {name:12} {at_once:4} at once {rate}   {ratio:5.2f} x raw")


@contextmanager
def places(scratch: Path) -> Iterator[list[tuple[str, Place]]]:
    """A place for each store that this machine has."""
    found = [("SQLite", Place(scratch / "sqlite"))]
    if binaries() is None:
        print("  PostgreSQL is not installed here")
        yield found
        return
    with Cluster.made() as cluster:
        yield [*found, ("PostgreSQL", Place(scratch / "postgresql", cluster.database()))]


def made(directory: Path, entries: int) -> Deployment:
    """A deployment with a log of so many entries."""
    began = time.perf_counter()
    biglog.deployment(directory, count=entries, distinct=QUESTIONS)
    took = time.perf_counter() - began
    print(f"  {entries:,} entries written in {took:.0f} s")
    return read_deployment(directory)


def open_log(deployment: Deployment) -> Log:
    """A log whose invented entries may be from days to come."""
    with closing(open_unchanging(deployment.data / FILE)) as connection:
        [(last,)] = connection.execute("SELECT time FROM log_head").fetchall()
    return Log.open(
        deployment.data,
        key=read_keys(deployment.directory).log,
        gateway=deployment.settings.gateway.name,
        clock=lambda: max(last, time.time_ns() // 1_000_000),
    )


def verification(deployment: Deployment, scratch: Path) -> None:
    """Publish the log and verify the copy with nothing but its public key."""
    folder = scratch / "export"
    began = time.perf_counter()
    with opened(deployment.data) as tree:
        size, text = tree.newest()
        export(tree, folder, text)
    print(f"  published in {time.perf_counter() - began:.0f} s")
    key = scratch / "log.vkey"
    key.write_text(deployment.vkey() + "\n")
    command = [sys.executable, "-m", "gateway", "log", "verify", str(folder), "--key", str(key)]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"the log does not verify: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    print(f"  verified  {size:,} entries in {took:.1f} s, {size / took:,.0f} /s  (aim: 60 s)")
    shutil.rmtree(folder)


def proofs(deployment: Deployment, chance: random.Random) -> None:
    """Proofs of entries all over the log, checked with the public key alone."""
    vkey = deployment.vkey()
    sizes, times = [], []
    with open_log(deployment) as log:
        size = log.size()
        for turn in range(PROOFS):
            one = log.prove(chance.randrange(size))
            text = note.render_proof(note.Proof(one.index, one.proof, one.checkpoint))
            began = time.thread_time()
            verify_proof(text, one.leaf, vkey=vkey)
            if turn:  # the first one loads what checks it
                times.append(1000 * (time.thread_time() - began))
            sizes.append(len(text.encode()))
    median, most = statistics.median(times), statistics.quantiles(times, n=100)[-1]
    print(f"  proof     {max(sizes)} bytes at most  (aim: 2,048)")
    print(
        f"            checked in {median:.2f} ms, 99 of 100 in {most:.2f} ms of work  (aim: 5 ms)"
    )


def sizes(small: Deployment, large: Deployment, entries: int) -> None:
    """What an append costs in a small and in a large log, in turns."""
    with open_log(small) as one, open_log(large) as other:
        for at_once in (1, AT_ONCE):
            few, many = growth(one, other, at_once)
            print(
                f"  append    {at_once:3} at once: {few.waited:.3f} ms at {SMALL:,} entries,"
                f" {many.waited:.3f} ms at {entries:,}, ratio {many.waited / few.waited:.2f}"
                f" ({many.worked / few.worked:.2f} of the processor's time)  (aim: 1.2)"
            )


def main() -> None:
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        scratch = Path(name)
        yard = raw(scratch)
        print("log: durable appends")
        print(f"  raw fdatasync, 4 KiB      {yard}")
        with places(scratch) as stores:
            for store, place in stores:
                rates(store, place, yard)
        print(f"log: {entries:,} entries")
        small = made(scratch / "small", SMALL)
        large = made(scratch / "large", entries)
        verification(large, scratch)
        proofs(large, random.Random(1))
        sizes(small, large, entries)


if __name__ == "__main__":
    main()
