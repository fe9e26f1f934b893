"""Cases with the persons they are about, from records in any order.

A person usually stands beside his or her cases. Records are walked once to see which do not, and
only persons that are needed elsewhere are held, a bounded number of them.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

import orjson

from adapters.leaf_names import leaf_names
from gateway.errors import SenderError
from gateway.marks import Marks
from gateway.record import Record

HELD = 32 << 20
"""Bytes of persons that stand apart from their cases. More of them must stand beside."""

Block = tuple[list[Record], list[Record]]
"""Persons and cases that stand together."""


def _about(record: Record) -> tuple[str, str]:
    if record["record_type"] == "person":
        return "person", record["record_id"]
    if record["record_type"] == "case" and "subject" in record:
        return "person", record["subject"]
    return record["record_type"], ""


class Joined:
    """The pairs of some records. `lost` are leaves of records that belong to no case."""

    def __init__(self, records: Iterable[Record], kind_of: Callable[[Record], str]) -> None:
        self.lost: set[str] = set()
        self._records = records
        self._kind_of = kind_of
        self._apart = Marks()
        self.kinds = self._survey()
        """Of the cases there are."""
        self._held = self._hold() if len(self._apart) else {}

    def pairs(self, kind: str | None = None) -> Iterator[tuple[Record | None, Record]]:
        """Each case of a kind, or each, with its person, or without."""
        for persons, cases in self._blocks():
            for case in cases:
                if kind in (None, self._kind_of(case)):
                    person = persons[0] if persons else self._held.get(case.get("subject", ""))
                    yield person, case

    def _survey(self) -> frozenset[str]:
        kinds: set[str] = set()
        for persons, cases in self._blocks():
            kinds.update(map(self._kind_of, cases))
            if not persons:
                for subject in {case["subject"] for case in cases if "subject" in case}:
                    self._apart.add(subject)
        return frozenset(kinds)

    def _hold(self) -> dict[str, Record]:
        held: dict[str, Record] = {}
        size = 0
        for persons, _ in self._blocks():
            for person in persons:
                if person["record_id"] in self._apart:
                    held[person["record_id"]] = person
                    size += len(orjson.dumps(person))
            if size > HELD:
                raise SenderError(
                    "too many persons apart from their cases: put each beside its case",
                    rule="progres.apart",
                )
        return held

    def alone(self) -> None:
        """Count what belongs to no case as lost."""
        for persons, cases in self._blocks():
            for person in persons:
                if not cases and person["record_id"] not in self._held:
                    self._lose(person)

    def _blocks(self) -> Iterator[Block]:
        for (record_type, _), block in groupby(self._records, key=_about):
            if record_type not in ("person", "case"):
                for record in block:
                    self._lose(record)
                continue
            persons: list[Record] = []
            cases: list[Record] = []
            for record in block:
                (persons if record["record_type"] == "person" else cases).append(record)
            yield persons, cases

    def _lose(self, record: Record) -> None:
        for name in record.keys() - {"record_type"}:
            value = record[name]
            self.lost.update(leaf_names(record["record_type"], name, value))
