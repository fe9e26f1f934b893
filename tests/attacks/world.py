"""Honest logs that attacks are made on, and the verifier that judges what came of it."""

import tempfile
from functools import lru_cache
from pathlib import Path

from gateway.verification import verify_export
from tests.small_logs import KEYS, WITHIN, honest, write

SIZES = (6, 12, 20, 30, 40, 60, 90, 200, 256, 257, 300, 520)
WORLDS = 24
"""Honest logs that attacks are made on, two of each size."""


@lru_cache(maxsize=WORLDS)
def world(number):
    """An honest log, which the verifier accepts, and its files."""
    log, _ = honest(number, SIZES[number % len(SIZES)])
    files = log.files()
    problems = verified(log, files)
    if problems:
        raise AssertionError(f"an honest log is not accepted: {problems}")
    return log, files


def verified(log, files):
    """The rules that were found broken."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), files)
        verdict = verify_export(Path(folder), KEYS, others=log.others, within=WITHIN, processes=1)
    return [problem.rule for problem in verdict.problems]
