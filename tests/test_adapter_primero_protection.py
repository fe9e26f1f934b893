"""Primero: names that are protected, records that were disabled, and exports."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.primero import Primero
from adapters.primero.facts import is_hidden
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed

CROSSWALK = Path(__file__).resolve().parent.parent / "deploy" / "crosswalks" / "mappings"
CASE_TO_UNHCR = read_mapping(CROSSWALK / "primero-case.yaml")

PLAN = plan_of(
    {
        "mapping": "small",
        "version": "1",
        "format": "primero",
        "authority": "primero.example",
        "records": [
            {
                "type": "case",
                "id": {"first": ["id", "record_id"]},
                "fields": {
                    "subject": {"member": "person", "each": "@record"},
                    "caregiver.name": "name_caregiver",
                    "specific_needs": {"from": "concerns", "as": "list", "by": "|"},
                    "note[]": ["notes"],
                },
            },
            {
                "type": "person",
                "each": "@record",
                "fields": {
                    "name.full_name": "name",
                    "name.given_name": "name_first",
                    "name.surname": "name/last",
                    "name.alternate_names[]": ["name_nickname", "record/name_other"],
                    "sex": {"from": "sex", "as": "code", "codes": {"female": "female"}},
                    "phone_number[]": ["telephone_current"],
                },
            },
        ],
    },
    at="table",
)

SECRET = "Sahra"
NAMED = {"id": "c-1", "name": f"{SECRET} Nuur", "name_first": SECRET, "sex": "female"}
SHARED = {"disclosure_other_orgs": True, "consent_for_services": True}
CP = {"module_id": "primeromodule-cp"}
GBV = {"module_id": "primeromodule-gbv"}


def parse(content: Any, plan: Plan = PLAN) -> Parsed:
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    return read(Primero(), content, plan)


# -- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"hidden_name": True},
        {"hidden_name": "true"},
        {"hidden_name": "*******"},
        {"hidden_name": ["false"]},
        {"hidden_name": {"a": False}, "group": {"hidden_name": True}},
        {"hidden_name": 1},
        {"name": "*******"},
        {"name": "********"},
        {"name": "*"},
        {"name": "******* *******"},
        {"name": "\u200b*******\u00a0"},
        {"name": "Nuur *******"},
        {"name": ["*******"]},
        {"name": [["*******"]]},
        {"name": None, "name_nickname": "*******"},
        {"name": {"last": "*******"}},
        {"record": {"name_other": "*******"}},
        GBV,
        {**GBV, "hidden_name": None},
        {**GBV, "hidden_name": ""},
        {"srch_module_id": "primeromodule-gbv"},
    ],
    ids=str,
)
def test_where_one_name_is_hidden_all_are(more):
    case = {**CP, **SHARED, **NAMED, "name_nickname": SECRET, **more}
    parsed = parse(case)

    assert SECRET not in json.dumps(parsed.records)
    assert "*" not in json.dumps(parsed.records)
    assert parsed.records[1]["absent"] == {"name": "withheld"}
    assert parsed.records[1]["sex"] == "female"
    assert "hidden_name" not in parsed.unmapped


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"hidden_name": False},
        {"hidden_name": "false"},
        {"hidden_name": None},
        {**GBV, "hidden_name": False},
        {"name_caregiver": "*******"},
        {"family": [{"relation_name": "*******", "name": "*******"}]},
    ],
    ids=str,
)
def test_a_name_that_nobody_hides_is_a_name(more):
    _, person = parse({**CP, **NAMED, **more}).records

    assert person["name"] == {"full_name": f"{SECRET} Nuur", "given_name": SECRET}


@pytest.mark.parametrize("hidden", [True, "*******"])
def test_a_protected_name_does_not_go_to_unhcr(hidden):
    case = {**CP, **SHARED, **NAMED, "name_last": SECRET, "name_other": SECRET}
    case |= {"hidden_name": True} if hidden is True else {"name": hidden}
    service = {"unique_id": "u", "service_implementing_agency": "UNHCR"}
    parsed = parse({**case, "services_section": [service]}, CASE_TO_UNHCR)

    assert SECRET not in json.dumps(parsed.records)
    assert parsed.records[1]["absent"] == {"name": "withheld"}


def test_an_export_of_a_protected_name_is_withheld():
    export = [{"id": "c-1", "srch_name": SECRET, "data": {**GBV, **SHARED, **NAMED}}]
    table = b"id,name,name_first,hidden_name\nc-1,Sahra Nuur,Sahra,true\n"

    for content in (export, table):
        assert SECRET not in json.dumps(parse(content).records)


def test_a_withheld_name_is_not_written_over_the_name():
    records = parse({**CP, **NAMED, "hidden_name": True}).records
    body = json.loads(write(Primero(), records, PLAN).content)["data"]

    assert body == {"id": "c-1", "sex": "female", **CP}


@pytest.mark.parametrize("value", ["*", "*, *", "*******\u2060"])
def test_asterisks_and_no_letter_are_no_value(value):
    assert is_hidden(value)


@pytest.mark.parametrize("value", ["", " ", "-", "A*", "*1", "*ن", "*ใ", 7, None, ["*"]])
def test_what_says_anything_is_a_value(value):
    assert not is_hidden(value)


# -- records that were disabled, consent asked again -----------------------------------------------


@pytest.mark.parametrize("key", ["enabled", "record_state"])
@pytest.mark.parametrize(
    ("state", "found"),
    [
        (True, "given"),
        ("true", "given"),
        (None, "given"),
        ("", "given"),
        (False, "not_given"),
        ("false", "not_given"),
        ("*******", "not_given"),
        (0, "not_given"),
        ([True], "not_given"),
    ],
)
def test_a_disabled_record_shares_nothing(key, state, found):
    parsed = parse({**NAMED, **SHARED, key: state})

    assert {one["protection"]["consent"]["status"] for one in parsed.records} == {found}
    assert key not in parsed.unmapped


def test_a_disabled_record_that_was_refused_is_refused():
    case = {**NAMED, "disclosure_other_orgs": False, "enabled": False}

    assert parse(case).records[0]["protection"]["consent"]["status"] == "refused"


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"section": [{"disclosure_other_orgs": True}]}, "given"),
        ({"section": [{"disclosure_other_orgs": None}]}, "given"),
        ({"section": [{"disclosure_other_orgs": False}]}, "refused"),
        ({"section": [{"inner": [{"consent_for_services": "false"}]}]}, "refused"),
        ({"section": [{"consent_for_services": "*******"}]}, "not_given"),
        ({"group": {"disclosure_other_orgs": False}}, "refused"),
        ({"consent_for_services": {"a": True}}, "not_given"),
        ({"disclosure_other_orgs/a": "x"}, "not_given"),
    ],
)
def test_consent_asked_again_counts_where_it_is_stricter(more, found):
    case = {**NAMED, **SHARED, **more}

    assert parse(case).records[0]["protection"]["consent"]["status"] == found


def test_consent_in_a_subform_alone_is_none():
    case = {**NAMED, "section": [SHARED]}

    assert parse(case).records[0]["protection"]["consent"]["status"] == "not_given"


# -- transitions of newer versions -----------------------------------------------------------------

REFERRAL = {
    "id": "r-1", "type": "Referral", "status": "in_progress", "record_id": "c-1",
    "record_type": "case", "transitioned_to": "b", "transitioned_by": "a", "remote": False,
    "consent_overridden": False, "consent_individual_transfer": False,
    "allow_case_creation": False, "authorized_role_unique_id": "role-referral",
    "record_owned_by": "a", "record_owned_by_agency": "RIVER", "record_owned_by_groups": ["g"],
    "transitioned_by_user_agency": "RIVER", "transitioned_by_user_groups": ["g", "h"],
    "transitioned_to_user_agency": "HILL", "transitioned_to_user_groups": [],
    "record_access_denied": False, "user_can_accept_or_reject": False, "type_of_export": "pdf",
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, None),
        ({"type": "Transfer"}, None),
        ({"type": "TransferRequest"}, "not_given"),
        ({"type": "Assign"}, "not_given"),
        ({"consent_overridden": True}, "not_given"),
        # What an answer to PATCH adds is of the case: it needs the consent of one.
        ({"record": {"id": "c-1", "services_section": []}}, "not_given"),
        ({"type": [["Referral"]]}, "not_given"),
        ({"type": [{"a": 1}]}, "not_given"),
    ],
)
def test_consent_behind_a_transition(more, found):
    case = parse({**REFERRAL, **more}).records[0]

    assert case["protection"].get("consent", {}).get("status") == found


# -- exports ---------------------------------------------------------------------------------------


def test_cells_of_an_export_are_what_they_were():
    content = (
        b'id,telephone_current,concerns,notes,disclosure_other_orgs\n'
        b"c-1,'+254 70,\"[\"\"a\"\", \"\"b c\"\"]\",'-,true\n"
        b"c-2,'  =1+1,[],\"[\"\"a\"\", 1]\",true\n"
        b"c-3,'x,a,\"[\"\"a\"\"=>1]\",true\n"
        b'c-4,007,"[""*******"", ""a""]","[""x"" ""]",\n'
    )  # fmt: skip
    first, one, second, two, third, three, fourth, four = parse(content).records

    assert [p["phone_number"] for p in (one, two, three, four)] == [
        ["+254 70"],
        ["  =1+1"],
        ["'x"],
        ["007"],
    ]
    assert first["specific_needs"] == ["a", "b c"]
    assert "specific_needs" not in second
    assert third["specific_needs"] == ["a"]
    assert fourth["absent"] == {"specific_needs": "withheld"}
    assert [case["note"][0] for case in (first, second, third, fourth)] == [
        "-",
        '["a", 1]',
        '["a"=>1]',
        '["x" "]',
    ]


@pytest.mark.parametrize(("cell", "told"), [("1", ("?",)), ("", ())])
def test_a_column_without_a_name_is_told(cell, told):
    assert parse(f" ,id,name\n{cell},c-1,Sahra\n".encode()).unmapped == told


# -- many items ------------------------------------------------------------------------------------

BY_SERVICE = plan_of(
    {
        "mapping": "small",
        "version": "1",
        "format": "primero",
        "authority": "primero.example",
        "records": [
            {
                "type": "case",
                "id": {"first": ["services/unique_id"]},
                "fields": {
                    "note[]": ["services/notes", "notes"],
                    "reason[]": {"each": "wishes", "fields": {"display": "wishes/text"}},
                },
            }
        ],
    },
    at="table",
)


def services(count: int) -> list[dict[str, Any]]:
    return [{"unique_id": f"u-{number}"} for number in range(count)]


def test_items_do_not_take_with_them_what_no_line_reads():
    case = {f"field_{number}": "x" for number in range(2000)}
    parsed = parse({"notes": "n", **case, "services": services(2000)}, BY_SERVICE)

    assert len(parsed.records) == 2000
    assert {*parsed.unmapped} == {*case}


def test_items_that_multiply_are_refused():
    wishes = [{"text": "a"}] * 1001
    with pytest.raises(SenderError) as caught:
        parse({"wishes": wishes, "services": services(1000)}, BY_SERVICE)
    assert (caught.value.rule, caught.value.at) == ("source.repeat_too_long", "record 1")


def test_ever_new_keys_do_not_fill_the_memory():
    lines = b"\n".join(
        json.dumps({f"a{line}_{number}": 1 for number in range(5000)}).encode() for line in range(5)
    )
    with pytest.raises(SenderError) as caught:
        parse(lines, BY_SERVICE)
    assert (caught.value.rule, caught.value.at) == ("source.too_many_keys", "line 5")
