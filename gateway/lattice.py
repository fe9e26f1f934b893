"""A table of figures as sums: which cell is the total of which others, axis by axis.

A cell is the finest value it has on each axis, or none where it is a total over the axis. Places
lie in larger ones, ranges in wider ones. Totals that nobody gave are cells too, for two sums may
share them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.errors import SenderError
from gateway.figures import RANGE, Chain, Element, span

Key = tuple[Element | None, ...]
"""What a cell counts: one value for each axis, None for a total."""

Line = tuple[int, Key, int]
"""A sum: the axis it runs along, the cell that is its total, and the level of its parts."""

MAX_KEYS = 400_000
"""Cells and totals nobody gave, in one table."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """The axes of one table, and what lies in what."""

    axes: tuple[str, ...]
    parents: tuple[Mapping[Element, Element | None], ...]
    """For each axis, a value to the next coarser one that occurs."""

    def key(self, chains: Mapping[str, Chain]) -> Key:
        """Which cell has these coordinates."""
        return tuple(chains[axis][-1] if axis in chains else None for axis in self.axes)

    def above(self, key: Key, axis: int) -> Iterator[Key]:
        """The totals a cell goes into along one axis, the smallest first."""
        element = key[axis]
        while element is not None:
            element = self.parents[axis].get(element)
            yield (*key[:axis], element, *key[axis + 1 :])

    def lines(self, key: Key) -> Iterator[Line]:
        """Every sum that a cell is a part of."""
        for axis, element in enumerate(key):
            if element is not None:
                for total in self.above(key, axis):
                    yield axis, total, element[0]

    def closed(self, keys: Sequence[Key]) -> list[Key]:
        """The cells, then the totals between them that nobody gave.

        Only along axes on which some cell is a total of others; raises `SenderError`
        (`cells.too_many`) where they are more than can be looked at.
        """
        floors = [self._floor(axis, keys) for axis in range(len(self.axes))]
        found = dict.fromkeys(keys)
        fresh = list(found)
        while fresh:
            key = fresh.pop()
            for axis, floor in enumerate(floors):
                if floor is None or self._depth(axis, key[axis]) <= floor:
                    continue
                total = next(self.above(key, axis))
                if total not in found:
                    found[total] = None
                    fresh.append(total)
            if len(found) > MAX_KEYS:
                raise too_many()
        return list(found)

    def _depth(self, axis: int, element: Element | None) -> int:
        depth = 0
        while element is not None:
            element = self.parents[axis].get(element)
            depth += 1
        return depth

    def _floor(self, axis: int, keys: Iterable[Key]) -> int | None:
        depths = {self._depth(axis, one) for one in {key[axis] for key in keys}}
        return min(depths) if len(depths) > 1 else None


def too_many() -> SenderError:
    """More figures in one transfer than can be protected together."""
    return SenderError("more figures than can be protected in one transfer", rule="cells.too_many")


def lattice(cells: Iterable[Mapping[str, Chain]]) -> Lattice:
    """The lattice of cells with these coordinates."""
    parents: dict[str, dict[Element, Element | None]] = {}
    for chains in cells:
        for axis, chain in chains.items():
            known = parents.setdefault(axis, {})
            above: Element | None = None
            for element in chain:
                # Where two cells disagree about a place, the one that says more counts.
                known[element] = known.get(element) or above
                above = element
    for known in parents.values():
        _nest(known)
    axes = tuple(sorted(parents))
    return Lattice(axes, tuple(parents[axis] for axis in axes))


def _nest(parents: dict[Element, Element | None]) -> None:
    """Put each range into the narrowest that holds it: `0-4` into `0-17`."""
    spans = {element: span(element[1]) for element in parents if element[0] == RANGE}
    ends = sorted(
        (high - low, low, high, element)
        for element, found in spans.items()
        if found is not None
        for low, high in [found]
        if low <= high
    )
    for place, (width, low, high, element) in enumerate(ends):
        holds = (
            wider
            for size, start, end, wider in ends[place + 1 :]
            if start <= low and high <= end and (size > width or end > high or start < low)
        )
        parents[element] = next(holds, None)
