"""KoboToolbox payloads: every envelope, every trap, every real file, and any bytes at all."""

import json
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.kobo import Kobo
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import plan_of
from gateway.record import Parsed, leaves, walk
from gateway.source.objects import MAX_DEPTH
from tests.mapping_tables import TABLE, every_line, hope

CANARY = "CanaryAmina"
PAYLOAD = (
    Path(__file__).resolve().parent.parent / "deploy/demo/payloads/households.json"
).read_bytes()
ONE = b'{"_uuid": "1", "size": "4", "people": [{"name": "A"}]}'


def parse(content: bytes) -> Parsed:
    return read(Kobo(), content, every_line())


def refused(content: bytes) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.rule, caught.value.at


@pytest.mark.parametrize(
    "content",
    [
        ONE,
        b"[" + ONE + b"]",
        b'{"count": 1, "next": null, "previous": null, "results": [' + ONE + b"]}",
        b"\xef\xbb\xbf" + ONE,
        b"\n\n" + ONE + b"\r\n",
        ONE.replace(b'"A"', b'"A", "p": "\\": \\": \\":"'),
        ONE.replace(b'"size"', b'"size" \t\r\n '),
        ONE.replace(b"}]", b', "x": 123456789012345678901234567890, "y": -0.0e5}]'),
    ],
    ids=["object", "list", "page", "bom", "lines around", "colon in text", "space", "big number"],
)
def test_every_envelope_holds_the_same_submission(content):
    household, person = parse(content).records

    assert (household["record_id"], household["group_size"]) == ("kobo.example/1", 4)
    assert person["name"] == {"full_name": "A"}


def test_lines_of_json_are_submissions():
    content = ONE + b"\n\r\n" + ONE.replace(b'"1"', b'"2"') + b"\n"

    found = parse(content).records

    assert [one["record_id"] for one in found if one["record_type"] == "household"] == [
        "kobo.example/1",
        "kobo.example/2",
    ]


def test_an_empty_page_has_no_records():
    assert parse(b'{"count": 0, "results": []}').records == []


@pytest.mark.parametrize(
    ("content", "rule", "at"),
    [
        (b"", "json.empty", ""),
        (b" \n\t", "json.empty", ""),
        (b"\xef\xbb\xbf", "json.empty", ""),
        (ONE[:-1], "json.truncated", "line 1, column 54"),
        (ONE[:20], "json.truncated", "line 1, column 21"),
        (b'[{"_uuid": "' + CANARY.encode(), "json.truncated", "line 1, column 24"),
        (b'{"a":\n 1,\n "' + CANARY.encode() + b'" 2}', "json.invalid", "line 3, column 15"),
        (b'{"a": NaN}', "json.invalid", "line 1, column 7"),
        (b'{"a": Infinity}', "json.invalid", "line 1, column 7"),
        (b'{"a": 01}', "json.invalid", "line 1, column 8"),
        (b"{'a': 1}", "json.invalid", "line 1, column 2"),
        (b'{"a": 1,}', "json.invalid", "line 1, column 9"),
        (b'{"a": "\\ud800"}', "json.not_utf8", ""),
        (b'{"a": "\xff"}', "json.not_utf8", ""),
        (ONE.decode().encode("utf-16"), "json.not_utf8", ""),
        (b"[" * 1100 + b"]" * 1100, "json.too_deep", ""),
        (b"[" * 900 + b"]" * 900, "json.too_deep", ""),
        (b'{"a":' * 900 + b"1" + b"}" * 900, "json.too_deep", ""),
        (b'{"_uuid": "1", "x": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "json.too_deep", ""),
        (b'"' + CANARY.encode() + b'"', "kobo.not_submissions", ""),
        (b"1", "kobo.not_submissions", ""),
        (b"null", "kobo.not_submissions", ""),
        (b'[{"_uuid": "1"}, "' + CANARY.encode() + b'"]', "source.not_object", "submission 2"),
        (b'{"results": [' + ONE + b"]}", "kobo.not_a_page", ""),
        (b'{"count": 1, "results": {}}', "mapping.no_id", "submission 1"),
        (ONE + b"\n" + ONE[:-1], "json.truncated", "line 2"),
        (ONE + b"\n\n" + b"{" + CANARY.encode() + b"}", "json.invalid", "line 3"),
        (ONE + b"\n" + b"1", "kobo.not_submissions", "line 2"),
        (
            ONE + b"\n" + b'{"_uuid": "2", "size": "' + CANARY.encode() + b'"}',
            "value.not_integer",
            "line 2, size",
        ),
        (b"[]\n[]", "json.invalid", "line 2, column 1"),
    ],
)
def test_what_is_not_kobo_s_json_is_refused_with_its_place(content, rule, at):
    found = refused(content)

    assert found[0] == rule
    assert found[1].split(", column")[0] == at.split(", column")[0]


def test_nesting_no_form_has_is_the_only_nesting_refused():
    inner = MAX_DEPTH - 2
    content = b'{"_uuid": "1", "x": ' + b"[" * inner + b"]" * inner + b"}"

    assert len(parse(content).records) == 1


def test_a_page_that_is_not_the_last_says_so():
    page = b'{"count": 9, "next": "https://kobo.example/?start=1", "results": [' + ONE + b"]}"

    assert "next" in parse(page).unmapped


def test_what_an_integration_tool_wrapped_is_one_submission():
    wrapped = b'{"body": ' + ONE[:-1] + b', "_xform_id_string": "a"}, "form": "b"}'

    parsed = parse(wrapped)

    assert parsed.records[0]["record_id"] == "kobo.example/1"
    assert {"form", "_xform_id_string"} <= {*parsed.unmapped}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b'{"asset_type": "survey", "uid": "a"}', "kobo.form_definition"),
        (b'{"type": "survey", "children": []}', "kobo.form_definition"),
        (b'{"type": "FeatureCollection", "features": []}', "kobo.geojson"),
        (b'{"openapi": "3.0.3"}', "kobo.not_submissions"),
        (b'"start";"end";"name"\n"1";"2";"A"\n', "kobo.csv"),
        (b"\xef\xbb\xbfstart,end\r\n1,2\r\n", "kobo.csv"),
        (b"start\tend\n1\t2\n", "kobo.csv"),
        (b"PK\x03\x04rest", "kobo.zip"),
        (b"\xd0\xcf\x11\xe0rest", "kobo.xls"),
    ],
)
def test_the_family_s_other_files_are_refused_by_what_they_are(content, rule):
    assert refused(content) == (rule, "")


# -- JSON as devices post it -------------------------------------------------------------------

POSTED = {
    "id": "form",
    "submission": {
        "meta": {"id": "uuid:7"},
        "a": {"size": 4, "b": {"score": 1.5, "scope": ["a", "b"]}},
        "people": [{"name": "A", "x": {"role": "head"}}, {"name": "B"}],
        "asked": None,
        "tribe": {"of": CANARY},
    },
}


def posted(document: object = None) -> bytes:
    text = json.dumps(POSTED if document is None else document)
    return text.replace("1.5", "1.50").encode()


def test_a_posted_submission_is_the_flat_one_of_the_api():
    table = {**TABLE["records"][0]["fields"], "group_size": {"from": "a/size", "as": "integer"}}
    first = {**TABLE["records"][0], "fields": table}
    plan = plan_of({**TABLE, "records": [first, TABLE["records"][1]]}, at="t")

    parsed = read(Kobo(), posted(), plan)

    household, head, other = parsed.records
    assert household["record_id"] == "kobo.example/7"
    assert (household["group_size"], household["poverty_score"]) == (4, "1.50")
    assert household["protection"]["consent"]["scope"] == ["a", "b"]
    assert household["group_head"] == head["record_id"]
    assert [one["name"]["full_name"] for one in (head, other)] == ["A", "B"]
    assert parsed.unmapped == ("@id", "asked", "tribe/of")
    assert parsed.lineage["person.name.full_name"] == "people/name"


def test_a_repeat_that_came_once_may_be_an_object():
    once = {"id": "f", "submission": {"meta/id": "1", "people": {"name": "A"}}}

    assert parse(posted(once)).records[1]["name"] == {"full_name": "A"}


def test_choices_that_one_text_cannot_hold_stay_a_list_and_are_refused():
    spaced = {"id": "f", "submission": {"meta/id": "1", "scope": ["a b"]}}

    assert refused(posted(spaced)) == ("value.not_text", "submission 1, */scope")


@pytest.mark.parametrize(
    "content",
    [
        b'{"id": "f", "submission": {"meta/id": "1", "size": "1", "size": "2"}}',
        b'{"id": "f", "submission": {"g": {"x": "1"}, "g/x": "2", "meta/id": "1"}}',
    ],
)
def test_a_posted_question_answered_twice_is_refused(content):
    assert refused(content)[0] == "json.key_twice"


# -- keys that stand twice ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "second",
    [
        b'"size": "5"',
        b'"size" : "5"',
        b'"size"\n\t: "5"',
        b'"si\\u007ae": "5"',
        b'"size": null',
        b'"size": ""',
    ],
)
def test_a_mapped_key_that_stands_twice_is_refused(second):
    assert refused(ONE[:-1] + b", " + second + b"}") == ("json.key_twice", "submission 1, size")


def test_a_mapped_key_that_stands_twice_in_a_repeat_is_refused():
    content = b'[{"_uuid": "1"}, ' + ONE.replace(b'"A"', b'"A", "name": "B"') + b"]"

    assert refused(content) == ("json.key_twice", "submission 2, name")


def test_a_mapped_key_that_stands_twice_on_a_line_is_refused_with_its_line():
    content = ONE + b"\n" + b'{"_uuid": "2", "size": "4", "size": "5"}'

    assert refused(content) == ("json.key_twice", "line 2, size")


def test_a_group_s_name_is_not_quoted_where_it_may_be_anything():
    group = f"{CANARY} Yusuf/size".encode()
    content = b'{"_uuid": "1", "' + group + b'": "4", "' + group + b'": "5"}'
    plan = plan_of(
        {
            **TABLE,
            "records": [
                {
                    **TABLE["records"][0],
                    "fields": {"group_size": {"from": "*/size", "as": "integer"}},
                }
            ],
        },
        at="t",
    )

    with pytest.raises(SenderError) as caught:
        read(Kobo(), content, plan)

    assert (caught.value.rule, caught.value.at) == ("json.key_twice", "submission 1, ?")


def test_a_key_that_stands_twice_with_one_value_is_fine():
    parsed = parse(ONE[:-1] + b', "size": "4", "end": "1", "end": "1"}')

    assert (parsed.records[0]["group_size"], parsed.repeated) == (4, ())


def test_an_unmapped_key_that_stands_twice_is_reported():
    parsed = parse(ONE[:-1] + b', "end": "1", "end": "2", "A Name": 1, "A Name": 2}')

    assert parsed.repeated == ("?", "end")


def test_an_unmapped_object_may_repeat_keys_too():
    parsed = parse(ONE[:-1] + b', "_attachments": [{"a": 1, "a": 2}]}')

    assert parsed.repeated == ("a",)


@pytest.mark.parametrize("key", ["results", "count"])
def test_a_page_s_own_key_that_stands_twice_is_refused(key):
    page = {"results": b"[" + ONE + b"]", "count": b"1"}
    content = b'{"count": 2, "results": [], "' + key.encode() + b'": ' + page[key] + b"}"

    assert refused(content) == ("json.key_twice", "page")


def test_two_parsers_must_agree():
    # orjson reads it, and Python's own parser refuses so many digits.
    content = ONE[:-1] + b', "end": 1, "end": ' + b"9" * 5000 + b"}"

    assert refused(content)[0] == "json.invalid"


# -- what is not in a submission ---------------------------------------------------------------


@pytest.mark.parametrize(
    "field", ["base64EncryptedKey", "encryptedXmlFile", "data/base64EncryptedKey"]
)
def test_an_encrypted_submission_is_refused(field):
    content = json.dumps({"_uuid": "1", field: CANARY}).encode()

    assert refused(content)[0] == "kobo.encrypted"


def test_a_submission_without_an_id_is_refused():
    assert refused(b'{"size": "4"}') == ("mapping.no_id", "submission 1")


def test_a_vendor_s_new_column_is_listed_and_never_copied():
    content = json.dumps(
        {
            "_uuid": "1",
            "new/tribe": CANARY,
            f"{CANARY} Yusuf": "x",
            "people": [{"people/hiv": CANARY, "name": "A"}],
        }
    ).encode()

    parsed = parse(content)

    assert parsed.unmapped == ("?", "new/tribe", "people/hiv")
    assert CANARY not in repr(parsed.records)
    assert CANARY not in repr(parsed)


def test_lineage_shows_no_key_that_may_be_a_name():
    content = json.dumps({"_uuid": "1", f"{CANARY} Y/score": "1", "a/score": "1"}).encode()

    lineage = parse(content).lineage

    assert lineage["household.poverty_score"] == "? | a/score"


def test_a_mapping_of_the_same_format_is_needed():
    other = plan_of({**TABLE, "format": "hxl"}, at="t")

    for mapping, rule in ((None, "mapping.missing"), (other, "mapping.other_format")):
        with pytest.raises(SenderError) as caught:
            read(Kobo(), ONE, mapping)
        with pytest.raises(SenderError) as again:
            write(Kobo(), [], mapping)
        assert caught.value.rule == again.value.rule == rule


def test_the_demo_s_households_are_written_and_read_again():
    plan = hope()
    first = read(Kobo(), PAYLOAD, plan)

    written = write(Kobo(), first.records, plan)

    again = read(Kobo(), written.content, plan)
    assert written.media_type == "application/json"
    assert written.unrendered == ("household.source.source_date_zone",)
    assert [one["record_type"] for one in again.records].count("household") == 3
    for record in first.records:
        record.get("source", {}).pop("source_date_zone", None)
    assert again.records == first.records
    assert written.lineage["person.name.full_name"] == "*/full_name_i_c"
    assert written.lineage["person.protection.purpose"] == "constant"
    page = orjson.loads(written.content)
    assert (page["count"], len(page["results"])) == (3, 3)
    assert (page["next"], page["previous"]) == (None, None)


# -- real files --------------------------------------------------------------------------------


def test_a_real_file_s_answers_arrive(samples: Callable[[str], Path]):
    content = samples("kobo/open/hope_kobo_submissions.json").read_bytes()

    people = [
        one for one in read(Kobo(), content, hope()).records if one["record_type"] == "person"
    ]

    assert all(any(True for _ in walk(one, ("name", "full_name"))) for one in people)
    assert {leaf for one in people for leaf in one} >= {"birth_date", "sex", "name"}
    assert "birth_date" in leaves("person")


# -- any bytes ---------------------------------------------------------------------------------


PLAN = hope()


def answers(content: bytes) -> bool:
    """Parsed or `SenderError`; anything else escapes and fails the test."""
    try:
        return isinstance(read(Kobo(), content, PLAN), Parsed)
    except SenderError as error:
        return bool(error.rule)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf[")
@example(b"{}\n{}\xff")
@example(b'{"\\ud800": 1}\n{}')
def test_any_bytes_are_an_answer(content):
    assert answers(content)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_payload_is_an_answer(data):
    content = bytearray(PAYLOAD)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        how = data.draw(st.sampled_from(["flip", "cut", "drop", "double"]))
        if how == "flip":
            content[place] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del content[place + 1 :]
        elif how == "drop":
            del content[place : place + data.draw(st.integers(1, 30))]
        else:
            content[place:place] = content[place : place + 30]
        if not content:
            break

    assert answers(bytes(content))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "_uuid",
                    "meta/instanceID",
                    "individual_questions",
                    "x/birth_date_i_c",
                    "results",
                    "count",
                    "a",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_any_json_is_an_answer(value):
    assert answers(json.dumps(value).encode())
