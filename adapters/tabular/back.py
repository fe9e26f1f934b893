"""Records as rows of a flat table, with an account of every leaf that was written or lost."""

from collections.abc import Iterable, Iterator
from typing import Any

from gateway.errors import GatewayError
from gateway.mapping import Plan, write_back
from gateway.mapping.nodes import values_of
from gateway.mapping.trace import leaves_of
from gateway.record import Record, Writing, leaves, structural, walk

_NOTHING = object()


class Back:
    """The rows that `records` become: one for each record of the mapping's first type."""

    def __init__(self, plan: Plan, records: Iterable[Record]) -> None:
        self.columns = columns(plan)
        """Source paths in the order of the mapping's lines: the id first."""
        self._plan = plan
        self._records = records
        self._lost: set[str] = set()
        self._targets = targets(plan)
        self._present: dict[str, None] = {}
        root = plan.record_types[0]
        self._awaited = {
            leaf: leaves(root)[leaf].path
            for leaf in leaves(root)
            if f"{root}.{leaf}" in self._targets
        }

    def table(self) -> Iterator[list[Any]]:
        """The header, then the rows."""
        yield list(self.columns)
        yield from self.rows()

    def rows(self) -> Iterator[list[Any]]:
        """A cell for each column, `""` where the record has nothing."""
        known = set(self.columns)
        for found in write_back(self._plan, self._watched(), self._lost):
            # Repeats have no place in a row; what they held is among the lost.
            flat = {key: cell for key, cell in found.items() if not isinstance(cell, list)}
            if not known.issuperset(flat):
                raise GatewayError("a column without a header", rule="mapping.not_read_back")
            yield [flat.get(column, "") for column in self.columns]

    def tell(self, writing: Writing) -> None:
        """What became of each leaf, after the walk."""
        writing.unrendered |= self._lost
        for path in self._present:
            if path not in self._lost:
                writing.lineage[path] = self._targets[path]

    def _watched(self) -> Iterator[Record]:
        root, *members = self._plan.record_types
        for record in self._records:
            if record["record_type"] in members:
                self._lost |= _names(record)
                continue
            if record["record_type"] == root:
                for leaf, path in list(self._awaited.items()):
                    if next(walk(record, path), _NOTHING) is not _NOTHING:
                        del self._awaited[leaf]
                        self._present[f"{root}.{leaf}"] = None
            yield record


def columns(plan: Plan) -> tuple[str, ...]:
    """The source paths that a row is written to, in the order of the mapping's lines."""
    root = plan.made[0]
    ids = root.ids if root.every else root.ids[:1]
    own = [value.sources[0] for value, level in values_of(root.body, None) if level is None]
    slots = [source.slot for source in (*ids, *own)]
    return tuple(dict.fromkeys(slot.removeprefix("*/") for slot in slots))


def targets(plan: Plan) -> dict[str, str]:
    """Canonical leaf path to the columns that hold it; `constant` where the mapping says it."""
    root = plan.record_types[0]
    known = set(columns(plan))
    found = {f"{root}.record_id": plan.targets()[f"{root}.record_id"]}
    for leaf, slots in leaves_of(plan, root):
        keys = [slot.removeprefix("*/") for _, slot in slots]
        written = [*found.get(f"{root}.{leaf}", "").split(" | "), *filter(known.__contains__, keys)]
        found[f"{root}.{leaf}"] = " | ".join(filter(None, dict.fromkeys(written))) or "constant"
    return found


def _names(record: Record) -> set[str]:
    """Leaf paths of everything a record has, but what says which type it is."""
    record_type = record["record_type"]
    return {
        f"{record_type}.{leaf.name}"
        for leaf in leaves(record_type).values()
        if not (leaf.path[0] in structural(record_type) and leaf.spec.get("type") != "object")
        and next(walk(record, leaf.path), _NOTHING) is not _NOTHING
    }
