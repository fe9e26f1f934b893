"""`python -m tests.attacks`: attack, count, and say what was found."""

import argparse
import sys
import time

from tests.attacks import KINDS, run


def main():
    """Attack, count, and say what was found."""
    parser = argparse.ArgumentParser(description="Attacks on small logs, found by the verifier.")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    begun = time.monotonic()
    table, missed = run(asked.count, asked.seed, asked.processes)
    say(f"{'kind':32}{'attacks':>8}{'found':>8}  found by")
    for kind in (kind.__name__ for kind in KINDS):
        count, found, rules = table[kind]
        names = ", ".join(rule for rule, _ in rules.most_common(3))
        say(f"{kind:32}{count:8}{found:8}  {names}")
    total, found = (sum(row[at] for row in table.values()) for at in (0, 1))
    seconds = time.monotonic() - begun
    say(f"{'all':32}{total:8}{found:8}  seed {asked.seed}, {seconds:.0f} s")
    for kind, number in missed[:20]:
        say(f"MISSED: {kind}, number {number}")
    return 1 if missed or found != asked.count else 0


def say(text):
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
