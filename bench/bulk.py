"""Records per second of the bulk path, beside reading and writing the same bytes.

    python -m bench.bulk [SUBMISSIONS]

The yardstick is `orjson.loads` and `orjson.dumps` of the payload: what no exchange in Python
that looks at its content can do without. Both run in this process, in turns; medians.
"""

import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from bench.people import page
from gateway import session
from gateway.cli import DEMO
from gateway.demo import prepare
from gateway.entry import new_id
from gateway.exchange import Transfer, exchange
from gateway.terms import Asked, terms_of

ROUNDS = 5


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


async def measure(directory: Path, content: bytes) -> tuple[float, float, int, int]:
    """Medians in seconds of the yardstick and of one exchange; records read; bytes written."""
    async with session.opened(directory) as gateway:
        asked = Asked(
            sender="org:amal-relief",
            agreement="agr:registration-2026",
            purpose="hum.assist.registration",
            source="kobo",
            target="fhir.r4",
            deliver="return",
        )
        terms = terms_of(asked, gateway.deployment, gateway.known)
        yard, ours = [], []
        for _ in range(ROUNDS):
            yard.append(timed(lambda: orjson.dumps(orjson.loads(content))))
            began = time.perf_counter()
            outcome = await exchange(Transfer(new_id(), terms, content), gateway)
            ours.append(time.perf_counter() - began)
            assert outcome.outcome == "released"
            gateway.log.done(outcome.transfer)
        read = outcome.details["records"]["read"]
        return statistics.median(yard), statistics.median(ours), read, len(outcome.content or b"")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    content = page(count)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "demo"
        shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns("keys", "data"))
        prepare(directory)
        yard, ours, read, written = asyncio.run(measure(directory, content))
    size = f"{len(content) / 1e6:.1f} MB in, {written / 1e6:.1f} MB out"
    print(f"bulk: {count} Kobo submissions, {size}")
    print(f"  orjson loads + dumps   {yard:8.3f} s  {count / yard:10,.0f} submissions/s")
    print(
        f"  exchange, kobo to fhir {ours:8.3f} s  {count / ours:10,.0f} submissions/s"
        f"  ({read / ours:,.0f} records/s)"
    )
    print(f"  ratio                  {ours / yard:8.2f} x the yardstick (aim: at most 5)")


if __name__ == "__main__":
    main()
