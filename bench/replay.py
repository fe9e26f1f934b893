"""Seconds to replay a log of a million transfers against a narrowing change.

    python -m bench.replay [TRANSFERS] [QUESTIONS]

The log is made by the real store and sequencer, answered by the shipped policies at each
moment. The yardstick is to read every entry and parse it with orjson, which any replay must
do. Then transfers are drawn at random and decided singly, by both bundles, and must be found
in the report exactly so; and one stretch of the log is counted by hand and must be equal.
"""

import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from bench.transfers import make
from gateway.cli import DEMO
from gateway.deployment import Deployment, make_keys, read_deployment, read_keys
from gateway.log_file import FILE
from gateway.log_snapshot import open_unchanging
from gateway.policy import Bundle, read_bundle
from gateway.replay import Scope, replay
from gateway.replay_change import Strictness, changes
from gateway.replay_reading import Recorded, recorded
from gateway.replay_work import Engine, parties, template_of
from gateway.session import POLICIES

AIM = 60
SAMPLE = 500
NARROWER = """package local

objections contains {"rule": "local.dedup", "fix": "Ask the data protection officer."} if {
	input.request.purpose == "hum.assist.dedup"
}

narrow := {"person": {"birth_date": "age_band", "phone_number": "drop"}}
"""
Effects = Counter[bytes]


def effect(who: Iterable[str], told: Iterable[dict[str, Any]]) -> bytes:
    """One row of a report, without its counts."""
    return orjson.dumps([list(who), list(told)], option=orjson.OPT_SORT_KEYS)


def counted(report: dict[str, Any]) -> Effects:
    """What a report says, by effect."""
    found: Effects = Counter()
    for row in report["differences"]:
        who = (row["sender"], row["recipient"], row["purpose"], row["agreement"])
        found[effect(who, row["changes"])] += row["transfers"]
    return found


def singly(recorded_: Recorded, leaves: Iterable[Any], old: Bundle, new: Bundle) -> Effects:
    """The same by deciding each transfer on its own, without windows and without processes."""
    found: Effects = Counter()
    before, after = Engine(old), Engine(new)
    strictness = Strictness(old, new)
    for leaf in leaves:
        entry = orjson.loads(leaf)
        if entry["type"] != "transfer":
            continue
        document = recorded_.document(entry["policy"]["template"])
        assert document is not None
        question = template_of(document).at(entry["policy"]["at"])
        assert question.digest == entry["policy"]["question"]
        told = changes(before.decide(question), after.decide(question), strictness)
        if told:
            said = [
                {"kind": one.kind, "name": one.name, "before": one.before, "after": one.after,
                 "widens": one.widens}
                for one in told
            ]  # fmt: skip
            found[effect(parties(question.document), said)] += 1
    before.close()
    after.close()
    return found


def prepared(directory: Path, old: Bundle, transfers: int, questions: int) -> Deployment:
    """A copy of the demo whose log holds these transfers."""
    shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns("keys", "data"))
    deployment = read_deployment(directory)
    origin = deployment.settings.gateway.origin
    make_keys(directory, origin)
    keys = read_keys(directory)
    make(deployment.data, keys, old, origin=origin, count=transfers, distinct=questions)
    return deployment


def yardstick(path: Path) -> float:
    """Seconds to read every entry and parse it."""
    began = time.perf_counter()
    with closing(open_unchanging(path)) as connection:
        for (leaf,) in connection.execute("SELECT leaf FROM entry ORDER BY idx"):
            orjson.loads(leaf)
    return time.perf_counter() - began


def check(
    deployment: Deployment,
    old: Bundle,
    new: Bundle,
    report: dict[str, Any],
    *,
    sample: int = SAMPLE,
    seed: int = 1,
) -> tuple[int, int]:
    """Compare with deciding singly; how many transfers were drawn, and how many counted."""
    chance = random.Random(seed)
    with (
        closing(open_unchanging(deployment.data / FILE)) as connection,
        recorded(deployment.data, deployment.vkey()) as log,
    ):
        size = report["log"]["size"]
        drawn = chance.sample(range(1, size), min(sample, size - 1))
        query = "SELECT leaf FROM entry WHERE idx = ?"
        leaves = [connection.execute(query, (index,)).fetchall()[0][0] for index in drawn]
        known = counted(report)
        for found, times in singly(log, leaves, old, new).items():
            assert known[found] >= times, "a transfer that the report does not have"
        sizes = [row[0] for row in connection.execute("SELECT size FROM checkpoint")]
        end = chance.choice(sizes[len(sizes) // 2 :])
        start = max(0, end - sample)
        query = "SELECT leaf FROM entry WHERE idx >= ? AND idx < ?"
        stretch = [row[0] for row in connection.execute(query, (start, end))]
        part = replay(log, new, Scope(start=start, size=end, cases=0), workers=1)
        assert counted(part) == singly(log, stretch, old, new), "another count"
    return len(leaves), len(stretch)


def main() -> None:
    transfers = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    questions = int(sys.argv[2]) if len(sys.argv) > 2 else 2_500
    with tempfile.TemporaryDirectory() as scratch:
        own = Path(scratch) / "own"
        own.mkdir()
        (own / "own.rego").write_text(NARROWER)
        old, new = read_bundle(POLICIES), read_bundle(POLICIES, own)
        began = time.perf_counter()
        deployment = prepared(Path(scratch) / "demo", old, transfers, questions)
        made = time.perf_counter() - began
        print(f"replay: {transfers:,} transfers about {questions:,} questions, 12 months")
        print(f"  making the log         {made:8.1f} s")
        print(f"  orjson of every entry  {yardstick(deployment.data / FILE):8.1f} s")
        began = time.perf_counter()
        with recorded(deployment.data, deployment.vkey()) as log:
            report = replay(log, new, Scope())
        took = time.perf_counter() - began
        changed = sum(row["transfers"] for row in report["differences"])
        print(f"  replay                 {took:8.1f} s  (aim: at most {AIM} s)")
        print(f"  {changed:,} of {report['counted']:,} differ; widens: {report['widens']}")
        drawn, stretch = check(deployment, old, new, report)
        print(f"  decided singly         {drawn} drawn at random and {stretch} in a row: the same")


if __name__ == "__main__":
    main()
