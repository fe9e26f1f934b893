"""What a sender hands in: bytes, or the path of a file that is read more than once."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from gateway.errors import RecipientError, SenderError

HELD = 64 << 20
"""Bytes of a payload whose records are held in memory. A larger one is read again instead, so
that the memory a transfer needs does not grow with it."""

QUICK = 64 << 10
"""Bytes of a payload that is worked on at once, while others wait. A larger one goes aside."""


class Openable(Protocol):
    """A payload that is kept somewhere, and is always the same."""

    @property
    def size(self) -> int:
        """Bytes."""

    def open(self) -> BinaryIO:
        """The payload from its start; to be closed."""


Payload = bytes | Path | Openable
"""A path where it is somebody's file, which may be larger than memory, and may change."""


@dataclass(slots=True)
class Content:
    """A payload, to be opened from its start as often as needed."""

    source: Payload = field(repr=False)
    _state: tuple[int, ...] | None = field(default=None, repr=False)

    @property
    def small(self) -> bool:
        """Whether its records may be held."""
        return isinstance(self.source, bytes) or self.size <= HELD

    @property
    def quick(self) -> bool:
        """Whether it is worked on at once."""
        return self.size <= QUICK

    @property
    def size(self) -> int:
        """Bytes. Raises `RecipientError` where it cannot be read."""
        if isinstance(self.source, bytes):
            return len(self.source)
        if not isinstance(self.source, Path):
            return self.source.size
        try:
            return self.source.stat().st_size
        except OSError:
            raise _unreadable() from None

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The payload from its start. Raises `SenderError` where it changed since last time.

        What was decided about one content must never let another one leave.
        """
        if isinstance(self.source, bytes):
            yield io.BytesIO(self.source)
            return
        if not isinstance(self.source, Path):
            with self.source.open() as file:
                yield file
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


def _unreadable() -> RecipientError:
    return RecipientError("cannot be read", rule="payload.unreadable", at="PAYLOAD")
