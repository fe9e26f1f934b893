"""Referrals between UNHCR and its partners, as they are read."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.progres.referral import ProgresReferral
from gateway.adapter import Outcome, read
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of
from gateway.record import Parsed, Record, check

SAMPLES = Path("adapters/progres/referral/samples")
ROW = {
    "progres_interventionnumber": "DRU-26-PRTITV-0000042",
    "individuals.progres_id": "DRU-00004711",
    "individuals.progres_familyname": "Warsame",
}
SENT = {"request_type": "ReceiveIncomingReferral", "id": "c1#s1", "name_first": "Amina"}
DECISION = {"progres_orgreferralid": "c1#s1", "progres_reviewdecision": "125080000"}
NOTICE = {"progres_interventionnumber": "DRU-26-PRTITV-0000042", "status": "acknowledged"}
CASE = {
    "case_id": "c-0001",
    "module_id": "primeromodule-cp",
    "name_first": "Deeqa",
    "services_section": [{"unique_id": "66299d30-7d59-40aa-a4fc-289669d0e16a"}],
}


def plan(authority: str = "a.example", form: str = "progres.referral") -> Plan:
    record = {"type": "case", "id": {"first": ["id"]}, "fields": {}}
    table = {"mapping": "whose", "version": "1", "format": form, "authority": authority}
    return plan_of({**table, "records": [record]}, at="")


def parse(content: Any, mapping: Plan | None = None) -> Parsed:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    parsed = read(ProgresReferral(), raw, mapping)
    for number, record in enumerate(parsed.records, 1):
        check(record, at=f"record {number}")
    return parsed


def sent(*rows: Any, asks: str = "PrimeroOutgoingReferral") -> Any:
    return {"interventions": list(rows), "request_type": asks}


def reference(name: str, number: int = 1, **more: Any) -> dict[str, Any]:
    guid = f"{number:08d}-5a1e-4c0d-9b7e-00a1b2c3d4e5"
    return {"Id": guid, "KeyAttributes": [], "Name": name, "RowVersion": None, **more}


def language(name: str, **more: Any) -> dict[str, Any]:
    return {"languages.progres_languagecodeid": reference(name, len(name)), **more}


def need(name: str, number: int = 1) -> dict[str, Any]:
    return {"specificneeds.progres_spncategory2": reference(name, number)}


def refused(content: Any, mapping: Plan | None = None) -> SenderError:
    with pytest.raises(SenderError) as caught:
        parse(content, mapping)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


def one(content: Any, record_type: str = "case") -> Record:
    found = [one for one in parse(content).records if one["record_type"] == record_type]
    assert len(found) == 1
    return found[0]


def test_rows_of_two_languages_and_two_needs_are_one_intervention():
    content = (SAMPLES / "progres.referral" / "interventions.json").read_bytes()

    person, case, other, second = parse(content).records

    assert person["record_id"] == case["subject"] == "progres.invalid/DRU-00004711"
    assert case["record_id"] == "progres.invalid/DRU-26-PRTITV-0000042"
    assert case["case_type"] == "referral"
    assert case["status"] == "requested"
    assert case["specific_needs"] == ["CR-CC", "SC-SC"]
    assert person["language_code"] == ["so"]
    assert [one["languages.progres_languagecodeid/Name"] for one in
            person["extension"]["languages"]] == ["Somali", "Luo"]  # fmt: skip
    assert person["name"] == {
        "given_name": "Amina",
        "second_name": "Yusuf",
        "surname": "Warsame",
        "alternate_names": ["Mimi"],
    }
    assert person["sex"] == "female"
    assert person["place"]["admin3_name"] == "Daru Camp"
    assert person["address"] == [
        {"address_line_1": "Shelter 112, near the old well", "address_line_2": "third row"}
    ]
    assert person["identifier"] == [
        {"identifier_type": "unhcr_individual_no", "identifier_value": "DRU-00004711"},
        {"identifier_type": "unhcr_id_no", "identifier_value": "DRU-21-00815"},
    ]
    assert case["note"] == ["<p>Please visit the <b>aunt</b> first.</p>"]
    assert case["requester_contact"]["role"] == "Associate Protection Officer"
    assert case["requester"]["org_name"] == "DRU-17-PNR-00011"
    assert {"org_name": "Village elders of Daru"} in case["performer"]
    assert case["service_type"][0]["display"] == "Alternative Care"
    assert (other["sex"], second["priority"]) == ("male", "stat")


def test_rows_of_one_intervention_belong_together_wherever_they_stand():
    first, second = {**ROW, **language("Somali")}, {**ROW, **language("Amharic")}
    another = {**ROW, "progres_interventionnumber": "DRU-26-PRTITV-0000099"}

    records = parse(sent(first, another, second)).records

    people = [record for record in records if record["record_type"] == "person"]
    assert [one.get("language_code") for one in people] == [["so", "am"], None]
    assert len(records) == 4


@pytest.mark.parametrize("rows", [(ROW, ROW), ({**ROW, **language("Somali")}, ROW)])
def test_rows_that_say_the_same_again_say_it_once(rows):
    assert len(parse(sent(*rows)).records) == 2


@pytest.mark.parametrize(
    "key", ["individuals.progres_familyname", "progres_businessowner", "individuals.progres_id"]
)
def test_rows_of_one_intervention_that_differ_are_refused(key):
    error = refused(sent({**ROW, key: "A-1"}, {**ROW, key: "B-2"}))

    assert (error.rule, error.at) == ("progres.contradiction", f"row 2, {key}")


def test_two_names_of_one_field_may_not_disagree():
    row = {**ROW, "interventiontype.progres_description": "BIA"}
    row["progres_interventiontype2"] = reference("Alternative Care")

    error = refused(sent(row))

    assert error.rule == "progres.contradiction"
    assert error.at == "row 1, interventiontype.progres_description"


def test_a_row_that_says_less_than_another_does_not_contradict_it():
    person = one(sent(ROW, {key: ROW[key] for key in ("progres_interventionnumber",)}), "person")

    assert person["name"]["surname"] == "Warsame"


def test_one_person_of_two_interventions_is_given_once():
    other = {**ROW, "progres_interventionnumber": "DRU-26-PRTITV-0000043"}

    assert [one["record_type"] for one in parse(sent(ROW, other)).records] == [
        "person",
        "case",
        "case",
    ]


def test_every_case_of_a_person_guards_what_one_of_them_shows():
    violent = {**ROW, "progres_interventionnumber": "B-2", **need("SGBV")}
    child = {**ROW, "childprotection.progres_priority": "High"}

    records = parse(sent(child, violent)).records

    kinds = {one["record_id"]: one["protection"]["case_kind"] for one in records}
    assert kinds == {
        "progres.invalid/DRU-00004711": "gbv",
        "progres.invalid/DRU-26-PRTITV-0000042": "child",
        "progres.invalid/B-2": "gbv",
    }


@pytest.mark.parametrize(
    ("written", "sex"),
    [
        ("125080000", "female"),
        ("125080001", "male"),
        ("125080002", "other"),
        ("125080003", "unknown"),
        (125080001, "male"),
        ("Female", "female"),
        ("Unknown", "unknown"),
    ],
)
def test_an_option_set_is_read_as_a_number_or_a_label(written, sex):
    assert one(sent({**ROW, "individuals.progres_sex": written}), "person")["sex"] == sex


@pytest.mark.parametrize(
    ("content", "at"),
    [
        (sent({**ROW, "individuals.progres_sex": "125080009"}), "row 1, individuals.progres_sex"),
        (sent({**ROW, "individuals.progres_sex": "F"}), "row 1, individuals.progres_sex"),
        (
            sent({**ROW, "childprotection.progres_priority": "125080004"}),
            "row 1, childprotection.progres_priority",
        ),
        (
            sent({**ROW, "childprotection.progres_priority": ["High"]}),
            "row 1, childprotection.progres_priority",
        ),
        (
            sent({**DECISION, "progres_reviewdecision": "125080003"},
                 asks="PrimeroIncomingReferralDecision"),
            "item 1, progres_reviewdecision",
        ),
        (
            [{**DECISION, "progres_interoperabiltyreferralrejectionreason": "125080009"}],
            "item 1, progres_interoperabiltyreferralrejectionreason",
        ),
        ({**NOTICE, "status": "maybe"}, "item 1, status"),
        ({**SENT, "sex": "woman"}, "item 1, sex"),
        ({**SENT, "protection_concerns": ["no such need"]}, "item 1, protection_concerns"),
        ({**SENT, "protection_concerns": [["CR"]]}, "item 1, protection_concerns"),
        ({**SENT, "risk_level": "very high!"}, "item 1, risk_level"),
        (
            sent({**ROW, "specificneeds.progres_spncategory2": {"Name": "Somebody's own"}}),
            "row 1, specificneeds.progres_spnsubcategory2",
        ),
        (
            sent({**ROW, "spnsubcategory2code": "no code"}),
            "row 1, specificneeds.progres_spnsubcategory2",
        ),
    ],
)  # fmt: skip
def test_an_unknown_code_is_refused(content, at):
    error = refused(content)

    assert (error.rule, error.at) == ("progres.code", at)


@pytest.mark.parametrize(
    ("written", "priority"),
    [("Emergency", "stat"), ("High", "asap"), ("Medium", "urgent"), ("Low", "routine")],
)
def test_a_priority_is_made_of_a_label_and_of_no_number(written, priority):
    case = one(sent({**ROW, "childprotection.progres_priority": written}))
    number = one(sent({**ROW, "childprotection.progres_priority": 125080000}))

    assert (case["priority"], case["risk_level"]) == (priority, written)
    assert (number.get("priority"), number["risk_level"]) == (None, "125080000")
    assert case["protection"] == number["protection"] == {"case_kind": "child"}


@pytest.mark.parametrize(
    ("written", "date", "behind"),
    [
        ("2014-03-09T00:00:00Z", "2014-03-09", None),
        ("2014-03-09T17:00:00Z", "2014-03-09", "T17:00:00Z"),
        ("2014-03-09T22:00:00+03:00", "2014-03-09", "T22:00:00+03:00"),
        ("2014-03-09T00:00:00", "2014-03-09", "T00:00:00"),
        ("2014-03-09", "2014-03-09", ""),
    ],
)
def test_a_date_of_birth_is_read_as_written_and_never_moved(written, date, behind):
    person = one(sent({**ROW, "individuals.progres_dateofbirth": written}), "person")

    assert person["birth_date"] == date
    assert person.get("extension", {}).get("individuals.progres_dateofbirth") == behind


@pytest.mark.parametrize(
    "written", ["2014-02-30T00:00:00Z", "09/03/2014", "2014-03-09 17:00", "2014-03-09Z", "2014"]
)
def test_what_is_no_date_is_refused(written):
    for content in (
        sent({**ROW, "individuals.progres_dateofbirth": written}),
        sent({**ROW, "progres_interventionstartdate": written}),
        {**SENT, "date_of_birth": written},
    ):
        assert refused(content).rule == "progres.date"


def test_other_times_stay_as_they_are_written():
    case = one(sent({**ROW, "progres_interventionstartdate": "2026-05-04T17:00:00Z"}))

    assert case["authored_on"] == "2026-05-04T17:00:00Z"


@pytest.mark.parametrize(
    ("content", "at"),
    [
        (sent({**ROW, "individuals.progres_id": 4711}), "row 1, individuals.progres_id"),
        (sent({**ROW, "progres_interventionnumber": 42}), "row 1, progres_interventionnumber"),
        ({**SENT, "unhcr_individual_no": 4711}, "item 1, unhcr_individual_no"),
        ({**SENT, "unhcr_id_no": 815}, "item 1, unhcr_id_no"),
        ({**SENT, "id": 7}, "item 1, id"),
        ({**NOTICE, "case_id": 7}, "item 1, case_id"),
        ([{**DECISION, "progres_individualid": 7}], "item 1, progres_individualid"),
        (sent({**ROW, "user.title": True}), "row 1, user.title"),
        (sent({**ROW, "user.title": ["A"]}), "row 1, user.title"),
        (sent({**ROW, "languages.progres_readlevel": ["x"]}), "row 1, languages.progres_readlevel"),
        (sent({**ROW, "progres_reasonforreferral": 1}), "row 1, progres_reasonforreferral"),
        ({**SENT, "language": 3}, "item 1, language"),
        ([{**DECISION, "progres_interoperabiltyreferralrejectionreason": [1]}],
         "item 1, progres_interoperabiltyreferralrejectionreason"),
        ([{**DECISION, "progres_interoperabilityreferralrejectionomment": 1}],
         "item 1, progres_interoperabilityreferralrejectionomment"),
        ({**SENT, "telephone_current": 10**15}, "item 1, telephone_current"),
        ({**SENT, "telephone_current": -1}, "item 1, telephone_current"),
        ({**SENT, "telephone_current": 1.5}, "item 1, telephone_current"),
    ],
)  # fmt: skip
def test_a_number_where_a_text_should_be_is_refused(content, at):
    error = refused(content)

    assert (error.rule, error.at) == ("progres.text", at)


def test_a_telephone_number_that_came_as_a_number_is_kept_apart():
    parsed = parse([{**SENT, "telephone_current": 610000471}])
    person = parsed.records[0]

    assert "phone_number" not in person
    assert person["extension"] == {"telephone_current": 610000471}
    assert parsed.lineage["person.extension"] == "telephone_current"


@pytest.mark.parametrize("number", ["DRU 42", "a\tb", "/42", "\ufeff42"])
def test_a_number_that_can_be_no_id_is_refused(number):
    assert refused(sent({**ROW, "progres_interventionnumber": number})).rule == "progres.number"
    assert refused({**SENT, "id": number}).rule == "progres.number"


@pytest.mark.parametrize("name", ["omment", "comment"])
def test_both_spellings_of_the_rejection_s_comment_are_read(name):
    field = f"progres_interoperabilityreferralrejection{name}"
    parsed = parse(
        [
            {
                **DECISION,
                "progres_reviewdecision": "125080001",
                "progres_interoperabiltyreferralrejectionreason": "125080001",
                field: "no such number",
            }
        ]
    )

    [case] = parsed.records
    assert case["status"] == "rejected"
    assert case["status_reason"] == "Individual Not Match UNHCR ID: no such number"
    assert parsed.unmapped == ()


def test_two_spellings_that_disagree_are_refused():
    spelt = "progres_interoperabilityreferralrejection"
    error = refused([{**DECISION, f"{spelt}omment": "a", f"{spelt}comment": "b"}])

    assert error.rule == "progres.contradiction"


@pytest.mark.parametrize(
    ("reason", "comment", "told"),
    [
        ("125080000", "", "Individual Not Found"),
        (125080002, "x", "Not applicable: x"),
        ("own words", "x", "own words: x"),
        (None, "x", "x"),
        (None, None, None),
    ],
)
def test_a_reason_is_its_words_and_its_comment(reason, comment, told):
    spelt = "progres_interoperabiltyreferralrejectionreason"
    item = {**DECISION, spelt: reason, "progres_interoperabilityreferralrejectionomment": comment}

    assert one([item]).get("status_reason") == told


def test_a_decision_is_about_the_partner_s_referral():
    content = (SAMPLES / "progres.referral" / "decisions.json").read_bytes()

    accepted, rejected = parse(content, plan("primero.partner.example")).records

    assert accepted["record_id"] == "primero.partner.example/8a1b2c3d4e5f"
    assert accepted["related_cases"] == [
        {
            "relation": "part_of",
            "related": "primero.partner.example/3f0c1c1e-77aa-4c1d-8a55-0c9a1d2e3f40",
        }
    ]
    assert accepted["status"] == "accepted"
    assert accepted["modified_on"] == "2026-05-20T00:00:00Z"
    assert accepted["extension"]["progres_interoperabilityreferralrouteto"] == "125080001"
    assert rejected["service_type"] == [{"display": "Documentation"}]
    assert "subject" not in accepted


@pytest.mark.parametrize(
    ("number", "record_id"),
    [("c1", "c1"), ("c1#", "c1#"), ("#s1", "#s1"), ("c1#s1#x", "s1#x")],
)
def test_a_partner_s_number_is_split_only_where_both_parts_are_numbers(number, record_id):
    case = one([{**DECISION, "progres_orgreferralid": number}])

    assert case["record_id"] == f"partner.progres.invalid/{record_id}"


def test_a_decision_without_the_partner_s_number_has_unhcr_s():
    case = one(
        [
            {
                "progres_interoperabilityreferralnumber": "REF-IOP-DRU-000000112",
                "progres_reviewdecision": "accepted",
            }
        ]
    )

    assert case["record_id"] == "partner.progres.invalid/REF-IOP-DRU-000000112"


def test_a_partner_s_notices_are_states_of_unhcr_s_case():
    content = (SAMPLES / "progres.referral" / "notices.json").read_bytes()

    cases = parse(content).records

    assert [one["status"] for one in cases] == ["received", "accepted", "rejected", "failed"]
    assert cases[0]["record_id"] == "progres.invalid/DRU-26-PRTITV-0000042"
    assert cases[2]["status_reason"] == "No foster family in Daru."
    assert cases[0]["performer_contact"] == {"name": "amal_cw"}


def test_a_partner_s_referral_is_a_request_about_whom_unhcr_numbered():
    content = (SAMPLES / "progres.referral" / "referrals.jsonl").read_bytes()

    person, first, second, other, third = parse(content).records

    assert person["record_id"] == "progres.invalid/DRU-00004711"
    assert first["subject"] == second["subject"] == person["record_id"]
    assert first["record_id"] == "partner.progres.invalid/8a1b2c3d4e5f"
    assert (first["status"], third["status"]) == ("requested", "requested")
    assert first["specific_needs"] == ["CR-CC", "SC-SC"]
    assert first["reason"] == [{"display": "sleeps at the market"}]
    assert person["language_code"] == ["so", "dip"]
    assert "extension" not in person
    assert other["language_code"] == ["so"]
    assert other["extension"] == {
        "language": "Somali, Boni",
        "telephone_current": 252610000475,
        "date_of_birth": "T17:00:00Z",
    }
    assert other["protection"] == third["protection"] == {"case_kind": "gbv"}
    assert "consent" not in first.get("protection", {})


def test_somebody_without_a_number_has_the_case_s():
    records = parse([SENT, {**SENT, "id": "c1#s2"}, {**SENT, "id": "c9"}]).records

    assert [one["record_id"].partition("/")[2] for one in records] == [
        "c1.1", "s1", "s2", "c9.1", "c9"
    ]  # fmt: skip


def test_nobody_is_made_of_a_referral_that_names_nobody():
    records = parse({**SENT, "name_first": None, "service_type": "Shelter"}).records

    assert [one["record_type"] for one in records] == ["case"]


def test_what_is_withheld_is_no_value():
    person, case = parse(
        {
            **SENT,
            "name_first": "*******",
            "name_last": "Warsame",
            "sex": "*******",
            "language": ["*******"],
            "unhcr_individual_no": "*******",
            "protection_concerns": ["*******"],
        }
    ).records

    assert person["absent"] == {
        "sex": "withheld", "identifier": "withheld", "language_code": "withheld"
    }  # fmt: skip
    assert case["absent"] == {"identifier": "withheld", "specific_needs": "withheld"}
    assert person["name"] == {"surname": "Warsame"}


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"disclosure_other_orgs": True}, "given"),
        ({"disclosure_other_orgs": "true", "consent_for_services": True}, "given"),
        ({"disclosure_other_orgs": True, "consent_for_services": False}, "refused"),
        ({"disclosure_other_orgs": True, "consent_for_services": ""}, "given"),
        ({"disclosure_other_orgs": True, "consent_for_services": "maybe"}, "not_given"),
        ({"disclosure_other_orgs": True, "consent_for_services": "*****"}, "not_given"),
        ({"disclosure_other_orgs": True, "enabled": False}, "not_given"),
        ({"disclosure_other_orgs": True, "form": {"consent_for_services": False}}, "refused"),
        ({"disclosure_other_orgs": True, "form": [{"consent_for_services": "false"}]}, "refused"),
        ({"disclosure_other_orgs": [True]}, "not_given"),
        ({"disclosure_other_orgs": False}, "refused"),
        ({"disclosure_other_orgs": "false"}, "refused"),
        ({"disclosure_other_orgs": None}, "not_given"),
        ({"disclosure_other_orgs": "*******"}, "not_given"),
        ({"disclosure_other_orgs": 1}, "not_given"),
        ({"disclosure_other_orgs": ["true"]}, "not_given"),
        ({}, "not_given"),
    ],
)
def test_consent_is_read_wherever_a_stored_case_says_it(said, status):
    person, case = parse({**CASE, **said}).records

    assert person["protection"]["consent"] == case["protection"]["consent"] == {"status": status}


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ({}, "child"),
        ({"module_id": "primeromodule-gbv"}, "gbv"),
        ({"module_id": None}, "gbv"),
        ({"module_id": "*******"}, "gbv"),
        ({"module_id": "primeromodule-mrm"}, "gbv"),
        ({"module_id": ["primeromodule-cp"]}, "gbv"),
        ({"gbv_reported_elsewhere": True}, "gbv"),
        ({"unhcr_needs_codes": ["cr-af", "sv-va"]}, "gbv"),
        ({"unhcr_needs_codes": ["cr-af"]}, "child"),
        ({"protection_concerns": ["sexually_exploited"]}, "gbv"),
        ({"protection_concerns": ["SV-VA"]}, "gbv"),
    ],
)
def test_a_stored_case_is_of_a_kind_with_rules_of_its_own(case, kind):
    for record in parse({**CASE, **case}).records:
        assert record["protection"]["case_kind"] == kind


def test_a_stored_case_is_a_referral_for_each_service():
    content = (SAMPLES / "progres.referral" / "stored-case.json").read_bytes()

    parsed = parse(content)

    person, first, second = parsed.records
    assert first["record_id"] == "partner.progres.invalid/289669d0e16a"
    assert second["service_type"] == [{"display": "shelter"}]
    assert first["requester_contact"]["name"] == "Case Worker Three"
    assert person["extension"] == {"telephone_current": 610000476, "language": ["language1"]}
    assert parsed.lineage["case.note[]"] == "services_section/service_referral_notes"
    assert parsed.lineage["case.requester_contact.name"] == "user/full_name"
    assert parsed.lineage["case.protection.consent.status"] == "disclosure_other_orgs"
    assert "user/locale" in parsed.unmapped


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"services_section": []}, "progres.not_a_referral"),
        ({"services_section": {"unique_id": "x"}}, "progres.not_a_referral"),
        ({"services_section": ["x"]}, "progres.not_a_referral"),
        ({"user": "x"}, "progres.not_a_referral"),
        ({"case_id": 7}, "progres.no_id"),
        ({"services_section": [{"service_type": "shelter"}]}, "progres.no_id"),
    ],
)
def test_a_stored_case_that_is_none_is_refused(change, rule):
    assert refused({**CASE, **change}).rule == rule


def test_comments_are_read_from_the_text_they_stand_in():
    said = [
        {"CreatedBy": "Case Worker One", "Text": "first", "CreatedOn": "2026-05-04T07:26:41Z"},
        {"Text": "second"},
    ]
    row = {**ROW, "progres_reasonforreferral": json.dumps(said)}
    row["progres_comments_nonrestrictedstore"] = json.dumps(said[1:])

    case = one(sent(row))

    assert case["reason"] == [{"display": "first"}, {"display": "second"}]
    assert case["worker_notes"] == ["second"]
    kept = {key: value for key, value in said[0].items() if key != "Text"}
    assert case["extension"] == {"progres_reasonforreferral": [kept, {}]}


@pytest.mark.parametrize(
    "text",
    ["plain", "[not json", "[]", '[{"Text":""}]', '[{"Text":"a","Else":"b"}]', '["a"]',
     '[{"Text":1}]', '[{"Text":"a","Text":"b"}]', "[" * 100],
)  # fmt: skip
def test_a_text_that_holds_no_comments_says_what_it_says(text):
    assert one(sent({**ROW, "progres_reasonforreferral": text}))["reason"] == [{"display": text}]


def test_html_stays_as_it_is():
    html = '<p onload="x">A&nbsp;<br/>b</p>'

    assert one(sent({**ROW, "progres_interventiondescription": html}))["note"] == [html]


def test_needs_are_codes_where_one_is_known_and_ids_where_none_is():
    rows = [
        {**ROW, **need("Child at risk", 1)},
        {**ROW, **need("Nobody's table has this", 2)},
        {**ROW, **need("Disability", 3), "spnsubcategory2code": "DS-PM"},
        {**ROW, "spncategory2code": "WR"},
    ]

    assert one(sent(*rows))["specific_needs"] == [
        "CR", "00000002-5a1e-4c0d-9b7e-00a1b2c3d4e5", "DS-PM", "WR"
    ]  # fmt: skip


def test_what_nobody_knows_is_told_by_its_path():
    row = {
        **ROW,
        "individuals.progres_nationality": "x",
        "Amina Warsame": "x",
        "progres_individual": reference("DRU-00004711", LogicalName="contact", More="x"),
    }

    parsed = parse({**sent(row), "__query_params": {"a": 1}, "other": {}})

    assert parsed.unmapped == (
        "?",
        "__query_params",
        "individuals.progres_nationality",
        "progres_individual/LogicalName",
        "progres_individual/More",
    )


def test_results_of_a_query_are_rows():
    parsed = parse((SAMPLES / "progres.referral" / "page.json").read_bytes())

    person, case = parsed.records
    assert person["record_id"] == "progres.invalid/DRU-00004733"
    assert person["sex"] == "female"
    assert case["specific_needs"] == ["DS", "FU-TR"]
    assert case["service_type"][0]["display"] == "BID"
    assert case["service_type"][0]["code"].islower()
    assert parsed.unmapped == ("@morerecords",)
    assert "status" not in case


def test_one_result_alone_and_fields_through_other_joins():
    page = {
        "@morerecords": "0",
        "result": {
            "progres_interventionnumber": "A-1",
            "progres_interventionstartdate": {"@date": "4/5/2026", "#text": "2026-05-04T00:00:00"},
            "progres_lpinterventionid": "{not a guid",
            "progres_individualid.progres_languagecodeid": {"@name": "Somali", "#text": "{}"},
            "progres_childprotectioncase.progres_priority": {"#text": "125080001"},
            "progres_businessowner.title": "Officer",
        },
    }
    assert refused(page).rule == "progres.guid"
    del page["result"]["progres_lpinterventionid"]

    person, case = parse(page).records

    assert person["language_code"] == ["so"]
    assert case["authored_on"] == "2026-05-04T00:00:00"
    assert case["risk_level"] == "125080001"
    assert case["requester_contact"] == {"role": "Officer"}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b'<fetch no-lock="true"><entity name="progres_lpintervention"/></fetch>', "progres.query"),
        (b"\xef\xbb\xbf <fetch/>", "progres.query"),
        ({"@no-lock": "true", "entity": {"@name": "progres_lpintervention"}}, "progres.query"),
        ({"fetch": {"entity": {}}}, "progres.query"),
        (b"<UNHCR_RRF/>", "progres.not_json"),
        (b"<fetch", "xml.truncated"),
        (b"{", "json.truncated"),
        (b"", "json.empty"),
        ("text", "progres.not_a_referral"),
        ([["a"]], "progres.not_a_referral"),
        ({"data": {"status": "accepted", "id": "x"}}, "progres.not_a_referral"),
        ({"name_first": "Amina", "id": "x"}, "progres.not_a_referral"),
        ({"interventions": {}}, "progres.not_a_referral"),
        ({"@morerecords": "0", "result": ["x"]}, "progres.not_a_referral"),
        (sent(ROW, asks="PrimeroReferralCancellation"), "progres.request_type"),
        (sent(ROW, asks="PrimeroIncomingReferralDecision"), "progres.request_type"),
        (sent(DECISION), "progres.request_type"),
        ({**SENT, "request_type": ["x"]}, "progres.request_type"),
        ({**NOTICE, "request_type": "ReceiveIncomingReferral"}, "progres.request_type"),
        (sent({**ROW, "progres_interventionnumber": ""}), "progres.no_id"),
        ([{"progres_reviewdecision": "125080000"}], "progres.no_id"),
        ({**SENT, "id": None}, "progres.no_id"),
        (b'{"interventions":[{"progres_interventionnumber":"a","progres_interventionnumber":"b"}]}',
         "json.key_twice"),
        (b'{"status":"a","status":"b","progres_interventionnumber":"c"}', "json.key_twice"),
    ],
)  # fmt: skip
def test_what_is_no_referral_is_refused(content, rule):
    assert refused(content).rule == rule


def test_a_key_nobody_reads_may_stand_twice():
    parsed = parse(b'{"id":"x","service_type":"a","colour":"1","colour":"2"}')

    assert parsed.repeated == ("colour",)


def test_lines_say_which_line():
    lines = b"\n".join(json.dumps(one).encode() for one in (SENT, {**SENT, "id": "", "sex": "x"}))

    assert refused(lines).at.startswith("line 2, item 1")


def test_a_row_alone_and_a_list_of_rows_ask_for_nothing():
    assert "status" not in one(ROW)
    assert "status" not in one([ROW])
    assert one(sent(ROW))["status"] == "requested"


def test_a_mapping_says_whose_numbers_they_are():
    assert {one["record_id"].partition("/")[0] for one in parse(sent(ROW), plan()).records} == {
        "a.example"
    }
    assert refused(sent(ROW), plan(form="kobo")).rule == "mapping.other_format"


@pytest.mark.parametrize("key", ["individuals.progres_sex", "individuals.progres_dateofbirth"])
def test_no_error_shows_a_value(key):
    secret = "Zubaida Qzvkx"
    error = refused(sent({**ROW, key: secret}))

    assert secret not in f"{error} {error!r} {error.at}"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"status": "Pending Acknowledgement"}, ("accepted", "Pending Acknowledgement")),
        ({"status": "acknowledged"}, ("accepted", "acknowledged")),
        ({"status": "rejected"}, ("refused", "rejected")),
        ({"status": "Delivery Fail"}, ("refused", "Delivery Fail")),
        ({"status": "accepted"}, ("unknown", None)),
        ({"status": ["acknowledged"]}, ("unknown", None)),
        ({"status": "acknowledged", "progres_interventionnumber": ""}, ("unknown", None)),
        ({}, ("unknown", None)),
    ],
)
def test_an_answer_is_taken_for_accepted_only_where_it_says_so(answer, expected):
    raw = json.dumps({"progres_interventionnumber": "A-1", **answer}).encode()

    assert ProgresReferral().outcomes(raw, 1) == [Outcome(0, *expected)]
    assert [one.state for one in ProgresReferral().outcomes(raw, 2)] == ["unknown"]
    assert ProgresReferral().outcomes(raw + b"\n" + raw, 2) == [
        Outcome(0, *expected), Outcome(1, *expected)
    ]  # fmt: skip


@pytest.mark.parametrize("answer", [b"<html>", b"", b"[]", b'"acknowledged"', b"{}"])
def test_an_answer_about_nothing_is_unknown(answer):
    assert [one.state for one in ProgresReferral().outcomes(answer, 1)] == ["unknown"]
