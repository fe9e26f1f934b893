"""One table of a transfer: cells of one record type and measure, what they add up to, and what the
recipient was told, or denied, of them before."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple, Protocol

import orjson

from gateway.complement import Node, Sum, Sums
from gateway.figures import Chain, Figure, axes
from gateway.lattice import Key, Lattice, lattice

SMALL, COMPLEMENTARY, DIFFERENCING = "small_cell", "complementary", "differencing"
"""Why a figure stayed."""

Asked = tuple[str, Key, int]
"""A sum by the name of its axis, its total and the level of its parts."""


class Row(NamedTuple):
    """One thing to remember of a release: that a cell is part of a sum, or the cell itself."""

    line: bytes
    """Mark of the sum, or of the cell itself."""
    cell: bytes
    value: int
    released: bool
    """False where it was kept back: it takes part in sums, and the recipient does not know it."""


class Known(Protocol):
    """What one recipient was given, or denied, in the last twelve months."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing yet, so that nothing needs to be asked."""

    def rows(self, lines: Collection[bytes]) -> Iterable[Row]:
        """Every row with one of these lines."""


@dataclass(slots=True, repr=False)
class Cell:
    """One figure of the transfer."""

    number: int
    figure: Figure
    hidden: bool
    """Policy has kept it back already."""
    reason: str = ""
    before: int | None = None
    """The number the recipient has from before."""
    mark: bytes = b""

    @property
    def told(self) -> bool:
        """Whether the recipient knows this very number, or it is zero, which is no secret."""
        return self.before == self.figure.value or not self.figure.value


@dataclass(slots=True)
class _Earlier:
    """What earlier releases say about the sums of this table."""

    totals: set[Key] = field(default_factory=set)
    """Totals that the recipient knows and that are not in this transfer."""
    parts: list[tuple[Asked, Row]] = field(default_factory=list)
    """Cells that were kept back and are not in this transfer."""


class Group:
    """Cells that may add up: of one record type, measure, and everything that is fixed."""

    def __init__(self, record_type: str, what: list[str], cells: list[Cell], key: bytes) -> None:
        self._record_type, self._what, self._cells, self._key = record_type, what, cells, key
        chains = _told_apart([cell.figure.axes for cell in cells])
        self._lattice: Lattice = lattice(chains)
        self._keys: list[Key] = [self._lattice.key(one) for one in chains]
        for cell, one in zip(cells, self._keys, strict=True):
            cell.mark = self._mark(one)
        self._earlier = _Earlier()

    def protect(self, k: int, known: Known | None) -> int:
        """Say of each cell why it stays, if it does; how many cannot be protected any more."""
        if known is not None and not known.empty:
            self._ask(known)
        for cell in self._cells:
            if cell.hidden or 0 < cell.figure.value < k:
                cell.reason = SMALL
            elif cell.before is not None and 0 < abs(cell.before - cell.figure.value) < k:
                cell.reason = DIFFERENCING
        if not self._earlier.parts and not any(
            cell.reason and not cell.told for cell in self._cells
        ):
            return 0
        nodes, sums = self._sums(k)
        chosen, lost = Sums(nodes, sums).protect(k)
        for node in chosen:
            self._cells[node].reason = COMPLEMENTARY
        return len(lost)

    def rows(self) -> Iterator[Row]:
        """What is to be remembered of it."""
        for cell, key in zip(self._cells, self._keys, strict=True):
            released = not cell.reason
            if not released and (cell.before is not None or cell.told):
                continue  # what the recipient has from before is still so
            yield Row(cell.mark, cell.mark, cell.figure.value, released)
            for axis, total, level in self._lattice.lines(key):
                line = self._mark(total, (self._lattice.axes[axis], level))
                yield Row(line, cell.mark, cell.figure.value, released)

    # -- sums ----------------------------------------------------------------------------------

    def _sums(self, k: int) -> tuple[list[Node], list[Sum]]:
        """The table as nodes, cells first, and the sums they are in."""
        nodes = [_node(cell, k) for cell in self._cells]
        ids = {key: number for number, key in enumerate(self._keys)}
        for key in self._lattice.closed(self._keys)[len(ids) :]:
            ids[key] = len(nodes)
            nodes.append(Node(0, known=False, given=False))
        found: dict[Asked, Sum] = {}
        for key, node in ids.items():
            for axis, total, level in self._lattice.lines(key):
                if total in ids or total in self._earlier.totals:
                    asked = (self._lattice.axes[axis], total, level)
                    found.setdefault(asked, Sum(ids.get(total))).parts.append(node)
        foreign: dict[bytes, int] = {}
        for asked, row in self._earlier.parts:
            if row.cell not in foreign:
                foreign[row.cell] = len(nodes)
                nodes.append(Node(row.value, known=False, guarded=0 < row.value < k))
            found.setdefault(asked, Sum(ids.get(asked[1]))).parts.append(foreign[row.cell])
        return nodes, list(found.values())

    # -- what went before ----------------------------------------------------------------------

    def _ask(self, known: Known) -> None:
        own = {cell.mark: cell for cell in self._cells}
        for row in known.rows(own.keys()):
            if row.released and row.line == row.cell:
                own[row.cell].before = row.value
        above = {
            self._mark(total): total
            for key in self._keys
            for _, total, _ in self._lattice.lines(key)
        }
        above = {mark: total for mark, total in above.items() if mark not in own}
        for row in known.rows(above.keys()):
            if row.released and row.line == row.cell:
                self._earlier.totals.add(above[row.line])
        lines = {self._mark(asked[1], (asked[0], asked[2])): asked for asked in self._askable()}
        for row in known.rows(lines.keys()):
            if not row.released and row.cell not in own:
                self._earlier.parts.append((lines[row.line], row))

    def _askable(self) -> Iterator[Asked]:
        """Every sum whose total is in this transfer, or known from before."""
        schema = axes(self._record_type)
        levels = {axis: schema.get(axis, (0,)) for axis in {*schema, *self._lattice.axes}}
        for key in {*self._keys, *self._earlier.totals}:
            said = dict(zip(self._lattice.axes, key, strict=True))
            for axis, possible in levels.items():
                element = said.get(axis)
                for level in possible:
                    if element is None or level > element[0] or level < 0:
                        yield axis, key, level

    def _mark(self, key: Key, line: tuple[str, int] | None = None) -> bytes:
        said = [
            [axis, *element]
            for axis, element in zip(self._lattice.axes, key, strict=True)
            if element is not None
        ]
        content = orjson.dumps([self._record_type, self._what, said, line])
        return blake2b(content, digest_size=16, key=self._key).digest()


def _node(cell: Cell, k: int) -> Node:
    secret = bool(cell.reason) and not cell.told
    small = 0 < cell.figure.value < k or cell.reason == DIFFERENCING
    free = not cell.reason and not cell.told
    return Node(cell.figure.value, known=not secret, guarded=secret and small, free=free)


def _told_apart(cells: list[Mapping[str, Chain]]) -> list[Mapping[str, Chain]]:
    """Coordinates with a number of their own where several cells have the same.

    As after a place was coarsened: each row is one part of what the place has.
    """
    names = [tuple(sorted((axis, chain[-1]) for axis, chain in one.items())) for one in cells]
    times = Counter(names)
    seen: Counter[object] = Counter()
    found: list[Mapping[str, Chain]] = []
    for name, one in zip(names, cells, strict=True):
        if times[name] > 1:
            seen[name] += 1
            one = {**one, "#": ((0, str(seen[name])),)}
        found.append(one)
    return found
