"""Primero: bodies of requests, what comes back, the crosswalk to UNHCR, and answers of a server."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import adapters.primero
from adapters.primero import Primero
from adapters.primero.answers import outcomes
from gateway.adapter import Outcome, read, write
from gateway.errors import GatewayError, SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.mapping.codes import code_table
from gateway.record import Record, Rendered, check, leaves, walk

ROOT = Path(__file__).resolve().parent.parent
REAL = Path(__file__).parent / "real"
CROSSWALK = ROOT / "deploy" / "crosswalks" / "mappings"
SAMPLES = Path(adapters.primero.__file__).parent / "samples"
PLAN = read_mapping(SAMPLES / "mapping.yaml")
CASE_TO_UNHCR = read_mapping(CROSSWALK / "primero-case.yaml")
DECISION = read_mapping(CROSSWALK / "primero-referral.yaml")

OURS = "primero.river-protection.example"
CASE: Record = {
    "record_type": "case",
    "record_id": f"{OURS}/c-1",
    "case_type": "case",
    "status": "in-progress",
    "subject": f"{OURS}/c-1.1",
    "specific_needs": ["separated"],
    "protection": {"consent": {"status": "given"}, "case_kind": "child"},
}
PERSON: Record = {
    "record_type": "person",
    "record_id": f"{OURS}/c-1.1",
    "name": {"full_name": "Sahra Nuur"},
    "age": {"years": 11},
    "birth_date_estimated": False,
    "nationality": ["SOM", "ETH"],
    "phone_number": ["0061 7"],
    "protection": {"consent": {"status": "given"}, "case_kind": "child"},
}


def bodies(rendered: Rendered) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in rendered.content.splitlines()]
    assert all(line.keys() == {"data"} for line in lines)
    return [line["data"] for line in lines]


def body(*records: Record, plan: Plan = PLAN) -> dict[str, Any]:
    (one,) = bodies(write(Primero(), records, plan))
    return one


def lost(*records: Record, plan: Plan = PLAN) -> tuple[str, ...]:
    return write(Primero(), records, plan).unrendered


def case(**more: Any) -> Record:
    return {**CASE, **more}


# -- bodies --------------------------------------------------------------------------------------


def test_a_case_and_its_person_are_one_body_of_typed_fields():
    assert body(CASE, PERSON) == {
        "id": "c-1",
        "status": "open",
        "protection_concerns": ["separated"],
        "name": "Sahra Nuur",
        "age": 11,
        "estimated": False,
        "nationality": ["somalia", "ethiopia"],
        "telephone_current": "0061 7",
        "module_id": "primeromodule-cp",
    }


@pytest.mark.parametrize("records", [(CASE, PERSON), (PERSON, CASE)])
def test_the_order_of_records_does_not_matter(records):
    assert body(*records)["name"] == "Sahra Nuur"


def test_several_records_are_a_body_a_line():
    other = case(record_id=f"{OURS}/c-2", subject=f"{OURS}/c-2.1")
    rendered = write(Primero(), [CASE, other, PERSON], PLAN)

    assert sorted(one["id"] for one in bodies(rendered)) == ["c-1", "c-2"]
    assert rendered.content.count(b"\n") == 1
    assert write(Primero(), [], PLAN).content == b""


def test_a_person_of_another_numbering_is_written_and_the_id_is_told():
    subject = "progres.example/DAD-1"
    found = lost(case(subject=subject), {**PERSON, "record_id": subject})

    assert "person.record_id" in found
    assert "person.name.full_name" not in found
    assert "case.subject" not in found


def test_a_person_nobody_names_is_told_as_lost():
    found = lost(CASE, {**PERSON, "record_id": f"{OURS}/x.1"})

    assert {"person.name.full_name", "person.record_id", "case.subject"} <= {*found}


def test_lineage_names_what_was_written():
    lineage = write(Primero(), [CASE, PERSON], PLAN).lineage

    assert lineage["person.name.full_name"] == "name"
    assert lineage["case.protection.case_kind"] == "module_id"
    assert not any("@consent" in path or "~" in path for path in {*lineage, *lineage.values()})


def test_a_subform_is_a_list_again():
    services = [{"code": "food"}, {"code": "legal", "display": "Papers"}]

    assert body(case(service_type=services), PERSON)["services_section"] == [
        {"service_type": "food"},
        {"service_type": "legal", "service_type_other": "Papers"},
    ]


def table(**fields: Any) -> Plan:
    records = [{"type": "case", "id": {"first": ["id"]}, "fields": fields}]
    return plan_of(
        {
            "mapping": "small", "version": "1", "format": "primero", "authority": OURS,
            "records": records,
        },
        at="table",
    )  # fmt: skip


def test_an_item_is_deleted_where_a_mapping_says_so():
    plan = table(
        **{
            "service_type[]": {
                "each": "services_section",
                "fields": {
                    "system": "services_section/unique_id",
                    "aspect": {
                        "from": "services_section/_destroy",
                        "as": "code",
                        "codes": {"true": "class", "false": "code"},
                    },
                },
            }
        }
    )
    items = [{"system": "u-1", "aspect": "class"}, {"system": "u-2", "aspect": "code"}]
    one = case(service_type=items)

    assert body(one, plan=plan)["services_section"] == [
        {"unique_id": "u-1", "_destroy": True},
        {"unique_id": "u-2", "_destroy": False},
    ]


@pytest.mark.parametrize(
    ("line", "value", "written"),
    [
        ({"from": "f", "as": "decimal"}, "1111122222333", "1111122222333"),
        ({"from": "f", "as": "decimal"}, "007", "007"),
        ({"from": "f"}, "12", "12"),
        ({"from": "*/f"}, "12", "12"),
        ({"from": "f", "as": "code", "codes": {"true": "yes"}}, "yes", "true"),
        ({"from": "f"}, "true", "true"),
    ],
)
def test_what_is_text_stays_text(line, value, written):
    assert body(case(outcome=value), plan=table(outcome=line))["f"] == written


@pytest.mark.parametrize(
    ("number", "written"), [(7, 7), (2**31 - 1, 2**31 - 1), (10**12, "1000000000000")]
)
def test_a_number_is_one_where_primeros_can_be_so_large(number: int, written: Any):
    line = {"from": "f", "as": "integer"}
    document = json.loads(json.dumps(dict(table().document)))
    document["records"][0] |= {"type": "activity", "fields": {"beneficiaries_targeted": line}}
    plan = plan_of(document, at="table")
    one = {
        "record_type": "activity",
        "record_id": f"{OURS}/a",
        "beneficiaries_targeted": number,
    }
    rendered = write(Primero(), [one], plan)

    assert bodies(rendered)[0]["f"] == written
    assert rendered.unrendered == ()
    assert read(Primero(), rendered.content, plan).records[0]["beneficiaries_targeted"] == number


def test_a_field_that_two_lines_read_differently_stays_text():
    plan = table(outcome="f", **{"incident_place.admin_level": {"from": "f", "as": "integer"}})

    assert body(case(incident_place={"admin_level": 3}), plan=plan)["f"] == "3"


def test_a_field_in_any_group_is_typed_too():
    plan = table(specific_needs={"from": "*/needs", "as": "list", "by": "|"})

    assert body(case(specific_needs=["a", "b"]), plan=plan)["needs"] == ["a", "b"]


def test_a_choice_with_the_separator_in_it_is_told_as_lost():
    plan = table(**{"protection.consent.scope": {"from": "f", "as": "list", "by": "|"}})
    one = case(protection={"consent": {"scope": ["a|b"]}})

    assert "f" not in body(one, plan=plan)
    assert "case.protection.consent.scope[]" in lost(one, plan=plan)


def test_a_tally_is_an_object_again():
    assert body(case(outcome="3"), plan=table(outcome="tally/total"))["tally"] == {"total": "3"}


# -- consent and asterisks -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "written", "carried"),
    [
        ("given", None, False),
        ("renewed", None, False),
        ("unknown", None, False),
        ("withdrawn", False, False),
        ("expired", None, False),
        ("not_given", None, True),
        ("refused", False, True),
    ],
)
def test_a_body_never_says_that_somebody_agreed(status, written, carried):
    one = case(protection={"consent": {"status": status}})

    assert body(one).get("disclosure_other_orgs") is written
    assert ("case.protection.consent.status" not in lost(one)) is carried


@pytest.mark.parametrize(
    ("kind", "module", "carried"),
    [("child", "primeromodule-cp", True), ("gbv", None, True), (None, None, True)],
)
def test_only_a_childs_module_is_known(kind, module, carried):
    one = case(protection={"case_kind": kind} if kind else {})

    assert body(one).get("module_id") == module
    assert ("case.protection.case_kind" not in lost(one)) is carried


def test_a_referral_has_no_module():
    plan = read_mapping(SAMPLES / "referrals.json.mapping.yaml")
    one = case(case_type="referral", status="accepted", protection={"case_kind": "child"})

    assert body(one, plan=plan) == {"id": "c-1", "type": "Referral", "status": "accepted"}


def test_a_fact_only_one_of_two_records_has_is_not_told_of_the_other():
    bare = {key: value for key, value in PERSON.items() if key != "protection"}

    assert lost(CASE, bare) == ("case.protection.consent.status",)


def test_facts_of_two_records_that_differ_are_told():
    other = {**PERSON, "protection": {"consent": {"status": "refused"}, "case_kind": "gbv"}}

    assert {"person.protection.consent.status", "person.protection.case_kind"} <= {
        *lost(CASE, other)
    }


def test_asterisks_never_take_the_place_of_what_they_hide():
    plan = table(outcome={"from": "f", "missing": {"*******": "withheld"}})
    withheld = case(absent={"outcome": "withheld"})

    assert "f" not in body(withheld, plan=plan)
    assert "case.absent" in lost(withheld, plan=plan)
    assert "g" not in body(case(outcome="*****"), plan=table(outcome="g"))
    assert "case.outcome" in lost(case(outcome="*****"), plan=table(outcome="g"))


def test_a_mapping_that_writes_our_own_paths_is_refused():
    with pytest.raises(SenderError) as caught:
        body(case(outcome="x"), plan=table(outcome="@outcome"))
    assert caught.value.rule == "primero.reserved_key"


def test_a_mapping_that_cannot_read_what_it_wrote_is_told():
    plan = table(outcome="group", incident_account="group/x")
    with pytest.raises((SenderError, GatewayError)) as caught:
        body(case(outcome="x", incident_account="y"), plan=plan)
    assert caught.value.rule == "mapping.both"


# -- real payloads and the crosswalk ---------------------------------------------------------------

ROWS = [
    row for row in json.loads((REAL / "primero.json").read_bytes()) if row["outcome"] == "parsed"
]


def told(records: list[Record]) -> dict[str, list[Any]]:
    """Every leaf with all its values, in order."""
    found: dict[str, list[Any]] = {}
    for record in records:
        for leaf in leaves(record["record_type"]).values():
            values = list(walk(record, leaf.path))
            if values:
                found.setdefault(f"{record['record_type']}.{leaf.name}", []).extend(values)
    return found


@pytest.mark.parametrize("row", ROWS, ids=[row["file"].rpartition("/")[2] for row in ROWS])
def test_what_is_written_of_a_real_file_comes_back(
    samples: Callable[[str], Path], row: dict[str, Any]
):
    plan = read_mapping(REAL / "mappings" / row["mapping"])
    content = samples(row["file"]).read_bytes()
    before = read(Primero(), content, plan).records
    rendered = write(Primero(), before, plan)
    after = read(Primero(), rendered.content, plan).records

    was, now = told(before), told(after)
    assert {leaf for leaf in was if was[leaf] != now.get(leaf)} == {*rendered.unrendered}
    assert now.keys() <= was.keys()


def test_a_real_case_becomes_the_referrals_asked_of_unhcr(samples: Callable[[str], Path]):
    content = samples("primero/open/case_583069e_very_long.json").read_bytes()
    one, person = read(Primero(), content, CASE_TO_UNHCR).records
    document = json.loads(content)
    service = document["services_section"][1]

    assert one["record_id"].endswith(service["unique_id"])
    assert one["note"] == [service["service_referral_notes"]]
    assert document["services_section"][0]["service_referral_notes"] not in json.dumps(one)
    assert (one["subject"], one["case_type"]) == (person["record_id"], "referral")
    assert one["protection"]["consent"]["status"] == "given"
    for record in (one, person):
        check(record, at="record")


@pytest.mark.parametrize("opt_in", [False, "false"])
def test_a_child_who_does_not_want_unhcr_has_objected(opt_in):
    document = {
        "id": "1",
        "name": "Sahra Nuur",
        "unhcr_export_opt_in": opt_in,
        "services_section": [{"unique_id": "u", "service_implementing_agency": "UNHCR"}],
    }
    records = read(Primero(), json.dumps(document).encode(), CASE_TO_UNHCR).records

    assert [one["protection"]["objected"] for one in records] == [True, True]


def test_a_decision_changes_one_service_of_the_case():
    decision: Record = {
        "record_type": "case",
        "record_id": "primero.protection.example/u-7",
        "case_type": "referral",
        "status": "rejected",
        "status_reason": "No place before June",
        "identifier": [
            {"identifier_type": "unhcr_individual_no", "identifier_value": "DAD-00000001"}
        ],
        "related_cases": [{"relation": "part_of", "related": "primero.protection.example/c-1"}],
    }
    rendered = write(Primero(), [decision], DECISION)

    assert bodies(rendered) == [
        {
            "id": "c-1",
            "unhcr_individual_no": "DAD-00000001",
            "services_section": [
                {
                    "unique_id": "u-7",
                    "unhcr_referral_status": "rejected",
                    "rejected_reason": "No place before June",
                }
            ],
        }
    ]
    assert rendered.unrendered == ()


def test_a_state_primero_has_no_word_for_is_told():
    one = case(record_id="primero.protection.example/u-7", status="received", protection={})

    assert "case.status" in lost(one, plan=DECISION)


def test_countries_are_those_of_the_vendor(samples: Callable[[str], Path]):
    document = json.loads(samples("primero/open/api_v2_lookups_full.json").read_bytes())
    (values,) = [one["values"] for one in document["data"] if one["unique_id"] == "lookup-country"]
    own = {one["id"] for one in values if not re.search("_[0-9a-f]{7}$", one["id"])}

    assert own - code_table("country.primero").keys() == {"kosovo"}
    assert code_table("country.primero").keys() <= own


# -- answers ---------------------------------------------------------------------------------------

ERRORS = {
    "errors": [
        {"status": 422, "resource": "/api/v2/cases", "message": "x", "detail": "date_of_birth"},
        {"status": "422", "resource": "/api/v2/cases", "message": "x", "detail": "Amina Yusuf"},
        "x",
    ]
}


@pytest.mark.parametrize(
    ("answer", "status", "expected"),
    [
        ({"data": {"id": "1", "name": "x"}}, 200, [Outcome(0, "accepted")]),
        ({"data": {"id": "1"}}, None, [Outcome(0, "accepted")]),
        (None, 204, [Outcome(0, "accepted")]),
        (None, 200, [Outcome(0, "unknown")]),
        (None, None, [Outcome(0, "unknown")]),
        (None, 409, [Outcome(0, "refused", "409")]),
        (None, 503, [Outcome(0, "unknown", "503")]),
        ({"data": {}}, 200, [Outcome(0, "unknown")]),
        ({"data": {"id": 7}}, 200, [Outcome(0, "unknown")]),
        ({"data": [{"id": "1"}]}, 200, [Outcome(0, "unknown")]),
        ([], 200, [Outcome(0, "unknown")]),
        ({"data": {"id": "1"}, "errors": []}, 200, [Outcome(0, "unknown", "200")]),
        ({"data": {"id": "1"}, "errors": []}, None, [Outcome(0, "unknown")]),
        ({"data": {"id": "1"}}, 302, [Outcome(0, "unknown", "302")]),
        ({"data": {"id": "1"}}, 422, [Outcome(0, "refused", "422")]),
        (
            ERRORS,
            422,
            [
                Outcome(0, "refused", "422", "date_of_birth"),
                Outcome(0, "refused", "422"),
                Outcome(0, "refused"),
            ],
        ),
        ({**ERRORS, "data": {"id": "1"}}, 200, "refused"),
        ({"errors": [{"code": 403, "message": "x"}]}, 403, [Outcome(0, "refused", "403")]),
        ({"errors": [{"status": 500, "message": "x"}]}, None, [Outcome(0, "unknown", "500")]),
        ({"errors": [{"message": "x"}]}, 503, [Outcome(0, "unknown")]),
        (
            {"errors": [{"status": 422, "detail": ["/sex", "/services_section/0/x", "/A B", 1]}]},
            422,
            [
                Outcome(0, "refused", "422", "/sex"),
                Outcome(0, "refused", "422", "/services_section/0/x"),
                Outcome(0, "refused", "422"),
                Outcome(0, "refused", "422"),
            ],
        ),
        ({"errors": [{"status": 422, "detail": []}]}, 422, [Outcome(0, "refused", "422")]),
    ],
)
def test_what_became_of_a_body(answer, status, expected):
    content = b"" if answer is None else json.dumps(answer).encode()
    found = outcomes(content, 1, status)

    if isinstance(expected, str):
        assert {one.state for one in found} == {expected}
    else:
        assert found == expected
    assert "Amina" not in repr(found)


def test_an_answer_that_is_none_says_nothing():
    assert outcomes(b"<html>", 1, 200) == [Outcome(0, "unknown")]
    assert outcomes(b'{"data": {"id": "1"}}', 2) == [Outcome(0, "unknown"), Outcome(1, "unknown")]
    assert outcomes(b"", 0, 204) == []
    assert Primero().outcomes(b"", 1) == [Outcome(0, "unknown")]
