"""Risk against two independent computations: by hand over every pair of records, and the numbers
that sdcMicro publishes for its own example."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gateway.risk
from gateway.errors import GatewayError, OfficerError
from gateway.risk import CAP, Chosen, measure, measured


def person(**fields: Any) -> dict[str, Any]:
    return {"record_type": "person", "record_id": "demo.example/1", **fields}


# -- sdcMicro ----------------------------------------------------------------------------------

FRANCDAT = [
    (1, 2, 5, 1),
    (1, 2, 1, 1),
    (1, 2, 1, 1),
    (3, 3, 1, 5),
    (4, 3, 1, 4),
    (4, 3, 1, 1),
    (6, 2, 1, 5),
    (1, 2, 5, 1),
]
"""Key variables of `francdat`, as the reference page of `freqCalc` prints them (sdcMicro 5.7.9,
sdctools.github.io/sdcMicro/reference/freqCalc.html). Synthetic, by Capobianchi, Polettini and
Lucarelli."""

FK = [2, 2, 2, 1, 1, 1, 1, 2]
"""`f$fk` on that page: size of each record's group."""


def test_the_published_example_of_sdcmicro():
    keys = ("marital_status", "sex", "ethnicity", "religion")
    records = [person(**{k: str(v) for k, v in zip(keys, row, strict=True)}) for row in FRANCDAT]
    risk = measure(records, "person", key_fields=keys)

    assert risk.k_min == min(FK)
    assert risk.uniques == FK.count(1) == 4  # "4 obs. violate 2-anonymity"
    assert risk.below[3] == 8  # "8 obs. violate 3-anonymity"
    assert risk.global_risk == sum(Fraction(1, one) for one in FK) / len(FK) == Fraction(3, 4)
    assert risk.facts() == {"k": 1, "l": CAP, "risk_permille": 750}


# -- by hand -----------------------------------------------------------------------------------

KEYS = ("sex", "marital_status", "place")
SENSITIVE = ("displacement_status", "disability_info")
VALUES = {
    "sex": st.sampled_from(["female", "male", None]),
    "marital_status": st.sampled_from(["single", "married", None]),
    "place": st.sampled_from([{"admin1_code": "A"}, {"admin1_code": "A", "name": "B"}, None]),
    "displacement_status": st.sampled_from(["idp", "refugee", "host", None]),
    "disability_info": st.sampled_from([["a", "b"], ["b", "a"], ["a"], None]),
}
ROWS = st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=25)


def sizes(rows: list[dict[str, Any]]) -> list[int]:
    return [sum(all(a[k] == b[k] for k in KEYS) for b in rows) for a in rows]


def diversity(rows: list[dict[str, Any]]) -> int | None:
    found = []
    for a in rows:
        for name in SENSITIVE:
            alike = [b[name] for b in rows if all(a[k] == b[k] for k in KEYS)]
            known = {str(sorted(v) if isinstance(v, list) else v) for v in alike if v is not None}
            if known:
                found.append(len(known))
    return min(found, default=None)


@given(ROWS, st.integers(1, 9))
def test_equal_to_going_through_every_pair(rows, chunk):
    records = [person(**{k: v for k, v in row.items() if v is not None}) for row in rows]
    before, gateway.risk.CHUNK = gateway.risk.CHUNK, chunk
    try:
        risk = measure(iter(records), "person", key_fields=KEYS, sensitive=SENSITIVE)
    finally:
        gateway.risk.CHUNK = before
    found = sizes(rows)

    assert (risk.rows, risk.k_min, risk.uniques) == (len(rows), min(found), found.count(1))
    assert risk.global_risk == sum(Fraction(1, one) for one in found) / len(rows)
    assert dict(risk.below) == {k: sum(one < k for one in found) for k in (3, 5, 10)}
    assert risk.l_min == diversity(rows)
    assert risk.facts()["risk_permille"] >= 1000 * risk.global_risk
    assert risk.facts()["risk_permille"] < 1000 * risk.global_risk + 1


# -- which fields count ------------------------------------------------------------------------


def test_left_open_every_quasi_identifier_counts_and_sensitive_ones_are_looked_at():
    records = [person(sex="female", birth_date="1990", displacement_status="idp")] * 2
    risk = measure(records, "person")

    assert risk.key_vars == ("sex", "birth_date")
    assert risk.sensitive == ("displacement_status",)
    assert (risk.k_min, risk.l_min) == (2, 1)
    assert measure(records, "person", key_fields=[], sensitive=[]) == risk


def test_a_name_is_a_key_variable_whoever_chose():
    records = [person(sex="female", name={"full_name": name}) for name in ("Asha", "Amina")]
    risk = measure(records, "person", key_fields=["sex"])

    assert risk.key_vars == ("sex", "name")
    assert risk.uniques == 2


def test_the_band_a_date_was_made_into_counts_for_the_date():
    bands = ("0-4", "18-59", "18-59")
    records = [person(age={"band": band, "as_of": "2026-11-22"}) for band in bands]

    assert measure(records, "person", key_fields=["birth_date"]).uniques == 1
    assert measure(records, "person", key_fields=["sex"]).uniques == 0


def test_one_leaf_of_a_place_may_be_chosen():
    records = [person(place={"admin1_code": "A", "admin2_code": two}) for two in ("B", "C")]
    records.append(person(address=[{"admin1_code": "A"}, {"admin1_code": "B"}]))

    risk = measure(records, "person", key_fields=["place.admin1_code"])
    assert (risk.groups, risk.sensitive) == (2, ())
    assert measure(records[:2], "person", key_fields=["place.admin1_code"]).groups == 1
    assert measure(records[:2], "person", key_fields=["place"]).groups == 2
    assert measure(records, "person", sensitive=["address[].admin1_code"]).l_min == 1
    found = measure(records[:2], "person", key_fields=["sex"], sensitive=["place.admin2_code"])
    assert found.l_min == 2


def test_who_somebody_is_related_to_is_no_key_but_how_is():
    def related(how: str, to: str) -> dict[str, Any]:
        return person(relationships=[{"relationship_type": how, "related": f"demo.example/{to}"}])

    assert measure([related("parent", "1"), related("parent", "2")], "person").k_min == 2
    assert measure([related("parent", "1"), related("child", "1")], "person").k_min == 1


def test_the_order_of_a_list_makes_nothing_diverse():
    one, other = (person(sex="female", disability_info=list(said)) for said in ("ab", "ba"))

    assert measure([one, other], "person").l_min == 1


def test_values_of_one_group_in_two_chunks_are_of_one_group(monkeypatch):
    monkeypatch.setattr(gateway.risk, "CHUNK", 2)
    said = ("idp", "idp", "refugee", "idp", "idp")
    risk = measure([person(sex="female", displacement_status=one) for one in said], "person")

    assert (risk.k_min, risk.groups, risk.l_min) == (5, 1, 2)


def test_every_type_in_one_walk_and_others_passed_over():
    records = [person(sex="female"), {"record_type": "household", "record_id": "a/1"}]
    risks = measured(iter([*records, {"record_type": "case", "record_id": "a/2"}]), {
        "person": Chosen(["sex"]), "household": Chosen(), "assistance": Chosen()
    })  # fmt: skip

    assert [risks[name].rows for name in ("person", "household", "assistance")] == [1, 1, 0]
    assert risks["assistance"].facts() == {"k": CAP, "l": CAP, "risk_permille": 0}


def test_policy_is_told_no_more_than_the_cap():
    risk = measure([person(sex="female")] * 150, "person")

    assert (risk.k_min, risk.facts()["k"]) == (150, CAP)
    assert risk.report() == {
        "key_vars": ["sex"],
        "sensitive": [],
        "method": "register",
        "rows": 150,
        "k_min": 150,
        "uniques": 0,
        "global_risk_permille": 7,
        "below_permille": {"3": 0, "5": 0, "10": 0},
    }
    assert measure([person(religion="x")], "person").report()["l_min"] == 1


def test_a_field_nobody_has_is_an_error_without_its_name():
    with pytest.raises(OfficerError) as error:
        measure([], "person", key_fields=["income"])
    assert (error.value.rule, error.value.at) == ("risk.field", "person")
    with pytest.raises(GatewayError):
        measure([], "agreement")
