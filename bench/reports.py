"""Seconds that each question to a large log takes, beside a plain scan of its index.

    python -m bench.reports [ENTRIES] [DIR]

`DIR` keeps the deployment that is made, and is used again where it is there. Every report is
computed once, in the order of its number, and written as JSON, as over HTTP. The yardstick is to
count the log's index by kind, which any question about all entries must do in some way.
"""

import sys
import tempfile
import time
import zlib
from pathlib import Path

import orjson

from bench.log import made, open_log
from gateway import reports
from gateway.deployment import read_deployment
from gateway.log import Log

AIM = 2.0


def asked(name: str, log: Log) -> reports.Asked:
    """What a report needs to be told."""
    if name == "offboarding":
        query = "SELECT value FROM profile ORDER BY id LIMIT 1"
        profile = orjson.loads(zlib.decompress(log.rows(query)[0][0]))
        return reports.Asked.of(party=profile["recipient"]["party"])
    if name == "decisions":
        query = "SELECT id FROM transfer_state WHERE outcome = 'released' LIMIT 1"
        return reports.Asked.of(transfer=log.rows(query)[0][0])
    return reports.Asked.of()


def main() -> None:
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(scratch) / "demo"
        there = (directory / "corridor.toml").exists()
        deployment = read_deployment(directory) if there else made(directory, entries)
        with open_log(deployment) as log:
            now = time.time_ns() // 1_000_000
            began = time.perf_counter()
            log.rows("SELECT kind, count(*) FROM entry_index GROUP BY kind")
            yard = time.perf_counter() - began
            print(f"reports: {log.size():,} entries")
            print(f"  counting the index by kind  {yard:6.2f} s")
            slow = []
            for name, report in reports.REPORTS.items():
                began = time.perf_counter()
                found = reports.run(name, asked(name, log), log, now)
                orjson.dumps(found.document())
                took = time.perf_counter() - began
                slow += [name] if took > AIM else []
                why = (
                    "" if found.answer.rows else "  says why not" * bool(found.answer.not_answered)
                )
                rows = f"{took / yard:6.1f} x  {len(found.answer.rows):,} rows"
                print(f"  {report.number:2} {name:20} {took:6.2f} s  {rows}{why}")
            print(f"  slower than {AIM:.0f} s: {', '.join(slow) or 'none'}")


if __name__ == "__main__":
    main()
