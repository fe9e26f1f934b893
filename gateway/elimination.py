"""Which unknowns a set of sums gives away: Gauss-Jordan elimination in whole numbers, exactly.

An unknown is given away where the sums alone fix it. Unknowns that stand at their lower bound
(`tight`) can only grow, so two of them with a sum of two are given away as well although no
subtraction finds it. That is read carefully: an unknown counts as given away wherever it would
be, if everybody knew all the other tight ones. Unknowns that differ by a known number are one.
"""

from collections.abc import Container, Iterable, Mapping
from math import gcd

Row = dict[int, int]
"""Unknown to its factor; the sum of the products is known. The sum itself never matters here."""


def determined(rows: Iterable[Mapping[int, int]], tight: Container[int]) -> set[int]:
    """The unknowns that these sums give away."""
    table = [{unknown: factor for unknown, factor in row.items() if factor} for row in rows]
    same = {unknown: unknown for row in table for unknown in row}
    met = list(same)
    while any(_joined(row, same) for row in table):
        table = [_renamed(row, same) for row in table]
    bound = {_first(unknown, same) for unknown in met if unknown in tight}
    found = _eliminated(table, bound)
    return {unknown for unknown in met if _first(unknown, same) in found}


def _first(unknown: int, same: Mapping[int, int]) -> int:
    while same[unknown] != unknown:
        unknown = same[unknown]
    return unknown


def _joined(row: Row, same: dict[int, int]) -> bool:
    """Whether the row says of two unknowns that they differ by a known number; they are one."""
    if len(row) != 2 or sum(row.values()) != 0:
        return False
    one, other = (_first(unknown, same) for unknown in row)
    same[max(one, other)] = min(one, other)
    return one != other


def _renamed(row: Row, same: Mapping[int, int]) -> Row:
    out: Row = {}
    for unknown, factor in row.items():
        first = _first(unknown, same)
        out[first] = out.get(first, 0) + factor
    return {unknown: factor for unknown, factor in out.items() if factor}


def _eliminated(rows: Iterable[Row], tight: Container[int]) -> set[int]:
    found: set[int] = set()
    pivots: dict[int, Row] = {}
    uses: dict[int, set[int]] = {}
    for given in rows:
        row = given
        for unknown in [one for one in row if one in pivots]:
            row = _without(row, unknown, pivots[unknown])
        free = [unknown for unknown in row if unknown not in tight]
        if not free:
            # Only tight ones are left in it: each is given away by the others.
            found.update(row)
            continue
        pivot = min(free, key=lambda one: (len(uses.get(one, ())), one))
        for other in uses.pop(pivot, set()):
            _forget(pivots[other], other, uses)
            pivots[other] = _without(pivots[other], pivot, row)
            _note(pivots[other], other, uses)
        pivots[pivot] = row
        _note(row, pivot, uses)
    for pivot, row in pivots.items():
        if all(unknown == pivot or unknown in tight for unknown in row):
            found.add(pivot)
    return found


def _without(row: Row, unknown: int, by: Mapping[int, int]) -> Row:
    """The row with a multiple of `by` taken off, so that `unknown` is gone from it."""
    mine, theirs = row[unknown], by[unknown]
    out = {one: factor * theirs for one, factor in row.items()}
    for one, factor in by.items():
        left = out.get(one, 0) - factor * mine
        if left:
            out[one] = left
        else:
            del out[one]
    # Factors of sums stay small, but nothing promises it.
    common = gcd(*out.values()) or 1
    return {one: factor // common for one, factor in out.items()}


def _note(row: Mapping[int, int], pivot: int, uses: dict[int, set[int]]) -> None:
    for unknown in row:
        if unknown != pivot:
            uses.setdefault(unknown, set()).add(pivot)


def _forget(row: Mapping[int, int], pivot: int, uses: dict[int, set[int]]) -> None:
    for unknown in row:
        if unknown != pivot and unknown in uses:
            uses[unknown].discard(pivot)
