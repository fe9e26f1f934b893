"""The keys a log was signed with, one after the other.

An auditor's file of keys has one verifier key a line, oldest first. The log itself says where one
ends: an entry names the next key, and the checkpoint over that entry is signed by both. From
there on the older key counts for nothing, so a key that gets out later signs no new history.
"""

from collections.abc import Mapping
from typing import Any

from gateway.errors import CorridorError
from gateway.log_standing import digest_of
from gateway.note import Checkpoint, NoteError, Vkey, open_checkpoint, parse_note, parse_vkey
from gateway.note import render_vkey as _render

SUBJECT = "log"
"""The id under which entries name the log's own key."""


class LogKeys:
    """Every key of one log."""

    def __init__(self, vkeys: tuple[Vkey, ...]) -> None:
        if len({vkey.name for vkey in vkeys}) != 1 or len(set(vkeys)) != len(vkeys):
            raise NoteError("not the keys of one log", rule="vkey.origin")
        self.all = vkeys

    @classmethod
    def parse(cls, text: str) -> "LogKeys":
        """The keys in a file of keys. Raises `NoteError`."""
        return cls(tuple(parse_vkey(line) for line in text.strip().split("\n")))

    def render(self) -> str:
        """The text of the file, without an end of the last line."""
        return "\n".join(_render(vkey) for vkey in self.all)

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self.all[0].name

    @property
    def current(self) -> Vkey:
        """The key that signs now."""
        return self.all[-1]

    def opened(self, text: str) -> Checkpoint:
        """A checkpoint that any of the keys signed, for whoever cannot know which one was due."""
        # The newest first: with one key, as in most logs, what is wrong is that key's to say.
        for vkey in self.all[:0:-1]:
            try:
                return open_checkpoint(text, vkey)
            except CorridorError:
                continue
        return open_checkpoint(text, self.all[0])


class Signing:
    """Which key must have signed each checkpoint of a log that is read from its beginning."""

    def __init__(self, keys: LogKeys) -> None:
        self._due = keys.all[:1]
        self._later = list(keys.all[1:])

    def entry(self, said: Mapping[str, Any]) -> bool:
        """Take note of an entry; false when it brings in a key that nobody expects."""
        if said.get("what") != "key" or said.get("subject", {}).get("id") != SUBJECT:
            return True
        if said.get("digest") == digest(self._due[-1]):
            return True  # the first word about the key the log began with
        if self._later and said.get("digest") == digest(self._later[0]):
            self._due = (self._due[-1], self._later.pop(0))
            return True
        return False

    def checkpoint(self, text: str) -> Checkpoint:
        """The next checkpoint, if exactly the keys that are due signed it. Raises `NoteError`."""
        due, self._due = self._due, self._due[-1:]
        checkpoint = [open_checkpoint(text, vkey) for vkey in due][-1]
        if len(parse_note(text).signatures) != len(due):
            raise NoteError("a signature nobody can check", rule="signatures")
        return checkpoint

    @property
    def left(self) -> bool:
        """Whether a key is still to come that the log never named."""
        return bool(self._later)


def digest(vkey: Vkey) -> str:
    """How an entry names a key."""
    return digest_of(_render(vkey).encode())
