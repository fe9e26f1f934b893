"""The resettlement referral form written: valid, read again, and nothing lost without a word."""

import copy
import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.progres.errf import ProgresErrf, together
from adapters.progres.errf.tables import TABLES, UNKNOWN
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.record import Parsed, Record, Rendered, Writing, check
from tests.canonical_records import comparable, present, records

Samples = Callable[[str], Path]
CANARY = "CanaryAmina"
SAMPLES = Path(__file__).resolve().parent.parent / "adapters/progres/errf/samples"
GROUP = (SAMPLES / "group.xml").read_bytes()
OLDER = (SAMPLES / "older.xml").read_bytes()
REAL = [
    *(f"V3-TEST{which}" for which in ("", "-CrossReference", "-FamilyName1", "-Nationality")),
    *("V3-TEST-Photo-Jpeg", "V4-TEST", "V4-TEST-Minimal"),
]
HOUSEHOLD, HEAD, CHILD, SIBLING, REFERRAL, PART = range(6)


@pytest.fixture(scope="session")
def schema(samples: Samples) -> etree.XMLSchema:
    """The official schema of the form, which is no part of this project."""
    return etree.XMLSchema(etree.parse(samples("progres/open/rrf_v4_1.xsd")))


def parse(content: bytes) -> Parsed:
    parsed = read(ProgresErrf(), content)
    for record in parsed.records:
        check(record, at="")
    return parsed


def one_case() -> list[Record]:
    """The first case of the sample: a household, three people, a referral and its part."""
    return copy.deepcopy(parse(GROUP).records[:6])


def plain_case() -> list[Record]:
    """The same without what was kept of the form."""
    return [{k: v for k, v in record.items() if k != "extension"} for record in one_case()]


def written(several: list[Record]) -> Rendered:
    return write(ProgresErrf(), several)


def texts(rendered: Rendered, name: str) -> list[str]:
    return [element.text or "" for element in etree.fromstring(rendered.content).iter(name)]


def refused(several: list[Record]) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        written(several)
    assert CANARY not in str(caught.value)
    return caught.value.rule, caught.value.at


def holds(several: list[Record], rendered: Rendered) -> None:
    """What was not told to be lost came back, and every leaf was told of."""
    gone = set(rendered.unrendered)
    assert comparable(parse(rendered.content).records, gone) == comparable(several, gone)
    assert present(several) <= rendered.lineage.keys() | gone


def test_a_form_of_v4_comes_back_whole_but_for_its_pictures(schema: etree.XMLSchema) -> None:
    rendered = written(parse(GROUP).records)

    schema.assertValid(etree.fromstring(rendered.content))
    assert parse(rendered.content).records == parse(GROUP).records
    assert rendered.unrendered == ()
    assert rendered.media_type == "application/xml"


def elements(content: bytes) -> Iterator[tuple[str, str]]:
    """Every row as name and what it says, without namespace, pictures and what says nothing."""
    root = etree.fromstring(content.removeprefix(b"\xef\xbb\xbf"))
    for table in root.iter("{*}*"):
        name = etree.QName(table).localname
        if name.startswith("data") and name != "dataPhotograph":
            said = {
                etree.QName(one).localname: one.text
                for one in table.iterchildren("{*}*")
                if (one.text or "").strip() not in ("", UNKNOWN)
            }
            yield name, repr(sorted(said.items()))


@pytest.mark.parametrize("name", ["V4-TEST", "V4-TEST-Minimal"])
def test_a_real_form_of_v4_is_written_element_by_element_as_it_was(
    samples: Samples, name: str
) -> None:
    content = samples(f"progres/open/rrf_{name}.xml").read_bytes()
    rendered = written(parse(content).records)
    assert sorted(elements(rendered.content)) == sorted(elements(content))


@pytest.mark.parametrize("name", REAL)
def test_a_real_form_comes_back_but_for_what_is_told(
    samples: Samples, schema: etree.XMLSchema, name: str
) -> None:
    several = parse(samples(f"progres/open/rrf_{name}.xml").read_bytes()).records
    rendered = written(several)

    schema.assertValid(etree.fromstring(rendered.content))
    holds(several, rendered)
    lost = {"person.name.full_name", "person.absent"} if name.startswith("V3") else set()
    assert set(rendered.unrendered) <= lost


def test_a_form_of_v3_loses_whole_names_and_documents(schema: etree.XMLSchema) -> None:
    several = parse(OLDER).records
    rendered = written(several)

    schema.assertValid(etree.fromstring(rendered.content))
    holds(several, rendered)
    assert rendered.unrendered == (
        "person.identifier[].identifier_type",
        "person.identifier[].identifier_value",
        "person.name.full_name",
    )
    assert texts(rendered, "ResettlementCriteria2Code") == [UNKNOWN]
    assert texts(rendered, "DateofBirthEstimate") == ["0", "0"]


def test_guids_nobody_gave_are_made_of_the_numbers_and_are_no_identifiers() -> None:
    rendered = written(parse(OLDER).records)

    again = written(parse(OLDER).records)
    assert again.content == rendered.content
    keys = [
        key
        for name, items in TABLES.items()
        for row in etree.fromstring(rendered.content).iter(name)
        for key in [row.findtext(items[0].name) or ""]
        if name != "dataResettlement"
    ]
    assert len(keys) == len(set(keys)) == 9
    assert {len(key) for key in keys} == {36}
    for record in parse(rendered.content).records:
        assert "guid" not in str(record.get("identifier", ""))


def test_records_alone_are_written_in_the_form_s_plain_words(schema: etree.XMLSchema) -> None:
    several = plain_case()
    rendered = written(several)

    schema.assertValid(etree.fromstring(rendered.content))
    holds(several, rendered)
    # Engaged is no marital status, so nothing is said, which the form writes as unknown.
    assert rendered.unrendered == ("person.absent",)
    assert texts(rendered, "DateofBirth") == ["1988-11-01T00:00:00", "2009-01-01T00:00:00"]
    assert texts(rendered, "NationalityCode") == ["SUD", "ZZZ", "MOR"]
    assert texts(rendered, "RelationshipToPrincipalRepresentative") == ["PA", "SON", "SBF"]
    assert texts(rendered, "AddressType") == ["CoA", "Mail", "Mail", "TEL", "EML"]
    assert texts(rendered, "AddressCountry") == ["CHD", "CHD", "CHD", "-", "-"]
    assert texts(rendered, "BirthCountryCode") == ["-", "-", "-"]
    assert texts(rendered, "VulnerabilityCode") == ["WR", "SP", "DS"]
    assert texts(rendered, "ResettlementPriorityCode") == ["UG"]


def test_what_was_kept_never_says_more_than_the_record() -> None:
    several = one_case()
    head = several[HEAD]
    for name in ("birth_date", "phone_number", "nationality"):
        del head[name]
    several[HOUSEHOLD]["member_list"][2]["relationship_head"] = "cousin"

    rendered = written(several)

    assert "+235" not in rendered.content.decode()
    assert "1988" not in rendered.content.decode()
    assert texts(rendered, "NationalityCode")[0] == UNKNOWN
    assert texts(rendered, "RelationshipToPrincipalRepresentative")[2] == "COF"
    assert {"person.extension", "person.absent"} <= set(rendered.unrendered)
    holds(several, rendered)


@pytest.mark.parametrize(
    "kept",
    [
        {"ArrivalDate": CANARY},
        {"ArrivalDate": " 2020-01-01T00:00:00"},
        {"BirthCountryCode": 7},
        {"BirthCountryCode": UNKNOWN},
        {"BirthCountryCode": "\x00"},
        {"SexCode": CANARY},
        {"IndividualID": CANARY},
        {"Photo": CANARY},
        {"dataPhotograph": [{"Photo": CANARY}]},
        {"dataProcessGroupCrossReference": [{"ProcessingGroupNumberTo": CANARY}]},
        {"dataEducation": [{"IndividualGUID": CANARY}]},
        {"dataEducation": [{"EducationLevelCode": ["x"]}]},
        {"dataEducation": [{}]},
        {"dataEducation": ["x"]},
        {"dataEducation": {"EducationLevelCode": "x"}},
        {"religion": CANARY},
    ],
)
def test_what_the_form_cannot_hold_is_lost_and_told(
    schema: etree.XMLSchema, kept: dict[str, Any]
) -> None:
    several = plain_case()
    several[HEAD]["extension"] = kept
    rendered = written(several)

    schema.assertValid(etree.fromstring(rendered.content))
    assert CANARY not in rendered.content.decode()
    assert "person.extension" in rendered.unrendered


@pytest.mark.parametrize(
    ("position", "change", "lost"),
    [
        (HEAD, {"sex": "other"}, {"person.sex", "person.absent"}),
        (HEAD, {"nationality": ["ALA"]}, {"person.nationality[]", "person.absent"}),
        (HEAD, {"nationality": ["SDN", "TCD"]}, {"person.nationality[]"}),
        (HEAD, {"birth_date": "1988"}, {"person.birth_date"}),
        (HEAD, {"birth_date": "1988-02-31"}, {"person.birth_date"}),
        (HEAD, {"birth_date_estimated": False}, {"person.birth_date_estimated"}),
        (HEAD, {"displacement_status": "STA"}, {"person.displacement_status"}),
        (HEAD, {"displacement_status": "REF"}, {"person.displacement_status"}),
        (HEAD, {"religion": "-"}, {"person.religion", "person.absent"}),
        (HEAD, {"is_disabled": True}, {"person.is_disabled"}),
        (HEAD, {"email": ["none"]}, {"person.email[]"}),
        (HEAD, {"phone_number": ["-", "7"]}, {"person.phone_number[]"}),
        (HEAD, {"name": {"surname": "Nur", "prefix": "Dr"}}, {"person.name.prefix"}),
        (HEAD, {"name": {"surname": "Nur", "given_name": "\x01"}}, {"person.name.given_name"}),
        (HEAD, {"withheld": {"photo_url": "purpose"}}, {"person.withheld"}),
        (CHILD, {"sex": "unknown"}, {"household.member_list[].relationship_head"}),
        (REFERRAL, {"status": "requested"}, {"case.status"}),
        (REFERRAL, {"priority": "asap"}, {"case.priority", "case.absent"}),
        (
            REFERRAL,
            {"related_cases": [{"related": "o.example/1"}]},
            {"case.related_cases[].related"},
        ),
        (
            REFERRAL,
            {"reason": [{"system": "else", "code": "X"}]},
            {"case.reason[].system", "case.reason[].code"},
        ),
        (HOUSEHOLD, {"place": {"name": "x"}}, {"household.place.name"}),
        (HOUSEHOLD, {"extension": {"GroupIndividualIndicator": "Else"}}, {"household.extension"}),
    ],
)
def test_what_the_form_has_no_words_for_is_told(
    position: int, change: dict[str, Any], lost: set[str]
) -> None:
    several = plain_case()
    usual = set(written(several).unrendered)
    several[position] |= change
    rendered = written(several)

    assert lost <= set(rendered.unrendered) <= lost | usual
    holds(several, rendered)


def test_ids_of_another_numbering_are_told_to_be_lost() -> None:
    text = repr(plain_case()).replace("progres.invalid/812-", "camp.example/")
    several = eval(text)  # noqa: S307
    for one in several[HOUSEHOLD]["member_list"]:
        assert one["member"].startswith("camp.example/")
    rendered = written(several)

    lost = {name for name in rendered.unrendered if name.endswith(".record_id")}
    assert lost == {"household.record_id", "person.record_id", "case.record_id"}
    assert "household.member_list[].member" in rendered.lineage
    assert texts(rendered, "IndividualID")[0] == "812-00004417"


@pytest.mark.parametrize(
    ("position", "gone", "at"),
    [
        (HOUSEHOLD, "group_identifier", "household 1, ProcessingGroupNumber"),
        (HOUSEHOLD, "group_size", "household 1, ProcessingGroupSize"),
        (HOUSEHOLD, "member_list", "household 1, dataIndividual"),
        (HEAD, "identifier", "household 1, person 1, IndividualID"),
        (HEAD, "name", "household 1, person 1, FamilyName"),
        (CHILD, "registration_date", "household 1, RegistrationDate"),
        (REFERRAL, None, "household 1, dataResettlement"),
    ],
)
def test_what_the_schema_requires_and_nobody_says_is_refused(
    position: int, gone: str | None, at: str
) -> None:
    several = plain_case()
    if gone:
        del several[position][gone]
    else:
        del several[position]
    assert refused(several) == ("errf.required", at)


def test_a_name_nobody_knows_is_written_as_unknown() -> None:
    several = plain_case()
    del several[HEAD]["name"]
    several[HEAD]["absent"] = {"name": "unknown"}
    assert texts(written(several), "FamilyName")[0] == UNKNOWN
    del several[CHILD]["name"]["surname"]
    assert texts(written(several), "FamilyName")[1] == UNKNOWN


def test_there_is_exactly_one_applicant() -> None:
    several = plain_case()
    household = several[HOUSEHOLD]

    household["group_head"] = "progres.invalid/nobody"
    assert refused(several) == ("errf.applicant", "household 1")
    del household["group_head"]
    assert texts(written(several), "RelationshipToPrincipalRepresentative")[0] == "PA"
    household["group_head"] = household["member_list"][0]["member"]
    household["member_list"][1]["relationship_head"] = "head"
    rendered = written(several)
    assert texts(rendered, "RelationshipToPrincipalRepresentative")[:2] == ["PA", UNKNOWN]
    assert "household.member_list[].relationship_head" in rendered.unrendered
    del household["group_head"]
    assert refused(several)[0] == "errf.applicant"
    for one in household["member_list"]:
        one.pop("is_head", None)
        one.pop("relationship_head", None)
    assert refused(several)[0] == "errf.applicant"


def test_a_household_has_one_referral_and_other_cases_are_told_to_be_lost() -> None:
    several = plain_case()
    other = {
        "record_type": "case",
        "record_id": "a.example/9",
        "subject": several[HEAD]["record_id"],
    }
    second = other | {"case_type": "referral"}
    assert refused([*several, second])[0] == "errf.two_referrals"

    rendered = written([*several, other | {"case_type": "encounter", "outcome": "x"}])
    assert {"case.outcome", "case.record_id"} <= set(rendered.unrendered)
    assert texts(rendered, "ProcessingGroupNumber") == ["812-24C00107"]


@pytest.mark.parametrize("change", [{"specific_needs": []}, {"subject": "a.example/0"}])
def test_a_part_without_needs_or_a_member_is_told_to_be_lost(change: dict[str, Any]) -> None:
    several = plain_case()
    several[PART] |= change
    rendered = written(several)
    assert "case.subject" in rendered.unrendered
    assert texts(rendered, "VulnerabilityCode") == ["WR", "SP"]


def test_a_referral_of_the_household_is_about_its_applicant() -> None:
    several = plain_case()
    several[REFERRAL]["subject"] = several[HOUSEHOLD]["record_id"]
    rendered = written(several)
    assert rendered.unrendered.count("case.subject") == 1
    assert texts(rendered, "VulnerabilityCode")[:2] == ["WR", "SP"]


def test_a_group_is_submitted_as_one_where_its_first_household_says_so() -> None:
    several = parse(GROUP).records
    several[HOUSEHOLD]["extension"] = {"GroupIndividualIndicator": "Group Submission"}
    rendered = written(several)

    assert texts(rendered, "GroupIndividualIndicator") == ["Group Submission"]
    assert rendered.unrendered == ()
    several[HOUSEHOLD]["extension"]["GroupIndividualIndicator"] = "Single Submission"
    assert written(several).unrendered == ("household.extension",)


def test_the_order_of_records_changes_nothing() -> None:
    several = parse(GROUP).records
    expected = written(several)
    for seed in range(6):
        mixed = several[:]
        random.Random(seed).shuffle(mixed)
        mixed.sort(key=lambda record: record["record_type"] == "household", reverse=seed % 2 == 0)
        mixed.sort(key=lambda record: record["record_id"] == several[6]["record_id"])
        rendered = written(mixed)
        assert rendered.content == expected.content
        assert set(rendered.lineage) == set(expected.lineage)


@pytest.mark.parametrize("shuffled", [False, True])
def test_who_belongs_to_no_household_is_told_to_be_lost(shuffled: bool) -> None:
    stranger: Record = {"record_type": "person", "record_id": "a.example/9", "photo_url": ["x"]}
    lone: Record = {"record_type": "case", "record_id": "a.example/8", "outcome": "x"}
    other: Record = {"record_type": "facility", "record_id": "a.example/7", "facility_name": "x"}
    several = [other, *plain_case()]
    rendered = written([*several, stranger, lone] if shuffled else several)

    lost = {"person.photo_url[]", "case.outcome"} if shuffled else set()
    assert lost | {"facility.facility_name"} <= set(rendered.unrendered)
    assert rendered.content == written(plain_case()).content


def test_records_apart_are_held_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    several = plain_case()
    monkeypatch.setattr(together, "HELD", len(several))
    assert written(several[::-1]).content
    assert written(several * 2).content
    monkeypatch.setattr(together, "HELD", len(several) - 1)
    assert refused(several[::-1])[0] == "errf.apart"


def test_nothing_is_no_form() -> None:
    assert refused([]) == ("errf.nothing", "")
    assert refused(plain_case()[1:])[0] == "errf.nothing"


def test_a_form_is_written_case_by_case() -> None:
    class Forever:
        """Households without end, whose first walk finds them in order."""

        def __init__(self) -> None:
            self.walks = 0

        def __iter__(self) -> Iterator[Record]:
            self.walks += 1
            several = plain_case()
            return iter(several) if self.walks == 1 else itertools.cycle(several)

    chunks = ProgresErrf().render(Forever(), None, Writing())
    assert sum(len(next(chunks)) for _ in range(20)) > 20_000


# Anything the schemas of records allow

ELEMENTS = sorted({item.name for items in TABLES.values() for item in items})
SAID = st.sampled_from(
    ["-", "U", "M", "F", "SUD", "ZZZ", "1", "0", "2020-01-01T00:00:00+02:00", "7 x", "", "\x01"]
)
ROWS = st.lists(st.dictionaries(st.sampled_from(ELEMENTS), SAID, max_size=3), max_size=2)
KEPT = st.dictionaries(st.sampled_from(ELEMENTS), SAID, max_size=6).flatmap(
    lambda one: st.dictionaries(st.sampled_from(sorted(TABLES)), ROWS, max_size=2).map(
        lambda more: {**one, **more}
    )
)
RELATIONS = st.sampled_from([None, "child", "spouse", "other", "sibling_in_law", CANARY])
LONG = settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)


@st.composite
def cases(draw: st.DrawFn) -> list[Record]:
    """A household that can be sent, of records that are otherwise anything."""
    types = ("person", "household", "case")
    people = draw(records(types=types[:1], most=3)) or [{}]
    (household,) = draw(records(types=types[1:2], most=1)) or [{}]
    several = draw(records(types=types[2:], most=3)) or [{}]
    ids = [f"progres.invalid/1-{number}" for number in range(len(people))]
    for number, one in enumerate(people):
        one |= {"record_type": "person", "record_id": ids[number]}
        one.setdefault("name", {})["surname"] = draw(st.sampled_from(["Nur", "نور", "O'Nur"]))
        one["registration_date"] = "2024-01-01"
        own = {"identifier_type": "unhcr_individual_no", "identifier_value": f"1-{number}"}
        one["identifier"] = [own, *one.get("identifier", ())]
        if draw(st.booleans()):
            one["extension"] = draw(KEPT.filter(bool))
    household |= {
        "record_type": "household",
        "record_id": "progres.invalid/24-1",
        "group_identifier": [{"identifier_type": "unhcr_id_no", "identifier_value": "24-1"}],
        "group_size": draw(st.integers(0, 1000)),
        "group_head": ids[0],
        "member_list": [{"member": ids[0], "relationship_head": "head", "is_head": True}],
    }
    for one in ids[1:]:
        relation = draw(RELATIONS)
        member = {"member": one, "relationship_head": relation} if relation else {"member": one}
        household["member_list"].append(member)
    for number, one in enumerate(several):
        part = {"relation": "part_of", "related": "progres.invalid/24-1:resettlement"}
        one |= {"record_type": "case", "record_id": f"progres.invalid/24-1:1-{number}"}
        one |= {"case_type": "case", "subject": ids[number % len(ids)], "related_cases": [part]}
    several[0] |= {"case_type": "referral", "record_id": "progres.invalid/24-1:resettlement"}
    several[0]["related_cases"] = [{"related": "progres.invalid/24-2:resettlement"}]
    if draw(st.booleans()):
        several[0]["extension"] = draw(KEPT.filter(bool))
    return [household, *people, *several]


@LONG
@given(cases())
def test_whatever_is_written_is_valid_and_comes_back_or_is_told(
    schema: etree.XMLSchema, found: list[Record]
) -> None:
    before = copy.deepcopy(found)
    rendered = written(found)

    assert found == before
    schema.assertValid(etree.fromstring(rendered.content))
    gone = set(rendered.unrendered)
    back = [one for one in comparable(parse(rendered.content).records, gone) if bare(one)]
    assert back == [one for one in comparable(found, gone) if bare(one)]
    assert present(found) <= rendered.lineage.keys() | gone | HEADS
    assert gone | rendered.lineage.keys() <= present(found) | HEADS


HEADS = {
    f"{kind}.{leaf}"
    for kind in ("person", "household", "case")
    for leaf in ("record_type", "absent")
}


def bare(record: Record) -> bool:
    """Whether a record says anything but what it is, of what was not told to be lost."""
    return bool(record.keys() - {"record_type", "absent"})


@LONG
@given(
    st.sampled_from([GROUP, OLDER]),
    st.integers(0, 14_000),
    st.integers(0, 60),
    st.binary(max_size=6),
)
def test_any_damage_is_read_or_refused(content: bytes, place: int, cut: int, noise: bytes) -> None:
    try:
        parse(content[:place] + noise + content[place + cut :])
    except SenderError as error:
        assert error.rule.partition(".")[0] in ("xml", "errf", "schema")  # noqa: PT017
        assert error.__cause__ is None  # noqa: PT017
