"""Records once they are read: valid, each id once, held or read again with the same answer."""

import copy
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.content import Content
from gateway.errors import RecipientError, SenderError
from gateway.question import class_of
from gateway.records import MAX_CLASSES, receive

OF = partial(class_of, today="2026-11-22")


def person(local: int, **fields: object) -> dict:
    return {"record_type": "person", "record_id": f"demo.example/{local}", **fields}


def outcome(records: list, *, hold: bool) -> object:
    try:
        received = receive(lambda: iter(copy.deepcopy(records)), OF, hold=hold)
    except SenderError as error:
        return error.rule, error.at
    pairs = list(received)
    assert pairs == list(received)
    assert received.held is hold
    return pairs, received.count, received.twice, received.present


SEX = st.sampled_from(["male", "female"])
PEOPLE = st.lists(st.builds(lambda n, sex: person(n, sex=sex), st.integers(0, 6), SEX), max_size=9)


@given(PEOPLE)
def test_held_and_read_again_say_the_same(records):
    assert outcome(records, hold=True) == outcome(records, hold=False)


@pytest.mark.parametrize("hold", [True, False])
def test_the_same_record_twice_is_carried_once_and_counted(hold):
    pairs, count, twice, present = outcome([person(1), person(2), person(1)], hold=hold)

    assert [record["record_id"] for record, _ in pairs] == ["demo.example/1", "demo.example/2"]
    assert (count, twice) == (2, 1)
    assert list(present.values()) == [{"record_type", "record_id"}]


@pytest.mark.parametrize("hold", [True, False])
def test_one_id_with_other_content_is_refused_by_its_place(hold):
    records = [person(1), person(2, sex="male"), person(2, sex="female")]

    assert outcome(records, hold=hold) == ("record.conflict", "record 3")


@pytest.mark.parametrize("hold", [True, False])
@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ({"record_type": "parcel", "record_id": "a/1"}, "schema.record_type"),
        ({"record_id": "a/1"}, "schema.record_type"),
        ({"record_type": "person"}, "schema.required"),
        (person(1, sex="Amina"), "schema.enum"),
    ],
)
def test_a_record_that_breaks_its_schema_is_refused_without_its_value(hold, record, rule):
    found = outcome([person(7), record], hold=hold)

    assert found[0] == rule
    assert found[1].startswith("record 2")
    assert "Amina" not in repr(found)


@pytest.mark.parametrize("hold", [True, False])
def test_no_record_is_no_transfer(hold):
    assert outcome([], hold=hold) == ("record.none", "")


def test_more_kinds_of_records_than_people_can_decide_about_are_refused():
    purposes = (
        person(n, protection={"purpose": "hum." + chr(97 + n % 26) * (1 + n // 26)})
        for n in range(MAX_CLASSES + 1)
    )

    with pytest.raises(SenderError) as caught:
        receive(lambda: purposes, OF, hold=False)

    assert caught.value.rule == "record.classes"


def test_more_repeated_ids_than_fit_in_memory_are_refused(monkeypatch):
    monkeypatch.setattr("gateway.records.MAX_REPEATED", 1)

    assert outcome([person(1), person(2), person(1), person(2)], hold=False)[0] == "record.repeats"


# -- the payload ---------------------------------------------------------------------------------


def test_a_file_is_opened_from_its_start_each_time(tmp_path: Path):
    path = tmp_path / "payload"
    path.write_bytes(b"one\ntwo\n")
    content = Content(path)

    for _ in range(2):
        with content.opened() as file:
            assert file.readline() == b"one\n"
    assert content.small


def test_a_file_that_changes_between_two_readings_is_refused(tmp_path: Path):
    path = tmp_path / "payload"
    path.write_bytes(b"one\n")
    content = Content(path)
    with content.opened() as file:
        file.read()
    path.write_bytes(b"another\n")

    with pytest.raises(SenderError) as caught, content.opened():
        pass

    assert caught.value.rule == "payload.changed"


def test_a_large_file_is_not_held(tmp_path: Path):
    path = tmp_path / "payload"
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)

    assert not Content(path).small


@pytest.mark.parametrize("ask", [lambda content: content.small, lambda c: c.opened().__enter__()])
def test_a_file_that_is_not_there_is_said_to_be_unreadable(tmp_path: Path, ask):
    with pytest.raises(RecipientError) as caught:
        ask(Content(tmp_path / "none"))

    assert caught.value.rule == "payload.unreadable"
