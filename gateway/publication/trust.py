"""Whose word on a checkpoint is enough: C2SP tlog-policy, as `witnesses.policy` or an auditor's.

log <vkey>
witness <name> <vkey> [<url>]
group <name> all|any|<k> <name>...
quorum <name>|none
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import CorridorError, OfficerError
from gateway.note import Note, Vkey, parse_key, parse_vkey
from gateway.publication.cosignature import Cosignature, WitnessKey, cosignatures
from gateway.publication.folder import Folder

FILE = "witnesses.policy"
NONE = "none"
MAX_LINES = 1000
MAX_BYTES = 1 << 18
_CHARACTERS = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*")
_COUNT = re.compile(r"[1-9][0-9]{0,3}")
_SPACE = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Group:
    """Counts as witnessing when this many of its members do."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The known logs and witnesses, and which of them together are enough."""

    logs: tuple[Vkey, ...] = ()
    witnesses: Mapping[str, WitnessKey] = field(default_factory=dict)
    urls: Mapping[str, str] = field(default_factory=dict)
    """Where a witness takes checkpoints, for those that say so."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    quorum: str = NONE

    def enough(self, names: Collection[str]) -> bool:
        """Whether these witnesses are a quorum. Always, where none is asked for."""
        return self.quorum == NONE or self._counts(self.quorum, names)

    def least(self) -> int:
        """How many witnesses a quorum has at least."""
        return 0 if self.quorum == NONE else self._least(self.quorum)

    def _least(self, name: str) -> int:
        if name in self.witnesses:
            return 1
        group = self.groups[name]
        return sum(sorted(self._least(member) for member in group.members)[: group.needed])

    def judged(self, note: Note) -> dict[str, Cosignature]:
        """The cosignatures of known witnesses below a checkpoint; those of others are ignored."""
        return cosignatures(note, dict(self.witnesses))

    def _counts(self, name: str, names: Collection[str]) -> bool:
        if name in self.witnesses:
            return name in names
        group = self.groups[name]
        return sum(self._counts(member, names) for member in group.members) >= group.needed


def parse_policy(content: bytes, *, at: str = FILE) -> Policy:
    """Read a policy file. Raises `OfficerError` with the line and the rule."""
    if len(content) > MAX_BYTES or not _CHARACTERS.fullmatch(content):
        raise OfficerError("not a policy file", rule="witness.policy_form", at=at)
    # Octets, not characters, are what names are compared by.
    lines = content.decode("latin-1").split("\n")
    if lines[-1] or len(lines) > MAX_LINES:
        raise OfficerError("not a policy file", rule="witness.policy_form", at=at)
    reading = _Reading()
    for number, line in enumerate(lines, 1):
        words = [word for word in _SPACE.split(line) if word]
        if words and not words[0].startswith("#"):
            place = f"{at}, line {number}"
            try:
                reading.take(words)
            except CorridorError as error:
                raise OfficerError(error.problem, rule=error.rule, at=place) from None
    if reading.quorum is None:
        raise OfficerError("no quorum line", rule="witness.policy_quorum", at=at)
    return Policy(
        tuple(reading.logs), reading.witnesses, reading.urls, reading.groups, reading.quorum
    )


class _Reading:
    """A policy as far as it was read."""

    def __init__(self) -> None:
        self.logs: list[Vkey] = []
        self.witnesses: dict[str, WitnessKey] = {}
        self.urls: dict[str, str] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self._members: set[str] = set()

    def take(self, words: list[str]) -> None:
        """One line."""
        kinds: dict[str, Callable[[list[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        _require(words[0] in kinds, "witness.policy_line")
        kinds[words[0]](words[1:])

    def _log(self, words: list[str]) -> None:
        _require(len(words) in (1, 2), "witness.policy_line")
        key = parse_vkey(_named(words[0]))
        _require(key.public not in self._keys(), "witness.policy_twice")
        self.logs.append(key)

    def _witness(self, words: list[str]) -> None:
        _require(len(words) in (2, 3), "witness.policy_line")
        self._new(words[0])
        key = parse_key(_named(words[1]), WitnessKey)
        # One key under two names would be two of a quorum.
        _require(key.public not in self._keys(), "witness.policy_twice")
        self.witnesses[words[0]] = key
        if len(words) == 3:
            self.urls[words[0]] = words[2]

    def _group(self, words: list[str]) -> None:
        _require(len(words) >= 3, "witness.policy_line")
        name, count, members = words[0], words[1], words[2:]
        self._new(name)
        for member in members:
            _require(self._known(member), "witness.policy_member")
            # A witness that counts on two ways would count twice.
            _require(member not in self._members, "witness.policy_member")
            self._members.add(member)
        every = {"all": str(len(members)), "any": "1"}.get(count, count)
        _require(_COUNT.fullmatch(every) is not None, "witness.policy_count")
        _require(int(every) <= len(members), "witness.policy_count")
        self.groups[name] = Group(int(every), tuple(members))

    def _quorum(self, words: list[str]) -> None:
        _require(len(words) == 1 and self.quorum is None, "witness.policy_quorum")
        _require(words[0] == NONE or self._known(words[0]), "witness.policy_quorum")
        self.quorum = words[0]

    def _known(self, name: str) -> bool:
        return name in self.witnesses or name in self.groups

    def _new(self, name: str) -> None:
        _require(name != NONE and not self._known(name), "witness.policy_name")

    def _keys(self) -> set[bytes]:
        return {key.public for key in self.logs} | {one.public for one in self.witnesses.values()}


def read_policy(path: Path) -> Policy:
    """A policy file. Raises `OfficerError` where it is missing or not fit."""
    try:
        return parse_policy(path.read_bytes(), at=path.name)
    except OSError:
        raise OfficerError("cannot be read", rule="witness.policy_missing", at=path.name) from None


def policy_of(deployment: Path) -> Policy:
    """The policy of a deployment's folder; one that asks for nobody where it has no file."""
    path = deployment / FILE
    return read_policy(path) if path.exists() else Policy()


def add(
    deployment: Path, log: str, name: str, vkey: str, url: str, quorum: int | None = None
) -> Policy:
    """Write one more witness into a deployment's policy. Raises `OfficerError`.

    Which of them are enough is for people to say: without `quorum` that stays as it is, and
    the first witness is asked for. With it, so many of all witnesses are, and groups go.
    """
    path = deployment / FILE
    before = read_policy(path) if path.exists() else Policy()
    logs = "".join(f"log {key}\n" for key in log.split("\n"))
    text = path.read_bytes().decode("latin-1") if path.exists() else logs
    rows = text.splitlines(keepends=True)
    ruling = [row for row in rows if row.split()[:1] in (["group"], ["quorum"])]
    kept = [row for row in rows if row not in ruling]
    if quorum is not None:
        names = " ".join([*before.witnesses, name.encode().decode("latin-1")])
        ruling = [f"group enough {quorum} {names}\n", "quorum enough\n"]
    elif before.quorum == NONE:
        ruling = [row for row in ruling if row.split()[0] == "group"]
        ruling.append(f"quorum {name.encode().decode('latin-1')}\n")
    line = f"witness {name} {vkey} {url}\n".encode().decode("latin-1")
    made = "".join([*kept, line, *ruling]).encode("latin-1")
    policy = parse_policy(made)
    folder = Folder(deployment)
    folder.put(FILE, made)
    folder.settle()
    return policy


def _named(text: str) -> str:
    """A key's text as the characters it was written with."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeDecodeError:
        raise OfficerError("not text with a UTF-8 form", rule="vkey.name") from None


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise OfficerError("a line that means nothing here", rule=rule)
