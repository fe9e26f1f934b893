"""One reading or one writing, whatever comes of it."""

import io
import traceback
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from gateway.adapter import Adapter
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Reading, Record, Writing, check

RECORDS = 200_000
"""Records of one payload of the suite. More is no honest answer to a few kilobytes."""

ENDS = 10_000
"""Readings at the end of a file. More is a loop."""


class Endless(BaseException):
    """Not an `Exception`, so that nothing tried catches it."""


class _Raw(io.RawIOBase):
    """Bytes in pieces of at most `most`, as a slow disk gives them."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__()
        self._inner = io.BytesIO(content)
        self._most = most
        self._ends = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._inner.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        found = self._inner.read(min(len(buffer), self._most))
        buffer[: len(found)] = found
        self._ends += not found
        if self._ends > ENDS:
            raise Endless
        return len(found)


def opened(content: bytes, *, most: int = 1 << 16) -> BinaryIO:
    """A file that is no `BytesIO`: a buffer over pieces of at most `most` bytes."""
    return cast(BinaryIO, io.BufferedReader(_Raw(content, most), buffer_size=max(most, 16)))


@dataclass(slots=True)
class Read:
    """What came of a reading."""

    records: list[Record] = field(default_factory=list, repr=False)
    reading: Reading = field(default_factory=Reading, repr=False)
    error: BaseException | None = field(default=None, repr=False)

    @property
    def refused(self) -> bool:
        """By the adapter, in the way it must."""
        return isinstance(self.error, SenderError)

    @property
    def result(self) -> tuple[Any, ...]:
        """What two readings of one content have in common."""
        told = self.reading
        failed = (type(self.error).__name__, str(self.error)) if self.error else None
        return self.records, told.lineage, told.unmapped, told.repeated, failed


def read(
    adapter: Adapter,
    content: bytes | BinaryIO,
    mapping: Plan | None,
    *,
    checked: bool = False,
) -> Read:
    """Read a payload to its end or to its error.

    With `checked`, a record that its schema forbids ends it with `SenderError`, as in the gateway.
    """
    found = Read()
    file = opened(content) if isinstance(content, bytes) else content
    try:
        for record in adapter.parse(file, mapping, found.reading):
            if checked:
                check(record, at=f"record {len(found.records) + 1}")
            found.records.append(record)
            if len(found.records) > RECORDS:
                raise Endless
    except (Exception, Endless) as error:
        found.error = error
    return found


class Walks:
    """Records that can be walked again and again, and nothing else; each walk gives new ones."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = list(records)

    def __iter__(self) -> Iterator[Record]:
        return iter(deepcopy(self._records))


@dataclass(slots=True)
class Written:
    """What came of a writing."""

    content: bytes = field(default=b"", repr=False)
    writing: Writing = field(default_factory=Writing, repr=False)
    error: BaseException | None = field(default=None, repr=False)

    @property
    def result(self) -> tuple[Any, ...]:
        """What two writings of the same records have in common."""
        told = self.writing
        failed = (type(self.error).__name__, str(self.error)) if self.error else None
        return self.content, told.lineage, told.unrendered, failed


def write(adapter: Adapter, records: Iterable[Record], mapping: Plan | None) -> Written:
    """Write records to the end or to the error."""
    written = Written()
    try:
        written.content = b"".join(adapter.render(records, mapping, written.writing))
    except Exception as error:
        written.error = error
    return written


def place_of(error: BaseException) -> str:
    """Type and place of an error that should not be. Not its text, which may quote a value."""
    frames = traceback.extract_tb(error.__traceback__)
    outside = [frame for frame in frames if "gateway/kit" not in Path(frame.filename).as_posix()]
    if not outside:
        return type(error).__name__
    last = outside[-1]
    path = Path(last.filename)
    return f"{type(error).__name__} in {path.parent.name}/{path.name}, line {last.lineno}"


Attempt = Callable[[], Read]
