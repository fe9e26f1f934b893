"""FHIR R4: both directions, against HL7's schema, a second implementation and real files."""

import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import HealthCheck, given, settings

from gateway.adapter import installed, read, write
from gateway.errors import SenderError
from gateway.record import check
from tests.canonical_records import comparable, present, records
from tests.fhir_files import FAMILY, FHIR

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

Samples = Callable[[str], Path]


@pytest.fixture(scope="session")
def hl7(samples: Samples) -> jsonschema_rs.Draft6Validator:
    schema = json.loads(samples("fhir-r4/schema/fhir.schema.json").read_bytes())
    return jsonschema_rs.Draft6Validator(schema)


# Both directions


def test_is_installed_under_its_name() -> None:
    adapter = installed()["fhir.r4"]
    assert (adapter.name, adapter.media_type) == ("fhir.r4", "application/fhir+json")


def test_a_family_comes_back_field_by_field() -> None:
    rendered = write(FHIR, FAMILY, None)
    parsed = read(FHIR, rendered.content, None)
    assert rendered.unrendered == ("person.extension",)
    assert parsed.records == comparable(FAMILY, rendered.unrendered)
    assert parsed.unmapped == ()


def test_lineage_is_the_same_in_both_directions() -> None:
    rendered = write(FHIR, FAMILY, None)
    parsed = read(FHIR, rendered.content, None)
    assert rendered.lineage == parsed.lineage
    assert rendered.lineage["person.name.full_name"] == "Patient.name.text"
    assert rendered.lineage["person.birth_date"] == "Patient.birthDate"
    assert rendered.lineage["household.group_size"] == "Group.quantity"


UNNAMEABLE = re.compile("[\\x00-\\x1f]")


def ids(given_records: list[Any]) -> list[str]:
    return [record["record_id"] for record in given_records]


@SLOW
@given(records().filter(lambda found: not any(map(UNNAMEABLE.search, ids(found)))))
def test_what_is_rendered_reads_back(given_records: list[Any]) -> None:
    rendered = write(FHIR, given_records, None)
    parsed = read(FHIR, rendered.content, None)
    gone = rendered.unrendered
    assert comparable(parsed.records, gone) == comparable(given_records, gone)
    assert parsed.unmapped == ()
    assert set(rendered.lineage) | set(rendered.unrendered) == present(given_records)
    assert set(rendered.lineage) == set(parsed.lineage)
    for record in parsed.records:
        check(record, at="parsed")


@SLOW
@given(records(plain=True))
def test_output_is_valid_by_tools_we_did_not_write(hl7: Any, given_records: list[Any]) -> None:
    content = write(FHIR, given_records, None).content
    hl7.validate(json.loads(content))
    Bundle.model_validate_json(content)


def test_a_family_is_valid_by_tools_we_did_not_write(hl7: Any) -> None:
    content = write(FHIR, FAMILY, None).content
    hl7.validate(json.loads(content))
    parsed = Bundle.model_validate_json(content)
    assert parsed.entry[2].resource.name[0].text == "أمينة يوسف علي"


def test_the_validators_would_notice(hl7: Any) -> None:
    content = write(FHIR, FAMILY, None).content
    broken = json.loads(content.replace(b'"female"', b'"F"'))
    assert not hl7.is_valid(broken)
    with pytest.raises(ValueError, match="actual"):
        Bundle.model_validate_json(content.replace(b'"actual":true', b'"active":true'))


# Rendering


def entries(*given_records: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(write(FHIR, given_records, None).content)["entry"]
    return found


def test_no_record_gives_an_empty_bundle_that_reads_back() -> None:
    rendered = write(FHIR, [], None)
    assert json.loads(rendered.content) == {"resourceType": "Bundle", "type": "collection"}
    assert read(FHIR, rendered.content, None).records == []


def test_rendering_is_deterministic_and_ids_follow_the_record() -> None:
    first, again = entries(*FAMILY), entries(*reversed(FAMILY))
    assert write(FHIR, FAMILY, None) == write(FHIR, FAMILY, None)
    assert {item["fullUrl"] for item in first} == {item["fullUrl"] for item in again}
    # Fixed for ever: recipients may keep it.
    namespace = uuid.UUID("5a0f7a52-5b0e-4c67-9a51-5a8f2d1f6d10")
    assert first[2]["fullUrl"] == f"urn:uuid:{uuid.uuid5(namespace, 'unhcr.example/p1')}"
    assert first[2]["resource"]["id"] == "bfba2e3d-d4c3-5936-ba62-96f4f837da93"


def test_a_record_that_comes_twice_has_two_addresses() -> None:
    twice = entries(FAMILY[2], FAMILY[2])
    assert twice[0]["fullUrl"] != twice[1]["fullUrl"]


def test_related_person_only_where_head_and_member_are_there() -> None:
    related = [
        item["resource"] for item in entries(*FAMILY) if "RelatedPerson" in str(item["resource"])
    ]
    assert len(related) == 1
    urls = {
        item["resource"]["identifier"][0]["value"]: item["fullUrl"] for item in entries(*FAMILY)
    }
    assert related[0]["patient"] == {"reference": urls["unhcr.example/p1"]}
    assert related[0]["identifier"][0]["value"] == "unhcr.example/p2"
    assert "RelatedPerson" not in str(entries(FAMILY[0], FAMILY[1]))
    assert "RelatedPerson" not in str(entries(FAMILY[0], FAMILY[2]))


def test_the_head_is_also_known_by_its_mark() -> None:
    household = {key: value for key, value in FAMILY[0].items() if key != "group_head"}
    assert "RelatedPerson" in str(entries(household, *FAMILY[1:]))


def test_members_in_the_bundle_are_referred_to_by_its_addresses() -> None:
    members = entries(*FAMILY)[0]["resource"]["member"]
    urls = [item["fullUrl"] for item in entries(*FAMILY)]
    assert members[0]["entity"]["reference"] in urls
    assert "reference" not in members[2]["entity"]


def test_a_marital_status_is_hl7_s_own_letter() -> None:
    coding = entries(FAMILY[2])[0]["resource"]["maritalStatus"]["coding"][0]
    assert coding["system"].endswith("/v3-MaritalStatus")
    assert coding["code"] == FAMILY[2]["marital_status"]


def test_withheld_is_masked_where_fhir_has_an_element() -> None:
    found = entries(FAMILY[2])[0]["resource"]
    reason = found["_birthDate"]["extension"][0]
    assert reason["url"].endswith("data-absent-reason")
    assert reason["valueCode"] == "masked"
    assert found["name"][1]["extension"][0] == reason
    assert found["telecom"][0]["system"] == "email"


def test_sensitivity_is_a_security_label() -> None:
    label = entries(FAMILY[1])[0]["resource"]["meta"]["security"][0]
    assert label["code"] == "R"


UNCARRIABLE = [
    ({"birth_date": "2021-02-30"}, "person.birth_date"),
    ({"death_date": "0000"}, "person.death_date"),
    ({"registration_date": "2021-04-31"}, "person.registration_date"),
    ({"age": {"as_of": "2023-02-29"}}, "person.age.as_of"),
    ({"protection": {"consent": {"date": "2023-02-29"}}}, "person.protection.consent.date"),
    ({"source": {"source_date": "2023-02-01T25:00:00Z"}}, "person.source.source_date"),
    ({"photo_url": ["two words"]}, "person.photo_url[]"),
    ({"name": {"full_name": "a\x00b"}}, "person.name.full_name"),
    ({"phone_number": ["\x07"]}, "person.phone_number[]"),
]


@pytest.mark.parametrize(("fields", "leaf"), UNCARRIABLE, ids=[leaf for _, leaf in UNCARRIABLE])
def test_what_fhir_cannot_hold_is_said(fields: dict[str, Any], leaf: str) -> None:
    rendered = write(FHIR, [{**FAMILY[2], "withheld": {"sex": "purpose"}, **fields}], None)
    assert rendered.unrendered == (leaf,)
    assert leaf not in rendered.lineage
    Bundle.model_validate_json(rendered.content)


EMPTY: list[dict[str, Any]] = [
    {"phone_number": []},
    {"name": {}},
    {"identifier": [{}]},
    {"address": [{}]},
    {"relationships": [{}]},
    {"name": {"alternate_names": []}},
    {"protection": {"consent": {"scope": []}}},
]


@pytest.mark.parametrize("fields", EMPTY, ids=str)
def test_nothing_empty_is_written(fields: dict[str, Any]) -> None:
    rendered = write(FHIR, [{"record_type": "person", "record_id": "a.example/1", **fields}], None)
    assert read(FHIR, rendered.content, None).records[0].keys() == {"record_type", "record_id"}
    assert set(rendered.lineage) == {"person.record_type", "person.record_id"}


def test_an_empty_member_is_left_out() -> None:
    record = {"record_type": "household", "record_id": "a.example/1", "member_list": [{}]}
    assert "member" not in entries(record)[0]["resource"]


def test_a_record_id_fhir_cannot_hold_is_refused() -> None:
    records = [{"record_type": "person", "record_id": "a.example/\x01", "birth_date": "2021-02-30"}]
    with pytest.raises(SenderError) as caught:
        write(FHIR, records, None)
    assert (caught.value.rule, caught.value.at) == ("fhir.record_id", "record 1")
