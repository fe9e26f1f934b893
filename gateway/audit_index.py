"""The log's index, checked against the entries: nobody signed it, and reports rest on it."""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gateway.log_index import indexed

_UNLIKE = """
SELECT 1 FROM happened h JOIN entry_index e ON e.idx = h.idx
LEFT JOIN transfer_state s ON s.id = h.transfer LEFT JOIN entry_index t ON t.idx = s.idx
WHERE h.kind <> e.kind OR h.place <> coalesce(s.idx, -1) OR h.profile <> coalesce(t.profile, 0)
LIMIT 1
"""
"""Rows of `happened` that do not follow from the other tables."""
BLOCK = 4096
"""Entries of which one digest is held: enough to say where the index is wrong."""

Rows = Callable[[str], Iterable[Sequence[Any]]]
Found = Callable[[str, str], None]


class IndexAudit:
    """One walk through the entries, in order, and then a look at the tables."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._blocks: dict[int, Any] = {}
        self._happened: dict[int, int] = {}

    def entry(self, index: int, said: dict[str, Any]) -> None:
        """Take in one entry, which was checked against its schema."""
        one = indexed(said)
        self._add(self._blocks, index, said["time"], one.kind, one.digest)
        if one.transfer:
            self._happen(self._happened, one.transfer, index)

    def tables(self, rows: Rows) -> None:
        """Compare the tables with what the entries say. `rows` runs a query."""
        digests = {0: b""}
        for number, digest, value in rows("SELECT id, digest, value FROM profile"):
            digests[number] = bytes(digest)
            if _digest_of(bytes(value)) != digest:
                self._found("index.profile", f"profile {number}")
        blocks: dict[int, Any] = {}
        for index, time, kind, profile in rows(
            "SELECT idx, time, kind, profile FROM entry_index ORDER BY idx"
        ):
            self._add(blocks, index, time, kind, digests.get(profile, b"?"))
        happened: dict[int, int] = {}
        for transfer, index in rows("SELECT transfer, idx FROM happened"):
            self._happen(happened, transfer, index)
        if list(rows(_UNLIKE)):
            self._found("index.happened", "")
        self._compare("index.entry", self._blocks, blocks)
        self._compare("index.happened", self._happened, happened)

    def _compare(self, rule: str, said: dict[int, Any], rows: dict[int, Any]) -> None:
        for block in sorted(said.keys() | rows.keys()):
            if _said(said.get(block)) != _said(rows.get(block)):
                self._found(rule, f"entries {block * BLOCK} to {(block + 1) * BLOCK - 1}")

    @staticmethod
    def _add(blocks: dict[int, Any], index: int, time: int, kind: str, digest: bytes) -> None:
        hashed = blocks.setdefault(index // BLOCK, hashlib.sha256())
        hashed.update(b"%d %d %b %b\n" % (index, time, kind.encode(), digest.hex().encode()))

    @staticmethod
    def _happen(blocks: dict[int, int], transfer: str, index: int) -> None:
        # A sum: these rows come in another order than the entries.
        hashed = hashlib.sha256(f"{transfer} {index}".encode()).digest()
        at = index // BLOCK
        blocks[at] = (blocks.get(at, 0) + int.from_bytes(hashed)) % (1 << 256)


def _said(block: Any) -> Any:
    return block if block is None or isinstance(block, int) else block.digest()


def _digest_of(value: bytes) -> bytes:
    try:
        return hashlib.sha256(zlib.decompress(value)).digest()
    except zlib.error:
        return b""
