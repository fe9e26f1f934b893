"""What must be true after any fault, by a tree of its own grown from the entries alone.

1. the audit finds nothing, and the log opens again;
2. every answer names an entry that stands at its place, under a checkpoint that the log's key
   signed and that is a beginning of the log;
3. what was said to have failed is not in the log, where the store can know (PostgreSQL) and
   the log did not stop because nobody could say;
4. no entry twice, and every released transfer has come to exactly one end.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from gateway import merkle, note
from gateway.audit import verify_log
from gateway.log import Log
from tests.proof.places import VKEY, Place, opened


@dataclass
class Verdict:
    """What was counted, and everything that should not be."""

    entries: int = 0
    answered: int = 0
    unanswered: int = 0
    """Logged, and killed before the answer was out: these count as not released."""
    problems: list[str] = field(default_factory=list)


@dataclass
class Tree:
    """The log as its entries have it."""

    leaves: list[bytes] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    roots: dict[int, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, log: Log, sizes: Iterable[int]) -> "Tree":
        """Hash all of it again, and note the roots at these sizes."""
        tree, edge, wanted = cls(), (), set(sizes)
        for index, leaf in log.entries():
            hashed = merkle.leaf_hash(leaf)
            edge = merkle.grow(index, edge, [hashed]).edge
            tree.leaves.append(hashed)
            tree.entries.append(orjson.loads(leaf))
            if index + 1 in wanted:
                tree.roots[index + 1] = merkle.root(edge)
        return tree


def judge(place: Place, said: Sequence[dict[str, Any]]) -> Verdict:
    """Everything that was ever said of this log, against the log as it is now."""
    verdict = Verdict()
    place.quiet()
    found = verify_log(place.data, vkey=note.render_vkey(VKEY))
    verdict.problems += [f"audit: {one.rule} {one.at}" for one in found.problems]
    answers = [one for one in said if "index" in one]
    with opened(place) as log:
        head = note.open_checkpoint(log.checkpoint(), VKEY)
        tree = Tree.of(log, [head.size, *(one["size"] for one in answers)])
    verdict.entries, verdict.answered = len(tree.leaves), len(answers)
    if tree.roots.get(head.size) != head.root:
        verdict.problems.append("the head is not what the entries are")
    for one in answers:
        verdict.problems += _answer(tree, one)
    verdict.problems += _checkpoints(tree, answers)
    _entries(place, tree, said, verdict)
    return verdict


def _answer(tree: Tree, one: dict[str, Any]) -> list[str]:
    index = one["index"]
    if index >= len(tree.leaves):
        return [f"lost: entry {index} was answered and is not there"]
    if tree.leaves[index].hex() != one["leaf"] or tree.entries[index]["id"] != one["id"]:
        return [f"changed: entry {index} is not what was answered"]
    return []


def _checkpoints(tree: Tree, answers: Sequence[dict[str, Any]]) -> list[str]:
    problems = []
    for text in {one["checkpoint"] for one in answers if one["checkpoint"]}:
        signed = _signed(text)
        if tree.roots.get(signed.size) != signed.root:
            problems.append(f"forked: the checkpoint of size {signed.size} is not of this log")
    return problems


@lru_cache(maxsize=100_000)
def _signed(text: str) -> note.Checkpoint:
    return note.open_checkpoint(text, VKEY)


def _entries(place: Place, tree: Tree, said: Sequence[dict[str, Any]], verdict: Verdict) -> None:
    ids = Counter(entry["id"] for entry in tree.entries)
    verdict.problems += [f"twice: {name}" for name, times in ids.items() if times > 1]
    failed = {one["id"] for one in said if "failed" in one and not one["unknown"]}
    if place.database:
        verdict.problems += [f"failed, yet logged: {name}" for name in failed & ids.keys()]
    transfers = {e["id"]: e["outcome"] for e in tree.entries if e["type"] == "transfer"}
    answered = {one["id"] for one in said if "index" in one}
    verdict.unanswered = len(transfers.keys() - answered)
    ends = Counter(
        name
        for entry in tree.entries
        if entry["type"] == "outcome"
        for name in (*entry.get("delivered", ()), *entry.get("not_released", ()))
    )
    let_go = {name for name, outcome in transfers.items() if outcome == "released"}
    verdict.problems += [
        f"{ends[name]} ends: {name}" for name in let_go | ends.keys() if ends[name] != 1
    ]
