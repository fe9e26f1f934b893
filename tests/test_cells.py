"""Nobody can work out a small figure from what leaves: an attacker tries, by going through all
whole numbers that fit."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cells import Row, Table, table
from gateway.errors import SenderError
from gateway.places import Places

K = 5
KEY = b"k" * 32
PLACES = Places(
    {
        "XA01": (1, "XAA"),
        "XA02": (1, "XAA"),
        "XA0101": (2, "XA01"),
        "XA0102": (2, "XA01"),
        "XA0103": (2, "XA01"),
        "XA0201": (2, "XA02"),
        "XA0202": (2, "XA02"),
    }
)


@dataclass
class Store:
    """What the log keeps for one recipient."""

    kept: dict[tuple[bytes, bytes], Row] = field(default_factory=dict)
    asked: int = 0

    @property
    def empty(self) -> bool:
        return not self.kept

    def rows(self, lines: Collection[bytes]) -> Iterable[Row]:
        self.asked += 1
        wanted = set(lines)
        return [row for row in self.kept.values() if row.line in wanted]

    def keep(self, rows: Iterable[Row]) -> None:
        self.kept |= {(row.line, row.cell): row for row in rows}


def needs(value: int | None, **coordinates: Any) -> dict[str, Any]:
    record = {"record_type": "needs", "record_id": "demo.example/1", **coordinates}
    return record if value is None else {**record, "population": value}


def settled(
    records: list[dict[str, Any]], *, k: int = K, known: Store | None = None, hidden: Any = None
) -> tuple[list[dict[str, Any]], Table]:
    found = Table({one["record_type"]: k for one in records}, known, KEY, PLACES)
    for number, record in enumerate(records):
        found.see(record, (hidden or {}).get(number, {}))
    found.settle()
    return [found.less(number, record) for number, record in enumerate(records)], found


def left(records: list[dict[str, Any]], **options: Any) -> list[int | None]:
    return [one.get("population") for one in settled(records, **options)[0]]


def test_a_small_figure_stays_and_zero_does_not():
    assert left([needs(4, gender="f"), needs(5, gender="m"), needs(0, gender="x")]) == [None, 5, 0]


def test_with_its_total_the_smallest_other_stays_too():
    line = [needs(103), needs(60, gender="f"), needs(40, gender="m"), needs(3, gender="x")]

    assert left(line) == [103, 60, None, None]


def test_all_is_a_total():
    line = [needs(63, gender="all"), needs(60, gender="f"), needs(3, gender="m")]

    assert left(line) == [63, None, None]


def test_two_small_ones_with_fewer_than_k_together_need_a_third():
    line = [needs(103), needs(50, gender="f"), needs(50, gender="m")]
    line += [needs(1, gender="x"), needs(2, gender="u")]

    assert left(line) == [103, None, 50, None, None]


def test_two_that_neither_is_known_of_but_that_are_fewer_than_k_together_need_a_third():
    line = [needs(44), needs(40, gender="f"), needs(2, gender="x"), needs(2, gender="u")]

    assert left(line) == [44, None, None, None]


def test_ones_that_sum_to_their_number_are_no_secret():
    """Each is at least one, so three of three are one each, though three is not below `k`."""
    line = [needs(13), needs(10, gender="f"), *[needs(1, gender=one) for one in "mxu"]]

    assert left(line, k=3) == [13, None, None, None, None]


def test_where_nothing_else_is_left_the_total_stays():
    assert left([needs(4, gender="f"), needs(0, gender="m"), needs(8)]) == [None, 0, None]


def test_places_add_up_to_the_larger_one():
    country = needs(100, place={"location_code": "XAA"})
    first = needs(60, place={"admin1_code": "XA01"})
    second = needs(40, place={"admin1_code": "XA02"})
    rest = [needs(v, place={"admin2_code": c}) for v, c in ((55, "XA0101"), (5, "XA0102"))]
    small = [needs(v, place={"admin2_code": c}) for v, c in ((37, "XA0201"), (3, "XA0202"))]

    assert left([country, first, second, *rest, *small]) == [100, 60, 40, 55, 5, None, None]


def test_a_total_nobody_gave_is_worked_out_all_the_same():
    country = needs(103, place={"location_code": "XAA"})
    parts = [needs(v, place={"admin2_code": c}) for v, c in ((60, "XA0101"), (3, "XA0102"))]
    other = needs(40, place={"admin1_code": "XA02"})

    assert left([country, *parts, other]) == [103, None, None, 40]


def test_ranges_lie_in_wider_ones():
    ages = [needs(63, age_range="0-17"), needs(60, age_range="0-4"), needs(3, age_range="5-17")]
    wide = [needs(40, min_age=18, max_age=59), needs(9, age_range="60+"), needs(112)]

    assert left([*ages, *wide]) == [63, None, None, 40, 9, 112]


def test_a_place_coarsened_twice_over_is_two_parts():
    place = {"admin1_code": "XA01"}

    assert left([needs(8, place=place), needs(3, place=place)]) == [8, None]


def test_what_policy_dropped_is_hidden_and_counts():
    records = [needs(63), needs(60, gender="f"), needs(None, gender="m")]
    less, found = settled(records, hidden={2: {"population": 3}})

    assert [one.get("population") for one in less] == [63, None, None]
    assert found.suppressed == {"small_cell": 1, "complementary": 1}


def test_a_breakdown_is_part_of_the_figure_above_it():
    activity = {
        "record_type": "activity",
        "record_id": "demo.example/1",
        "beneficiaries_reached": 43,
        "breakdown": [
            {"population_status": "REA", "gender": "f", "population": 40},
            {"population_status": "REA", "gender": "m", "population": 3},
            {"population_status": "TGT", "gender": "m", "population": 90},
        ],
    }
    less, found = settled([activity])

    assert less[0]["beneficiaries_reached"] == 43
    assert [one.get("population") for one in less[0]["breakdown"]] == [None, None, 90]
    assert found.suppressed == {"small_cell": 1, "complementary": 1}


def test_indicators_with_options():
    def value(text: str, **options: str) -> dict[str, Any]:
        said = [{"category": name, "option": option} for name, option in options.items()]
        more = {"disaggregation": said} if said else {}
        head = {"record_type": "indicator", "record_id": "demo.example/1", "indicator_code": "A"}
        return {**head, "value": text, **more}

    records = [value("63"), value("60.0", sex="f"), value("3", sex="m"), value("2.5", sex="m")]
    less, _ = settled(records)

    assert [one.get("value") for one in less] == ["63", None, None, "2.5"]


# -- what the recipient has from before --------------------------------------------------------


def test_a_number_that_changes_by_a_few_stays():
    store = Store()
    store.keep(settled([needs(100, gender="f")], known=store)[1].rows())
    less, found = settled([needs(103, gender="f")], known=store)

    assert "population" not in less[0]
    assert found.suppressed == {"differencing": 1}
    assert left([needs(105, gender="f")], known=store) == [105]
    assert left([needs(100, gender="f")], known=store) == [100]


def test_a_total_from_before_counts():
    store = Store()
    store.keep(settled([needs(63)], known=store)[1].rows())

    assert left([needs(60, gender="f"), needs(3, gender="m")], known=store) == [None, None]
    assert left([needs(60, gender="f"), needs(3, gender="m")]) == [60, None]


def test_a_part_kept_back_before_counts():
    store = Store()
    first = [needs(60, gender="f"), needs(3, gender="m")]
    store.keep(settled(first, known=store)[1].rows())

    assert left([needs(63)], known=store) == [None]
    assert left([needs(63)]) == [63]


def test_places_from_before_count():
    store = Store()
    store.keep(settled([needs(3, place={"admin2_code": "XA0101"})], known=store)[1].rows())

    assert left([needs(30, place={"admin1_code": "XA01"})], known=store) == [None]
    assert left([needs(30, place={"location_code": "XAA"})], known=store) == [None]
    assert left([needs(30, place={"admin1_code": "XA02"})], known=store) == [30]


def test_what_was_known_before_is_not_forgotten_when_it_stays():
    store = Store()
    store.keep(settled([needs(100, gender="f")], known=store)[1].rows())
    store.keep(settled([needs(101, gender="f")], known=store)[1].rows())

    assert left([needs(102, gender="f")], known=store) == [None]


def test_what_earlier_releases_gave_away_is_counted_as_lost():
    store = Store()
    store.keep(settled([needs(63), needs(60, gender="f")], known=store)[1].rows())
    less, found = settled([needs(60, gender="f"), needs(3, gender="m")], known=store)

    assert [one.get("population") for one in less] == [60, None]
    assert found.unprotected == 1


def test_two_recipients_have_no_mark_in_common():
    def marks(key: bytes) -> set[bytes]:
        found = Table({"needs": K}, None, key, PLACES)
        found.see(needs(63, gender="f"), {})
        found.settle()
        return {row.line for row in found.rows()}

    assert len(marks(KEY)) == 2
    assert not marks(KEY) & marks(b"o" * 32)


# -- an attacker -------------------------------------------------------------------------------


def candidates(unknown: list[str], equations: list[tuple[list[str], int]]) -> dict[str, set[int]]:
    """Every value each unknown cell may have, by trying: whole numbers from 1 on."""
    found: dict[str, set[int]] = {name: set() for name in unknown}

    def extend(rest: list[str], values: dict[str, int]) -> None:
        if not rest:
            if all(sum(values[n] for n in names) == total for names, total in equations):
                for name, value in values.items():
                    found[name].add(value)
            return
        name = rest[0]
        most = min(
            (total - sum(values.get(n, 1) for n in names if n != name))
            for names, total in equations
            if name in names
        )
        for value in range(1, most + 1):
            extend(rest[1:], {**values, name: value})

    extend(unknown, {})
    return found


values = st.sampled_from([0, 1, 1, 2, 2, 3, 4, 5, 6, 7])


@given(st.lists(values, min_size=1, max_size=5), st.integers(2, 5))
def test_nobody_works_out_a_cell_of_one_line(numbers, k):
    records = [needs(v, gender=g) for v, g in zip(numbers, "fmxuo", strict=False)]
    *parts, total = left([*records, needs(sum(numbers))], k=k)
    unknown = [str(n) for n, one in enumerate(parts) if one is None]
    if total is not None and unknown:
        rest = total - sum(one for one in parts if one is not None)
        assert rest >= k
        for name, possible in candidates(unknown, [(unknown, rest)]).items():
            assert len(possible) > 1 or numbers[int(name)] >= k


@given(
    st.lists(st.lists(values, min_size=2, max_size=3), min_size=2, max_size=3).filter(
        lambda rows: all(len(a) == len(b) for a, b in pairwise(rows))
    ),
    st.integers(2, 5),
)
def test_nobody_works_out_a_cell_of_a_table(rows, k):
    genders, groups = "fmx"[: len(rows)], ("IDP", "REF", "HST")[: len(rows[0])]
    grid = {
        **{(g, p): v for g, row in zip(genders, rows, strict=True)
           for p, v in zip(groups, row, strict=True)},
        **{(g, None): sum(row) for g, row in zip(genders, rows, strict=True)},
        **{(None, p): sum(row[n] for row in rows) for n, p in enumerate(groups)},
        (None, None): sum(map(sum, rows)),
    }  # fmt: skip
    records = [
        needs(v, **({"gender": g} if g else {}), **({"population_group": p} if p else {}))
        for (g, p), v in grid.items()
    ]
    told = dict(zip(grid, left(records, k=k), strict=True))
    unknown = [key for key, one in told.items() if one is None]
    equations = []
    for axis, choices in ((0, genders), (1, groups)):
        for other in (*(groups if axis == 0 else genders), None):
            keys = [(c, other) if axis == 0 else (other, c) for c in (*choices, None)]
            equations.append((keys[:-1], keys[-1]))
    for key in unknown:
        if 0 < grid[key] < k:
            assert not only_one_way(key, grid, told, equations), (key, told)


def only_one_way(key: Any, grid: Any, told: Any, equations: Any) -> bool:
    """Whether no other table fits: tries to move the cell by one up or down, and mends the sums
    by moving others, each by one at a time, depth first."""
    unknown = {one for one, value in told.items() if value is None}
    return not any(moved(key, step, dict(grid), unknown, equations) for step in (1, -1))


def moved(key: Any, step: int, grid: Any, unknown: Any, equations: Any) -> bool:
    changed = {key}
    grid[key] += step
    return grid[key] >= 1 and mended(grid, unknown, equations, changed, 0)


def mended(grid: Any, unknown: Any, equations: Any, changed: Any, depth: int) -> bool:
    broken = next(
        (
            (parts, total, grid[total] - sum(grid[p] for p in parts))
            for parts, total in equations
            if grid[total] != sum(grid[p] for p in parts)
        ),
        None,
    )
    if broken is None:
        return True
    if depth > 12:
        return False
    parts, total, gap = broken
    step = 1 if gap > 0 else -1
    for one, by in [*((p, step) for p in parts), (total, -step)]:
        if one in unknown and one not in changed and grid[one] + by >= 1:
            grid[one] += by
            if mended(grid, unknown, equations, changed | {one}, depth + 1):
                return True
            grid[one] -= by
    return False


@given(st.permutations(range(6)))
def test_the_order_changes_no_number_that_leaves_of_a_line_without_ties(order):
    records = [needs(v, gender=g) for v, g in zip((3, 9, 20, 31, 0), "fmxuo", strict=True)]
    records.append(needs(63))
    found = left([records[n] for n in order])

    assert {n: one for n, one in zip(order, found, strict=True)} == dict(
        enumerate([None, None, 20, 31, 0, 63])
    )


# -- limits ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Limits:
    k: int


@dataclass(frozen=True)
class Ruling:
    allows: bool
    limits: Limits


def test_the_strictest_class_of_a_type_counts():
    rulings = {
        ("needs", (1,)): Ruling(True, Limits(5)),
        ("needs", (2,)): Ruling(True, Limits(20)),
        ("needs", (3,)): Ruling(False, Limits(90)),
        ("person", ()): Ruling(True, Limits(10)),
        ("indicator", ()): Ruling(True, Limits(0)),
    }
    found = table(rulings, known=None, key=KEY, places=PLACES)
    assert found is not None
    found.see(needs(19), {})
    found.see({"record_type": "indicator", "record_id": "demo.example/2", "value": "3"}, {})
    found.settle()

    assert "population" not in found.less(0, needs(19))
    assert found.less(1, {"value": "3"}) == {"value": "3"}
    assert (
        table({("person", ()): rulings["person", ()]}, known=None, key=KEY, places=PLACES) is None
    )


@pytest.mark.parametrize(
    "limit",
    [("gateway.cells.MAX_CELLS", 4), ("gateway.lattice.MAX_KEYS", 4),
     ("gateway.complement.MAX_UNKNOWN", 1)],
)  # fmt: skip
def test_too_many_figures_are_refused(monkeypatch, limit):
    records = [needs(v, gender=g) for v, g in ((60, "f"), (9, "m"), (3, "x"), (2, "u"))]
    records.append(needs(74))
    left(records)
    monkeypatch.setattr(*limit)
    with pytest.raises(SenderError) as error:
        left(records)

    assert error.value.rule == "cells.too_many"


def test_nothing_shows_a_figure():
    _, found = settled([needs(4321, gender="f"), needs(3, gender="m")])

    assert "4321" not in repr(vars(found))
