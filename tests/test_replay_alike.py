"""What two bundles surely answer alike is asked of one of them only, and nothing is lost by it."""

from array import array
from collections import Counter
from pathlib import Path

import pytest

from gateway.policy import Question, QuestionUnfit, read_bundle
from gateway.policy.cases import case
from gateway.replay_change import Strictness, changes
from gateway.replay_window import packed
from gateway.replay_work import Desk, Engine, Task, parties

POLICIES = Path(__file__).resolve().parent.parent / "policies"
OBJECTS = """package local

objections contains {"rule": "local.later", "fix": "Ask."} if {
	input.context.now >= "2026-05-01T00:00:00Z"
	startswith(input.request.purpose, "hum.")
}
"""
NARROWS = 'package local\n\nnarrow := {"person": {"birth_date": "age_band", "sex": "drop"}}\n'
ANOTHER = NARROWS.replace("age_band", "drop").replace('"person"', '"household"')
ELSEWHERE = """package local

objections contains {"rule": "local.elsewhere", "fix": "Ask."} if {
	input.request.purpose == "nobody.asks"
}
"""
MOMENTS = ["2026-04-30T12:00:00Z", "2026-05-01T00:00:00Z", "2026-05-30T12:00:00Z"]


def bundle(tmp_path: Path, name: str, text: str):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "own.rego").write_text(text)
    return read_bundle(POLICIES, folder)


def questions():
    for number in range(30):
        try:
            yield Question.of(case(f"alike/{number}", hostile=0).document)
        except QuestionUnfit:
            continue


@pytest.mark.parametrize(
    ("was", "is_"),
    [(OBJECTS, ELSEWHERE), (ELSEWHERE, OBJECTS), (NARROWS, ELSEWHERE), (NARROWS, ANOTHER)],
)
def test_every_difference_is_found(tmp_path, was, is_):
    old, new = bundle(tmp_path, "old", was), bundle(tmp_path, "new", is_)
    asked = list(questions())
    moments = array("q", [packed(now, index) for index, now in enumerate(MOMENTS)]).tobytes()
    desk = Desk(new.packed(), {old.revision: old.packed()})
    found = desk.run(Task(old.revision, tuple((one.cache_key, moments) for one in asked)))
    before, after, strictness = Engine(old), Engine(new), Strictness(old, new)
    singly = Counter()
    for one in asked:
        for now in MOMENTS:
            question = one.template.at(now)
            told = changes(before.decide(question), after.decide(question), strictness)
            if told:
                singly[parties(question.document), told] += 1
    for each in (desk, before, after):
        each.close()

    assert singly
    assert {effect: count for effect, (count, _) in found.items()} == singly
