"""HOPE as its servers are: what they tell of people, and what they take."""

import json
import re
from typing import Any

import pytest

from adapters.hope.ready import COUNTRIES
from adapters.kobo import Kobo
from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.mapping import plan_of, read_mapping
from gateway.record import Parsed, Record
from tests import hope_files
from tests.hope_files import CROSSWALKS, HEAD, HOPE, HOUSEHOLD, XLSX, body_rules, book, refused
from tests.test_adapter_hope_rdi import household, member, person

REGISTRATIONS = CROSSWALKS.parent / "payloads" / "registrations.json"

DETAIL = {
    "id": "0000-1",
    "unicef_id": "HH-26-0000.0001",
    "head_of_household": {"id": "0000-7", "full_name": "Amina"},
    "admin1": {"id": "0000-2", "name": "Gedo"},
    "admin2": None,
    "country": "Somalia",
    "residence_status": "Displaced  |  Internally Displaced People",
    "consent_sharing": ["", "UNICEF"],
    "roles_in_household": [],
}
COUNTRY = {"id": "0000-3", "name": "Somalia", "iso_code3": "SOM"}
INDIVIDUAL = {
    "id": "0000-7",
    "unicef_id": "IND-1",
    "full_name": "Amina Yusuf",
    "birth_date": "1984-02-17",
    "household": DETAIL,
    "documents": [
        {
            "id": "0000-4",
            "type": {"id": "0000-5", "label": "National ID", "key": "national_id"},
            "country": COUNTRY,
            "document_number": "0077",
        }
    ],
    "identities": [{"id": 3, "country": COUNTRY, "number": "U-1", "partner": 4}],
    "accounts": [
        {
            "account_type": "9f0c7d7e-0000-4000-8000-000000000000",
            "account_type_key": "bank",
            "number": "Canary",
        }
    ],
    "observed_disability": ["NONE"],
}
PAYMENT = {
    "unicef_id": "RCPT-1",
    "household_unicef_id": "HH-1",
    "entitlement_quantity": "10.00",
    "delivery_type": "9f0c7d7e-0000-4000-8000-000000000000",
    "status": "Pending",
}


def parsed(value: Any, mapping: Any = None) -> Parsed:
    return hope_files.parsed(hope_files.document(value), HOPE, mapping)


def plan(kind: str, key: str, fields: dict[str, Any]) -> Any:
    records = [{"type": kind, "id": {"first": [key]}, "fields": fields}]
    document = {"mapping": "m", "version": "1", "format": "hope", "authority": "h.example"}
    return plan_of({**document, "records": records}, at="test")


# What servers tell


def test_a_household_is_told_in_words():
    found = parsed(DETAIL)
    [record] = found.records
    assert record["place"] == {"location_code": "SOM", "admin1_name": "Gedo"}
    assert record["displacement_status"] == "IDP"
    assert record["protection"] == {"consent": {"scope": ["unicef"]}}
    assert found.lineage["household.place.location_code"] == "country"
    assert "country" not in found.unmapped


@pytest.mark.parametrize(
    ("country", "code"), [("SO", "SOM"), ("SYRIAN ARAB REPUBLIC", "SYR"), ("Canary", None)]
)
def test_a_country_nobody_knows_stays_behind(country, code):
    found = parsed({**DETAIL, "country": country})
    assert found.records[0]["place"].get("location_code") == code
    assert ("country" in found.unmapped) is (code is None)


def test_names_of_countries_are_of_one_country_each():
    assert len(set(COUNTRIES.values())) == len(COUNTRIES) > 200


def test_a_mapping_finds_the_country_where_hope_has_it():
    named = {"from": "country", "as": "code", "codes": {"Somalia": "SOM"}}
    found = parsed(DETAIL, plan("household", "unicef_id", {"place.location_code": named}))
    assert found.records[0]["place"] == {"location_code": "SOM"}
    assert {"id", "admin1/name"} <= set(found.unmapped)
    assert "country" not in found.unmapped


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Displaced  |  Refugee / Asylum Seeker", "REF"),
        ("Displaced  |   Refugee Returnee", "RET"),
        ("Displaced  |  Internally Displaced People Returnee", "RDP"),
        ("Displaced  |  Others of Concern", "OOC"),
        ("Non-displaced  |   Host", "HST"),
        ("Non-displaced  |   Non-host", None),
        ("None", None),
    ],
)
def test_how_somebody_lives_is_told_in_words(status, expected):
    [record] = parsed({**DETAIL, "residence_status": status}).records
    assert record.get("displacement_status") == expected


def test_a_document_says_its_country_in_three_letters():
    found = parsed(INDIVIDUAL)
    [record] = found.records
    assert record["identifier"] == [
        {"identifier_type": "UIN", "identifier_value": "0077", "issuer": "SOM"},
        {"identifier_type": "hope", "identifier_value": "0000-7"},
    ]
    assert {
        "documents/national_id/country/name",
        "documents/?/label",
        "identities/?/number",
        "accounts/bank/number",
    } <= set(found.unmapped)


@pytest.mark.parametrize("partner", ["UNHCR", "unhcr"])
def test_a_partner_that_is_named_is_known(partner):
    identity = {"country": {"iso_code2": "SO"}, "number": "U-1", "partner": partner}
    [record] = parsed({**INDIVIDUAL, "identities": [identity], "documents": None}).records
    unhcr = {"identifier_type": "unhcr", "identifier_value": "U-1", "issuer": "SOM"}
    assert record["identifier"][0] == unhcr


def test_a_country_of_no_code_is_refused():
    document = {**INDIVIDUAL["documents"][0], "country": {"iso_code3": "Canary"}}
    content = hope_files.document({**INDIVIDUAL, "documents": [document]})
    assert refused(content, HOPE).rule == "code.unknown"
    person = parsed({**INDIVIDUAL, "documents": [{**document, "country": {}}]}).records[0]
    assert "issuer" not in person["identifier"][0]


def test_a_payment_may_tell_its_way_by_a_number():
    found = parsed(PAYMENT)
    assert "delivery_mechanism" not in found.records[0]
    assert "delivery_type" in found.unmapped
    way = {"id": "0000-6", "name": "Cash over the counter"}
    found = parsed({**PAYMENT, "delivery_type": 7, "delivery_mechanism": way})
    assert found.records[0]["delivery_mechanism"] == "cash-over-the-counter"
    assert {"delivery_type", "delivery_mechanism/id"} <= set(found.unmapped)
    numbered = plan("assistance", "unicef_id", {"status_reason": "delivery_type"})
    assert parsed(PAYMENT, numbered).records[0]["status_reason"] == PAYMENT["delivery_type"]


def test_a_plan_before_its_end():
    made = {"unicef_id": "PP-1", "dispersion_start_date": None, "status": "READY_FOR_CLOSURE"}
    [record] = parsed({**made, "program": "Daru", "program_code": "ab1c"}).records
    assert record["status"] == "completed"
    assert (record["programme_name"], record["programme_identifier"]) == ("Daru", ["ab1c"])


def test_a_name_that_was_erased_is_none():
    erased = {**HEAD, "full_name": "GDPR REMOVED", "given_name": "GDPR REMOVED"}
    assert "name" not in parsed([{**HOUSEHOLD, "members": [erased]}]).records[1]


def test_an_own_position_is_told():
    assert "position" in parsed([{**HOUSEHOLD, "position": "3"}]).unmapped


def test_what_a_server_says_of_a_new_import_is_no_record():
    answer = {"id": "0000-1", "name": "June", "country_workspace_id": None}
    assert refused(hope_files.document(answer), HOPE).rule == "hope.answer"


# Bodies that servers take


@pytest.mark.parametrize(
    ("role", "collector"),
    [("Primary collector", "primary"), ("Alternate collector", "alternate"), ("", None)],
)
def test_roles_are_read_in_words(role, collector):
    found = parsed([{**HOUSEHOLD, "members": [{**HEAD, "role": role}]}])
    assert found.records[0]["member_list"][0].get("collector") == collector


@pytest.mark.parametrize("kind", ["other_id", "OTHER"])
def test_other_documents_have_two_names(kind):
    document = {"type": kind, "country": "SO", "document_number": "5"}
    found = parsed([{**HOUSEHOLD, "members": [{**HEAD, "documents": [document]}]}])
    assert found.records[1]["identifier"][0]["identifier_type"] == "other"
    [made] = json.loads(write(HOPE, found.records).content)
    assert made["members"][0]["documents"][0]["type"] == "other_id"


def test_people_sent_one_by_one_have_their_senders_number():
    [record] = parsed([{"individual_id": "E-1", "full_name": "Amina", "sex": "FEMALE"}]).records
    assert record["record_id"] == "hope.invalid/E-1"


@pytest.mark.parametrize(
    "key", ["head_of_household_id", "primary_collector_id", "alternate_collector_id"]
)
def test_a_collector_that_is_no_number_is_told(key):
    found = parsed([{"originating_id": "L-1", "members": ["IND-1"], key: {"a": "Canary"}}])
    assert found.records[0]["member_list"] == [{"member": "hope.invalid/IND-1"}]
    assert f"{key}/a" in found.unmapped


def test_nobody_collects_twice_for_one_household():
    both = {"primary_collector_id": "IND-1", "alternate_collector_id": "IND-1"}
    error = refused(hope_files.document([{"members": ["IND-1"], **both}]), HOPE)
    assert (error.rule, error.at) == ("hope.collector", "object 1, alternate_collector_id")


@pytest.mark.parametrize(
    ("local", "written"),
    [("7", "API#7"), ("KOB#1#7", "KOB#1#7"), ("XLS#7", "XLS#7"), ("a#b", "API#a#b")],
)
def test_ids_say_their_source(local, written):
    record = {**household(member(member=f"a.example/{local}.1")), "record_id": f"a.example/{local}"}
    found = write(HOPE, [record, {**person(), "record_id": f"a.example/{local}.1"}])
    assert json.loads(found.content)[0]["originating_id"] == written
    assert read(HOPE, found.content).records[0]["record_id"] == f"hope.invalid/{local}"


@pytest.mark.parametrize(
    ("sent", "local"), [("API#7", "7"), ("API#KOB#7", "API#KOB#7"), ("API#", "API#")]
)
def test_a_source_is_cut_off_only_where_it_can_come_back(sent, local):
    [record, _] = parsed([{**HOUSEHOLD, "originating_id": sent}]).records
    assert record["record_id"] == f"hope.invalid/{local}"


def test_a_member_hope_will_not_count_as_one_is_told():
    second = {"member": "a.example/1.2"}
    found = write(HOPE, [household(member(), second), person(), person(2)])
    assert json.loads(found.content)[0]["members"][1]["relationship"] == "UNKNOWN"
    assert "household.member_list[].member" in found.unrendered
    assert "household.member_list[].member" not in found.lineage


# Workbooks


def people(number: str, **more: Any) -> Record:
    return {"record_type": "person", "record_id": f"hope.invalid/{number}", **more}


def test_a_workbook_joins_by_whole_numbers():
    record = {"record_type": "household", "record_id": "hope.invalid/D-1", "group_size": 2}
    with pytest.raises(SenderError) as caught:
        write(XLSX, [record])
    assert (caught.value.rule, caught.value.at) == ("hope.household_id", "household 1")


def test_documents_without_a_country_stay_behind():
    bare = {"identifier_type": "UIN", "identifier_value": "07"}
    found = write(XLSX, [people("1", identifier=[bare])])
    assert "person.identifier[].identifier_value" in found.unrendered
    whole = people("1", identifier=[{**bare, "issuer": "SOM"}], phone_number=["+252615550101"])
    found = write(XLSX, [whole])
    assert found.unrendered == ()
    assert read(XLSX, found.content).records == [whole]
    home = {"record_type": "household", "record_id": "hope.invalid/1"}
    home["member_list"] = [{"member": "hope.invalid/1.1"}]
    found = write(XLSX, [home, people("1.1", identifier=[bare])])
    assert "person.identifier[].identifier_value" in found.unrendered
    assert "identifier" not in read(XLSX, found.content).records[1]


def test_a_height_stays_behind():
    high = people("1", place={"geo": {"type": "Point", "coordinates": [42.25, 2, 180.5]}})
    found = write(XLSX, [high])
    assert found.unrendered == ("person.place.geo",)
    assert read(XLSX, found.content).records[0]["place"]["geo"]["coordinates"] == [42.25, 2]


PEOPLE = ["pp_index_id", "pp_birth_date_i_c", "pp_first_registration_date_i_c"]
PEOPLE += ["pp_observed_disability_i_c"]


def row(*cells: Any) -> bytes:
    return book(("People", [PEOPLE, [f"{name} - STRING" for name in PEOPLE], [1, *cells]]))


def test_moments_are_days_as_they_were_written():
    content = row("1984-02-17T00:00:00Z", "2026-01-01 23:30:00+03:00", "SEEING;WALKING")
    [record] = hope_files.parsed(content, XLSX).records
    assert record["birth_date"] == "1984-02-17"
    assert record["registration_date"] == "2026-01-01"
    assert record["disability_info"] == ["seeing", "walking"]
    assert refused(row("1984-02-17T12:00:00", "", ""), XLSX).rule == "value.not_date"


@pytest.mark.parametrize("quantity", [-1, "-1.00"])
def test_money_that_could_not_be_delivered(quantity):
    header = ["payment_id", "household_id", "entitlement_quantity", "delivered_quantity", "status"]
    content = book(("List", [header, ["RCPT-1", "HH-1", "12.50", quantity, "Pending"]]))
    found = hope_files.parsed(content, XLSX)
    [record] = found.records
    assert record["status"] == "failed"
    assert "delivered_value" not in record
    assert found.lineage["assistance.status"] == "status | delivered_quantity"


# From a form


def test_the_crosswalks_registrations_meet_every_line():
    content = REGISTRATIONS.read_bytes()
    text = (CROSSWALKS / "kobo-hope-form.yaml").read_text()
    asked = set(re.findall(r"\*/([a-z0-9_]+_[hi]_c)", text.split("records:")[1]))
    flat = json.dumps(json.loads(content))
    assert {name for name in asked if not re.search(rf'/{name}": "[^"]', flat)} == set()
    assert len(asked) > 50

    records = read(Kobo(), content, read_mapping(CROSSWALKS / "kobo-hope-form.yaml")).records
    found = write(HOPE, records, read_mapping(CROSSWALKS / "hope-rdi.yaml"))
    body = json.loads(found.content)
    assert body_rules(body) == []
    assert len(body["households"]) == 2
    assert sum(len(each["members"]) for each in body["households"]) == len(records) - 2
