"""An exported log as files: which there are, and what may stand in them.

Nothing here is believed. A file is read up to the size it may have, never through a link, and
every file in the folder is either a part of the log or said to be none.
"""

import os
import re
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from gateway.entry import MAX_BYTES
from gateway.errors import CorridorError, OfficerError
from gateway.note import MAX_TEXT
from gateway.publication.tiles import ENTRIES, Tile, parse, pieces
from gateway.verification.found import Found

HEAD = "checkpoint"
CHECKPOINTS = "checkpoints"
KNOWN = frozenset((HEAD, "schema/entry.json"))
HASH = 32
LENGTH = struct.Struct(">H")
MAX_NOTE = 4 * MAX_TEXT
"""Bytes: a character takes at most four."""
MAX_DOCUMENT = 64 << 20
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_TOKEN = re.compile(r"timestamps/(0|[1-9][0-9]{0,18})[.]tsr")
_DOCUMENT = re.compile(r"documents/[a-z_-]{1,40}/([0-9a-f]{64})")


class BrokenError(CorridorError):
    """A part of an exported log is missing or not in its one form."""

    status = 422


def longest(tile: Tile) -> int:
    """Bytes that a tile or bundle has at most."""
    return tile.width * (LENGTH.size + MAX_BYTES if tile.level == ENTRIES else HASH)


def read(root: Path, name: str, limit: int) -> bytes:
    """A regular file of at most `limit` bytes. Raises `BrokenError`."""
    try:
        opened = os.open(root / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise BrokenError("a file is missing", rule="file.missing", at=name) from None
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise BrokenError("not a file", rule="file.missing", at=name)
        with os.fdopen(opened, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    except OSError:
        raise BrokenError("cannot be read", rule="file.unreadable", at=name) from None
    finally:
        os.close(opened)
    if len(content) > limit:
        raise BrokenError("longer than it can be", rule="file.length", at=name)
    return content


def read_note(root: Path, name: str) -> str:
    """A checkpoint as text, not yet judged."""
    try:
        return read(root, name, MAX_NOTE).decode()
    except UnicodeDecodeError:
        raise BrokenError("not text", rule="file.encoding", at=name) from None


def leaves(root: Path, bundle: Tile) -> list[bytes]:
    """The entries of a bundle, if it holds exactly as many as its name says."""
    content = read(root, bundle.path, longest(bundle))
    found, at = [], 0
    for _ in range(bundle.width):
        end = at + LENGTH.size
        if end > len(content):
            raise BrokenError("fewer entries", rule="bundle.length", at=bundle.path)
        at, end = end, end + LENGTH.unpack_from(content, at)[0]
        if end > len(content):
            raise BrokenError("an entry is cut off", rule="bundle.length", at=bundle.path)
        found.append(content[at:end])
        at = end
    if at != len(content):
        raise BrokenError("more than its entries", rule="bundle.length", at=bundle.path)
    return found


def hashes(root: Path, tile: Tile) -> bytes:
    """A tile, if it has its exact length."""
    content = read(root, tile.path, longest(tile))
    if len(content) != tile.width * HASH:
        raise BrokenError("not as wide as its name says", rule="tile.length", at=tile.path)
    return content


def sizes(root: Path) -> list[int]:
    """The sizes that checkpoints were kept of."""
    folder = root / CHECKPOINTS
    names = os.listdir(folder) if folder.is_dir() and not folder.is_symlink() else []
    return sorted(int(name) for name in names if _SIZE.fullmatch(name))


def listed(root: Path) -> Iterator[str]:
    """Every file, link and odd thing below the folder, by its name within it."""
    if not root.is_dir():
        raise OfficerError("no such folder", rule="export.folder", at=root.name)
    for folder, below, files in os.walk(root):
        links = [name for name in below if (Path(folder) / name).is_symlink()]
        for name in [*files, *links]:
            yield (Path(folder) / name).relative_to(root).as_posix()


def strays(root: Path, size: int, found: Found) -> list[str]:
    """Report what claims to be a part of the log and is none; the names of all other files.

    A partial piece of an earlier size may be left: it must be the beginning of what replaced it.
    """
    needed = {tile.path: tile for tile in pieces(size)}
    others = []
    for name in listed(root):
        if name in needed or name in KNOWN or _DOCUMENT.fullmatch(name) or _TOKEN.fullmatch(name):
            continue
        folder, _, rest = name.partition("/")
        if folder == CHECKPOINTS and _SIZE.fullmatch(rest):
            continue
        if folder not in ("tile", CHECKPOINTS):
            others.append(name)
        elif not _outgrown(root, name, needed):
            found.add("file.extra", name)
    return sorted(others)


def _outgrown(root: Path, name: str, needed: dict[str, Tile]) -> bool:
    """Whether this is a partial piece that a wider one of the log begins with."""
    partial = parse(name.removeprefix("tile/"))
    if partial is None:
        return False
    place = (partial.level, partial.index)
    same = [one for one in needed.values() if (one.level, one.index) == place]
    if not same or same[0].width <= partial.width:
        return False
    try:
        if partial.level == ENTRIES:
            held = leaves(root, same[0])[: partial.width]
            return leaves(root, partial) == held
        return hashes(root, partial) == hashes(root, same[0])[: partial.width * HASH]
    except BrokenError:
        return False


def documents(root: Path) -> list[tuple[str, str]]:
    """Digest and file, of what is kept under its own digest; of each file of one digest."""
    return [
        (f"sha256:{match[1]}", match[0])
        for name in sorted(listed(root))
        if (match := _DOCUMENT.fullmatch(name))
    ]
