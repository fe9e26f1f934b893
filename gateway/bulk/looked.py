"""What parts of a payload say of themselves, and what they say together.

`Look` is of one part, as its worker found it. `Together` adds up the looks of all parts, and
finds out where the payload cannot be worked on in parts: where records of two parts have one id,
or refer to each other, or where what was read or written where differs between parts.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any

from gateway.incoming import Class
from gateway.record import Reading, Record, Writing, load, resolve

SLICES = 256
"""How finely marks are divided when all of them are compared."""

MAX_OUTSIDE = 200_000
"""References out of their parts that are followed."""


class Apart(Exception):  # noqa: N818 - no fault: the payload is then read as a whole
    """The parts do not add up to what the whole says."""


def mark(key: bytes, record_id: str) -> int:
    """64 bits for an id, under a key of the transfer. Two ids with one mark do no harm."""
    return int.from_bytes(blake2b(record_id.encode(), digest_size=8, key=key).digest(), "big")


@cache
def _references(record_type: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Fields that refer to other records; of lists and objects, the names within."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for name, spec in load(record_type)["properties"].items():
        part = resolve(spec)
        if part.get("x-ref"):
            found.append((name, ()))
            continue
        inner = resolve(part["items"]) if part.get("type") == "array" else part
        if inner.get("x-ref"):
            found.append((name, ()))
        refs = [one for one, each in inner.get("properties", {}).items() if each.get("x-ref")]
        if refs:
            found.append((name, tuple(refs)))
    return tuple(found)


def references(record: Record) -> Iterator[str]:
    """Every id of another record that a record holds."""
    for name, within in _references(record["record_type"]):
        value = record.get(name)
        if value is None:
            continue
        items = value if isinstance(value, list) else [value]
        if not within:
            yield from items
            continue
        for item in items:
            yield from (item[one] for one in within if one in item)


def marks_of(records: Iterable[Record], key: bytes) -> tuple[bytes, bytes]:
    """Sorted marks of the records' own ids, and of those they name that are not among them."""
    own: set[str] = set()
    named: set[str] = set()
    for record in records:
        own.add(record["record_id"])
        named.update(references(record))
    ids = array("Q", sorted(mark(key, one) for one in own))
    outside = array("Q", sorted(mark(key, one) for one in named - own))
    return ids.tobytes(), outside.tobytes()


class Together:
    """The looks of all parts so far."""

    def __init__(self) -> None:
        self.reading = Reading()
        self.count = self.twice = self.parts = 0
        self.counts: Counter[str] = Counter()
        self.present: dict[Class, set[str]] = {}
        self._ids: list[array[int]] = []
        self._outside: set[int] = set()

    def add(self, look: Mapping[str, Any], ids: bytes, outside: bytes) -> None:
        """The next part. Raises `Apart` where it says something else of the same thing."""
        self.parts += 1
        self.count += look["count"]
        self.twice += look["twice"]
        self.counts.update(look["counts"])
        for class_, names in look["present"]:
            self.present.setdefault(class_from(class_), set()).update(names)
        _agree(self.reading.lineage, look["lineage"])
        self.reading.unmapped.update(look["unmapped"])
        self.reading.repeated.update(look["repeated"])
        self._ids.append(_array(ids))
        self._outside.update(_array(outside))
        if len(self._outside) > MAX_OUTSIDE:
            raise Apart

    def settle(self, *, alone: bool) -> None:
        """Every part was added. Raises `Apart` where records of two parts have to do with each
        other; with `alone` also where a record names one that is nowhere."""
        if self.parts < 2:
            return
        if self.twice or (alone and self._outside):
            raise Apart
        if any(_has(ids, one) for ids in self._ids for one in self._outside):
            raise Apart
        step = (1 << 64) // SLICES
        at = [0] * len(self._ids)
        for number in range(1, SLICES + 1):
            seen: set[int] = set()
            expected = 0
            for place, ids in enumerate(self._ids):
                end = bisect_left(ids, number * step, at[place]) if number < SLICES else len(ids)
                seen.update(ids[at[place] : end])
                expected += end - at[place]
                at[place] = end
            if len(seen) != expected:
                raise Apart


class Wrote:
    """What was written of all parts so far."""

    def __init__(self) -> None:
        self.writing = Writing()
        self.count = 0
        self.held_back: Counter[str] = Counter()

    def add(self, wrote: Mapping[str, Any]) -> None:
        """The next part. Raises `Apart` where a leaf went elsewhere than before, or was lost
        only here."""
        self.count += wrote["count"]
        self.held_back.update(wrote["held_back"])
        lost = set(wrote["unrendered"])
        before = self.writing
        if before.lineage.keys() & (lost - before.unrendered) or (
            wrote["lineage"].keys() & (before.unrendered - lost)
        ):
            raise Apart
        _agree(before.lineage, wrote["lineage"])
        before.unrendered |= lost


def class_from(value: Any) -> Class:
    """A class as JSON brought it."""
    record_type, facts = value
    return record_type, _tuples(facts)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _agree(before: dict[str, str], more: Mapping[str, str]) -> None:
    for leaf, path in more.items():
        if before.setdefault(leaf, path) != path:
            raise Apart


def _array(content: bytes) -> "array[int]":
    found = array("Q")
    found.frombytes(content)
    return found


def _has(ids: "array[int]", one: int) -> bool:
    place = bisect_left(ids, one)
    return place < len(ids) and ids[place] == one
