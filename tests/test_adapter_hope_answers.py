"""What HOPE answers to an import: nothing is taken for accepted that it does not clearly say."""

import json
from typing import Any

import pytest

from adapters.hope import Hope
from gateway.adapter import Outcome
from gateway.errors import SenderError

ID = {"id": "0000-1"}


def outcomes(answer: Any, sent: int = 2) -> list[Outcome]:
    return Hope().outcomes(json.dumps(answer).encode(), sent)


def states(answer: Any, sent: int = 2) -> list[tuple[int | None, str]]:
    return [(one.index, one.state) for one in outcomes(answer, sent)]


TAKEN = [(0, "accepted"), (1, "accepted")]
UNKNOWN = [(0, "unknown"), (1, "unknown")]
FAULT = {"members": {"Member #2": [{"birth_date": ["Canary is no date."]}]}}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({**ID, "name": "June", "households": 2, "individuals": 7}, TAKEN),
        ({**ID, "households": 1, "individuals": 7}, UNKNOWN),
        ({**ID, "households": True, "individuals": 7}, UNKNOWN),
        ({**ID, "people": ["0000-7", "0000-8"]}, TAKEN),
        ({**ID, "people": ["0000-7"]}, UNKNOWN),
        (ID, UNKNOWN),
        ([{**ID, "status": "IN_REVIEW"}], [(None, "accepted")]),
        ([{**ID, "status": "LOADING"}], [(None, "unknown")]),
        ([{**ID, "status": 7}], [(None, "unknown")]),
        ({"detail": "Canary"}, [(None, "unknown")]),
        ({}, [(None, "unknown")]),
        ("Canary", UNKNOWN),
    ],
)
def test_all_or_nothing(answer, expected):
    assert states(answer) == expected


def lax(**more: Any) -> dict[str, Any]:
    return {**ID, "processed": 2, "accepted": 1, "errors": 1, **more}


def test_households_are_told_apart_by_their_number():
    answer = lax(households=[{"Household #1": [{"pk": "x"}]}, {"Household #2": [FAULT]}])
    assert outcomes(answer) == [
        Outcome(0, "accepted"),
        Outcome(1, "refused", at="members/1/birth_date"),
    ]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lax(households=[{"Household #2": [{"pk": "x"}]}]), UNKNOWN),
        (lax(households=[{"Household #1": [FAULT]}, {"Household #2": [FAULT]}]), UNKNOWN),
        (lax(households=[{"House 1": [{"pk": "x"}]}, "x", {"Household #2": {}}]), UNKNOWN),
        (lax(processed=3), UNKNOWN),
        (lax(accepted=2), UNKNOWN),
        (lax(errors=0), UNKNOWN),
        (lax(accepted=0), UNKNOWN),
        (lax(results=[FAULT, {"pk": "x"}]), UNKNOWN),
        (lax(results=[{"pk": "x"}, FAULT]), UNKNOWN),
        (lax(accepted=2, errors=0, results=[{"pk": "x"}, {"pk": "y"}]), TAKEN),
        (lax(accepted=0, errors=2), [(0, "refused"), (1, "refused")]),
        (
            lax(results=[FAULT, {"pk": "x"}], individual_id_mapping={"w-2": "IND-1"}),
            [(0, "refused"), (1, "accepted")],
        ),
        (lax(results=[{"pk": "x"}], individual_id_mapping={}), UNKNOWN),
    ],
)
def test_what_could_be_taken_was(answer, expected):
    assert states(answer) == expected


def test_a_body_that_was_refused_names_its_faults():
    assert outcomes({"households": [{"Household #2": [FAULT]}]}) == [
        Outcome(None, "refused"),
        Outcome(1, "refused", at="members/1/birth_date"),
    ]
    assert states({"households": [{"Household #3": [FAULT]}]}) == [(None, "unknown")]
    assert states({"households": ["This field is required."]}) == [(None, "unknown")]


@pytest.mark.parametrize(
    "answer",
    [
        {"1": {"birth_date": ["This field is required."]}},
        [{}, {"birth_date": ["This field is required."]}],
    ],
)
def test_people_that_were_refused_are_named(answer):
    assert outcomes(answer) == [
        Outcome(None, "refused"),
        Outcome(1, "refused", at="birth_date"),
    ]


@pytest.mark.parametrize("answer", [{"2": {"x": ["y"]}}, {"0": []}, [{}, {}], [1, 2], []])
def test_what_says_nothing_is_unknown(answer):
    assert states(answer) == [(None, "unknown")]


@pytest.mark.parametrize(
    ("fault", "at"),
    [
        ({"documents": {"0": {"type": ["x"]}}}, "documents/0/type"),
        ({"country": ["x"], "size": ["x"]}, "country"),
        ({"Amina Yusuf": ["x"]}, None),
        ({"members": {"Amina": ["x"]}}, None),
        (["x"], None),
        ({}, None),
    ],
)
def test_a_path_is_shown_only_if_it_is_one(fault, at):
    answer = lax(households=[{"Household #1": [fault]}, {"Household #2": [{"pk": "x"}]}])
    assert outcomes(answer)[0] == Outcome(0, "refused", at=at)


def test_nothing_of_a_message_is_kept():
    answer = lax(households=[{"Household #1": [{"pk": "x"}]}, {"Household #2": [FAULT]}])
    assert "Canary" not in str(outcomes(answer))


@pytest.mark.parametrize("answer", [b"", b"<html>", b"\xff"])
def test_what_is_no_json_is_refused(answer):
    with pytest.raises(SenderError) as caught:
        Hope().outcomes(answer, 1)
    assert caught.value.rule.startswith("json.")
