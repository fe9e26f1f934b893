"""Figures that would give away others stay: small ones, and what they could be computed from.

Policy says below which number a figure does not leave (`k`), and drops what it can see is small.
Here every figure of what is left is looked at: each below `k` stays (`small_cell`), each that
differs too little from what the same recipient got before (`differencing`), and as many further
ones as it takes so that no sum gives one of those away (`complementary`; see `complement`).
Figures released to the same recipient during the last twelve months count as known to it.

What is remembered of a release are marks: keyed hashes of coordinates, which say nothing to
whoever does not hold the key, with the number. The marks of two recipients have different keys.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from gateway.cell_group import Cell, Group, Known, Row
from gateway.figures import Figure, counted, figures
from gateway.lattice import too_many
from gateway.places import Places
from gateway.record import Record

__all__ = ["Known", "Row", "Table", "table"]

MAX_CELLS = 20_000
"""Figures in one transfer."""


class Limits(Protocol):
    """What policy sets for a class."""

    @property
    def k(self) -> int:
        """A figure about fewer people does not leave; 0 is no limit."""


class Ruling(Protocol):
    """What a decision says of one class."""

    @property
    def allows(self) -> bool:
        """Whether records of this class may leave at all."""

    @property
    def limits(self) -> Limits:
        """For figures."""


def table(
    rulings: Mapping[tuple[str, Any], Ruling], *, known: Known | None, key: bytes, places: Places
) -> "Table | None":
    """The table for one transfer; None where no figure has a limit.

    Classes of one record type add up to one table, so the strictest `k` holds for all of them.
    `key` belongs to one recipient, and must stay for as long as rows are remembered.
    """
    strictest: dict[str, int] = {}
    for (record_type, _), ruling in rulings.items():
        if ruling.allows and ruling.limits.k and counted(record_type):
            strictest[record_type] = max(ruling.limits.k, strictest.get(record_type, 0))
    return Table(strictest, known, key, places) if strictest else None


class Table:
    """The figures of one transfer. Made for `minimize`, which shows it every record."""

    def __init__(
        self, limits: Mapping[str, int], known: Known | None, key: bytes, places: Places
    ) -> None:
        self._limits, self._known, self._key, self._places = limits, known, key, places
        self._groups: dict[tuple[str, str, tuple[str, ...]], list[Cell]] = {}
        self._out: dict[int, list[Figure]] = {}
        self._rows: list[Callable[[], Iterator[Row]]] = []
        self._number = self._cells = 0
        self.suppressed: Counter[str] = Counter()
        """Reason to the number of figures that stayed because of it."""
        self.unprotected = 0
        """Figures kept back that were to be computed from earlier releases already."""

    def see(self, record: Record, hidden: Mapping[str, Any]) -> None:
        """The next record that leaves, and the figures of it that policy found too small."""
        record_type = record["record_type"]
        if record_type in self._limits:
            for one in figures({**record, **hidden} if hidden else record, self._places):
                group = (record_type, one.measure, one.fixed)
                cell = Cell(self._number, one, one.field in hidden)
                self._groups.setdefault(group, []).append(cell)
                self._cells += 1
            if self._cells > MAX_CELLS:
                raise too_many()
        self._number += 1

    def settle(self) -> None:
        """Every record was seen: decide what stays."""
        for (record_type, measure, fixed), cells in self._groups.items():
            group = Group(record_type, [measure, *fixed], cells, self._key)
            self.unprotected += group.protect(self._limits[record_type], self._known)
            for cell in cells:
                if cell.reason:
                    self.suppressed[cell.reason] += 1
                    if not cell.hidden:
                        self._out.setdefault(cell.number, []).append(cell.figure)
            self._rows.append(group.rows)

    def less(self, number: int, record: Record) -> Record:
        """The record of that number without the figures that stay."""
        out = self._out.get(number)
        if out is None:
            return record
        less = dict(record)
        for one in out:
            if one.item is None:
                less[one.field] = _cut(less[one.field], one.leaf)
            else:
                items = list(less[one.field])
                items[one.item] = _cut(items[one.item], one.leaf)
                less[one.field] = items
        return {name: value for name, value in less.items() if value is not None}

    def rows(self) -> Iterator[Row]:
        """What is to be remembered once the transfer has left. A newer row replaces an older one
        of the same line and cell."""
        for make in self._rows:
            yield from make()


def _cut(value: Any, leaf: str) -> Any:
    """The value without one leaf; None for a leaf itself."""
    if not isinstance(value, Mapping):
        return None
    return {name: part for name, part in value.items() if name != leaf}
