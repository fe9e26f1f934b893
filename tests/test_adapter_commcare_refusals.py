"""What is no CommCare data, and what any bytes at all are answered with."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.commcare import CommCare, CommCareXml
from gateway.adapter import read, write
from gateway.errors import OfficerError, SenderError
from gateway.mapping import plan_of, read_mapping
from tests.commcare_files import (
    BLOCK,
    BLOCK_XML,
    CANARY,
    CASE_NS,
    FORM,
    V1,
    V2,
    blocks,
    dumps,
    families,
    form,
    json_form,
    parse,
    person,
    refused,
    xml_form,
)

# -- refusals ------------------------------------------------------------------------------------

STUB = dumps({"received_on": "2026-01-01T00:00:00Z", "form_id": "f1", "case_ids": ["c1"]})
DEEP = "<a>" * 80 + "</a>" * 80


@pytest.mark.parametrize(
    ("content", "rule", "at"),
    [
        (b"", "json.empty", ""),
        (dumps(V1)[:-1], "json.truncated", None),
        (dumps(V1).replace(b"}}", b"},}"), "json.invalid", None),
        (STUB, "commcare.stub", "object 1"),
        (dumps("x"), "commcare.not_objects", ""),
        (dumps([V1, 1]), "source.not_object", "object 2"),
        (dumps([V1, [V1]]), "source.not_object", "object 2"),
        (dumps({"objects": [V1]}), "commcare.not_a_page", ""),
        (dumps({"hello": CANARY}), "commcare.not_objects", "object 1"),
        (dumps({"case_ids": ["c1"], "external_ids": []}), "commcare.not_objects", "object 1"),
        (dumps({**V1, "case_id": 7}), "value.not_text", "object 1, case_id"),
        (dumps([{**V1, "case_id": None}]), "mapping.no_id", "object 1"),
        (json_form(size="2"), "commcare.no_case", ""),
        (b"<a></b>", "xml.syntax", None),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "xml.doctype", ""),
        (b'<html xmlns="http://www.w3.org/1999/xhtml"/>', "commcare.definition", ""),
        (f'<update xmlns="{CASE_NS}"/>'.encode(), "commcare.not_objects", ""),
        (xml_form(DEEP), "xml.too_deep", None),
        (
            b'<OpenRosaResponse xmlns="http://openrosa.org/http/response">'
            b'<message nature="submit_success">ok</message></OpenRosaResponse>',
            "commcare.response",
            "",
        ),
        (dumps(V1).replace(b'"dob"', b'"dob": "1", "dob"'), "json.key_twice", "object 1, dob"),
        (
            dumps(V2).replace(b'"properties"', b'"properties": {}, "properties"'),
            "json.key_twice",
            "object 1, properties",
        ),
        (
            dumps(V2).replace(b'"last_mod', b'"last_modified": "", "last_mod'),
            "json.key_twice",
            "object 1, last_modified",
        ),
    ],
)
def test_what_is_no_data_is_refused_with_its_place(content, rule, at):
    found = refused(content)

    assert found[0] == rule
    assert at is None or found[1] == at


def test_a_mapping_for_forms_takes_no_case():
    assert refused(dumps(V1), form()) == ("commcare.case", "object 1")
    assert refused(BLOCK_XML, form()) == ("commcare.case", "case 1")


def test_an_unmapped_key_that_stands_twice_is_reported():
    parsed = parse(dumps(V1).replace(b'"dob"', b'"x": 1, "x": 2, "A B": 1, "A B": 2, "dob"'))

    assert parsed.repeated == ("?", "x")


def test_a_case_that_was_not_found_is_no_case():
    parsed = parse(dumps({"matching_records": 1, "cases": [V2, {"case_id": "x", "error": "n"}]}))

    assert len(parsed.records) == 1
    assert "error" in parsed.unmapped
    assert "object without a mapped value" not in parsed.unmapped


def test_a_mapping_is_for_cases_or_for_forms():
    fields = {"name.full_name": "properties/case_name", "ethnicity": "form/x"}

    with pytest.raises(OfficerError) as caught:
        parse(dumps(V1), person(fields=fields))
    assert caught.value.rule == "commcare.mixed_mapping"


def test_a_mapping_of_the_same_format_is_needed():
    other = plan_of({**FORM, "format": "kobo"}, at="t")

    for mapping, rule in ((None, "mapping.missing"), (other, "mapping.other_format")):
        with pytest.raises(SenderError) as caught:
            read(CommCare(), dumps(V1), mapping)
        assert caught.value.rule == rule


def test_what_nobody_mapped_is_listed_and_never_copied():
    odd = {
        **V1["properties"],
        "hiv_status": CANARY,
        f"{CANARY} Yusuf": "1",
        "+252 61 123": "x",
        "p252611234567": "",
    }
    photo = {f"{CANARY}.jpg": {"length": 1}}

    parsed = parse(dumps({**V1, "properties": odd, "attachments": photo}))

    assert {"properties/hiv_status", "attachments", "?"} <= set(parsed.unmapped)
    assert CANARY not in repr(parsed)
    assert "252611234567" not in repr(parsed)


def test_more_different_keys_than_any_form_has_are_refused():
    content = b"\n".join(
        json_form(case=BLOCK, **{f"q{n}_{m}": "" for m in range(200)}) for n in range(120)
    )

    assert refused(content)[0] == "source.too_many_keys"


# -- any bytes -----------------------------------------------------------------------------------

SOURCES = [dumps([V1, V2]), json_form(size="2", case=BLOCK), xml_form("<size>2</size>"), BLOCK_XML]


PLANS = (person(), families(), form(), blocks())


def answers(content: bytes) -> bool:
    """Parsed or `SenderError`, whatever the mapping; anything else escapes and fails the test."""
    for plan in PLANS:
        with contextlib.suppress(SenderError):
            parse(content, plan)
    return True


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=100)
    | st.sampled_from(SOURCES).flatmap(
        lambda s: st.binary(max_size=4).map(lambda b: s[:30] + b + s[30:])
    )
)
def test_any_bytes_are_an_answer(content):
    assert answers(content)


KEYS = st.sampled_from(
    ["case_id", "properties", "indices", "parent", "form", "case", "@case_id", "update", "create"]
) | st.sampled_from(
    ["objects", "meta", "cases", "data", "people", "one", "#text", "child_cases", "index", "close"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just("h1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_any_json_is_an_answer(value):
    assert answers(dumps(value))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_an_answer(data):
    content = bytearray(data.draw(st.sampled_from(SOURCES)))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=2))
        if not content:
            break

    assert answers(bytes(content))


VISIT = Path(__file__).parent.parent / "adapters/commcare/samples/visit-form.xml.mapping.yaml"


@pytest.mark.parametrize("local", ["\x85", "\x1c", "\x01"])
def test_a_form_whose_id_xml_would_lose_is_not_written(local):
    plan = read_mapping(VISIT)
    record = {"record_type": "household", "schema_version": "1.0"}
    record["record_id"] = f"{plan.authority}/{local}"

    with pytest.raises(SenderError) as caught:
        write(CommCareXml(), [record], plan)

    assert caught.value.rule == "commcare.no_form_id"
