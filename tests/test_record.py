"""What the schemas say of records, and what is asked of records before anyone decides."""

import json

import pytest
from hypothesis import HealthCheck, given, settings

from gateway import record as module
from gateway.errors import SenderError
from gateway.record import (
    RECORD_TYPES,
    SCHEMAS,
    check,
    fact_names,
    facts,
    fields,
    leaves,
    load,
    resolve,
    structural,
    validator,
    walk,
)
from tests.canonical_records import records

TODAY = "2026-11-22"
CANARY = "CanaryAmina"


def person(**more):
    return {"record_type": "person", "schema_version": "1.0", "record_id": "a.example/1", **more}


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_every_field_has_a_family_and_is_asked_about_or_structural(record_type):
    properties = load(record_type)["properties"]

    assert {*fields(record_type), *structural(record_type)} == properties.keys()
    assert not {*fields(record_type)} & {*structural(record_type)}
    assert {one.family for one in fields(record_type).values()} <= {"plain", "date", "place", "id"}
    assert list(fields(record_type)) == [n for n in properties if n in fields(record_type)]
    assert all(one.kinds for one in fields(record_type).values())


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_structural_fields_hold_nothing_about_anybody(record_type):
    assert structural(record_type) == ("record_type", "schema_version", "withheld", "absent")


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_no_field_but_type_and_id_is_required(record_type):
    minimal = {"record_type": record_type, "record_id": "a.example/1"}

    assert set(load(record_type)["required"]) == {"record_type", "record_id"}
    assert validator(record_type).is_valid(minimal)


def test_the_families_policy_knows_are_the_schemas_families():
    known = json.loads((SCHEMAS.parent / "policies/taxonomy/forms.json").read_bytes())["fields"]

    for record_type in RECORD_TYPES:
        found = {
            name: "birth" if "x-band-into" in load(record_type)["properties"][name] else one.family
            for name, one in fields(record_type).items()
        }
        assert found == known[record_type]


def test_leaves_are_named_as_lineage_names_them():
    found = leaves("person")

    assert {"name.full_name", "identifier[].issuer", "phone_number[]", "place.geo"} <= found.keys()
    assert {"protection.consent.scope[]", "extension", "record_id"} <= found.keys()
    assert "name" not in found
    assert found["identifier[].issuer"].path == ("identifier", "[]", "issuer")


def test_a_geometry_is_one_leaf_wherever_it_stands():
    assert {"geometry", "place.geo", "other_places[].geo"} <= leaves("activity").keys()
    assert {"info[].area[].polygon[]", "info[].area[].circle[].centre"} <= leaves("alert").keys()
    assert leaves("alert")["info[].area[].polygon[]"].path[-2:] == ("polygon", "[]")


def test_what_stands_beside_a_reference_wins_over_the_part():
    found = resolve(
        {"$ref": "https://corridor.invalid/schemas/parts/1#/$defs/text", "maxLength": 3}
    )

    assert (found["type"], found["maxLength"], "$ref" in found) == ("string", 3, False)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("a",), [1]),
        (("b", "[]"), [1, 2]),
        (("c", "[]", "d"), [3]),
        (("c", "[]", "e", "[]"), [4, 5]),
        (("a", "x"), []),
        (("a", "[]"), []),
        (("z",), []),
        (("c", "[]", "e", "[]", "f"), []),
        (("n",), [None]),
    ],
)
def test_every_value_of_a_path_is_found(path, found):
    value = {"a": 1, "b": [1, 2], "c": [{"d": 3}, {"e": [4, 5]}, 7], "n": None}

    assert list(walk(value, path)) == found


@pytest.mark.parametrize(
    ("change", "rule", "place"),
    [
        ({"sex": CANARY}, "schema.enum", "record 3, person/sex"),
        ({"birth_date": f"{CANARY}"}, "schema.pattern", "record 3, person/birth_date"),
        ({"birth_date": "1990-13"}, "schema.pattern", "record 3, person/birth_date"),
        ({"birth_date": "1990-01-01\n"}, "schema.pattern", "record 3, person/birth_date"),
        ({"phone_number": ["1", 2]}, "schema.type", "record 3, person/phone_number/1"),
        ({"record_id": CANARY}, "schema.pattern", "record 3, person/record_id"),
        ({CANARY: 1}, "schema.additionalProperties", "record 3, person"),
        ({"name": {CANARY: 1}}, "schema.additionalProperties", "record 3, person/name"),
        ({"withheld": {CANARY: "purpose"}}, "schema.propertyNames", "record 3, person/withheld"),
        ({"withheld": {"canary_amina": 1}}, "schema.enum", "record 3, person/withheld/?"),
        ({"record_type": CANARY}, "schema.record_type", "record 3"),
        ({"record_type": [CANARY]}, "schema.record_type", "record 3"),
        ({"record_type": None}, "schema.record_type", "record 3"),
        ({"absent": {"name": CANARY}}, "schema.enum", "record 3, person/absent/name"),
        ({"absent": {CANARY: "unknown"}}, "schema.propertyNames", "record 3, person/absent"),
        ({"absent": {"canary_amina": 1}}, "schema.enum", "record 3, person/absent/?"),
        (
            {"place": {"geo": {"type": "Point", "coordinates": [999, 0]}}},
            "schema.maximum",
            "record 3, person/place/geo/coordinates/0",
        ),
    ],
)
def test_a_breach_is_named_by_place_and_rule_and_never_by_value(change, rule, place):
    with pytest.raises(SenderError) as caught:
        check(person(**change), at="record 3")

    assert (caught.value.rule, caught.value.at) == (rule, place)
    assert CANARY.lower() not in str(caught.value).lower().replace("_", "")
    assert caught.value.__cause__ is None


def test_a_breach_of_a_record_type_with_a_hyphen_has_its_place():
    found = {"record_type": "missing-person", "record_id": "a.example/1", "notes": [{"text": ""}]}

    with pytest.raises(SenderError) as caught:
        check(found, at="record 1")

    assert caught.value.at == "record 1, missing-person/notes/0/text"


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(records(types=RECORD_TYPES))
def test_a_valid_record_passes(batch):
    for one in batch:
        assert check(one, at="here") is None
        assert validator(one["record_type"]).is_valid(one)


# -- facts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "found"),
    [
        (None, None),
        ("2008-11-22", "adult"),
        ("2008-11-23", "child"),
        ("2008-11", "child"),
        ("2008-10", "adult"),
        ("2008-12", "child"),
        ("2008", "child"),
        ("2007", "adult"),
        ("2007-12-31", "adult"),
        ("2026-11-22", "child"),
        ("2030", "child"),
        ("1900-01-01", "adult"),
    ],
)
def test_whoever_may_be_a_child_counts_as_one(born, found):
    record = person(**({"birth_date": born} if born else {}))

    assert dict(zip(fact_names("person"), facts(record, TODAY), strict=True))["age_class"] == found


@pytest.mark.parametrize(("today", "found"), [("2026-02-28", "child"), ("2026-03-01", "adult")])
def test_a_child_of_the_29th_of_february_comes_of_age_in_march(today, found):
    assert facts(person(birth_date="2008-02-29"), today)[0] == found


@pytest.mark.parametrize(
    ("expiry", "expired"),
    [
        ("2026-11-21", True),
        ("2026-11-22", False),
        ("2026-11", False),
        ("2026-10", True),
        ("2026", False),
        ("2025", True),
        ("2027-01-01", False),
    ],
)
def test_a_day_a_month_or_a_year_has_expired_after_its_end(expiry, expired):
    record = person(protection={"expiry_date": expiry})

    assert dict(zip(fact_names("person"), facts(record, TODAY), strict=True))["expired"] is expired


def test_facts_are_what_the_schemas_declare_and_nothing_else():
    record = person(
        name={"full_name": CANARY},
        birth_date="1990-01-01",
        protection={
            "purpose": "hum.assist",
            "consent": {
                "status": "refused",
                "scope": ["x"],
                "purposes": ["hum.health", "hum.assist", "hum.health"],
                "recipients": [],
                "given_by": "guardian",
            },
            "sensitivity": "high",
            "case_kind": "gbv",
            "objected": True,
            "expiry_date": "2020",
        },
    )

    assert dict(zip(fact_names("person"), facts(record, TODAY), strict=True)) == {
        "age_class": "adult",
        "origin_purpose": "hum.assist",
        "consent_status": "refused",
        "consent_purposes": ("hum.assist", "hum.health"),
        "consent_recipients": (),
        "consent_by": "guardian",
        "sensitivity": "high",
        "case_kind": "gbv",
        "objected": True,
        "expired": True,
    }
    assert "age_class" not in fact_names("household")
    assert fact_names("missing-person")[0] == "age_class"
    counted = {"needs", "indicator"}
    assert {fact_names(name)[0] for name in counted} == {"count_class"}
    assert {
        fact_names(name)
        for name in RECORD_TYPES
        if name not in ("person", "missing-person", *counted)
    } == {fact_names("household")}


@pytest.mark.parametrize(
    "consent",
    [
        {"purposes": ["hum.assist", "hum.amal karim"]},
        {"purposes": ["hum"]},
        {"recipients": ["amal"]},
        {"recipients": ["org:Amal Karim"]},
        {"recipients": ["gov.amal"]},
        {"given_by": "amal"},
        {"purposes": [f"hum.{'a' * n}" for n in range(1, 66)]},
    ],
)
def test_no_text_of_a_consent_reaches_policy(consent):
    with pytest.raises(SenderError):
        check(person(protection={"consent": consent}), at="record 1")


@pytest.mark.parametrize(
    ("count", "found"),
    [
        *((0, "0"), (1, "1-2"), (2, "1-2"), (3, "3-4"), (4, "3-4"), (5, "5-9"), (9, "5-9")),
        *((10, "10-19"), (19, "10-19"), (20, "20+"), (246362, "20+"), (None, None)),
    ],
)
def test_policy_is_told_how_small_a_count_is_and_not_the_count(count, found):
    needs = {"record_type": "needs", "record_id": "dtm.example/1", "population": count}
    value = {"record_type": "indicator", "record_id": "hmis.example/1", "value": str(count)}

    assert facts(needs, TODAY)[0] == found
    assert facts(value, TODAY)[0] == found


@pytest.mark.parametrize("value", ["0.5", "-3", "1e3", "٣"])
def test_what_is_no_count_has_no_class(value):
    record = {"record_type": "indicator", "record_id": "hmis.example/1", "value": value}

    assert facts(record, TODAY)[0] is None


# -- what an adapter hands over -----------------------------------------------------------------


def test_the_values_of_what_an_adapter_read_are_not_printed():
    parsed = module.Parsed([person(sex="male")], {})
    rendered = module.Rendered(b"secret", "text/plain", {})

    assert "male" not in repr(parsed)
    assert "secret" not in repr(rendered)


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_a_field_that_may_be_known_by_policy_is_a_leaf_with_one_value_or_a_list(record_type):
    known = [one for one in leaves(record_type).values() if "x-fact" in one.spec]

    assert len({one.spec["x-fact"]["name"] for one in known}) == len(fact_names(record_type))
    for one in known:
        assert "[]" not in one.path[:-1]
        assert (one.path[-1] == "[]") == (one.spec["x-fact"]["as"] == "values")
