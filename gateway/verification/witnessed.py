"""What was signed: checkpoints of the log, what witnesses said of them, and when.

A log's own key is its operator's, who can sign another history with it. What a witness signed,
or an auditor kept, cannot be signed again. It also says when: an entry below a cosignature was
there by then, and one above it was not.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway import note
from gateway.errors import CorridorError
from gateway.log_keys import LogKeys, digest
from gateway.publication.trust import NONE, Policy
from gateway.verification import folder
from gateway.verification.found import Found

MAX_SKEW = 60
"""Seconds that the clocks of a log and a witness may be apart, with the time it takes to ask."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Whom an auditor believes: the log's keys, oldest first, and witnesses."""

    log: LogKeys
    policy: Policy


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint that the log's key signed."""

    at: str
    """The file it stands in."""
    size: int
    root: bytes
    signers: frozenset[int]
    """Which of the log's keys signed it."""
    times: Mapping[str, int]
    """When which witness said that this is the newest, in seconds since 1970."""
    agreed: int = 0
    """When enough witnesses had. 0 where they did not."""


def judged(text: str, keys: Keys, *, at: str) -> Seen:
    """A checkpoint, if one of the log's keys signed it and no cosignature is false.

    Lines by others mean nothing here. Raises `CorridorError` with the rule.
    """
    signers = _signers(text, keys.log)
    if not signers:
        keys.log.opened(text)  # raises, and says what is wrong
    parsed = note.parse_note(text)
    checkpoint = note.parse_checkpoint(parsed.text)
    times = {name: one.time for name, one in keys.policy.judged(parsed).items()}
    agreed = _agreed(times, keys.policy)
    return Seen(at, checkpoint.size, checkpoint.root, signers, times, agreed)


def _signers(text: str, log: LogKeys) -> frozenset[int]:
    signers = set()
    for number, vkey in enumerate(log.all):
        with suppress(CorridorError):
            note.open_checkpoint(text, vkey)
            signers.add(number)
    return frozenset(signers)


def _agreed(times: Mapping[str, int], policy: Policy) -> int:
    if policy.quorum == NONE:
        return 0
    names: list[str] = []
    for time, name in sorted((time, name) for name, time in times.items()):
        names.append(name)
        if policy.enough(names):
            return time
    return 0


def kept(root: str, sizes: Sequence[int], keys: Keys) -> tuple[list[Seen], Found]:
    """The checkpoints that the log kept of itself at these sizes."""
    seen, found = [], Found()
    for size in sizes:
        at = f"{folder.CHECKPOINTS}/{size}"
        try:
            one = judged(folder.read_note(Path(root), at), keys, at=at)
        except CorridorError as error:
            found.add(_rule(error), at)
            continue
        found.expect(one.size == size, "checkpoint.size", at)
        seen.append(one)
    return seen, found


def held(texts: Iterable[tuple[str, str]], keys: Keys, found: Found) -> list[Seen]:
    """Checkpoints that somebody else kept: (where it is from, text)."""
    seen = []
    for at, text in texts:
        try:
            seen.append(judged(text, keys, at=at))
        except CorridorError as error:
            found.add(_rule(error), at)
    return seen


def check_roots(seen: Iterable[Seen], roots: Mapping[int, bytes], size: int, found: Found) -> None:
    """Each checkpoint against the tree that was grown from the entries."""
    for one in seen:
        if one.size > size:
            found.add("log.rolled_back", one.at)
        else:
            found.expect(roots.get(one.size) == one.root, "log.forked", one.at)


def check_keys(
    seen: Iterable[Seen], named: Iterable[tuple[int, str]], log: LogKeys, found: Found
) -> None:
    """Each checkpoint against the key that was due. `named`: entries that name a key, in order."""
    begins = [0]
    """By key: the entry that names it, and above which it signs."""
    for index, name in named:
        later = log.all[len(begins) :]
        if later and name == digest(later[0]):
            begins.append(index)
        elif name != digest(log.all[len(begins) - 1]):
            found.add("log.key", f"entry {index}")
    for one in seen:
        due = sum(begin < one.size for begin in begins[1:])
        found.expect(due in one.signers, "log.key", one.at)


def check_times(seen: Iterable[Seen], times: Sequence[int], found: Found) -> None:
    """Entries against the clocks of witnesses; entries are in order of time, or found not to be."""
    newest: dict[str, tuple[int, int]] = {}
    for one in sorted(seen, key=lambda one: one.size):
        for name, time in one.times.items():
            _check_bracket(one, time * 1000, times, found)
            _, before = newest.get(name, (0, 0))
            if time < before:
                found.add("witness.time", one.at)
            newest[name] = (one.size, max(time, before))


def _check_bracket(one: Seen, time: int, times: Sequence[int], found: Found) -> None:
    skew = MAX_SKEW * 1000
    if 0 < one.size <= len(times) and times[one.size - 1] > time + skew:
        found.add("entry.after_witness", f"entry {one.size - 1}")
    if one.size < len(times) and times[one.size] < time - skew:
        found.add("entry.back_dated", f"entry {one.size}")


def check_waits(seen: Iterable[Seen], times: Sequence[int], *, within: int, found: Found) -> int:
    """How long an entry waited at most for a quorum, in seconds. A problem beyond `within`, if set.

    Whoever adds an entry with a time long past can have it witnessed only now.
    """
    at, longest = 0, 0
    for size, agreed in sorted((one.size, one.agreed) for one in seen if one.agreed):
        if at < size <= len(times):
            wait = agreed - times[at] // 1000
            longest = max(longest, wait)
            if within and wait > within:
                found.add("entry.witnessed_late", f"entry {at}")
            at = size
    return longest


def _rule(error: CorridorError) -> str:
    return error.rule if error.rule.startswith("file.") else f"checkpoint.{error.rule}"
