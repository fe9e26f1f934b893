"""A file of any size that only its key opens: written once, in order; read from anywhere.

Frames of AES-256-GCM under a key of the file's own. Each is bound to its number and to whether
it is the last, so that none can be left out, moved, or cut off. Who destroys the key has
destroyed the content, whatever the disk still holds.
"""

import io
import os
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import GatewayError

FRAME = 256 << 10
"""Bytes of content in each frame but the last, which may have fewer, or none."""

_TAG = 16
_HELD = 4
"""Frames that are kept open while reading."""


def new_key() -> bytes:
    """A key for one file."""
    return AESGCM.generate_key(256)


def _about(number: int, *, last: bool) -> bytes:
    return number.to_bytes(8, "big") + (b"\x01" if last else b"\x00")


class SealedWriter:
    """Writes one file. It counts only once `finish` has come to its end."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Raises `GatewayError` where the file is there already, or cannot be made."""
        self.path = path
        self._cipher = AESGCM(key)
        self._pending = bytearray()
        self._number = 0
        self.size = 0
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            raise _unwritable() from None
        self._file = os.fdopen(handle, "wb")

    def write(self, part: bytes) -> None:
        """Append. Raises `GatewayError` where the disk does not take it."""
        self.size += len(part)
        self._pending += part
        # One byte stays, for only the end knows which frame is the last.
        while len(self._pending) > FRAME:
            self._put(bytes(self._pending[:FRAME]), last=False)
            del self._pending[:FRAME]

    def finish(self) -> None:
        """Write the last frame; the file and its name are durable after this."""
        self._put(bytes(self._pending), last=True)
        self._pending.clear()
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError:
            raise _unwritable() from None

    def abandon(self) -> None:
        """Remove what was written."""
        try:
            self._file.close()
        finally:
            self.path.unlink(missing_ok=True)

    def _put(self, frame: bytes, *, last: bool) -> None:
        about = _about(self._number, last=last)
        try:
            self._file.write(self._cipher.encrypt(about[:8].rjust(12, b"\0"), frame, about))
        except OSError:
            raise _unwritable() from None
        self._number += 1


class _Opened(io.RawIOBase):
    """The content of a sealed file, to be sought in."""

    def __init__(self, file: BinaryIO, key: bytes, size: int) -> None:
        self._file, self._cipher, self._size = file, AESGCM(key), size
        self._at = 0
        self._frames: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        if self._at >= self._size:
            return 0
        number, start = divmod(self._at, FRAME)
        part = self._frame(number)[start : start + len(view)]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def check_end(self) -> None:
        """Raise `GatewayError` where the end is not the end that was written."""
        self._frame(max(0, self._size - 1) // FRAME)

    def close(self) -> None:
        self._frames.clear()
        self._file.close()
        super().close()

    def _frame(self, number: int) -> bytes:
        found = self._frames.get(number)
        if found is None:
            about = _about(number, last=number == max(0, self._size - 1) // FRAME)
            self._file.seek(number * (FRAME + _TAG))
            try:
                sealed = self._file.read(FRAME + _TAG)
                found = self._cipher.decrypt(about[:8].rjust(12, b"\0"), sealed, about)
            except (OSError, InvalidTag, ValueError):
                raise _broken() from None
            self._frames[number] = found
            if len(self._frames) > _HELD:
                self._frames.popitem(last=False)
        return found


class Sealed:
    """A sealed file that was written to its end, with its key."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Raises `GatewayError` for a file that is not there."""
        self.path, self.key = path, key
        try:
            stored = path.stat().st_size
        except OSError:
            raise _broken() from None
        if stored < _TAG:
            raise _broken()
        full, rest = divmod(stored, FRAME + _TAG)
        self.size = full * FRAME + max(0, rest - _TAG)

    def __repr__(self) -> str:
        return f"Sealed({self.size} bytes)"

    def open(self) -> BinaryIO:
        """Its content from the start. Reading raises `GatewayError` where a frame is not whole."""
        try:
            file = self.path.open("rb")
        except OSError:
            raise _broken() from None
        opened = _Opened(file, self.key, self.size)
        try:
            opened.check_end()
        except BaseException:
            opened.close()
            raise
        return io.BufferedReader(opened, FRAME)

    def chunks(self) -> Iterator[bytes]:
        """Its content, frame by frame."""
        return pieces(self.open())

    def remove(self) -> None:
        """Take the file away."""
        self.path.unlink(missing_ok=True)


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """What is left of a file, which is closed after it."""
    with file:
        while part := file.read(FRAME):
            yield part


def _unwritable() -> GatewayError:
    return GatewayError("the disk does not take it", rule="bulk.unwritable")


def _broken() -> GatewayError:
    return GatewayError("a sealed file is gone or damaged", rule="bulk.sealed")
