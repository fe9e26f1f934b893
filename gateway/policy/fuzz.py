"""Try the policies on generated questions, on both engines, against what must always hold.

    python -m gateway.policy.fuzz --seed 1 --count 100000

Each question goes to the embedded engine and to a real `opa run --server` with the same bundle:
the decisions must be equal to the last byte, or neither gives one. Each decision is held against
`oracle`, and a tenth of the questions is asked again with something taken out. Then generated
policies of an operator are tried in the same way. Exits 1 on the first finding, and writes the
smallest question that shows it to a file; a generated question holds nobody's data.
"""

import argparse
import asyncio
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gateway.policy.bundle import Bundle
from gateway.policy.bundle import read as read_bundle
from gateway.policy.cases_tables import POLICIES, tables
from gateway.policy.fuzz_engines import Both, Tally
from gateway.policy.fuzz_local import LocalTally, tried_locally
from gateway.policy.fuzz_opa import serving

CHUNK = 1000
UNREACHED = ("error.undefined", "local.malformed")
"""No question reaches the first; the second speaks of operators' policies only."""


def main(arguments: Sequence[str]) -> int:
    """Try it, print the figures, write the first finding."""
    asked = _arguments(arguments)
    start = time.monotonic()
    tally = _questions(asked, start)
    _told(tally, asked.seed, time.monotonic() - start)
    found = tally.found
    if asked.local and not found:
        middle = time.monotonic()
        local = _local(asked)
        found = local.found
        _told_locally(local, time.monotonic() - middle)
    if found:
        asked.found.write_text(json.dumps(found[0], indent=1, ensure_ascii=True))
        sys.stdout.write(f"FOUND: {found[0]['problem']}; the case is in {asked.found}\n")
        return 1
    sys.stdout.write("both engines agree, and nothing left that must not\n")
    return 0


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m gateway.policy.fuzz", description=str(__doc__).partition("\n")[0]
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same questions")
    parser.add_argument("--count", type=int, default=100_000, help="how many questions")
    parser.add_argument("--hostile", type=float, default=0.15, help="the share of hostile ones")
    parser.add_argument("--local", type=int, default=500, help="how many operators' policies")
    parser.add_argument("--jobs", type=int, default=2, help="how many processes")
    parser.add_argument("--found", type=Path, default=Path("fuzz-policy.json"))
    return parser.parse_args(arguments)


def _questions(asked: argparse.Namespace, start: float) -> Tally:
    bundle = read_bundle(POLICIES)
    tally = Tally()
    firsts = range(0, asked.count, CHUNK)
    packed = bundle.packed()
    with serving(bundle) as port:
        work = [
            (
                packed,
                port,
                f"{asked.seed}/",
                range(first, min(first + CHUNK, asked.count)),
                asked.hostile,
            )
            for first in firsts
        ]
        for done in _spread(_chunk, work, asked.jobs):
            tally.add(done)
            spent = time.monotonic() - start
            sys.stderr.write(f"\r{tally.asked} of {asked.count}, {spent:.0f} s")
            if tally.found:
                break
    sys.stderr.write("\n")
    return tally


def _chunk(work: tuple[bytes, int, str, range, float]) -> Tally:
    # Packed, and not read again from the folder: OPA answers from this bundle.
    packed, port, seed, numbers, hostile = work

    async def tried() -> Tally:
        both = Both(Bundle.unpacked(packed), port)
        try:
            return await both.tried([f"{seed}{number}" for number in numbers], hostile)
        finally:
            await both.close()

    return asyncio.run(tried())


def _local(asked: argparse.Namespace) -> LocalTally:
    tally = LocalTally()
    share = -(-asked.local // asked.jobs)
    work = [(f"{asked.seed}/{n}", share) for n in range(asked.jobs)]
    for done in _spread(tried_locally, work, asked.jobs):
        tally.add(done)
    return tally


def _spread(step: Any, work: Sequence[Any], jobs: int) -> Iterator[Any]:
    """Every answer as it comes: in this process where one is enough."""
    if jobs == 1:
        yield from map(step, work)
        return
    # Not forked: an engine and its thread do not survive that.
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(step, work)


def _told(tally: Tally, seed: int, spent: float) -> None:
    say = sys.stdout.write
    hostile = 100 * tally.hostile / max(tally.asked, 1)
    say(f"{tally.asked} questions of seed {seed} on both engines in {spent:.0f} s; ")
    say(f"{hostile:.1f} % hostile, {tally.again} asked again with less in them\n")
    for name, count in tally.verdicts.most_common():
        say(f"  {name:40} {count:8}  {100 * count / max(tally.asked, 1):5.1f} %\n")
    say("by rule:\n")
    for name, count in sorted(tally.rules.items()):
        say(f"  {name:40} {count:8}\n")
    never = sorted(set(tables()["fixes"]) - set(tally.rules) - set(UNREACHED))
    say(f"rules that no question reached: {', '.join(never) or 'none'}\n")


def _told_locally(tally: LocalTally, spent: float) -> None:
    say = sys.stdout.write
    say(f"{tally.policies} policies of an operator in {spent:.0f} s: ")
    say(f"{tally.misshapen} stopped before they are loaded, {tally.unloaded} that neither engine ")
    say(f"loads; {tally.asked} questions to the others, {tally.narrowed} answers narrower, ")
    say(f"{tally.failed} without an answer\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
