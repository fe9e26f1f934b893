"""What policy is asked: names of fields and declared facts, never a value."""

import json
from dataclasses import replace

import pytest

from gateway.deployment import read_deployment
from gateway.question import Circumstances, class_of, named_facts, template
from gateway.record import fact_names, fields
from gateway.terms import Asked, terms_of
from tests.test_terms import KNOWN

TODAY = "2026-11-22"
AROUND = Circumstances(unsigned="allow", state="active")
ASKED = Asked(
    agreement="agr:registration-2026",
    purpose="hum.assist.registration",
    source="kobo",
    deliver="return",
)


def classes_of(records, today):
    return [class_of(record, today) for record in records]


@pytest.fixture
def world(prepared):
    return read_deployment(prepared[0])


def question(world, classes, plan=None):
    made = template(terms_of(ASKED, world, KNOWN), world, classes, 3, plan, AROUND)
    return json.loads(made.head + TODAY.encode() + made.tail)


def test_no_value_of_a_record_reaches_policy(world):
    person = {
        "record_type": "person",
        "record_id": "canary.example/1",
        "name": {"full_name": "Canary Name"},
        "birth_date": "1989-04-17",
        "phone_number": ["+252 Canary"],
        "religion": "Canary Religion",
        "extension": {"canary": "Canary"},
        "protection": {"consent": {"status": "given"}, "objected": False},
    }

    asked = question(world, classes_of([person], TODAY))

    assert "canary" not in json.dumps(asked).lower()
    assert "1989" not in json.dumps(asked)
    assert asked["classes"] == [
        {
            "record_type": "person",
            "fields": list(fields("person")),
            "facts": {"age_class": "adult", "consent_status": "given", "objected": False},
        }
    ]


def test_only_the_fields_a_mapping_fills_are_asked_about(world):
    plan = world.mappings["hope-registration-kobo"]
    classes = [("person", (None,) * len(fact_names("person")))]

    asked = question(world, classes, plan)

    assert asked["classes"][0]["fields"] == list(plan.fields("person"))
    assert "religion" not in asked["classes"][0]["fields"]
    assert asked["classes"][0]["facts"] == {}


def test_classes_differ_by_type_and_facts_alone():
    base = {"record_type": "person", "birth_date": "1990"}

    adult, other, child, house = classes_of(
        [
            base,
            {**base, "birth_date": "1970-01-01", "sex": "male"},
            {**base, "birth_date": "2020"},
            {"record_type": "household"},
        ],
        TODAY,
    )

    assert adult == other != child
    assert house[0] == "household"
    assert named_facts("person", adult[1]) == {"age_class": "adult"}


def test_a_list_of_a_consent_is_one_fact_of_the_class():
    consent = {"purposes": ["hum.health", "hum.assist"], "recipients": []}
    again = {"purposes": ["hum.assist", "hum.health"], "recipients": []}
    first, second = (
        class_of({"record_type": "person", "record_id": "a.example/1", "protection": said}, TODAY)
        for said in ({"consent": consent}, {"consent": again})
    )

    assert first == second
    assert len({first, second}) == 1
    assert named_facts(*first) == {
        "consent_purposes": ["hum.assist", "hum.health"],
        "consent_recipients": [],
    }


def test_facts_and_names_must_match():
    with pytest.raises(ValueError, match="zip"):
        named_facts("person", ())


def test_people_and_reasons_of_documents_stay(world):
    agreement = {
        **world.agreements["agr:registration-2026"],
        "title": "Canary Title",
        "document_hash": "sha256:" + "c0ffee" * 10 + "0000",
        "decisions": [
            {
                "decision": "human.one:x",
                "by": ["dpo"],
                "valid_until": "2027-01-01T00:00:00Z",
                "reason": "Canary reason of some length",
            }
        ],
    }
    agreement["legal_bases"] = [
        {**agreement["legal_bases"][0], "evidence": {"b": "Canary Text", "a": "Canary Text"}}
    ]
    parties = {
        name: {**party, "name": "Canary", "dpo": {"name": "Canary", "email": "canary@x.example"}}
        for name, party in world.parties.items()
    }
    world = replace(world, agreements={agreement["id"]: agreement}, parties=parties)

    asked = question(world, [("household", (None,) * len(fact_names("household")))])

    assert "canary" not in json.dumps(asked).lower()
    assert "c0ffee" not in json.dumps(asked)
    assert asked["agreement"]["legal_bases"][0]["evidence"] == ["a", "b"]
    assert asked["agreement"]["decisions"][0]["decision"] == "human.one:x"
    assert asked["sender"].keys() == {"id", "kind", "status", "regimes", "purposes"}
    assert (asked["request"]["sender"], asked["request"]["into"]) == ("org:amal-relief", "fhir.r4")


def test_the_number_of_records_is_only_roughly_told(world):
    terms = terms_of(ASKED, world, KNOWN)
    classes = [("household", (None,) * len(fact_names("household")))]

    few, more = (template(terms, world, classes, count, None, AROUND) for count in (2, 3))

    assert few == more
