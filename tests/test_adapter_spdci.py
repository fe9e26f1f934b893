"""SPDCI as registries really answer: other names, other shapes, and what holds no records."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.spdci import Spdci
from gateway.adapter import read
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of
from gateway.record import Parsed, Record, check

CANARY = "CanaryAmina"
SAMPLES = Path(__file__).resolve().parent.parent / "adapters/spdci/samples"
UIN = {"identifier_type": "UIN", "identifier_value": "007"}
PERSON = {"identifier": [UIN], "sex": "female"}
ID = "spdci.invalid/UIN:007"


def answer(*records: Any, sender: str = "SR", **message: Any) -> bytes:
    """An answer to a search with these records, or another message."""
    item = {"reference_id": "1", "status": "succ", "data": {"reg_records": list(records)}}
    header = {"message_id": "1", "action": "on-search", "sender_id": sender}
    body = {"header": header, "message": message or {"search_response": [item]}}
    return json.dumps(body).encode()


def parse(content: bytes, plan: Plan | None = None) -> Parsed:
    parsed = read(Spdci(), content, plan)
    for record in parsed.records:
        check(record, at="")
        leaves = {leaf for leaf in parsed.lineage if leaf.startswith(f"{record['record_type']}.")}
        assert leaves
    return parsed


def all_of(*records: Any) -> dict[str, Record]:
    return {one["record_id"]: one for one in parse(answer(*records)).records}


def person(**more: Any) -> Record:
    (record,) = parse(answer({**PERSON, **more})).records
    return record


def refused(content: bytes, plan: Plan | None = None) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content, plan)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.rule, caught.value.at


def plan_for(name: str, authority: str = "a.example") -> Plan:
    table = {"type": "person", "id": {"first": ["id"]}, "fields": {}}
    return plan_of(
        {
            "mapping": "only-the-authority",
            "version": "1",
            "format": name,
            "authority": authority,
            "records": [table],
        },
        at="",
    )


def test_a_group_is_a_household_and_its_members_are_persons():
    parsed = parse((SAMPLES / "households.json").read_bytes())
    household, *people = parsed.records
    local = "registry.sahil.example"

    assert household == {
        "record_type": "household",
        "record_id": f"{local}/group:HHN:0077",
        "group_identifier": [{"identifier_type": "HHN", "identifier_value": "0077"}],
        "group_type": "household",
        "poverty_score": "41.50",
        "poverty_score_type": "pmt-2025",
        "group_size": 4,
        "address": [
            {"address_line_1": "Well 4", "locality": "Baidoa", "country_code": "SO"},
            {"address_line_1": "Shelter 12, row C"},
        ],
        "place": {
            "name": "Gelbis camp",
            "geo": {"type": "Point", "coordinates": [43.6478, 3.1172]},
        },
        "registration_date": "2024-01-10",
        "source": {"source_date": "2025-06-15T10:00:00Z"},
        "member_list": [
            {"member": f"{local}/UIN:0100345", "relationship_head": "head"},
            {"member": f"{local}/BRN:2013%2F44", "relationship_head": "child"},
            {"member": f"{local}/group:HHN:0077.3"},
            {"member": f"{local}/UIN:0100999"},
        ],
        "group_head": f"{local}/UIN:0100345",
    }
    head, son, young, other = people
    assert head["name"]["maiden_name"] == "Diriye"
    assert head["source"] == {"source_date": "2025-06-15T10:00:00.250+03:00"}
    assert (head["marital_status"], head["language_code"]) == ("W", ["so", "ar"])
    assert son["name"] == {"full_name": "Abdi Warsame"}
    assert (son["birth_date"], son["sex"]) == ("2013-05-02", "male")
    assert (son["is_disabled"], son["disability_info"]) == (True, ["d230"])
    assert son["relationships"] == [
        {"relationship_type": "parent", "related": f"{local}/UIN:0100345"}
    ]
    assert (young["birth_date"], young["name"]) == ("2021", {"given_name": "Sahra"})
    assert other["identifier"] == [{"identifier_type": "UIN", "identifier_value": "0100999"}]
    assert "message.search_response[].pagination" in parsed.unmapped
    path = parsed.lineage["person.name.maiden_name"]
    assert (
        path
        == "reg_records[].member_list.household_member.demographic_info.person.name.maiden_name"
    )


def test_each_benefit_and_payment_is_assistance():
    parsed = parse((SAMPLES / "beneficiaries.json").read_bytes())
    cash, rice = [one for one in parsed.records if one.get("programme_identifier") == ["CT-NORTH"]]

    assert cash == {
        "record_type": "assistance",
        "record_id": "spdci.invalid/group:HHN:0077:CT-NORTH:1",
        "beneficiary": "spdci.invalid/group:HHN:0077",
        "assistance_unit": "household",
        "programme_identifier": ["CT-NORTH"],
        "programme_name": "Cash for the north",
        "enrollment_date": "2025-11-01T00:00:00",
        "enrollment_status": "active",
        "status_change_dates": ["2025-11-01", "2026-01-01T12:00:00Z"],
        "benefit_type": "cash",
        "benefit_date": "2025-12-02",
        "benefit_value": "85.50",
        "currency_code": "USD",
    }
    assert (rice["record_id"], rice["benefit_quantity"]) == (
        "spdci.invalid/group:HHN:0077:CT-NORTH:2",
        "25",
    )
    meal = next(one for one in parsed.records if one.get("programme_name") == "School meals")
    assert (meal["enrollment_status"], meal["benefit_value"]) == ("suspended", "12")
    assert (meal["beneficiary"], meal["assistance_unit"]) == ("spdci.invalid/M-2", "member")
    pension, insurance, paid = parsed.records[-3:]
    assert (pension["programme_name"], pension["enrollment_status"]) == ("Pension", "graduated")
    assert (insurance["benefit_type"], insurance["benefit_value"]) == ("insurance", "40")
    assert {key: paid[key] for key in ("benefit_value", "delivered_value", "delivered_on")} == {
        "benefit_value": "250",
        "delivered_value": "245.00",
        "delivered_on": "2025-12-28T11:20:00",
    }
    assert (paid["status"], paid["currency_code"]) == ("completed", "EUR")
    assert [one["record_id"][-3:] for one in (pension, insurance, paid)] == ["::1", "::2", "::3"]


def test_other_registers_have_people_too():
    records = parse((SAMPLES / "registers.json").read_bytes()).records
    civil, disabled, enrolled, family, farmer = records

    assert civil["record_id"] == "civil.sahil.example/UIN:197382"
    assert (civil["birth_date"], civil["death_date"]) == ("1980-03-23", "2026-02-27")
    assert civil["nationality"] == ["SOM", "KEN"]
    assert civil["place"]["geo"]["coordinates"] == [42.25, 2.5, 181.5]
    assert civil["address"][0]["country_code"] == "SO"
    assert civil["marital_status"] == "L"
    assert disabled["registration_date"] == "2023-01-10"
    assert "is_disabled" not in disabled
    assert enrolled["programme_identifier"] == ["AD234"]
    assert family["group_head"] == farmer["record_id"] == "civil.sahil.example/FARM:F-1"
    assert (farmer["sex"], farmer["marital_status"]) == ("male", "M")


@pytest.mark.parametrize(
    "name",
    [
        {"surname": "A", "given_name": "B"},
        {"sur_name": "A", "first_name": "B"},
        {"last_name": "A", "given_name": "B", "second_name": " "},
        {"spdci:family_name": "A", ":first_name": "B", "@type": "Name"},
    ],
)
def test_parts_of_a_name_by_any_of_their_names(name):
    assert person(name=name)["name"] == {"surname": "A", "given_name": "B"}


@pytest.mark.parametrize(
    ("field", "value", "leaf", "read_as"),
    [
        ("sex", "F", "sex", "female"),
        ("sex", "FeMale", "sex", "female"),
        ("gender", "Male", "sex", "male"),
        ("birth_date", "1985-05-20T00:00:00Z", "birth_date", "1985-05-20"),
        ("birth_date", "1985-05-20T23:59:59-11:00", "birth_date", "1985-05-20"),
        ("birth_date", "1985-05-20T11:20", "birth_date", "1985-05-20"),
        ("birth_date", "02.05.2004", "birth_date", "2004-05-02"),
        ("date_of_birth", "2004-05", "birth_date", "2004-05"),
        ("marital_status", "Single", "marital_status", "S"),
        ("marital_status", "L", "marital_status", "L"),
        ("marital_status", "Legally Separated", "marital_status", "L"),
        ("marital_status", "Annulled", "marital_status", "A"),
        ("marital_status", "Unmarried", "marital_status", "U"),
        ("marital_status", "Living together", "marital_status", "T"),
        ("is_disabled", "yes", "is_disabled", True),
        ("birth_date", "1985-05-20T00:00:00.000+0000", "birth_date", "1985-05-20"),
        ("language_code", ["so", "Arabic"], "language_code", ["so"]),
        ("is_disabled", "2", "is_disabled", False),
        ("is_disabled", True, "is_disabled", True),
        ("is_disabled", "0", "is_disabled", False),
        ("language_code", "Eng", "language_code", ["Eng"]),
        ("phone_number", "+252 1", "phone_number", ["+252 1"]),
        ("email", ["a@b.example", ""], "email", ["a@b.example"]),
        ("nationality", "ISO 3166-1:SO", "nationality", ["SOM"]),
        ("ethnicity", "one", "ethnicity", "one"),
        ("name", "Amina Yusuf", "name", {"full_name": "Amina Yusuf"}),
        ("address", "Well 4", "address", [{"address_line_1": "Well 4"}]),
        ("disability_info", "d230", "disability_info", ["d230"]),
        ("functional_limitation_type", ["d132", ""], "disability_info", ["d132"]),
    ],
)
def test_one_field_in_its_many_spellings(field, value, leaf, read_as):
    record = {"identifier": UIN, field: value}
    (read_record,) = parse(answer(record)).records

    assert read_record[leaf] == read_as


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("marital_status", "unknown"),
        ("language_code", "English"),
        ("language_code", "en_US"),
        ("address", {"region_code": "Lower Shabelle"}),
        ("functional_severity", "2"),
        ("disability_info", [{"disability_limitation_type": "Sees badly"}]),
        ("disability_info", [{"functional_limitation_type": ["d132"], "functional_severity": 0}]),
        ("is_disabled", "3"),
        ("ethnicity", ["one", "two"]),
        ("last_updated", "2025-01-01T10:00:00"),
        ("last_updated", "2025-01-01T10:00:00.1234567Z"),
        ("birth_place", {"name": "x"}),
        ("@id", "https://other.example/7"),
        ("disability_info", [{"disability_type": "H54"}]),
        ("related_person", [{"relationship_type": ""}, "x"]),
        ("address", {"country": "Somewhere"}),
    ],
)
def test_what_has_no_place_stays_behind_and_is_told(field, value):
    parsed = parse(answer({**PERSON, field: value}))

    assert parsed.records == [person()]
    assert any(path.startswith(f"reg_records[].{field}") for path in parsed.unmapped)


@pytest.mark.parametrize("value", ["", " ", None, [], {}, [""]])
def test_nothing_is_nothing(value):
    record = person(name=value, address=value, phone_number=value, related_person=value)

    assert record == person()


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("sex", CANARY, "spdci.sex"),
        ("sex", 1, "spdci.sex"),
        ("birth_date", CANARY, "spdci.date"),
        ("birth_date", "2001-02-30", "spdci.date"),
        ("birth_date", "13.13.2001", "spdci.date"),
        ("birth_date", "02/05/2004", "spdci.date"),
        ("birth_date", "2001-02-03T25:00:00", "spdci.date"),
        ("birth_date", 20010203, "spdci.date"),
        ("marital_status", CANARY, "spdci.marital_status"),
        ("is_disabled", CANARY, "spdci.flag"),
        ("is_disabled", [1], "spdci.flag"),
        ("phone_number", 252615550101, "spdci.text"),
        ("nationality", ["XX"], "spdci.country"),
        ("language_code", 7, "spdci.language"),
        ("last_updated", "2025-05-20T10:00:00+99:00", "spdci.date"),
        ("demographic_info", [PERSON, {"identifier": "8"}], "spdci.two_values"),
        ("name", 7, "spdci.name"),
        ("name", {"surname": 7}, "spdci.text"),
        ("address", 7, "spdci.address"),
        ("address", {"region_code": 7}, "spdci.code"),
        ("address", {"country_code": "Somewhere"}, "spdci.country"),
        ("address", {"geo_location": {"latitude": 91, "longitude": 1}}, "spdci.position"),
        ("address", {"geo_location": {"latitude": 9}}, "spdci.position"),
        ("address", {"geo_location": {"latitude": CANARY, "longitude": 1}}, "spdci.position"),
        ("identifier", 7, "spdci.identifier"),
        ("related_person", {"relationship_type": CANARY}, "spdci.relationship"),
        ("benefit", {"benefit_value": "1,000 USD"}, "spdci.money"),
        ("benefit", {"benefit_value": "85 XXQ"}, "spdci.money"),
        ("benefit", {"benefit_value": "EUR 85 USD"}, "spdci.money"),
        ("benefit", {"benefit_value": True}, "spdci.money"),
        ("benefit", {"benefit_type": "9"}, "spdci.benefit_type"),
        ("benefit", {"benefit_quantity": "many"}, "spdci.number"),
        ("enrolment_status", CANARY, "spdci.enrollment_status"),
        ("payroll", {"payment_status": "9"}, "spdci.payment_status"),
    ],
)
def test_what_a_field_does_not_have_is_refused_with_its_place(field, value, rule):
    found = refused(answer({"identifier": UIN, field: value}))

    assert found[0] == rule
    assert found[1].startswith(f"record 1, reg_records[].{field}")


def test_two_values_for_one_field_are_refused():
    for record in (
        {**PERSON, "gender": "male"},
        {**PERSON, "spdci:sex": "male"},
        {**PERSON, "payroll": {"payroll_amount": "EUR 1", "payment_credit_amount": "USD 1"}},
    ):
        assert refused(answer(record))[0] == "spdci.two_values"
    assert person(gender="female", **{"spdci:sex": "female"}) == person()


def test_the_head_is_one_of_the_members_unless_they_disagree():
    group = {"group_identifier": "9", "member_list": [PERSON]}
    head = {"demographic_info": {"identifier": UIN, "name": {"surname": "A"}}, "is_disabled": 0}
    household, one = parse(answer({**group, "group_head_info": head})).records

    assert household["group_head"] == one["record_id"] == ID
    assert (one["sex"], one["name"], one["is_disabled"]) == ("female", {"surname": "A"}, False)
    for other in ({"sex": "male"}, {"demographic_info": {"name": {"surname": "B"}}}):
        member = {**PERSON, "name": {"surname": "A"}}
        head = {"identifier": UIN, **other}
        content = answer({**group, "member_list": [member], "group_head_info": head})
        assert refused(content)[0] == "spdci.two_values"


def test_a_place_gives_its_name_position_and_line():
    def place(value: Any, **more: Any) -> tuple[Record, tuple[str, ...]]:
        parsed = parse(answer({"group_identifier": "9", "place": value, **more}))
        (household,) = parsed.records
        return household, parsed.unmapped

    here = {"latitude": 2.5, "longitude": "42.25"}
    there = {"geo_location": {"latitude": 1, "longitude": 1}}
    point = {"type": "Point", "coordinates": [42.25, 2.5]}

    assert place({"address": "Well 4"})[0]["address"] == [{"address_line_1": "Well 4"}]
    assert "place" not in place({"address_line": "Well 4"})[0]
    assert place({"name": "Daru", "geo": here})[0]["place"] == {"name": "Daru", "geo": point}
    assert place({"geo": here, "address": {"x": 1}})[1] == ("reg_records[].place.address",)
    household, unmapped = place({"geo": here}, address=there)
    assert household["place"]["geo"]["coordinates"] == [1, 1]
    assert unmapped == ("reg_records[].place.geo",)
    household, unmapped = place({"name": "Daru"}, address=[there, there])
    assert household["place"] == {"name": "Daru"}
    assert unmapped == ("reg_records[].address.geo_location",)
    odd = {"group_identifier": "9", "place": {"name": 7}}
    assert refused(answer(odd))[0] == "spdci.text"


def test_related_people_are_named_by_their_numbers():
    numbers = {"demographic_info": {"person": {"identifier": "9"}}, "member_identifier": "8"}
    related = [
        {"relationship_type": "SPS", "related_member": numbers},
        {"relationship_type": "FTH", "related_member": {"name": {"surname": "A"}}},
        {"related_member": {"member_identifier": "8"}},
    ]
    parsed = parse(answer({**PERSON, "related_person": related, "parent1_identifier": "7"}))

    assert parsed.records[0]["relationships"] == [
        {"relationship_type": "spouse", "related": "spdci.invalid/9"},
        {"relationship_type": "parent"},
        {"related": "spdci.invalid/8"},
        {"relationship_type": "parent", "related": "spdci.invalid/7"},
    ]
    assert parsed.unmapped == ("reg_records[].related_person.related_member.name",)


def test_a_list_of_very_many_is_read_in_its_time():
    numbers = [str(number) for number in range(20_000)]
    group = {"group_identifier": "9", "member_list": [{**PERSON, "identifier": numbers}]}

    household, one = parse(answer({**group, "group_head_info": {"identifier": numbers}})).records

    assert household["group_head"] == one["record_id"]
    assert len(one["identifier"]) == len(numbers)


def test_who_has_no_number_gets_the_position_in_the_group():
    found = all_of(
        {
            "group_identifier": [{"identifier_type": "HHN", "identifier_value": "7"}],
            "member_list": [{"sex": "F"}, {"relationship_head": "CHILD"}, "M-2", {"x": ""}, 7],
            "group_head_info": {"name": {"surname": "A"}},
        }
    )
    home = "spdci.invalid/group:HHN:7"

    assert found.keys() == {home, f"{home}.1", f"{home}.head", "spdci.invalid/M-2"}
    assert found[home]["member_list"] == [
        {"member": f"{home}.1"},
        {"relationship_head": "child"},
        {"member": "spdci.invalid/M-2"},
    ]
    assert found[home]["group_head"] == f"{home}.head"


@pytest.mark.parametrize(
    "record",
    [
        {"name": {"surname": CANARY}},
        {"identifier": [{"identifier_type": "UIN", "identifier_value": ""}], "sex": "F"},
        {"group_size": 3},
        {"assistance_unit": "1", "benefits": [{"benefit_type": "1"}]},
        {"personal_details": {"name": {"surname": CANARY}}},
        {"famer_personal_details": {"demographic_info": {"sex": "F"}}},
    ],
)
def test_a_record_without_a_number_of_its_own_is_refused(record):
    assert refused(answer(record))[0] == "spdci.no_id"


def test_the_unique_number_names_a_person_wherever_it_stands():
    numbers = [{"identifier_type": "BRN", "identifier_value": "1"}, UIN]

    assert [*all_of({"identifier": numbers})] == [ID]
    assert [*all_of({"identifier": "a/b c"})] == ["spdci.invalid/a%2Fb%20c"]
    assert [*all_of({"member_identifier": numbers[0], "identifier": "x"})] == ["spdci.invalid/x"]
    beside = {"identifier_type": "UIN", "identifier_value": "007", "sex": "F"}
    assert [*all_of({"demographic_info": {"person": beside}})] == [ID]
    assert [*all_of({"demographic_info": {"sex": "F"}, "identifier": [UIN]})] == [ID]


@pytest.mark.parametrize(
    ("sender", "plan", "authority"),
    [
        ("registry.example", None, "registry.example"),
        ("SR", None, "spdci.invalid"),
        ("Registry.example", None, "spdci.invalid"),
        ("x.example/y", None, "spdci.invalid"),
        ("registry.example", plan_for("spdci"), "a.example"),
    ],
)
def test_whose_numbers_the_ids_are(sender, plan, authority):
    (record,) = parse(answer(PERSON, sender=sender), plan).records

    assert record["record_id"] == f"{authority}/UIN:007"


def test_an_own_id_holds_only_for_the_authority_a_mapping_names():
    own = {**PERSON, "@id": "https://corridor.invalid/id/b.example/p%2F7%20"}
    odd = {**PERSON, "@id": "https://corridor.invalid/id/nobody"}

    assert [*all_of(own)] == [ID]  # a space is no part of an id
    own["@id"] = own["@id"][:-3]
    assert [*all_of(own)] == ["b.example/p/7"]
    assert [*all_of(odd)] == [ID]
    assert parse(answer(own), plan_for("spdci", "b.example")).records
    assert refused(answer(own), plan_for("spdci")) == (
        "spdci.authority",
        "record 1, reg_records[].@id",
    )
    assert refused(answer(own), plan_for("kobo"))[0] == "mapping.other_format"


def test_programmes_that_say_no_more_belong_to_all_that_stands_beside_them():
    several = {
        **PERSON,
        "programmes": ["A", {"programme_identifier": "B", "programme_name": CANARY}, 7],
        "enrollment_date": "2025-01-01",
    }
    parsed = parse(answer(several))

    (given,) = parsed.records[1:]
    assert given["programme_identifier"] == ["A", "B"]
    assert "programme_name" not in given
    assert {"reg_records[].programmes.programme_name", "reg_records[].programmes"} <= set(
        parsed.unmapped
    )


def test_a_programme_with_benefits_of_its_own_keeps_them():
    wrapped = {
        "programme": {"programme_identifier": "A", "programme_name": "One", "legal_status": "x"},
        "benefits": [{"benefit_type": 1}, {"benefit_frequency": "x"}],
        "enrolment_status": 2,
    }
    both = {**PERSON, "programme_identifier": wrapped, "benefit": {"benefit_type": "3"}}
    parsed = parse(answer(both))
    cash, goods = parsed.records[1:]

    assert (cash["benefit_type"], cash["enrollment_status"]) == ("cash", "deceased")
    assert (cash["programme_name"], cash["programme_identifier"]) == ("One", ["A"])
    assert goods.keys() == {"record_type", "record_id", "beneficiary", "benefit_type"}
    assert "reg_records[].programme_identifier.programme.legal_status" in parsed.unmapped


def test_a_unit_alone_is_no_assistance():
    parsed = parse(answer({**PERSON, "benefiting_entity": "1"}))

    assert parsed.records == [person()]
    assert parsed.unmapped == ("reg_records[].benefiting_entity",)


def test_a_beneficiary_is_assisted_even_where_nothing_is_said_of_how():
    household, given = parse(
        answer({"assistance_unit": "3", "group": {"group_identifier": "7", "group_size": 2}})
    ).records

    assert given == {
        "record_type": "assistance",
        "record_id": "spdci.invalid/group::7::1",
        "beneficiary": household["record_id"],
        "assistance_unit": "family",
    }


@pytest.mark.parametrize(
    ("message", "count"),
    [
        ({"search_response": {"data": {"reg_records": PERSON}, "reference_id": "1"}}, 1),
        ({"search_response": [{"reference_id": "1", "data": None}]}, 0),
        ({"search_response": []}, 0),
        ({"results": [PERSON, PERSON]}, 2),
        ({"results": {"reg_records": [PERSON]}}, 1),
        ({"message": {"search_response": [{"data": {"reg_records": [PERSON]}}]}}, 1),
        ({"notify_event": [{"data": {"reg_records": PERSON}, "reference_id": "1"}]}, 1),
        ({"enrolled_updates": {"beneficiaries": [{"member": PERSON}]}}, 2),
        (
            {
                "txnstatus_response": {
                    "txn_type": "search",
                    "txn_status": {"search_response": [{"data": {"reg_records": [PERSON]}}]},
                }
            },
            1,
        ),
        (
            {
                "search_response": [
                    {"data": {"reg_records": {"type": "array", "example": [PERSON]}}}
                ]
            },
            1,
        ),
        (
            {
                "search_response": [
                    {"data": {"reg_records": [{"type": "object", "example": PERSON}]}}
                ]
            },
            1,
        ),
    ],
)
def test_records_wherever_a_message_has_them(message, count):
    assert len(parse(answer(**message)).records) == count


def test_several_messages_as_lines():
    two = answer(PERSON) + b"\n" + answer({**PERSON, "identifier": "8"}) + b"\n"

    assert [one["record_id"] for one in parse(two).records] == [ID, "spdci.invalid/8"]
    broken = answer(PERSON) + b"\n" + answer({**PERSON, "sex": CANARY})
    assert refused(broken) == ("spdci.sex", "line 2, record 1, reg_records[].sex")
    assert refused(answer(PERSON) + b"\n7") == ("spdci.not_a_message", "line 2")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "json.empty"),
        (b"7", "spdci.not_a_message"),
        (b'{"openapi": "3.0.3"}', "spdci.not_a_message"),
        (b'{"signature": "", "headers": "", "message": ""}', "spdci.no_message"),
        (b'{"header": {}, "message": {}}', "spdci.no_message"),
        (b'{"header": {}, "header": {"a": 1}, "message": {}}', "json.key_twice"),
        (b'{"message": {"ack_status": "ACK"}}', "spdci.acknowledgement"),
        (b'{"header": 7, "message": {"search_response": []}}', "spdci.header"),
        (b'{"header": {"is_msg_encrypted": "True"}, "message": {"a": 1}}', "spdci.encrypted"),
        (b'{"header": {"is_msg_encrypted": true}, "message": "eyJh.x.y"}', "spdci.encrypted"),
        (answer(ciphertext="x", tag="y"), "spdci.encrypted"),
        (answer(search_request=[{}]), "spdci.request"),
        (answer(search_request={"data": []}), "spdci.request"),
        (answer(subscribe_request=[{"reference_id": {"type": "string"}}]), "spdci.subscription"),
        (answer(enrolled_response=[{"enrolled_status": "yes"}]), "spdci.no_records"),
        (answer(disbursements=[{}]), "spdci.g2p"),
        (answer(something=CANARY), "spdci.message"),
        (answer(search_response=[7]), "spdci.message"),
        (answer(search_response=[{"data": 7}]), "spdci.message"),
        (answer([PERSON]), "spdci.record"),
        (answer({"@type": "Place", "shoe_size": 1}), "spdci.record"),
        (answer({"type": "object", "properties": {"sex": {}}}), "spdci.schema"),
    ],
)
def test_what_holds_no_records_is_refused_by_a_rule_that_says_so(content, rule):
    assert refused(content)[0] == rule


def test_keys_that_may_be_values_are_not_shown():
    parsed = parse(answer({**PERSON, CANARY: 1, "a b": 1, "last_visit": 1, "lastVisit": 1}))

    assert set(parsed.unmapped) == {
        "reg_records[].?",
        "reg_records[].last_visit",
        "reg_records[].lastVisit",
    }
    assert refused(answer({**PERSON, CANARY: 1, f"x:{CANARY}": 2}))[1] == (
        "record 1, reg_records[].?"
    )


def test_only_a_full_page_is_told_as_the_last():
    def page(**pagination: Any) -> tuple[str, ...]:
        item = {"data": {"reg_records": [PERSON]}, "pagination": pagination}
        return parse(answer(search_response=[item])).unmapped

    assert page(page_size=10, page_number=2, total_count=21)
    assert page(page_size=10, page_number=2, total_count=20) == ()
    assert page(page_size=10, page_number=1, total_count="") == ()


REAL = Path(__file__).parent / "real/spdci.json"


@pytest.mark.parametrize("row", json.loads(REAL.read_bytes()), ids=lambda row: row["file"])
def test_real_files_are_read_or_refused_as_expected(
    row: dict[str, Any], samples: Callable[[str], Path]
):
    content = samples(row["file"]).read_bytes()

    if "rule" in row:
        assert refused(content)[0] == row["rule"]
    else:
        assert len(parse(content).records) == row["records"]
