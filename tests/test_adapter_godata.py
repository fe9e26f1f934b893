"""Go.Data: cases and contacts in every notation, bodies that create them, and answers."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import adapters.godata
from adapters.godata import GoData
from adapters.godata.answers import outcomes
from gateway.adapter import Outcome, read, write
from gateway.errors import SenderError
from gateway.kit.leaves import without
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed

CANARY = "CanaryAmina"
SAMPLES = Path(adapters.godata.__file__).parent / "samples"
MAPPINGS = Path(__file__).parent / "real" / "mappings"
CASES = read_mapping(SAMPLES / "mapping.yaml")
CONTACTS = read_mapping(SAMPLES / "contacts.ndjson.mapping.yaml")

USUAL = "LNG_REFERENCE_DATA_CATEGORY_ADDRESS_TYPE_USUAL_PLACE_OF_RESIDENCE"
OTHER = "LNG_REFERENCE_DATA_CATEGORY_ADDRESS_TYPE_OTHER"
CARD = "LNG_REFERENCE_DATA_CATEGORY_DOCUMENT_TYPE_NATIONAL_ID_CARD"
ANSWERS = "questionnaireAnswers"

TABLE: dict[str, Any] = {
    "mapping": "small",
    "version": "1",
    "format": "godata",
    "authority": "godata.example",
    "records": [
        {
            "type": "case",
            "id": {"first": ["id"]},
            "fields": {
                "identifier[]": [
                    {
                        "needs": "identifier_value",
                        "fields": {"identifier_value": f"documents/{path}"},
                    }
                    for path in (CARD, f"{CARD}#2")
                ],
                "authored_on": {"from": "dateOfOnset", "as": "date"},
                "modified_on": {"from": "updatedAt", "as": "instant"},
                "location.name": f"addresses/{USUAL}/city",
                "location.admin1_name": f"addresses/{USUAL}#2/city",
                "location.geo": {
                    "from": f"addresses/{USUAL}/geoLocation",
                    "as": "point",
                    "order": "lon-lat",
                },
                "incident_place.name": f"addresses/{OTHER}/city",
                "specific_needs": {
                    "from": f"{ANSWERS}/needs",
                    "as": "codes",
                    "by": ";",
                    "codes": {"h": "heart", "l": "lungs"},
                },
                "status_reason": f"{ANSWERS}/why",
                "incident_date": {"from": f"{ANSWERS}/when", "as": "date"},
                "business_status": f"{ANSWERS}/why#2",
                "note[]": [f"{ANSWERS}/why/date"],
                "observations[]": {
                    "each": f"{ANSWERS}/heat",
                    "fields": {
                        "value": {"from": f"{ANSWERS}/heat/value", "as": "decimal"},
                        "effective": {"from": f"{ANSWERS}/heat/date", "as": "date"},
                    },
                },
                "related_cases[]": {
                    "each": "dateRanges",
                    "fields": {"related": {"from": "dateRanges/centerName", "as": "reference"}},
                },
            },
        }
    ],
}
SMALL = plan_of(TABLE, at="table")


def variant(fields: dict[str, Any]) -> Plan:
    record = {**TABLE["records"][0], "fields": fields}
    return plan_of({**TABLE, "records": [record]}, at="table")


def parse(content: Any, plan: Plan = SMALL) -> Parsed:
    found = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read(GoData(), found, plan)


def only(content: Any, plan: Plan = SMALL) -> dict[str, Any]:
    (record,) = parse(content, plan).records
    return record


def refused(content: Any) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content)
    assert CANARY not in str(caught.value)
    return caught.value.rule, caught.value.at


def case(**more: Any) -> dict[str, Any]:
    return {"id": "c-1", "visualId": "CASE-1", "deleted": False, "address": {}, **more}


# -- reading -----------------------------------------------------------------------------------

ONE = case(dateOfOnset="2026-03-29T00:00:00.000Z")


@pytest.mark.parametrize(
    "content",
    [ONE, [ONE], orjson.dumps(ONE) + b"\n" + orjson.dumps(ONE | {"id": "c-2"}) + b"\n"],
    ids=["one", "list", "lines"],
)
def test_every_notation_holds_the_same_case(content):
    first = parse(content).records[0]

    assert (first["record_id"], first["authored_on"]) == ("godata.example/c-1", "2026-03-29")


@pytest.mark.parametrize("day", ["2026-03-29", "2026-03-29T00:00:00.000Z", "2026-03-29T00:00:00Z"])
def test_a_day_is_written_at_midnight(day):
    record = only(
        case(
            dateOfOnset=day,
            updatedAt="2026-03-30T00:00:00.000Z",
            questionnaireAnswers={"when": [{"value": day}], "heat": [{"value": 39, "date": day}]},
        )
    )

    assert (record["authored_on"], record["incident_date"]) == ("2026-03-29", "2026-03-29")
    assert record["observations"] == [{"value": "39", "effective": "2026-03-29"}]
    # An instant stays one, at midnight too.
    assert record["modified_on"] == "2026-03-30T00:00:00.000Z"


def test_an_instant_that_is_no_midnight_is_no_day():
    content = case(dateOfOnset="2026-03-29T22:00:00.000Z")
    assert refused(content) == ("value.not_date", "person 1, dateOfOnset")


def test_addresses_stand_under_their_type_and_the_usual_one_where_none_is_said():
    record = only(
        case(
            addresses=[
                {"typeId": OTHER, "city": "Westport", "3": {}},
                {"typeId": USUAL, "city": "Daru"},
                {"typeId": None, "city": "Eastport"},
            ]
        )
    )

    assert record["location"] == {"name": "Daru", "admin1_name": "Eastport"}
    assert record["incident_place"] == {"name": "Westport"}


@pytest.mark.parametrize(
    ("place", "coordinates"),
    [
        ({"lat": 2.046934, "lng": 45.318162}, [45.318162, 2.046934]),
        ({"lat": 80.09, "lng": 49.97}, [49.97, 80.09]),
        ({"type": "Point", "coordinates": [45.25, 2]}, [45.25, 2]),
        ({"lat": None, "lng": None}, None),
        ({"lat": 2.5, "lng": None}, None),
        ({"lat": "2.5", "lng": "45.2"}, None),
        ({"lat": True, "lng": 45}, None),
    ],
)
def test_a_position_is_read_by_its_names(place, coordinates):
    record = only(case(addresses=[{"city": "Daru", "geoLocation": place}]))

    assert record["location"].get("geo", {}).get("coordinates") == coordinates


def test_a_position_beyond_the_pole_is_refused_and_not_turned():
    content = case(addresses=[{"geoLocation": {"lat": 145.3, "lng": 2.0}}])

    assert refused(content)[0] == "value.out_of_range"


def test_the_address_of_an_event_has_a_position_too():
    event = case(address={"geoLocation": {"lat": 2.5, "lng": 45.25}})
    plan = variant(
        {"location.geo": {"from": "address/geoLocation", "as": "point", "order": "lon-lat"}}
    )

    assert only(event, plan)["location"]["geo"]["coordinates"] == [45.25, 2.5]


def test_documents_stand_under_their_type():
    found = parse(
        case(
            documents=[
                {"type": CARD, "number": "0071"},
                {"type": CARD, "number": "9"},
                {"type": None, "number": CANARY},
            ]
        )
    )

    assert found.records[0]["identifier"] == [
        {"identifier_value": "0071"},
        {"identifier_value": "9"},
    ]
    assert "documents/untyped/number" in found.unmapped


def test_answers_are_always_lists_and_of_several_each_has_a_path():
    found = parse(
        case(
            questionnaireAnswers={
                "needs": [{"value": ["h", "l"]}],
                "why": [{"value": "travel", "date": "d"}, {"value": "work"}, {"value": "x"}],
                "heat": [{"value": 39.40}, {"value": 38, "date": "2026-04-03T00:00:00.000Z"}],
                "none": [],
                "null": None,
                "odd": [{"value": ["a;b"]}],
            }
        )
    )

    (record,) = found.records
    assert record["specific_needs"] == ["heart", "lungs"]
    assert (record["status_reason"], record["business_status"]) == ("travel", "work")
    assert record["note"] == ["d"]
    assert record["observations"] == [
        {"value": "39.4"},
        {"value": "38", "effective": "2026-04-03"},
    ]
    told = {f"{ANSWERS}/why#3", f"{ANSWERS}/none", f"{ANSWERS}/null", f"{ANSWERS}/odd"}
    assert told <= set(found.unmapped)


@pytest.mark.parametrize(
    ("needs", "why"),
    [(["h", "l"], "travel"), ("h;l", "travel")],
    ids=["a list of texts", "texts"],
)
def test_older_servers_give_an_answer_alone(needs, why):
    record = only(case(questionnaireAnswers={"needs": needs, "why": why, "heat": 39.4}))

    assert (record["specific_needs"], record["status_reason"]) == (["heart", "lungs"], "travel")
    assert record["observations"] == [{"value": "39.4"}]


def test_a_list_in_a_list_is_told_and_refuses_nobody():
    related = [{"persons": [{"id": "c-1", "source": True}], "people": [{"firstName": CANARY}]}]

    assert "relationships" in parse(case(relationships=related)).unmapped


def test_an_answer_of_no_choices_is_left_open():
    assert "specific_needs" not in only(case(questionnaireAnswers={"needs": [{"value": []}]}))


@pytest.mark.parametrize(
    ("content", "rule", "at"),
    [
        (3, "godata.not_persons", ""),
        ([CANARY], "source.not_object", "person 1"),
        ({"foo": {"bar": CANARY}}, "godata.not_persons", "person 1"),
        ([ONE, ONE | {"deleted": True}], "godata.deleted", "person 2"),
        ({"error": {"message": CANARY}}, "godata.error", "person 1"),
        ({"base": "person", "properties": {}, "name": "case"}, "godata.model", "person 1"),
        ({"outbreakTemplates": []}, "godata.template", "person 1"),
        ([{"categoryId": "a", "value": "b"}], "godata.reference_data", "person 1"),
        ({"geographicalLevelId": "a", "name": CANARY}, "godata.location", "person 1"),
        ({"id": "1", "firstName": CANARY, "roleIds": []}, "godata.user", "person 1"),
        ({"A": {"messagePattern": CANARY}}, "godata.error_texts", "person 1"),
        ({"0": {"osm_id": 1}}, "godata.health_sites", "person 1"),
        (b"{[", "json.invalid", "line 1, column 2"),
        (case(addresses=CANARY), "godata.object", "person 1, addresses"),
        (case(documents=[3]), "godata.object", "person 1, documents"),
        (case(documents=[{"type": 3}]), "source.no_kind", "person 1, documents, item 1"),
        (case(questionnaireAnswers=[]), "godata.object", f"person 1, {ANSWERS}"),
        (case(questionnaireAnswers={"why": {}}), "godata.object", f"person 1, {ANSWERS}/why"),
        (case(questionnaireAnswers={"a b": [{}, 3]}), "godata.object", "person 1, ?"),
        (
            case(questionnaireAnswers={"why": [{"value": "x"}, {"value": "y"}], "why#2": "z"}),
            "json.key_twice",
            "person 1",
        ),
        ([ONE, ONE | {"deletedAt": "2026-04-01T00:00:00.000Z"}], "godata.deleted", "person 2"),
        (ONE | {"deleted": "true"}, "godata.deleted", "person 1"),
        ({"id": "1", "name": CANARY, "colorCode": "#fff"}, "godata.not_persons", "person 1"),
        ({"id": "1", "modelName": "case", "recordId": "c"}, "godata.not_persons", "person 1"),
        ({"id": "1", "name": CANARY, "disease": "D"}, "godata.not_persons", "person 1"),
        ({"id": "1", "physicalDeviceId": CANARY}, "godata.not_persons", "person 1"),
        ({"id": "1", "token": "T", "languageId": "en"}, "godata.not_persons", "person 1"),
        ({"id": "1", "name": "R", "permissionIds": []}, "godata.user", "person 1"),
        (
            {**case(documents=[{"type": CARD, "number": "1"}]), f"documents/{CARD}": "2"},
            "json.key_twice",
            "person 1",
        ),
        (b'{"id": "1", "id": "2", "visualId": "a"}', "json.key_twice", "person 1"),
    ],
)
def test_what_is_no_living_record_is_refused(content, rule, at):
    assert refused(content) == (rule, at)


# -- writing -----------------------------------------------------------------------------------


def made(**fields: Any) -> dict[str, Any]:
    return {
        "record_type": "case",
        "schema_version": "1.0",
        "record_id": "godata.example/c-1",
        **fields,
    }


def body(record: dict[str, Any], plan: Plan = SMALL) -> tuple[Any, tuple[str, ...]]:
    written = write(GoData(), [record], plan)
    return orjson.loads(written.content), written.unrendered


def test_a_body_has_the_servers_own_shape():
    record = made(
        identifier=[{"identifier_value": "0071"}],
        authored_on="2026-03-29",
        modified_on="2026-03-30T10:00:00Z",
        location={"name": "Daru", "geo": {"type": "Point", "coordinates": [45.25, 2.5]}},
        specific_needs=["heart", "lungs"],
        status_reason="travel",
        business_status="work",
        incident_date="2026-03-28",
        observations=[{"value": "39.40", "effective": "2026-04-02"}, {"value": "38"}],
        related_cases=[{"related": "godata.example/x"}],
    )

    found, unrendered = body(record)

    assert unrendered == ()
    assert found == {
        "id": "c-1",
        "dateOfOnset": "2026-03-29T00:00:00.000Z",
        "updatedAt": "2026-03-30T10:00:00Z",
        "documents": [{"type": CARD, "number": "0071"}],
        "addresses": [{"typeId": USUAL, "city": "Daru", "geoLocation": {"lat": 2.5, "lng": 45.25}}],
        "questionnaireAnswers": {
            "needs": [{"value": ["h", "l"]}],
            "why": [{"value": "travel"}, {"value": "work"}],
            "when": [{"value": "2026-03-28T00:00:00.000Z"}],
            "heat": [{"value": 39.40, "date": "2026-04-02T00:00:00.000Z"}, {"value": 38}],
        },
        "dateRanges": [{"centerName": "x"}],
    }
    assert b'"value":39.40' in write(GoData(), [record], SMALL).content
    assert parse(found).records[0] | {"observations": record["observations"]} == record


def test_a_date_in_a_free_answer_stays_the_text_it_is():
    found, unrendered = body(made(status_reason="2026-03-28", incident_date="2026-03-28"))

    assert found[ANSWERS] == {
        "why": [{"value": "2026-03-28"}],
        "when": [{"value": "2026-03-28T00:00:00.000Z"}],
    }
    assert unrendered == ()


def test_what_a_body_cannot_carry_is_told():
    geo = {"type": "Point", "coordinates": [45.25, 2.5, 12.0]}
    record = made(location={"geo": geo}, business_status=CANARY, outcome="x")

    found, unrendered = body(record)

    # A second answer without a first would become the first; an altitude has no member.
    assert unrendered == ("case.business_status", "case.location.geo", "case.outcome")
    assert CANARY not in json.dumps(found)


def test_why_there_is_no_position_is_written_as_its_text():
    place = f"addresses/{USUAL}/geoLocation"
    line = {"from": place, "as": "point", "order": "lon-lat", "missing": {"none": "unknown"}}
    record = made(absent={"location": "unknown"})

    found, unrendered = body(record, variant({"location.geo": line}))

    assert found["addresses"] == [{"typeId": USUAL, "geoLocation": "none"}]
    assert unrendered == ()


def test_a_document_of_no_type_is_not_written():
    plan = variant({"status_reason": "documents/untyped/number"})

    assert body(made(status_reason=CANARY), plan) == ({"id": "c-1"}, ("case.status_reason",))


def test_a_list_is_no_value():
    plan = variant({"status_reason": "documents", "outcome": f"documents/{CARD}"})

    with pytest.raises(SenderError) as caught:
        write(GoData(), [made(status_reason="a", outcome="b")], plan)
    assert caught.value.rule == "mapping.both"


def test_a_line_stays_what_geojson_says():
    shape = {"type": "LineString", "coordinates": [[45.0, 2.0], [45.5, 2.5]]}
    table = {
        **TABLE,
        "records": [
            {
                "type": "facility",
                "id": {"first": ["id"]},
                "fields": {
                    "geometry": {
                        "from": "address/line",
                        "as": "geometry",
                        "order": "lon-lat",
                        "shape": "line",
                    }
                },
            }
        ],
    }
    plan = plan_of(table, at="table")
    record = {**made(geometry=shape), "record_type": "facility"}

    assert body(record, plan)[0]["address"] == {"line": shape}


@pytest.mark.parametrize(
    ("name", "plan"), [("cases.json", CASES), ("contacts.ndjson", CONTACTS)], ids=["cases", "lines"]
)
def test_samples_go_both_ways(name, plan):
    records = parse((SAMPLES / name).read_bytes(), plan).records

    written = write(GoData(), records, plan)

    assert (written.media_type, written.unrendered) == ("application/json", ())
    assert parse(written.content, plan).records == records
    assert written.content.count(b"\n") == len(records) - 1


@pytest.mark.parametrize(
    ("name", "mapping", "count"),
    [("cases", "cases", 54), ("cases", "persons", 54), ("contacts", "persons", 56)],
)
def test_real_outbreaks_go_both_ways(samples, name, mapping, count):
    plan = read_mapping(MAPPINGS / f"godata-{mapping}.yaml")
    records = parse(samples(f"godata/open/get_{name}.json").read_bytes(), plan).records

    written = write(GoData(), records, plan)

    # What an object is the target of is a condition, which nothing writes.
    lost = {"case.related_cases[].relation"} if mapping == "cases" else set()
    assert set(written.unrendered) == lost
    again = parse(written.content, plan).records
    assert again == without(records, lost)
    assert len(again) == count
    assert any("geo" in one.get("place", one.get("location", {})) for one in again)


# -- answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "sent", "expected"),
    [
        (case(outbreakId="o"), 1, [Outcome(0, "accepted")]),
        (
            {
                "error": {
                    "statusCode": 422,
                    "code": "VALIDATION_ERROR",
                    "message": CANARY,
                    "details": {"codes": {"visualId": ["uniqueness", CANARY], "A b": ["custom"]}},
                }
            },
            1,
            [
                Outcome(0, "refused", "uniqueness", "visualId"),
                Outcome(0, "refused", None, "visualId"),
                Outcome(0, "refused", "custom"),
            ],
        ),
        (
            {"error": {"code": "DUPLICATE_VISUAL_ID", "details": {"codes": CANARY}}},
            1,
            [Outcome(0, "refused", "DUPLICATE_VISUAL_ID")],
        ),
        ({"error": {}}, 2, [Outcome(None, "refused")]),
        ({"error": CANARY, "id": "1", "outbreakId": "o"}, 1, [Outcome(0, "unknown")]),
        ({"id": "1"}, 1, [Outcome(0, "unknown")]),
        ({"error": {"details": {"codes": {"a": "b"}}}}, 1, [Outcome(0, "refused")]),
    ],
)
def test_answers_say_what_became_of_an_object(answer, sent, expected):
    assert outcomes(orjson.dumps(answer), sent) == expected
    assert GoData().outcomes(orjson.dumps(answer), sent) == expected


# -- any JSON ----------------------------------------------------------------------------------

KEYS = ["id", "visualId", "addresses", "documents", ANSWERS, "typeId", "type", "number", "value"]
KEYS += ["geoLocation", "lat", "lng", "date", "needs", "heat", "dateRanges"]
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
    for content in (value, case(addresses=value), case(questionnaireAnswers={"heat": value})):
        assert answers(content)
