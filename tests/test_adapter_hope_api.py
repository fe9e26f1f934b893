"""HOPE's JSON: what the API gives out, what is no record, and a caller's mapping."""

from typing import Any

import pytest

from adapters.hope.normal import forbidden
from gateway.adapter import read
from gateway.errors import SenderError
from gateway.mapping import plan_of, read_mapping
from gateway.record import Parsed
from tests import hope_files
from tests.hope_files import HEAD, HOPE, HOUSEHOLD, JSON_SAMPLES


def parsed(document: Any, mapping: Any = None) -> Parsed:
    return hope_files.parsed(hope_files.document(document), HOPE, mapping)


def refused(document: Any, mapping: Any = None) -> SenderError:
    return hope_files.refused(hope_files.document(document), HOPE, mapping)


# The API


def test_a_household_of_the_api_knows_its_head_through_the_roles():
    household = {
        "id": "0000-1", "unicef_id": "HH-26-0000.0001", "residence_status": "None", "country": "",
        "head_of_household": {"id": "0000-7", "full_name": "Amina"},
        "roles_in_household": [
            {"individual": {"id": "0000-7", "unicef_id": "IND-1"}, "role": "PRIMARY"},
            {"individual": {"id": "0000-8", "unicef_id": "IND-2"}, "role": "NO_ROLE"},
        ],
    }  # fmt: skip
    found = parsed({"count": 1, "next": None, "previous": None, "results": [household]})
    [record] = found.records
    assert record["group_head"] == "hope.invalid/IND-1"
    assert record["member_list"] == [
        {"member": "hope.invalid/IND-1", "is_head": True, "collector": "primary"},
        {"member": "hope.invalid/IND-2"},
    ]
    assert record["group_identifier"] == [{"identifier_type": "hope", "identifier_value": "0000-1"}]
    assert "displacement_status" not in record
    assert "head_of_household/full_name" in found.unmapped
    assert found.lineage["household.group_identifier[].identifier_value"] == "id"
    assert "next" not in found.unmapped


@pytest.mark.parametrize("head", ["Amina", {"full_name": "Amina"}, {"id": "0000-9"}, None])
def test_a_head_that_no_role_knows_is_left(head):
    household = {
        "unicef_id": "HH-1", "head_of_household": head,
        "roles_in_household": [{"individual": {"id": "0000-7"}, "role": None}, "x"],
    }  # fmt: skip
    if head == {"id": "0000-9"}:
        household["roles_in_household"] = [{"individual": {"id": "0000-7", "unicef_id": "I"}}]
    else:
        household["roles_in_household"] = []
    [record] = parsed([household]).records
    assert "group_head" not in record


def test_a_page_says_that_there_is_more():
    page = {"next": "https://hope.example/?offset=50", "results": [HOUSEHOLD]}
    assert "next" in parsed(page).unmapped


PAYMENT = {
    "id": "0000-3", "unicef_id": "RCPT-1", "household_id": "0000-1", "household_unicef_id": "HH-1",
    "household_admin2": "Daru", "collector_id": "0000-7", "fsp_name": "Daru Pay",
    "snapshot_collector_full_name": "Amina", "entitlement_quantity": "100.50",
    "delivered_quantity": 100.5, "delivery_date": "2026-07-01T10:00:00Z", "currency": "SOS",
    "delivery_type": "Mobile Money", "status": "Transaction Successful", "program_code": "ab1c",
}  # fmt: skip


def test_a_payment_is_assistance():
    [record] = parsed({"results": [PAYMENT], "next": None}).records
    assert record == {
        "record_type": "assistance",
        "record_id": "hope.invalid/RCPT-1",
        "beneficiary": "hope.invalid/HH-1",
        "collector": "hope.invalid/0000-7",
        "payee_name": "Amina",
        "delivery_mechanism": "mobile-money",
        "benefit_value": "100.50",
        "delivered_value": "100.5",
        "delivered_on": "2026-07-01T10:00:00Z",
        "currency_code": "SOS",
        "status": "completed",
        "programme_identifier": ["ab1c"],
        "delivery_place": {"admin2_name": "Daru"},
        "deliverer": {"org_name": "Daru Pay"},
    }


def test_a_payment_in_detail_has_the_collectors_short_number():
    more = {
        "collector": {"unicef_id": "IND-1", "sanction_list_possible_match": True},
        "delivery_type": None,
        "delivery_mechanism": {"name": "Cash"},
    }
    found = parsed({**PAYMENT, **more})
    [record] = found.records
    assert record["collector"] == "hope.invalid/IND-1"
    assert record["delivery_mechanism"] == "cash"
    assert "collector/sanction_list_possible_match" in found.unmapped


def test_a_payment_plan_leaves_its_sums():
    plan = {
        "unicef_id": "PP-1", "status": "ACCEPTED", "dispersion_start_date": "2026-07-01",
        "total_entitled_quantity": "9000.00", "program": {"code": "ab1c", "name": "Daru"},
    }  # fmt: skip
    found = parsed(plan)
    [record] = found.records
    assert record["status"] == "in-progress"
    assert "benefit_value" not in record
    assert "total_entitled_quantity" in found.unmapped


# What is no record


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ({"results": [{"p_code": "SO25", "name": "x"}]}, "hope.metadata"),
        ([{"associated_with": "Household", "is_flex_field": False}], "hope.metadata"),
        ([{"iso_code2": "SO", "name": "Somalia"}], "hope.metadata"),
        ({"status": "PENDING", "data_type": "XLSX"}, "hope.metadata"),
        ([{"name": "Daru", "budget": 5, "id": 7}], "hope.metadata"),
        ({"HEAD": "Head of household"}, "hope.metadata"),
        ({"id": "x", "households": 1, "individuals": 2}, "hope.answer"),
        ({"id": "x", "processed": 1, "accepted": 1, "errors": 0, "results": []}, "hope.answer"),
        ({"id": "x", "people": []}, "hope.answer"),
        ([{"id": "x", "status": "IN_REVIEW"}], "hope.answer"),
        ({"detail": "Not found."}, "hope.answer"),
        ({}, "hope.not_records"),
        ({"a": {"b": 1}}, "hope.not_records"),
        (["x"], "hope.not_records"),
        ("x", "hope.not_records"),
        ([{"full_name": "Canary"}, 1], "hope.metadata"),
    ],
)
def test_what_holds_no_records_is_refused(document, rule):
    assert refused(document).rule == rule


def test_nothing_is_no_record():
    assert parsed([]).records == []
    assert parsed({"results": [], "next": None}).records == []


# A caller's mapping


def mapping(fields: dict[str, Any], members: dict[str, Any] | None = None, **more: Any) -> Any:
    records: list[Any] = [{"type": "household", "id": {"first": ["originating_id"]}}]
    records[0]["fields"] = fields
    if members is not None:
        records.append({"type": "person", "each": "members", "fields": members})
    document = {
        "mapping": "m", "version": "1", "format": "hope", "authority": "h.example",
        "records": records, **more,
    }  # fmt: skip
    return plan_of(document, at="test")


def test_a_mapping_reads_what_a_country_adds():
    found = read(
        HOPE,
        (JSON_SAMPLES / "flex.json").read_bytes(),
        read_mapping(JSON_SAMPLES / "flex.json.mapping.yaml"),
    )
    household, first, _ = found.records
    assert household["record_id"] == "hope.turkana.example/TUR-9"
    assert household["poverty_score"] == "1.5"
    assert [one["identifier_value"] for one in first["identifier"]] == ["RP 12", "RP 13"]
    assert "flex_fields/months_displaced_h_f" in found.unmapped


def test_several_answers_of_a_countrys_own_are_one_text():
    found = parsed(
        [{**HOUSEHOLD, "flex_fields": {"needs_h_f": ["food", "water"], "other_h_f": []}}],
        mapping({"place.name": "flex_fields/needs_h_f"}),
    )
    assert found.records[0]["place"]["name"] == "food water"
    assert "flex_fields/other_h_f" in found.unmapped


def test_sanctions_never_leave_even_where_a_mapping_names_them():
    plan = mapping(
        {"place.name": "sanction_list_possible_match", "place.site_code": "x/Sanction_note"},
        {"religion": "members/sanction_list_confirmed_match", "ethnicity": "members/photo"},
    )
    member = {**HEAD, "sanction_list_confirmed_match": "Canary", "photo": "Canary"}
    found = parsed(
        [
            {
                **HOUSEHOLD,
                "sanction_list_possible_match": "Canary",
                "x": {"Sanction_note": "Canary"},
                "deduplication_golden_record_results": [{"full_name": "Canary"}],
                "members": [member],
            }
        ],
        plan,
    )
    assert "Canary" not in str(found)
    assert {
        "sanction_list_possible_match",
        "x/Sanction_note",
        "members/sanction_list_confirmed_match",
        "members/photo",
        "deduplication_golden_record_results",
    } <= set(found.unmapped)


@pytest.mark.parametrize(
    ("key", "never"),
    [
        ("sanction_list_last_check", True),
        ("SANCTION_X", True),
        ("biometric_deduplication_batch_results", True),
        ("photo", True),
        ("head_photo", True),
        ("photo_no", False),
        ("full_name", False),
    ],
)
def test_what_never_leaves(key, never):
    assert forbidden(key) is never


def test_a_mapping_for_another_format_is_refused():
    other = plan_of(
        {
            "mapping": "m", "version": "1", "format": "kobo", "authority": "k.example",
            "records": [{"type": "household", "id": {"first": ["x"]}, "fields": {}}],
        },
        at="test",
    )  # fmt: skip
    assert refused([HOUSEHOLD], other).rule == "mapping.other_format"


def test_a_mapping_may_number_by_position():
    plan = mapping({})
    assert refused([{"members": []}], plan).rule == "mapping.no_id"
    bare = {"members": []}
    document = dict(plan.document)
    document["records"] = [{"type": "household", "id": {"first": ["position"]}, "fields": {}}]
    found = parsed([bare], plan_of(document, at="test"))
    assert found.records[0]["record_id"] == "h.example/1"
