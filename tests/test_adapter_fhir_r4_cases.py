"""FHIR R4: referrals, tasks, encounters, findings and facilities, ours and other people's."""

import json
from random import Random
from typing import Any

import pytest

from adapters.fhir_r4 import FhirR4Ndjson
from gateway.adapter import read, write
from gateway.record import check
from tests.canonical_records import comparable, present
from tests.fhir_files import CASES, EXT, FAMILY, FHIR, bundle, made, refused

LINES = FhirR4Ndjson()
BOTH = pytest.mark.parametrize("adapter", [FHIR, LINES], ids=["bundle", "lines"])


@BOTH
def test_cases_and_facilities_come_back_field_by_field(adapter: Any) -> None:
    rendered = write(adapter, [*FAMILY, *CASES])
    parsed = read(adapter, rendered.content)
    assert parsed.records == comparable([*FAMILY, *CASES], rendered.unrendered)
    assert parsed.unmapped == ()
    assert parsed.lineage == rendered.lineage


@BOTH
@pytest.mark.parametrize("seed", range(60))
def test_made_records_come_back(adapter: Any, seed: int) -> None:
    chance = Random(seed)
    types = ["person", "household", "case", "case", "facility"]
    records = [made(chance.choice(types), chance) for _ in range(4)]
    for record in records:
        check(record, at="made")
    rendered = write(adapter, records)
    parsed = read(adapter, rendered.content)
    gone = rendered.unrendered
    assert comparable(parsed.records, gone) == comparable(records, gone)
    assert set(gone) <= {f"{name}.extension" for name in adapter.record_types}
    assert parsed.unmapped == ()
    assert set(rendered.lineage) | set(gone) == present(records)
    assert set(rendered.lineage) == set(parsed.lineage)


def resources(*records: Any) -> list[dict[str, Any]]:
    found = json.loads(write(FHIR, records).content)["entry"]
    return [entry["resource"] for entry in found]


def only(resource: Any, *others: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    parsed = read(FHIR, bundle(resource, *others))
    (record,) = [one for one in parsed.records if one["record_type"] not in {"person"}]
    check(record, at="parsed")
    return record, parsed.unmapped


# Referrals


def test_a_referral_is_a_request_and_the_task_of_its_state() -> None:
    request, task = resources(CASES[0])
    assert (request["resourceType"], request["status"]) == ("ServiceRequest", "active")
    assert (task["resourceType"], task["status"]) == ("Task", "accepted")
    assert task["focus"]["reference"] == f"urn:uuid:{request['id']}"
    assert task["meta"] == request["meta"]  # the label counts for both
    assert request["category"][1]["coding"][0]["code"] == "PRO-GBV"


def test_the_answer_of_the_other_side_is_read() -> None:
    entries = json.loads(write(FHIR, CASES[:1]).content)
    task = entries["entry"][1]["resource"]
    task["status"] = "rejected"
    task["statusReason"] = {"coding": [{"code": "full", "display": "no place"}]}
    task["note"] = [{"text": "try Bol"}]
    parsed = read(FHIR, json.dumps(entries).encode())
    assert parsed.records[0]["status"] == "rejected"
    assert parsed.records[0]["status_reason"] == "no place"
    assert parsed.records[0]["note"] == [*CASES[0]["note"], "try Bol"]


REQUEST: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "id": "s",
    "status": "active",
    "intent": "order",
    "subject": {"reference": "Patient/p"},
}
TASK: dict[str, Any] = {
    "resourceType": "Task",
    "id": "t",
    "status": "in-progress",
    "intent": "order",
    "focus": {"reference": "ServiceRequest/s"},
}


def test_a_request_alone_says_less_and_keeps_what_it_says() -> None:
    record, _ = only(REQUEST)
    assert record == {
        "record_type": "case",
        "record_id": "fhir.invalid/ServiceRequest/s",
        "case_type": "request",
        "subject": "fhir.invalid/Patient/p",
        "status": "requested",
        "source_status": "active",
        "intent": "order",
    }
    (again,) = resources(record)[:1]
    assert again["status"] == "active"
    assert read(FHIR, write(FHIR, [record]).content).records == [record]


def test_a_task_joins_its_request() -> None:
    record, unmapped = only(REQUEST, {**TASK, "for": {"reference": "Patient/p"}})
    assert (record["case_type"], record["status"]) == ("referral", "in-progress")
    assert "source_status" not in record
    assert unmapped == ()


def test_a_task_that_says_something_else_is_listed() -> None:
    other = {**TASK, "for": {"reference": "Patient/other"}, "priority": "stat"}
    _, unmapped = only(REQUEST, other)
    assert unmapped == ("Task.for", "Task.priority")


def test_two_tasks_of_one_request_stay_apart() -> None:
    parsed = read(FHIR, bundle(REQUEST, TASK, {**TASK, "id": "u", "status": "completed"}))
    assert [record["case_type"] for record in parsed.records] == ["request", "task", "task"]
    link = {"relation": "focus", "related": "fhir.invalid/ServiceRequest/s"}
    assert parsed.records[1]["related_cases"] == [link]


def test_in_lines_a_task_joins_the_request_before_it() -> None:
    lines = [json.dumps(resource).encode() for resource in (REQUEST, TASK, REQUEST | {"id": "x"})]
    parsed = read(FHIR, b"\n".join(lines))
    assert [record.get("status") for record in parsed.records] == ["in-progress", "requested"]
    apart = read(FHIR, b"\n".join([lines[1], lines[0], lines[2]]))
    assert [record["case_type"] for record in apart.records] == ["task", "request", "request"]


STATES = [
    ({"status": "received"}, "active"),
    ({"status": "failed"}, "revoked"),
    ({"status": "on-hold"}, "on-hold"),
    ({"status": "requested", "source_status": "own:7"}, "active"),
    ({"source_status": "own:7"}, "unknown"),
    ({}, "unknown"),
]


@pytest.mark.parametrize(("fields", "code"), STATES, ids=str)
def test_a_state_is_written_as_far_as_r4_knows_it(fields: dict[str, str], code: str) -> None:
    record = {"record_type": "case", "record_id": "a.example/1", **fields}
    assert resources(record)[0]["status"] == code
    assert read(FHIR, write(FHIR, [record]).content).records == [record]


def test_a_state_that_was_changed_beside_our_extension_is_refused() -> None:
    encounter = {"record_type": "case", "record_id": "a.example/1", "case_type": "encounter"}
    content = write(FHIR, [{**encounter, "status": "rejected"}]).content
    changed = content.replace(b'"status":"cancelled"', b'"status":"finished"')
    assert changed != content
    assert refused(changed) == ("fhir.disagree", "entry 1, Encounter.status")


def test_what_r4_requires_and_nobody_knows_is_said_to_be_unknown() -> None:
    task = {"record_type": "case", "record_id": "a.example/1", "case_type": "task"}
    (written,) = resources(task)
    assert written["_status"]["extension"][0]["valueCode"] == "unknown"
    assert read(FHIR, write(FHIR, [task]).content).records == [task]


# Who is an organisation, and who a person


@pytest.mark.parametrize(
    ("reference", "field", "value"),
    [
        (
            {"reference": "Organization/1", "display": "CV"},
            "requester",
            {"org_name": "CV", "org_id": "Organization/1"},
        ),
        (
            {"type": "Organization", "display": "CV", "identifier": {"value": "7"}},
            "requester",
            {"org_name": "CV", "org_id": "7"},
        ),
        (
            {"reference": "Practitioner/1", "display": "Dr Ba"},
            "requester_contact",
            {"name": "Dr Ba"},
        ),
        ({"display": "Dr Ba"}, "requester_contact", {"name": "Dr Ba"}),
        ({"reference": "Patient/1", "display": "Zoé"}, "requester_contact", None),
    ],
)
def test_a_name_is_not_taken_for_that_of_an_organisation(
    reference: Any, field: str, value: Any
) -> None:
    record, _ = only({**REQUEST, "requester": reference})
    assert record.get(field) == value
    other = {"requester": "requester_contact", "requester_contact": "requester"}[field]
    assert other not in record


def test_an_organisation_in_the_same_bundle_is_known_by_its_address() -> None:
    organisation = {"resourceType": "Organization", "id": "o"}
    record, unmapped = only(
        {**REQUEST, "requester": {"reference": "urn:uuid:0000-1", "display": "CV"}}, organisation
    )
    assert record["requester"] == {"org_name": "CV", "org_id": "urn:uuid:0000-1"}
    assert unmapped == ("Organization",)


# Encounters and findings


def test_numbers_keep_their_digits() -> None:
    observation = (
        b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"muac"},'
        b'"valueQuantity":{"value":21.50,"unit":"cm"},'
        b'"component":[{"code":{"text":"x"},"valueQuantity":{"value":0.00000001}},'
        b'{"code":{"text":"y"},"valueInteger":12345678901234567890}]}'
    )
    (record,) = read(FHIR, observation).records
    assert [item["value"] for item in record["observations"]] == [
        "21.50",
        "0.00000001",
        "12345678901234567890",
    ]
    assert b'"value":21.50' in write(FHIR, [record]).content
    assert read(FHIR, write(FHIR, [record]).content).records == [record]


VALUES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"valueString": "faible"}, {"value_text": "faible"}),
    ({"valueBoolean": True}, {"value_code": "true"}),
    (
        {"valueCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "LA33-6"}]}},
        {"value_code": "LA33-6", "value_system": "http://loinc.org"},
    ),
    ({"valueQuantity": {"value": 5, "comparator": "<"}}, {}),
    ({"valueRange": {"low": {"value": 1}}}, {}),
]


@pytest.mark.parametrize(("value", "found"), VALUES, ids=str)
def test_findings_are_read_by_their_kind_of_value(value: Any, found: Any) -> None:
    observation = {"resourceType": "Observation", "id": "o", "status": "final"}
    record, unmapped = only({**observation, "code": {"text": "x"}, **value})
    assert record["observations"] == [{"display": "x", "status": "final", **found}]
    assert bool(unmapped) is (found == {})


def test_states_of_an_encounter() -> None:
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "triaged",
        "class": {"code": "EMER"},
    }
    record, _ = only(encounter)
    assert (record["status"], record["source_status"]) == ("in-progress", "triaged")
    assert resources(record)[0]["status"] == "triaged"


# Facilities


def test_a_location_is_a_facility() -> None:
    (written,) = resources(CASES[-1])
    assert written["position"] == {"longitude": 14.7125, "latitude": 13.4686, "altitude": 281.5}
    assert written["alias"] == ["Dispensaire n° 7"]
    assert written["managingOrganization"]["display"] == "Croissant Vert"


@pytest.mark.parametrize(
    "home",
    [
        {"physicalType": {"coding": [{"code": "ho"}]}},
        {"type": [{"coding": [{"code": "PTRES"}]}]},
        {"address": {"use": "home", "city": "Bol"}},
        {"mode": "kind"},
    ],
    ids=str,
)
def test_where_somebody_lives_is_no_facility(home: Any) -> None:
    location = {"resourceType": "Location", "id": "l", **home}
    assert refused(json.dumps(location).encode()) == ("fhir.no_record", "")


# Refusals

NOT_TO_ACT = {**REQUEST, "doNotPerform": True}
REVERSED = {**REQUEST, "occurrencePeriod": {"start": "2026-03-02", "end": "2026-03-01"}}
MODIFIED = {**REQUEST, "note": [{"text": "x", "modifierExtension": [{"url": "x"}]}]}
BROKEN: list[tuple[Any, tuple[str, str]]] = [
    ({**REQUEST, "status": "done"}, ("fhir.code", "ServiceRequest.status")),
    ({**TASK, "status": ["draft"]}, ("fhir.code", "Task.status")),
    (NOT_TO_ACT, ("fhir.do_not_perform", "ServiceRequest.doNotPerform")),
    (REVERSED, ("fhir.period", "ServiceRequest.occurrencePeriod")),
    (MODIFIED, ("fhir.modifier", "ServiceRequest.modifierExtension")),
    ({**REQUEST, "performer": {"display": "x"}}, ("fhir.type", "ServiceRequest.performer")),
    ({**REQUEST, "authoredOn": "yesterday"}, ("fhir.date", "ServiceRequest.authoredOn")),
    ({"resourceType": "ServiceRequest", "id": "s"}, ("fhir.required", "ServiceRequest.status")),
    (
        {"resourceType": "Observation", "id": "o", "status": "ok", "code": {"text": "x"}},
        ("fhir.code", "Observation.status"),
    ),
    (
        {**REQUEST, "extension": [{"url": EXT + "incident-place", "extension": [{"url": "x"}]}]},
        ("fhir.extension", "ServiceRequest.extension.incident-place"),
    ),
    (
        {"resourceType": "Location", "id": "l", "position": {"latitude": 1}},
        ("fhir.required", "Location.position"),
    ),
]


@pytest.mark.parametrize(("resource", "wanted"), BROKEN, ids=[str(row[1]) for row in BROKEN])
def test_refused_with_rule_and_place(resource: Any, wanted: tuple[str, str]) -> None:
    assert refused(json.dumps(resource).encode()) == wanted


def test_ids_as_numbers_are_read_and_never_written() -> None:
    numbered = {**REQUEST, "id": 7, "subject": {"reference": "Patient/1"}}
    content = json.dumps(bundle_of(numbered, {"resourceType": "Patient", "id": 1})).encode()
    parsed = read(FHIR, content)
    assert parsed.records[0]["record_id"] == "fhir.invalid/ServiceRequest/7"
    assert parsed.records[0]["subject"] == parsed.records[1]["record_id"]
    assert all(isinstance(one["id"], str) for one in resources(*parsed.records))


def bundle_of(*found: Any) -> dict[str, Any]:
    entries = [{"resource": resource} for resource in found]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}
