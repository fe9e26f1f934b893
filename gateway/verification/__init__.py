"""What an auditor does with an exported log: check all of it with public keys alone.

1. The newest checkpoint is the log's, and enough witnesses signed it.
2. Every bundle of entries has its exact length, every tile holds the hashes of the tree that
   is grown again from the entries, and nothing else is in the folder.
3. Every checkpoint the log kept, and every one that witnesses or auditors hold, is in that tree.
4. Every entry follows its schema in its one spelling, has an id of its own, a time not before
   the entry ahead of it, and one that fits the clocks of the witnesses.
5. What entries say of each other holds: see `meaning`.

What it cannot show: that something was released and never logged. Recipients' receipts do.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from gateway import merkle
from gateway.audit import Problem
from gateway.canonical import digest
from gateway.errors import CorridorError, OfficerError
from gateway.log_keys import LogKeys
from gateway.publication.trust import NONE, Policy
from gateway.verification import folder
from gateway.verification.found import Found, Verdict
from gateway.verification.meaning import Meaning
from gateway.verification.walk import Progress, Walk, Workers, workers
from gateway.verification.witnessed import (
    Keys,
    Seen,
    check_keys,
    check_roots,
    check_times,
    check_waits,
    held,
    judged,
    kept,
)

__all__ = ["Keys", "Verdict", "keys_of", "verify_export"]

NOTES = 512
"""Checkpoints that a process is given at once."""


def keys_of(vkeys: str, policy: Policy | None = None) -> Keys:
    """Whom to believe: the verifier keys of one log, oldest first, one a line, and witnesses.

    Raises `CorridorError`.
    """
    log, policy = LogKeys.parse(vkeys), policy or Policy()
    if policy.logs and not set(log.all) <= set(policy.logs):
        raise OfficerError("the policy is for another log", rule="witness.policy_log")
    return Keys(log, policy)


def verify_export(
    root: Path,
    keys: Keys,
    *,
    others: Iterable[tuple[str, str]] = (),
    within: int = 0,
    processes: int | None = None,
    progress: Progress = lambda _done, _of: None,
) -> Verdict:
    """Check an exported log. Problems are found, not raised.

    `others` are checkpoints that were not taken from the log itself: from witnesses, receipts,
    or an earlier day (where each is from, and its text). `within`: seconds that an entry may
    wait for a quorum of witnesses, 0 for as long as it took.
    """
    found = Found()
    head = _head(root, keys, found)
    if head is None:
        return Verdict(0, merkle.EMPTY, tuple(found.problems), 0, 0, 0, 0, 0, 0, ())
    notes = folder.strays(root, head.size, found)
    sizes = folder.sizes(root)
    with workers(max(head.size, 10 * len(sizes)), processes) as pool:
        seen = [head, *_kept(pool, root, sizes, keys, found), *held(others, keys, found)]
        meaning = Meaning(found)
        walk = Walk(root, head.size, [one.size for one in seen], found)
        walk.through(pool, meaning, progress)
        meaning.close()
    if walk.reached < head.size:
        found.add("log.incomplete", f"entry {walk.reached}")
    else:
        check_roots(seen, walk.roots, head.size, found)
        check_keys(seen, meaning.keys, keys.log, found)
    check_times(seen, meaning.times, found)
    longest = check_waits(seen, meaning.times, within=within, found=found)
    _check_documents(root, meaning, found)
    witnessed = max(seen, key=lambda one: one.size if one.agreed else -1)
    agreed = bool(witnessed.agreed)
    return Verdict(
        size=walk.reached,
        root=walk.roots.get(walk.reached, merkle.EMPTY),
        problems=tuple(found.problems),
        checkpoints=len(seen),
        witnessed=witnessed.size if agreed else 0,
        witnessed_at=witnessed.agreed,
        longest_wait=longest,
        open=meaning.open,
        unfounded=meaning.unfounded,
        notes=tuple(Problem("file.unknown", name) for name in notes),
    )


def _head(root: Path, keys: Keys, found: Found) -> Seen | None:
    try:
        head = judged(folder.read_note(root, folder.HEAD), keys, at=folder.HEAD)
    except CorridorError as error:
        rule = error.rule if error.rule.startswith("file.") else f"checkpoint.{error.rule}"
        found.add(rule, folder.HEAD)
        return None
    if keys.policy.quorum != NONE and not head.agreed:
        found.add("checkpoint.quorum", folder.HEAD)
    return head


def _kept(
    pool: Workers, root: Path, sizes: Sequence[int], keys: Keys, found: Found
) -> Iterable[Seen]:
    waiting = iter(sizes)
    chunks = iter(lambda: tuple(islice(waiting, NOTES)), ())
    for seen, wrong in pool.each(partial(_kept_some, str(root), keys), chunks):
        for problem in wrong.problems:
            found.add(problem.rule, problem.at)
        yield from seen


def _kept_some(root: str, keys: Keys, sizes: tuple[int, ...]) -> tuple[list[Seen], Found]:
    return kept(root, sizes, keys)


def _check_documents(root: Path, meaning: Meaning, found: Found) -> None:
    """What is kept under its digest, if any of it was exported: all of it, and unchanged."""
    files = folder.documents(root)
    for name, path in files:
        try:
            content = folder.read(root, path, folder.MAX_DOCUMENT)
        except folder.BrokenError as error:
            found.add(error.rule, error.at)
            continue
        found.expect(digest(content) == name, "document.digest", path)
    if files:
        names = {name for name, _ in files}
        for name, index in meaning.documents.items():
            found.expect(name in names, "document.missing", f"entry {index}")
