"""What somebody could do to a log who has its disk, its database, its key, and a shell.

    python -m tests.attacks [--count 10000] [--seed 1] [--processes 2]

Each attack is made on a small honest log, and the outcome is given to the verifier with what
an auditor has: the public key, the witnesses' policy, and the checkpoint that each of two
witnesses holds. The attacker signs everything again where that helps; what the attacker lacks
is the witnesses' keys. An attack that is not found fails the run.

`DISK` attacks change files. `KEY` attacks change what the log says and sign all of it again.
`SHELL` attacks add to the log as the gateway would, and the honest witnesses cosign it.
"""

import random
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context

from tests.attacks.attacker import Attack, Impossible
from tests.attacks.disk import DISK
from tests.attacks.key import KEY, WHOLE, resigned
from tests.attacks.shell import SHELL, added
from tests.attacks.world import WORLDS, verified, world

KINDS = (*DISK, *KEY, *WHOLE, *SHELL)
BATCH = 50


def attacked(seed, number):
    """(kind, rules that were found broken) of one attack."""
    rng = random.Random(f"{seed} {number}")
    kind = KINDS[number % len(KINDS)]
    for _ in range(50):  # until the dice change something
        base, files = world(rng.randrange(WORLDS))
        attack = Attack(base.copy(), rng)
        with suppress(Impossible):
            made = _made(kind, attack, dict(files))
            if made != files or attack.log.held != base.held:
                return kind.__name__, verified(attack.log, made)
    raise AssertionError(f"{kind.__name__} changed nothing")


def _made(kind, attack, files):
    if kind in DISK:
        kind(attack, files)
        return files
    if kind in KEY:
        return resigned(kind)(attack)
    return kind(attack) if kind in WHOLE else added(kind)(attack)


def batch(work):
    """Some attacks, in a process of their own."""
    seed, numbers = work
    return [(number, *attacked(seed, number)) for number in numbers]


def run(count, seed, processes):
    """By kind: how many there were, how many were found, and by which rules."""
    works = [(seed, range(at, min(at + BATCH, count))) for at in range(0, count, BATCH)]
    table = defaultdict(lambda: [0, 0, Counter()])
    missed = []
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for results in pool.map(batch, works):
            for number, kind, rules in results:
                row = table[kind]
                row[0] += 1
                row[1] += bool(rules)
                row[2].update(set(rules))
                if not rules:
                    missed.append((kind, number))
    return table, missed
