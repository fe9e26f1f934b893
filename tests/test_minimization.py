"""The receipt's account of what minimization took out."""

import json
from math import log2
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import gateway.minimization
from gateway.minimization import Loss, report
from gateway.risk import measure


def person(**fields: Any) -> dict[str, Any]:
    return {
        "record_type": "person",
        "schema_version": "1.0",
        "record_id": "demo.example/1",
    } | fields


def lost(before: list[Any], after: list[Any], name: str = "religion") -> dict[str, int]:
    loss = Loss()
    for one, other in zip(before, after, strict=True):
        loss.see(person(**{name: one}), person(**({} if other is None else {name: other})))
    return loss.report()[f"person.{name}"]


def test_kept_is_nothing_and_dropped_is_everything():
    assert lost(list("abcd"), list("abcd")) == {"dropped_permille": 0, "entropy_permille": 0}
    assert lost(list("abcd"), [None] * 4) == {"dropped_permille": 1000, "entropy_permille": 1000}
    assert lost(["a"] * 3, ["a"] * 3) == {"dropped_permille": 0, "entropy_permille": 0}
    assert lost(["a"] * 3, [None] * 3) == {"dropped_permille": 1000, "entropy_permille": 1000}


def test_four_values_made_two_lose_half():
    assert lost(list("abcd"), list("aacc")) == {"dropped_permille": 0, "entropy_permille": 500}
    assert lost(list("abcd"), ["a", "b", None, None])["dropped_permille"] == 500


def test_what_became_a_band_is_compared_with_the_band():
    loss = Loss()
    for year, band in (("1990", "18-59"), ("1991", "18-59"), ("2020", "5-11"), ("2021", "5-11")):
        loss.see(person(birth_date=year), person(age={"band": band}))

    assert loss.report()["person.birth_date"] == {"dropped_permille": 0, "entropy_permille": 500}
    assert list(loss.report()) == ["person.birth_date", "person.record_id"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=30))
def test_entropy_is_that_of_the_records(pairs):
    before = [[str(a)] for a, _ in pairs]
    coarser = [None if b == 2 else [str(a // 3)] for a, b in pairs]
    told = lost(before, coarser, "ethnicity")

    def entropy(values: list[Any]) -> float:
        return sum(log2(len(values) / values.count(one)) for one in values)

    if entropy(before) > 0 and any(coarser):
        wanted = round(1000 * (1 - entropy(coarser) / entropy(before)))
        assert told["entropy_permille"] == min(1000, max(0, wanted))


def test_too_many_values_are_only_counted(monkeypatch):
    monkeypatch.setattr(gateway.minimization, "MAX_VALUES", 3)

    assert lost(list("abcde"), list("aaaae")) == {"dropped_permille": 0}


def test_the_report_has_no_value_and_only_whole_numbers():
    loss = Loss()
    records = [person(religion=f"CANARY{n}", sex="female") for n in range(3)]
    for record in records:
        loss.see(record, person(sex="female"))
    less = SimpleNamespace(
        count=3, released={"person.sex": "keep", "person.birth_date": "keep+year"}
    )
    told = report(
        4,
        less,
        figures=SimpleNamespace(suppressed={"small_cell": 2, "complementary": 1}),
        risks={"person": measure(records, "person")},
        loss=loss,
    )

    assert told["rows"] == {"read": 4, "released": 3}
    assert told["operations"] == {"person.birth_date": "keep+year"}
    assert told["suppressed"] == 3
    assert told["information_loss"]["person.religion"]["entropy_permille"] == 1000
    assert "CANARY" not in json.dumps(told)
    assert "." not in "".join(c for c in json.dumps([told["risk"], told["suppressed"]]) if c != '"')
    assert report(1, less).keys() == {"rows", "operations"}
