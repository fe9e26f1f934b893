"""FHIR R4: what resources of other systems mean in canonical records."""

import json
from typing import Any

import pytest

from gateway.adapter import read
from gateway.mapping import Plan
from gateway.record import check
from tests.fhir_files import EXT, FHIR, GROUP, POINT, bundle, patient


def test_ids_without_a_server_belong_to_the_mappings_authority() -> None:
    plan = Plan("m", "1", "fhir.r4", "clinic.example", "", ())
    assert read(FHIR, patient(), plan).records[0]["record_id"] == "clinic.example/Patient/1"


def test_full_addresses_give_the_authority() -> None:
    entry = {"fullUrl": "https://EHR.example:8443/r4/Patient/7", "resource": {}}
    entry["resource"] = {"resourceType": "Patient", "id": "7"}
    content = {"resourceType": "Bundle", "type": "searchset", "entry": [entry]}
    parsed = read(FHIR, json.dumps(content).encode(), None)
    assert parsed.records[0]["record_id"] == "ehr.example-8443/r4/Patient/7"


def test_references_are_followed_within_and_beyond_the_file() -> None:
    group = {
        "resourceType": "Group",
        "id": "g",
        "type": "person",
        "actual": True,
        "member": [
            {"entity": {"reference": "urn:uuid:0000-1"}},
            {"entity": {"reference": "Patient/p"}},
            {"entity": {"reference": "Patient/elsewhere"}, "inactive": True},
            {"entity": {"reference": "https://ehr.example/Patient/3"}},
            {"entity": {"reference": "#contained"}},
            {"entity": {"display": "somebody"}},
        ],
    }
    person = {"resourceType": "Patient", "id": "p"}
    parsed = read(FHIR, bundle(group, person), None)
    assert [item["member"] for item in parsed.records[0]["member_list"]] == [
        "fhir.invalid/Patient/p",
        "fhir.invalid/Patient/p",
        "fhir.invalid/Patient/elsewhere",
        "ehr.example/Patient/3",
    ]
    assert parsed.unmapped == ("Group.member.entity", "Group.member.inactive")


def test_relative_references_follow_the_address_of_their_entry() -> None:
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True}
    group["member"] = [{"entity": {"reference": "Patient/1"}}]
    entry = {"fullUrl": "http://ehr.example/r4/Group/g", "resource": group}
    content = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    parsed = read(FHIR, json.dumps(content).encode(), None)
    assert parsed.records[0]["member_list"] == [{"member": "ehr.example/r4/Patient/1"}]


def test_a_related_person_is_a_person_and_a_relationship_of_the_patient() -> None:
    related = {
        "resourceType": "RelatedPerson",
        "id": "m",
        "patient": {"reference": "Patient/c"},
        "relationship": [{"coding": [{"code": "MTH"}]}, {"text": "mother"}],
        "name": [{"family": "Diallo", "given": ["Aïssatou"]}],
    }
    child = {"resourceType": "Patient", "id": "c"}
    parsed = read(FHIR, bundle(child, related), None)
    link = {"relationship_type": "MTH", "related": "fhir.invalid/RelatedPerson/m"}
    assert parsed.records[0]["relationships"] == [link]
    assert parsed.records[1]["name"] == {"surname": "Diallo", "given_name": "Aïssatou"}
    # Without the Patient the link stands on the other side, where the code would be wrong.
    alone = read(FHIR, bundle(related), None)
    assert alone.records[0]["relationships"] == [{"related": "fhir.invalid/Patient/c"}]
    assert alone.unmapped == ("RelatedPerson.relationship",)


def test_a_group_is_nobodys_patient() -> None:
    related = {"resourceType": "RelatedPerson", "id": "m", "patient": {"reference": "Group/g"}}
    parsed = read(FHIR, bundle(GROUP, related), None)
    assert "relationships" not in parsed.records[0]
    assert "RelatedPerson.patient" in parsed.unmapped


def test_what_has_no_field_is_listed_by_path_and_never_by_an_odd_key() -> None:
    parsed = read(
        FHIR,
        patient(
            active=True,
            communication=[{"language": {"coding": [{"code": "fr"}]}, "preferred": True}],
            **{"Amina Yusuf": 1},
            name=[{"family": "X", "Amina Yusuf": 1}],
            address=[{"district": "two words", "use": "old"}, {"district": "two words"}],
            extension=[{"url": "http://elsewhere.example/amina yusuf", "valueString": "x"}],
            photo=[{"contentType": "image/png"}],
        ),
        None,
    )
    assert parsed.unmapped == (
        "Patient.?",
        "Patient.active",
        "Patient.address.district",
        "Patient.address.use",
        "Patient.communication.preferred",
        "Patient.extension.?",
        "Patient.name.?",
        "Patient.photo.contentType",
    )
    for record in parsed.records:
        check(record, at="parsed")


def test_other_resources_stay_behind_by_name() -> None:
    condition = {"resourceType": "Condition", "id": "o"}
    parsed = read(FHIR, bundle({"resourceType": "Patient", "id": "p"}, condition), None)
    assert parsed.unmapped == ("Condition",)


def test_the_day_of_a_death_is_not_shifted() -> None:
    parsed = read(FHIR, patient(deceasedDateTime="2015-02-14T23:42:00-10:00"), None)
    assert parsed.records[0]["death_date"] == "2015-02-14"


def test_the_strictest_label_counts() -> None:
    system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
    labels = [{"system": system, "code": code} for code in "LVN"]
    parsed = read(FHIR, patient(meta={"security": labels, "versionId": "1"}), None)
    assert parsed.records[0]["protection"] == {"sensitivity": "severe"}
    assert parsed.unmapped == ("Patient.meta.security", "Patient.meta.versionId")


def test_half_read_parts_stay_behind() -> None:
    parsed = read(
        FHIR,
        patient(
            identifier=[
                {"type": {"coding": [{"code": "MR"}]}, "value": "1", "assigner": {"id": "x"}},
                {"use": "old"},
            ],
            name=[
                {"use": "usual", "text": "Zoé", "extension": [{"url": POINT, "valueCode": "x"}]},
                {"use": "old", "family": "A", "given": ["B"]},
                {"use": "old", "family": "C"},
            ],
            telecom=[{"system": "fax", "value": "1"}],
            maritalStatus={"coding": [{"system": "x", "code": "S"}], "text": "single"},
            address=[{"line": ["1", "2", "3"], "extension": [{"url": POINT, "valueCode": "x"}]}],
            communication=[{"language": {"text": "French"}}],
            extension=[
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/patient-religion",
                    "valueCode": "x",
                },
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/patient-disability",
                    "valueCode": "x",
                },
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/patient-nationality",
                    "extension": [{"url": "period", "valueString": "x"}],
                },
                {
                    "url": EXT + "relationship",
                    "extension": [{"url": "related", "valueReference": {"display": "x"}}],
                },
                {"url": EXT + "group-head", "valueString": "x"},
                {"url": EXT + "age", "extension": [{"url": "years", "valueInteger": 500}]},
                {"url": EXT + "consent", "extension": [{"url": "scope", "valueCode": "a b"}]},
            ],
        ),
        None,
    )
    assert parsed.records == [
        {
            "record_type": "person",
            "record_id": "fhir.invalid/Patient/1",
            "identifier": [{"identifier_type": "MR", "identifier_value": "1"}],
            "name": {"full_name": "Zoé", "alternate_names": ["C"]},
            "address": [{"address_line_1": "1", "address_line_2": "2, 3"}],
        }
    ]
    assert {
        "Patient.identifier.assigner.id",
        "Patient.name.family",
        "Patient.name.given",
        "Patient.maritalStatus.coding",
        "Patient.maritalStatus.text",
        "Patient.extension.age.years",
        "Patient.extension.patient-religion",
    } <= set(parsed.unmapped)


def test_a_person_has_one_photo() -> None:
    person = {"resourceType": "Person", "id": "1", "photo": {"url": "https://a.example/p.jpg"}}
    parsed = read(FHIR, json.dumps(person).encode(), None)
    assert parsed.records[0]["photo_url"] == ["https://a.example/p.jpg"]


def test_odd_groups() -> None:
    head = {"url": EXT + "group-head", "valueReference": {"display": "x"}}
    age = {"url": EXT + "age", "extension": [{"url": "years", "valueInteger": 5}]}
    mark = {"url": POINT, "valueCode": "x"}
    member = {"entity": {"reference": "Patient/1"}, "extension": [mark]}
    group = {**GROUP, "code": {"text": "Horse"}, "extension": [head, age], "member": [member]}
    parsed = read(FHIR, json.dumps(group).encode(), None)
    assert parsed.unmapped == (
        "Group.code.text",
        "Group.extension.age",
        "Group.extension.group-head",
        "Group.member.extension.geolocation",
    )


def test_entries_without_a_resource_are_passed_over() -> None:
    content = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": "urn:uuid:1", "request": {"method": "DELETE", "url": "Patient/1"}},
            {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Patient"}},
        ],
    }
    parsed = read(FHIR, json.dumps(content).encode(), None)
    assert [record["record_id"] for record in parsed.records] == ["fhir.invalid/uuid:2"]
    assert parsed.unmapped == ("Bundle.entry.request",)


def test_languages_may_be_withheld_and_points_may_be_high() -> None:
    withheld = {
        "url": EXT + "withheld",
        "extension": [
            {"url": "field", "valueCode": "photo_url"},
            {"url": "reason", "valueCode": "purpose"},
        ],
    }
    parsed = read(FHIR, patient(photo=[{"extension": [withheld]}]), None)
    assert parsed.records[0]["withheld"] == {"photo_url": "purpose"}
    assert parsed.unmapped == ()


def test_names_without_a_text_of_their_own() -> None:
    names = [{"use": "old"}, {"use": "maiden", "family": "Diop", "given": ["Awa"]}]
    parsed = read(FHIR, patient(name=names), None)
    assert parsed.records[0]["name"] == {"maiden_name": "Diop"}
    assert parsed.unmapped == ("Patient.name.given",)


def test_what_else_stands_on_a_place_stays_behind() -> None:
    odd = {"url": "http://elsewhere.example/x", "valueString": "x"}
    place = {"text": "Gaga", "extension": [{"url": EXT + "place", "valueBoolean": True}, odd]}
    parsed = read(FHIR, patient(address=[place]), None)
    assert parsed.records[0]["place"] == {"name": "Gaga"}
    assert parsed.unmapped == ("Patient.address.extension.?",)


def test_a_marked_address_that_holds_nothing_is_no_place() -> None:
    place = {"extension": [{"url": EXT + "place", "valueBoolean": True}]}
    assert "place" not in read(FHIR, patient(address=[place]), None).records[0]


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("masked", {"birth_date": "withheld"}),
        ("not-asked", {"birth_date": "not_asked"}),
        ("asked-declined", {"birth_date": "unanswered"}),
        ("temp-unknown", {"birth_date": "unknown"}),
        ("not-applicable", None),
    ],
)
def test_why_others_have_no_birth_date_is_kept(code: str, absent: Any) -> None:
    reason = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}
    twin = {"extension": [{**reason, "valueCode": code}], "id": "x"}
    parsed = read(FHIR, patient(_birthDate=twin), None)
    assert parsed.records[0].get("absent") == absent
    left = {"Patient._birthDate.id"}
    if absent is None:
        left.add("Patient._birthDate.extension.data-absent-reason")
    assert set(parsed.unmapped) == left


def test_values_a_canonical_leaf_does_not_allow_stay_behind() -> None:
    long = "x" * 257
    parsed = read(
        FHIR,
        patient(
            identifier=[{"value": long}],
            address=[{"country": "Chad", "city": "Abéché"}],
            communication=[{"language": {"coding": [{"code": "not a language"}]}}],
        ),
        None,
    )
    assert parsed.records[0].keys() == {"record_type", "record_id", "address"}
    assert parsed.unmapped == (
        "Patient.address.country",
        "Patient.communication.language.coding.code",
        "Patient.identifier.value",
    )
