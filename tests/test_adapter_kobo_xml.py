"""OpenRosa XML as Kobo takes and gives it: what it means, what is ambiguous, what is refused."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapters.kobo
from adapters.kobo import Kobo, KoboXml
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed

CANARY = "CanaryAmina"
SAMPLES = Path(adapters.kobo.__file__).parent / "samples"
MAPPING = SAMPLES / "kobo.xml" / "mapping.yaml"
PLAN = read_mapping(MAPPING)
SUBMISSION = (SAMPLES / "kobo.xml" / "submission.xml").read_bytes()
META = "<meta><instanceID>uuid:1</instanceID></meta>"


def table(fields: dict[str, Any], *, ids: tuple[str, ...] = ("meta/instanceID",)) -> Plan:
    """A mapping of one household, with persons where the repeat `p` is."""
    first = {
        "type": "household",
        "id": {"first": list(ids), "without": "uuid:"},
        "fields": {"member_list[]": {"each": "p", "fields": {"member": {"member": "person"}}}}
        | fields,
    }
    person = {"type": "person", "each": "p", "fields": {"name.full_name": "p/name"}}
    document = {
        "mapping": "small",
        "version": "1",
        "format": "kobo",
        "authority": "kobo.example",
        "records": [first, person],
    }
    return plan_of(document, at="table")


SMALL = table({"place.name": "g/town", "group_size": {"from": "*/size", "as": "integer"}})


def form(inner: str, *, attributes: str = 'id="f"', meta: str = META) -> bytes:
    return f"<data {attributes}>{inner}{meta}</data>".encode()


def parse(content: bytes, plan: Plan = SMALL) -> Parsed:
    return read(KoboXml(), content, plan)


def refused(content: bytes, plan: Plan = SMALL) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content, plan)
    assert CANARY not in str(caught.value)
    return caught.value.rule, caught.value.at


# -- what an instance means --------------------------------------------------------------------


def test_groups_become_paths_and_attributes_keys():
    parsed = parse(
        form(
            "<g><town>Kismayo</town></g><n><size>3</size></n><age hxl='#age'>9</age>",
            attributes='id="f" version="4"',
        )
    )

    assert parsed.records[0]["place"] == {"name": "Kismayo"}
    assert parsed.records[0]["group_size"] == 3
    assert parsed.unmapped == ("@id", "@version", "age", "age/@hxl")
    assert parsed.lineage["household.place.name"] == "g/town"


def test_both_adapters_of_the_family_read_both_notations():
    for adapter in (Kobo(), KoboXml()):
        for name in ("page.json", "pages.xml", "posted.json"):
            content = (SAMPLES / name).read_bytes()
            assert read(adapter, content, PLAN).records == read(Kobo(), content, PLAN).records


@pytest.mark.parametrize(
    "meta",
    [
        '<orx:meta xmlns:orx="http://openrosa.org/xforms">'
        "<orx:instanceID>uuid:1</orx:instanceID></orx:meta>",
        '<meta xmlns="http://openrosa.org/xforms"><instanceID>uuid:1</instanceID></meta>',
        "<meta><instanceID><![CDATA[uuid:1]]></instanceID></meta>",
        "<meta>\n  <!-- made by hand -->\n  <instanceID>uuid:1</instanceID>\n</meta>",
    ],
    ids=["prefix", "default", "cdata", "comment"],
)
def test_the_same_meta_in_any_spelling(meta):
    assert parse(form("", meta=meta)).records[0]["record_id"] == "kobo.example/1"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_repeat_of_the_mapping_is_one_however_often_it_came(count):
    items = "".join(f"<p><name>N{number}</name></p>" for number in range(count))

    names = [one["name"]["full_name"] for one in parse(form(items)).records[1:]]

    assert names == [f"N{number}" for number in range(count)]


def test_a_repeat_that_never_came_is_no_member():
    assert len(parse(form("")).records) == 1


def test_a_template_of_a_repeat_is_no_item():
    template = '<p xmlns:jr="http://openrosa.org/javarosa" jr:template=""><name/></p>'

    parsed = parse(form(template + "<p><name>A</name></p>"))

    assert [one["record_type"] for one in parsed.records] == ["household", "person"]
    assert "p/@template" in parsed.unmapped


def test_empty_elements_are_no_answers():
    parsed = parse(form("<g>\n  <town/>\n</g><n><size> \n </size></n>"))

    assert parsed.records[0].keys() == {"record_type", "schema_version", "record_id"}


def test_white_space_of_an_answer_stays():
    assert parse(form("<g><town> A\n</town></g>")).records[0]["place"]["name"] == " A\n"


# -- what is ambiguous -------------------------------------------------------------------------


def test_a_group_that_came_twice_is_refused_where_it_is_mapped():
    assert refused(form("\n<g><town>A</town></g>\n<g><town>A</town></g>")) == (
        "openrosa.repeated",
        "line 3, g/town",
    )


def test_a_group_that_came_twice_is_listed_where_it_is_not_mapped():
    inner = f"<v><a>1</a></v><v><b><c>{CANARY}</c></b></v>"

    assert {"v/a", "v/b/c"} <= {*parse(form(inner)).unmapped}


def test_a_repeat_in_a_repeat_is_no_repeat_of_the_mapping():
    inner = "<p><name>A</name><q><size>1</size></q><q><size>2</size></q></p>"

    assert refused(form(inner)) == ("openrosa.repeated", "line 1, p/q/size")


def test_what_is_named_like_the_repeat_inside_an_item_is_no_item():
    document = {**SMALL.document}
    first, person = document["records"]
    document["records"] = [{**first, "fields": {}}, {**person, "each": "*/p"}]
    plan = plan_of(document, at="t")

    parsed = parse(form("<p><x><p><name>A</name></p></x></p>"), plan)

    assert len(parsed.records) == 2
    assert "p/x/p/name" in parsed.unmapped


def test_a_question_answered_twice_is_refused_where_it_is_mapped():
    inner = "<g><town>A</town><town>B</town></g>"

    assert refused(form(inner)) == ("json.key_twice", "submission 1, g/town")


def test_a_question_answered_twice_alike_is_answered_once():
    inner = "<g><town>A</town><town>A</town></g>"

    assert parse(form(inner)).records[0]["place"]["name"] == "A"


def test_an_unmapped_question_answered_twice_is_reported():
    assert parse(form("<x>1</x><x>2</x>")).repeated == ("x",)


def test_two_groups_that_answer_one_line_are_refused():
    assert refused(form("<n><size>1</size></n><m><size>2</size></m>"))[0] == "mapping.ambiguous"


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"<data><a/></data>", "kobo.no_form_id"),
        (b'<h:html xmlns:h="http://www.w3.org/1999/xhtml"/>', "kobo.form_definition"),
        (b'<xforms xmlns="http://openrosa.org/xforms/xformsList"/>', "kobo.form_list"),
        (b'<OpenRosaResponse xmlns="http://openrosa.org/http/response"/>', "kobo.server_response"),
        (b'<osm version="0.6"/>', "kobo.osm"),
        (form("", meta=""), "mapping.no_id"),
        (form("<g>text<town>A</town></g>"), "openrosa.mixed"),
        (form("", attributes='id="f" encrypted="yes"'), "kobo.encrypted"),
        (form("<base64EncryptedKey>x</base64EncryptedKey>"), "kobo.encrypted"),
        (
            form("", attributes='id="f" xmlns="http://www.opendatakit.org/xforms/encrypted"'),
            "kobo.encrypted",
        ),
        (b"<root><f/></root>", "kobo.not_submissions"),
        (b"<submission><data><f/></data></submission>", "kobo.not_submissions"),
        (b'<submission><data><a id="a"/><b id="b"/></data></submission>', "kobo.not_submissions"),
        (form("<orx:a/>"), "xml.syntax"),
        (b'<!DOCTYPE data [<!ENTITY a "b">]>' + form("<x>&a;</x>"), "xml.doctype"),
        (form(f"<g><town>{CANARY}"), "xml.syntax"),
        (form(f"<n><size>{CANARY}</size></n>"), "value.not_integer"),
    ],
)
def test_what_is_no_submission_is_refused(content, rule):
    assert refused(content)[0] == rule


def test_an_odd_name_of_a_question_is_not_shown():
    assert parse(form(f"<{CANARY}.Ā>1</{CANARY}.Ā>")).unmapped == ("?", "@id")


# -- several at once ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"<root>" + form("") + form("") + b"</root>",
        b"<root><count>2</count><next/><previous/><results>" + form("") * 2 + b"</results></root>",
        b'<submission-batch><submission-item status="x">'
        + form("")
        + b"</submission-item><submission-item>"
        + form("")
        + b"</submission-item></submission-batch>",
    ],
    ids=["list", "page", "batch"],
)
def test_every_submission_of_a_batch_is_read(content):
    assert [one["record_id"] for one in parse(content).records] == ["kobo.example/1"] * 2


def test_a_wrapper_s_own_words_are_listed():
    content = (
        b'<submission xmlns="http://opendatakit.org/submissions"><data>'
        + form("<g><town>A</town></g>")
        + b"</data><mediaFile><filename>a.jpg</filename></mediaFile></submission>"
    )

    parsed = parse(content)

    assert parsed.records[0]["place"] == {"name": "A"}
    batch = b'<submission-batch><submission-item a="1">' + form("") + b"<z/></submission-item>"
    assert {"submission-item/@a", "submission-item/z"} <= {
        *parse(batch + b"</submission-batch>").unmapped
    }


# -- writing -----------------------------------------------------------------------------------


def test_the_sample_is_written_and_read_again():
    first = parse(SUBMISSION, PLAN)

    written = write(KoboXml(), first.records, PLAN)

    assert written.media_type == "text/xml"
    assert written.unrendered == ()
    assert parse(written.content, PLAN).records == first.records
    assert written.lineage["person.name.full_name"] == "people/person/name"
    assert written.lineage["household.group_type"] == "constant"


def test_what_a_server_needs_is_written():
    content = write(KoboXml(), parse(SUBMISSION, PLAN).records, PLAN).content.decode()

    assert content.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<data id="')
    assert '<data id="aReceptionFamilies" version="4">' in content
    number = "uuid:31b5d9b0-0a3e-4f42-9f0e-5f7f6c1e2a10"
    assert content.endswith(f"<meta><instanceID>{number}</instanceID></meta></data>")
    # What a server adds by itself is no node of the form.
    assert not re.search("_uuid|rootUuid", content)


def household(**more: Any) -> dict[str, Any]:
    return {
        "record_type": "household",
        "schema_version": "1.0",
        "record_id": "kobo.example/1",
        **more,
    }


@pytest.mark.parametrize("count", [0, 2])
def test_not_exactly_one_submission_is_refused(count):
    records = [household(record_id=f"kobo.example/{number}") for number in range(count)]

    with pytest.raises(SenderError) as caught:
        write(KoboXml(), records, SMALL)

    assert caught.value.rule == "openrosa.one_submission"


def test_without_a_form_the_mapping_names_itself():
    content = write(KoboXml(), [household()], SMALL).content

    assert b'<data id="small" version="1">' in content


def test_what_xml_cannot_hold_is_reported():
    written = write(KoboXml(), [household(place={"name": "a\x00b"}, group_size=2)], SMALL)

    # And `*/size` does not say in which group of the form it stands.
    assert written.unrendered == ("household.group_size", "household.place.name")
    assert parse(written.content).records == [household()]


def test_a_repeat_of_no_known_place_is_reported_with_everybody_in_it():
    document = {**SMALL.document}
    first, person = document["records"]
    listed = {"each": "*/p", "fields": {"member": {"member": "person"}}}
    document["records"] = [
        {**first, "fields": {"member_list[]": listed}},
        {**person, "each": "*/p"},
    ]
    plan = plan_of(document, at="t")
    records = read(KoboXml(), form("<x><p><name>A</name></p></x>"), plan).records
    records[1]["name"] = {"full_name": "A"}

    written = write(KoboXml(), records, plan)

    assert {"household.member_list[].member", "person.record_id"} <= {*written.unrendered}
    assert "person.name.full_name" in written.unrendered


def test_what_only_a_server_writes_is_reported():
    plan = table({"source.source_date": {"from": "_submission_time", "as": "instant"}})
    record = household(source={"source_date": "2026-01-01T00:00:00Z"})

    assert write(KoboXml(), [record], plan).unrendered == ("household.source.source_date",)


@pytest.mark.parametrize(
    ("fields", "ids", "rule"),
    [
        ({}, ("_uuid",), "openrosa.no_instance_id"),
        ({"place.name": "a b"}, ("meta/instanceID",), "openrosa.name"),
        ({"place.name": "a", "place.site_code": "a/b"}, ("meta/instanceID",), "openrosa.both"),
        ({"place.name": "a/b", "place.site_code": "a"}, ("meta/instanceID",), "openrosa.both"),
    ],
)
def test_a_mapping_that_cannot_write_xml_is_refused(fields, ids, rule):
    record = household(place={"name": "x", "site_code": "y"})

    with pytest.raises(SenderError) as caught:
        write(KoboXml(), [record], table(fields, ids=ids))

    assert caught.value.rule == rule


def test_an_id_of_questions_needs_no_instance_id():
    document = {**PLAN.document, "records": [dict(PLAN.document["records"][0])]}
    document["records"][0] = {
        "type": "facility",
        "id": {"all": ["centre", "card"]},
        "fields": {"capacity_day": {"from": "size", "as": "integer"}},
    }
    plan = plan_of(document, at="t")
    record = {
        "record_type": "facility",
        "schema_version": "1.0",
        "record_id": f"{plan.authority}/north:007",
        "capacity_day": 2,
    }

    written = write(KoboXml(), [record], plan)

    assert read(KoboXml(), written.content, plan).records == [record]
    assert b"<instanceID>uuid:north:007</instanceID>" in written.content


# -- any bytes ---------------------------------------------------------------------------------


def answers(content: bytes) -> bool:
    """Parsed or `SenderError`; anything else escapes and fails the test."""
    try:
        return isinstance(parse(content, PLAN), Parsed)
    except SenderError as error:
        return bool(error.rule)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_submission_is_an_answer(data):
    content = bytearray(SUBMISSION)
    place = data.draw(st.integers(0, len(content) - 1))
    other = data.draw(st.integers(0, len(content) - 1))
    how = data.draw(st.sampled_from(["flip", "cut", "move"]))
    if how == "flip":
        content[place] = data.draw(st.integers(0, 255))
    elif how == "cut":
        del content[place : place + 40]
    else:
        content[other:other] = content[place : place + 60]

    assert answers(bytes(content))
