"""What real forms also hold: empty tables, GUIDs of nobody, contacts of 4.2, days that are none."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from adapters.progres.errf import ProgresErrf
from adapters.progres.errf.tables import OF_A_PERSON, UNKNOWN
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.record import Parsed, Record, Rendered, check

Samples = Callable[[str], Path]
NO_GUID = "00000000-0000-0000-0000-000000000000"
NIL = '<{0} xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
SINGLE, GROUP = "Single Submission", "Group Submission"
INDICATOR = "RRFBATCHTYPE/GroupIndividualIndicator"


def row(table: str, **texts: str) -> str:
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in texts.items())
    return f"<{table}>{inside}</{table}>"


def one_case(*rows: str, number: str = "24C-1", guid: str = "g1", **person: str) -> str:
    """A case of one person, who is its applicant."""
    who = {
        "IndividualGUID": guid,
        "IndividualID": f"{number}-1",
        "FamilyName": "Nur",
        "RegistrationDate": "2024-01-01T00:00:00",
        "DateofBirthEstimate": "0",
    }
    relation = {"RelationshipToPrincipalRepresentative": "PA"}
    return "".join(
        (
            "<CASE>",
            row("dataIndividual", **(who | person)),
            row("dataIndividualProcessGroup", IndividualGUID=guid, **relation),
            row("dataProcessGroup", ProcessingGroupNumber=number, ProcessingGroupSize="1"),
            row("dataResettlement", IndividualGUID=guid, ResettlementPriorityCode="NR"),
            *rows,
            "</CASE>",
        )
    )


def form(*cases: str, indicator: str = "") -> bytes:
    batch = row("RRFBATCHTYPE", GroupIndividualIndicator=indicator) if indicator else ""
    return f"<UNHCR_RRF>{batch}{''.join(cases)}</UNHCR_RRF>".encode()


def parse(content: bytes) -> Parsed:
    parsed = read(ProgresErrf(), content)
    for record in parsed.records:
        check(record, at="")
    return parsed


def person(content: bytes) -> Record:
    return next(one for one in parse(content).records if one["record_type"] == "person")


def referral(content: bytes) -> Record:
    return parse(content).records[-1]


def refused(content: bytes) -> str:
    with pytest.raises(SenderError) as caught:
        parse(content)
    return caught.value.rule


def texts(rendered: Rendered, name: str) -> list[str]:
    return [element.text or "" for element in etree.fromstring(rendered.content).iter(name)]


def again(content: bytes) -> Rendered:
    """Read and written. Nothing that was read is lost, and it is read alike."""
    several = parse(content).records
    rendered = write(ProgresErrf(), several)
    # What nobody says is written as unknown.
    assert {one.partition(".")[2] for one in rendered.unrendered} <= {"absent"}
    back = parse(rendered.content).records
    assert [bare(record) for record in back] == [bare(record) for record in several]
    return rendered


def bare(record: Record) -> Record:
    return {name: value for name, value in record.items() if name != "absent"}


# Tables


@pytest.mark.parametrize("table", [*OF_A_PERSON, "dataDocument", "dataContact", "dataPhotograph"])
@pytest.mark.parametrize(
    "empty",
    [
        "<{0}/>",
        "<{0}>\n  </{0}>",
        NIL,
        "<{0}><IndividualGUID/></{0}>",
        "<{0}><IndividualID>-</IndividualID></{0}>",
    ],
)
def test_an_empty_table_says_nothing(table: str, empty: str) -> None:
    content = form(one_case(empty.format(table), empty.format(table)))
    assert parse(content).records == parse(form(one_case())).records


def test_a_row_that_says_something_of_nobody_is_refused() -> None:
    alias = row("dataAlias", IndividualGUID=UNKNOWN, IndividualAliasLastName="x")
    assert refused(form(one_case(alias))) == "errf.unjoined"


@pytest.mark.parametrize("guid", [UNKNOWN, NO_GUID])
def test_a_guid_of_nobody_identifies_and_joins_nobody(guid: str) -> None:
    assert refused(form(one_case(guid=guid))) == "errf.unjoined"

    number = "<IndividualID>24C-1-1</IndividualID></dataR"
    joined = (
        one_case(guid=guid).replace("</dataR", number).replace("</dataP", f"{GUID(guid)}</dataP")
    )
    member = joined.index("<dataIndividualProcessGroup>"), joined.index("<dataProcessGroup>")
    found = form(joined[: member[0]] + joined[member[1] :])
    assert [one["identifier_type"] for one in person(found)["identifier"]] == [
        "unhcr_individual_no"
    ]
    (household, *_) = parse(found).records
    assert [one["identifier_type"] for one in household["group_identifier"]] == ["unhcr_id_no"]


def GUID(guid: str) -> str:  # noqa: N802 - an element
    return f"<ProcessingGroupGUID>{guid}</ProcessingGroupGUID>"


# Days


@pytest.mark.parametrize("day", ["0001-01-01", "1753-01-01", "1799-12-31"])
def test_a_day_that_stands_for_none_is_no_day(day: str) -> None:
    for name in ("DateofBirth", "ArrivalDate"):
        assert refused(form(one_case(**{name: f"{day}T00:00:00"}))) == "errf.date"
    several = parse(form(one_case())).records
    several[1]["birth_date"] = day
    rendered = write(ProgresErrf(), several)
    assert texts(rendered, "DateofBirth") == []
    assert "person.birth_date" in rendered.unrendered


@pytest.mark.parametrize("part", [".0", ".0000000", f".{'0' * 30}"])
def test_a_day_has_as_many_places_of_a_second_as_it_has(part: str) -> None:
    content = form(one_case(DateofBirth=f"1980-08-01T00:00:00{part}+02:00"))
    assert person(content)["birth_date"] == "1980-08-01"
    assert texts(again(content), "DateofBirth") == [f"1980-08-01T00:00:00{part}+02:00"]


# Addresses and contacts


def address(kind: str, **more: str) -> str:
    return row("dataAddress", IndividualGUID="g1", AddressType=kind, **more)


def contact(**texts: str) -> str:
    return row("dataContact", ContactDetailsGUID="c", IndividualGUID="g1", **texts)


def test_a_current_address_that_says_nothing_is_no_second_one() -> None:
    here, nothing = address("COA", AddressCountry="KEN"), address("CoA", AddressCountry=UNKNOWN)
    for rows in ((here, nothing), (nothing, here)):
        content = form(one_case(*rows))
        assert person(content)["place"] == {"location_code": "KEN"}
        again(content)
    assert "place" not in person(form(one_case(nothing)))
    there = address("coa", AddressCountry="UGA")
    assert refused(form(one_case(here, nothing, there))) == "errf.address_twice"


@pytest.mark.parametrize(
    ("kind", "text", "field"),
    [("TEL", "7" * 65, "phone_number"), ("EML", "@", "email"), ("EML", f"a@{'b' * 253}", "email")],
)
def test_a_note_about_numbers_is_kept_and_is_no_number(kind: str, text: str, field: str) -> None:
    content = form(one_case(address(kind, LocationLevel6=text)))
    found = person(content)
    assert field not in found
    assert found["extension"]["dataAddress"][0]["LocationLevel6"] == text
    again(content)


def test_contacts_in_use_are_numbers_and_others_are_not() -> None:
    rows = [
        contact(PhoneNumber="+1 7", Email="a@b.example", StillInUse="true", StartDate="2024-01-01"),
        contact(PhoneNumber="+1 8", Email="old@b.example", StillInUse="false"),
        contact(PhoneNumber="+1 9", StillInUse="1", EndDate="2024-01-01T00:00:00"),
        contact(PhoneNumber="+1 10", PhoneType="Home Fax", StillInUse="1"),
        contact(PhoneNumber="+1 11", Email="none", PhoneType="Mobile"),
        contact(Email="none", StillInUse="1"),
    ]
    found = person(form(one_case(*rows)))
    assert (found["phone_number"], found["email"]) == (["+1 7"], ["a@b.example"])
    kept = found["extension"]["dataContact"]
    assert [one.get("PhoneNumber", "")[3:] for one in kept] == ["7", "8", "9", "10", "11", ""]
    assert kept[1]["StillInUse"] == "false"


def test_a_number_that_ended_is_not_called_and_one_is_named_once() -> None:
    rows = [
        address("TEL", LocationLevel6="+1 7"),
        address("TEL", LocationLevel6="+1 8"),
        contact(PhoneNumber="+1 8", StillInUse="0"),
        contact(PhoneNumber="+1 7", StillInUse="1"),
        contact(PhoneNumber="+1 9", StillInUse="0"),
        contact(PhoneNumber="+1 9", StillInUse="1"),
        contact(PhoneNumber="+1 9", StillInUse="0"),
    ]
    assert person(form(one_case(*rows)))["phone_number"] == ["+1 7", "+1 9"]


def test_contacts_are_written_as_addresses_and_the_rest_is_told() -> None:
    several = parse(form(one_case(contact(PhoneNumber="+1 7", StillInUse="1")))).records
    rendered = write(ProgresErrf(), several)
    assert texts(rendered, "AddressType") == ["TEL"]
    assert texts(rendered, "dataContact") == []
    assert "person.extension" in rendered.unrendered


# Why, and with whom


def test_no_reason_is_no_code() -> None:
    codes = {"ResettlementCriteriaCode": "LPN", "ResettlementCriteria2Code": "N/A"}
    content = form(one_case().replace("<ResettlementP", f"{elements(codes)}<ResettlementP"))
    found = referral(content)
    assert [one["code"] for one in found["reason"]] == ["LPN"]
    assert found["extension"] == {"ResettlementCriteria2Code": "N/A"}
    assert texts(again(content), "ResettlementCriteria2Code") == ["N/A"]


def elements(texts: dict[str, str]) -> str:
    return "".join(f"<{name}>{text}</{name}>" for name, text in texts.items())


def reference(start: str, end: str) -> str:
    ends = {"ProcessingGroupNumberFrom": start, "ProcessingGroupNumberTo": end}
    return row("dataProcessGroupCrossReference", **ends)


def test_a_case_is_related_once_and_not_to_itself() -> None:
    rows = [reference("24C-1", end) for end in ("24C-1", "24C-2", "24C-2", UNKNOWN)]
    content = form(one_case(*rows, reference("24C-3", "24C-1")))
    found = referral(content)
    assert found["related_cases"] == [{"related": "progres.invalid/24C-2:resettlement"}]
    rendered = again(content)
    assert texts(rendered, "ProcessingGroupNumberFrom") == ["24C-1"] * 4 + ["24C-3"]


# Texts


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("N<!-- o -->u<?x y?>r", "Nur"),
        ("<![CDATA[N<u]]>&amp;r", "N<u&r"),
        ("Nur&#x10;Ali", None),
        ("&#1575;&#1604;", "ال"),
    ],
)
def test_comments_and_instructions_are_no_text_and_cdata_is(written: str, said: str | None) -> None:
    content = form(one_case(FamilyName=written))
    if said is None:
        assert refused(content) == "xml.character"
    else:
        assert person(content)["name"] == {"surname": said}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "windows-1252", "iso-8859-1"])
def test_an_encoding_is_known_by_its_declaration(encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding[:6] if "16" in encoding else encoding}"?>'
    content = (declared + form(one_case(FamilyName="Núñez")).decode()).encode(encoding)
    assert person(content)["name"] == {"surname": "Núñez"}


def test_a_prefix_and_attributes_of_a_data_set_change_nothing() -> None:
    told = '<r:UNHCR_RRF xmlns:r="http://tempuri.org/ElectronicRRF.xsd" '
    told += 'xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:schemaLocation="a b">'
    content = form(one_case(SecondFamilyName="")).decode().replace("<UNHCR_RRF>", told)
    content = content.replace("</UNHCR_RRF>", "</r:UNHCR_RRF>")
    content = content.replace("<CASE>", '<CASE xmlns:d="urn:d" d:rowOrder="0">')
    parsed = parse(content.encode())
    assert parsed.records == parse(form(one_case())).records
    assert parsed.unmapped == ("CASE/@rowOrder",)


# What the official validator asks of a form


CASES = (one_case(), one_case(number="24C-2", guid="g2"), one_case(number="24C-3", guid="g3"))


@pytest.mark.parametrize(
    ("count", "said", "written", "unmapped"),
    [
        (1, "", SINGLE, ()),
        (1, SINGLE, SINGLE, ()),
        (1, GROUP, GROUP, ()),
        (2, "", GROUP, ()),
        (3, GROUP, GROUP, ()),
        (3, SINGLE, GROUP, (INDICATOR,)),
    ],
)
def test_several_cases_are_a_group(
    count: int, said: str, written: str, unmapped: tuple[str, ...]
) -> None:
    parsed = parse(form(*CASES[:count], indicator=said))
    rendered = write(ProgresErrf(), parsed.records)
    assert texts(rendered, "GroupIndividualIndicator") == [written]
    assert texts(rendered, "ProcessingGroupNumber") == [f"24C-{n}" for n in range(1, count + 1)]
    assert parsed.unmapped == unmapped


def test_the_applicant_has_a_current_address_where_his_country_is_known(samples: Samples) -> None:
    schema = etree.XMLSchema(etree.parse(samples("progres/open/rrf_v4_1.xsd")))
    second: dict[str, Any] = {"IndividualGUID": "g2", "IndividualID": "2", "FamilyName": "Ali"}
    second |= {"RegistrationDate": "2024-01-01T00:00:00", "AsylumCountryCode": "LEB"}
    content = form(one_case(row("dataIndividual", **second), AsylumCountryCode="LEB"))

    rendered = again(content)

    schema.assertValid(etree.fromstring(rendered.content))
    assert texts(rendered, "AddressType") == ["CoA"]
    assert texts(rendered, "AddressCountry") == ["LEB"]
    assert texts(rendered, "AsylumCountryCode") == ["LEB", "LEB"]
    assert texts(again(form(one_case())), "AddressType") == []


def test_what_nobody_says_is_unknown_where_the_validator_asks_for_it() -> None:
    relative = row("dataIndividualRelatives", IndividualGUID="g1", RelationshipCode="SBM")
    rendered = again(form(one_case(relative)))
    assert texts(rendered, "FamilyName") == ["Nur", UNKNOWN]
    assert texts(rendered, "GivenName") == [UNKNOWN, UNKNOWN]
    assert texts(rendered, "ResettlementCriteria2Code") == [UNKNOWN]


def test_a_large_family_keeps_everyone_s_relation() -> None:
    several = parse(form(one_case())).records
    household, head, sent = copy.deepcopy(several)
    people = [head]
    for number in range(2, 400):
        one = copy.deepcopy(head) | {"record_id": f"progres.invalid/{number}"}
        one["identifier"][0]["identifier_value"] = str(number)
        one["sex"] = "female" if number % 2 else "male"
        del one["identifier"][1:]
        people.append(one)
        household["member_list"].append(
            {"member": one["record_id"], "relationship_head": "child" if number % 3 else "spouse"}
        )
    rendered = write(ProgresErrf(), [household, *people, sent])
    relations = texts(rendered, "RelationshipToPrincipalRepresentative")
    assert relations[:5] == ["PA", "SON", "WIF", "SON", "DAU"]
    assert {one: relations.count(one) for one in ("SON", "DAU", "WIF", "HUS")} == {
        "SON": 133,
        "DAU": 132,
        "WIF": 67,
        "HUS": 66,
    }
