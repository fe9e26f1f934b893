"""What is asked of records once they are read, before anyone decides about them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any

import orjson

from gateway.errors import SenderError
from gateway.faults import ANSWERED, Enough, Faults
from gateway.marks import Marks, mark
from gateway.record import RECORD_TYPES, Reading, Record, check, validator

Parse = Callable[[Reading], Iterator[Record]]
"""Reads the payload from its start, and tells what it found."""

Walk = Callable[[], Iterator[Record]]
"""Reads the payload from its start."""

Class = tuple[str, tuple[Any, ...]]
ClassOf = Callable[[Record], Class]
Pair = tuple[Record, Class]

MAX_CLASSES = 1_000
"""Different classes in one payload. Policy is asked once for each; real payloads have a dozen."""

MAX_REPEATED = 100_000
"""Ids that may stand more than once in a payload too large to be held."""


@dataclass(frozen=True, slots=True)
class Received:
    """Valid records, each id once, each with the class it belongs to.

    Walked as often as needed: out of memory where the payload is small, else by reading it
    again, so that the memory needed does not grow with the payload.
    """

    walk: Callable[[], Iterator[Pair]]
    held: bool
    """Whether a walk costs nothing."""
    count: int
    twice: int
    """Records that came a second time exactly alike, and are carried once."""
    present: Mapping[Class, set[str]]
    """Fields that some record of a class has."""
    counts: Mapping[str, int]
    """Records by type."""

    def __iter__(self) -> Iterator[Pair]:
        return self.walk()


def read(
    parse: Parse,
    reading: Reading,
    class_of: ClassOf,
    *,
    hold: bool,
    lenient: bool = False,
    itemise: bool = True,
) -> Received:
    """`receive`, where `reading` is told of the first walk only.

    With `lenient`, records that are not sound are left out, and `reading.faults` lists them.
    Else the error that is raised lists the first of them, found by another walk.
    """
    if lenient:
        reading.faults = Faults()
    tell = [reading]

    def walk() -> Iterator[Record]:
        told = tell.pop() if tell else Reading(faults=Faults() if lenient else None)
        found = parse(told)
        yield from found if told.faults is None else _sound(found, told.faults)

    try:
        return receive(walk, class_of, hold=hold)
    except SenderError as error:
        if itemise:
            error.faults = _itemised(parse)
        raise


def _sound(records: Iterator[Record], faults: Faults) -> Iterator[Record]:
    """Those that follow their schema. Readers that know objects have looked already, and count."""
    for number, record in enumerate(records, 1):
        if faults.position:
            yield record
            continue
        try:
            _check(record, number)
        except SenderError as error:
            faults.alone(error, number)
        else:
            yield record


def _itemised(parse: Parse) -> tuple[dict[str, Any], ...]:
    """The first records that are not sound. A payload that breaks off ends the list."""
    faults = Faults(ANSWERED, ends=True)
    try:
        for _ in _sound(parse(Reading(faults=faults)), faults):
            pass
    except SenderError as error:
        if faults.count:
            faults.broken(error)
    except Enough:
        pass
    return tuple(faults.first)


def receive(walk: Walk, class_of: ClassOf, *, hold: bool) -> Received:
    """Look at every record once. Raises `SenderError` with the place of what is not allowed.

    Vendors send at least once, so the same record twice is ordinary. The same id with other
    content is not: which one is true cannot be known here (`record.conflict`).
    """
    received = (_hold if hold else _stream)(walk, class_of)
    if not received.count:
        raise SenderError("there is no record in it", rule="record.none")
    return received


def _hold(walk: Walk, class_of: ClassOf) -> Received:
    seen: dict[str, Record] = {}
    present: dict[Class, set[str]] = {}
    pairs: list[Pair] = []
    counts: Counter[str] = Counter()
    twice = 0
    for position, record in enumerate(walk(), 1):
        _check(record, position)
        first = seen.setdefault(record["record_id"], record)
        if first is not record:
            if first != record:
                raise _conflict(position)
            twice += 1
            continue
        counts[record["record_type"]] += 1
        pairs.append((record, _classed(record, class_of, present)))
    return Received(lambda: iter(pairs), True, len(pairs), twice, present, counts)


def _stream(walk: Walk, class_of: ClassOf) -> Received:
    marks = Marks()
    present: dict[Class, set[str]] = {}
    counts: Counter[str] = Counter()  # of what came twice, both
    for position, record in enumerate(walk(), 1):
        _check(record, position)
        counts[record["record_type"]] += 1
        marks.add(record["record_id"])
        _classed(record, class_of, present)
    repeated = marks.repeated()
    twice = _compare(walk, repeated) if repeated else 0
    again = partial(_once, walk, class_of, repeated)
    return Received(again, False, len(marks) - twice, twice, present, counts)


def _check(record: Record, position: int) -> None:
    record_type = record.get("record_type", "")
    if record_type not in RECORD_TYPES or not validator(record_type).is_valid(record):
        check(record, at=f"record {position}")
        raise SenderError("not a record", rule="schema.record_type", at=f"record {position}")


def _classed(record: Record, class_of: ClassOf, present: dict[Class, set[str]]) -> Class:
    one = class_of(record)
    fields = present.get(one)
    if fields is None:
        if len(present) >= MAX_CLASSES:
            raise SenderError("too many different kinds of records", rule="record.classes")
        fields = present[one] = set()
    fields.update(record)
    return one


def _compare(walk: Walk, repeated: frozenset[int]) -> int:
    """How many records came twice alike, among those whose mark did."""
    seen: dict[str, bytes] = {}
    twice = 0
    for position, record in enumerate(walk(), 1):
        record_id = record["record_id"]
        if mark(record_id) not in repeated:
            continue
        said = blake2b(orjson.dumps(record, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
        if record_id not in seen:
            if len(seen) >= MAX_REPEATED:
                raise SenderError("too many records came twice", rule="record.repeats")
            seen[record_id] = said
        elif seen[record_id] != said:
            raise _conflict(position)
        else:
            twice += 1
    return twice


def _once(walk: Walk, class_of: ClassOf, repeated: frozenset[int]) -> Iterator[Pair]:
    seen: set[str] = set()
    for record in walk():
        record_id = record["record_id"]
        if repeated and mark(record_id) in repeated:
            if record_id in seen:
                continue
            seen.add(record_id)
        yield record, class_of(record)


def _conflict(position: int) -> SenderError:
    return SenderError(
        "two records of one id say different things",
        rule="record.conflict",
        at=f"record {position}",
    )
