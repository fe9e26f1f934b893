"""One bundle of entries, checked by itself: what it says, and what others must bear out.

This is where the time goes, so bundles are checked by several processes. What one entry says
of another, which may be in any bundle, is handed on as an event and judged by `meaning`.
"""

import json
import re
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from gateway import entry, merkle
from gateway.errors import CorridorError
from gateway.log_keys import SUBJECT
from gateway.publication.tiles import WIDTH, Tile
from gateway.verification import folder
from gateway.verification.found import Found

OTHER, WITHHELD, OPEN, DELIVERED, NOT_RELEASED, RECALL, DECISION = range(7)
"""What an entry is, as far as another may name it."""

MAX_QUESTION_AGE_MS = 24 * 3_600_000
"""A question is put to the policies, and the answer logged; that does not take a day."""
MAX_CLOCK_SKEW_MS = 60_000
"""How far two clocks may be apart before somebody must have set one."""

Event = tuple[str, int, tuple[Any, ...]]
"""What is said, by the entry at which index, and of what."""

_SCHEMA = jsonschema_rs.Draft202012Validator(json.loads(entry.SCHEMA.read_text(encoding="utf-8")))
_FLOAT = re.compile(rb"[0-9][.eE][0-9.eE+-]*[,}\]]")
"""Ends in what no string of the schema holds: this is a number that is not an integer."""


@dataclass(frozen=True, slots=True)
class Task:
    """A bundle to check, and the sizes within it whose roots somebody signed."""

    root: str
    bundle: Tile
    marks: tuple[int, ...]


@dataclass(slots=True)
class Part:
    """What was found in a bundle. `edge` is empty where it could not be followed."""

    start: int
    edges: dict[int, tuple[bytes, ...]] = field(default_factory=dict)
    """By size of the log: the edge of the tree over the entries of this bundle alone."""
    edge: tuple[bytes, ...] = ()
    ids: bytes = b""
    kinds: bytes = b""
    times: "array[int]" = field(default_factory=lambda: array("q"))
    events: list[Event] = field(default_factory=list)
    documents: dict[str, int] = field(default_factory=dict)
    """Digests that an entry rests on, and the first that does."""
    found: Found = field(default_factory=Found)


def check(task: Task) -> Part:
    """Everything that can be said of a bundle without looking at another."""
    part = Part(task.bundle.start)
    try:
        leaves = folder.leaves(Path(task.root), task.bundle)
    except folder.BrokenError as error:
        part.found.add(error.rule, error.at)
        return part
    hashed = [merkle.leaf_hash(leaf) for leaf in leaves]
    _check_tile(task, b"".join(hashed), part)
    _grow(task, hashed, part)
    ids, kinds = bytearray(), bytearray()
    reading = _Reading(part)
    for index, leaf in enumerate(leaves, part.start):
        try:
            said = read(leaf)
        except CorridorError as error:
            part.found.add(error.rule, f"entry {index}")
            # Its place counts all the same; it has no time, and nothing can name it.
            ids += part.start.to_bytes(8) + index.to_bytes(8)
            kinds.append(OTHER)
            part.times.append(-1)
            continue
        ids += bytes.fromhex(said["id"].replace("-", ""))
        part.times.append(said["time"])
        kinds.append(reading.entry(index, said))
    reading.close()
    part.ids, part.kinds = bytes(ids), bytes(kinds)
    return part


def read(leaf: bytes) -> Mapping[str, Any]:
    """`entry.parse`, at half the price for entries that are as they must be."""
    try:
        said = orjson.loads(leaf)
    except orjson.JSONDecodeError:
        return entry.parse(leaf)
    alike = len(leaf) <= entry.MAX_BYTES and leaf.isascii() and not _FLOAT.search(leaf)
    if not alike or not _SCHEMA.is_valid(said):
        return entry.parse(leaf)
    rules = said.get("rules", [])
    if orjson.dumps(said, option=orjson.OPT_SORT_KEYS) != leaf or rules != sorted(rules):
        return entry.parse(leaf)
    return dict(said)


def _check_tile(task: Task, hashed: bytes, part: Part) -> None:
    tile = Tile(0, task.bundle.index, task.bundle.width)
    try:
        part.found.expect(folder.hashes(Path(task.root), tile) == hashed, "tile.hash", tile.path)
    except folder.BrokenError as error:
        part.found.add(error.rule, error.at)


def _grow(task: Task, hashed: list[bytes], part: Part) -> None:
    grown, done = merkle.grow(0, (), ()), 0
    for mark in (*task.marks, part.start + len(hashed)):
        grown = merkle.grow(grown.size, grown.edge, hashed[done : mark - part.start])
        done = mark - part.start
        part.edges[mark] = grown.edge
    part.edge = grown.edge


class _Reading:
    """The events of a bundle's entries."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._relied: dict[tuple[str, str, str], list[int]] = {}
        """What releases rely on since the last change: the first that does, and how many."""
        self._by_type: dict[str, Callable[[int, Mapping[str, Any]], int]] = {
            "transfer": self._transfer,
            "outcome": self._outcome,
            "control": self._control,
            "custody": self._custody,
            "decision": self._decision,
            "access": self._access,
            "rights": self._case,
            "incident": self._case,
        }

    def entry(self, index: int, said: Mapping[str, Any]) -> int:
        """Take in an entry that follows the schema; what it is to others."""
        for digest in said.get("documents", ()):
            self._part.documents.setdefault(digest, index)
        return self._by_type[said["type"]](index, said)

    def close(self) -> None:
        """Hand on what releases rely on, before that changes and at the end."""
        for relied, (first, count) in self._relied.items():
            self._event("relies", first, *relied, count)
        self._relied.clear()

    def _event(self, name: str, index: int, *said: Any) -> None:
        self._part.events.append((name, index, said))

    def _transfer(self, index: int, said: Mapping[str, Any]) -> int:
        policy = said.get("policy", {})
        if "template" in policy:
            self._part.documents.setdefault(policy["template"], index)
        if "at" in policy:
            self._check_question(index, policy["at"], said["time"])
        if said["outcome"] != "released":
            return WITHHELD
        agreement = said["agreement"]
        relied = (agreement["id"], agreement["version"], policy["bundle"])
        self._relied.setdefault(relied, [index, 0])[1] += 1
        return OPEN

    def _check_question(self, index: int, asked: str, time: int) -> None:
        at = f"entry {index}"
        try:
            moment = datetime.fromisoformat(asked)
        except ValueError:
            self._part.found.add("question.time", at)
            return
        age = time - int(moment.timestamp()) * 1000
        known = -MAX_CLOCK_SKEW_MS <= age <= MAX_QUESTION_AGE_MS
        self._part.found.expect(known, "question.time", at)

    def _outcome(self, index: int, said: Mapping[str, Any]) -> int:
        for state, code in (("delivered", DELIVERED), ("not_released", NOT_RELEASED)):
            if state in said:
                self._event("closes", index, code, [_raw(name) for name in said[state]])
        return OTHER

    def _control(self, index: int, said: Mapping[str, Any]) -> int:
        self._event("control", index, said["what"])
        if said["what"] == "key" and said.get("subject", {}).get("id") == SUBJECT:
            self._event("key", index, said.get("digest", ""))
        if said["what"] in entry.CHANGES and "subject" in said:
            subject = said["subject"]
            changed = (said["what"], subject["id"], subject["version"], subject["state"])
            self.close()
            self._event("changes", index, *changed, said.get("digest", ""))
        return OTHER

    def _custody(self, index: int, said: Mapping[str, Any]) -> int:
        self._event("names", index, (OPEN, DELIVERED, NOT_RELEASED), _raw(said["transfer"]))
        if "recall" in said:
            self._event("names", index, (RECALL,), _raw(said["recall"]))
        return RECALL if said["what"] == "recall" else OTHER

    def _decision(self, index: int, said: Mapping[str, Any]) -> int:
        if "transfer" in said:
            known = (OPEN, DELIVERED, NOT_RELEASED, WITHHELD)
            self._event("names", index, known, _raw(said["transfer"]))
        if "of" in said:
            self._event("names", index, (DECISION,), _raw(said["of"]))
        return DECISION

    def _access(self, index: int, said: Mapping[str, Any]) -> int:
        self._part.found.expect(said["size"] <= index, "access.size", f"entry {index}")
        return OTHER

    def _case(self, index: int, said: Mapping[str, Any]) -> int:
        self._event("case", index, said["type"], _raw(said["case"]), said["state"])
        return OTHER


def _raw(name: str) -> bytes:
    return bytes.fromhex(name.replace("-", ""))


def tasks(root: Path, size: int, marks: list[int]) -> list[Task]:
    """The bundles of a log of this size, in order. `marks` are sizes, sorted."""
    made, at = [], 0
    for start in range(0, size, WIDTH):
        end = min(start + WIDTH, size)
        first = at
        while at < len(marks) and marks[at] <= end:
            at += 1
        bundle = Tile(-1, start // WIDTH, end - start)
        made.append(Task(str(root), bundle, tuple(marks[first:at])))
    return made
