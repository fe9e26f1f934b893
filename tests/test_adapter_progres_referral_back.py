"""Referrals between UNHCR and its partners, as they are written, and both ways on real ones."""

import json
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.leaf_names import leaf_names
from adapters.primero import Primero
from adapters.progres.referral import ProgresReferral, ProgresReferralOutgoing, joined, written
from gateway.adapter import GROUP, read, write
from gateway.errors import SenderError
from gateway.kit import generate, rendering
from gateway.kit.subject import load
from gateway.mapping import read_mapping
from gateway.record import Record, Rendered, check

OUTGOING = ProgresReferralOutgoing()
SAMPLES = Path("adapters/progres/referral/samples")
PERSON: Record = {
    "record_type": "person",
    "record_id": "progres.invalid/DRU-00004711",
    "identifier": [{"identifier_type": "unhcr_individual_no", "identifier_value": "DRU-00004711"}],
    "name": {"surname": "Warsame"},
}
NUMBER = {
    "identifier_type": "progres_interventionnumber",
    "identifier_value": "DRU-26-PRTITV-0000042",
}
CASE: Record = {
    "record_type": "case",
    "record_id": "progres.invalid/DRU-26-PRTITV-0000042",
    "case_type": "referral",
    "identifier": [NUMBER],
    "subject": PERSON["record_id"],
    "status": "requested",
}
PARTNERS: Record = {
    "record_type": "case",
    "record_id": "partner.progres.invalid/s1",
    "related_cases": [{"relation": "part_of", "related": "partner.progres.invalid/c1"}],
    "case_type": "referral",
    "subject": PERSON["record_id"],
    "status": "requested",
}


def messages(written: Rendered) -> list[Any]:
    return [json.loads(line) for line in written.content.split(b"\n")]


def message(*records: Record, adapter: Any = None) -> Any:
    [found] = messages(write(adapter or ProgresReferral(), records))
    return found


def rows(*records: Record) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = message(*records)["interventions"]
    return found


def again(records: Sequence[Record]) -> tuple[list[Record], Rendered]:
    back = write(ProgresReferral(), records)
    return read(ProgresReferral(), back.content).records, back


def test_a_row_is_written_for_each_language_and_need():
    person = {**PERSON, "language_code": ["so", "am"]}
    case = {**CASE, "specific_needs": ["CR-CC", "DS", "own-code"]}

    found = rows(person, case)

    said = [
        (
            row["languages.progres_languagecodeid"]["Name"],
            row.get("spnsubcategory2code") or row["spncategory2code"],
        )
        for row in found
    ]
    assert said == [(name, code) for name in ("Somali", "Amharic")
                    for code in ("CR-CC", "DS", "own-code")]  # fmt: skip
    assert {row["individuals.progres_familyname"] for row in found} == {"Warsame"}
    assert found[0]["specificneeds.progres_spnsubcategory2"]["Name"] == "Child carer"
    assert again([person, case])[0][1]["specific_needs"] == case["specific_needs"]


def test_references_are_written_as_dynamics_has_them():
    person = {
        **PERSON,
        "identifier": [{"identifier_type": "unhcr_id_no", "identifier_value": "DRU-21-00815"}],
        "extension": {"individuals.progres_registrationgroupid/Id": "g-1"},
    }

    [row] = rows(person, CASE)

    assert row["individuals.progres_registrationgroupid"] == {
        "Id": "g-1",
        "KeyAttributes": [],
        "LogicalName": "progres_registrationgroup",
        "Name": "DRU-21-00815",
        "RowVersion": None,
    }
    assert row["individuals.progres_id"] == "DRU-00004711"


def test_option_sets_are_written_as_numbers_and_dates_as_the_gateway_does():
    person = {**PERSON, "sex": "unknown", "birth_date": "2014-03-09"}
    case = {**CASE, "risk_level": "125080001"}

    [row] = rows(person, case)

    assert row["individuals.progres_sex"] == "125080003"
    assert row["individuals.progres_dateofbirth"] == "2014-03-09T00:00:00Z"
    assert row["childprotection.progres_priority"] == "125080001"
    assert rows({**CASE, "priority": "stat"})[0]["childprotection.progres_priority"] == "Emergency"


@pytest.mark.parametrize(
    ("record", "leaf"),
    [
        ({**PERSON, "birth_date": "2014-03"}, "person.birth_date"),
        ({**PERSON, "birth_date": "2014"}, "person.birth_date"),
        ({**PERSON, "language_code": ["xx-none"]}, "person.language_code[]"),
        ({**PERSON, "phone_number": ["1", "2"]}, "person.phone_number[]"),
        ({**PERSON, "nationality": ["SOM"]}, "person.nationality[]"),
        ({**PERSON, "name": {"surname": "*******"}}, "person.name.surname"),
        ({**PERSON, "extension": {"own": 1}}, "person.extension"),
        ({**PERSON, "extension": {"languages": [{"own": "x"}]}}, "person.extension"),
        ({**PERSON, "extension": {"individuals.progres_dateofbirth": "T17:00:00Z"}},
         "person.extension"),
        ({**CASE, "priority": "stat", "risk_level": "125080003"}, "case.priority"),
        ({**CASE, "risk_level": "own"}, "case.risk_level"),
        ({**CASE, "reason": [{"code": "x"}]}, "case.reason[].code"),
        ({**CASE, "note": ["a", "b"]}, "case.note[]"),
        ({**CASE, "identifier": [NUMBER, {**NUMBER, "identifier_value": "B-2"}]},
         "case.identifier[].identifier_value"),
        ({**CASE, "specific_needs": ["DS", "DS"]}, "case.specific_needs[]"),
        ({**CASE, "extension": {"specificneeds": [{"spncategory2code": "no code"}]}},
         "case.extension"),
        ({**CASE, "extension": {"progres_reasonforreferral": ["x"]}}, "case.extension"),
        ({**CASE, "worker_notes": ["a"],
          "extension": {"progres_comments_nonrestrictedstore": [{"CreatedBy": 10**30}]}},
         "case.extension"),
        ({**CASE, "status": "in-progress"}, "case.status"),
        ({**CASE, "protection": {"consent": {"status": "given"}}},
         "case.protection.consent.status"),
    ],
)  # fmt: skip
def test_what_rows_cannot_carry_is_told(record, leaf):
    person, case = (record, CASE) if record["record_type"] == "person" else (PERSON, record)

    records, back = again([person, case])

    assert leaf in back.unrendered
    assert records != [person, case]


def test_what_rows_carry_is_told_with_its_field():
    back = write(ProgresReferral(), [PERSON, CASE])

    assert back.unrendered == ()
    assert back.lineage["person.name.surname"] == "individuals.progres_familyname"
    assert back.lineage["case.record_id"] == "progres_interventionnumber"


def test_a_decision_says_the_number_of_its_reason():
    case = {
        **PARTNERS,
        "status": "rejected",
        "status_reason": "Individual Not Found: look again",
        "service_type": [{"display": "Documentation"}],
    }
    del case["subject"]

    body = message(case)

    assert body == {
        "interventions": [
            {
                "progres_reviewdecision": "125080001",
                "progres_interventiontype": "Documentation",
                "progres_interoperabiltyreferralrejectionreason": "125080000",
                "progres_interoperabilityreferralrejectionomment": "look again",
                "progres_orgreferralid": "c1#s1",
            }
        ],
        "request_type": "PrimeroIncomingReferralDecision",
    }
    assert again([case])[0] == [case]


def test_reasons_of_other_words_are_comments():
    body = message({**PARTNERS, "status": "rejected", "status_reason": "no place: none"})

    assert body["interventions"][0]["progres_interoperabilityreferralrejectionomment"] == (
        "no place: none"
    )


@pytest.mark.parametrize(
    ("state", "said", "asks"),
    [
        ("accepted", "acknowledged", "ReceiveDecisionOutgoingReferral"),
        ("rejected", "rejected", "ReceiveDecisionOutgoingReferral"),
        ("failed", "Delivery Fail", "Feedback"),
        ("received", "Pending Acknowledgement", None),
    ],
)
def test_of_unhcr_s_case_a_partner_tells_the_state(state, said, asks):
    case = {**CASE, "status": state, "status_reason": "why"}

    body = message(case)

    assert (body["status"], body.get("request_type")) == (said, asks)
    assert body["progres_interventionnumber"] == "DRU-26-PRTITV-0000042"
    assert body["closure_reason"] == "why"


def test_a_partner_s_referral_is_one_flat_object():
    person = {**PERSON, "language_code": ["so", "dip"], "sex": "other", "birth_date": "2014-03-09"}
    case = {**PARTNERS, "service_type": [{"code": "x", "display": "Shelter"}], "note": ["a", "b"]}

    body = message(person, case)

    assert body["request_type"] == "ReceiveIncomingReferral"
    assert body["id"] == "c1#s1"
    assert body["language"] == "Somali, Dinka, Northeastern"
    assert body["service_referral_notes"] == "a\n\nb"
    assert (body["sex"], body["date_of_birth"]) == ("other", "2014-03-09")
    assert (body["unhcr_individual_no"], body["service_type"]) == ("DRU-00004711", "Shelter")


def test_unhcr_s_number_of_a_person_may_stand_in_the_case():
    person = {key: value for key, value in PERSON.items() if key != "identifier"}
    case = {**PARTNERS, "identifier": PERSON["identifier"]}

    back = write(ProgresReferral(), [person, case])

    assert messages(back)[0]["unhcr_individual_no"] == "DRU-00004711"
    assert "case.identifier[].identifier_value" not in back.unrendered


def test_a_case_of_another_authority_is_not_said_to_be_part_of_its_case():
    related = [
        {"relation": "part_of", "related": "other.example/c1"},
        {"relation": "based_on", "related": "partner.progres.invalid/c2"},
        {"related": "partner.progres.invalid/c#3"},
    ]

    assert message({**PARTNERS, "related_cases": related})["id"] == "s1"


@pytest.mark.parametrize("state", ["draft", "failed", "completed", "cancelled", "entered-in-error"])
def test_what_is_closed_or_not_yet_made_is_no_referral(state):
    for case in ({**PARTNERS, "status": state}, {**CASE, "status": state}):
        adapter = ProgresReferral() if case["record_id"].startswith("partner") else OUTGOING
        with pytest.raises(SenderError) as caught:
            write(adapter, [case])
        assert (caught.value.rule, caught.value.at) == ("progres.state", "case, status")


@pytest.mark.parametrize(
    ("case", "rule"),
    [
        (PARTNERS, "progres.no_number"),
        ({**CASE, "status": "accepted"}, "progres.direction"),
        ({**PARTNERS, "status": "accepted", "record_id": "a/\u0085"}, "progres.number"),
        ({**CASE, "identifier": [{**NUMBER, "identifier_value": "a b"}], "record_id": "a/b"},
         "progres.no_number"),
    ],
)  # fmt: skip
def test_what_unhcr_would_not_send_is_refused(case, rule):
    with pytest.raises(SenderError) as caught:
        write(ProgresReferralOutgoing(), [case])
    assert caught.value.rule == rule


def test_a_notice_needs_unhcr_s_number():
    case = {**CASE, "status": "accepted", "record_id": "a.example/1"}
    case["identifier"] = [{"identifier_type": "progres_lpinterventionid", "identifier_value": "x"}]

    with pytest.raises(SenderError) as caught:
        write(ProgresReferral(), [case])
    assert caught.value.rule == "progres.no_number"


def test_a_case_of_unhcr_s_numbering_needs_no_identifier():
    case = {key: value for key, value in CASE.items() if key != "identifier"}
    person = {key: value for key, value in PERSON.items() if key != "identifier"}

    [row] = rows(person, case)

    assert row["progres_interventionnumber"] == "DRU-26-PRTITV-0000042"
    assert row["individuals.progres_id"] == "DRU-00004711"


def test_an_intervention_may_have_its_guid_alone():
    guid = "00000026-5a1e-4c0d-9b7e-00a1b2c3d4e5"
    row = {"progres_lpinterventionid": guid, "individuals.progres_givenname": "Amina"}
    records = read(ProgresReferral(), json.dumps([row]).encode()).records

    assert [one["record_id"] for one in records] == [
        f"progres.invalid/{guid}.1", f"progres.invalid/{guid}"
    ]  # fmt: skip
    assert rows(*records) == [row]


def test_each_message_has_a_line():
    second = {**CASE, "record_id": "progres.invalid/A-2", "status": "received"}
    third = {**CASE, "record_id": "progres.invalid/A-3"}
    del third["status"]
    decided = {**PARTNERS, "record_id": "partner.progres.invalid/s2", "status": "accepted"}
    del second["identifier"], third["identifier"]

    back = write(ProgresReferral(), [PERSON, CASE, PARTNERS, second, third, decided])

    found = messages(back)
    assert [one.get("request_type") for one in found] == [
        "PrimeroOutgoingReferral", None, "PrimeroIncomingReferralDecision", None,
        "ReceiveIncomingReferral",
    ]  # fmt: skip
    assert [len(one.get("interventions", ())) for one in found] == [1, 1, 1, 0, 0]


def test_persons_are_found_wherever_they_stand():
    other = {**PERSON, "record_id": "progres.invalid/DRU-2", "name": {"surname": "Nur"}}
    other["identifier"] = [{**PERSON["identifier"][0], "identifier_value": "DRU-2"}]
    second = {**CASE, "record_id": "progres.invalid/A-2", "subject": other["record_id"]}
    second["identifier"] = [{**NUMBER, "identifier_value": "A-2"}]

    found = rows(CASE, second, PERSON, other)

    assert [row["individuals.progres_familyname"] for row in found] == ["Warsame", "Nur"]


def test_who_is_in_no_case_is_told(monkeypatch):
    household = {"record_type": "household", "record_id": "a.example/1", "group_size": 3}
    alone = {**PERSON, "record_id": "progres.invalid/DRU-9"}

    back = write(ProgresReferral(), [alone, household, CASE])

    assert set(leaf_names("person", "name", PERSON["name"])) <= set(back.unrendered)
    assert {"household.group_size", "household.record_id"} <= set(back.unrendered)
    assert "case.subject" in back.unrendered
    monkeypatch.setattr(joined, "HELD", 10)
    with pytest.raises(SenderError) as caught:
        write(ProgresReferral(), [PARTNERS, household, PERSON])
    assert caught.value.rule == "progres.apart"


def test_of_nothing_there_is_a_message_of_nothing():
    assert message() == {"interventions": []}


def test_more_rows_than_a_message_holds_are_refused():
    case = {**CASE, "specific_needs": [f"N-{n}" for n in range(written.MOST_ROWS + 1)]}

    with pytest.raises(SenderError) as caught:
        write(ProgresReferral(), [case])
    assert caught.value.rule == "progres.too_many_rows"


def test_a_long_message_comes_in_parts(monkeypatch):
    monkeypatch.setattr("adapters.progres.referral.LARGEST", 500)
    cases = [{**CASE, "identifier": [{**NUMBER, "identifier_value": f"A-{n}"}]} for n in range(9)]
    cases = [{**one, "record_id": f"progres.invalid/A-{n}"} for n, one in enumerate(cases)]

    records, back = again([PERSON, *cases])

    assert [one["record_id"] for one in records] == [one["record_id"] for one in (PERSON, *cases)]
    assert back.unrendered == ()
    assert 1 < len(messages(back)) < 9
    monkeypatch.setattr(written, "LARGEST", 50)
    with pytest.raises(SenderError) as caught:
        write(ProgresReferral(), [PERSON, CASE])
    assert caught.value.rule == "progres.too_large"


@pytest.mark.parametrize("name", ["progres.referral", "progres.referral.outgoing"])
@pytest.mark.parametrize("wanted", ["identifier", "extension", "protection"])
def test_a_sample_without_a_field_still_comes_back(name, wanted):
    adapter = {one.name: one for one in (ProgresReferral, ProgresReferralOutgoing)}[name]()
    for path in sorted((SAMPLES / name).glob("*.json*")):
        whole = read(adapter, path.read_bytes()).records
        fewer = [{key: one[key] for key in one if key != wanted} for one in whole]
        back = write(adapter, fewer)
        assert [one["record_type"] for one in read(adapter, back.content).records] == [
            one["record_type"] for one in whole
        ]


SUBJECT = load(EntryPoint("progres.referral", "adapters.progres.referral:ProgresReferral", GROUP))


def _tied(records: Sequence[Record]) -> list[Record]:
    """As they could be: numbered by UNHCR or by a partner, and about somebody who is there."""
    made = []
    people = [one["record_id"] for one in records if one["record_type"] == "person"]
    for number, record in enumerate(records):
        one = dict(record)
        if one["record_type"] == "case":
            domain = "progres.invalid" if number % 2 else "partner.progres.invalid"
            one["record_id"] = f"{domain}/{number}"
            if people:
                one["subject"] = people[number % len(people)]
        made.append(one)
    return list({one["record_id"]: one for one in made}.values())


@settings(max_examples=25)
@given(generate.records(["case", "person"], most=4).map(_tied))
def test_any_records_come_back_but_for_what_is_told(records):
    plan = SUBJECT.samples[0].mapping
    assert list(rendering.there_and_back(SUBJECT, records, plan, "generated")) == []


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["Somali", "Nuer", "Luo", "Dinka, Northeastern", "x"]), max_size=4))
def test_languages_in_one_text_come_back(names):
    body = {"id": "c", "service_type": "x", "language": ", ".join(names)}
    records = read(ProgresReferral(), json.dumps(body).encode()).records

    assert again(records)[0] == records


NO_REFERRALS = {"decision_to_primero.json", "intervention_1.json"}
"""A decision whose number nobody knows, and a query."""


def real(samples: Callable[[str], Path]) -> Iterator[tuple[str, list[Record]]]:
    for path in sorted(samples("progres/open").glob("*.json")):
        if path.name not in NO_REFERRALS:
            yield path.name, read(ProgresReferral(), path.read_bytes()).records


def test_real_messages_come_back_but_for_what_is_told(samples):
    """Consent is all that a message of UNHCR's gateway cannot carry."""
    count = 0
    for name, records in real(samples):
        for number, record in enumerate(records, 1):
            check(record, at=f"{name}, record {number}")
        back = write(ProgresReferral(), records)
        lost = {"person.protection", "case.protection"} if name.startswith("primero") else set()
        assert {".".join(leaf.split(".")[:2]) for leaf in back.unrendered} == lost, name
        for one, other in zip(records, read(ProgresReferral(), back.content).records, strict=True):
            keys = one.keys() - ({"protection"} if lost else set())
            assert {key: one[key] for key in keys} == {key: other[key] for key in keys}, name
        count += 1
    assert count == 9


MAPPINGS = Path("deploy/crosswalks/mappings")
PRIMERO = {
    "id": "6f0c1c1e-77aa-4c1d-8a55-0c9a1d2e3f40",
    "module_id": "primeromodule-cp",
    "name_first": "Amina",
    "unhcr_individual_no": "DRU-00004711",
    "disclosure_other_orgs": True,
    "consent_for_services": True,
    "services_section": [
        {
            "unique_id": "8a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
            "service_type": "shelter",
            "service_implementing_agency": "unhcr",
        }
    ],
}


def test_a_case_of_primero_goes_to_unhcr_and_its_decision_comes_back():
    plans = {one: read_mapping(MAPPINGS / f"{one}.yaml")
             for one in ("primero-case", "primero-referral", "progres-decision")}  # fmt: skip
    case = read(Primero(), json.dumps(PRIMERO).encode(), plans["primero-case"])

    body = message(*case.records)
    decision = {
        "progres_orgreferralid": body["id"],
        "progres_reviewdecision": "125080001",
        "progres_interoperabilityreferralrejectionomment": "no place",
    }
    content = json.dumps([decision]).encode()
    decided = read(ProgresReferral(), content, plans["progres-decision"])
    patch = json.loads(write(Primero(), decided.records, plans["primero-referral"]).content)

    assert (body["unhcr_individual_no"], body["name_first"]) == ("DRU-00004711", "Amina")
    assert patch["data"]["id"] == PRIMERO["id"]
    [service] = patch["data"]["services_section"]
    assert service["unique_id"] == PRIMERO["services_section"][0]["unique_id"]
    assert service["unhcr_referral_status"] == "rejected"
    assert "no place" in service.values()


def test_the_shifted_date_of_a_real_person_is_the_written_one(samples):
    content = samples("progres/open/outbound_referral.json").read_bytes()

    person, _ = read(ProgresReferral(), content).records

    written_date = json.loads(content)["interventions"][0]["individuals.progres_dateofbirth"]
    assert person["birth_date"] + "T17:00:00Z" == written_date
    assert person["extension"]["individuals.progres_dateofbirth"] == "T17:00:00Z"


def test_real_rows_of_one_intervention_are_one_case(samples):
    content = samples("progres/open/interventions_many_rows.json").read_bytes()

    cases = [
        one for one in read(ProgresReferral(), content).records if one["record_type"] == "case"
    ]

    counts = [len(one.get("specific_needs", ())) for one in cases]
    assert counts == [1, 3, 0, 0, 0, 0]
