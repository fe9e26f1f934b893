"""ActivityInfo: records and sub-forms, what is refused, and the transaction that is written."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.activityinfo import ActivityInfo
from adapters.activityinfo.answers import outcomes
from gateway.adapter import Outcome, read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed, Record, check

CANARY = "CanaryAmina"
SAMPLES = Path(__file__).resolve().parent.parent / "adapters/activityinfo/samples"
PARTNERS = (SAMPLES / "partners.json").read_bytes()
MAPPING = read_mapping(SAMPLES / "mapping.yaml")
AI = ActivityInfo()
FIELDS: dict[str, Any] = {
    "activity_name": "fields/q1",
    "place.geo": {"from": "fields/q2", "as": "point", "order": "lat-lon"},
    "beneficiary_group[]": {
        "from": "fields/q3", "as": "codes", "by": " ", "codes": {"i": "IDP", "h": "HST"},
    },
    "budget": {"from": "fields/q4", "as": "decimal"},
    "source.source_date": {"from": "lastEditTime", "as": "instant"},
    "results[]": {"each": "subforms/sub", "fields": {"actual": {"from": "subforms/sub/fields/m1",
                                                               "as": "decimal"}}},
}  # fmt: skip


def plan(fields: Any = None, *, form: str | None = "main", name: str = "activityinfo") -> Plan:
    document = {
        "mapping": "activities",
        "version": "1",
        "format": name,
        "authority": "info.example",
        "records": [
            {"type": "activity", "id": {"first": ["recordId"]}, "fields": fields or FIELDS}
        ],
    }
    return plan_of(document | ({"form": {"id": form}} if form else {}), at="test")


def row(number: str = "r1", form: str = "main", parent: str | None = None, **fields: Any) -> Any:
    return {"recordId": number, "formId": form, "parentRecordId": parent, "fields": fields}


def parse(document: Any, mapping: Plan | None = None) -> Parsed:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    parsed = read(AI, content, mapping or plan())
    for record in parsed.records:
        check(record, at="")
    return parsed


def one(**fields: Any) -> Record:
    (record,) = parse(row(**fields)).records
    return record


def refused(document: Any, mapping: Plan | None = None) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(document, mapping)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.rule, caught.value.at


def test_a_record_and_its_months():
    first, second = parse(PARTNERS, MAPPING).records

    assert first["record_id"] == "activityinfo.sahil.example/cr0001"
    assert first["place"] == {"geo": {"type": "Point", "coordinates": [43.65, 3.12]}}
    assert first["budget"] == "250000.50"
    assert first["beneficiary_group"] == ["IDP", "HST"]
    assert first["absent"] == {"comment": "unanswered"}
    assert first["results"] == [
        {"period_start": "2026-03", "actual": "3100", "unit": "litres"},
        {"period_start": "2026-04", "actual": "3350.5"},
    ]
    assert "results" not in second


def test_what_is_read_is_written():
    parsed = parse(PARTNERS, MAPPING)
    rendered = write(AI, parsed.records, MAPPING)
    changes = json.loads(rendered.content)["changes"]

    assert rendered.unrendered == ()
    assert parse(rendered.content, MAPPING).records == parsed.records
    assert [one["formId"] for one in changes] == ["cf4w", "cfmonth", "cfmonth", "cf4w"]
    assert changes[0]["fields"]["cq04"] == {"latitude": 3.12, "longitude": 43.65}
    assert changes[0]["fields"]["cq07"] == ["ceIDP", "ceHST"]
    assert changes[1]["parentRecordId"] == "cr0001"
    assert changes[1]["fields"]["cm02"] == 3100
    assert b"250000.50" in rendered.content


def test_the_same_records_are_written_under_the_same_ids():
    parsed = parse(PARTNERS, MAPPING)

    assert write(AI, parsed.records, MAPPING).content == write(AI, parsed.records, MAPPING).content
    changes = json.loads(write(AI, parsed.records, MAPPING).content)["changes"]
    assert len({one["recordId"] for one in changes}) == len(changes)


def test_every_envelope_says_the_same():
    found = parse([row(q1="A")]).records

    assert parse(row(q1="A")).records == found
    assert parse({"changes": [row(q1="A")]}).records == found
    assert parse({"records": [row(q1="A")], "form": {"id": "main"}}).records == found
    assert parse(json.dumps(row(q1="A")).encode() + b"\n").records == found
    lines = b"\n".join(json.dumps(row(f"r{n}", q1="A")).encode() for n in range(3))
    assert len(parse(lines).records) == 3


def test_a_parent_may_stand_after_its_sub_forms():
    months = [row("m1", "sub", "r1", m1=5), row("m2", "sub", "r1", m1=7)]

    assert parse([*months, row()]).records[0]["results"] == [{"actual": "5"}, {"actual": "7"}]


def test_a_sub_form_may_be_the_form():
    mapping = plan({"activity_name": "fields/q1", "project_code": "parentRecordId"}, form="sub")
    (record,) = parse([row("m1", "sub", "r1", q1="March")], mapping).records

    assert record["project_code"] == "r1"


@pytest.mark.parametrize(
    ("fields", "field", "value"),
    [
        ({"q2": {"latitude": 3, "longitude": 43.5, "accuracy": 4}}, "place",
         {"geo": {"type": "Point", "coordinates": [43.5, 3]}}),
        ({"q2": {"latitude": None, "longitude": None}}, "place", None),
        ({"q2": {}}, "place", None),
        ({"q3": ["i"]}, "beneficiary_group", ["IDP"]),
        ({"q3": []}, "beneficiary_group", None),
        ({"q3": ["i", "h"]}, "beneficiary_group", ["IDP", "HST"]),
        ({"q1": ["a"]}, "activity_name", "a"),
        ({"q4": 0.1}, "budget", "0.1"),
        ({"q1": None}, "activity_name", None),
    ],
)  # fmt: skip
def test_values(fields, field, value):
    assert one(**fields).get(field) == value


def test_the_time_of_the_last_edit_is_an_instant():
    parsed = parse(row() | {"lastEditTime": 1775030430})

    assert parsed.records[0]["source"] == {"source_date": "2026-04-01T08:00:30Z"}
    assert parse(row() | {"lastEditTime": 1775030430.75}).records == parsed.records
    assert "source" not in parse(row() | {"lastEditTime": None}).records[0]
    rendered = write(AI, parsed.records, plan())
    assert rendered.unrendered == ("activity.source.source_date",)
    assert "lastEditTime" not in json.loads(rendered.content)["changes"][0]


def test_attachments_are_a_repeat():
    mapping = plan({"results[]": {"each": "fields/files", "fields": {
        "indicator_name": "fields/files/name"}}})  # fmt: skip
    parsed = parse(row(files=[{"name": "a.pdf", "size": 3}]), mapping)

    assert parsed.records[0]["results"] == [{"indicator_name": "a.pdf"}]
    assert "fields/files/size" in parsed.unmapped
    written = json.loads(write(AI, parsed.records, mapping).content)
    assert written["changes"][0]["fields"] == {"files": [{"name": "a.pdf"}]}


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ({"databaseId": "d", "label": CANARY, "resources": []}, "activityinfo.database"),
        ([{"databaseId": "d", "label": CANARY}], "activityinfo.database"),
        ({"root": "f", "forms": {}}, "activityinfo.form"),
        ({"id": "f", "elements": []}, "activityinfo.form"),
        ({"rows": 3, "columns": {}}, "activityinfo.columns"),
        ({"code": "NOT_FOUND", "message": CANARY}, "activityinfo.error"),
        ([{"@id": "c1", "Name": CANARY}], "activityinfo.rows"),
        ({"entries": [{"recordId": "c1", "values": []}]}, "activityinfo.history"),
        (row(q1=["a", "b"]), "value.not_text"),
        ({CANARY: 1}, "activityinfo.not_records"),
        (7, "activityinfo.not_records"),
        ([7], "activityinfo.not_records"),
        ({"recordId": "r1", "formId": "main", "deleted": True}, "activityinfo.deleted"),
        (row() | {"fields": [CANARY]}, "activityinfo.not_records"),
        (row() | {"recordId": 7}, "activityinfo.id"),
        (row(""), "activityinfo.id"),
        (row(None), "activityinfo.id"),
        (row(f"{CANARY} x"), "activityinfo.id"),
        (row(form="a/b"), "activityinfo.id"),
        (row() | {"subforms": []}, "activityinfo.key"),
        ([row(), row()], "activityinfo.twice"),
        (row(form="other"), "activityinfo.other_form"),
        ([row(), row("m1", "sub", CANARY)], "activityinfo.other_form"),
        ([row(), row("m1", None, "r1")], "activityinfo.other_form"),
        ([row(), row("m1", "sub", "r1"), row("n1", "subsub", "m1")], "activityinfo.other_form"),
        (row(q2={"latitude": CANARY, "longitude": 3}), "activityinfo.geopoint"),
        (row(q2={"latitude": 3}), "activityinfo.geopoint"),
        (row(q2={"latitude": 43, "longitude": True}), "activityinfo.geopoint"),
        (row(q2={"latitude": 91, "longitude": 3}), "value.out_of_range"),
        (row(q3=[CANARY]), "code.unknown"),
        (row(q3=["i h"]), "value.not_text"),
        (row(q1=7), "value.not_text"),
        (row() | {"lastEditTime": CANARY}, "activityinfo.time"),
        (row() | {"lastEditTime": -1}, "activityinfo.time"),
        (row() | {"lastEditTime": True}, "activityinfo.time"),
        (b'{"recordId": "r1", "recordId": "r2", "formId": "main", "fields": {}}', "json.key_twice"),
        (b'[{"recordId": "r1", "formId": "main", "fields": {}}, {"recordId": "m", "formId": "sub",'
         b'"parentRecordId": "r1", "fields": {"m1": 1, "m1": 2}}]', "json.key_twice"),
        (b"recordId,q1\n", "json.invalid"),
    ],
)  # fmt: skip
def test_what_is_refused_and_by_which_rule(document, rule):
    assert refused(document)[0] == rule


def test_errors_name_the_line_and_the_field():
    lines = [row(), row("r2", q2={"latitude": CANARY, "longitude": 1})]
    content = b"\n".join(json.dumps(line).encode() for line in lines)

    assert refused(content) == ("activityinfo.geopoint", "line 2, fields/q2")


def test_without_a_form_all_records_must_be_of_one():
    mapping = plan({"activity_name": "fields/q1"}, form=None)

    assert len(parse([row("a"), row("b")], mapping).records) == 2
    assert refused([row("a"), row("b", "other")], mapping)[0] == "activityinfo.several_forms"
    with pytest.raises(SenderError) as caught:
        write(AI, parse([row("a", q1="A")], mapping).records, mapping)
    assert caught.value.rule == "activityinfo.no_form"


@pytest.mark.parametrize("mapping", [None, plan(name="kobo")])
def test_a_mapping_is_needed(mapping):
    with pytest.raises(SenderError) as caught:
        read(AI, PARTNERS, mapping)
    assert caught.value.rule in ("mapping.missing", "mapping.other_format")


def test_what_nobody_took_is_listed():
    unmapped = parse(row(q1="A", q9="x", **{f"{CANARY} x": 1}) | {"other": 1}).unmapped

    assert unmapped == ("?", "fields/q9", "formId", "other", "parentRecordId")


def test_an_altitude_has_no_place():
    record = one(q1="A")
    record["place"] = {"geo": {"type": "Point", "coordinates": [43.5, 3.0, 120.0]}}
    rendered = write(AI, [record], plan())

    assert rendered.unrendered == ("activity.place.geo",)


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
COORDINATES = st.tuples(st.integers(-180, 180), st.integers(-90, 90)).map(list)
RECORDS = st.fixed_dictionaries(
    {"record_type": st.just("activity"), "schema_version": st.just("1.0")},
    optional={
        "activity_name": WORDS,
        "place": st.fixed_dictionaries(
            {"geo": st.builds(lambda at: {"type": "Point", "coordinates": at}, COORDINATES)}
        ),
        "beneficiary_group": st.lists(st.sampled_from(["IDP", "HST"]), min_size=1, max_size=3),
        "budget": st.decimals(0, 10**9, places=2).map(str),
        "results": st.lists(
            st.integers(0, 99).map(lambda number: {"actual": str(number)}), min_size=1, max_size=3
        ),
        "comment": WORDS,
    },
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(RECORDS, max_size=3))
def test_every_record_comes_back_or_is_told_to_be_lost(found):
    several = [
        {**record, "record_id": f"info.example/r{number}"} for number, record in enumerate(found)
    ]
    rendered = write(AI, several, plan())
    lost = {leaf.split(".")[1].removesuffix("[]") for leaf in rendered.unrendered}

    kept = [{key: one[key] for key in one if key not in lost} for one in several]
    assert parse(rendered.content).records == kept
    assert lost <= {"comment"}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b'{"code": "CONFLICT", "message": "CanaryAmina"}', Outcome(None, "refused", "CONFLICT")),
        (b'{"code": "Canary Amina", "message": "x"}', Outcome(None, "refused")),
        (b'{"code": 400}', Outcome(None, "refused")),
        (b'{"message": "saved"}', Outcome(None, "unknown")),
        (b"{}", Outcome(None, "unknown")),
        (b"[]", Outcome(None, "unknown")),
        (b"", Outcome(None, "unknown")),
        (b"<html>", Outcome(None, "unknown")),
    ],
)
def test_only_a_refusal_is_clear(answer, outcome):
    assert outcomes(answer, 3) == [outcome]
