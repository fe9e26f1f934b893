"""SPDCI as servers vary it: objects around objects, several numbers for one person, rejections."""

import json
from typing import Any

import pytest

from adapters.spdci import Spdci
from gateway.adapter import read
from gateway.record import Record
from tests.test_adapter_spdci import CANARY, ID, PERSON, UIN, all_of, answer, parse, refused

HOME = "spdci.invalid/group::9"
OTHER = {"identifier": "8", "sex": "M"}


def group(*members: Any, **more: Any) -> dict[str, Any]:
    return {"group_identifier": "9", "member_list": list(members), **more}


def given(*records: Any) -> list[Record]:
    return [one for one in parse(answer(*records)).records if one["record_type"] == "assistance"]


@pytest.mark.parametrize(
    "member_list",
    [
        [{"household_member": [PERSON, OTHER]}],
        {"household_member": [PERSON, OTHER]},
        [{"household_member": PERSON}, {"household_member": [OTHER]}],
    ],
)
def test_everybody_in_an_object_around_members_is_a_member(member_list: Any):
    found = all_of({"group_identifier": "9", "member_list": member_list})

    assert found.keys() == {HOME, ID, "spdci.invalid/8"}
    assert [one["member"] for one in found[HOME]["member_list"]] == [ID, "spdci.invalid/8"]


def test_a_card_names_the_member_who_has_it():
    card = {"member_identifier": "M-1"}
    typed = {"identifier_type": "CARD", "identifier_value": "M-1"}
    mother = {"member_identifier": typed, "demographic_info": {"identifier": [UIN]}}
    child = {"identifier": "8", "related_person": {"relationship_type": "MTH"}}
    child["related_person"]["related_member"] = card
    head = {"member_identifier": {"identifier_type": "", "identifier_value": "M-1"}}
    found = all_of(group(child, mother, group_head_info={**head, "is_disabled": False}))

    assert found.keys() == {HOME, ID, "spdci.invalid/8"}
    assert found[HOME]["group_head"] == ID
    assert found[ID]["is_disabled"] is False
    assert found[ID]["identifier"] == [UIN, typed]
    assert found["spdci.invalid/8"]["relationships"] == [
        {"relationship_type": "parent", "related": ID}
    ]


def test_a_number_of_two_members_names_neither():
    shared = {"identifier_type": "HHN", "identifier_value": "9"}
    members = [{"identifier": [one, shared]} for one in ("7", "8")]
    found = all_of(group(*members, group_head_info={"identifier": shared}))

    assert found[HOME]["group_head"] == "spdci.invalid/HHN:9"


def test_an_id_that_was_written_here_is_nobody_s_number():
    own = {"@id": "https://corridor.invalid/id/spdci.invalid/M-1"}
    related = {"relationship_type": "MTH", "related_member": own}
    card = {"identifier": UIN, "member_identifier": "M-1", "related_person": related}
    found = all_of(group(card, group_head_info=own))

    assert found[HOME]["group_head"] == "spdci.invalid/M-1"
    assert found[ID]["relationships"][0]["related"] == "spdci.invalid/M-1"


def test_a_relation_is_to_one_person():
    two = [{"member_identifier": "7"}, {"member_identifier": "8"}]
    related = {"relationship_type": "MTH", "related_member": two}

    assert refused(answer({**PERSON, "related_person": related}))[0] == "spdci.two_values"


def test_one_person_described_very_often_is_read_in_its_time():
    members = [{"identifier": [UIN, str(number)]} for number in range(5_000)]
    household, one = parse(answer(group(*members))).records

    assert len(household["member_list"]) == len(members)
    assert len(one["identifier"]) == len(members) + 1


@pytest.mark.parametrize(
    ("record", "codes"),
    [
        ({"functional_limitation_type": ["d132"], "functional_severity": ["0"]}, None),
        ({"functional_limitation_type": ["d132"], "functional_severity": "0"}, None),
        ({"functional_limitation_type": ["d132"], "functional_severity": ["2"]}, ["d132"]),
        (
            {"functional_limitation_type": ["d132", "d230"], "functional_severity": [0, 3]},
            ["d230"],
        ),
        (
            {"functional_limitation_type": ["d132", "d230"], "functional_severity": ["0", "", 3]},
            ["d132", "d230"],
        ),
        (
            {"disability_info": [{"disability_limitation_type": "5", "functional_severity": 0}]},
            None,
        ),
        (
            {
                "disability_info": {
                    "disability_limitation_type": "5",
                    "functional_limitation_type": ["d132"],
                    "functional_severity": "1",
                }
            },
            ["5", "d132"],
        ),
    ],
)
def test_a_level_of_none_is_no_difficulty(record: dict[str, Any], codes: list[str] | None):
    parsed = parse(answer({**PERSON, **record}))

    assert parsed.records[0].get("disability_info") == codes
    assert any(path.endswith("functional_severity") for path in parsed.unmapped)
    told = any(path.endswith("limitation_type") for path in parsed.unmapped)
    assert told == (codes in (None, ["d230"]))


def test_the_unit_says_which_of_two_is_assisted():
    both = {"group": {"group_identifier": "9"}, "member": PERSON, "programme": "A"}

    for unit, who in (("1", ID), ("2", HOME), ("3", HOME)):
        (made,) = given({**both, "assistance_unit": unit})
        assert made["beneficiary"] == who
    (made,) = given({"assistance_unit": "2", "member": PERSON, "programme": "A"})
    assert made["beneficiary"] == ID


@pytest.mark.parametrize(
    "record",
    [
        {"group": {"group_identifier": "9"}, "member": PERSON},
        {"assistance_unit": "1", "member": [PERSON, OTHER]},
        {"assistance_unit": "2", "group": [{"group_identifier": "9"}, {"group_identifier": "8"}]},
    ],
)
def test_nobody_is_chosen_among_several_beneficiaries(record: dict[str, Any]):
    assert refused(answer({**record, "programme": CANARY}))[0] == "spdci.two_values"


def test_benefits_of_one_person_in_several_records_are_several():
    def month(amount: int) -> dict[str, Any]:
        return {"member": PERSON, "programme": "A", "benefits": {"benefit_value": amount}}

    made = given(month(5), month(6), month(5))

    assert [(one["record_id"], one["benefit_value"]) for one in made] == [
        (f"{ID}:A:1", "5"),
        (f"{ID}:A:2", "6"),
    ]


def test_a_benefit_is_not_of_every_programme_there_is():
    many = {**PERSON, "programmes": [str(number) for number in range(101)]}

    assert refused(answer(many)) == ("spdci.programmes", "record 1, reg_records[]")


@pytest.mark.parametrize("word", ["Son-in-law", "SONINLAW", "son in law", "Daughter_in_law"])
def test_relationships_are_read_as_words(word: str):
    found = all_of(group({**PERSON, "relationship_head": word}))

    assert found[HOME]["member_list"][0]["relationship_head"] == "child_in_law"


@pytest.mark.parametrize(("size", "read_as"), [("4", 4), ("4.0", 4), ("0", 0)])
def test_a_size_is_a_whole_number(size: str, read_as: int):
    content = answer({"group_identifier": "9", "group_size": "?"}).replace(b'"?"', size.encode())

    assert parse(content).records[0]["group_size"] == read_as


@pytest.mark.parametrize("size", ["-1", "4.5", "1e30", "true", '"four"'])
def test_what_is_no_size_is_refused(size: str):
    content = answer({"group_identifier": "9", "group_size": "?"}).replace(b'"?"', size.encode())

    assert refused(content)[0] == "spdci.number"


def test_a_rejected_search_is_not_an_answer_without_records():
    item: dict[str, Any] = {"reference_id": "1", "status": "rjct", "data": {"reg_records": []}}

    assert refused(answer(search_response=[item])) == ("spdci.rejected", "message")
    assert refused(answer(message={"search_response": [item]}))[0] == "spdci.rejected"
    told = {"txn_type": "search", "txn_status": {"search_response": [item]}}
    assert refused(answer(txnstatus_response=told))[0] == "spdci.rejected"
    bare = {"reference_id": "1", "status": "rjct"}
    parsed = parse(answer(search_response=[bare, {"data": {"reg_records": [PERSON]}}]))
    assert len(parsed.records) == 1
    assert parsed.unmapped == ("message.search_response[].status",)
    head = json.loads(answer(search_response=[]))
    head["header"]["status"] = "rjct"
    assert refused(json.dumps(head).encode())[0] == "spdci.rejected"


def test_nothing_among_records_is_nothing():
    assert parse(answer(None, PERSON, {})).records == parse(answer(PERSON)).records


def test_a_name_may_stand_in_a_list_alone():
    name = {"surname": CANARY}

    assert parse(answer({**PERSON, "name": [name]})).records[0]["name"] == name
    assert refused(answer({**PERSON, "name": [name, name]}))[0] == "spdci.name"


def test_an_empty_error_is_none():
    assert parse(answer(search_response=[{"data": {"reg_records": [PERSON]}}], error={})).records


def test_a_page_is_told_whether_its_numbers_are_texts_or_not():
    page = {"page_size": "10", "page_number": "1", "total_count": "11"}
    item = {"data": {"reg_records": [PERSON]}, "pagination": page}

    assert parse(answer(search_response=[item])).unmapped == (
        "message.search_response[].pagination",
    )


def test_members_beside_the_envelope_are_told():
    body = {**json.loads(answer(PERSON)), "trace_id": "7", CANARY: 1, "note": ""}

    assert parse(json.dumps(body).encode()).unmapped == ("?", "trace_id")


def test_a_mark_of_the_byte_order_says_nothing():
    assert read(Spdci(), b"\xef\xbb\xbf" + answer(PERSON)).records == parse(answer(PERSON)).records
