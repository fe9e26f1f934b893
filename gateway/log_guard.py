"""What must hold before an existing log may be written to.

A log that fails here is not repaired: a damaged or older log that goes on would sign a
second history. The way on is a new log with a new origin; the old one stays as evidence.
"""

from collections.abc import Callable
from functools import partial

from gateway.errors import CorridorError, GatewayError
from gateway.high_water import HighWater
from gateway.log_keys import LogKeys
from gateway.log_store import Head, Store, head_of
from gateway.merkle import consistency, leaf_hash, node_hash, root, verify_consistency
from gateway.note import Checkpoint, Vkey, open_checkpoint

TILE = 256
_FREEZE = b'"what":"freeze"'
_HEAD = """SELECT size, edge, time, note FROM log_head LEFT JOIN checkpoint USING (size)"""


def verify(store: Store, high_water: HighWater, vkey: Vkey) -> None:
    """Refuse a log that is damaged, signed by another key, or older than what it once said."""
    keys = keys_of(store)
    if keys.current != vkey or store.origin() != vkey.name:
        raise GatewayError("the log belongs to another key or name", rule="log.key")
    # Before the head: another process may append. Perhaps signed before the key was changed.
    noted = _signed(high_water.note(), keys.opened)
    [(*row, note)] = store.read(_HEAD)
    head = head_of(tuple(row))
    signed = _signed(note or "", partial(open_checkpoint, vkey=vkey))
    if signed != Checkpoint(vkey.name, head.size, root(head.edge)):
        raise GatewayError("the head is not what was signed", rule="log.head")
    _verify_last_tiles(store, head)
    _verify_edge(store, head)
    _verify_contains(store, signed, noted)


def keys_of(store: Store) -> LogKeys:
    """The keys the log says it was signed with, oldest first."""
    rows = store.read("SELECT vkey FROM log")
    try:
        return LogKeys.parse(str(rows[0][0]) if rows else "")
    except CorridorError as error:
        raise GatewayError("not the keys of a log", rule="log.key", at=error.rule) from None


def _signed(note: str, opened: Callable[[str], Checkpoint]) -> Checkpoint:
    try:
        return opened(note)
    except CorridorError as error:
        problem = "a checkpoint is not signed by this log's key"
        raise GatewayError(problem, rule="log.signature", at=error.rule) from None


def _verify_last_tiles(store: Store, head: Head) -> None:
    """Hash the newest entries again, from the last full tile on: what is being added to."""
    first = max(0, (head.size // TILE - 1) * TILE)
    rows = store.read("SELECT idx, leaf, hash FROM entry WHERE idx >= ? ORDER BY idx", (first,))
    newer = [row for row in rows if row[0] < head.size]
    if [row[0] for row in newer] != list(range(first, head.size)):
        raise GatewayError("an entry is missing", rule="log.incomplete")
    for index, leaf, hashed in newer:
        if leaf_hash(leaf) != hashed:
            raise GatewayError("an entry was changed", rule="log.entry", at=f"entry {index}")
    if newer and _FREEZE in newer[-1][1]:
        raise GatewayError("the log was closed for good", rule="log.frozen")
    if head.size >= TILE:
        hashes = [row[2] for row in newer[:TILE]]
        while len(hashes) > 1:
            hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
        if store.node((8, first // TILE)) != hashes[0]:
            raise GatewayError("a tile was changed", rule="log.tile", at=f"entry {first}")


def _verify_edge(store: Store, head: Head) -> None:
    levels = [level for level in reversed(range(head.size.bit_length())) if head.size >> level & 1]
    stored = tuple(store.node((level, (head.size >> level) - 1)) for level in levels)
    if stored != head.edge:
        raise GatewayError("the tree does not fit its edge", rule="log.edge")


def _verify_contains(store: Store, signed: Checkpoint, noted: Checkpoint) -> None:
    if noted.size > signed.size:
        problem = "the log is older than what it once said: a backup was restored"
        raise GatewayError(problem, rule="log.rolled_back")
    try:
        proof = consistency(noted.size, signed.size, store.node)
        verify_consistency(noted.size, signed.size, proof, noted.root, signed.root)
    except CorridorError as error:
        problem = "the log does not contain what it once said: it was forked"
        raise GatewayError(problem, rule="log.forked", at=error.rule) from None
