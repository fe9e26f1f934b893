"""HOPE's JSON: bodies of imports."""

import json
from typing import Any

import pytest

from gateway.adapter import read
from gateway.errors import SenderError
from gateway.record import Parsed
from tests import hope_files
from tests.hope_files import HEAD, HOPE, HOUSEHOLD, JSON_SAMPLES


def parsed(document: Any, mapping: Any = None) -> Parsed:
    return hope_files.parsed(hope_files.document(document), HOPE, mapping)


def refused(document: Any, mapping: Any = None) -> SenderError:
    return hope_files.refused(hope_files.document(document), HOPE, mapping)


def person_with(**fields: Any) -> dict[str, Any]:
    [_, person] = parsed([{**HOUSEHOLD, "members": [{**HEAD, **fields}]}]).records
    return person


# Bodies of imports


def test_a_body_with_everything_is_read():
    found = read(HOPE, (JSON_SAMPLES / "upload.json").read_bytes())

    household, amina, zahra, hodan, second, bashir = found.records
    assert household["record_id"] == "hope.invalid/DAR-0001"
    assert household["group_head"] == amina["record_id"] == "hope.invalid/DAR-0001.1"
    assert household["place"] == {
        "location_code": "SOM", "admin1_code": "SO25", "admin2_code": "SO2502", "name": "Daru",
    }  # fmt: skip
    assert household["protection"] == {
        "consent": {"status": "given", "scope": ["unicef", "government_partner"]}
    }
    assert household["registration_date"] == "2026-06-03"
    assert amina["identifier"] == [
        {"identifier_type": "UIN", "identifier_value": "0077-12", "issuer": "SOM"},
        {"identifier_type": "tax-id", "identifier_value": "10", "issuer": "KEN"},
    ]
    assert (amina["is_disabled"], amina["disability_info"]) == (True, ["seeing", "walking"])
    assert (zahra["is_disabled"], "disability_info" in zahra) == (False, False)
    assert household["member_list"] == [
        {
            "member": amina["record_id"],
            "relationship_head": "head",
            "is_head": True,
            "collector": "primary",
        },
        {"member": zahra["record_id"], "relationship_head": "grandchild"},
        {
            "member": hodan["record_id"],
            "relationship_head": "non_beneficiary",
            "collector": "alternate",
        },
    ]
    assert second["record_id"] == "hope.invalid/Daru%2C%20June%202026:2"
    assert (bashir["sex"], bashir["disability_info"]) == ("unknown", ["hearing", "memory"])


def test_what_stays_behind_is_told():
    found = read(HOPE, (JSON_SAMPLES / "upload.json").read_bytes())

    assert {
        "members/photo",
        "consent_sign",
        "members/documents/national_id/image",
        "members/sanction_list_possible_match",
        "members/accounts/mobile/number",
        "name",
        "program",
    } <= set(found.unmapped)
    assert found.lineage["household.member_list[].collector"] == "members/role"
    assert "person.email[]" in found.lineage
    assert "household.address[].postal_code" in found.lineage
    assert "person.is_disabled" in found.lineage


def test_a_line_without_a_value_is_no_lineage():
    found = parsed([{**HOUSEHOLD, "unhcr_id": "", "village": None}])

    assert "household.group_identifier[].identifier_value" not in found.lineage
    assert "household.place.name" not in found.lineage


@pytest.mark.parametrize(
    "document",
    [
        [HOUSEHOLD],
        {"name": "June", "program": "p", "households": [HOUSEHOLD]},
        {"status_code": 200, "headers": {}, "data": [HOUSEHOLD], "content_type": "x"},
        HOUSEHOLD,
    ],
)
def test_a_household_is_the_same_in_every_envelope(document):
    assert parsed(document).records == parsed([HOUSEHOLD]).records
    assert [one["record_type"] for one in parsed(document).records] == ["household", "person"]


def test_lines_are_read_one_by_one():
    lines = b"".join(
        json.dumps({**HOUSEHOLD, "originating_id": f"D-{n}"}).encode() + b"\n" for n in range(3)
    )
    found = read(HOPE, lines)
    assert [one["record_id"] for one in found.records][::2] == [
        "hope.invalid/D-0", "hope.invalid/D-1", "hope.invalid/D-2",
    ]  # fmt: skip


def test_a_household_without_a_number_has_its_position():
    bare = {key: value for key, value in HOUSEHOLD.items() if key != "originating_id"}
    assert [one["record_id"] for one in parsed([bare, bare]).records] == [
        "hope.invalid/1", "hope.invalid/1.1", "hope.invalid/2", "hope.invalid/2.1",
    ]  # fmt: skip
    named = parsed({"name": "a" * 151, "households": [bare]})
    assert named.records[0]["record_id"] == "hope.invalid/1"


def test_a_household_twice_reaches_the_gateway_twice():
    assert len(parsed([HOUSEHOLD, HOUSEHOLD]).records) == 4


def test_people_are_read_without_a_household():
    [person] = parsed(
        [{**HEAD, "type": "", "country": "SO", "country_workspace_id": "w-1"}]
    ).records
    assert (person["record_type"], person["record_id"]) == ("person", "hope.invalid/w-1")
    assert person["place"] == {"location_code": "SOM"}


def test_members_that_are_numbers_become_references():
    [household] = parsed(
        [
            {
                "originating_id": "L-1",
                "head_of_household_id": "IND-1",
                "primary_collector_id": "IND-9",
                "alternate_collector_id": "IND-2",
                "members": ["IND-1", "IND-2"],
            }
        ]
    ).records
    assert household["group_head"] == "hope.invalid/IND-1"
    assert household["member_list"] == [
        {"member": "hope.invalid/IND-1", "is_head": True},
        {"member": "hope.invalid/IND-2", "collector": "alternate"},
        {"member": "hope.invalid/IND-9", "collector": "primary"},
    ]


@pytest.mark.parametrize(
    ("field", "value", "leaf", "expected"),
    [
        ("sex", "NOT_COLLECTED", "sex", None),
        ("sex", "male", "sex", "male"),
        ("marital_status", "DIVORCED", "marital_status", "D"),
        ("estimated_birth_date", True, "birth_date_estimated", True),
        ("birth_date", "1990-01-01T00:00:00Z", "birth_date", "1990-01-01"),
        ("phone_no", 252615550171, "phone_number", ["252615550171"]),
        ("observed_disability", [], "disability_info", None),
        ("preferred_language", "en-us", "language_code", ["en-us"]),
    ],
)
def test_fields_are_read_as_hope_means_them(field, value, leaf, expected):
    assert person_with(**{field: value}).get(leaf) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("GRANDDAUGHER_GRANDSON", "grandchild"),
        ("FREE_UNION", "partner"),
        ("REMOVED_BY_COLLISION", None),
        ("UNKNOWN", None),
        ("", None),
    ],
)
def test_relationships_are_read(code, expected):
    household = parsed([{**HOUSEHOLD, "members": [{**HEAD, "relationship": code}]}]).records[0]
    assert household["member_list"][0].get("relationship_head") == expected


@pytest.mark.parametrize(
    ("change", "rule", "at"),
    [
        ({"residence_status": "Canary"}, "code.unknown", "residence_status"),
        ({"country": "SOM"}, "code.unknown", "country"),
        ({"size": "Canary"}, "value.not_integer", "size"),
        ({"members": [{**HEAD, "relationship": "Canary"}]}, "code.unknown", "relationship"),
        ({"members": [{**HEAD, "birth_date": "17/02/1984"}]}, "value.not_date", "birth_date"),
        ({"members": [{**HEAD, "documents": [{"number": 1}]}]}, "source.no_kind", "documents"),
        ({"members": [{**HEAD, "documents": ["Canary"]}]}, "source.no_kind", "documents"),
        ({"members": [{**HEAD, "phone_no": ["Canary", "7"]}]}, "value.not_text", "phone_no"),
    ],
)
def test_what_hope_does_not_have_is_refused(change, rule, at):
    error = refused([{**HOUSEHOLD, **change}])
    assert error.rule == rule
    assert at in error.at
    assert "Canary" not in str(error)


def test_a_key_twice_is_refused():
    with pytest.raises(SenderError) as caught:
        read(HOPE, b'[{"members": [], "size": 1, "size": 2}]')
    assert caught.value.rule == "json.key_twice"


def test_documents_of_the_api_say_their_kind_in_an_object():
    person = person_with(
        documents=[
            {
                "type": {"label": "National ID", "key": "national_id"},
                "country": {"name": "Somalia", "iso_code2": "SO"},
                "document_number": "7",
            },
            {"type": "NATIONAL_ID", "country": "KE", "document_number": "8"},
        ]
    )
    assert person["identifier"] == [
        {"identifier_type": "UIN", "identifier_value": "7", "issuer": "SOM"}
    ]


def test_a_kind_nobody_knows_is_not_shown():
    document = {"type": "Canary", "country": "SO", "document_number": "1"}
    found = parsed([{**HOUSEHOLD, "members": [{**HEAD, "documents": [document]}]}])
    assert "members/documents/?/document_number" in found.unmapped
    odd = parsed([{**HOUSEHOLD, "members": [{**HEAD, "documents": [{**document, "a b": 1}]}]}])
    assert "?" in odd.unmapped
    assert "anary" not in str((found.unmapped, odd.unmapped))
