"""What is done for every transfer is done once for it, and says the same as the slow way."""

import random

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from gateway.circumstances import Stood, circumstances
from gateway.observe.meters import QUICK
from gateway.observe.times import TimesBy
from gateway.remembered import Remembered
from gateway.terms import Terms

HELD = Stood("active", (), (), (), {})
TERMS = Terms("org:a", "org:b", "agr:a", "p", "b", "kobo", "fhir.r4", "return", None, None)


class Asked:
    """A log that notes what it is asked."""

    def __init__(self, derogations: int) -> None:
        self.derogations = derogations
        self.kinds: list[str] = []

    def tally(self, kind: str, key: str) -> int:
        self.kinds.append(kind)
        return self.derogations if kind == "derogations" else 0


@pytest.mark.parametrize(("logged", "said"), [(0, 0), (1, 1), (2, 2), (9, 2)])
def test_derogations_are_asked_for_once(logged, said):
    log, remembered = Asked(logged), Remembered()
    for _ in range(2):
        found = circumstances(
            TERMS,
            HELD,
            unsigned="refuse",
            log=log,
            counts={},
            remembered=remembered,
            month="2026-06",
        )
        assert found.derogations == said
    # Two stay two for the rest of the month; fewer may become more.
    assert log.kinds.count("derogations") == (1 if said == 2 else 2)


def test_times_count_as_the_library_does():
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    mine = TimesBy("took_seconds", "Took.", "step", QUICK, ours).of("log")
    other = Histogram("took_seconds", "Took.", ("step",), buckets=QUICK, registry=theirs)
    draw = random.Random(3)
    for seconds in (0.0, *QUICK, 99.0, *(draw.random() ** 9 for _ in range(200))):
        mine.observe(seconds)
        other.labels("log").observe(seconds)
    said = [
        [line for line in generate_latest(one).decode().splitlines() if "_created" not in line]
        for one in (ours, theirs)
    ]
    assert said[0] == said[1]
    assert len(said[0]) > len(QUICK)
