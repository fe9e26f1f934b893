"""Writing CommCare: bodies and submissions as HQ takes them."""

import json
import re
from typing import Any

import pytest
from lxml import etree

from adapters.commcare import CommCare, CommCareXml
from gateway.adapter import read, write
from gateway.errors import OfficerError, SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Record
from tests.commcare_files import (
    CASE_NS,
    FORM,
    PERSON,
    SAMPLES,
    V1,
    V2,
    blocks,
    dumps,
    families,
    form,
    json_form,
    parse,
    person,
)

ADAPTERS = [CommCare(), CommCareXml()]
BODY = {
    *("create", "case_id", "case_name", "case_type", "external_id", "owner_id", "properties"),
    *("indices", "close", "temporary_id"),
}
"""What API v2 knows in a body (its page *Case Data API v2*). It refuses any other key."""


def check_body(body: dict[str, Any]) -> None:
    """What HQ's API checks in a body of a list."""
    assert body.keys() <= BODY
    assert body.get("create") is False if "case_id" in body else "external_id" in body
    texts = [body.get(key, "") for key in ("case_id", "case_name", "case_type", "owner_id")]
    assert all(isinstance(text, str) for text in [*texts, *body.get("properties", {}).values()])
    for name in [*body.get("properties", {}), *body.get("indices", {})]:
        assert re.fullmatch("(?!xml)[A-Za-z_][A-Za-z0-9_.-]*", name)
    for index in body.get("indices", {}).values():
        assert len(index.keys() & {"case_id", "external_id"}) == 1
        assert index["case_type"]
        assert index["relationship"] in ("child", "extension")


def bodies(records: list[Record], plan: Plan) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    written = write(CommCare(), records, plan)
    found = json.loads(written.content)
    for body in found:
        check_body(body)
    return found, written.unrendered


def upserts() -> Plan:
    return person(id={"first": ["properties/external_id"]})


def test_a_case_with_an_id_is_updated_and_what_hq_sets_is_told_as_lost():
    [body], lost = bodies(parse(dumps(V1)).records, person())

    assert body == {
        "create": False,
        "case_id": "c1",
        "case_name": "Amina",
        "owner_id": "o1",
        "external_id": "E1",
        "properties": {"dob": "1990-05"},
        "indices": {"parent": {"case_id": "h1", "case_type": "household", "relationship": "child"}},
    }
    assert set(lost) == {
        "person.registration_date",
        "person.source.source_date",
        "person.source.source_name",
    }


def test_a_case_with_an_external_id_only_is_created_or_updated():
    [body], _ = bodies(parse(dumps(V1), upserts()).records, upserts())

    assert (body["external_id"], "create" in body, "case_id" in body) == ("E1", False, False)


def test_an_index_of_no_known_type_is_left_out_and_told():
    fields = {"name.full_name": "properties/case_name", "ethnicity": "indices/parent/case_id"}
    plan = person(fields=fields)

    [body], lost = bodies(parse(dumps(V1), plan).records, plan)

    assert "indices" not in body
    assert lost == ("person.ethnicity",)


def test_a_link_to_a_record_of_somebody_else_is_no_index():
    record = {**parse(dumps(V1)).records[0], "source": {"source_url": "other.example/h1"}}
    record["source"]["author_name"] = "household"

    [body], lost = bodies([record], person())

    assert "indices" not in body
    assert {"person.source.source_url"} <= set(lost)


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda one: one.name)
def test_the_same_case_twice_is_refused(adapter):
    records = parse(dumps(V1)).records * 2

    with pytest.raises(SenderError) as caught:
        write(adapter, records, person())
    assert (caught.value.rule, caught.value.at) == ("commcare.case_twice", "case 2")


def test_a_submission_wants_a_case_id():
    with pytest.raises(SenderError) as caught:
        write(CommCareXml(), parse(dumps(V1), upserts()).records, upserts())
    assert caught.value.rule == "commcare.no_case_id"


@pytest.mark.parametrize("name", ["xmlname", "2nd", "a b", "é"])
@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda one: one.name)
def test_a_property_with_a_name_hq_refuses_is_the_mapping_s_fault(adapter, name):
    plan = person(fields={"ethnicity": f"properties/{name}"})
    case = {**V1, "properties": {name: "1"}}

    with pytest.raises(OfficerError) as caught:
        write(adapter, parse(dumps(case), plan).records, plan)
    assert caught.value.rule == "commcare.name"


def blocks_of(content: bytes) -> list[Any]:
    root = etree.fromstring(content)
    assert etree.QName(root).namespace == "https://corridor.invalid/commcare/people"
    meta = root.find("{http://openrosa.org/jr/xforms}meta")
    assert meta is not None
    assert re.fullmatch("[0-9a-f-]{36}", meta.findtext("{*}instanceID"))
    return root.findall(f".//{{{CASE_NS}}}case")


def test_a_case_is_a_block_that_creates_where_all_is_known():
    fields = {**PERSON["records"][0]["fields"], "religion": "properties/case_type"}
    plan = person(fields=fields)

    [block] = blocks_of(write(CommCareXml(), parse(dumps(V1), plan).records, plan).content)

    assert dict(block.attrib) == {"case_id": "c1", "date_modified": V1["date_modified"]}
    tags = {etree.QName(one).localname: one for one in block}
    assert list(tags) == ["create", "update", "index"]
    created = {etree.QName(one).localname: one.text for one in tags["create"]}
    assert created == {"case_type": "member", "case_name": "Amina", "owner_id": "o1"}
    [parent] = tags["index"]
    assert (parent.text, dict(parent.attrib)) == (
        "h1",
        {"case_type": "household", "relationship": "child"},
    )


def test_a_block_without_a_type_updates():
    [block] = blocks_of(write(CommCareXml(), parse(dumps(V1)).records, person()).content)

    assert [etree.QName(one).localname for one in block] == ["update", "index"]


def test_only_a_block_that_creates_says_that_a_case_is_open():
    fields = {"is_disabled": {"from": "closed", "as": "boolean"}, "ethnicity": "properties/x"}
    plan = person(fields=fields)
    case = {**V1, "properties": {"x": "1"}}
    written = [
        write(CommCareXml(), parse(dumps({**case, "closed": closed}), plan).records, plan)
        for closed in (False, True)
    ]

    assert [one.unrendered for one in written] == [("person.is_disabled",), ()]
    assert read(CommCareXml(), written[1].content, plan).records[0]["is_disabled"] is True


def test_the_instance_id_is_of_the_content():
    one, two = parse(dumps(V1)).records, parse(dumps({**V1, "case_id": "c2"})).records

    first, again, other = (write(CommCareXml(), r, person()).content for r in (one, one, two))

    assert first == again
    assert first.split(b"instanceID")[1] != other.split(b"instanceID")[1]


def test_what_xml_cannot_hold_is_told_as_lost():
    [record] = parse(dumps(V1)).records
    record["name"]["full_name"] = "Amina\x0b"

    written = write(CommCareXml(), [record], person())

    assert "person.name.full_name" in written.unrendered
    assert read(CommCareXml(), written.content, person()).records[0].get("name") is None


def test_a_text_of_white_space_is_told_as_lost():
    [record] = parse(dumps(V1)).records
    record["name"]["full_name"] = " "

    _, lost = bodies([record], person())

    assert "person.name.full_name" in lost


@pytest.mark.parametrize("adapter", [CommCare(), CommCareXml()])
@pytest.mark.parametrize("notes", [["seen", " "], ["\t", "seen"]])
def test_an_item_of_white_space_in_a_list_of_lines_is_told_as_lost(adapter, notes):
    plan = read_mapping(SAMPLES / "referrals.json.mapping.yaml")
    head = {"record_type": "case", "schema_version": "1.0", "case_type": "referral"}
    record = {**head, "record_id": f"{plan.authority}/7", "note": notes}

    written = write(adapter, [record], plan)

    assert "case.note[]" in written.unrendered
    assert read(adapter, written.content, plan).records[0]["note"] == ["seen"]


def test_the_case_type_of_a_mapping_for_one_type_is_written():
    when = {"from": "properties/case_type", "is": ["member"]}
    fields = {
        "name.full_name": "properties/case_name",
        "protection.purpose": {"constant": "hum.assist", "when": when},
    }
    plan = person(fields=fields)

    [body], _ = bodies(parse(dumps(V2), plan).records, plan)

    assert body["case_type"] == "member"


def test_a_family_is_a_parent_and_then_its_children():
    content = (SAMPLES / "cases-v1.json").read_bytes()
    records = parse(content, families()).records

    found, _ = bodies(records, families())

    assert [one["case_type"] for one in found] == ["household", "member", "member"]
    assert {one["indices"]["parent"]["case_id"] for one in found[1:]} == {found[0]["case_id"]}


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda one: one.name)
def test_nothing_is_written_and_read_again(adapter):
    written = write(adapter, [], person())

    assert read(adapter, written.content, person()).records == []


# -- forms ---------------------------------------------------------------------------------------


def test_one_submission_is_one_form():
    records = parse(
        dumps([json.loads(json_form(size="1")), {"id": "f2", "form": {"size": "2"}}]), form()
    ).records

    with pytest.raises(SenderError) as caught:
        write(CommCareXml(), records, form())
    assert caught.value.rule == "commcare.one_submission"
    again = read(CommCare(), write(CommCare(), records, form()).content, form())
    assert again.records == records


def test_one_item_of_a_repeat_is_an_object_as_hq_has_it():
    one = {"who": {"name": "Amina"}}
    pages = [
        write(CommCare(), parse(json_form(people={"one": items}), form()).records, form())
        for items in ([one], [one, one])
    ]

    found = [json.loads(page.content)["objects"][0]["form"]["people"]["one"] for page in pages]
    assert found == [one, [one, one]]


def test_a_submission_has_the_namespaces_of_a_submission():
    location = {"#text": "35.9 36.6 0 0"}
    meta = {"instanceID": "f1", "location": location, "timeEnd": "2026-01-01T00:00:00Z"}
    records = parse(json_form(size="2", meta=meta), form()).records

    root = etree.fromstring(write(CommCareXml(), records, form()).content)

    assert root.tag == "{http://openrosa.org/formdesigner/A1}data"
    found = root.find("{http://openrosa.org/jr/xforms}meta")
    assert found is not None
    assert found.findtext("{http://openrosa.org/jr/xforms}instanceID") == "f1"
    assert found.findtext("{http://commcarehq.org/xforms}location")
    assert root.findtext("{http://openrosa.org/formdesigner/A1}size") == "2"


def test_the_case_blocks_of_a_form_are_written_where_they_stood():
    block = {"@case_id": "c1", "update": {"case_name": "Amina"}}
    content = json_form(sub={"case": block}, case=[{**block, "@case_id": "c2"}])
    records = parse(content, blocks()).records

    root = etree.fromstring(write(CommCareXml(), records, blocks()).content)

    assert len(root.findall(f"{{*}}sub/{{{CASE_NS}}}case")) == 1
    assert len(root.findall(f"{{{CASE_NS}}}case")) == 1
    page = write(CommCare(), records, blocks())
    assert read(CommCare(), page.content, blocks()).records == records


def test_what_stands_around_a_form_does_not_go_into_a_submission():
    root = FORM["records"][0]
    records = [
        {**root, "fields": {**root["fields"], "place.site_code": "app_id"}},
        FORM["records"][1],
    ]
    plan = plan_of({**FORM, "records": records}, at="t")
    content = dumps({**json.loads(json_form(size="1")), "app_id": "a1"})

    written = write(CommCareXml(), parse(content, plan).records, plan)

    assert written.unrendered == ("household.place.site_code",)
    assert write(CommCare(), parse(content, plan).records, plan).unrendered == ()
