"""The whole proof: `make test-log`. Prints a table, and fails when anything was found."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tests import log_faults
from tests.postgres import Cluster, binaries
from tests.proof.places import Place
from tests.proof.served import served
from tests.proof.trials import Places, Row, backend, fighting, gateway, killing, server

HEAD = ("trial", "times", "opening", "went on", "answers", "failed", "entries", "unanswered",
        "found", "seconds")  # fmt: skip
FORM = "{:44} {:>6} {:>8} {:>8} {:>8} {:>7} {:>8} {:>11} {:>6} {:>8}"
SHOWN = 10

Work = Iterator[tuple[str, Callable[[], Row]]]


def kills(count: int, seed: int, stack: ExitStack) -> Work:
    """Each kind of kill by a short name; of PostgreSQL, where it is installed."""
    yield (
        "sqlite",
        lambda: killing("SQLite: gateway killed", Place, gateway, trials=count, seed=seed),
    )
    yield (
        "sqlite-fight",
        lambda: fighting(
            "SQLite: three gateways, stopped and killed", Place, blows=count // 10, seed=seed
        ),
    )
    yield (
        "sqlite-served",
        lambda: served(
            "SQLite: corridor serve killed", None, trials=max(1, count // 50), seed=seed
        ),
    )
    if binaries() is None:
        sys.stdout.write("PostgreSQL is not installed: its part is left out\n")
        return
    cluster = stack.enter_context(Cluster.made())
    places = on(cluster)
    yield (
        "postgresql",
        lambda: killing(
            "PostgreSQL: gateway killed", places, gateway, trials=count * 7 // 10, seed=seed
        ),
    )
    yield (
        "postgresql-served",
        lambda: served(
            "PostgreSQL: corridor serve killed", cluster, trials=max(1, count // 50), seed=seed
        ),
    )
    yield "postgresql-backend", lambda: killing(
        "PostgreSQL: a session's process killed", places, backend(cluster),
        trials=count // 5, seed=seed,
    )  # fmt: skip
    yield "postgresql-server", lambda: killing(
        "PostgreSQL: whole server killed", places, server(cluster),
        trials=count // 10, seed=seed,
    )  # fmt: skip
    yield (
        "postgresql-fight",
        lambda: fighting(
            "PostgreSQL: three gateways, stopped and killed", places, blows=count // 10, seed=seed
        ),
    )


def on(cluster: Cluster) -> Places:
    """Every log in a database of its own."""

    def place(directory: Path) -> Place:
        return Place(directory, cluster.database())

    return place


def faults(count: int, seed: int) -> Work:
    """A disk that fails, fills up or loses its power, and a clock that goes back."""
    for kind, (_, most) in log_faults.KINDS.items():
        # A disk has so many operations, whatever the number of kills.
        times = min(most, count) if kind == "power" else most

        def run(kind: str = kind, times: int = times) -> Row:
            found = log_faults.apart(kind, times, seed)
            row = Row(f"SQLite: {found.kind}", found.trials, answers=found.answered)
            row.problems += found.failures
            return row

        yield kind, run


def printed(row: Row) -> str:
    return FORM.format(
        row.name, row.trials, row.opening, row.went_on, row.answers, row.failures.total(),
        row.entries, row.unanswered, len(row.problems), f"{row.seconds:.0f}",
    )  # fmt: skip


def show(row: Row) -> None:
    lines = [printed(row), *(f"    {problem}" for problem in row.problems[:SHOWN])]
    lines += [f"    {times:6} x {rule}" for rule, times in row.failures.items()]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def main() -> int:
    read = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    read.add_argument("--kills", type=int, default=1000, help="on each store")
    read.add_argument("--seed", type=int, default=1)
    read.add_argument("--only", nargs="*", default=[], help="kinds of trial")
    asked = read.parse_args()
    found = 0
    sys.stdout.write(FORM.format(*HEAD) + "\n")
    with ExitStack() as stack:
        for work in (kills(asked.kills, asked.seed, stack), faults(asked.kills, asked.seed)):
            for name, run in work:
                if asked.only and name not in asked.only:
                    continue
                row = run()
                show(row)
                found += len(row.problems)
    sys.stdout.write(f"{found} found\n" if found else "nothing lost, twice, or forked\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
