"""Primero: shapes of payloads, kinds of fields, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import adapters.primero
from adapters.primero import Primero
from adapters.primero.facts import READ
from gateway.adapter import read
from gateway.errors import SenderError
from gateway.mapping import Plan, plan_of, read_mapping
from gateway.record import Parsed, check

CANARY = "CanaryAmina"
SAMPLES = Path(adapters.primero.__file__).parent / "samples"

TABLE: dict[str, Any] = {
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
                "risk_level": "risk_level",
                "specific_needs": {"from": "concerns", "as": "list", "by": "|"},
                "service_type[]": {
                    "each": "services_section",
                    "fields": {"code": "services_section/service_type"},
                },
                "location.name": "address_current",
                "outcome": {"from": "tally/total", "as": "decimal"},
            },
        },
        {
            "type": "person",
            "each": "@record",
            "fields": {
                "name.full_name": "name",
                "age.years": {"from": "age", "as": "integer"},
                "birth_date_estimated": {"from": "estimated", "as": "boolean"},
                "sex": {"from": "sex", "as": "code", "codes": {"female": "female"}},
                "phone_number[]": ["telephone_current", {"from": "phone_2", "as": "decimal"}],
                "address[]": [
                    {
                        "needs": "address_line_1",
                        "fields": {"address_line_1": "address_current"},
                    }
                ],
                "registration_date": {"from": "../registration_date", "as": "date"},
            },
        },
    ],
}
SMALL = plan_of(TABLE, at="table")


def parse(content: Any, plan: Plan = SMALL) -> Parsed:
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    return read(Primero(), content, plan)


def refused(content: Any, plan: Plan = SMALL) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        parse(content, plan)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.rule, caught.value.at


CASE = {"id": "c-1", "name": "Sahra Nuur", "age": 11, "risk_level": "high"}
BARE = {key: value for key, value in CASE.items() if key != "id"}


# -- shapes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        CASE,
        [CASE],
        {"data": [CASE], "metadata": {"total": 1, "per": 20, "page": 1}},
        {"data": CASE},
        {"__query_params": {"a": "1"}, "data": {**BARE, "record_id": "c-1", "record_type": "case"}},
        [{"id": "c-1", "data": BARE}],
        {"id": "c-1", "data": CASE},
        {"data": {"data": [CASE], "metadata": {"total": 1}}, "references": []},
        {"id": "c-1", "family_id": None, "data": {**BARE, "family_id": "f"}},
        b"id,name,age,risk_level\nc-1,Sahra Nuur,11,high\n",
        b"\xef\xbb\xbf" + json.dumps(CASE).encode(),
        "\n\n id;name;age;risk_level;x\nc-1;Sahra Nuur;11;high;\n".replace(" ", "", 1).encode(),
    ],
    ids=[
        "bare",
        "list",
        "page",
        "one",
        "webhook",
        "export",
        "both",
        "state",
        "null",
        "csv",
        "bom",
        "semicolons",
    ],
)
def test_every_shape_holds_the_same_case(content):
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    case, person = parse(content).records

    assert (case["record_id"], case["risk_level"]) == ("primero.example/c-1", "high")
    assert case["subject"] == person["record_id"] == "primero.example/c-1.1"
    assert (person["name"]["full_name"].split()[0], person["age"]) == ("Sahra", {"years": 11})


def test_lines_are_read_one_by_one():
    lines = b"".join(json.dumps({"data": {**CASE, "id": f"c-{n}"}}).encode() + b"\n" for n in "12")

    assert [one["record_id"][-3:] for one in parse(lines).records if "subject" in one] == [
        "c-1",
        "c-2",
    ]


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ({"data": [CASE], "metadata": {"total": 1}}, ()),
        ({"data": [CASE], "metadata": {"total": 45}}, ("metadata/total",)),
        ({"data": [CASE], "metadata": None, "next": "x", "Amina Yusuf": 1}, ("?", "next")),
    ],
)
def test_a_page_that_is_not_all_there_is_says_so(page, told):
    assert parse(page).unmapped == told


def test_what_nobody_took_is_told_by_path():
    case = {
        **CASE,
        "mental_37b1218": "low",
        "services_section": [{"unique_id": "u", "inner": [{"unique_id": "v", "done": True}]}],
        "household": {"boys": 1},
        "Amina Yusuf": "x",
        "disclosure_other_orgs": True,
        "consent_for_services": True,
        "module_id": "primeromodule-cp",
    }
    assert parse(case).unmapped == (
        "?",
        "household/boys",
        "mental_37b1218",
        "services_section/inner",
        "services_section/unique_id",
    )


def test_lineage_is_in_the_payloads_own_paths():
    lineage = parse({**CASE, "module_id": "primeromodule-cp"}).lineage

    assert lineage["person.name.full_name"] == "name"
    assert lineage["case.protection.consent.status"] == (
        "disclosure_other_orgs | consent_for_services"
    )
    assert lineage["person.protection.case_kind"] == "module_id"
    assert "case.absent" not in lineage
    assert not any("@consent" in path or "~" in path for path in lineage.values())


# -- kinds of fields -----------------------------------------------------------------------------


@pytest.mark.parametrize("value", [True, "true"])
def test_yes_is_one_answer_however_it_is_written(value):
    assert parse({**CASE, "estimated": value}).records[1]["birth_date_estimated"] is True


@pytest.mark.parametrize(
    ("choices", "read_as"),
    [
        (["a", "b"], ["a", "b"]),
        (["a"], ["a"]),
        ("a", ["a"]),
        ([True, "b"], ["true", "b"]),
        ([], None),
        ("", None),
        (None, None),
    ],
)
def test_choices_are_read_as_a_list(choices, read_as):
    assert parse({**CASE, "concerns": choices}).records[0].get("specific_needs") == read_as


@pytest.mark.parametrize("choices", [["a|b"], ["a", ""], ["a", None], ["a", 1], ["a", {"b": 1}]])
def test_a_list_that_is_no_choice_is_refused_where_a_line_reads_it(choices):
    assert refused({**CASE, "concerns": choices}) == ("value.not_text", "record 1, concerns")
    assert parse({**CASE, "others": choices}).unmapped == ("others",)


def test_a_tally_is_a_group():
    assert parse({**CASE, "tally": {"boys": 1, "total": 3}}).records[0]["outcome"] == "3"


def test_the_items_of_a_subform_are_a_repeat():
    items = [{"unique_id": "u", "service_type": "food"}, {"unique_id": "v"}]

    assert parse({**CASE, "services_section": items}).records[0]["service_type"] == [
        {"code": "food"}
    ]


@pytest.mark.parametrize("inner", [[{"a": 1}], [[1]], {"a": [{"b": {}}]}, [{"a": [{"b": 1}]}]])
def test_a_subform_in_a_subform_is_listed_and_never_a_crash(inner):
    parsed = parse({**CASE, "services_section": [{"service_type": "food", "inner": inner}]})

    assert parsed.records[0]["service_type"] == [{"code": "food"}]
    assert any(path.startswith("services_section/inner") for path in parsed.unmapped)


def test_a_subform_in_a_subform_is_no_text():
    case = {**CASE, "services_section": [{"service_type": [{"a": 1}]}]}

    assert refused(case) == (
        "value.not_text",
        "record 1, services_section[1], services_section/service_type",
    )


@pytest.mark.parametrize("number", [12345678, 12.5, 0])
def test_a_number_where_a_text_should_be_is_refused(number):
    at = "record 1, @record[1], telephone_current"

    assert refused({**CASE, "telephone_current": number}) == ("value.not_text", at)


def test_a_number_is_taken_by_whoever_says_so():
    assert parse({**CASE, "phone_2": 12345678}).records[1]["phone_number"] == ["12345678"]


def test_cells_of_an_export_keep_their_zeros():
    content = b"id,telephone_current\nc-1,0061 7\n"

    assert parse(content).records[1]["phone_number"] == ["0061 7"]


def test_a_field_of_the_case_may_be_read_twice_and_around():
    case, person = parse({**CASE, "address_current": "Row C", "registration_date": "2026-01-02"}
                         ).records  # fmt: skip

    assert case["location"]["name"] == person["address"][0]["address_line_1"] == "Row C"
    assert person["registration_date"] == "2026-01-02"


def test_a_case_that_says_nothing_of_anybody_makes_nobody():
    (case,) = parse({"id": "c-1", "risk_level": "high", "name": None, "age": ""}).records

    assert "subject" not in case


# -- asterisks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", ["*******", "***", " ******* ", ["*******"], ["a", "*******"]])
def test_asterisks_are_never_a_value(hidden):
    case, person = parse(
        {**CASE, "name": hidden, "concerns": hidden, "age": hidden, "sex": hidden}
    ).records

    assert "*" not in json.dumps([case, person])
    assert person["absent"] == {"name": "withheld", "age": "withheld", "sex": "withheld"}
    assert case["absent"] == {"specific_needs": "withheld"}


def test_lineage_of_what_is_withheld_names_it_and_nothing_else():
    lineage = parse({**CASE, "name": "*******"}).lineage

    assert (lineage["person.absent"], lineage.get("case.absent")) == ("name", None)


def test_a_mapping_cannot_make_a_value_of_asterisks():
    table = json.loads(json.dumps(TABLE))
    fields = table["records"][1]["fields"]
    fields["sex"] = {
        "from": "sex",
        "as": "code",
        "codes": {"*******": "other"},
        "otherwise": "other",
        "missing": {"*******": "unknown", "": "unanswered"},
    }
    fields["name.full_name"] = {"from": "name", "missing": ["-"]}
    plan = plan_of(table, at="table")

    assert parse({**CASE, "sex": "*******"}, plan).records[1]["absent"] == {"sex": "withheld"}
    parsed = parse({**CASE, "sex": ""}, plan)
    assert parsed.records[1]["absent"] == {"sex": "unanswered"}
    assert parsed.lineage["person.absent"] == "sex"


def test_another_answer_counts_where_one_of_two_is_withheld():
    table = json.loads(json.dumps(TABLE))
    table["records"][0]["fields"]["location.name"] = {"from": ["address_current", "address_last"]}
    case = {**CASE, "address_current": "*******", "address_last": "Row C"}

    assert parse(case, plan_of(table, at="table")).records[0]["location"] == {"name": "Row C"}


def test_an_id_that_is_withheld_is_refused():
    assert refused({"id": "*******", "name": CANARY}) == ("primero.id_withheld", "")


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "rule", "at"),
    [
        (b"", "primero.not_records", "row 1"),
        (b"3", "primero.not_records", "row 1"),
        (b'"a"', "primero.not_records", "row 1"),
        (b'{"id": "1"}\n3\n', "primero.not_records", "line 2"),
        (b"[3]", "source.not_object", "record 1"),
        (b"[[]]", "source.not_object", "record 1"),
        (b'{"id": "1"', "json.truncated", "line 1, column 11"),
        (b'{"id": "1", "name": "a", "name": "b"}', "json.key_twice", "record 1"),
        (b'{"id": "1", "s": [{"a": 1, "a": 2}]}', "json.key_twice", "record 1"),
        ({"id": "1", "data": {"id": "2"}}, "json.key_twice", ""),
        ({"disclosure_other_orgs": True, "data": CASE}, "primero.beside_data", ""),
        ([{"module_id": "primeromodule-cp", "data": CASE}], "primero.beside_data", ""),
        ({"id": "1", "tally": {"total": 1}, "tally/total": 2}, "json.key_twice", "record 1"),
        ({"name": CANARY}, "mapping.no_id", "record 1"),
        ({"id": 7, "name": CANARY}, "value.not_text", "record 1, id"),
        ({**CASE, "age": CANARY}, "value.not_integer", "record 1, @record[1], age"),
        ({**CASE, "sex": CANARY}, "code.unknown", "record 1, @record[1], sex"),
        ({**CASE, "services_section": CANARY}, "source.not_repeat", "record 1, services_section"),
        ({"errors": [{"message": CANARY}]}, "primero.errors", ""),
        ({"data": [{"parent_form": "case", "fields": []}]}, "primero.form", ""),
        ({"form_section_id": 1, "type": "select_box"}, "primero.form", ""),
        ({"unique_id": "lookup-a", "values": []}, "primero.lookup", ""),
        ({"data": [{"admin_level": 1, "code": "A"}]}, "primero.location", ""),
        ({"data": {"field_name": "a", "attachment": "b"}}, "primero.attachment", ""),
        ({"data": {"field_name": "a", "attachment_url": "b"}}, "primero.attachment", ""),
        ({"data": {"ids": ["a"], "transitioned_to": CANARY}}, "primero.order", ""),
        ({"token": CANARY, "user_name": "a"}, "primero.user", ""),
        ({"role_unique_id": "a", "user_name": CANARY}, "primero.user", ""),
        ({"data": [{"record_changes": [], "action": CANARY}]}, "primero.history", ""),
        ({"data": [{"flagged_by": CANARY, "record_id": "a"}]}, "primero.flag", ""),
        ({"data": [{"alert_for": CANARY, "form_unique_id": 0}]}, "primero.alert", ""),
        ({"data": [{"log_message": {}, "resource_url": CANARY}]}, "primero.audit", ""),
        ({"data": [{"agency_code": CANARY, "unique_id": "a"}]}, "primero.agency", ""),
        ({"data": [CASE], "disclosure_other_orgs": True}, "primero.beside_data", ""),
        ({"data": {"data": [CASE]}, "module_id": "x"}, "primero.beside_data", ""),
        ({"data": {"data": [CASE], "consent_for_services": True}}, "primero.beside_data", ""),
        (b'[{"data": {"id": "1", "name": "a"}, "data": {"id": "1"}}]', "json.key_twice", ""),
        (b'{"data": [{"data": {"id": "1"}, "data": {"id": "2"}}]}', "json.key_twice", ""),
        (b'{"data": {"data": [{"id": "1"}], "data": []}}', "json.key_twice", ""),
        (b"PK\x03\x04", "primero.zip", ""),
        (b"<?xml version='1.0'?><a/>", "table.markup", ""),
        (b"x,y\n1,2\n", "primero.not_records", "row 2"),
        (b"x,y\n#adm1,#adm2\n", "primero.hxl", "row 2"),
        (b"id,id\n1,2\n", "primero.column_twice", "row 1"),
        (b"id,name\n1,2,3\n", "table.row_length", "row 2"),
        (b"name\nCanaryAmina\n", "mapping.no_id", "row 2"),
    ],
)
def test_what_is_no_record_is_refused(content, rule, at):
    assert refused(content) == (rule, at)


@pytest.mark.parametrize("key", ["@consent", "@kind", "@record", "@x"])
def test_nobody_answers_for_the_adapter(key):
    assert refused({**CASE, key: "given"}) == ("primero.reserved_key", "record 1")


def test_another_formats_mapping_is_refused():
    other = plan_of({**TABLE, "format": "kobo"}, at="table")

    assert refused(CASE, other)[0] == "mapping.other_format"
    with pytest.raises(SenderError, match="needs a mapping"):
        read(Primero(), b"{}", None)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["true", "*******", "a|b", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "name", "services_section", "concerns", "data", *sorted(READ), "type"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_anything_is_records_or_refused(document):
    try:
        found = parse(document)
    except SenderError:
        return
    for record in found.records:
        assert record["protection"]["case_kind"] in ("gbv", "child")
        assert "*" not in json.dumps(record)


# -- one object for each item --------------------------------------------------------------------

SERVICES: dict[str, Any] = {
    **TABLE,
    "records": [
        {
            "type": "case",
            "id": {"first": ["services_section/unique_id"]},
            "fields": {
                "case_type": {
                    "constant": "referral",
                    "when": {"from": "services_section/agency", "is": ["UNHCR"]},
                },
                "subject": {"member": "person", "each": "@record"},
                "note[]": ["services_section/notes"],
                "risk_level": "risk_level",
            },
        },
        {"type": "person", "each": "@record", "fields": {"name.full_name": "name"}},
    ],
}
BY_SERVICE = plan_of(SERVICES, at="table")
ITEMS = [
    {"unique_id": "u-1", "agency": "UNHCR", "notes": "a tent"},
    {"unique_id": "u-2", "agency": "OTHER", "notes": CANARY},
    {"unique_id": "u-3", "agency": "UNHCR", "other": 1},
]


def test_services_asked_of_others_become_no_record():
    parsed = parse({**CASE, "services_section": ITEMS}, BY_SERVICE)

    assert [one["record_id"] for one in parsed.records] == [
        "primero.example/u-1",
        "primero.example/u-1.1",
        "primero.example/u-3",
        "primero.example/u-3.1",
    ]
    assert CANARY not in json.dumps(parsed.records)
    assert parsed.records[0]["note"] == ["a tent"]
    assert {"age", "id", "services_section", "services_section/other"} <= {*parsed.unmapped}


def test_without_a_condition_every_item_is_an_object():
    table = json.loads(json.dumps(SERVICES))
    table["records"][0]["fields"]["case_type"] = {"constant": "referral"}

    parsed = parse({**CASE, "services_section": ITEMS}, plan_of(table, at="table"))

    assert len(parsed.records) == 6
    assert "services_section" not in parsed.unmapped


@pytest.mark.parametrize("items", [[], None, ""])
def test_a_case_that_asks_for_nothing_is_listed_by_its_fields(items):
    parsed = parse({**CASE, "services_section": items}, BY_SERVICE)

    assert parsed.records == []
    assert parsed.unmapped == ("age", "id", "name", "risk_level")


@pytest.mark.parametrize("items", ["x", ["x"], [1], [{"unique_id": "u"}, 1]])
def test_a_subform_that_is_none_is_refused(items):
    found = refused({**CASE, "services_section": items}, BY_SERVICE)

    assert found == ("source.not_repeat", "record 1, services_section")


def test_an_item_without_its_id_is_refused_with_its_place():
    items = [{"agency": "UNHCR"}]

    assert refused({**CASE, "services_section": items}, BY_SERVICE) == (
        "mapping.no_id",
        "record 1, services_section[1]",
    )


# -- the samples ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("cases.json", "cpcp"),
        ("export.csv", "cpcp"),
        ("referrals.json", "c"),
        ("services.ndjson", "cpcpcp"),
    ],
)
def test_samples_are_read(name, types):
    own = SAMPLES / f"{name}.mapping.yaml"
    plan = read_mapping(own if own.is_file() else SAMPLES / "mapping.yaml")
    found = parse((SAMPLES / name).read_bytes(), plan).records

    assert "".join(one["record_type"][0] for one in found) == types
    for record in found:
        check(record, at=name)
