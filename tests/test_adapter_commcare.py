"""Reading CommCare cases: every envelope, one vocabulary, types, and cases that are linked."""

from typing import Any

import pytest

from gateway.mapping import Plan, plan_of
from gateway.record import Parsed
from tests.commcare_files import (
    BLOCK,
    BLOCK_XML,
    CANARY,
    CASE_NS,
    PERSON,
    V1,
    V2,
    dumps,
    families,
    json_form,
    parse,
    person,
    refused,
    xml_form,
)

# -- one vocabulary ------------------------------------------------------------------------------

FULL = {
    "record_type": "person",
    "schema_version": "1.0",
    "record_id": "hq.example/c1",
    "name": {"full_name": "Amina"},
    "birth_date": "1990-05",
    "ethnicity": "o1",
    "religion": "child",
    "registration_date": "2026-01-01",
    "source": {
        "source_date": "2026-01-02T03:04:05.000000Z",
        "source_name": "amal",
        "source_url": "hq.example/h1",
        "author_name": "household",
    },
    "identifier": [{"identifier_type": "code", "identifier_value": "E1"}],
}


@pytest.mark.parametrize(
    "content",
    [
        dumps(V1),
        dumps(V2),
        dumps([V2]),
        dumps({"meta": {"limit": 1}, "objects": [V1]}),
        dumps({"matching_records": 1, "next": None, "cases": [V2]}),
        dumps({"xform_id": "x", "case": V2}),
        dumps({"data": V1, "references": []}),
        b"\xef\xbb\xbf" + dumps(V1),
        b"\n" + dumps(V1) + b"\n",
    ],
    ids=["v1", "v2", "list", "page v1", "page v2", "answer", "job", "bom", "lines around"],
)
def test_both_apis_say_the_same_of_a_case(content):
    assert parse(content).records == [FULL]


@pytest.mark.parametrize(
    "content",
    [
        BLOCK_XML,
        b'<?xml version="1.0" encoding="UTF-16"?>'.decode().encode("utf-16")
        + BLOCK_XML.decode().encode("utf-16")[2:],
        xml_form(f"<q>1</q><group>{BLOCK_XML.decode()}</group>"),
        b'<OpenRosaResponse xmlns="http://openrosa.org/http/response"><message>ok</message>'
        + BLOCK_XML
        + b"</OpenRosaResponse>",
        json_form(case=BLOCK),
        json_form(case=[BLOCK, {"unrelated": "1"}]),
        json_form(people=[{"case": BLOCK}, {"name": "x"}]),
    ],
    ids=["block", "utf-16", "in a form", "restore", "json", "beside a group", "in a repeat"],
)
def test_a_case_block_says_the_same_wherever_it_stands(content):
    [found] = parse(content).records

    # A block knows no project, and no date of opening but its own.
    expected = {**FULL, "source": {k: v for k, v in FULL["source"].items() if k != "source_name"}}
    assert found == {key: value for key, value in expected.items() if key != "registration_date"}


def test_lines_are_cases_and_each_keeps_its_line():
    content = dumps(V1) + b"\n\n" + dumps({**V2, "case_id": "c2"}) + b"\n"

    assert [one["record_id"] for one in parse(content).records] == [
        "hq.example/c1",
        "hq.example/c2",
    ]
    assert refused(content + dumps({**V1, "properties": {"dob": CANARY}})) == (
        "value.not_date",
        "line 4, properties/dob",
    )


def test_update_wins_over_create_and_silence_over_neither():
    block = {**BLOCK, "create": {"case_name": "A", "owner_id": "-", "case_type": "m"}}

    [found] = parse(json_form(case={**block, "update": {"case_name": "B", "dob": " \n "}})).records

    assert (found["name"]["full_name"], found["ethnicity"]) == ("B", "-")
    assert "birth_date" not in found


def test_zones_of_hours_alone_are_spelled_with_minutes():
    block = BLOCK_XML.replace(b"05.000000Z", b"05.000-04")

    assert parse(block).records[0]["source"]["source_date"] == "2026-01-02T03:04:05.000-04:00"


@pytest.mark.parametrize(
    ("block", "closed"),
    [
        (BLOCK, False),
        ({**BLOCK, "close": ""}, True),
        ({key: value for key, value in BLOCK.items() if key != "create"}, None),
    ],
    ids=["created", "closed", "updated"],
)
def test_a_block_says_whether_a_case_is_closed_only_where_it_knows(block, closed):
    fields = {
        "is_disabled": {"from": "closed", "as": "boolean"},
        "birth_date": {"from": "properties/dob", "as": "partial_date"},
    }

    assert (
        parse(json_form(case=block), person(fields=fields)).records[0].get("is_disabled") is closed
    )


def test_blocks_of_one_case_in_one_form_are_one_change():
    other = {"@case_id": "c1", "@xmlns": CASE_NS, "update": {"dob": "1990-05", "x": "1"}}

    assert len(parse(json_form(case=BLOCK, sub={"case": other})).records) == 1
    xml = f'<s><case xmlns="{CASE_NS}" case_id="c1"><update><x>1</x></update></case></s>'
    assert len(parse(xml_form(BLOCK_XML.decode() + xml)).records) == 1


@pytest.mark.parametrize("wrap", ["json", "xml"])
def test_blocks_of_one_case_that_disagree_are_refused(wrap):
    name = "<case_name>" + CANARY + "</case_name>"
    xml = f'<s><case xmlns="{CASE_NS}" case_id="c1"><update>{name}</update></case></s>'
    other = {"@case_id": "c1", "@xmlns": CASE_NS, "update": {"case_name": CANARY}}
    content = {
        "json": json_form(case=BLOCK, sub={"case": other}),
        "xml": xml_form(BLOCK_XML.decode() + xml),
    }

    rule, at = refused(content[wrap])

    assert (rule, at.rsplit(", ", 1)[-1]) == ("commcare.fact_twice", "properties/case_name")


def test_a_fact_said_twice_and_differently_is_refused():
    both = {**V2, "properties": {"case_name": CANARY}}

    assert refused(dumps(both)) == ("commcare.fact_twice", "object 1, properties/case_name")
    assert parse(dumps({**V2, "properties": {"case_name": ""}})).records[0]["name"] == FULL["name"]


# -- types ---------------------------------------------------------------------------------------


def typed(*types: str) -> Plan:
    codes = {one: "household" for one in types}
    fields = {"group_type": {"from": "properties/case_type", "as": "code", "codes": codes}}
    return plan_of(
        {
            **PERSON,
            "records": [{"type": "household", "id": {"first": ["case_id"]}, "fields": fields}],
        },
        at="typed",
    )


def test_cases_of_another_type_stay_behind_and_are_told():
    home = {**V2, "case_id": "c2", "case_type": "household"}

    parsed = parse(dumps([V1, home]), typed("household"))

    assert len(parsed.records) == 1
    assert "case of another type" in parsed.unmapped


def test_a_file_without_a_case_of_the_type_is_refused():
    assert refused(dumps([V1]), typed("household"))[0] == "commcare.case_type"


def test_a_case_without_a_type_is_of_none_but_a_request_may_leave_it_out():
    plan = plan_of(
        {
            **PERSON,
            "records": [
                {
                    **PERSON["records"][0],
                    "fields": {
                        "name.full_name": "properties/case_name",
                        "sex": {
                            "constant": "female",
                            "when": {"from": "properties/case_type", "is": ["woman"]},
                        },
                    },
                }
            ],
        },
        at="p",
    )
    body = {"create": False, "case_id": "c1", "case_name": "A"}

    assert len(parse(dumps([body]), plan).records) == 1
    assert refused(dumps([{"case_id": "c1", "case_name": "A"}]), plan)[0] == "commcare.case_type"


def test_a_case_with_nothing_mapped_is_no_empty_record():
    fields = {"birth_date": {"from": "properties/dob", "as": "partial_date"}}
    bare = {"case_id": "c2", "properties": {}}

    parsed = parse(dumps([V1, bare]), person(fields=fields))

    assert [one["record_id"] for one in parsed.records] == ["hq.example/c1"]
    assert "object without a mapped value" in parsed.unmapped
    assert refused(dumps([bare]), person(fields=fields))[0] == "commcare.nothing_mapped"


# -- linked cases --------------------------------------------------------------------------------


def house(name: str, **more: Any) -> dict[str, Any]:
    return {"case_id": name, "properties": {"case_type": "household", "village": name}, **more}


def member(name: str, parent: str, case_type: str = "member") -> dict[str, Any]:
    index = {"case_id": parent, "case_type": "household", "relationship": "child"}
    properties = {"case_type": case_type, "case_name": name}
    return {"case_id": name, "properties": properties, "indices": {"parent": index}}


def names(parsed: Parsed) -> dict[str, list[str]]:
    people = {
        one["record_id"]: one["name"]["full_name"]
        for one in parsed.records
        if one["record_type"] == "person"
    }
    return {
        one["record_id"].split("/")[1]: [people[m["member"]] for m in one.get("member_list", ())]
        for one in parsed.records
        if one["record_type"] == "household"
    }


CASES = [member("m1", "h1"), house("h1"), house("h2"), member("m2", "h2"), member("m3", "h1")]


@pytest.mark.parametrize("order", [CASES, CASES[::-1], CASES[2:] + CASES[:2]])
@pytest.mark.parametrize("lines", [False, True], ids=["list", "lines"])
def test_members_find_their_household_in_any_order(order, lines):
    content = b"\n".join(map(dumps, order)) if lines else dumps(order)

    found = names(parse(content, families()))

    assert {key: sorted(value) for key, value in found.items()} == {
        "h1": ["m1", "m3"],
        "h2": ["m2"],
    }


def test_a_page_that_repeats_a_family_says_the_same_again():
    parsed = parse(dumps(CASES * 3), families())

    assert parsed.records == parse(dumps(CASES), families()).records
    assert "case that stands twice" in parsed.unmapped


def test_a_member_that_comes_again_and_is_another_is_refused():
    other = member("m1", "h1")
    other["properties"]["case_name"] = CANARY

    assert refused(dumps([house("h1"), member("m1", "h1"), other]), families())[0] == (
        "commcare.case_twice"
    )


def test_who_has_no_place_is_told():
    grand = member("g1", "m1", "visit")
    lone = member("m9", "h9")

    parsed = parse(dumps([house("h1"), member("m1", "h1"), grand, lone]), families())

    assert names(parsed) == {"h1": ["m1"]}
    assert {"child case without a place", "case of another type"} <= set(parsed.unmapped)


def test_children_of_another_type_are_listed_by_their_keys():
    parsed = parse(dumps([house("h1"), member("p1", "h1", "plot")]), families())

    assert names(parsed) == {"h1": []}
    assert "child_cases" in parsed.unmapped


def test_a_case_that_points_to_itself_is_no_child():
    case = house("h1", indices={"parent": {"case_id": "h1", "case_type": "household"}})

    assert names(parse(dumps(case), families())) == {"h1": []}


def test_full_children_of_api_v1_are_read_as_children():
    children = {"parent": member("m1", "h1")}

    assert names(parse(dumps(house("h1", child_cases=children)), families())) == {"h1": ["m1"]}
    assert refused(dumps(house("h1", child_cases="x")), families())[0] == "source.not_repeat"
