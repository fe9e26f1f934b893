"""Which leaves count people, and what the schemas say of each count."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.figures import RANGE, counted, figures, span, whole
from gateway.lattice import lattice
from gateway.places import Places
from gateway.record import RECORD_TYPES, SCHEMAS, leaves, load

COUNTS = {
    "needs": ["population", "households", "population_before"],
    "activity": [
        "beneficiaries_targeted",
        "beneficiaries_reached",
        "households_targeted",
        "households_reached",
        "breakdown[].population",
        "results[].actual",
    ],
    "indicator": ["value", "numerator", "denominator", "baseline"],
    "facility": ["ems_capacity[].census", "population", "households"],
}
HOW = {"part", "parts", "fixed", "range", "low", "high", "place", "name", "option"}


@pytest.mark.parametrize("name", RECORD_TYPES)
def test_every_leaf_that_counts_is_marked_and_says_what(name):
    counts = {leaf for leaf, one in leaves(name).items() if one.spec.get("x-count") is True}
    measured = {
        leaf for leaf, one in leaves(name).items() if "measure" in one.spec.get("x-cell", ())
    }

    assert counts == measured == set(COUNTS.get(name, ()))
    assert counted(name) == (name in COUNTS)


def marks(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for one in node for found in marks(one)]
    if not isinstance(node, dict):
        return []
    own = [node["x-cell"]] if "x-cell" in node else []
    return own + [found for one in node.values() for found in marks(one)]


@pytest.mark.parametrize("name", RECORD_TYPES)
def test_every_mark_is_well_formed(name):
    for mark in marks(load(name)):
        if "measure" in mark:
            assert mark.keys() <= {"measure", "at"}
        else:
            assert mark.keys() <= {"axis", "as", "total"}
            assert mark["as"] in HOW


@pytest.mark.parametrize("name", COUNTS)
def test_every_count_of_the_examples_is_found(name):
    examples = json.loads((SCHEMAS / "examples" / f"{name}.json").read_bytes())
    found = {
        f"{one.field}[].{one.leaf}" if one.item is not None else one.leaf
        for example in examples
        for one in figures(example, Places())
    }

    assert found == set(COUNTS[name])


def of(record_type: str, **fields: Any) -> Any:
    record = {"record_type": record_type, "record_id": "demo.example/1", **fields}
    return list(figures(record, Places({"XA01": (1, "XAA"), "XA0101": (2, "XA01")})))


def test_all_and_nothing_are_totals():
    [one] = of("needs", population=7, gender="all", population_group="all", age_range="all")

    assert one.axes == {}
    assert one.fixed == ()


def test_a_place_is_what_it_lies_in():
    place = {"admin2_code": "xa-0101", "name": "Site"}
    [one] = of("needs", population=7, place=place)
    [named] = of("needs", population=7, place={"admin1_name": "North", "admin_level": 1})

    assert one.axes == {"place": ((0, "XAA"), (1, "XA01"), (2, "XA0101"), (5, "site"))}
    assert named.axes == {"place": ((1, "north"),)}
    assert of("needs", population=7, place={"admin_level": 1})[0].axes == {}


@pytest.mark.parametrize(
    ("fields", "range_"),
    [
        ({"age_range": "0-4"}, "0-4"),
        ({"age_range": "60+"}, "60-"),
        ({"age_range": "18"}, "18-18"),
        ({"age_range": "Adults"}, "adults"),
        ({"age_range": "x", "min_age": 5, "max_age": 17}, "5-17"),
        ({"max_age": 17}, "0-17"),
        ({"min_age": 60}, "60-"),
    ],
)
def test_a_range_is_written_one_way(fields, range_):
    [one] = of("needs", population=7, **fields)

    assert one.axes == {"age": ((RANGE, range_),)}


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("7.0", 7), ("2e2", 200), (0, 0), ("7.5", None), ("-1", None), (-1, None),
     ("x", None), (True, None), (None, None), ("1e999", None), (2.0, None)],
)  # fmt: skip
def test_what_is_a_number_of_people(text, number):
    assert whole(text) == number


def test_no_ends():
    assert span("adults") is span("-4") is span("0-x") is None
    assert span("60-") == (60, float("inf"))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8))
def test_a_range_lies_in_the_narrowest_that_holds_it(ends):
    texts = {f"{low}-{high}": (low, high) for low, high in ends}
    found = lattice([{"age": ((RANGE, text),)} for text in texts])
    for text, (low, high) in texts.items():
        holds = [
            (end - start, start, end)
            for start, end in texts.values()
            if low <= high and start <= low and high <= end and (start, end) != (low, high)
        ]
        parent = found.parents[0][RANGE, text]
        got = None if parent is None else span(parent[1])
        wanted = min(holds, default=None)
        assert (got is None) == (wanted is None)
        assert got is None or got[1] - got[0] == wanted[0]
