"""A log as it is published: its pieces, checkpoints and proofs, out of the log's tables.

It reads through one function, so that a running gateway, a file nobody has open and a
database far away are published by the same code. What is found is checked for being
complete; whether it is true, those decide who hash it again.
"""

import re
import struct
from collections.abc import Callable, Iterator
from typing import Any

from gateway import log_standing, merkle, note
from gateway.errors import GatewayError, SenderError
from gateway.merkle import TILE_LEVELS, Place
from gateway.publication.tiles import ENTRIES, Tile

Read = Callable[[str, tuple[int | str | bytes, ...]], list[tuple[Any, ...]]]
"""All rows of a query with `?` for what is bound, as of the last commit."""

LENGTH = struct.Struct(">H")
CHUNK = 256
DOCUMENTS = 64
KIND = re.compile("[a-z_-]{1,40}")
"""What kinds of documents are called: names of folders in an export."""

MAX_COSIGNERS = note.MAX_SIGNATURES - 1


class Tree:
    """What a log says to the world."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def newest(self) -> tuple[int, str]:
        """Size and note of the newest checkpoint, as the log signed it."""
        query = "SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1"
        [(size, text)] = self._read(query, ())
        return int(size), str(text)

    def checkpoint(self, size: int) -> str | None:
        """The checkpoint of this size with the cosignatures it has; None where none was signed."""
        rows = self._read("SELECT note FROM checkpoint WHERE size = ?", (size,))
        if not rows:
            return None
        lines = self._cosigned(size - 1, size).get(size, {})
        return f"{rows[0][0]}{''.join(lines.values())}"

    def checkpoints(self, after: int, to: int) -> Iterator[tuple[int, str]]:
        """Every checkpoint of more than `after` entries up to `to`, with its cosignatures."""
        query = (
            "SELECT size, note FROM checkpoint WHERE size > ? AND size <= ? ORDER BY size LIMIT ?"
        )
        while rows := self._read(query, (after, to, CHUNK)):
            lines = self._cosigned(after, int(rows[-1][0]))
            for size, text in rows:
                yield int(size), text + "".join(lines.get(size, {}).values())
            after = int(rows[-1][0])

    def cosigned(self, below: int, limit: int, least: int = 1) -> list[int]:
        """Sizes below `below` of checkpoints that so many witnesses signed, the largest first."""
        query = (
            "SELECT size FROM cosignature WHERE size < ? GROUP BY size"
            " HAVING count(DISTINCT witness) >= ? ORDER BY size DESC LIMIT ?"
        )
        return [int(size) for (size,) in self._read(query, (below, least, limit))]

    def _cosigned(self, after: int, to: int) -> dict[int, dict[str, str]]:
        """The first cosignature by each witness of each checkpoint in this range of sizes."""
        query = (
            "SELECT size, witness, line FROM cosignature"
            " WHERE size > ? AND size <= ? ORDER BY size, witness, time"
        )
        found: dict[int, dict[str, str]] = {}
        for size, witness, line in self._read(query, (after, to)):
            lines = found.setdefault(int(size), {})
            if len(lines) < MAX_COSIGNERS:
                # The first says most: that the log was that long by then.
                lines.setdefault(witness, line)
        return found

    def content(self, tile: Tile) -> bytes:
        """The bytes of a tile or a bundle that the log is known to have."""
        if tile.level == ENTRIES:
            leaves = [leaf for _, leaf in self.entries(tile.start, tile.width)]
            return b"".join(LENGTH.pack(len(leaf)) + leaf for leaf in leaves)
        return b"".join(self._hashes(tile.level, tile.start, tile.width))

    def entries(self, start: int, count: int) -> list[tuple[int, bytes]]:
        """Index and bytes of entries, every one of them."""
        query = "SELECT idx, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx"
        rows = self._read(query, (start, start + count))
        if [row[0] for row in rows] != list(range(start, start + count)):
            raise GatewayError("entries are missing", rule="log.incomplete", at=f"entry {start}")
        return [(int(index), bytes(leaf)) for index, leaf in rows]

    def node(self, place: Place) -> bytes:
        """The hash of a complete subtree, for proofs."""
        level, index = place
        tile, above = divmod(level, TILE_LEVELS)
        hashes = self._hashes(tile, index << above, 1 << above)
        while len(hashes) > 1:
            pairs = zip(hashes[::2], hashes[1::2], strict=True)
            hashes = [merkle.node_hash(*pair) for pair in pairs]
        return hashes[0]

    def find(self, transfer: str) -> int:
        """Where the entry of a transfer is. Raises `SenderError` for one the log does not have."""
        for (index,) in self._read("SELECT idx FROM transfer_state WHERE id = ?", (transfer,)):
            return int(index)
        raise SenderError("no such transfer", rule="transfer.unknown", status=404)

    def documents(self) -> Iterator[tuple[str, str, bytes]]:
        """Kind, digest and content of everything kept under its own digest."""
        query = "SELECT digest, kind, value FROM document WHERE digest > ? ORDER BY digest LIMIT ?"
        after = ""
        while rows := self._read(query, (after, DOCUMENTS)):
            for digest, kind, value in rows:
                content = log_standing.opened(digest, value)
                if content is None or KIND.fullmatch(kind) is None:
                    raise GatewayError("a kept document was changed", rule="document.digest")
                yield kind, digest, content
            after = rows[-1][0]

    def _hashes(self, level: int, start: int, count: int) -> list[bytes]:
        table = "tile_hash WHERE level = ?" if level else "entry WHERE 0 = ?"
        query = f"SELECT hash FROM {table} AND idx >= ? AND idx < ? ORDER BY idx"  # noqa: S608 - names and marks are ours
        rows = self._read(query, (level, start, start + count))
        if len(rows) != count:
            raise GatewayError("a part of the tree is missing", rule="log.incomplete")
        return [bytes(row[0]) for row in rows]
