"""The high-water file: the newest checkpoint that was ever acknowledged, beside the log.

A log restored from a backup looks whole; only what it once said can show that it is older.
This file is written after COMMIT and before anyone is told, and a log that does not contain
what is written here is not opened. Keep it on another volume than the backups of the log.

Two slots are written in turn, so that a torn write leaves the one before it. A slot is
`HWM1`, a counter (8 bytes), a length (2 bytes), a signed note, zeros, and the SHA-256 of
all that.
"""

import fcntl
import hashlib
import os
import struct
from pathlib import Path

from gateway.errors import GatewayError

FILE = "log.highwater"
SLOT = 2048
MAGIC = b"HWM1"
MAX_ORIGIN = 800
"""Bytes: the name stands twice in a note, and a note of any size must fit into its slot."""

_START = struct.Struct(">4sQH")
_ROOM = SLOT - 32


class HighWater:
    """An open high-water file. Safe between processes: the directory's lock guards each write."""

    def __init__(self, directory: Path) -> None:
        """Open the existing file. Raises `GatewayError` when it is missing."""
        try:
            self._file = os.open(directory / FILE, os.O_RDWR)
        except FileNotFoundError:
            rule = "log.high_water_missing"
            raise GatewayError("the log's high-water file is missing", rule=rule) from None
        self._directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)

    @classmethod
    def create(cls, directory: Path, note: str) -> None:
        """Make the file, durable under its name, and whatever was made before it there."""
        content = _slot(0, note) + bytes(SLOT)
        file = os.open(directory / FILE, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.pwrite(file, content, 0)
        os.fsync(file)
        os.close(file)
        opened = cls(directory)
        os.fsync(opened._directory)
        opened.close()

    def note(self) -> str:
        """The newest checkpoint in the file. Raises `GatewayError` when no slot is whole."""
        return newest(os.pread(self._file, 2 * SLOT, 0))[1]

    def advance(self, size: int, note: str) -> None:
        """Write down a checkpoint, durably, unless another process wrote down a later one."""
        fcntl.flock(self._directory, fcntl.LOCK_EX)
        try:
            slots = _slots(os.pread(self._file, 2 * SLOT, 0))
            kept = max(slots, key=lambda at: slots[at], default=1)
            counter, before = slots.get(kept, (-1, ""))
            if not before or size > size_of(before):
                os.pwrite(self._file, _slot(counter + 1, note), (1 - kept) * SLOT)
            # Also when the later one is another's: it may not have reached the disk yet.
            os.fdatasync(self._file)
        finally:
            fcntl.flock(self._directory, fcntl.LOCK_UN)

    def alone(self) -> bool:
        """Join those who have this log open; true when nobody else has."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._file, fcntl.LOCK_SH)
            return False
        return True

    def share(self) -> None:
        """Let others in, after `alone` said true."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def close(self) -> None:
        """Close, and leave those who have the log open."""
        os.close(self._file)
        os.close(self._directory)


def newest(content: bytes) -> tuple[int, str]:
    """Counter and note of the newest whole slot. Raises `GatewayError` when there is none."""
    slots = _slots(content)
    if not slots:
        rule = "log.high_water_damaged"
        raise GatewayError("the log's high-water file cannot be read", rule=rule)
    return max(slots.values())


def size_of(note: str) -> int:
    """The size in a checkpoint that this gateway wrote itself."""
    return int(note.split("\n", 2)[1])


def _slot(counter: int, note: str) -> bytes:
    text = note.encode()
    body = (_START.pack(MAGIC, counter, len(text)) + text).ljust(_ROOM, b"\x00")
    return body + hashlib.sha256(body).digest()


def _slots(content: bytes) -> dict[int, tuple[int, str]]:
    """Counter and note of each whole slot, by position."""
    slots = {}
    for position in (0, 1):
        slot = content[position * SLOT : (position + 1) * SLOT]
        body, checksum = slot[:_ROOM], slot[_ROOM:]
        if slot[:4] == MAGIC and hashlib.sha256(body).digest() == checksum:
            _, counter, length = _START.unpack_from(body)
            slots[position] = (counter, body[_START.size : _START.size + length].decode())
    return slots
