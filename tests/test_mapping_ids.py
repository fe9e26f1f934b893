"""Ids made of several values, for rows that have none of their own."""

import copy

import pytest

from gateway.errors import OfficerError, SenderError
from gateway.mapping import Reader, plan_of, write_back
from tests.mapping_tables import ROWS, rows


def record_id(**fields):
    return Reader(rows()).read(fields, at="row 2")[0]["record_id"]


def test_every_part_is_percent_encoded_and_joined():
    assert record_id(site="A~b-c._9", round=12) == "rows.example/A~b-c._9:12"
    assert record_id(site="é :/%", round="ب") == "rows.example/%C3%A9%20%3A%2F%25:%D8%A8"


def test_two_rows_have_one_id_only_where_every_part_is_the_same():
    ids = [record_id(site=a, round=b) for a, b in [("1", "2"), ("1:2", "2"), ("1", "2:2")]]

    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("fields", "rule", "at"),
    [
        ({"site": "A"}, "mapping.no_id", "row 2, round"),
        ({"site": "A", "round": ""}, "mapping.no_id", "row 2, round"),
        ({"site": None, "round": 1}, "mapping.no_id", "row 2, site"),
        ({"site": "A", "round": True}, "value.not_text", "row 2, round"),
        ({"site": "A", "round": 1.0}, "value.not_text", "row 2, round"),
        ({"site": ["A"], "round": 1}, "value.not_text", "row 2, site"),
        ({"site": "\ud800", "round": 1}, "value.not_text", "row 2, site"),
    ],
)
def test_a_row_without_every_part_has_no_id(fields, rule, at):
    with pytest.raises(SenderError) as caught:
        record_id(**fields)

    assert (caught.value.rule, caught.value.at) == (rule, at)


def back(**fields):
    lost = set()
    record = {"record_type": "facility", "record_id": "rows.example/A%201:7", **fields}
    return list(write_back(rows(), [record], lost)), lost


def test_parts_that_no_line_writes_are_written_from_the_id():
    written, lost = back(facility_id="A 1")

    assert (written, lost) == ([{"site": "A 1", "round": "7"}], set())


def test_a_part_that_was_removed_is_not_brought_back_by_the_id():
    written, lost = back(comment="x")

    assert written == [{"round": "7", "note": "x"}]
    assert lost == {"facility.record_id"}


def test_what_else_is_lost_is_found_all_the_same():
    written, lost = back(facility_kind="Port")

    assert written == [{"round": "7"}]
    assert lost == {"facility.record_id", "facility.facility_kind"}


@pytest.mark.parametrize("name", ["rows.example/A%201", "other.example/A%201:7"])
def test_a_pseudonym_is_no_source_value(name):
    written, lost = back(record_id=name, facility_id="A 1")

    assert written == [{"site": "A 1"}]
    assert lost == {"facility.record_id"}


def test_a_part_that_was_changed_gives_another_id_and_says_so():
    written, lost = back(facility_id="B")

    assert written == [{"site": "B", "round": "7"}]
    assert lost == {"facility.record_id"}


@pytest.mark.parametrize(
    "ids",
    [
        {"all": []},
        {"all": ["site"], "first": ["site"]},
        {"all": ["site"], "without": "x"},
        {"position": True},
        {},
    ],
)
def test_an_id_is_made_in_one_way(ids):
    table = copy.deepcopy(ROWS)
    table["records"][0]["id"] = ids

    with pytest.raises(OfficerError):
        plan_of(table, at="t")


def test_lineage_names_every_part():
    reader = Reader(rows())
    reader.read({"site": "A", "round": 1}, at="here")

    assert reader.trace(str).lineage["facility.record_id"] == "site | round"
    assert rows().targets()["facility.record_id"] == "site | round"


@pytest.mark.parametrize("record_type", ["person", "household", "missing-person", "case"])
def test_what_people_answered_never_becomes_their_id(record_type):
    table = copy.deepcopy(ROWS)
    table["records"] = [{"type": record_type, "id": {"all": ["name", "dob"]}, "fields": {}}]

    with pytest.raises(OfficerError) as caught:
        plan_of(table, at="t")

    assert caught.value.rule == "mapping.id_of_answers"
