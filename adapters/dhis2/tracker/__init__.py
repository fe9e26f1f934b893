"""DHIS2 tracker: people, their enrollments in programs, and the events in them.

    {"trackedEntities": [{"trackedEntity": "...", "attributes": [...], "enrollments": [...]}]}
    {"trackedEntities": [...], "enrollments": [...], "events": [...], "relationships": [...]}

What an attribute or a data element means stands in each server's metadata; a mapping says it by
uid. Which object becomes the first record a mapping says too, by where it takes the id from:
`event`, `enrollment`, or anything else for tracked entities. `flats.py` names the paths.

Read: nested and flat bodies, pages and single objects of the API since version 2.36, a line for
each, and events as CSV. Not read: names of older versions, the shape servers keep inside, and
templates nobody filled in. What only a server may say (`createdAt`, `storedBy`, ...) is read and
never written. What all objects of a mapping share and no record says, its `form.id` does: the
trackedEntityType, the program of enrollments, or `program/programStage` of events.
"""

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import BinaryIO, ClassVar

from adapters.dhis2.tracker import answers, event_rows, trees
from adapters.dhis2.tracker.bodies import Bodies, flat_lists
from adapters.dhis2.tracker.flats import Flat, Flats
from adapters.dhis2.tracker.kinds import ENROLLMENT, ENTITY, EVENT, KINDS, unit_of
from adapters.dhis2.tracker.trees import Tree
from adapters.flat.back import Back, listed
from adapters.flat.reading import Found, needed, records_of
from gateway.adapter import Outcome
from gateway.errors import SenderError
from gateway.mapping import Plan, reader_of
from gateway.record import Reading, Record, Writing


class Dhis2Tracker:
    """Writes the nested body of `POST /api/tracker`. Needs a mapping in both directions."""

    name: ClassVar[str] = "dhis2.tracker"
    version: ClassVar[str] = "1"
    media_type: ClassVar[str] = "application/json"
    record_types: ClassVar[frozenset[str] | None] = None

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """JSON, or events as CSV, told apart by the first character."""
        plan = needed(mapping, self.name)
        flats = Flats(plan, reader_of(plan).names, unit_of(plan))
        yield from records_of(_found(content, flats, reading), plan, reading, called="object")

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        writer = _Writer(needed(mapping, self.name), records)
        yield from self._written(writer)
        writer.back.tell(writing)

    def outcomes(self, answer: bytes, sent: int) -> list[Outcome]:
        """Without the body only what holds for all is sure: `answers.outcomes` takes its uids."""
        return answers.outcomes(answer, sent)

    def outcomes_of(self, answer: bytes, sent: int, body: bytes) -> list[Outcome]:
        """Reports name objects by their uids."""
        return answers.outcomes(answer, sent, answers.numbered(body))

    def _written(self, writer: "_Writer") -> Iterator[bytes]:
        yield from listed(writer, b'{"%s":' % writer.unit.list.encode(), b"}")


class Dhis2TrackerFlat(Dhis2Tracker):
    """Writes the flat body, in which every kind has its own list. Reads the records four times."""

    name = "dhis2.tracker.flat"

    def _written(self, writer: "_Writer") -> Iterator[bytes]:
        before = b"{"
        for number, kind in enumerate(KINDS):
            trees = writer if number == 0 else writer.again()
            ones = (one for tree in trees for one in flat_lists(tree, writer.unit)[kind.list])
            yield from listed(ones, b'%s"%s":' % (before, kind.list.encode()), b"")
            before = b","
        yield b"}"


class Dhis2TrackerCsv(Dhis2Tracker):
    """Writes events as CSV: the mapping must take its ids from events."""

    name = "dhis2.tracker.csv"
    media_type = "text/csv"

    def _written(self, writer: "_Writer") -> Iterator[bytes]:
        if writer.unit is not EVENT:
            raise SenderError(
                "CSV holds events, and the mapping's first record is none",
                rule="mapping.no_events",
            )
        yield from event_rows.written(writer.kept(event_rows.kept))


def _found(content: BinaryIO, flats: Flats, reading: Reading) -> Iterator[Found]:
    start = content.read(256).removeprefix(b"\xef\xbb\xbf").lstrip()
    content.seek(0)
    if start[:1] in (b"{", b"[", b""):
        found = trees.read(content, reading)
    else:
        found = _events(content, reading)
    for tree, at in found:
        for flat in flats.of(tree, reading, at):
            yield Found(flat, (), at)


def _events(content: BinaryIO, reading: Reading) -> Iterator[tuple[Tree, str]]:
    for event, at in event_rows.read(content):
        for tree in trees.trees({EVENT.list: [event]}, reading, at):
            yield tree, at


class _Writer:
    """Records as the objects of the mapping's unit, with an account of every leaf."""

    def __init__(self, plan: Plan, records: Iterable[Record]) -> None:
        self.unit = unit_of(plan)
        self.back = Back(plan, records)
        self._plan = plan
        self._records = records
        self._bodies = Bodies(plan, self.unit)
        self._flats = Flats(plan, reader_of(plan).names, self.unit)

    def __iter__(self) -> Iterator[Tree]:
        return self.kept(lambda one: one)

    def kept(self, kept: Callable[[Tree], Tree]) -> Iterator[Tree]:
        """The objects as a notation holds them. What it cannot hold is told at the end."""
        for number, fields in enumerate(self.back, 1):
            at = f"record {number}"
            one = kept(self._bodies.of(fields, at))
            again = self._read(one, at)
            if any(again.get(key) != value for key, value in fields.items()):
                self.back.compare(fields, again)
            yield one

    def again(self) -> Iterator[Tree]:
        """The same objects from the start, without an account."""
        for number, fields in enumerate(Back(self._plan, self._records), 1):
            yield self._bodies.of(fields, f"record {number}")

    def _read(self, one: Tree, at: str) -> Flat:
        """What a reader understands of an object."""
        (found,) = trees.trees({self.unit.list: [deepcopy(one)]}, Reading(), at)
        if self.unit is ENTITY:
            return self._flats.entity(found, at)
        (enrollment,) = found["enrollments"]
        inner = enrollment if self.unit is ENROLLMENT else enrollment["events"][0]
        return self._flats.single(inner, at)
