"""The soak, made small: a real gateway under load, a recipient that fails, and the count."""

import json
from collections import Counter
from dataclasses import replace

from bench import soak as bench
from bench.soak_recipient import FAILURES, accepted


def test_nothing_is_lost_and_nothing_unlogged(capsys):
    assert bench.soak(0.5, 4)

    said = capsys.readouterr().out
    assert "lost                            0" in said
    assert "unlogged                        0" in said
    assert "the log verifies              yes" in said


def run(**more) -> bench.Run:
    behind = {
        'corridor_deliveries{state="waiting"}': 3.0,
        "corridor_log_commits_total": 2.0,
        "corridor_log_commit_seconds_total": 0.1,
    }
    answered = bench.Answered([0.1, 0.2], ["a", "b"], {})
    return replace(bench.Run(1.0, 2, [10.0], answered, behind, 1.0, 0.0, 2.0), **more)


LOG = bench.Account({"a", "b"}, {"a", "b"}, {"delivered": 2}, [])
TAKEN = {"a": 1, "b": 2}


def test_what_is_wrong_is_noticed():
    assert bench.told(run(), LOG, TAKEN, {})
    assert not bench.told(run(), LOG, {"a": 1}, {})  # released, and nobody has it
    assert not bench.told(run(), LOG, {**TAKEN, "c": 1}, {})  # taken, and not in the log
    assert not bench.told(run(answered=bench.Answered([0.1, 0.1], ["d"])), LOG, TAKEN, {})
    assert not bench.told(run(), replace(LOG, delivered={"a"}), TAKEN, {})
    assert not bench.told(run(), replace(LOG, problems=["log.broken"]), TAKEN, {})
    assert not bench.told(run(dead=1.0), LOG, TAKEN, {})


def test_the_recipient_answers_for_every_entry():
    answer = json.loads(accepted(b'{"method":"PUT"} {"method":"PUT"}'))
    assert len(answer["entry"]) == 2
    assert len(Counter(FAILURES)) == 4
