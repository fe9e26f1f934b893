"""Bodies of imports as HOPE takes them: its rules, and what becomes of every leaf."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.hope.plans import RDI
from adapters.kobo import Kobo
from gateway.adapter import read, write
from gateway.errors import GatewayError, SenderError
from gateway.mapping import plan_of, read_mapping
from gateway.record import Record, Rendered
from tests.hope_files import CROSSWALKS, HOPE, JSON_SAMPLES, body_rules, differing

Samples = Callable[[str], Path]


def member(**more: Any) -> dict[str, Any]:
    return {"member": "a.example/1.1", "relationship_head": "head", "collector": "primary", **more}


def household(*listing: dict[str, Any], **more: Any) -> Record:
    return {
        "record_type": "household",
        "record_id": "a.example/1",
        "place": {"location_code": "SOM"},
        "member_list": list(listing),
        **more,
    }


def person(number: int = 1, **more: Any) -> Record:
    return {
        "record_type": "person",
        "record_id": f"a.example/1.{number}",
        "name": {"full_name": "Amina Yusuf"},
        "birth_date": "1984-02-17",
        "sex": "female",
        **more,
    }


def written(*records: Record, mapping: Any = None) -> tuple[Any, Rendered]:
    found = write(HOPE, records, mapping)
    return json.loads(found.content), found


def refused(*records: Record, mapping: Any = None) -> SenderError:
    with pytest.raises(SenderError) as caught:
        write(HOPE, records, mapping)
    return caught.value


def test_records_become_the_list_that_push_takes():
    [made], found = written(
        household(member(), group_size=3, displacement_status="IDP"),
        person(
            marital_status="W",
            birth_date_estimated=False,
            disability_info=["seeing", "walking"],
            registration_date="2026-06-03",
            identifier=[{"identifier_type": "UIN", "identifier_value": "07", "issuer": "SOM"}],
        ),
    )
    assert made == {
        "originating_id": "API#1",
        "country": "SO",
        "size": 3,
        "residence_status": "IDP",
        "members": [
            {
                "relationship": "HEAD",
                "role": "PRIMARY",
                "full_name": "Amina Yusuf",
                "birth_date": "1984-02-17",
                "estimated_birth_date": False,
                "sex": "FEMALE",
                "marital_status": "WIDOWED",
                "observed_disability": "SEEING,WALKING",
                "first_registration_date": "2026-06-03T00:00:00Z",
                "documents": [{"type": "national_id", "document_number": "07", "country": "SO"}],
            }
        ],
    }
    assert found.unrendered == ("household.record_id", "person.record_id")
    assert found.lineage["household.member_list[].collector"] == "members/role"


def test_a_mapping_says_name_and_programme():
    mapping = read_mapping(CROSSWALKS / "hope-rdi.yaml")
    body, _ = written(household(member()), person(), mapping=mapping)
    assert (body["name"], body["program"]) == (
        "Amal Relief, registration 2026",
        "00000000-0000-4000-8000-000000000000",
    )
    assert len(body["households"]) == 1
    document = {key: value for key, value in mapping.document.items() if key != "form"}
    body, _ = written(household(member()), person(), mapping=plan_of(document, at="test"))
    assert body.keys() == {"name", "households"}
    assert body["name"] == "hope-rdi"


def test_the_mapping_to_copy_reads_what_the_adapter_reads():
    mapping = read_mapping(CROSSWALKS / "hope-rdi.yaml")
    assert mapping.document["records"] == RDI.document["records"]


@pytest.mark.parametrize("how", [{"is_head": True}, {}])
def test_a_head_may_be_said_in_another_way(how):
    listed = {"member": "a.example/1.1", "collector": "primary", **how}
    [made], found = written(household(listed, group_head="a.example/1.1"), person())
    assert made["members"][0]["relationship"] == "HEAD"
    assert "household.member_list[].relationship_head" not in {*found.lineage, *found.unrendered}


def test_what_nobody_said_has_hopes_code_for_it():
    records = [
        household(member(), {"member": "a.example/1.2"}),
        person(),
        {**person(2), "sex": "unknown"},
    ]
    [made], _ = written(*records)
    assert made["members"][1]["relationship"] == "UNKNOWN"
    assert made["members"][1]["sex"] == "NOT_ANSWERED"
    del records[1]["sex"]
    [made], found = written(*records)
    assert made["members"][0]["sex"] == "NOT_COLLECTED"
    assert "person.sex" not in found.unrendered


@pytest.mark.parametrize(
    ("listing", "rule"),
    [
        ([member(relationship_head="child")], "hope.head"),
        ([member(relationship_head="child", is_head=True)], "hope.head"),
        ([member(), member(member="a.example/1.2", collector="alternate")], "hope.head"),
        ([{"member": "a.example/1.1", "relationship_head": "head"}], "hope.collector"),
        ([member(), member(member="a.example/1.2", relationship_head="child")], "hope.collector"),
        (
            [member()]
            + [
                member(member=f"a.example/1.{n}", relationship_head="child", collector="alternate")
                for n in (2, 3)
            ],
            "hope.collector",
        ),
        ([], "hope.head"),
    ],
)
def test_a_household_hope_would_refuse_is_refused(listing, rule):
    error = refused(household(*listing), person(1), person(2), person(3))
    assert (error.rule, error.at) == (rule, "household 1, members")


@pytest.mark.parametrize(
    ("gone", "at"),
    [
        ("place", "household 1, country"),
        ("name", "household 1, member 1, members/full_name"),
        ("birth_date", "household 1, member 1, members/birth_date"),
    ],
)
def test_what_hope_requires_is_not_invented(gone, at):
    records = [household(member()), person()]
    records = [{key: one[key] for key in one if key != gone} for one in records]
    error = refused(*records)
    assert (error.rule, error.at) == ("hope.required", at)


def test_a_date_of_birth_without_a_day_is_not_made_exact():
    assert refused(household(member()), person(birth_date="1984-02")).rule == "hope.required"


def test_no_household_is_no_import():
    assert refused(person()).rule == "hope.no_household"
    assert refused().rule == "hope.no_household"
    people = {
        "mapping": "m", "version": "1", "format": "hope", "authority": "a.example",
        "records": [{"type": "person", "id": {"first": ["id"]}, "fields": {}}],
    }  # fmt: skip
    error = refused(person(), mapping=plan_of(people, at="test"))
    assert error.rule == "hope.no_household"


def test_households_of_two_authorities_are_not_mixed():
    other = {**household(member(member="b.example/1.1")), "record_id": "b.example/1"}
    error = refused(household(member()), person(), other)
    assert error.rule == "hope.authorities"


@pytest.mark.parametrize(
    ("more", "lost"),
    [
        (
            {"identifier": [{"identifier_type": "UIN", "identifier_value": "07"}]},
            {"person.identifier[].identifier_type", "person.identifier[].identifier_value"},
        ),
        (
            {"identifier": [{"identifier_type": "x", "identifier_value": "07", "issuer": "SOM"}]},
            {"person.identifier[].issuer", "person.identifier[].identifier_value"},
        ),
        ({"marital_status": "T"}, {"person.marital_status"}),
        ({"religion": "none said"}, {"person.religion"}),
        ({"displacement_status": "REF"}, {"person.displacement_status"}),
        ({"schema_version": "1.0"}, {"person.schema_version"}),
    ],
)
def test_what_hope_cannot_carry_is_told(more, lost):
    _, found = written(household(member()), person(**more))
    assert lost <= set(found.unrendered)
    assert not lost & found.lineage.keys()


def test_records_of_other_types_are_told():
    _, found = written(
        household(member()),
        person(),
        {"record_type": "assistance", "record_id": "a.example/p", "benefit_value": "1"},
    )
    assert "assistance.benefit_value" in found.unrendered


def test_a_mapping_that_cannot_read_its_own_codes_is_found_out():
    document = dict(read_mapping(JSON_SAMPLES / "flex.json.mapping.yaml").document)
    document["records"] = json.loads(json.dumps(document["records"]))
    sex = {"from": "members/sex", "as": "code", "codes": {"w": "female"}}
    document["records"][1]["fields"]["sex"] = sex
    with pytest.raises(GatewayError) as caught:
        write(HOPE, [household(member()), person()], plan_of(document, at="test"))
    assert caught.value.rule == "mapping.not_read_back"


def test_numbers_and_truth_of_a_countrys_own_fields_are_typed():
    document = dict(read_mapping(JSON_SAMPLES / "flex.json.mapping.yaml").document)
    document["records"] = json.loads(json.dumps(document["records"]))
    fields = document["records"][1]["fields"]
    fields["is_disabled"] = {"from": "members/flex_fields/aid_i_f", "as": "boolean"}
    body, found = written(
        household(member(), poverty_score="1.50"),
        person(is_disabled=True),
        mapping=plan_of(document, at="test"),
    )
    [made] = body["households"]
    assert made["flex_fields"] == {"rooms_h_f": 1.5}
    assert made["members"][0]["flex_fields"] == {"aid_i_f": True}
    assert "household.poverty_score" not in found.unrendered
    assert b'"rooms_h_f":1.50' in found.content


# There and back


@pytest.mark.parametrize("name", ["upload.json", "flex.json"])
def test_our_samples_come_back(name):
    beside = JSON_SAMPLES / f"{name}.mapping.yaml"
    mapping = read_mapping(beside) if beside.is_file() else None
    before = read(HOPE, (JSON_SAMPLES / name).read_bytes(), mapping).records
    found = write(HOPE, before, mapping)
    assert body_rules(json.loads(found.content)) == []
    assert differing(before, read(HOPE, found.content, mapping).records) == set()
    assert found.unrendered == ()


@pytest.mark.parametrize(
    "name",
    ["hope_kobo_submissions", "hope_kobo_submissions_collectors", "hash_submission_1"],
)
@pytest.mark.parametrize("mapped", [True, False])
def test_real_forms_become_an_import(samples: Samples, name, mapped):
    content = samples(f"kobo/open/{name}.json").read_bytes()
    document = json.loads(content)
    form = read_mapping(CROSSWALKS / "kobo-hope-form.yaml")
    mapping = read_mapping(CROSSWALKS / "hope-rdi.yaml") if mapped else None
    # One id stands for several households in one of them; the gateway lets none of these pass.
    for one in document if isinstance(document, list) else [document]:
        records = read(Kobo(), json.dumps(one).encode(), form).records
        found = write(HOPE, records, mapping)
        body = json.loads(found.content)
        assert body_rules(body) == []
        household = (body["households"] if mapped else body)[0]
        assert household["originating_id"] == "API#" + records[0]["record_id"].partition("/")[2]
        assert [each["full_name"] for each in household["members"]] == [
            each["name"]["full_name"] for each in records[1:]
        ]
        again = read(HOPE, found.content, mapping).records
        assert differing(records, again) <= {
            *found.unrendered, "household.schema_version", "person.schema_version",
            "household.group_head", "household.member_list[].member",
        }  # fmt: skip


def test_a_form_that_asks_nobody_who_collects_is_refused(samples: Samples):
    content = samples("kobo/open/hope_kobo_submissions.json").read_bytes()
    [document] = json.loads(content)
    for each in document["individual_questions"]:
        del each["individual_questions/role_i_c"]
    form = read_mapping(CROSSWALKS / "kobo-hope-form.yaml")
    records = read(Kobo(), json.dumps(document).encode(), form).records
    assert refused(*records).rule == "hope.collector"

    said = json.loads(json.dumps(form.document))
    head = {"from": "*/relationship_i_c", "is": ["head", "HEAD"]}
    listing = said["records"][0]["fields"]["member_list[]"]["fields"]
    listing["collector"] = {"constant": "primary", "when": head}
    agreed = read(Kobo(), json.dumps(document).encode(), plan_of(said, at="test")).records
    body, _ = written(*agreed)
    assert [each.get("role") for each in body[0]["members"]] == ["PRIMARY", None]
