"""What a sender hands in: bytes, or the path of a file that is read more than once."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from gateway.errors import RecipientError, SenderError

HELD = 64 << 20
"""Bytes of a payload whose records are held in memory. A larger one is read again instead, so
that the memory a transfer needs does not grow with it."""


@dataclass(slots=True)
class Content:
    """A payload, to be opened from its start as often as needed."""

    source: bytes | Path = field(repr=False)
    _state: tuple[int, ...] | None = field(default=None, repr=False)

    @property
    def small(self) -> bool:
        """Whether its records may be held."""
        return isinstance(self.source, bytes) or self._size() <= HELD

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The payload from its start. Raises `SenderError` where it changed since last time.

        What was decided about one content must never let another one leave.
        """
        if isinstance(self.source, bytes):
            yield io.BytesIO(self.source)
            return
        try:
            file = self.source.open("rb")
        except OSError:
            raise _unreadable() from None
        with file:
            self._same(file)
            yield file
            self._same(file)

    def _same(self, file: BinaryIO) -> None:
        found = os.fstat(file.fileno())
        state = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        if self._state is None:
            self._state = state
        elif self._state != state:
            raise SenderError("it changed while it was read", rule="payload.changed", at="PAYLOAD")

    def _size(self) -> int:
        try:
            return Path(str(self.source)).stat().st_size if isinstance(self.source, Path) else 0
        except OSError:
            raise _unreadable() from None


def _unreadable() -> RecipientError:
    return RecipientError("cannot be read", rule="payload.unreadable", at="PAYLOAD")
