"""An answer holds until time may change it, and not a second longer."""

import json
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.policy import Question, read_bundle
from gateway.replay_window import Answers, Clock, moment, packed, place
from gateway.replay_work import Engine
from tests.replayed import bundle, policies

DOCUMENT = {
    "context": {"now": "2026-01-01T00:00:00Z"},
    "request": {"purpose": "hum.rights"},
    "records": "1-9",
    "classes": [{"record_type": "person", "facts": {}, "fields": ["sex", "birth_date"]}],
}
ENDS = "2026-06-01T00:00:00Z"
MOMENTS = [
    f"2026-0{month}-{day:02}T{hour:02}:00:00Z"
    for month in (5, 6, 7)
    for day in (1, 15)
    for hour in (0, 13)
]


def asked(made, document=None) -> tuple[list[str], list[str]]:
    """Verdicts by windows, and the moments asked at. They are checked against asking singly."""
    engine = Engine(made)
    template = Question.of(document or DOCUMENT).template
    at: list[str] = []

    def ask(question, now):
        at.append(now)
        return engine.ask(question, now)

    answers = Answers(template, engine.clock, ask)
    held = [answers.at(now)[0] for now in MOMENTS]
    singly = [engine.ask(template, now) for now in MOMENTS]
    asked_at = at[:]
    engine.close()
    assert [replace(one, asked=two.asked) for one, two in zip(held, singly, strict=True)] == singly
    return [one.verdict for one in held], asked_at


def test_one_decision_for_each_window(tmp_path):
    verdicts, at = asked(bundle(tmp_path, ends=ENDS))

    assert verdicts == ["allow"] * 4 + ["refuse"] * 8
    assert at == ["2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-06-01T13:00:00Z"]


def with_local(tmp_path, text: str):
    own = tmp_path / "own"
    own.mkdir()
    (own / "own.rego").write_text(f"package local\n\n{text}\n")
    return read_bundle(policies(tmp_path / "p", ends=ENDS), own)


def test_an_operators_own_instant_is_no_surprise(tmp_path):
    """`valid_until` is the shipped policies'; a local rule cannot add to it."""
    made = with_local(
        tmp_path,
        'objections contains {"rule": "local.may", "fix": "Ask."} if {'
        '\n\tinput.context.now < "2026-05-15"\n}',
    )

    verdicts, at = asked(made)
    assert verdicts[:4] == ["refuse", "refuse", "allow", "allow"]
    assert len(at) == 4
    assert not Clock(made).every_moment


@pytest.mark.parametrize(
    "rule",
    [
        'endswith(input.context.now, "T13:00:00Z")',
        'substring(input.context.now, 11, 2) > "12"',
        'some name, value in input.context\n\tname == "now"\n\tendswith(value, "T13:00:00Z")',
        'when := input.context.now\n\tendswith(when, "T13:00:00Z")',
    ],
)
def test_a_policy_that_computes_with_the_moment_is_asked_at_each(tmp_path, rule):
    objection = '{"rule": "local.noon", "fix": "Ask."}'
    made = with_local(tmp_path, f"objections contains {objection} if {{\n\t{rule}\n}}")

    assert Clock(made).every_moment
    verdicts, at = asked(made)
    assert verdicts[:4] == ["allow", "refuse", "allow", "refuse"]
    assert at == MOMENTS


def test_a_bundles_own_samples_end_no_window_unless_a_policy_reads_them(tmp_path):
    made = bundle(tmp_path, ends=ENDS)
    sample = {"one": {"question": {"context": {"now": "2026-05-20T00:00:00Z"}}}}
    shipped = replace(made, data=json.dumps(json.loads(made.data) | {"samples": sample}).encode())
    reads = "package local\n\nx if input.context.now < data.samples.one.question.context.now\n"
    local = replace(shipped, policies=(*shipped.policies, ("local/own.rego", reads)))
    template = Question.of(DOCUMENT).template

    assert "2026-05-20T00:00:00Z" not in Clock(shipped).edges(template)
    assert "2026-05-20T00:00:00Z" in Clock(local).edges(template)


def test_words_about_now_are_no_use_of_the_moment(tmp_path):
    made = with_local(
        tmp_path,
        '# not now\nobjections contains {"rule": "local.x", "fix": "Not now # wait"} if {'
        '\n\tinput.records == "0"\n}',
    )

    assert not Clock(made).every_moment


def test_the_shipped_policies_only_compare_the_moment():
    from gateway.session import POLICIES

    assert not Clock(read_bundle(POLICIES)).every_moment


def test_an_instant_of_the_question_ends_a_window(tmp_path):
    document = {**DOCUMENT, "until": "2026-05-15T13:00:00Z"}

    _, at = asked(bundle(tmp_path, ends=ENDS), document)
    assert at[:3] == ["2026-05-01T00:00:00Z", "2026-05-15T13:00:00Z", "2026-06-01T00:00:00Z"]


@given(
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2225, 12, 31)),  # noqa: DTZ001
    st.integers(0, 2**30 - 1),
)
def test_a_moment_and_a_place_in_one_number(when, index):
    at = when.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")

    assert (moment(packed(at, index)), place(packed(at, index))) == (at, index)
    assert packed(at, index) < 2**63


def test_numbers_sort_as_moments_do():
    texts = [
        "2026-02-28T23:59:59Z",
        "2026-02-30T00:00:00Z",
        "2026-03-01T00:00:00Z",
        "2026-12-31T00:00:00Z",
    ]

    assert [moment(one) for one in sorted(packed(text, 9) for text in reversed(texts))] == texts


@pytest.mark.parametrize("at", ["1969-12-31T23:59:59Z", "2226-01-01T00:00:00Z"])
def test_another_century_is_no_moment_of_a_transfer(at):
    with pytest.raises(GatewayError) as refused:
        packed(at, 0)

    assert refused.value.rule == "replay.moment"
