"""What was rendered, until it is released: in memory while small, encrypted on disk beyond.

The file has no name and its key is nowhere but in this process, so a crash leaves nothing that
anybody could read. Frames of AES-256-GCM, each under a key used once and its own number.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import GatewayError

IN_MEMORY = 32 << 20
"""Bytes that are held before the rest goes to disk."""

FRAME = 1 << 20
_TAG = 16


class Spool:
    """Bytes written once, in order, and read as often as needed. Close it when done."""

    def __init__(self, folder: Path, *, in_memory: int = IN_MEMORY) -> None:
        self._folder = folder
        self._in_memory = in_memory
        self._chunks: list[bytes] = []
        self._pending = 0
        self._file: IO[bytes] | None = None
        self._frames: list[int] = []
        self._digest = hashlib.sha256()
        self.size = 0

    def __repr__(self) -> str:
        return f"Spool({self.size} bytes)"

    def write(self, chunk: bytes) -> None:
        """Append. Raises `GatewayError` where the disk does not take it."""
        self._digest.update(chunk)
        self.size += len(chunk)
        self._chunks.append(chunk)
        self._pending += len(chunk)
        if self._file is None and self._pending > self._in_memory:
            self._file = self._opened()
        if self._file is not None and self._pending >= FRAME:
            self._flush(self._file)

    @cached_property
    def _cipher(self) -> AESGCM:
        # Made when it is needed: most spools never have a file.
        return AESGCM(AESGCM.generate_key(256))

    @property
    def digest(self) -> bytes:
        """SHA-256 of everything written so far."""
        return self._digest.digest()

    @property
    def on_disk(self) -> bool:
        """Whether it was too large for memory."""
        return self._file is not None

    def chunks(self) -> Iterator[bytes]:
        """Everything written, from the start."""
        if self._file is not None:
            yield from self._read(self._file)
        yield from self._chunks

    def read(self) -> bytes:
        """Everything written, at once."""
        return b"".join(self.chunks())

    def close(self) -> None:
        """Destroy it."""
        self._chunks = []
        if self._file is not None:
            self._file.close()

    def _opened(self) -> IO[bytes]:
        try:
            return tempfile.TemporaryFile(dir=self._folder)
        except OSError:
            raise GatewayError("the spool cannot be made", rule="spool.unwritable") from None

    def _flush(self, file: IO[bytes]) -> None:
        body = b"".join(self._chunks)
        try:
            for start in range(0, len(body), FRAME):
                frame = body[start : start + FRAME]
                file.write(self._cipher.encrypt(self._nonce(len(self._frames)), frame, None))
                self._frames.append(len(frame))
        except OSError:
            raise GatewayError("the spool cannot be written", rule="spool.unwritable") from None
        self._chunks, self._pending = [], 0

    def _read(self, file: IO[bytes]) -> Iterator[bytes]:
        try:
            file.flush()
            file.seek(0)
            for number, size in enumerate(self._frames):
                yield self._cipher.decrypt(self._nonce(number), file.read(size + _TAG), None)
        except (OSError, InvalidTag):
            raise GatewayError("the spool cannot be read", rule="spool.unreadable") from None

    @staticmethod
    def _nonce(number: int) -> bytes:
        return number.to_bytes(12, "big")
