"""Which further cells of a table must stay, so that sums give no guarded one away.

The recipient is taken to know every cell that is not kept back, every total, how cells add up,
and that a cell which is kept back is not zero (zeros are never kept back). Guarded cells are safe
when no sum, and no combination of sums, fixes one of them, and no sum leaves fewer than `k`
people to those kept back in it together.

What this does not promise: that a guarded value cannot be narrowed down to a few numbers; what
somebody finds who knows one of the counted groups; and, for tables of three and more axes, what
whole numbers alone (and not sums) rule out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.elimination import determined
from gateway.lattice import too_many

MAX_UNKNOWN = 4_000
"""Cells of one table that are kept back and hang together."""


PATIENCE = 4
"""Rounds in which as little as possible is kept back, before more is, to come to an end."""


@dataclass(slots=True, repr=False)
class Node:
    """A cell, or a total that nobody gave."""

    value: int
    """Its true value; 0 for a total that nobody gave, where it is not looked at."""
    known: bool
    """Whether the recipient knows it."""
    guarded: bool = False
    """Whether nobody may learn it."""
    free: bool = False
    """Whether it may be kept back: it is about to be released, and not zero."""
    given: bool = True
    """Whether it is a figure, and not a total that nobody gave."""


@dataclass(slots=True)
class Sum:
    """Parts, and their total where it is a node."""

    total: int | None
    """None where the recipient knows the total from before."""
    parts: list[int] = field(default_factory=list)

    def nodes(self) -> Iterator[int]:
        """Parts, then the total."""
        yield from self.parts
        if self.total is not None:
            yield self.total


class Sums:
    """A table as nodes and sums."""

    def __init__(self, nodes: Sequence[Node], sums: Sequence[Sum]) -> None:
        self._nodes = nodes
        self._sums = sums
        self._of: dict[int, list[int]] = {}
        for number, one in enumerate(sums):
            for node in one.nodes():
                self._of.setdefault(node, []).append(number)
        self._left = [[n for n in one.nodes() if not nodes[n].known] for one in sums]
        """The unknown nodes of each sum."""

    def protect(self, k: int) -> tuple[list[int], set[int]]:
        """The nodes to keep back as well, and the guarded ones that nothing could save.

        What cannot be saved could be found before this transfer, from what was released earlier.
        Each round keeps back at least one more, so it ends; ties go to the node that came first.
        """
        chosen: list[int] = []
        lost: set[int] = set()
        rounds = 0
        while exposed := self._exposed(k) - lost:
            rounds += 1
            found = list(dict.fromkeys(self._choose(exposed, patient=rounds <= PATIENCE)))
            for node in found:
                self._nodes[node].known = False
                for number in self._of[node]:
                    self._left[number].append(node)
            chosen += found
            if not found:
                lost |= exposed
        return chosen, {node for node in lost if self._anchored(node)}

    def _anchored(self, node: int) -> bool:
        """Whether anything but zero is known in what a node hangs together with. Where nothing
        is, all of it could as well be twice as much."""
        return any(
            self._sums[number].total is None
            or any(
                self._nodes[one].known and self._nodes[one].value
                for one in self._sums[number].nodes()
            )
            for number in self._reached([node])
        )

    # -- what is exposed -----------------------------------------------------------------------

    def _exposed(self, k: int) -> set[int]:
        unknown = {one: self._left[one] for one in self._open()}
        solved = self._subtracted(unknown)
        found = {node for node in solved if self._nodes[node].guarded}
        found |= self._thin(unknown, solved, k)
        for rows in self._apart(unknown, solved):
            size = len({node for row in rows for node in row})
            if size > MAX_UNKNOWN:
                raise too_many()
            tight = {
                node
                for row in rows
                for node in row
                if self._nodes[node].given and self._nodes[node].value == 1
            }
            given_away = determined(rows, tight)
            found |= {node for node in given_away if self._nodes[node].guarded}
        return found

    def _open(self) -> list[int]:
        """The sums that some unknown figure is in, or hangs together with."""
        fresh = [node for node, one in enumerate(self._nodes) if not one.known and one.given]
        return sorted(self._reached(fresh))

    def _reached(self, nodes: Iterable[int]) -> set[int]:
        """The sums that unknown nodes are in, and whatever unknown is in those."""
        fresh = list(nodes)
        met = set(fresh)
        sums: set[int] = set()
        while fresh:
            for number in self._of.get(fresh.pop(), ()):
                if number not in sums:
                    sums.add(number)
                    more = [node for node in self._left[number] if node not in met]
                    met.update(more)
                    fresh += more
        return sums

    def _subtracted(self, unknown: dict[int, list[int]], *, given: bool = True) -> set[int]:
        """What is found by one subtraction after the other; without `given`, of totals only."""
        left = {number: set(found) for number, found in unknown.items()}
        ready = [number for number, found in left.items() if len(found) == 1]
        solved: set[int] = set()
        while ready:
            for node in set(left[ready.pop()]):
                if node in solved or (self._nodes[node].given and not given):
                    continue
                solved.add(node)
                for number in self._of[node]:
                    left[number].discard(node)
                    if len(left[number]) == 1:
                        ready.append(number)
        return solved

    def _thin(self, unknown: dict[int, list[int]], solved: set[int], k: int) -> set[int]:
        """Guarded nodes of sums that leave fewer than `k` people to what is unknown in them."""
        found: set[int] = set()
        for number, nodes in unknown.items():
            left = [node for node in nodes if node not in solved]
            if self._sums[number].total in left or not all(self._nodes[n].given for n in left):
                continue
            if sum(self._nodes[node].value for node in left) < k:
                found |= {node for node in left if self._nodes[node].guarded}
        return found

    def _apart(
        self, unknown: dict[int, list[int]], solved: set[int]
    ) -> Iterator[list[dict[int, int]]]:
        """The sums that are left, those that hang together at a time."""
        rows: dict[int, dict[int, int]] = {}
        for number, nodes in unknown.items():
            total = self._sums[number].total
            row = {node: -1 if node == total else 1 for node in nodes if node not in solved}
            if row:
                rows[number] = row
        while rows:
            fresh = [next(iter(rows))]
            together: list[dict[int, int]] = []
            while fresh:
                number = fresh.pop()
                if number in rows:
                    row = rows.pop(number)
                    together.append(row)
                    fresh += [n for node in row for n in self._of[node] if n in rows]
            yield together

    # -- what to keep back as well -------------------------------------------------------------

    def _choose(self, exposed: set[int], *, patient: bool) -> list[int]:
        chosen: list[int] = []
        met: set[int] = set()
        for node in sorted(exposed):
            if node in met:
                continue
            sums = sorted(self._reached([node]))
            together = {one for number in sums for one in self._left[number]}
            met |= together
            guarded = exposed & together
            closing = self._closing(sums)
            if not closing or not patient:
                closing += [node for node in self._nearest(guarded, sums) if node not in closing]
            chosen += closing
        return chosen

    def _closing(self, sums: Sequence[int]) -> list[int]:
        """One more node for each sum in which only one is unknown, as few as can be seen."""
        unknown = {number: self._left[number] for number in sums}
        totals = self._subtracted(unknown, given=False)
        single = {number for number in sums if len({*unknown[number]} - totals) == 1}
        chosen: list[int] = []
        for number in sorted(single):
            best = self._best([number], single) if number in single else None
            if best is not None:
                chosen.append(best)
                single.difference_update(self._of[best])
        return chosen

    def _nearest(self, exposed: set[int], sums: Sequence[int]) -> list[int]:
        """One more node in each sum an exposed one is in; or in any that hangs together with it."""
        own = [number for number in sums if not exposed.isdisjoint(self._left[number])]
        found = {self._best([number], set()) for number in own} - {None}
        if not found:
            found = {self._best(sums, set())} - {None}
        return sorted(node for node in found if node is not None)

    def _best(self, sums: Iterable[int], single: set[int]) -> int | None:
        """The cell to keep back: leaves the fewest sums to close, is no total, is smallest, came
        first."""
        ranked = [
            (
                self._opened(node, single),
                node == self._sums[number].total,
                self._nodes[node].value,
                node,
            )
            for number in sums
            for node in self._sums[number].nodes()
            if self._nodes[node].free and self._nodes[node].known
        ]
        return min(ranked)[-1] if ranked else None

    def _opened(self, node: int, single: set[int]) -> int:
        """How many more sums would have only one unknown, less those that had."""
        closed = sum(number in single for number in self._of[node])
        return sum(not self._left[number] for number in self._of[node]) - closed
