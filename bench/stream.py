"""Memory and time of one large file through `corridor exchange`.

    python -m bench.stream [MEGABYTES]

Invented Kobo submissions as NDJSON, a gigabyte unless told otherwise, become a FHIR bundle in a
process of its own. What it needed at most (resident set, from the kernel) and its time are
printed beside those of a process that only reads and writes each line again with orjson.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from bench.people import submission
from gateway.cli import DEMO
from gateway.demo import prepare

YARDSTICK = """
import sys, orjson
with open(sys.argv[1], "rb") as source, open(sys.argv[2], "wb") as target:
    for line in source:
        target.write(orjson.dumps(orjson.loads(line)))
"""
AIM_MB = 300


def lines(path: Path, megabytes: int) -> int:
    """Write that many megabytes of submissions; how many they are."""
    random_ = random.Random(1)
    # Some hundred different households, each under a number and uuid of its own. What this
    # process holds counts as its children's, until they begin.
    bodies = [submission(random_, number) for number in range(500)]
    number = 0
    with path.open("wb") as file:
        while file.tell() < megabytes << 20:
            body = bodies[number % len(bodies)]
            uuid = f"{number:08x}-0000-4000-8000-{random_.getrandbits(48):012x}"
            own = {"_id": number, "_uuid": uuid, "meta/instanceID": f"uuid:{uuid}"}
            file.write(orjson.dumps({**body, **own}) + b"\n")
            number += 1
    return number


def run(command: list[str]) -> tuple[float, float, int]:
    """Seconds, peak megabytes of resident set, exit code."""
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - began, usage.ru_maxrss / 1024, child.returncode


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("megabytes", type=int, nargs="?", default=1024)
    megabytes = parser.parse_args().megabytes
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "demo"
        shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns("keys", "data"))
        prepare(directory)
        source, target = Path(scratch) / "payload.ndjson", Path(scratch) / "out"
        count = lines(source, megabytes)
        print(f"stream: {source.stat().st_size / 1e6:,.0f} MB, {count:,} submissions as NDJSON")
        yard, yard_mb, _ = run([sys.executable, "-c", YARDSTICK, str(source), str(target)])
        terms = ("--agreement", "agr:registration-2026", "--purpose", "hum.assist.registration")
        command = [sys.executable, "-m", "gateway", "exchange", str(source), "-d", str(directory)]
        command += ["--format", "kobo", *terms, "--from", "org:amal-relief", "--out", str(target)]
        seconds, peak_mb, code = run([*command, "--receipt", str(target.with_suffix(".receipt"))])
        written = target.stat().st_size / 1e6 if code == 0 else 0
    print(f"  orjson, line by line    {yard:8.1f} s  {yard_mb:6.0f} MB at most")
    print(
        f"  corridor exchange       {seconds:8.1f} s  {peak_mb:6.0f} MB at most (aim: {AIM_MB}),"
        f" {written:,.0f} MB out, {count / seconds:,.0f} submissions/s"
    )
    print(f"  ratio                   {seconds / yard:8.2f} x the yardstick")
    if code or peak_mb > AIM_MB:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
