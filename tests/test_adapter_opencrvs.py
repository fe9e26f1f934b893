"""OpenCRVS: events in every notation, notifications, and answers."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import adapters.opencrvs
from adapters.opencrvs import OpenCrvs
from adapters.opencrvs.answers import outcomes
from gateway.adapter import Outcome, read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed

CANARY = "CanaryAmina"
SAMPLES = Path(adapters.opencrvs.__file__).parent / "samples"
PLAN = read_mapping(SAMPLES / "mapping.yaml")
REAL = read_mapping(Path(__file__).parent / "real" / "mappings" / "opencrvs-births.yaml")

TABLE: dict[str, Any] = {
    "mapping": "small",
    "version": "1",
    "format": "opencrvs",
    "authority": "crvs.example",
    "form": {"id": "v2.birth"},
    "records": [
        {
            "type": "person",
            "id": {"first": ["transactionId", "id"]},
            "fields": {
                "name.given_name": {
                    "from": ["declaration/child.firstname", "declaration/child.name/firstname"]
                },
                "name.surname": "declaration/child.name/surname",
                "birth_date": {"from": "declaration/child.dob", "as": "date"},
                "birth_date_estimated": {"from": "declaration/child.guess", "as": "boolean"},
                "age.years": {"from": "declaration/mother.age", "as": "integer"},
                "disability_info": {
                    "from": "declaration/child.difficulty",
                    "as": "codes",
                    "by": ";",
                    "codes": {"SEE": "seeing", "WALK": "walking"},
                },
                "registration_date": {"from": "dateOfEvent", "as": "date"},
            },
        }
    ],
}
SMALL = plan_of(TABLE, at="table")


def variant(**changes: Any) -> Plan:
    return plan_of({**json.loads(json.dumps(TABLE)), **changes}, at="table")


def parse(content: Any, plan: Plan = SMALL) -> Parsed:
    found = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read(OpenCrvs(), found, plan)


def refused(content: Any) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content)
    assert CANARY not in str(caught.value)
    return caught.value.rule, caught.value.at


def event(number: str = "e-1", **declared: Any) -> dict[str, Any]:
    return {"id": number, "type": "v2.birth", "declaration": declared}


KIND = variant(
    records=[
        {
            **TABLE["records"][0],
            "fields": {
                "ethnicity": "type",
                "birth_date": {"from": "declaration/child.dob", "as": "date"},
            },
        }
    ]
)


# -- reading -----------------------------------------------------------------------------------

ONE = event(**{"child.dob": "2026-05-01"})


@pytest.mark.parametrize(
    "content",
    [
        ONE,
        [ONE],
        {"results": [ONE], "total": 1},
        orjson.dumps(ONE) + b"\n" + orjson.dumps(event("e-2")) + b"\n",
        {"type": "v2.birth", "transactionId": "e-1", "declaration": ONE["declaration"]},
        {"eventType": "v2.birth", "transactionId": "e-1", "declaration": ONE["declaration"]},
        {
            "type": "NOTIFY",
            "eventType": "v2.birth",
            "transactionId": "e-1",
            "declaration": ONE["declaration"],
        },
    ],
    ids=["one", "list", "search", "lines", "notice", "request", "request of version 2"],
)
def test_every_notation_holds_the_same_event(content):
    first = parse(content, KIND).records[0]

    assert (first["record_id"], first["birth_date"]) == ("crvs.example/e-1", "2026-05-01")
    assert first["ethnicity"] == "v2.birth"


@pytest.mark.parametrize("declared", [{"child.firstname": "A"}, {"child.name": {"firstname": "A"}}])
def test_a_name_is_two_keys_or_one_object(declared):
    assert parse(event(**declared)).records[0]["name"] == {"given_name": "A"}


def test_a_search_that_found_nothing_holds_no_record():
    assert parse({"results": [], "total": 0}).records == []


@pytest.mark.parametrize(("total", "told"), [(2, True), (1, False), (None, False)])
def test_a_search_that_found_more_says_so(total, told):
    assert ("total" in parse({"results": [ONE], "total": total}).unmapped) is told


def test_choices_are_one_text_and_none_is_a_question_left_open():
    chosen, none, odd = parse(
        [
            event("1", **{"child.difficulty": ["SEE", "WALK"]}),
            event("2", **{"child.difficulty": []}),
            event("3", other=["a;b", "c"]),
        ]
    ).records

    assert chosen["disability_info"] == ["seeing", "walking"]
    assert "disability_info" not in none
    assert odd["record_id"].endswith("/3")


def test_what_nobody_took_is_listed_by_its_path():
    papers = [{"type": "image/jpeg", "filename": CANARY}]
    found = parse(event(**{"mother.name": {"surname": CANARY}, "documents.proof": papers}))

    assert found.unmapped == (
        "declaration/documents.proof",
        "declaration/mother.name/surname",
        "type",
    )


@pytest.mark.parametrize(
    ("content", "rule", "at"),
    [
        (3, "opencrvs.not_events", ""),
        ([CANARY], "source.not_object", "event 1"),
        ({"errors": [{"code": CANARY}], "results": [], "total": 0}, "opencrvs.error", ""),
        ({"data": {"searchEvents": {}}}, "opencrvs.graphql", ""),
        ({"__schema": {}}, "opencrvs.graphql", ""),
        ({"resourceType": "Bundle"}, "opencrvs.fhir", ""),
        ([ONE, {"resourceType": "Patient"}], "opencrvs.fhir", "event 2"),
        ({"header": {}, "message": {}}, "opencrvs.dci", ""),
        ({"id": "1", "type": "v2.birth", "actions": []}, "opencrvs.actions", "event 1"),
        ({"message": CANARY, "code": "BAD_REQUEST", "issues": []}, "opencrvs.error", "event 1"),
        ([ONE, ONE | {"status": "ARCHIVED"}], "opencrvs.archived", "event 2"),
        ([ONE, ONE | {"status": "REVOKED"}], "opencrvs.revoked", "event 2"),
        ({"id": "1", "timestamp": "x", "event": {"context": []}}, "opencrvs.fhir", ""),
        ({"eventType": 3, "transactionId": "1"}, "opencrvs.no_declaration", "event 1"),
        ({"type": "v2.birth", "transactionId": "1"}, "opencrvs.no_declaration", "event 1"),
        (event() | {"declaration": CANARY}, "opencrvs.no_declaration", "event 1"),
        (b'{"declaration": {"a": 1, "a": 2}}', "json.key_twice", "event 1"),
        (b'// a comment\n{"declaration": {}}', "json.invalid", "line 1, column 1"),
    ],
)
def test_what_is_no_event_is_refused(content, rule, at):
    assert refused(content) == (rule, at)


# -- writing -----------------------------------------------------------------------------------


def made(**fields: Any) -> dict[str, Any]:
    return {
        "record_type": "person",
        "schema_version": "1.0",
        "record_id": "crvs.example/e-1",
        **fields,
    }


def test_a_notice_has_the_servers_own_shape():
    record = made(
        name={"given_name": "Sahra", "surname": "Abdi"},
        birth_date="2026-05-01",
        birth_date_estimated=False,
        age={"years": 31},
        disability_info=["seeing", "walking"],
    )

    written = write(OpenCrvs(), [record], SMALL)

    assert written.unrendered == ()
    assert orjson.loads(written.content) == {
        "type": "NOTIFY",
        "eventType": "v2.birth",
        "transactionId": "e-1",
        "declaration": {
            "child.firstname": "Sahra",
            "child.name": {"surname": "Abdi"},
            "child.dob": "2026-05-01",
            "child.guess": False,
            "mother.age": 31,
            "child.difficulty": ["SEE", "WALK"],
        },
        "annotation": {},
    }
    assert parse(written.content).records == [record]


def test_what_the_server_makes_is_not_written():
    written = write(OpenCrvs(), [made(registration_date="2026-05-02")], SMALL)

    assert written.unrendered == ("person.registration_date",)
    assert b"2026-05-02" not in written.content


def test_the_office_that_the_server_demands_is_written():
    fields = {"ethnicity": "createdAtLocation"}
    plan = variant(records=[{**TABLE["records"][0], "fields": fields}])

    written = write(OpenCrvs(), [made(ethnicity="l-1")], plan)

    assert orjson.loads(written.content)["createdAtLocation"] == "l-1"


def test_the_mapping_says_the_type_or_the_name_of_its_form_does():
    fields = {"ethnicity": "type"}
    plan = variant(records=[{**TABLE["records"][0], "fields": fields}])

    def kind(record: dict[str, Any]) -> Any:
        return orjson.loads(write(OpenCrvs(), [record], plan).content)["eventType"]

    assert kind(made(ethnicity="v2.death")) == "v2.death"
    assert kind(made()) == "v2.birth"


@pytest.mark.parametrize(
    ("changes", "record", "rule"),
    [
        ({"form": {}}, made(), "opencrvs.no_type"),
        (
            {
                "records": [
                    {**TABLE["records"][0], "fields": {"ethnicity": "declaration"}},
                ]
            },
            made(ethnicity=CANARY),
            "mapping.both",
        ),
        (
            {"records": [{**TABLE["records"][0], "id": {"first": ["trackingId"]}}]},
            made(),
            "mapping.no_id",
        ),
    ],
    ids=["no type", "declaration is a value", "no transactionId among its ids"],
)
def test_a_mapping_that_makes_no_notice_is_refused(changes, record, rule):
    with pytest.raises(SenderError) as caught:
        write(OpenCrvs(), [record], variant(**changes))
    assert caught.value.rule == rule


@pytest.mark.parametrize("name", ["search.json", "notify.ndjson"])
def test_samples_go_both_ways(name):
    records = parse((SAMPLES / name).read_bytes(), PLAN).records

    written = write(OpenCrvs(), records, PLAN)

    assert (written.media_type, written.unrendered) == ("application/json", ())
    assert parse(written.content, PLAN).records == records
    numbers = [orjson.loads(line)["transactionId"] for line in written.content.splitlines()]
    assert numbers == [record["record_id"].partition("/")[2] for record in records]


def test_a_real_answer_is_read_and_notified(samples):
    content = samples("opencrvs/open/v2_search__match.json").read_bytes()
    parsed = parse(content, REAL)
    declared = orjson.loads(content)["results"][0]["declaration"]["child.name"]

    written = write(OpenCrvs(), parsed.records, REAL)

    (again,) = parse(written.content, REAL).records
    assert again["name"] == {"given_name": declared["firstname"], "surname": declared["surname"]}
    # A notice has no day of its own: the server takes it from the declaration.
    assert written.unrendered == ("person.birth_date",)
    assert again | {"birth_date": parsed.records[0]["birth_date"]} == parsed.records[0]
    assert "declaration/mother.name/surname" in parsed.unmapped


def test_an_invented_search_has_the_members_that_others_describe(samples):
    """The description is a third party's, of some members only; they must be what it says."""
    path = samples("opencrvs/schema/opencrvs-events-search.openapi.yaml")
    answer = yaml.safe_load(path.read_text())["paths"]["/events/search"]["post"]["responses"]
    schema = answer["200"]["content"]["application/json"]["schema"]
    opened = json.loads(json.dumps(schema).replace('"additionalProperties": false, ', ""))
    assert opened != schema
    described = jsonschema_rs.Draft202012Validator(opened)
    found = orjson.loads((SAMPLES / "search.json").read_bytes())
    found["results"][1]["dateOfEvent"] += "-03"  # Of a day that is not known, it knows nothing.

    assert described.is_valid(found)
    found["results"][0]["declaration"]["child.name"] = "Sahra"
    assert not described.is_valid(found)


# -- answers -----------------------------------------------------------------------------------


def answered(*states: str) -> dict[str, Any]:
    notified = [{"type": "NOTIFY", "status": state} for state in states]
    made = {"type": "CREATE", "status": "Accepted"}
    return {"id": "e-1", "type": "v2.birth", "actions": [made, *notified]}


@pytest.mark.parametrize(
    ("answer", "sent", "expected"),
    [
        (answered("Requested", "Accepted"), 1, [Outcome(0, "accepted")]),
        (answered("Requested"), 1, [Outcome(0, "unknown")]),
        (answered("Requested", "Rejected"), 1, [Outcome(0, "refused")]),
        (answered(), 1, [Outcome(0, "unknown")]),
        (answered() | {"actions": None}, 1, [Outcome(0, "unknown")]),
        (
            {
                "code": "BAD_REQUEST",
                "message": CANARY,
                "issues": [
                    {"code": "invalid_type", "path": ["declaration", "child.dob"]},
                    {"code": CANARY, "path": ["declaration", "a b"]},
                    CANARY,
                ],
            },
            1,
            [
                Outcome(0, "refused", "invalid_type", "declaration/child.dob"),
                Outcome(0, "refused"),
                Outcome(0, "refused"),
            ],
        ),
        ({"code": "FORBIDDEN", "message": CANARY}, 2, [Outcome(None, "refused", "FORBIDDEN")]),
        ({"errors": [{"extensions": {"code": "UNAUTH"}}]}, 1, [Outcome(0, "refused", "UNAUTH")]),
        (
            {"errors": [{"code": "SYNTHETIC-SOURCE-ERROR"}], "results": []},
            1,
            [Outcome(0, "refused", "SYNTHETIC-SOURCE-ERROR")],
        ),
        ({"id": "e-1"}, 1, [Outcome(0, "unknown")]),
        ({"results": [], "total": 0}, 1, [Outcome(0, "unknown")]),
    ],
)
def test_answers_say_what_became_of_an_object(answer, sent, expected):
    assert outcomes(orjson.dumps(answer), sent) == expected
    assert OpenCrvs().outcomes(orjson.dumps(answer), sent) == expected


# -- any JSON ----------------------------------------------------------------------------------

KEYS = ["id", "type", "declaration", "child.name", "child.dob", "results", "total", "firstname"]
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
    for content in (value, event(**{"child.name": value, "child.difficulty": value})):
        assert answers(content)
