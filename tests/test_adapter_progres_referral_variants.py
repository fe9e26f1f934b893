"""What servers and integrations send besides the usual: wrappers, blanks, unknown needs, abuse."""

import json
from typing import Any

import pytest

from adapters.progres.referral import ProgresReferral
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.record import Parsed, Record, check

ROW = {
    "progres_interventionnumber": "DRU-26-PRTITV-0000042",
    "individuals.progres_id": "DRU-00004711",
    "individuals.progres_familyname": "Warsame",
}
SENT = {"request_type": "ReceiveIncomingReferral", "id": "c1#s1", "name_first": "Amina"}
DECISION = {"progres_orgreferralid": "c1#s1", "progres_reviewdecision": "125080000"}
NOTICE = {"progres_interventionnumber": "DRU-26-PRTITV-0000042", "status": "acknowledged"}
SERVICE = {
    "unique_id": "66299d30-7d59-40aa-a4fc-289669d0e16a",
    "service_implementing_agency": "UNHCR",
}
CASE: dict[str, Any] = {
    "case_id": "c-0001",
    "module_id": "primeromodule-cp",
    "name_first": "Deeqa",
    "sex": "female",
    "disclosure_other_orgs": True,
    "consent_for_services": True,
    "services_section": [SERVICE],
}
CATEGORY = "specificneeds.progres_spncategory2"
FINER = "specificneeds.progres_spnsubcategory2"


def parse(content: Any) -> Parsed:
    parsed = read(ProgresReferral(), json.dumps(content).encode())
    for number, record in enumerate(parsed.records, 1):
        check(record, at=f"record {number}")
    return parsed


def refused(content: Any) -> SenderError:
    with pytest.raises(SenderError) as caught:
        parse(content)
    return caught.value


def sent(*rows: Any) -> Any:
    return {"interventions": list(rows), "request_type": "PrimeroOutgoingReferral"}


def reference(name: str | None, number: int = 1) -> dict[str, Any]:
    return {"Id": f"{number:08d}-5a1e-4c0d-9b7e-00a1b2c3d4e5", "Name": name}


def kinds(content: Any) -> dict[str, str | None]:
    return {
        one["record_type"]: one.get("protection", {}).get("case_kind")
        for one in parse(content).records
    }


@pytest.mark.parametrize(
    ("need", "kind"),
    [
        ({CATEGORY: reference("SGBV"), FINER: reference("In the country of asylum", 2)}, "gbv"),
        ({"spncategory2code": "SV", FINER: reference("No table has this")}, "gbv"),
        ({"spnsubcategory2code": "sv-fm"}, "gbv"),
        ({FINER: reference("Threat of forced marriage")}, "gbv"),
        ({FINER: reference("Survivor of gender-based violence")}, "gbv"),
        ({CATEGORY: reference("No table has this")}, "gbv"),
        ({CATEGORY: reference(None)}, "gbv"),
        ({"spncategory2code": "QX"}, "gbv"),
        ({CATEGORY: reference("Disability"), FINER: reference("No table has this")}, None),
        ({"spnsubcategory2code": "CR-QQ"}, None),
        ({CATEGORY: reference("Torture")}, None),
    ],
)
def test_a_need_that_may_be_of_violence_is_marked_as_such(need, kind):
    assert kinds(sent({**ROW, **need})) == {"person": kind, "case": kind}


def test_the_strictest_need_counts():
    rows = [{**ROW, CATEGORY: reference(name)} for name in ("Disability", "SGBV")]

    assert set(kinds(sent(*rows)).values()) == {"gbv"}


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        ("SGBV response", "gbv"),
        ("Clinical management of rape", "gbv"),
        ("Sexual and gender-based violence", "gbv"),
        ("Sexual and reproductive health", None),
        ("Therapeutic feeding", None),
    ],
)
def test_a_service_that_only_survivors_get_marks_its_case(service, kind):
    row = {**ROW, "interventiontype.progres_description": service}

    assert kinds(sent(row)) == {"person": kind, "case": kind}
    assert kinds({**SENT, "service_type": service}) == {"person": None, "case": kind}


def test_one_person_is_guarded_by_whatever_name_the_number_stands_under():
    other = {
        "progres_interventionnumber": "B-2",
        "progres_individual": reference(ROW["individuals.progres_id"]),
        CATEGORY: reference("SGBV"),
    }

    people = [one for one in parse(sent(ROW, other)).records if one["record_type"] == "person"]

    assert [one["protection"]["case_kind"] for one in people] == ["gbv", "gbv"]


@pytest.mark.parametrize("value", [None, {"Value": 125080000}])
def test_what_was_joined_with_a_child_s_case_is_a_child_s(value):
    assert kinds(sent({**ROW, "childprotection.progres_priority": value})) == {
        "person": "child",
        "case": "child",
    }


@pytest.mark.parametrize("name", ["name_first", "name_last", "name_nickname"])
def test_a_protected_name_of_a_stored_case_is_withheld(name):
    case = {**CASE, name: "Qamar"}

    for hidden in ({"hidden_name": True}, {"module_id": "primeromodule-gbv"}):
        parsed = parse({**case, **hidden})
        assert "Qamar" not in str(parsed.records)
        assert parsed.records[0]["absent"] == {"name": "withheld"}


@pytest.mark.parametrize(
    ("answer", "objected"),
    [("false", True), (False, True), (True, False), ("true", False), (None, None), ("", None),
     ("*******", None)],
)  # fmt: skip
def test_a_child_who_does_not_want_unhcr_to_know_objects(answer, objected):
    for record in parse({**CASE, "unhcr_export_opt_in": answer}).records:
        assert record["protection"].get("objected") is objected
        assert record["protection"]["consent"] == {"status": "given"}


@pytest.mark.parametrize("answer", ["no", 0, ["true"]])
def test_an_answer_about_unhcr_that_is_neither_is_refused(answer):
    error = refused({**CASE, "unhcr_export_opt_in": answer})

    assert (error.rule, error.at) == ("progres.code", "item 1, unhcr_export_opt_in")


def test_services_of_others_stay_with_the_partner():
    others = [{**SERVICE, "unique_id": f"u-{name}", "service_type": name,
               "service_implementing_agency": name} for name in ("drc", "moph")]  # fmt: skip
    parsed = parse({**CASE, "services_section": [*others, SERVICE]})

    assert [one["record_type"] for one in parsed.records] == ["person", "case"]
    assert "moph" not in str(parsed.records)
    assert "services_section" in parsed.unmapped
    error = refused({**CASE, "services_section": others})
    assert (error.rule, error.at) == ("progres.not_a_referral", "item 1")


@pytest.mark.parametrize(
    ("said", "status"),
    [(None, "requested"), ("", "requested"), ("pending", "requested"), ("accepted", "accepted"),
     ("rejected", "rejected")],
)  # fmt: skip
def test_a_stored_referral_has_the_state_it_says(said, status):
    case = {**CASE, "services_section": [{**SERVICE, "unhcr_referral_status": said}]}

    parsed = parse(case)

    assert parsed.records[1]["status"] == status
    source = "services_section/unhcr_referral_status" if said else "case_id"
    assert parsed.lineage["case.status"] == source


@pytest.mark.parametrize("said", ["done", 1, ["accepted"]])
def test_a_state_nobody_knows_is_refused(said):
    service = {**SERVICE, "unhcr_referral_status": said}

    assert refused({**CASE, "services_section": [service]}).rule == "progres.code"


def test_a_case_whose_services_would_fill_the_memory_is_refused():
    services = [{**SERVICE, "unique_id": f"u-{number:012}"} for number in range(2000)]
    case = {**CASE, "services_section": services, "protection_concerns": ["CR"] * 3000}

    assert refused(case).rule == "progres.too_large"


@pytest.mark.parametrize(
    ("written", "sex"),
    [("Female", "female"), ("unknown_4b34795", "unknown"), ("other_b25f252", "other"),
     ("alternative_gender", "other")],
)  # fmt: skip
def test_a_partner_s_choices_of_sex_are_known(written, sex):
    for content in ({**SENT, "sex": written}, {**CASE, "sex": written}):
        assert parse(content).records[0]["sex"] == sex


@pytest.mark.parametrize(
    ("content", "count"),
    [
        ({"__query_params": {}, "_json": [CASE]}, 2),
        ({"_json": [ROW, {**ROW, CATEGORY: reference("Disability")}]}, 2),
        ([sent(ROW), sent({**ROW, "progres_interventionnumber": "B-2"})], 3),
        ([sent(ROW), NOTICE, SENT], 5),
        ([], 0),
        (sent(), 0),
    ],
)
def test_messages_are_read_as_an_inbox_keeps_them(content, count):
    parsed = parse(content)

    assert len(parsed.records) == count
    assert parsed.unmapped == ()


def test_what_else_an_inbox_keeps_is_told():
    assert parse({"_json": [ROW], "headers": {"a": 1}}).unmapped == ("headers",)
    assert refused({"_json": {}}).at == "_json"
    assert refused([sent(ROW), {"name": "x"}]).at == "message 2, item 1"
    assert refused([sent(ROW), "x"]).rule == "progres.not_a_referral"


@pytest.mark.parametrize(
    ("content", "at"),
    [
        ({"progres_orgreferralid": "c1#s1", "progres_reviewdecision": None},
         "item 1, progres_reviewdecision"),
        ({"progres_orgreferralid": "c1#s1"}, "item 1, progres_reviewdecision"),
        ({**NOTICE, "status": ""}, "item 1, status"),
        ({**NOTICE, "status": "*******"}, "item 1, status"),
        ({**NOTICE, "status": "Not defined"}, "item 1, status"),
    ],
)  # fmt: skip
def test_a_message_about_a_state_that_names_none_is_refused(content, at):
    error = refused(content)

    assert (error.rule, error.at) == ("progres.undecided", at)


def test_what_a_script_could_not_find_is_no_number_of_a_case():
    parsed = parse({**NOTICE, "case_id": "Not defined", "primero_user": "Not defined"})

    [case] = parsed.records
    assert [one["identifier_type"] for one in case["identifier"]] == ["progres_interventionnumber"]
    assert "performer_contact" not in case
    assert parsed.unmapped == ("case_id", "primero_user")


@pytest.mark.parametrize("number", ["N/A", "none", "-", "unknown"])
def test_a_number_that_many_have_makes_nobody_one_person(number):
    for content in ({**SENT, "unhcr_individual_no": number},
                    {**CASE, "unhcr_individual_no": number},
                    sent({**ROW, "individuals.progres_id": number})):  # fmt: skip
        assert refused(content).rule == "progres.number"


def test_a_person_whose_id_is_no_number_of_unhcr_s_is_written_without_one():
    person: Record = {"record_type": "person", "record_id": "progres.invalid/none",
                      "name": {"surname": "Nur"}}  # fmt: skip
    case: Record = {"record_type": "case", "record_id": "progres.invalid/A-1",
                    "case_type": "referral", "subject": "progres.invalid/none",
                    "status": "requested"}  # fmt: skip

    back = write(ProgresReferral(), [person, case])

    [row] = json.loads(back.content)["interventions"]
    assert "individuals.progres_id" not in row
    assert {"person.record_id", "case.subject"} <= set(back.unrendered)


def test_asterisks_are_withheld_however_many_there_are():
    person, _ = parse({**SENT, "sex": "*****", "name_last": "***", "language": ["****"]}).records

    assert person["absent"] == {"sex": "withheld", "language_code": "withheld"}
    assert person["name"] == {"given_name": "Amina"}
    assert refused({**SENT, "id": "*******"}).rule == "progres.number"


def test_choices_a_script_could_not_translate_are_none():
    parsed = parse({**SENT, "language": [None, "Somali"], "protection_concerns": [None, "CR"]})

    assert parsed.records[0]["language_code"] == ["so"]
    assert parsed.records[1]["specific_needs"] == ["CR"]


def test_a_text_of_blanks_says_nothing():
    person, _ = parse({**SENT, "address_current": "     ", "name_last": " "}).records

    assert "address" not in person
    assert person["name"] == {"given_name": "Amina"}


@pytest.mark.parametrize(
    "written",
    ["0001-01-01T00:00:00Z", "2014-03-09T00:00:00+99:99", "2014-03-09T24:00:00Z",
     "/Date(1394323200000)/"],
)  # fmt: skip
def test_a_date_that_no_server_keeps_is_refused(written):
    for field in ("individuals.progres_dateofbirth", "progres_interventionstartdate"):
        error = refused(sent({**ROW, field: written}))
        assert (error.rule, error.at) == ("progres.date", f"row 1, {field}")


@pytest.mark.parametrize("written", ["1914-03-09T00:00:00.000Z", "2014-03-09T10:11:12.1234567Z"])
def test_parts_of_a_second_stay(written):
    records = parse(sent({**ROW, "individuals.progres_dateofbirth": written})).records

    assert read(ProgresReferral(), write(ProgresReferral(), records).content).records == records


@pytest.mark.parametrize(
    ("said", "protection"),
    [
        ({"disclosure_other_orgs": False}, {"case_kind": "gbv", "consent": {"status": "refused"}}),
        (
            {"disclosure_other_orgs": True, "module_id": "primeromodule-cp"},
            {"case_kind": "child", "consent": {"status": "given"}},
        ),
        (
            {"unhcr_export_opt_in": False},
            {"case_kind": "gbv", "consent": {"status": "not_given"}, "objected": True},
        ),
    ],
)
def test_a_referral_that_says_of_consent_is_guarded_as_a_case_is(said, protection):
    for record in parse({**SENT, **said}).records:
        assert record["protection"] == protection


@pytest.mark.parametrize("key", ["module_id", "case_id", "short_id", "owned_by"])
def test_a_record_of_primero_that_nobody_referred_is_no_referral(key):
    record = {"id": "r-1", "unhcr_individual_no": "DRU-00004711", key: "x"}

    assert refused(record).rule == "progres.not_a_referral"
    assert parse({**record, "request_type": "ReceiveIncomingReferral"}).records


@pytest.mark.parametrize("key", ["hidden_name", "enabled", "unhcr_needs_codes", "gbv_case"])
def test_a_key_that_guards_somebody_stands_once(key):
    text = json.dumps({**CASE, key: True})[:-1] + f',"{key}":false}}'

    with pytest.raises(SenderError) as caught:
        read(ProgresReferral(), text.encode())
    assert caught.value.rule == "json.key_twice"
