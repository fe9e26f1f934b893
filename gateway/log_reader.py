"""What can be asked of an open log without writing to it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gateway import log_standing, merkle
from gateway.errors import GatewayError
from gateway.log_batch import Appended
from gateway.log_cells import KnownCells
from gateway.log_standing import Key, Standing
from gateway.log_store import Keep, Store

CHUNK = 256
YEAR = 12
"""Months that a tally looks back, beside the current one."""


class Reader:
    """Questions to the store, each as of the last commit. From any thread."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def rows(self, query: str, bindings: Sequence[int | str | bytes] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query of ours, with `?` for its values. What it reads is all held."""
        return self._store.read(query, bindings)

    def kept(self, kind: str, key: str) -> Keep | None:
        """What was kept under this key, unless it was destroyed or its time has passed."""
        query = "SELECT kind, key, value, owner, expires FROM kept WHERE kind = ? AND key = ?"
        for row in self._store.read(query, (kind, key)):
            keep = Keep(*row)
            if not keep.expires or keep.expires > self._clock():
                return keep
        return None

    def entries(self, start: int = 0, count: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Index and bytes of the entries from `start`, as the log is while they are read."""
        end = self.size() if count is None else start + count
        query = "SELECT idx, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx"
        for first in range(start, end, CHUNK):
            yield from self._store.read(query, (first, min(first + CHUNK, end)))

    def checkpoint(self) -> str:
        """The newest signed checkpoint."""
        return self._newest()[1]

    def size(self) -> int:
        """How many entries the newest checkpoint covers."""
        return self._newest()[0]

    def prove(self, index: int) -> Appended:
        """The entry at `index` with a proof to the newest checkpoint."""
        size, note = self._newest()
        proof = merkle.inclusion(index, size, self._store.node)
        [(leaf,)] = self._store.read("SELECT leaf FROM entry WHERE idx = ?", (index,))
        return Appended(index, size, leaf, note, proof)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the log of `old` entries is the beginning of the log of `new`."""
        if new > self.size():
            raise merkle.ProofError("the log is not that long yet", rule="proof.size")
        return merkle.consistency(old, new, self._store.node)

    def find(self, transfer_id: str) -> int | None:
        """Where a transfer is in the log."""
        query = "SELECT idx FROM transfer_state WHERE id = ?"
        return next((row[0] for row in self._store.read(query, (transfer_id,))), None)

    def waiting(self, owner: str, after: str, limit: int) -> list[tuple[str, int]]:
        """Ids of transfers whose content waits for a party, oldest first, and when it expires.

        What is still being pushed to it does not wait for its fetch.
        """
        query = (
            "SELECT key, expires FROM kept WHERE kind = 'content' AND owner = ? AND key > ?"
            " AND expires > ? AND NOT EXISTS (SELECT 1 FROM delivery WHERE transfer = key"
            " AND state = 'waiting') ORDER BY key LIMIT ?"
        )
        return self._store.read(query, (owner, after, self._clock(), limit))

    def state(self, transfer_id: str) -> str | None:
        """What became of a transfer's release: open, delivered, not_released, or none was due."""
        query = "SELECT state FROM transfer_state WHERE id = ?"
        return next((row[0] for row in self._store.read(query, (transfer_id,))), None)

    def document(self, digest: str) -> bytes | None:
        """What is kept under its own digest. Raises `GatewayError` where it was changed."""
        query = "SELECT value FROM document WHERE digest = ?"
        for (value,) in self._store.read(query, (digest,)):
            content = log_standing.opened(digest, value)
            if content is None:
                raise GatewayError("a kept document was changed", rule="document.digest")
            return content
        return None

    def standing(self) -> dict[Key, Standing]:
        """The last word about each agreement and the policies, as the log has it."""
        return self._store.standing()

    def epoch(self) -> int:
        """A number that changes whenever `standing` does; -1 before anything stood."""
        [(newest,)] = self._store.read("SELECT max(idx) FROM standing")
        return -1 if newest is None else int(newest)

    def tally(self, kind: str, key: str) -> int:
        """How often something was logged in this month and the twelve before."""
        query = "SELECT coalesce(sum(n), 0) FROM tally WHERE kind = ? AND key = ? AND month >= ?"
        oldest = log_standing.month_of(self._clock()) - YEAR
        return int(self._store.read(query, (kind, key, oldest))[0][0])

    def known_cells(self, recipient: str) -> KnownCells:
        """What a recipient was told, or denied, of figures."""
        return KnownCells(self._store, recipient, self._clock())

    def _newest(self) -> tuple[int, str]:
        query = "SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1"
        [(size, note)] = self._store.read(query)
        return size, note
