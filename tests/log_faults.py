"""What a log says and holds after a disk failed, filled up, lost its power, or a clock went back.

    python -m tests.log_faults            every kind, many times, as a table
    python -m tests.log_faults --json power --count 20 --seed 3

Each trial is a process of its own, forked from one that never opened a log. It reports each
answer it got; a second process then looks at what is left. An answer that is not in the log,
a log that does not verify, or one that does not go on, is a failure, and named.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gateway import entry
from gateway.errors import GatewayError
from gateway.log import Log
from gateway.merkle import leaf_hash
from tests import disk
from tests.log_trial import KEY, Said, append, create, forked, looked_at, refused

LIVES = 10
"""Power cuts that one log goes through before the next begins with a new one."""
MOST = 400
"""Operations of one run that are tried in turn; far more than there are."""


@dataclass
class Count:
    """What became of all trials of one kind."""

    kind: str
    trials: int = 0
    answered: int = 0
    """Entries whose answer came back."""
    struck: int = 0
    """Trials in which the fault was met."""
    failures: list[str] = field(default_factory=list)

    def add(self, said: list[Said], struck: bool, failures: list[str], at: str) -> None:
        self.trials += 1
        self.struck += struck
        self.answered += sum("index" in one for one in said)
        self.failures += [f"{at}: {failure}" for failure in failures]


# --- the kinds ---------------------------------------------------------------------------


def syncs(directory: Path, count: int, seed: int) -> Count:
    """Every sync of a run fails in turn, of the log and of the high-water file; twice each:
    undone, and done all the same. The first that fails is number `seed`."""
    return _in_turn(Count("every sync failing in turn"), directory, count, _sync_plans(seed))


def _sync_plans(start: int) -> Iterator[disk.Plan]:
    for number in range(start, MOST):
        for done_first in (False, True):
            yield disk.Plan(fail_sync=number, done_first=done_first)


def full(directory: Path, count: int, seed: int) -> Count:
    """No room from each write of a run on, in turn, beginning with number `seed`."""
    plans = (disk.Plan(full_from=number) for number in range(seed, MOST))
    return _in_turn(Count("no room from each write on"), directory, count, plans)


def _in_turn(result: Count, directory: Path, count: int, plans: Iterator[disk.Plan]) -> Count:
    missed = 0
    for number, plan in enumerate(plans):
        if number >= count or missed == 2:
            return result
        copy = directory / f"{number}"
        create(copy)

        def work(say: Callable[..., None], plan: disk.Plan = plan, copy: Path = copy) -> None:
            made = disk.insert(plan)
            append(copy, say)
            met = made.syncs >= plan.fail_sync > 0 or made.writes >= plan.full_from > 0
            say(met=met)

        said, status = forked(work)
        met = status == 0 and said[-1]["met"]
        missed = 0 if met else missed + 1
        failures = looked_at(copy, said) + (["the run failed"] if status else [])
        failed = [one for one in said if "failed" in one]
        if any(one["after"] not in ("log.stopped", "log.unavailable") for one in failed):
            failures.append("the log went on after a failure")
        result.add(said, met, failures, f"trial {number}")
        shutil.rmtree(copy)
    return result


def power(directory: Path, count: int, seed: int, *, lying: bool = False) -> Count:
    """The power is cut at a random moment; sectors that were not synced survive at random."""
    result = Count("power cut on a lying disk" if lying else "power cut")
    for number in range(count):
        copy = directory / f"{number // LIVES}"
        if not copy.exists():
            create(copy)
        chance = random.Random(f"{seed} {number}")
        plan = disk.Plan(cut_at=chance.randint(1, 300), lying=lying, chance=chance)

        def work(say: Callable[..., None], plan: disk.Plan = plan, copy: Path = copy) -> None:
            disk.insert(plan)
            append(copy, say, 40)

        said, status = forked(work)
        for memory in copy.glob("*-shm"):
            memory.unlink()
        failures = looked_at(copy, said) + (
            ["the run failed"] if status not in (0, disk.CUT) else []
        )
        result.add(said, status == disk.CUT, failures, f"cut {number}")
        if failures:
            shutil.rmtree(copy)
    return result


def lying(directory: Path, count: int, seed: int) -> Count:
    """The same on a disk that only says it has synced: what shows that `power` can fail."""
    return power(directory, count, seed, lying=True)


def tmpfs(directory: Path, count: int, seed: int) -> Count:
    """A real file system fills up under a log, and gets room again."""
    result = Count("a small file system that fills up")
    for number in range(count):
        with _small(directory / "small", 1_000_000 + 37_000 * number) as small:
            if small is None:
                return result
            create(small / "log")
            said, status = forked(lambda say: append(small / "log", say, 2000))
            (small / "ballast").unlink()
            failures = looked_at(small / "log", said) + (["the run failed"] if status else [])
            result.add(said, any("failed" in one for one in said), failures, f"fill {number}")
    return result


@contextmanager
def _small(place: Path, size: int) -> Iterator[Path | None]:
    place.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        (place / "ballast").write_bytes(bytes(size // 3))
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def clock(directory: Path, count: int, seed: int) -> Count:
    """The clock goes back: by a second it is clamped and said, by more nothing is logged."""
    result = Count("clock back by 1 s, 3 s, 1 h, 1 day")
    for number, back in enumerate((1_000, 3_000, 3_600_000, 86_400_000)[:count]):
        copy = directory / f"clock-{number}"
        create(copy)
        said, status = forked(lambda say, copy=copy, back=back: _set_back(copy, back, say))
        failures = looked_at(copy, said) + [one["wrong"] for one in said if "wrong" in one]
        result.add(said, True, failures + (["the run failed"] if status else []), f"{back} ms")
    return result


def _set_back(directory: Path, back: int, say: Callable[..., None]) -> None:
    import time

    start = time.time_ns() // 1_000_000
    now = [start]
    with Log.open(directory, key=KEY, gateway="gw-1", clock=lambda: now[0]) as log:
        log.append(refused())
        now[0] = start - back
        try:
            log.append(refused())
            clamped = [entry.parse(leaf) for _, leaf in log.entries()][-1]
            if back > 2_000 or (clamped.get("what"), clamped.get("n")) != ("clock", back):
                say(wrong="a clock that went back was not noticed")
        except GatewayError as error:
            if back <= 2_000 or error.rule != "log.clock":
                say(wrong=f"refused with {error.rule}")
        now[0] = start + 1
        answer = log.append(refused())
        say(index=answer.index, leaf=leaf_hash(answer.leaf).hex(), checkpoint=answer.checkpoint)
        times = [entry.parse(leaf)["time"] for _, leaf in log.entries()]
        if times != sorted(times):
            say(wrong="times go back in the log")


KINDS: dict[str, tuple[Callable[[Path, int, int], Count], int]] = {
    "syncs": (syncs, MOST),
    "power": (power, 300),
    "full": (full, MOST),
    "tmpfs": (tmpfs, 5),
    "clock": (clock, 4),
}
"""Each kind with the number of trials that a whole run makes at most."""


PROVING = KINDS | {"lying": (lying, 20)}


def run(kind: str, count: int, seed: int = 1) -> Count:
    """One kind, in this process, which must not have opened a log yet and must not after."""
    with tempfile.TemporaryDirectory() as scratch:
        return PROVING[kind][0](Path(scratch), count, seed)


def apart(kind: str, count: int, seed: int = 1) -> Count:
    """One kind, in a process of its own."""
    command = [sys.executable, "-m", "tests.log_faults", "--json", kind]
    command += ["--count", str(count), "--seed", str(seed)]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, capture_output=True, check=False, cwd=root)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.decode())
    return Count(**json.loads(done.stdout))


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=[], choices=[*PROVING, []])
    parser.add_argument("--count", type=int, default=None)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    failed = False
    for kind in given.kinds or KINDS:
        count = run(kind, given.count or PROVING[kind][1], given.seed)
        failed |= bool(count.failures)
        if given.json:
            _tell(json.dumps(asdict(count)))
            continue
        _tell(
            f"{count.kind:34} {count.trials:5} trials, fault met in {count.struck:5},"
            f" {count.answered:6} answers, {len(count.failures)} failures"
        )
        for failure in count.failures[:5]:
            _tell(f"    {failure}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
