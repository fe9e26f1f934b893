"""OpenMRS: patients in every notation, bodies that create them, and answers."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import adapters.openmrs
from adapters.openmrs import OpenMrs
from adapters.openmrs.answers import outcomes
from gateway.adapter import Outcome, read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed

CANARY = "CanaryAmina"
SAMPLES = Path(adapters.openmrs.__file__).parent / "samples"
PLAN = read_mapping(SAMPLES / "mapping.yaml")
REAL = read_mapping(Path(__file__).parent / "real" / "mappings" / "openmrs-patients.yaml")

NUMBER = "11111111-aaaa-4bbb-8ccc-222222222222"
PHONE = "33333333-aaaa-4bbb-8ccc-444444444444"
FAITH = "55555555-aaaa-4bbb-8ccc-666666666666"
CARD = f"identifiers/{NUMBER}"
SMALL = plan_of(
    {
        "mapping": "small",
        "version": "1",
        "format": "openmrs",
        "authority": "openmrs.example",
        "records": [
            {
                "type": "person",
                "id": {"first": ["uuid", "person/uuid"]},
                "fields": {
                    "identifier[]": [
                        {
                            "needs": "identifier_value",
                            "fields": {
                                "identifier_value": path,
                                "issuer": f"{path}/location/uuid",
                            },
                        }
                        for path in (CARD, f"{CARD}#2")
                    ],
                    "name.given_name": "person/names/givenName",
                    "name.surname": "person/names/familyName",
                    "name.maiden_name": "person/names#2/familyName",
                    "birth_date": {"from": "person/birthdate", "as": "date"},
                    "death_date": {"from": "person/deathDate", "as": "date"},
                    "birth_date_estimated": {"from": "person/birthdateEstimated", "as": "boolean"},
                    "age.years": {"from": "person/age", "as": "integer"},
                    "phone_number[]": [f"person/attributes/{PHONE}"],
                    "religion": f"person/attributes/{FAITH}/value/uuid",
                    "place.name": "person/addresses/cityVillage",
                    "place.geo": {
                        "from": "person/addresses/position",
                        "as": "point",
                        "order": "lat-lon",
                    },
                },
            }
        ],
    },
    at="table",
)


def parse(content: Any, plan: Plan = SMALL) -> Parsed:
    found = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read(OpenMrs(), found, plan)


def refused(content: Any) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content)
    assert CANARY not in str(caught.value)
    return caught.value.rule, caught.value.at


def patient(**person: Any) -> dict[str, Any]:
    return {"uuid": "p-1", "identifiers": [], "person": person}


def only(content: Any) -> dict[str, Any]:
    (record,) = parse(content).records
    return record


# -- reading -----------------------------------------------------------------------------------

ONE = patient(names=[{"familyName": "Yusuf"}])


@pytest.mark.parametrize(
    "content",
    [
        ONE,
        [ONE],
        {"results": [ONE]},
        orjson.dumps(ONE) + b"\n" + orjson.dumps(ONE | {"uuid": "p-2"}) + b"\n",
        {"uuid": "p-1", "names": [{"familyName": "Yusuf"}]},
        {"patient": ONE, "relationships": [], "image": None},
    ],
    ids=["one", "list", "page", "lines", "person", "profile"],
)
def test_every_notation_holds_the_same_patient(content):
    first = parse(content).records[0]

    assert (first["record_id"], first["name"]) == ("openmrs.example/p-1", {"surname": "Yusuf"})


def test_a_page_that_goes_on_says_so():
    links = [{"rel": "next", "uri": "https://openmrs.example/x"}]

    assert "links" in parse({"results": [ONE], "links": links}).unmapped
    assert "links" not in parse({"results": [ONE], "links": None}).unmapped


@pytest.mark.parametrize("reference", [NUMBER, {"uuid": NUMBER, "display": "Card"}])
def test_identifiers_stand_under_their_type(reference):
    place = {"uuid": "clinic", "display": "Clinic"} if isinstance(reference, dict) else "clinic"
    first = {"identifier": "7", "identifierType": reference, "location": place}
    second = {"identifier": "0042", "identifierType": reference, "preferred": True}

    record = only(ONE | {"identifiers": [first, second]})

    assert record["identifier"] == [
        {"identifier_value": "0042"},
        {"identifier_value": "7", "issuer": "clinic"},
    ]


def test_attributes_stand_under_their_type_and_concepts_below_it():
    record = only(
        patient(
            attributes=[
                {"attributeType": PHONE, "value": "061 7"},
                {"attributeType": {"uuid": FAITH}, "value": {"uuid": "c-1", "display": "None"}},
            ]
        )
    )

    assert (record["phone_number"], record["religion"]) == (["061 7"], "c-1")


@pytest.mark.parametrize(
    ("names", "preferred"),
    [
        ([{"familyName": "New"}, {"familyName": "Old"}], None),
        ([{"familyName": "Old"}, {"familyName": "New", "preferred": True}], {"uuid": "1"}),
        (
            [{"familyName": "Old", "uuid": "1"}, {"familyName": "New", "uuid": "2"}],
            {"uuid": "2", "display": "New"},
        ),
        (
            [{"familyName": "Old"}, {"familyName": "New"}],
            {"familyName": "New", "display": "New"},
        ),
        ([{"familyName": "New"}, {"familyName": "Old"}], {"uuid": "2", "display": "New"}),
        (
            [{"familyName": "New"}, {"familyName": "Old"}, {"familyName": "X", "voided": True}],
            {"familyName": "New"},
        ),
    ],
    ids=["the first", "marked", "by its uuid", "by its content", "a link", "beside a voided one"],
)
def test_the_preferred_name_comes_first(names, preferred):
    record = only(patient(names=names, preferredName=preferred))

    assert record["name"] == {"surname": "New", "maiden_name": "Old"}


def test_without_a_list_the_preferred_name_and_address_are_read():
    record = only(
        patient(
            preferredName={"givenName": "Amina"},
            preferredAddress={"cityVillage": "Daru", "latitude": "2.5", "longitude": 45.25},
        )
    )

    assert record["name"] == {"given_name": "Amina"}
    assert record["place"]["geo"]["coordinates"] == [45.25, 2.5]


@pytest.mark.parametrize(("latitude", "longitude"), [(None, "45.2"), ("north", "45.2"), (True, 1)])
def test_half_a_position_is_none(latitude, longitude):
    address = {"cityVillage": "Daru", "latitude": latitude, "longitude": longitude}
    parsed = parse(patient(addresses=[address]))

    assert parsed.records[0]["place"] == {"name": "Daru"}
    assert "person/addresses/longitude" in parsed.unmapped


@pytest.mark.parametrize(
    ("written", "day", "rest"),
    [
        ("1979-12-08T00:00:00.000+0530", "1979-12-08", False),
        ("1979-12-08T00:00:00.000Z", "1979-12-08", False),
        ("1979-12-08T00:00:00", "1979-12-08", False),
        ("1979-12-08", "1979-12-08", False),
        ("1979-12-08 00:00:00", "1979-12-08", False),
        ("1979-12-08T00:00:00+05:30", "1979-12-08", False),
        ("1979-12-08T00:00", "1979-12-08", False),
        ("1979-12-08T00:00:01Z", "1979-12-08", True),
        ("1979-12-08T23:30:00.000-0500", "1979-12-08", True),
    ],
)
def test_a_day_is_the_one_that_is_written(written, day, rest):
    parsed = parse(patient(birthdate=written, deathDate=written))

    (record,) = parsed.records
    assert (record["birth_date"], record["death_date"]) == (day, day)
    assert ("person/birthdate/time" in parsed.unmapped) is rest


def test_what_was_voided_is_kept_apart():
    names = [{"familyName": "Wrong", "voided": True}, {"familyName": "Yusuf", "voided": False}]
    cards = [{"identifier": "1", "identifierType": NUMBER, "voided": True}]
    parsed = parse({**patient(names=names), "identifiers": cards})

    (record,) = parsed.records
    assert record["name"] == {"surname": "Yusuf"}
    assert "identifier" not in record
    assert {"voided/person/names/familyName", f"voided/{CARD}"} <= set(parsed.unmapped)


def test_links_to_content_are_told_and_not_taken_for_it():
    link = {"uuid": "u", "display": CANARY, "links": []}
    parsed = parse({**patient(attributes=[link, link | {"uuid": "v"}]), "identifiers": [link]})

    told = {"identifiers/reference/display", "person/attributes/reference#2/uuid"}
    assert told <= set(parsed.unmapped)


@pytest.mark.parametrize("kind", [None, {"display": CANARY}, {"uuid": None}])
def test_items_of_no_type_are_told_and_not_taken_for_another(kind):
    cards = [{"identifier": "7", "identifierType": kind}]
    parsed = parse({**patient(attributes=[{"value": "x"}]), "identifiers": cards})

    assert "identifier" not in parsed.records[0]
    assert {"identifiers/untyped/identifier", "person/attributes/untyped"} & {
        path.removesuffix("/value") for path in parsed.unmapped
    } == {"identifiers/untyped/identifier", "person/attributes/untyped"}


def test_what_an_attribute_is_may_be_said_by_its_uuid_alone():
    found = patient(attributes=[{"attributeType": FAITH, "hydratedObject": "c-1"}])

    assert only(found)["religion"] == "c-1"


def test_a_list_of_nothing_is_nobodys_loss():
    assert parse(ONE).unmapped == ()


def test_a_person_and_a_cause_may_be_a_uuid_alone():
    parsed = parse({"identifiers": [], "person": "p-9"})
    assert parsed.records[0]["record_id"] == "openmrs.example/p-9"
    assert "person/causeOfDeath/uuid" in parse(patient(uuid="p", causeOfDeath="c-1")).unmapped


@pytest.mark.parametrize(
    ("content", "rule", "at"),
    [
        (3, "openmrs.not_patients", ""),
        ([CANARY], "source.not_object", "patient 1"),
        ({"name": CANARY}, "openmrs.not_patients", "patient 1"),
        ({"error": {"message": CANARY}}, "openmrs.error", "patient 1"),
        ({"uuid": "1", "display": CANARY, "links": []}, "openmrs.reference", "patient 1"),
        ({"uuid": "1", "encounterType": {}, "person": {}}, "openmrs.encounter", "patient 1"),
        ([ONE, ONE | {"voided": True}], "openmrs.voided", "patient 2"),
        (patient(voided=True), "openmrs.voided", "patient 1"),
        ({"person": 3}, "openmrs.object", "patient 1, person"),
        (patient(names=CANARY), "openmrs.object", "patient 1, person/names"),
        (patient(attributes=[3]), "openmrs.object", "patient 1, person/attributes"),
        (
            ONE | {"identifiers": [{"identifier": CANARY, "identifierType": "a/b"}]},
            "source.no_kind",
            "patient 1, identifiers, item 1",
        ),
        ([ONE | {"voided": "true"}], "openmrs.voided", "patient 1"),
        ({"resourceType": "Patient", "identifiers": []}, "openmrs.fhir", "patient 1"),
        ({"uuid": "1", "person": {}, "concept": {}}, "openmrs.obs", "patient 1"),
        ({"uuid": "1", "person": {}, "retired": False}, "openmrs.not_patients", "patient 1"),
        ({"uuid": "1", "person": {}, "identifier": "x"}, "openmrs.not_patients", "patient 1"),
        ({"uuid": "1", "person": {}, "username": CANARY}, "openmrs.not_patients", "patient 1"),
        ({"patient": ONE, "program": {}}, "openmrs.not_patients", "patient 1"),
        (
            patient(names=[{"uuid": "1"}], preferredName={"uuid": "2", "familyName": CANARY}),
            "openmrs.preferred_missing",
            "patient 1, person/names",
        ),
        (
            patient(names=[{"preferred": True}, {"preferred": True}]),
            "openmrs.preferred_twice",
            "patient 1, person/names",
        ),
        (
            {**patient(names=[{"familyName": "A"}]), "person/names/familyName": "B"},
            "json.key_twice",
            "patient 1",
        ),
        (b'{"person": {}, "uuid": "1", "uuid": "2"}', "json.key_twice", "patient 1"),
        (b'{"person": {}}\n{"person": {"voided": true}}\n', "mapping.no_id", "line 1"),
    ],
)
def test_what_is_no_living_patient_is_refused(content, rule, at):
    assert refused(content) == (rule, at)


# -- writing -----------------------------------------------------------------------------------


def body(record: dict[str, Any], plan: Plan = SMALL) -> tuple[Any, tuple[str, ...]]:
    written = write(OpenMrs(), [record], plan)
    return orjson.loads(written.content), written.unrendered


BARE = {"uuid": "p-1", "identifiers": [], "person": {"uuid": "p-1"}}
"""The server makes a patient of a person, under the uuid of the person."""


def made(**fields: Any) -> dict[str, Any]:
    return {
        "record_type": "person",
        "schema_version": "1.0",
        "record_id": "openmrs.example/p-1",
        **fields,
    }


def test_a_body_has_the_servers_own_shape():
    record = made(
        identifier=[{"identifier_value": "0042", "issuer": "clinic"}, {"identifier_value": "7"}],
        name={"given_name": "Amina", "surname": "Yusuf", "maiden_name": "Warsame"},
        birth_date="1991-07-04",
        birth_date_estimated=True,
        age={"years": 34},
        phone_number=["061 7"],
        religion="c-1",
        place={"name": "Daru", "geo": {"type": "Point", "coordinates": [45.25, 2.5]}},
    )

    found, unrendered = body(record)

    kind = {"uuid": NUMBER}
    assert unrendered == ()
    assert found == {
        "uuid": "p-1",
        "identifiers": [
            {"identifierType": kind, "identifier": "0042", "location": {"uuid": "clinic"}},
            {"identifierType": kind, "identifier": "7"},
        ],
        "person": {
            "birthdate": "1991-07-04",
            "birthdateEstimated": True,
            "age": 34,
            "attributes": [
                {"attributeType": {"uuid": PHONE}, "value": "061 7"},
                {"attributeType": {"uuid": FAITH}, "hydratedObject": "c-1"},
            ],
            "uuid": "p-1",
            "names": [
                {"givenName": "Amina", "familyName": "Yusuf", "preferred": True},
                {"familyName": "Warsame"},
            ],
            "addresses": [{"cityVillage": "Daru", "latitude": "2.5", "longitude": "45.25"}],
        },
    }
    assert parse(found).records == [record]


def test_an_older_name_never_takes_the_place_of_the_preferred_one():
    found, unrendered = body(made(name={"maiden_name": CANARY}))

    assert found == BARE
    assert unrendered == ("person.name.maiden_name",)


def test_what_a_body_cannot_carry_is_told():
    geo = {"type": "Point", "coordinates": [45.25, 2.5, 12.0]}

    assert body(made(place={"geo": geo}, email=["a@post.example"]))[1] == (
        "person.email[]",
        "person.place.geo",
    )


@pytest.mark.parametrize(
    "path",
    [
        "voided/person/names/familyName",
        "identifiers/reference/uuid",
        "identifiers/untyped/identifier",
        f"person/attributes/{FAITH}/value/display",
    ],
)
def test_what_is_only_read_is_not_written(path):
    plan = variant({"name.surname": path})

    assert body(made(name={"surname": CANARY}), plan) == (
        BARE,
        ("person.name.surname",),
    )


def test_values_of_attributes_are_texts_whatever_they_are():
    path = f"person/attributes/{PHONE}"
    plan = variant({"age.years": {"from": path, "as": "integer"}})
    record = made(age={"years": 34})

    found, unrendered = body(record, plan)

    assert found["person"]["attributes"] == [{"attributeType": {"uuid": PHONE}, "value": "34"}]
    assert (unrendered, parse(found, plan).records) == ((), [record])
    # As the server gives it, where the type of the attribute is a number.
    found["person"]["attributes"][0]["value"] = 34
    assert parse(found, plan).records == [record]


@pytest.mark.parametrize("day", ["2019-06", "2019"])
def test_a_day_that_is_known_in_part_is_not_written(day):
    plan = variant({"birth_date": {"from": "person/birthdate", "as": "partial_date"}})

    assert body(made(birth_date=day), plan) == (BARE, ("person.birth_date",))
    assert body(made(birth_date="2019-06-15"), plan)[0]["person"]["birthdate"] == "2019-06-15"


def variant(fields: dict[str, Any]) -> Plan:
    table = json.loads(json.dumps(SMALL.document))
    table["records"][0]["fields"] = fields
    return plan_of(table, at="table")


@pytest.mark.parametrize(
    "fields",
    [
        {"name.surname": "person"},
        {"name.surname": "person", "name.given_name": "person/birthdate"},
        {
            "name.surname": f"person/attributes/{FAITH}",
            "name.given_name": f"person/attributes/{FAITH}/value/uuid",
        },
    ],
)
def test_a_path_is_no_value_and_group_at_once(fields):
    with pytest.raises(SenderError) as caught:
        write(OpenMrs(), [made(name={"surname": "A", "given_name": "B"})], variant(fields))
    assert caught.value.rule == "mapping.both"


@pytest.mark.parametrize("name", ["page.json", "created.ndjson"])
def test_samples_go_both_ways(name):
    records = parse((SAMPLES / name).read_bytes(), PLAN).records

    written = write(OpenMrs(), records, PLAN)

    assert (written.media_type, written.unrendered) == ("application/json", ())
    assert parse(written.content, PLAN).records == records
    assert written.content.count(b"\n") == len(records) - 1


def test_no_record_is_no_body():
    assert write(OpenMrs(), [], PLAN).content == b""


@pytest.mark.parametrize("name", ["create_patient.json", "create_patient_from_get.json"])
def test_real_patients_go_both_ways(samples, name):
    records = parse(samples(f"openmrs/open/{name}").read_bytes(), REAL).records

    written = write(OpenMrs(), records, REAL)

    assert written.unrendered == ()
    assert parse(written.content, REAL).records == records
    assert len(written.lineage) > 8


def test_real_patients_of_a_tests_fixture_are_read_one_by_one(samples):
    fixture = json.loads(samples("openmrs/open/openfn_fixtures.json").read_bytes())

    whole, new = only(fixture["patient"]), {**fixture["newPatient"], "uuid": "n-1"}
    assert whole["name"] == {"given_name": "Sarah", "surname": "Lewis"}
    assert whole["birth_date"] == "1936-12-04"
    assert only(new)["place"] == {"name": "Anytown"}
    found = parse(fixture["patientResults"])
    assert "identifiers/reference/display" in found.unmapped
    assert found.records[0]["birth_date"] == "1936-12-04"
    assert refused(fixture["encounter"]) == ("openmrs.encounter", "patient 1")


# -- answers -----------------------------------------------------------------------------------

FAULT = {
    "error": {
        "message": CANARY,
        "code": "webservices.rest.error.invalid.submission",
        "globalErrors": [{"code": "error.patient", "message": CANARY}],
        "fieldErrors": {
            "names[0].givenName": [{"code": "Names.invalid " + CANARY, "message": CANARY}],
            "Canary Amina": [{"code": "error.null"}],
            "gender": CANARY,
        },
    }
}


@pytest.mark.parametrize(
    ("answer", "sent", "expected"),
    [
        ({"uuid": "u-1", "display": CANARY}, 1, [Outcome(0, "accepted")]),
        (
            FAULT,
            1,
            [
                Outcome(0, "refused", "error.patient"),
                Outcome(0, "refused", None, "names[0].givenName"),
                Outcome(0, "refused", "error.null"),
            ],
        ),
        ({"error": {"code": CANARY}}, 1, [Outcome(0, "refused")]),
        ({"error": {"code": "error.a:71"}}, 3, [Outcome(None, "refused", "error.a:71")]),
        ({"uuid": "u-1", "error": CANARY}, 1, [Outcome(0, "unknown")]),
        ({"uuid": "u-1"}, 2, [Outcome(None, "unknown")]),
        ({"uuid": ""}, 1, [Outcome(0, "unknown")]),
        ({"uuid": "u-1", "voided": True}, 1, [Outcome(0, "unknown")]),
        ([CANARY], 1, [Outcome(0, "unknown")]),
    ],
)
def test_answers_say_what_became_of_an_object(answer, sent, expected):
    assert outcomes(orjson.dumps(answer), sent) == expected
    assert OpenMrs().outcomes(orjson.dumps(answer), sent) == expected


def test_answers_in_lines_are_of_one_object_each():
    line = b'{"uuid": "1"}\n'
    assert outcomes(line + b'{"error": {"code": "a.b"}}\n', 2) == [
        Outcome(0, "accepted"),
        Outcome(1, "refused", "a.b"),
    ]
    assert outcomes(line * 3, 2) == [Outcome(None, "unknown")]


@pytest.mark.parametrize("answer", [b"", b"<html>", b'{"uuid": "1", "uuid": "2"}'])
def test_what_is_no_answer_says_nothing(answer):
    assert [one.state for one in outcomes(answer, 1)] == ["unknown"]


# -- any JSON ----------------------------------------------------------------------------------

KEYS = ["uuid", "person", "identifiers", "names", "addresses", "attributes", "value", "identifier"]
KEYS += ["identifierType", "attributeType", "preferred", "voided", "birthdate", "results"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=15,
)


def answers(content: Any) -> bool:
    """Parsed or `SenderError`; anything else escapes and fails the test."""
    try:
        return isinstance(parse(content), Parsed)
    except SenderError as error:
        return bool(error.rule)


@given(JSON)
def test_any_json_is_an_answer(value):
    for content in (value, {"uuid": "1", "person": {"names": value, "attributes": value}}):
        assert answers(content)
