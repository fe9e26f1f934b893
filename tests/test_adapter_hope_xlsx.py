"""HOPE's workbooks: registrations of households and of people, and payment lists."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.hope import joined
from gateway.errors import SenderError
from gateway.mapping import plan_of, read_mapping
from gateway.record import Parsed, Record
from tests import hope_files
from tests.hope_files import BOOK_SAMPLES, LABELS, REAL_MAPPINGS, XLSX, book

Samples = Callable[[str], Path]


def parsed(content: bytes, mapping: Any = None) -> Parsed:
    return hope_files.parsed(content, XLSX, mapping)


def refused(content: bytes, mapping: Any = None) -> SenderError:
    return hope_files.refused(content, XLSX, mapping)


def registration(
    households: list[list[Any]], individuals: list[list[Any]], **more: list[list[Any]]
) -> bytes:
    heads = ["household_id", "country_h_c"]
    columns = [
        "household_id", "full_name_i_c", "relationship_i_c", "primary_collector_id",
        "alternate_collector_id",
    ]  # fmt: skip
    return book(
        ("Households", [heads, LABELS, *households]),
        ("Individuals", [columns, LABELS, *individuals]),
        *more.items(),
    )


def of(records: list[Record], kind: str) -> list[Record]:
    return [one for one in records if one["record_type"] == kind]


# Reading


def test_a_registration_is_read():
    found = parsed((BOOK_SAMPLES / "registration.xlsx").read_bytes())

    first, amina, zahra, ali, second, *_ = found.records
    assert first["record_id"] == "hope.invalid/1"
    assert first["place"]["geo"] == {"type": "Point", "coordinates": [42.25, 2.5]}
    assert first["protection"]["consent"] == {
        "status": "given", "scope": ["unicef", "government_partner"],
    }  # fmt: skip
    assert second["protection"]["consent"] == {"status": "refused"}
    assert [one.get("collector") for one in first["member_list"]] == ["primary", None, "alternate"]
    assert amina["birth_date"] == "1984-02-17"
    assert [one["identifier_value"] for one in amina["identifier"]] == ["0077-12", "1230045"]
    assert zahra["birth_date"] == "2019-11-30"
    assert ali["phone_number"] == ["252615550172"]
    assert ali["record_id"] == "hope.invalid/1.3"
    assert "individuals/sanction_list_possible_match" in found.unmapped
    assert "individuals/photo_i_c" in found.unmapped
    assert found.lineage["household.member_list[].collector"] == (
        "individuals/primary_collector_id | individuals/alternate_collector_id"
    )


def test_people_and_payments_are_read():
    lokiru, akiru = parsed((BOOK_SAMPLES / "people.xlsx").read_bytes()).records
    assert lokiru["email"] == ["lokiru@kalobeyei.example"]
    assert akiru["protection"] == {"consent": {"status": "refused"}}
    first, second = parsed((BOOK_SAMPLES / "payments.xlsx").read_bytes()).records
    assert (first["benefit_value"], first["status"]) == ("57000", "completed")
    assert second["benefit_value"] == "28500.5"
    assert first["delivered_on"] == "2026-07-01"


@pytest.mark.parametrize("second", [[], ["", "  "], LABELS, ["Name of a person - STRING"]])
def test_the_second_row_is_for_people(second):
    content = book(("Households", [["household_id"], second, ["7"]]))
    assert [one["record_id"] for one in parsed(content).records] == ["hope.invalid/7"]


@pytest.mark.parametrize("second", [["7"], [7], ["7", "Household ID - ID", 3]])
def test_data_in_the_second_row_are_not_passed_over(second):
    content = book(("Households", [["household_id", "a_h_c", "b_h_c"], second, ["8"]]))
    error = refused(content)
    assert (error.rule, error.at) == ("hope.labels", "Households, row 2")


def test_a_row_of_white_space_is_none():
    content = registration([["1", "SOM"]], [["  "], ["1", "Amina", "HEAD", "1"], [" ", "", "  "]])
    assert len(parsed(content).records) == 2


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1984-02-17", "1984-02-17"),
        ("17/02/1984 00:00:00.0000000", "1984-02-17"),
        ("02/17/1984", "1984-02-17"),
        ("02/02/1984 00:00:00", "1984-02-02"),
    ],
)
def test_days_are_read(cell, expected):
    content = book(
        ("Households", [["household_id"], [], ["1"]]),
        ("Individuals", [["household_id", "birth_date_i_c"], [], ["1", cell]]),
    )
    assert parsed(content).records[1]["birth_date"] == expected


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ("10/01/1964 00:00:00.0000000", "hope.date_order"),
        ("1984-02-17T10:00:00", "value.not_date"),
        ("13/13/1984", "value.no_such_date"),
        ("#VALUE!", "table.error_value"),
    ],
)
def test_a_day_that_could_be_another_is_refused(cell, rule):
    content = book(
        ("Households", [["household_id"], [], ["1"]]),
        ("Individuals", [["household_id", "birth_date_i_c"], [], ["1", cell]]),
    )
    error = refused(content)
    assert error.rule == rule
    assert "1984" not in str(error)


def test_a_point_is_latitude_first_and_never_turned():
    columns = ["household_id", "hh_geopoint_h_c"]
    [record] = parsed(book(("Households", [columns, [], [1, "2.5, 42.25"]]))).records
    assert record["place"]["geo"]["coordinates"] == [42.25, 2.5]
    assert refused(book(("Households", [columns, [], [1, "142.25, 2.5"]]))).rule == (
        "value.out_of_range"
    )


def test_somebody_may_collect_for_another_household():
    content = registration(
        [["1", "SOM"], ["2", "SOM"], ["3", "SOM"]],
        [
            ["1", "Amina", "HEAD", "1", "2;3"],
            ["2", "Bashir", "HEAD"],
            ["2", "Cali", "OTHER", "3"],
            ["3", "Deqa", "HEAD"],
            ["", "Ebyan", "NON_BENEFICIARY", "2"],
        ],
    )
    found = parsed(content)
    one, two, three = of(found.records, "household")
    assert [each["name"]["full_name"] for each in of(found.records, "person")] == [
        "Amina", "Ebyan", "Bashir", "Cali", "Deqa",
    ]  # fmt: skip
    assert one["member_list"] == [
        {
            "member": "hope.invalid/1.1",
            "relationship_head": "head",
            "is_head": True,
            "collector": "primary",
        }
    ]
    assert two["member_list"][0] == {
        "member": "hope.invalid/2.1",
        "relationship_head": "non_beneficiary",
        "collector": "primary",
    }
    assert two["member_list"][3:] == [{"member": "hope.invalid/1.1", "collector": "alternate"}]
    assert three["member_list"][1:] == [
        {"member": "hope.invalid/1.1", "collector": "alternate"},
        {"member": "hope.invalid/2.3", "collector": "primary"},
    ]


def test_somebody_without_a_household_may_collect_for_two():
    content = registration(
        [["1", "SOM"], ["2", "SOM"]],
        [["", "Amina", "", "1"], ["", "Bashir", "", "", "1;2"], ["1", "Cali", "HEAD"]],
    )
    one, amina, bashir, _, two = parsed(content).records
    assert [each.get("collector") for each in one["member_list"]] == ["primary", "alternate", None]
    assert two["member_list"] == [{"member": bashir["record_id"], "collector": "alternate"}]
    assert amina["record_id"] == "hope.invalid/1.1"


def test_individuals_may_stand_in_any_order():
    households = [["1", "SOM"], ["2", "SOM"]]
    people = [
        ["1", "Amina", "HEAD", "1"],
        ["2", "Bashir", "HEAD", "2"],
        ["2", "Cali", "OTHER", "", "1"],
        ["1", "Deqa", "OTHER", "", "2"],
    ]
    one, amina, deqa, two, bashir, cali = parsed(registration(households, people)).records
    assert [each["name"]["full_name"] for each in (amina, deqa, bashir, cali)] == [
        "Amina", "Deqa", "Bashir", "Cali",
    ]  # fmt: skip
    assert one["member_list"][2] == {"member": cali["record_id"], "collector": "alternate"}
    assert two["member_list"][2] == {"member": deqa["record_id"], "collector": "alternate"}


@pytest.mark.parametrize(
    ("people", "rule"),
    [
        ([["9", "Amina", "HEAD"]], "hope.no_such_household"),
        ([["1", "Amina", "HEAD", "9"]], "hope.no_such_household"),
        ([["", "Amina", "HEAD", "9"]], "hope.no_such_household"),
        ([["", "Amina", "HEAD"]], "hope.no_household"),
        ([["1", "Amina", "HEAD", "1", "1"]], "hope.collector"),
        ([["#VALUE!", "Amina", "HEAD"]], "hope.no_such_household"),
    ],
)
def test_somebody_who_belongs_nowhere_is_refused(people, rule):
    error = refused(registration([["1", "SOM"]], people))
    assert error.rule == rule
    assert "Amina" not in str(error)


def test_what_is_held_has_a_limit(monkeypatch):
    monkeypatch.setattr(joined, "HELD", 3)
    monkeypatch.setattr(joined, "ELSEWHERE", 1)
    households = [["1", "SOM"], ["2", "SOM"]]
    sorted_ = [["1", "A", "HEAD"], ["1", "B", "OTHER"], ["2", "C", "HEAD"], ["2", "D", "OTHER"]]
    assert len(parsed(registration(households, sorted_)).records) == 6
    assert refused(registration(households, [*sorted_[1:], sorted_[0]])).rule == "hope.order"
    away = [["", "A", "", "1"], ["", "B", "", "2"]]
    assert refused(registration(households, away)).rule == "hope.order"


def test_households_alone_are_households():
    found = parsed(book(("Households", [["household_id", "size_h_c"], [], [1, 4], [2, 5]])))
    assert [one["group_size"] for one in found.records] == [4, 5]


def test_a_household_twice_reaches_the_gateway_twice():
    found = parsed(registration([["1", "SOM"], ["1", "SOM"]], []))
    assert [one["record_id"] for one in found.records] == ["hope.invalid/1"] * 2


def test_columns_nobody_reads_are_told_by_a_name_that_is_hopes_or_a_place():
    columns = ["household_id", "latrine_h_f", "Amina Yusuf", "", "household_id", "empty_h_f"]
    found = parsed(book(("Households", [columns, [], ["1", "x", "y", "z", "2", "", "", "v"]])))
    assert found.unmapped == (
        "Households column C", "Households column D", "Households column E",
        "Households column H", "latrine_h_f",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sheets", "rule"),
    [
        ([("survey", [["type"]]), ("choices", [["list_name"]])], "hope.metadata"),
        ([("Sheet1", [["HouseholdCSSPID", "Sex"], ["C1", "Male"]])], "hope.other_table"),
        ([("Sheet1", [])], "hope.other_table"),
        (
            [
                ("Households", [["household_id"], [], ["1"]]),
                ("People", [["pp_index_id"], [], ["1"]]),
            ],
            "hope.two_kinds",
        ),
    ],
)
def test_other_workbooks_are_refused(sheets, rule):
    assert refused(book(*sheets)).rule == rule


def test_empty_sheets_have_nobody():
    sheets = [(name, [["household_id"], LABELS]) for name in ("Households", "Individuals")]
    assert parsed(book(*sheets, ("People", [["pp_index_id"]]))).records == []


def test_what_stands_beside_people_is_told():
    content = book(
        ("Households", [["household_id"], LABELS]),
        ("Individuals", [["household_id", "custom_i_f"], LABELS, ["", "x"]]),
        ("People", [["pp_index_id", "pp_full_name_i_c"], [], ["1", "Amina"]]),
    )
    found = parsed(content)
    assert len(found.records) == 1
    assert found.unmapped == ("individuals/custom_i_f",)


def test_a_mapping_reads_what_a_country_adds(samples: Samples):
    found = parsed(
        samples("hope/open/rdi_flex_fields.xlsx").read_bytes(),
        read_mapping(REAL_MAPPINGS / "hope-flex.yaml"),
    )
    people = of(found.records, "person")
    assert len(people) == 6
    assert any("ethnicity" in one for one in people)
    assert {one["record_id"].partition("/")[0] for one in found.records} == {"hope.example"}


def mapping(root: str, column: str, fields: dict[str, Any], **more: Any) -> Any:
    records = [{"type": root, "id": {"first": [column]}, "fields": fields}, *more.values()]
    document = {
        "mapping": "m", "version": "1", "format": "hope.xlsx", "authority": "h.example",
        "records": records,
    }  # fmt: skip
    return plan_of(document, at="test")


def test_sanctions_never_leave_a_workbook():
    plan = mapping("household", "household_id", {"place.name": "sanction_list_confirmed_match"})
    columns = ["household_id", "sanction_list_confirmed_match"]
    found = parsed(book(("Households", [columns, [], ["1", "Canary"]])), plan)
    assert "Canary" not in str(found)
    assert found.unmapped == ("sanction_list_confirmed_match",)
