"""Taking in a body: bounded before it is read, unpacked as it comes, sealed where it is large.

Nothing of a body is on the disk in clear. One that breaks off, or is refused, leaves nothing.
"""

import asyncio
import hashlib
import secrets
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import zstandard
from starlette.requests import Request

from gateway.bulk.sealed import Sealed, SealedWriter, new_key
from gateway.errors import CorridorError, GatewayError, SenderError
from gateway.identity import Caller, still
from gateway.settings import BulkSettings

HELD = 2 << 20
"""Bytes that are held in memory; more goes to a sealed file."""

FOLDER = "bulk"
SUFFIX = ".sealed"

_UNPACKED = 1 << 20
"""Bytes that are unpacked at once."""

_GRACE = 1 << 20
"""Bytes of content that may come of whatever little: honest files of nothing but one value."""

_PIECE = 1024
"""Bytes given to zstd at once. A block of four bytes may unpack to 128 KiB."""

_WINDOW = 8 << 20
"""RFC 9659: what a zstd body may ask a receiver to remember."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body that was taken in whole."""

    content: bytes | Sealed = field(repr=False)
    size: int
    digest: bytes = field(repr=False)
    """SHA-256 of the content, unpacked."""
    file: Sealed | None = field(default=None, repr=False)
    """Where it is on the disk; to be removed by whoever takes the body."""

    def remove(self) -> None:
        """Leave nothing of it on the disk."""
        if self.file is not None:
            self.file.remove()


class Unpack(Protocol):
    """Undoes one content coding. Raises `SenderError` for what is not in it."""

    def feed(self, part: bytes) -> Iterator[bytes]:
        """What can be unpacked now, in bounded pieces."""

    def end(self) -> None:
        """There is no more. Raises `SenderError` where there should be."""


class Identity:
    """No coding."""

    def feed(self, part: bytes) -> Iterator[bytes]:
        yield part

    def end(self) -> None:
        return


class Gzip:
    """RFC 1952, with any number of members."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    def feed(self, part: bytes) -> Iterator[bytes]:
        while part:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            self._begun = True
            try:
                yield self._member.decompress(part, _UNPACKED)
            except zlib.error:
                raise _not_packed() from None
            part = self._member.unconsumed_tail or self._member.unused_data

    def end(self) -> None:
        if self._begun and not self._member.eof:
            raise _not_packed()


class Zstandard:
    """RFC 8878, one frame."""

    def __init__(self) -> None:
        self._frame = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        self._begun = False

    def feed(self, part: bytes) -> Iterator[bytes]:
        for at in range(0, len(part), _PIECE):
            self._begun = True
            try:
                yield self._frame.decompress(part[at : at + _PIECE])
            except zstandard.ZstdError:
                raise _not_packed() from None

    def end(self) -> None:
        if self._begun and (not self._frame.eof or self._frame.unused_data):
            raise _not_packed()


CODINGS: dict[str, type[Identity] | type[Gzip] | type[Zstandard]] = {
    "": Identity,
    "identity": Identity,
    "gzip": Gzip,
    "x-gzip": Gzip,
    "zstd": Zstandard,
}


async def body_of(request: Request, caller: Caller, data: Path, bulk: BulkSettings) -> Body:
    """The whole body, unpacked. `data` is where a large one is sealed.

    Raises `SenderError` (400, 413, 415), and `GatewayError` where there is no room for it.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > bulk.body_limit_bytes:
        raise _too_large()
    coding = CODINGS.get(request.headers.get("content-encoding", "").strip().lower())
    if coding is None:
        raise SenderError("gzip, zstd, or none", rule="body.encoding", status=415)
    intake = _Intake(data / FOLDER, bulk)
    try:
        return await _taken(request, caller, coding(), intake)
    except BaseException:
        intake.abandon()
        raise


async def _taken(request: Request, caller: Caller, unpack: Unpack, intake: "_Intake") -> Body:
    said = caller.hasher() if caller.content_digest is not None else None
    async for part in request.stream():
        if said is not None:
            said.update(part)
        intake.came(len(part))
        for piece in unpack.feed(part):
            intake.put(piece)
            if intake.due:
                await asyncio.to_thread(intake.spill)
    unpack.end()
    if said is not None:
        caller.check(said.digest())
    still(request, caller)
    return intake.held() if intake.writer is None else await asyncio.to_thread(intake.sealed)


class _Intake:
    """A body on its way in."""

    def __init__(self, folder: Path, bulk: BulkSettings) -> None:
        self._folder, self._bulk = folder, bulk
        self._packed = self._size = self._waiting = 0
        self._pieces: list[bytes] = []
        self._digest = hashlib.sha256()
        self._key = b""
        self.writer: SealedWriter | None = None

    def came(self, number: int) -> None:
        """So many bytes came over the wire."""
        self._packed += number
        if self._packed > self._bulk.body_limit_bytes:
            raise _too_large()

    def put(self, piece: bytes) -> None:
        """The next of the content."""
        self._size += len(piece)
        if self._size > self._bulk.body_limit_bytes:
            raise _too_large()
        if self._size > _GRACE and self._size > self._packed * self._bulk.expansion:
            raise SenderError(
                "it unpacks to far more than it was", rule="body.expansion", status=413
            )
        self._pieces.append(piece)
        self._waiting += len(piece)

    @property
    def due(self) -> bool:
        """Whether what waits belongs on the disk."""
        return self._waiting > HELD

    def spill(self) -> None:
        """Move what waits to the sealed file."""
        if self.writer is None:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._key = new_key()
            path = self._folder / f"{secrets.token_hex(16)}{SUFFIX}"
            self.writer = SealedWriter(path, self._key)
        if shutil.disk_usage(self._folder).free < self._bulk.free_bytes + self._waiting:
            raise GatewayError("no room for a payload of this size", rule="bulk.disk_full")
        for piece in self._pieces:
            self._digest.update(piece)
            self.writer.write(piece)
        self._pieces, self._waiting = [], 0

    def held(self) -> Body:
        """All of it, in memory."""
        content = b"".join(self._pieces)
        return Body(content, len(content), hashlib.sha256(content).digest())

    def sealed(self) -> Body:
        """All of it, in a sealed file."""
        self.spill()
        if self.writer is None:  # never: `spill` makes it
            raise _too_large()
        self.writer.finish()
        file = Sealed(self.writer.path, self._key)
        return Body(file, self._size, self._digest.digest(), file)

    def abandon(self) -> None:
        """Leave nothing behind."""
        if self.writer is not None:
            self.writer.abandon()


def stored(body: Body, data: Path) -> Sealed:
    """A body in a sealed file, wherever it was."""
    if body.file is not None:
        return body.file
    key = new_key()
    folder = data / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    writer = SealedWriter(folder / f"{secrets.token_hex(16)}{SUFFIX}", key)
    try:
        if isinstance(body.content, bytes):
            writer.write(body.content)
        writer.finish()
    except CorridorError:
        writer.abandon()
        raise
    return Sealed(writer.path, key)


def _too_large() -> SenderError:
    return SenderError("the body is too large", rule="body.too_large", status=413)


def _not_packed() -> SenderError:
    return SenderError(
        "not what its Content-Encoding says, or cut off", rule="body.not_packed", status=400
    )
