"""Records as flat objects, with an account of every leaf that was written or lost."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from gateway.errors import GatewayError, SenderError
from gateway.mapping import Plan, destinations, reader_of, write_back
from gateway.record import Record, Writing, leaves, walk

_NOTHING = object()


class Back:
    """The flat objects that `records` become, read once, in order."""

    def __init__(self, plan: Plan, records: Iterable[Record]) -> None:
        self.plan = plan
        self.lost: set[str] = set()
        """Canonical leaf paths that were not written, complete when the walk has ended."""
        self.count = 0
        """Objects so far."""
        self._records = records
        self._reader = reader_of(plan)
        self._targets = destinations(plan)
        self._awaited = self._leaves()
        self._present: set[str] = set()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for fields in write_back(self.plan, self._watched(), self.lost):
            self.count += 1
            yield fields

    def local_id(self, fields: Mapping[str, Any]) -> str:
        """What the authority numbers the first record of an object with."""
        record = self._reader.read(fields, at="written")[0]
        return str(record["record_id"]).split("/", 1)[1]

    def compare(self, fields: Mapping[str, Any], read: Mapping[str, Any]) -> None:
        """Count as lost what a reader understands otherwise in a notation than in `fields`."""
        written = self._reader.read(fields, at="written")
        try:
            again = self._reader.read(read, at="written")
        except SenderError as error:
            if error.rule == "mapping.no_id":
                raise
            raise GatewayError(
                "the mapping cannot read what it wrote", rule="mapping.not_read_back"
            ) from None
        if len(written) != len(again):
            kept = {record["record_id"]: record for record in again}
            again = [kept.get(record["record_id"], {}) for record in written]
        for old, new in zip(written, again, strict=True):
            if old == new:
                continue
            record_type = old["record_type"]
            self.lost |= {
                f"{record_type}.{leaf.name}"
                for leaf in leaves(record_type).values()
                if leaf.name not in ("record_type", "schema_version")
                and (was := list(walk(old, leaf.path)))
                and was != list(walk(new, leaf.path))
            }

    def tell(self, writing: Writing) -> None:
        """What became of each leaf, after the walk."""
        writing.unrendered |= self.lost
        for path in sorted(self._present - self.lost):
            writing.lineage[path] = self._targets[path]

    def _watched(self) -> Iterator[Record]:
        for record in self._records:
            awaited = self._awaited.get(record["record_type"], {})
            met = [
                name
                for name, path in awaited.items()
                if next(walk(record, path), _NOTHING) is not _NOTHING
            ]
            for name in met:
                del awaited[name]
            self._present.update(met)
            yield record

    def _leaves(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Leaves that the plan can write and that no record has had yet, by record type."""
        return {
            record_type: {
                f"{record_type}.{leaf.name}": leaf.path
                for leaf in leaves(record_type).values()
                if f"{record_type}.{leaf.name}" in self._targets
            }
            for record_type in self.plan.record_types
        }


def listed(objects: Iterable[Mapping[str, Any]], before: bytes, after: bytes) -> Iterator[bytes]:
    """A JSON list of objects, one at a time, between what stands before and after it."""
    yield before + b"["
    comma = b""
    for one in objects:
        yield comma + orjson.dumps(one)
        comma = b","
    yield b"]" + after
