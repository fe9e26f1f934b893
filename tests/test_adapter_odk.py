"""ODK Central: OData feeds and entities in, OData and OpenRosa XML out."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import adapters.odk
from adapters.odk import Odk, OdkOData
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed

CANARY = "CanaryAmina"
SAMPLES = Path(adapters.odk.__file__).parent / "samples"
PLAN = read_mapping(SAMPLES / "mapping.yaml")
ENTITIES = read_mapping(SAMPLES / "entities.json.mapping.yaml")
FEED = (SAMPLES / "submissions.json").read_bytes()
SUBMISSION = (SAMPLES / "odk" / "submission.xml").read_bytes()

FAMILY = plan_of(
    {
        "mapping": "family",
        "version": "1",
        "format": "odk",
        "authority": "central.example",
        "records": [
            {
                "type": "household",
                "id": {"first": ["__id", "meta/instanceID"], "without": "uuid:"},
                "fields": {
                    "poverty_score": {"from": "g/score", "as": "decimal"},
                    "group_size": {
                        "from": "g/size",
                        "as": "integer",
                        "missing": {"null": "unanswered"},
                    },
                    "place.geo": {"from": "at", "as": "point", "order": "lat-lon"},
                    "member_list[]": {"each": "g/kids", "fields": {"member": {"member": "person"}}},
                },
            },
            {
                "type": "person",
                "each": "g/kids",
                "fields": {
                    "name.full_name": "g/kids/who/name",
                    "age.years": {"from": "g/kids/age", "as": "integer"},
                },
            },
        ],
    },
    at="table",
)


def feed(*rows: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"@odata.context": "x/$metadata#Submissions", "value": rows, **more}).encode()


def parse(content: bytes, plan: Plan = FAMILY) -> Parsed:
    return read(Odk(), content, plan)


def refused(content: bytes, plan: Plan = FAMILY) -> str:
    with pytest.raises(SenderError) as caught:
        parse(content, plan)
    assert CANARY not in str(caught.value)
    return caught.value.rule


ROW: dict[str, Any] = {
    "__id": "uuid:1",
    "__system": {"status": None, "reviewState": "approved"},
    "at": {"type": "Point", "coordinates": [34.5, -1.5, 0], "properties": {"accuracy": 2.5}},
    "g": {
        "size": 2,
        "score": 0.5,
        "kids": [
            {"__id": "a", "__Submissions-id": "uuid:1", "who": {"name": "A"}, "age": 3},
            {"__id": "b", "__Submissions-id": "uuid:1", "who": {"name": "B"}, "age": None},
        ],
        "kids@odata.navigationLink": "Submissions('uuid%3A1')/g/kids",
    },
}


# -- feeds -------------------------------------------------------------------------------------


def test_groups_and_expanded_repeats_become_paths():
    parsed = parse(feed(ROW).replace(b"0.5", b"0.500"))

    household, first, second = parsed.records
    assert household["record_id"] == "central.example/1"
    assert household["poverty_score"] == "0.500"
    assert household["place"]["geo"] == {"type": "Point", "coordinates": [34.5, -1.5]}
    assert first["name"] == {"full_name": "A"}
    assert (first["age"], "age" in second) == ({"years": 3}, False)
    assert parsed.unmapped == (
        "__system/reviewState",
        "__system/status",
        "g/kids/__Submissions-id",
        "g/kids/__id",
        "g/kids@odata.navigationLink",
    )


def test_repeats_that_were_not_asked_for_are_listed():
    row = {"__id": "1", "g": {"kids@odata.navigationLink": "Submissions('1')/g/kids"}}

    parsed = parse(feed(row))

    assert len(parsed.records) == 1
    assert parsed.unmapped == ("g/kids@odata.navigationLink",)


def test_a_null_is_a_question_left_open():
    assert parse(feed({"__id": "1", "g": {"size": None}})).records[0]["absent"] == {
        "group_size": "unanswered"
    }


def test_a_feed_that_goes_on_elsewhere_says_so():
    content = feed(ROW, **{"@odata.nextLink": "https://central.example/x", "@odata.count": 9})

    assert "@odata.nextLink" in parse(content).unmapped


def test_what_an_integration_tool_wrapped_is_a_feed():
    wrapped = b'{"submissions": ' + feed(ROW) + b"}"

    assert parse(wrapped).records == parse(feed(ROW)).records


def test_one_row_or_rows_in_lines_are_read():
    line = json.dumps(ROW).encode()

    assert len(parse(line).records) == 3
    assert len(parse(line + b"\n" + line.replace(b"uuid:1", b"uuid:2") + b"\n").records) == 6


@pytest.mark.parametrize("status", ["notDecrypted", "missingEncryptedFormData"])
def test_what_central_cannot_decrypt_is_refused(status):
    assert refused(feed({"__id": "1", "__system": {"status": status}})) == "odk.encrypted"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b'[{"instanceId": "uuid:1", "submitterId": 3}]', "odk.no_answers"),
        (b'{"instanceId": "uuid:1", "createdAt": "2026"}', "odk.no_answers"),
        (b'[{"projectId": 1, "xmlFormId": "f"}]', "odk.form_list"),
        (b'{"type": "FeatureCollection", "features": []}', "odk.geojson"),
        (b'{"$schema": "x"}', "odk.not_submissions"),
        (b'{"value": []}', "odk.not_submissions"),
        (b'{"a": 1}', "odk.not_submissions"),
        (b"1", "odk.not_submissions"),
        (b'[1, "' + CANARY.encode() + b'"]', "source.not_object"),
        (b"event,node\na,b\n", "odk.csv"),
        (b"PK\x03\x04", "odk.zip"),
        (b"<Edmx xmlns='http://docs.oasis-open.org/odata/ns/edmx'/>", "odk.metadata"),
        (feed({"__id": "1", "g": {"size": 2.0}}), "value.not_integer"),
        (feed({"__id": "1", "g": {"size": CANARY}}), "value.not_integer"),
        (feed({"__id": "1", "g/size": 1, "g": {"size": 2}}), "json.key_twice"),
        (b'{"__id": "1", "g": {"size": 1, "size": 2}}', "json.key_twice"),
        (b'{"__id": "1", "x": 1, "x": 2}', "json.key_twice"),
        (feed({"__id": "1", "g": {"kids": [1]}}), "source.not_repeat"),
    ],
)
def test_what_is_no_feed_is_refused(content, rule):
    assert refused(content) == rule


# -- entities ----------------------------------------------------------------------------------


def test_entities_as_they_are_created():
    parsed = parse((SAMPLES / "entities.json").read_bytes(), ENTITIES)

    assert [one["facility_name"] for one in parsed.records] == ["Old mill borehole", "École du Lac"]
    assert parsed.records[0]["facility_id"] == "0071"
    assert parsed.unmapped == ("data/keeper", "source")


def test_an_entity_as_it_is_read_with_its_version():
    entity = {
        "uuid": "1",
        "creatorId": 2,
        "currentVersion": {"label": "L", "version": 3, "data": {"code": "07"}},
    }

    parsed = parse(json.dumps(entity).encode(), ENTITIES)

    assert parsed.records[0]["facility_id"] == "07"
    assert "currentVersion/version" in parsed.unmapped


def test_an_entity_of_the_feed():
    row = {"__id": "1", "label": "L", "code": "07", "__system": {"version": 1}}

    assert parse(feed(row), ENTITIES).records[0]["facility_id"] == "07"


@pytest.mark.parametrize(
    ("entity", "rule"),
    [
        ({"uuid": "1", "label": "L"}, "odk.no_answers"),
        ({"uuid": "1", "currentVersion": {"label": "L"}}, "odk.no_answers"),
        ({"uuid": "1", "label": "L", "data": {"age": 22}}, "odk.entity_not_text"),
        ("x", "source.not_object"),
    ],
)
def test_an_entity_without_texts_is_refused(entity, rule):
    assert refused(json.dumps({"entities": [entity]}).encode(), ENTITIES) == rule


# -- writing -----------------------------------------------------------------------------------


def test_the_feed_is_written_and_read_again():
    first = parse(FEED, PLAN).records

    written = write(OdkOData(), first, PLAN)

    assert (written.media_type, written.unrendered) == ("application/json", ())
    assert parse(written.content, PLAN).records == first
    row = orjson.loads(written.content)["value"][0]
    assert row["__id"] == "uuid:4e0a7c9d-8b21-4a6f-9c54-1d2e3f405162"
    assert row["point"]["location"] == {"type": "Point", "coordinates": [34.2915, -1.0421, 1180.5]}
    assert (row["point"]["code"], row["state"]["litres"]) == ("0071", 4200)


def test_numbers_are_written_with_their_own_digits():
    record = parse(feed(ROW)).records[0]
    record["poverty_score"] = "10.50"

    content = write(OdkOData(), [record], FAMILY).content

    assert b'"score":10.50' in content
    assert parse(content).records[0]["poverty_score"] == "10.50"


@pytest.mark.parametrize("digits", ["007", "-0", "00.5"])
def test_digits_that_are_no_number_of_json_stay_text(digits):
    record = {**parse(feed(ROW)).records[0], "poverty_score": digits}

    content = write(OdkOData(), [record], FAMILY).content

    assert f'"score":"{digits}"'.encode() in content
    assert parse(content).records[0]["poverty_score"] == digits


def test_repeats_are_written_nested():
    first = parse(feed(ROW)).records

    content = write(OdkOData(), first, FAMILY).content

    kids = orjson.loads(content)["value"][0]["g"]["kids"]
    assert kids == [{"who": {"name": "A"}, "age": 3}, {"who": {"name": "B"}}]
    assert parse(content).records == first


def test_a_row_always_has_its_id():
    document = {**FAMILY.document, "records": [dict(FAMILY.document["records"][0])]}
    document["records"][0] |= {"type": "facility", "id": {"all": ["a", "b"]}}
    document["records"][0]["fields"] = {"capacity_day": {"from": "n", "as": "integer"}}
    plan = plan_of(document, at="t")
    record = {
        "record_type": "facility",
        "schema_version": "1.0",
        "record_id": "central.example/x:y",
        "capacity_day": 1,
    }

    content = write(OdkOData(), [record], plan).content

    assert orjson.loads(content)["value"] == [{"__id": "uuid:x:y", "a": "x", "b": "y", "n": 1}]
    assert parse(content, plan).records == [record]


def test_a_submission_is_written_as_xml_and_read_again():
    first = parse(SUBMISSION, PLAN).records

    written = write(Odk(), first, PLAN)

    assert (written.media_type, written.unrendered) == ("application/xml", ())
    assert parse(written.content, PLAN).records == first
    assert b'<data id="water_point_visit" version="2026020100">' in written.content


def test_an_item_s_key_without_its_repeat_is_reported():
    document = {**FAMILY.document, "records": [*FAMILY.document["records"]]}
    person = {"type": "person", "each": "g/kids", "fields": {"name.full_name": "name"}}
    plan = plan_of({**document, "records": [document["records"][0], person]}, at="t")
    records = parse(feed({"__id": "1", "g": {"kids": [{"x": 1}]}}), plan).records
    records[1]["name"] = {"full_name": "A"}

    assert write(OdkOData(), records, plan).unrendered == ("person.name.full_name",)


# -- any JSON ----------------------------------------------------------------------------------

KEYS = [
    "__id",
    "uuid",
    "data",
    "value",
    "@odata.context",
    "entities",
    "g",
    "kids",
    "size",
    "type",
    "coordinates",
    "at",
    "g/kids",
    "currentVersion",
    "__system",
    "status",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


def answers(content: bytes) -> bool:
    """Parsed or `SenderError`; anything else escapes and fails the test."""
    try:
        return isinstance(parse(content), Parsed)
    except SenderError as error:
        return bool(error.rule)


@settings(max_examples=150, deadline=None)
@given(JSON)
@example({"type": [], "coordinates": []})
def test_any_json_is_an_answer(value):
    assert answers(json.dumps(value).encode())
    assert answers(feed({"__id": "1", "g": value}))
