"""Reading CommCare forms: repeats, texts, blanks, and the case blocks in them."""

import json

import pytest

from gateway.mapping import plan_of
from tests.commcare_files import (
    BLOCK,
    CANARY,
    FORM,
    blocks,
    dumps,
    form,
    json_form,
    parse,
    refused,
    xml_form,
)

# -- forms ---------------------------------------------------------------------------------------

PLACE = {"village": "Nour"}
ONE = {"who": {"name": "Amina"}}


@pytest.mark.parametrize(
    ("content", "people"),
    [
        (json_form(size="2", people={"one": ONE}), 1),
        (json_form(size="2", people={"one": [ONE, ONE]}), 2),
        (json_form(size="2", people={"one": [ONE, ""]}), 2),
        (json_form(size="2", people={"one": ""}), 0),
        (json_form(size="2", people=""), 0),
        (xml_form("<size>2</size><people><one><who><name>Amina</name></who></one></people>"), 1),
        (xml_form("<size>2</size>" + "<people><one/><one/></people>"), 2),
        (dumps({"data": json.loads(json_form(size="2", people={"one": [ONE, ONE]}))}), 2),
        (dumps({"objects": [json.loads(json_form(size="2"))], "meta": {}}), 0),
        (json.dumps(json.loads(json_form(size="2"))["form"]).encode(), 0),
    ],
)
def test_one_item_or_many_is_a_repeat_where_the_mapping_says_so(content, people):
    parsed = parse(content, form())

    assert parsed.records[0]["record_id"] == "hq.example/f1"
    assert parsed.records[0]["group_size"] == 2
    assert len(parsed.records) == 1 + people
    assert parsed.records[0]["source"]["source_url"] == "http://openrosa.org/formdesigner/A1"


def test_texts_with_attributes_are_texts():
    location = {"#text": "35.9 36.6 0 1", "@xmlns": "http://commcarehq.org/xforms"}

    parsed = parse(json_form(meta={"instanceID": "f1", "location": location}), form())

    assert parsed.records[0]["place"]["geo"]["coordinates"] == [36.6, 35.9]
    assert "form/meta/location/@xmlns" in parsed.unmapped


@pytest.mark.parametrize("empty", ["", " \n  ", None])
def test_a_blank_answer_is_no_answer(empty):
    assert parse(json_form(day="2026-01-01", size=empty), form()).records[0].keys() == {
        "record_type",
        "schema_version",
        "record_id",
        "registration_date",
        "source",
    }


def test_a_mapped_question_in_a_group_that_repeats_unsaid_is_refused():
    twice = [{"village": CANARY}, {"street": "1"}]

    assert refused(json_form(place=twice), form()) == (
        "commcare.repeated",
        "object 1, form/place/village",
    )
    xml = xml_form("<place><village>A</village></place><place><village>B</village></place>")
    assert refused(xml, form()) == ("commcare.repeated", "form 1, form/place/village")


def test_a_group_beside_case_blocks_of_its_name_is_one_group():
    root, item = FORM["records"]
    records = [{**root, "fields": {**root["fields"], "place.name": "form/case/village"}}, item]
    plan = plan_of({**FORM, "records": records}, at="t")

    parsed = parse(json_form(case=[BLOCK, BLOCK, PLACE]), plan)

    assert parsed.records[0]["place"]["name"] == "Nour"


def test_an_unmapped_group_may_repeat_and_is_listed():
    parsed = parse(json_form(size="1", visits=[{"a": "1"}, {"b": CANARY}]), form())

    assert {"form/visits/a", "form/visits/b"} <= set(parsed.unmapped)
    assert CANARY not in repr(parsed)


def test_json_and_xml_of_one_form_have_the_same_keys():
    xml = xml_form('<size a="1">2</size><place><village>Nour</village></place>')
    inner = {"size": {"@a": "1", "#text": "2"}, "place": PLACE}
    meta = {"@xmlns": "http://openrosa.org/jr/xforms", "instanceID": "f1"}
    both = {"#type": "data", "@version": "3", **inner, "meta": meta}

    first, second = parse(xml, form()), parse(json_form(**both), form())

    assert first.records == second.records
    assert set(second.unmapped) - set(first.unmapped) == {"domain"}
    assert set(first.unmapped) <= set(second.unmapped)


@pytest.mark.parametrize(
    ("each", "found"),
    [("case", ["Amina", "Plot"]), ("case/member", ["Amina"]), ("case/plot", ["Plot"])],
)
def test_case_blocks_of_a_form_are_a_repeat_for_the_mapping(each, found):
    plot = {**BLOCK, "@case_id": "c2", "create": {"case_type": "plot", "case_name": "Plot"}}

    parsed = parse(json_form(sub={"case": BLOCK}, land=[{"case": plot}]), blocks(each))

    people = parsed.records[1:]
    assert [one["name"]["full_name"] for one in people] == found
    assert people[0]["source"]["source_url"] in ("form/sub/case", "form/land/case")
