"""What sums give away, against elimination over fractions done the ordinary way."""

from fractions import Fraction
from itertools import product
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.elimination import determined


def rank(rows: list[list[int]]) -> int:
    table = [[Fraction(one) for one in row] for row in rows]
    found = 0
    for column in range(len(table[0]) if table else 0):
        pivot = next((n for n in range(found, len(table)) if table[n][column]), None)
        if pivot is None:
            continue
        table[found], table[pivot] = table[pivot], table[found]
        for n, row in enumerate(table):
            if n != found and row[column]:
                by = row[column] / table[found][column]
                table[n] = [a - by * b for a, b in zip(row, table[found], strict=True)]
        found += 1
    return found


def fixed(rows: list[list[int]], unknown: int, also: set[int]) -> bool:
    """Whether an unknown is fixed when those in `also` are known: its unit row adds no rank."""
    width = len(rows[0])
    units = [[int(n == one) for n in range(width)] for one in also - {unknown}]
    unit = [int(n == unknown) for n in range(width)]
    return rank([*rows, *units, unit]) == rank([*rows, *units])


def cases(factors: Any, most: int) -> Any:
    return st.integers(1, most).flatmap(
        lambda width: st.tuples(
            st.lists(st.lists(factors, min_size=width, max_size=width), min_size=1, max_size=6),
            st.sets(st.integers(0, width - 1)),
        )
    )


def said(rows: list[list[int]], tight: set[int]) -> set[int]:
    return determined([dict(enumerate(row)) for row in rows], tight)


@given(cases(st.sampled_from([-2, -1, 0, 1, 3]), 6))
def test_equal_to_ranks(case):
    rows, tight = case
    # Two unknowns that differ by a known number are one, which ranks do not know of.
    rows = [row for row in rows if sum(row) or len([one for one in row if one]) != 2] or [rows[0]]
    assume(all(sum(row) or len([one for one in row if one]) != 2 for row in rows))

    assert said(rows, tight) == {n for n in range(len(rows[0])) if fixed(rows, n, tight)}


@given(cases(st.sampled_from([-1, 0, 1]), 4))
def test_what_is_not_given_away_can_really_be_another(case):
    rows, tight = case
    ways = [
        way
        for way in product(range(-4, 5), repeat=len(rows[0]))
        if all(way[one] >= 0 for one in tight)
        and all(sum(a * b for a, b in zip(row, way, strict=True)) == 0 for row in rows)
    ]
    for one in set(range(len(rows[0]))) - said(rows, tight):
        assert any(way[one] for way in ways) or not any(row[one] for row in rows)


def test_two_that_are_equal_and_alone_may_both_be_more():
    assert said([[1, -1]], {0, 1}) == set()
    assert said([[1, 1]], {0, 1}) == {0, 1}
    assert said([[1, -1, 0], [0, 1, -1]], {0, 1, 2}) == set()
    assert said([[1, -1, 0], [0, 1, -1], [0, 0, 1]], set()) == {0, 1, 2}
