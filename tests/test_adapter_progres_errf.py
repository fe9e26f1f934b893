"""The resettlement referral form read: v3 and v4, joins, codes, days, addresses, refusals."""

import csv
import itertools
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from adapters.progres.errf import ProgresErrf
from gateway.adapter import read
from gateway.errors import SenderError
from gateway.mapping import plan_of
from gateway.mapping.codes import code_list, code_table
from gateway.record import SCHEMAS, Parsed, Reading, check

Samples = Callable[[str], Path]
CANARY = "CanaryAmina"
SAMPLES = Path(__file__).resolve().parent.parent / "adapters/progres/errf/samples"
GROUP = (SAMPLES / "group.xml").read_text(encoding="utf-8")
OLDER = (SAMPLES / "older.xml").read_text(encoding="utf-8").removeprefix("\ufeff")
TEMPURI = "http://tempuri.org/ElectronicRRF.xsd"

PLAIN = {
    "IndividualGUID": "g1",
    "IndividualID": "1-1",
    "FamilyName": "Nur",
    "RegistrationDate": "2024-01-01T00:00:00",
    "DateofBirthEstimate": "0",
}


def row(table: str, **texts: str) -> str:
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in texts.items())
    return f"<{table}>{inside}</{table}>"


def individual(**texts: str) -> str:
    return row("dataIndividual", **(PLAIN | texts))


def address(kind: str, **texts: str) -> str:
    return row("dataAddress", IndividualGUID="g1", AddressType=kind, **texts)


def member(guid: str, relation: str) -> str:
    return row(
        "dataIndividualProcessGroup",
        IndividualGUID=guid,
        RelationshipToPrincipalRepresentative=relation,
    )


NUMBERED = row("dataProcessGroup", ProcessingGroupNumber="24-1", ProcessingGroupSize="1")
SENT = row("dataResettlement", IndividualGUID="g1", ResettlementCriteriaCode="LPN")


def form(*inside: str, space: str = "") -> str:
    declared = f' xmlns="{space}"' if space else ""
    return f"<UNHCR_RRF{declared}>{''.join(inside)}</UNHCR_RRF>"


def case(*rows: str, people: str | None = None) -> str:
    who = individual() if people is None else people
    return form(f"<CASE>{who}{NUMBERED}{SENT}{''.join(rows)}</CASE>")


def parse(content: str | bytes) -> Parsed:
    parsed = read(ProgresErrf(), content if isinstance(content, bytes) else content.encode())
    for record in parsed.records:
        check(record, at="")
    return parsed


def persons(content: str) -> list[dict[str, Any]]:
    return [record for record in parse(content).records if record["record_type"] == "person"]


def person(**texts: str) -> dict[str, Any]:
    (found,) = persons(case(people=individual(**texts)))
    return found


def refused(content: str | bytes) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.rule, caught.value.at


def test_a_case_is_a_household_its_people_and_a_referral() -> None:
    records = parse(GROUP).records

    kinds = [(record["record_type"], record["record_id"].split("/")[1]) for record in records]
    assert kinds == [
        ("household", "812-24C00107"),
        ("person", "812-00004417"),
        ("person", "812-00004418"),
        ("person", "812-00004419"),
        ("case", "812-24C00107:resettlement"),
        ("case", "812-24C00107:812-00004418"),
        ("household", "812-24C00108"),
        ("person", "812-00004420"),
        ("case", "812-24C00108:resettlement"),
    ]


def test_a_household_has_its_numbers_members_and_head() -> None:
    household = parse(GROUP).records[0]

    assert household == {
        "record_type": "household",
        "record_id": "progres.invalid/812-24C00107",
        "group_identifier": [
            {"identifier_type": "unhcr_id_no", "identifier_value": "812-24C00107"},
            {
                "identifier_type": "unhcr_id_guid",
                "identifier_value": household["group_identifier"][1]["identifier_value"],
            },
        ],
        "group_size": 4,
        "group_head": "progres.invalid/812-00004417",
        "member_list": [
            {
                "member": "progres.invalid/812-00004417",
                "relationship_head": "head",
                "is_head": True,
            },
            {"member": "progres.invalid/812-00004418", "relationship_head": "child"},
            {"member": "progres.invalid/812-00004419", "relationship_head": "sibling"},
        ],
        "extension": {"GroupIndividualIndicator": "Group Submission"},
    }


def test_a_person_has_what_the_form_says_of_her() -> None:
    found = dict(persons(GROUP)[0])

    kept = found.pop("extension")
    assert [one["identifier_type"] for one in found.pop("identifier")] == [
        "unhcr_individual_no",
        "unhcr_individual_guid",
    ]
    assert found == {
        "record_type": "person",
        "record_id": "progres.invalid/812-00004417",
        "name": {
            "surname": "Warsame",
            "given_name": "Amina",
            "second_name": "Yusuf",
            "maiden_name": "Hassan",
            "alternate_names": ["Mina WARSAME"],
        },
        "sex": "female",
        "birth_date": "1988-11-01",
        "registration_date": "2024-03-04",
        "nationality": ["SDN"],
        "marital_status": "W",
        "religion": "MUS",
        "ethnicity": "010",
        "phone_number": ["+235 600 000 17"],
        "email": ["amina@mail.example"],
        "place": {
            "location_code": "TCD",
            "admin1_name": "Ouaddaï",
            "admin2_name": "Assoungha",
            "admin3_name": "Molou",
            "name": "Camp Darane",
        },
        "address": [
            {"address_line_1": "Bloc 7, abri 12", "country_code": "TD"},
            {
                "address_line_1": "c/o Relief Nord",
                "locality": "Abéché",
                "postal_code": "BP 40",
                "country_code": "TD",
            },
        ],
    }
    assert kept["SecondFamilyName"] == "Idris"
    assert kept["BirthCountryCode"] == "ARE"
    assert [one["AddressType"] for one in kept["dataAddress"]][-1] == "PCoA"
    assert kept["dataIndividualRelatives"][0]["RelationshipCode"] == "SBM"
    assert kept["dataLanguage"][0]["LanguageCode"] == "AEN"


def test_a_referral_says_why_and_how_soon_and_whose_needs() -> None:
    referral, part = [one for one in parse(GROUP).records if one["record_type"] == "case"][:2]

    kept = referral.pop("extension")
    assert list(kept) == ["dataProcessGroupCrossReference"]
    assert referral == {
        "record_type": "case",
        "record_id": "progres.invalid/812-24C00107:resettlement",
        "case_type": "referral",
        "subject": "progres.invalid/812-00004417",
        "reason": [
            {"system": "unhcr_resettlement_criteria", "code": "AWR"},
            {"system": "unhcr_resettlement_criteria", "code": "LPN"},
        ],
        "priority": "urgent",
        "specific_needs": ["WR", "SP"],
        "related_cases": [{"related": "progres.invalid/812-24C00108:resettlement"}],
    }
    assert part == {
        "record_type": "case",
        "record_id": "progres.invalid/812-24C00107:812-00004418",
        "case_type": "case",
        "subject": "progres.invalid/812-00004418",
        "specific_needs": ["DS"],
        "related_cases": [
            {"relation": "part_of", "related": "progres.invalid/812-24C00107:resettlement"}
        ],
    }


def test_v3_joins_by_number_and_says_relations_and_documents_elsewhere() -> None:
    household, head, wife, referral = parse(OLDER).records

    assert household["group_head"] == head["record_id"] == "progres.invalid/305-00090011"
    assert household["member_list"][1]["relationship_head"] == "spouse"
    assert head["name"]["full_name"] == "Mansour, Rami"
    assert head["identifier"] == [
        {"identifier_type": "unhcr_individual_no", "identifier_value": "305-00090011"},
        {"identifier_type": "document_no", "identifier_value": "007-X"},
    ]
    assert head["place"] == {
        "location_code": "LBN",
        "admin1_name": "Bekaa",
        "admin2_name": "Zahle",
    }
    assert wife["nationality"] == ["PSE"]
    assert wife["place"] == {"location_code": "LBN"}
    assert wife["extension"]["dataIndividualRelatives"][0]["ResidenceCountryCode"] == "GFR"
    assert "dataIndividualRelatives" not in head["extension"]
    assert referral["related_cases"] == [{"related": "progres.invalid/305-11C00222:resettlement"}]


@pytest.mark.parametrize("content", [GROUP, OLDER])
@pytest.mark.parametrize("space", ["", f' xmlns="{TEMPURI}"'])
def test_the_namespace_changes_nothing(content: str, space: str) -> None:
    bare = content.replace(f' xmlns="{TEMPURI}"', "")
    assert parse(bare.replace("<UNHCR_RRF", f"<UNHCR_RRF{space}", 1)) == parse(bare)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_encoding_changes_nothing(encoding: str) -> None:
    content = GROUP.replace("utf-8", encoding.removesuffix("-sig"), 1)
    assert parse(content.encode(encoding)).records == parse(GROUP).records


def test_elements_may_come_in_any_order() -> None:
    rows = [
        individual(GivenName="Ali"),
        individual(IndividualGUID="g2", IndividualID="1-2"),
        NUMBERED,
        SENT,
        member("g1", "PA"),
        address("CoA", AddressCountry="KEN"),
        row("dataVulnerability", VulnerabilityCode="TR", IndividualGUID="g2"),
    ]
    expected = parse(form("<CASE>", *rows, "</CASE>")).records
    for seed in range(8):
        mixed = rows[:]
        random.Random(seed).shuffle(mixed)
        mixed.sort(key=lambda one: "<IndividualID>1-2" in one)  # people in their order
        assert parse(form("<CASE>", *mixed, "</CASE>")).records == expected


def test_names_of_others_are_known_by_a_mapping() -> None:
    mapping = {
        "mapping": "resettlement",
        "version": "1",
        "format": "progres.errf",
        "authority": "unhcr.example",
        "records": [{"type": "person", "id": {"first": ["x"]}, "fields": {"sex": "x"}}],
    }
    parsed = read(ProgresErrf(), GROUP.encode(), plan_of(mapping, at="t"))
    assert parsed.records[0]["record_id"] == "unhcr.example/812-24C00107"
    with pytest.raises(SenderError) as caught:
        read(ProgresErrf(), GROUP.encode(), plan_of(mapping | {"format": "cap"}, at="t"))
    assert caught.value.rule == "mapping.other_format"


# Days and codes


@pytest.mark.parametrize(
    "written",
    [
        "1980-08-01T00:00:00+02:00",
        "1980-08-01T00:00:00-11:00",
        "1980-08-01T23:30:00Z",
        "1980-08-01T00:00:00",
        " 1980-08-01T00:00:00.000+14:00 ",
    ],
)
def test_a_day_is_the_day_that_is_written(written: str) -> None:
    found = person(DateofBirth=written, RegistrationDate=written)
    assert found["birth_date"] == found["registration_date"] == "1980-08-01"
    assert "birth_date_estimated" not in found


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("DateofBirth", "1980-02-30T00:00:00", "errf.date"),
        ("DateofBirth", "1980-08-01", "errf.date"),
        ("DateofBirth", "", "errf.date"),
        ("ArrivalDate", CANARY, "errf.date"),
        ("DateofBirth", "0000-01-01T00:00:00", "errf.date"),
        ("DateofBirthEstimate", "yes", "errf.flag"),
        ("SexCode", CANARY, "errf.code"),
        ("SexCode", "m", "errf.code"),
        ("MarriageStatusCode", "XX", "errf.code"),
        ("NationalityCode", "DZA", "errf.code"),
        ("NationalityCode", CANARY, "errf.code"),
        ("AsylumCountryCode", "LBN", "errf.code"),
        ("IndividualID", f"{CANARY} 1", "errf.id"),
        ("IndividualID", "-", "errf.required"),
        ("IndividualID", "", "errf.required"),
        ("FamilyName", f"<b>{CANARY}</b>", "xml.mixed"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_its_place(name: str, text: str, rule: str) -> None:
    found = refused(case(people=individual(**{name: text})))
    assert found[0] == rule
    assert found[1].startswith("line 1")
    assert rule == "xml.mixed" or found[1].endswith(name)


def test_a_date_that_is_nil_is_no_date() -> None:
    nil = '<DateofBirth xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
    (found,) = persons(case(people=individual().replace("<DateofBirthE", f"{nil}<DateofBirthE")))
    assert "birth_date" not in found


@pytest.mark.parametrize("flag", ["1", "true"])
def test_an_estimate_is_told(flag: str) -> None:
    assert person(DateofBirthEstimate=flag)["birth_date_estimated"] is True


@pytest.mark.parametrize(
    ("name", "code", "field", "value"),
    [
        ("SexCode", "F", "sex", "female"),
        ("SexCode", "U", "sex", "unknown"),
        ("MarriageStatusCode", "CL", "marital_status", "T"),
        ("ReligionCode", "NON", "religion", "NON"),
        ("NationalityCode", "ARE", "nationality", ["EGY"]),
        ("NationalityCode", "AUS", "nationality", ["AUT"]),
        ("NationalityCode", "MAR", "nationality", ["MTQ"]),
        ("NationalityCode", "MOR", "nationality", ["MAR"]),
        ("NationalityCode", "UAE", "nationality", ["ARE"]),
        ("NationalityCode", "AUL", "nationality", ["AUS"]),
        ("NationalityCode", "ZZZ", "displacement_status", "STA"),
        ("AsylumCountryCode", "NIG", "place", {"location_code": "NGA"}),
        ("ConcatenatedName", "Nur, A", "name", {"full_name": "Nur, A", "surname": "Nur"}),
    ],
)
def test_a_code_is_what_the_vendor_means(name: str, code: str, field: str, value: Any) -> None:
    found = person(**{name: code})
    assert found[field] == value
    assert "absent" not in found


@pytest.mark.parametrize(
    ("name", "code", "field"),
    [
        ("SexCode", "-", "sex"),
        ("NationalityCode", "-", "nationality"),
        ("NationalityCode", "U", "nationality"),
        ("MarriageStatusCode", "-", "marital_status"),
        ("MarriageStatusCode", "U", "marital_status"),
        ("ReligionCode", "U", "religion"),
        ("EthnicityCode", "-", "ethnicity"),
        ("FamilyName", "-", "name"),
    ],
)
def test_unknown_is_told_as_unknown(name: str, code: str, field: str) -> None:
    found = person(**{name: code})
    assert found["absent"] == {field: "unknown"}
    assert field not in found
    assert found.get("extension", {}).get(name) == (None if code == "-" else "U")


def test_a_person_without_a_name_is_a_person() -> None:
    assert "name" not in person(FamilyName="")
    assert "absent" not in person(FamilyName="")


def test_what_is_empty_says_nothing() -> None:
    found = person(NationalityCode="", GivenName="  ", SexCode="", EducationLevelCode="-")
    assert found.keys() == {
        "record_type",
        "record_id",
        "identifier",
        "name",
        "registration_date",
    }


def test_an_engagement_is_no_marital_status_and_is_kept() -> None:
    found = person(MarriageStatusCode="EG")
    assert "marital_status" not in found
    assert found["extension"] == {"MarriageStatusCode": "EG"}


def test_digits_in_names_are_read() -> None:
    assert person(FamilyName="1Nur")["name"]["surname"] == "1Nur"


# Addresses


@pytest.mark.parametrize("kind", ["CoA", "COA", "Coa"])
def test_the_current_country_of_asylum_is_the_place(kind: str) -> None:
    (found,) = persons(case(address(kind, AddressCountry="KEN", LocationLevel4Description="D")))
    assert found["place"] == {"location_code": "KEN", "admin4_name": "D"}


def test_the_place_of_an_address_counts_before_the_country_of_asylum() -> None:
    people = individual(AsylumCountryCode="SYR")
    (found,) = persons(case(address("CoA", AddressCountry="JOR"), people=people))
    assert found["place"] == {"location_code": "JOR"}
    assert found["extension"]["AsylumCountryCode"] == "SYR"


@pytest.mark.parametrize("kind", ["CoO", "PCoA", "CoR", "Integ", "VolRe", "-", "Elsewhere"])
def test_addresses_of_other_times_are_kept_and_are_no_place(kind: str) -> None:
    (found,) = persons(case(address(kind, AddressCountry="KUR", LocationLevel6="x")))
    assert found.keys().isdisjoint({"place", "address", "phone_number"})
    assert found["extension"]["dataAddress"][0]["LocationLevel6"] == "x"


def test_a_telephone_number_is_an_address() -> None:
    rows = address("TEL", LocationLevel6="+1 7"), address("tel", LocationLevel6="8")
    (found,) = persons(case(*rows, address("TEL", LocationLevel1Description="9")))
    assert found["phone_number"] == ["+1 7", "8"]


@pytest.mark.parametrize(
    ("levels", "emails"),
    [
        ({"LocationLevel6": "a@b.example"}, ["a@b.example"]),
        ({"LocationLevel1Description": "a@b.example", "LocationLevel6": "7"}, ["a@b.example"]),
        ({"LocationLevel1Description": "a@b.example", "LocationLevel6": "c@d.example"}, None),
        ({"LocationLevel6": "none"}, None),
    ],
)
def test_an_e_mail_address_is_the_one_level_that_is_one(
    levels: dict[str, str], emails: list[str] | None
) -> None:
    (found,) = persons(case(address("EML", **levels)))
    assert found.get("email") == emails


def test_two_current_addresses_are_refused_unless_they_are_one() -> None:
    here, there = (address("CoA", AddressCountry=code) for code in ("KEN", "UGA"))
    assert persons(case(here, here))[0]["place"] == {"location_code": "KEN"}
    assert refused(case(here, there)) == ("errf.address_twice", "line 1, dataAddress")


# Joins and what must stand once


def test_a_row_about_nobody_is_refused() -> None:
    lost = row("dataAddress", IndividualGUID=CANARY, AddressType="TEL", LocationLevel6="7")
    assert refused(case(lost)) == ("errf.unjoined", "line 1, dataAddress")
    assert refused(case(row("dataAlias", IndividualAliasLastName="x")))[0] == "errf.unjoined"
    both = row("dataAlias", IndividualGUID="g1", IndividualID=CANARY)
    assert refused(case(both))[0] == "errf.unjoined"


def test_a_guid_is_one_in_either_case() -> None:
    found = persons(case(row("dataAlias", IndividualGUID="G1", IndividualAliasLastName="x")))
    assert found[0]["name"]["alternate_names"] == ["x"]


def test_a_member_of_another_case_is_refused() -> None:
    other = member("g1", "PA").replace(
        "<IndividualGUID>", f"<ProcessingGroupGUID>{CANARY}</ProcessingGroupGUID><IndividualGUID>"
    )
    assert refused(case(other))[0] == "errf.unjoined"


TWO = individual() + individual(IndividualGUID="g2", IndividualID="1-2")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (case(people=individual() + individual()), "errf.repeated"),
        (case(people=individual() + individual(IndividualGUID="g2")), "errf.repeated"),
        (case(people=individual() + individual(IndividualID="1-2")), "errf.repeated"),
        (case(member("g1", "PA"), member("g1", "PA")), "errf.repeated"),
        (case(NUMBERED), "errf.repeated"),
        (case(SENT), "errf.repeated"),
        (
            case(people=individual().replace("<FamilyName>", "<FamilyName/><FamilyName>")),
            "errf.repeated",
        ),
        (case(member("g1", "PA"), member("g2", "PA"), people=TWO), "errf.applicant"),
        (case(member("g1", "XX")), "errf.code"),
        (case(people=""), "errf.required"),
        (form(f"<CASE>{individual()}{NUMBERED}</CASE>"), "errf.required"),
        (form(f"<CASE>{individual()}{SENT}</CASE>"), "errf.required"),
        (case().replace("24-1", ""), "errf.required"),
        (case().replace("24-1", "24 1"), "errf.id"),
        (case().replace("Size>1<", "Size>many<"), "errf.count"),
        (case().replace("Size>1<", "Size>-1<"), "errf.count"),
        (case().replace("LPN", "L P"), "errf.code"),
        (
            case(
                row(
                    "dataVulnerability",
                    IndividualGUID="g1",
                    VulnerabilityCode="<",
                ).replace("<<", "&lt;<")
            ),
            "errf.code",
        ),
        (
            case().replace(
                "</dataResettlement>",
                "<ResettlementPriorityCode>X</ResettlementPriorityCode></dataResettlement>",
            ),
            "errf.code",
        ),
        (form(), "errf.required"),
    ],
)
def test_what_does_not_hold_together_is_refused(content: str, rule: str) -> None:
    assert refused(content)[0] == rule


def test_a_case_without_an_applicant_or_of_another_size_is_read() -> None:
    household, *_ = parse(case(member("g1", "-")).replace("Size>1<", "Size> 7 <")).records
    assert "group_head" not in household
    assert household["group_size"] == 7
    assert household["member_list"] == [{"member": "progres.invalid/1-1"}]


@pytest.mark.parametrize("priority", ["-", "U"])
def test_a_priority_nobody_knows_is_told(priority: str) -> None:
    text = f"<ResettlementPriorityCode>{priority}</ResettlementPriorityCode></dataResettlement>"
    *_, referral = parse(case().replace("</dataResettlement>", text)).records
    assert referral["absent"] == {"priority": "unknown"}


def test_a_reference_between_other_cases_is_kept_and_links_nothing() -> None:
    apart = row(
        "dataProcessGroupCrossReference",
        ProcessingGroupNumberFrom="24-8",
        ProcessingGroupNumberTo="24-9",
    )
    *_, referral = parse(case(apart, apart)).records
    assert "related_cases" not in referral
    assert len(referral["extension"]["dataProcessGroupCrossReference"]) == 2


# What stays behind, and what is no form


def test_a_picture_and_what_nobody_knows_stay_behind() -> None:
    picture = row("dataPhotograph", IndividualGUID="g1", Photo=CANARY)
    unknown = '<Shoe size="4">9</Shoe><o:FamilyName xmlns:o="urn:o">x</o:FamilyName>'
    content = case(
        picture,
        people=individual(Photo=CANARY).replace("<FamilyName>", f"{unknown}<FamilyName a='1'>"),
    )
    content = content.replace("<CASE>", '<Extra/><Note><Text>x</Text></Note><CASE a="1">')

    parsed = parse(content)

    assert parsed.unmapped == (
        "CASE/@a",
        "CASE/dataIndividual/FamilyName",
        "CASE/dataIndividual/FamilyName/@a",
        "CASE/dataIndividual/Photo",
        "CASE/dataIndividual/Shoe",
        "CASE/dataIndividual/Shoe/@size",
        "CASE/dataPhotograph/IndividualGUID",
        "CASE/dataPhotograph/Photo",
        "Note/Text",
    )
    assert CANARY not in json.dumps(parsed.records)


def test_a_name_that_may_be_a_value_is_not_shown() -> None:
    odd = case(
        people=individual().replace("<FamilyName>", f"<أمينة{CANARY}>x</أمينة{CANARY}><FamilyName>")
    )
    assert parse(odd).unmapped == ("CASE/dataIndividual/?",)


BATCH = "<RRFBATCHTYPE><GroupIndividualIndicator>Group Submission</GroupIndividualIndicator>"


def test_a_group_submission_is_told_where_it_stands_before_its_cases() -> None:
    batch = f"{BATCH}<More>x</More></RRFBATCHTYPE>"
    first = parse(case().replace("<CASE>", f"{batch}<CASE>"))
    last = parse(case().replace("</CASE>", f"</CASE>{batch}"))

    assert first.records[0]["extension"] == {"GroupIndividualIndicator": "Group Submission"}
    assert first.unmapped == ("RRFBATCHTYPE/More",)
    assert "extension" not in last.records[0]
    assert last.unmapped == ("RRFBATCHTYPE/GroupIndividualIndicator", "RRFBATCHTYPE/More")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("", "xml.empty"),
        ("{", "xml.truncated"),
        ("SexCode,SexText,,,\nF,Female", "errf.code_list"),
        ('<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema"/>', "errf.schema"),
        ("<interventions/>", "errf.not_errf"),
        ('<UNHCR_RRF xmlns="urn:else"/>', "errf.not_errf"),
        (GROUP[: len(GROUP) // 2], "xml.truncated"),
        (f"<!DOCTYPE UNHCR_RRF [<!ENTITY a '{CANARY}'>]>{case()}", "xml.doctype"),
        (case(people=individual(FamilyName="&a;")), "xml.entity"),
        ("<UNHCR_RRF>" + "<CASE>" * 300, "xml.too_deep"),
    ],
)
def test_what_is_no_form_is_refused_by_what_it_is(content: str, rule: str) -> None:
    assert refused(content)[0] == rule


class Endless:
    """A form of cases without end."""

    def __init__(self) -> None:
        made = case().removeprefix("<UNHCR_RRF>").removesuffix("</UNHCR_RRF>")
        self._parts = itertools.chain([b"<UNHCR_RRF>"], itertools.repeat(made.encode()))

    def seek(self, _: int) -> None:
        self._parts = Endless()._parts

    def read(self, _: int) -> bytes:
        return next(self._parts)


def test_a_form_is_read_case_by_case() -> None:
    found = ProgresErrf().parse(cast("BinaryIO", Endless()), None, Reading())
    assert sum(1 for _ in itertools.islice(found, 300)) == 300


# Code tables


def test_countries_are_the_vendor_s_own() -> None:
    table = code_table("country.progres")
    codes = set(code_list("country"))

    assert {code: table[code] for code in ("ARE", "AUS", "MAR")} == {
        "ARE": "EGY",
        "AUS": "AUT",
        "MAR": "MTQ",
    }
    assert len(table) == 247
    assert {target for target in table.values() if target} <= codes
    assert {code for code, target in table.items() if not target} == {"-", "U", "ZZZ"}
    assert {"KUR", "TIB", "SOV", "YUG", "SIK", "DUB", "NAN", "SCG"}.isdisjoint(table)
    assert table["PAL"] == "PSE"
    # A code that is ISO's for one country means no other, but for the three.
    assert {code for code, to in table.items() if code in codes and to != code} == {
        "ARE",
        "AUS",
        "MAR",
    }
    # Two codes mean one country twice, and no third one does.
    twice = [to for to in set(table.values()) if to and list(table.values()).count(to) > 1]
    assert sorted(twice) == ["KNA", "NCL"]


NAMES = {
    "COD",
    "CVI",
    "KOR",
    "KRN",
    "MAC",
    "MCD",
    "MDA",
    "REU",
    "SGS",
    "SWA",
    "SXM",
    "TAN",
    "TUR",
    "UMI",
    "VAT",
    "FNC",
}
"""Countries whose names differ in the two lists, looked at by a person."""


def test_countries_have_the_names_of_the_official_list(samples: Samples) -> None:
    with samples("progres/open/codes_CountryCode.csv").open(encoding="utf-8") as file:
        names = {row[0]: row[1] for row in csv.reader(file)}
    countries = json.loads((SCHEMAS / "codes/country.json").read_bytes())["codes"]

    def begin(name: str) -> str:
        return "".join(filter(str.isalpha, name.casefold()))[:5]

    differ = {
        code
        for code, target in code_table("country.progres").items()
        if target and begin(names[code]) != begin(countries[target]["en"])
    }
    assert differ == NAMES


@pytest.mark.parametrize(
    ("table", "file"),
    [
        ("sex", "SexCode"),
        ("marital_status", "MaritalStatusCode"),
        ("relationship", "RelationshipCode"),
    ],
)
def test_tables_have_every_code_of_the_official_lists(
    samples: Samples, table: str, file: str
) -> None:
    text = samples(f"progres/open/codes_{file}.csv").read_text(encoding="utf-8")
    codes = {line.split(",")[0] for line in text.splitlines()[1:]}
    assert set(code_table(f"{table}.progres")) == codes


ROWS = [
    row
    for row in json.loads((Path(__file__).parent / "real/progres.json").read_bytes())
    if row["adapter"] == "progres.errf"
]


@pytest.mark.parametrize("real", ROWS, ids=[one["file"] for one in ROWS])
def test_a_real_file_is_read_or_refused_as_expected(samples: Samples, real: Any) -> None:
    content = samples(real["file"]).read_bytes()
    if real["outcome"] == "refused":
        assert refused(content)[0] == real["rule"]
    else:
        assert len(parse(content).records) == real["records"]
