"""Primero: what a case says of consent and of its kind, and that no mapping loosens it."""

import itertools
import json
from typing import Any

import pytest

from adapters.primero import Primero
from adapters.primero.facts import kind_of
from gateway.adapter import read
from gateway.mapping import plan_of
from gateway.record import Record

ABSENT = object()
"""The key is not there: a role may not see it."""


def table(**protection: Any) -> Any:
    """A mapping that makes a case, a person and a household of items, with these own lines."""
    own = {f"protection.{name.replace('__', '.')}": line for name, line in protection.items()}
    return plan_of(
        {
            "mapping": "small",
            "version": "1",
            "format": "primero",
            "authority": "primero.example",
            "records": [
                {
                    "type": "case",
                    "id": {"first": ["id"]},
                    "fields": {"risk_level": "risk_level", **own},
                },
                {"type": "person", "each": "@record", "fields": {"name.full_name": "name"}},
                {
                    "type": "household",
                    "each": "family",
                    "fields": {"place.name": "family/village"},
                },
            ],
        },
        at="table",
    )


CASE = {"id": "c-1", "name": "Sahra Nuur", "family": [{"village": "Darbo"}, {"village": "Iyo"}]}
CP = {"module_id": "primeromodule-cp"}
SHARED = {"disclosure_other_orgs": True}


def parse(document: Any, **protection: Any) -> list[Record]:
    records = read(Primero(), json.dumps(document).encode(), table(**protection)).records
    assert [one["record_type"] for one in records] == ["case", "person", "household", "household"]
    return records


def states(document: Any, **protection: Any) -> set[Any]:
    found = parse(document, **protection)
    return {one["protection"].get("consent", {}).get("status") for one in found}


def kinds(document: Any, **protection: Any) -> set[Any]:
    return {one["protection"].get("case_kind") for one in parse(document, **protection)}


YES = (True, "true")
NO = (False, "false")
SILENT = (ABSENT, None, "", [])
NEITHER = (
    "*******",
    "unknown",
    "yes",
    "True",
    1,
    0,
    ["true", "false"],
    ["true"],
    [True],
    {"a": True},
)


def expected(disclosure: Any, services: Any) -> str:
    """The same rule in other words."""
    if any(one is False or one == "false" for one in (disclosure, services)):
        return "refused"
    agreed = disclosure is True or disclosure == "true"
    silent = any(services is one for one in (*SILENT, True)) or services in ("true", [])
    return "given" if agreed and silent else "not_given"


ANSWERS = [
    pytest.param(disclosure, services, id=f"{disclosure}-{services}".replace(repr(ABSENT), "none"))
    for disclosure, services in itertools.product((*YES, *NO, *SILENT, *NEITHER), repeat=2)
]


@pytest.mark.parametrize(("disclosure", "services"), ANSWERS)
def test_consent_of_every_record(disclosure, services):
    said = {"disclosure_other_orgs": disclosure, "consent_for_services": services}
    document = CASE | {key: value for key, value in said.items() if value is not ABSENT}

    assert states(document) == {expected(disclosure, services)}


def test_the_matrix_has_every_answer():
    """`expected` above repeats the rule; here are its corners, written out."""
    assert states(CASE) == {"not_given"}
    assert states(CASE | SHARED) == {"given"}
    assert states(CASE | SHARED | {"consent_for_services": True}) == {"given"}
    assert states(CASE | SHARED | {"consent_for_services": None}) == {"given"}
    assert states(CASE | SHARED | {"consent_for_services": False}) == {"refused"}
    assert states(CASE | SHARED | {"consent_for_services": "*******"}) == {"not_given"}
    assert states(CASE | {"consent_for_services": True}) == {"not_given"}
    assert states(CASE | {"disclosure_other_orgs": "false"}) == {"refused"}
    assert states(CASE | {"disclosure_other_orgs": "*******"}) == {"not_given"}
    assert states(CASE | {"disclosure_other_orgs": 1}) == {"not_given"}


@pytest.mark.parametrize("said", ["given", "renewed", "unknown"])
def test_no_mapping_gives_consent(said):
    line = {"consent__status": {"constant": said}}

    assert states(CASE, **line) == {"not_given"}
    assert states(CASE | {"disclosure_other_orgs": False}, **line) == {"refused"}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("withdrawn", "withdrawn"),
        ("expired", "expired"),
        ("refused", "refused"),
        ("unknown", "unknown"),
        ("given", "given"),
    ],
)
def test_a_mapping_may_be_stricter(said, found):
    line = {"from": "local_state", "as": "code", "codes": {said[0]: said}}

    assert states(CASE | SHARED | {"local_state": said[0]}, consent__status=line) == {found}
    assert states(CASE | SHARED, consent__status=line) == {"given"}


def test_a_mapping_that_reads_consent_itself_reads_no_asterisks():
    line = {"from": "consent_x", "as": "code", "codes": {"n": "withdrawn", "y": "given"}}

    assert states(CASE | SHARED | {"consent_x": "*******"}, consent__status=line) == {"given"}
    assert states(CASE | {"consent_x": "*******"}, consent__status=line) == {"not_given"}


def test_what_else_the_mapping_says_of_protection_stays():
    case, *_ = parse(
        CASE | SHARED | {"shared": ["food", "unhcr"], "seen": "2026-01-02"},
        consent__scope={"from": "shared", "as": "list", "by": "|"},
        consent__date={"from": "seen", "as": "date"},
        objected={"constant": True},
    )

    assert case["protection"] == {
        "consent": {"status": "given", "scope": ["food", "unhcr"], "date": "2026-01-02"},
        "case_kind": "gbv",
        "objected": True,
    }


# -- kind ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        (CP, "child"),
        ({"module_id": ["primeromodule-cp"]}, "gbv"),
        ({"module_id": "primeromodule-gbv"}, "gbv"),
        ({"module_id": "primeromodule-mrm"}, "gbv"),
        ({"module_id": "Primeromodule-CP"}, "gbv"),
        ({"module_id": "*******"}, "gbv"),
        ({"module_id": None}, "gbv"),
        ({"module_id": ["primeromodule-cp", "primeromodule-gbv"]}, "gbv"),
        ({}, "gbv"),
        ({**CP, "gbv_sexual_violence_type": "rape"}, "gbv"),
        ({**CP, "gbv_sexual_violence_type": None}, "child"),
        ({**CP, "survivor_code_no": "S-1"}, "gbv"),
        ({**CP, "incident_details": [{"module_id": "primeromodule-gbv"}]}, "gbv"),
        ({**CP, "incident_details": [{"module_id": "primeromodule-cp"}]}, "child"),
        ({**CP, "incident_details": [{"a": [{"gbv_reported_elsewhere": "*******"}]}]}, "gbv"),
        ({**CP, "group": {"gbv_case": "true"}}, "gbv"),
        ({**CP, "gbv_tally": {"boys": 1}}, "gbv"),
    ],
)
def test_kind_of_every_record(case, kind):
    assert kinds(CASE | case) == {kind}


@pytest.mark.parametrize("module", ["primeromodule-gbv", None])
def test_no_mapping_says_that_a_case_is_milder(module):
    assert kinds(CASE | {"module_id": module}, case_kind={"constant": "child"}) == {"gbv"}


def test_a_mapping_may_say_that_a_case_is_gbv():
    assert kinds(CASE | CP, case_kind={"constant": "gbv"}) == {"gbv"}
    assert kinds(CASE | CP, case_kind={"constant": "child"}) == {"child"}


# -- referrals, transfers, assignments -----------------------------------------------------------

REFERRAL = {
    "id": "r-1", "type": "Referral", "status": "accepted", "record_id": "c-1",
    "record_type": "case", "created_at": "2026-01-02T00:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, None),
        ({"consent_overridden": False}, None),
        ({"consent_overridden": "false"}, None),
        ({"consent_overridden": None}, None),
        ({"consent_overridden": True}, "not_given"),
        ({"consent_overridden": "*******"}, "not_given"),
        ({"consent_overridden": 0}, "not_given"),
        ({"type": "Other"}, "not_given"),
        ({"type": None}, "not_given"),
        ({"name": "Sahra"}, "not_given"),
        ({"services_section": []}, "not_given"),
        ({"disclosure_other_orgs": True}, "given"),
        ({"disclosure_other_orgs": False}, "refused"),
    ],
)
def test_only_a_referral_and_nothing_more_needs_no_consent_of_its_own(more, found):
    content = json.dumps({**REFERRAL, **more}).encode()
    case = read(Primero(), content, table()).records[0]

    assert case["protection"].get("consent", {}).get("status") == found


@pytest.mark.parametrize("kind", ["Referral", "Transfer", "TransferRequest", "Assign"])
def test_of_a_transition_a_mapping_may_say_that_it_is_a_childs(kind):
    fields = {**REFERRAL, "type": kind}

    assert kind_of(fields) == "gbv"
    assert kind_of(fields, ["child"]) == "child"
    assert kind_of(fields, ["child", "gbv"]) == "gbv"
    assert kind_of({**fields, "module_id": None}, ["child"]) == "gbv"


def test_a_mapping_says_what_consent_a_referral_had():
    said = {"from": "consent_individual_transfer", "as": "code", "codes": {"true": "given"}}
    plan = table(consent__status=said)

    def state(**more: Any) -> Any:
        content = json.dumps({**REFERRAL, **more}).encode()
        return read(Primero(), content, plan).records[0]["protection"].get("consent")

    assert state(consent_individual_transfer=True) == {"status": "given"}
    assert state(consent_individual_transfer=True, consent_overridden=True) == {
        "status": "not_given"
    }
    assert state() is None


# -- how far it goes -----------------------------------------------------------------------------


def test_every_item_of_a_subform_has_the_consent_of_its_case():
    plan = plan_of(
        {
            "mapping": "small",
            "version": "1",
            "format": "primero",
            "authority": "primero.example",
            "records": [
                {
                    "type": "case",
                    "id": {"first": ["services_section/unique_id"]},
                    "fields": {"note[]": ["services_section/notes"]},
                }
            ],
        },
        at="table",
    )
    cases = [
        CASE | CP | {"disclosure_other_orgs": said, "services_section": [{"unique_id": name}]}
        for said, name in ((True, "a"), (False, "b"), (None, "c"))
    ]
    found = read(Primero(), json.dumps(cases).encode(), plan).records

    assert [one["protection"]["consent"]["status"] for one in found] == [
        "given",
        "refused",
        "not_given",
    ]


def test_the_consent_of_one_case_is_not_the_next_ones():
    cases = [CASE | SHARED, {**CASE, "id": "c-2"}, {**CASE, "id": "c-3"} | SHARED]
    found = read(Primero(), json.dumps(cases).encode(), table()).records

    assert [one["protection"]["consent"]["status"] for one in found[::4]] == [
        "given",
        "not_given",
        "given",
    ]


def test_rows_of_an_export_need_consent_too():
    content = b"id,disclosure_other_orgs,consent_for_services\n1,true,\n2,,\n3,true,false\n4,yes,\n"
    found = read(Primero(), content, table()).records

    assert [one["protection"]["consent"]["status"] for one in found] == [
        "given",
        "not_given",
        "refused",
        "not_given",
    ]
