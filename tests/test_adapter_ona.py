"""Ona: typed submissions, batches and Flow Results in, typed submissions out."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapters.ona
from adapters.ona import Ona
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed

CANARY = "CanaryAmina"
SAMPLES = Path(adapters.ona.__file__).parent / "samples"
PLAN = read_mapping(SAMPLES / "mapping.yaml")
FLOW = read_mapping(SAMPLES / "flow.json.mapping.yaml")
LIST = (SAMPLES / "list.json").read_bytes()

TABLE: dict[str, Any] = {
    "mapping": "small",
    "version": "1",
    "format": "ona",
    "authority": "ona.example",
    "records": [
        {
            "type": "household",
            "id": {"first": ["_uuid"]},
            "fields": {
                "poverty_score": {"from": "score", "as": "decimal"},
                "group_size": {"from": "*/size", "as": "integer"},
                "place.name": "town",
                "place.admin_level": {"from": "code", "as": "integer"},
                "place.site_code": "code",
                "member_list[]": {"each": "kids", "fields": {"member": {"member": "person"}}},
            },
        },
        {
            "type": "person",
            "each": "kids",
            "fields": {"age.years": {"from": "kids/age", "as": "integer"}},
        },
    ],
}
SMALL = plan_of(TABLE, at="table")


def parse(content: bytes, plan: Plan = SMALL) -> Parsed:
    return read(Ona(), content, plan)


def refused(content: bytes, plan: Plan = SMALL) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content, plan)
    assert CANARY not in str(caught.value)
    return caught.value.rule, caught.value.at


ONE = b'{"_uuid": "1", "g/size": 4, "score": 1.50, "kids": [{"kids/age": 3}]}'


@pytest.mark.parametrize(
    "content",
    [
        ONE,
        b"[" + ONE + b"]",
        b'{"count": 1, "next": null, "previous": null, "results": [' + ONE + b"]}",
        b'{"id": "f", "submission": {"_uuid": "1", "g": {"size": 4}, "score": 1.50,'
        b' "kids": [{"age": 3}]}}',
        b"<f id='f'><_uuid>1</_uuid><g><size>4</size></g><score>1.50</score>"
        b"<kids><age>3</age></kids></f>",
    ],
    ids=["object", "list", "page", "posted", "xml"],
)
def test_every_notation_holds_the_same_submission(content):
    household, child = parse(content).records

    assert (household["record_id"], household["group_size"]) == ("ona.example/1", 4)
    assert household["poverty_score"] == "1.50"
    assert child["age"] == {"years": 3}


def test_lines_of_json_are_submissions():
    assert len(parse(ONE + b"\n" + ONE + b"\n").records) == 4


@pytest.mark.parametrize(
    ("content", "rule", "at"),
    [
        (b'{"_uuid": "1", "size": 4.0}', "value.not_integer", "submission 1, */size"),
        (b'{"_uuid": "1", "town": 7}', "value.not_text", "submission 1, town"),
        (b'{"_uuid": "1", "size": 1, "size": 2}', "json.key_twice", "submission 1, size"),
        (b'{"size": 1}', "mapping.no_id", "submission 1"),
        (b"3", "ona.not_submissions", ""),
        (b'{"data": {}}', "ona.not_submissions", ""),
        (b'{"data": {"attributes": {"resources": []}}}', "ona.flow_descriptor", ""),
        (b'{"type": "FeatureCollection"}', "ona.geojson", ""),
        (b'{"type": "survey", "children": []}', "ona.form_definition", ""),
        (b"a,b\n1,2\n", "ona.csv", ""),
        (b"PK\x03\x04", "ona.zip", ""),
        (b"<osm/>", "ona.osm", ""),
        (b"<f id='f'><base64EncryptedKey>k</base64EncryptedKey></f>", "ona.encrypted", ""),
        (b'{"_uuid": "1", "encryptedXmlFile": "a"}', "ona.encrypted", ""),
    ],
)
def test_what_is_no_submission_is_refused(content, rule, at):
    assert refused(content) == (rule, at)


# -- Flow Results ------------------------------------------------------------------------------


def rows(*found: Any) -> bytes:
    return json.dumps({"data": {"type": "responses", "attributes": {"responses": found}}}).encode()


def row(session: Any = "s1", question: Any = "q_people", answer: Any = "35", **more: Any) -> Any:
    named = {"contact": "c1", "metadata": {}, **more}
    time = "2026-04-05 08:00:01"
    return [time, "9", named["contact"], session, question, answer, named["metadata"]]


def test_rows_of_a_session_are_one_submission():
    parsed = parse((SAMPLES / "flow.json").read_bytes(), FLOW)

    assert [one["record_id"].split("/")[1] for one in parsed.records] == ["s-55", "s-56"]
    assert (parsed.records[0]["sector_code"], parsed.records[0]["population"]) == ("WSH", 35)
    assert parsed.records[0]["source"]["source_date"] == "2026-04-05T08:00:01Z"
    assert "q_sector/type" in parsed.unmapped


def test_sessions_may_be_mixed_and_rows_may_stand_alone():
    content = json.dumps([row("s1"), row("s2"), row("s1", "q_sector", "Water")]).encode()

    assert [one.get("sector_code") for one in parse(content, FLOW).records] == ["WSH", None]


@pytest.mark.parametrize(
    ("content", "rule", "at"),
    [
        (rows(row()[:6]), "ona.flow_rows", "row 1"),
        (rows(row(), CANARY), "ona.flow_rows", "row 2"),
        (rows(row(), row(contact="c2")), "ona.flow_rows", "row 2"),
        (rows(row(session=5)), "ona.flow_rows", "row 1"),
        (rows(row(question="")), "ona.flow_rows", "row 1"),
        (rows(row(metadata="x")), "ona.flow_rows", "row 1"),
        (rows(row(), row(answer="36")), "json.key_twice", "session 1, q_people"),
    ],
)
def test_rows_that_are_none_are_refused(content, rule, at):
    assert refused(content, FLOW) == (rule, at)


# -- writing -----------------------------------------------------------------------------------


def test_the_list_is_written_and_read_again():
    first = parse(LIST, PLAN).records

    written = write(Ona(), first, PLAN)

    assert (written.media_type, written.unrendered) == ("application/json", ())
    assert parse(written.content, PLAN).records == first
    found = orjson.loads(written.content)
    assert (found[0]["severity"], found[0]["people"]) == (4, 640)
    assert found[0]["site/gps"].startswith("27.9 84.6 1320")


def test_numbers_are_typed_in_repeats_and_only_where_the_mapping_reads_numbers():
    household, child = parse(ONE).records
    household["place"] = {"name": "12", "site_code": "5", "admin_level": 5}

    content = write(Ona(), [household, child], SMALL).content

    found = orjson.loads(content)[0]
    assert found["kids"] == [{"kids/age": 3}]
    assert b'"score":1.50' in content
    # A question that one line reads as text and another as number was one text.
    assert (found["town"], found["code"]) == ("12", "5")
    assert parse(content).records == [household, child]


def test_no_record_is_an_empty_list():
    assert write(Ona(), [], SMALL).content == b"[]"


# -- any JSON ----------------------------------------------------------------------------------

KEYS = [
    "_uuid",
    "size",
    "score",
    "kids",
    "kids/age",
    "results",
    "count",
    "id",
    "data",
    "submission",
    "attributes",
    "responses",
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
def test_any_json_is_an_answer(value):
    assert answers(json.dumps(value).encode())
    assert answers(rows(value, [value] * 7))
    assert answers(json.dumps({"id": "f", "submission": {"_uuid": "1", "g": value}}).encode())
