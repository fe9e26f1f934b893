"""What a replay reads: questions by template, their moments, and the bundles that answered.

Of the log nothing is believed that does not fit the tree: every entry is hashed again, and the
root must be one that was signed. Documents and bundles are named by their digests.
"""

from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import Any

import orjson

from gateway import merkle, note
from gateway.errors import GatewayError
from gateway.log_keys import LogKeys
from gateway.log_snapshot import Snapshot, reading
from gateway.log_standing import opened
from gateway.policy import Bundle
from gateway.replay_window import packed

CHUNK = 2048
_POLICY = (b'"type":"control"', b'"what":"policy"')
_TRANSFER = b'"type":"transfer"'

Key = tuple[str, bytes, bytes]
"""Revision of the bundle that answered, digest of the template, and what else tells groups
apart (`Said`)."""

Said = Callable[[dict[str, Any]], bytes]
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


@dataclass(slots=True)
class Read:
    """The transfers of a log, or of its end."""

    origin: str
    size: int
    root: str
    counted: int = 0
    """Transfers of the window, replayable or not."""
    older: int = 0
    """Of these, transfers without a question: logged before questions were kept."""
    active: str = ""
    """Revision activated last; before the first activation, the one that answered last."""
    groups: dict[Key, "array[int]"] = field(default_factory=dict, repr=False)
    """Packed moments, sorted."""


class Recorded:
    """A log as it stood at one moment."""

    def __init__(self, connection: Snapshot, vkey: str) -> None:
        self._connection = connection
        self._keys = LogKeys.parse(vkey)

    def read(
        self,
        progress: Progress,
        *,
        since: int = 0,
        start: int = 0,
        size: int | None = None,
        said: Said = lambda _: b"",
    ) -> Read:
        """Every transfer logged at or after `since` (milliseconds since 1970) and from `start` on.

        `size` reads the log as it was when it had so many entries. Raises `GatewayError` where
        entries do not fit what was signed.
        """
        checkpoint = self._checkpoint(size)
        read = Read(checkpoint.origin, checkpoint.size, checkpoint.root.hex())
        start = max(start, self._first(since, checkpoint.size))
        edge: tuple[bytes, ...] = ()
        last = b""
        query = "SELECT idx, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx"
        for begin in range(0, checkpoint.size, CHUNK):
            end = min(begin + CHUNK, checkpoint.size)
            rows: list[tuple[Any, ...]] = self._connection.execute(query, (begin, end)).fetchall()
            if len(rows) != end - begin:
                raise GatewayError("an entry is missing", rule="log.incomplete")
            edge = merkle.grow(begin, edge, [merkle.leaf_hash(leaf) for _, leaf in rows]).edge
            for index, leaf in rows:
                if _TRANSFER in leaf:
                    last = leaf
                    if index >= start:
                        _take(read, index, orjson.loads(leaf), said)
                elif all(part in leaf for part in _POLICY):
                    read.active = orjson.loads(leaf).get("digest", "")
            progress("reading the log", end, checkpoint.size)
        if merkle.root(edge) != checkpoint.root:
            raise GatewayError("the log is not what was signed", rule="log.head")
        if not read.active and last:
            read.active = orjson.loads(last).get("policy", {}).get("bundle", "")
        for moments in read.groups.values():
            moments[:] = array("q", sorted(moments))
        return read

    def document(self, digest: str) -> bytes | None:
        """What is kept under a digest. Raises `GatewayError` where it was changed."""
        for (value,) in self._rows("SELECT value FROM document WHERE digest = ?", (digest,)):
            content = opened(digest, value)
            if content is None:
                raise GatewayError("a kept document was changed", rule="document.digest")
            return content
        return None

    def bundles(self) -> dict[str, Bundle]:
        """Every bundle that is kept, by its revision."""
        found = {}
        query = "SELECT digest, value FROM document WHERE kind = 'bundle' ORDER BY digest"
        for digest, value in self._rows(query):
            content = opened(digest, value)
            if content is None:
                raise GatewayError("a kept document was changed", rule="document.digest")
            bundle = Bundle.unpacked(content)
            found[bundle.revision] = bundle
        return found

    def origin(self) -> str:
        """The log's name."""
        return self._checkpoint(None).origin

    def size(self) -> int:
        """How many entries the newest checkpoint covers."""
        return self._checkpoint(None).size

    def active(self) -> str:
        """What `Read.active` will be, from the tables; empty where the end does not show it."""
        if standing := self.standing():
            return standing
        for _, leaf in self._rows("SELECT idx, leaf FROM entry ORDER BY idx DESC LIMIT 512"):
            if _TRANSFER in leaf:
                return str(orjson.loads(leaf).get("policy", {}).get("bundle", ""))
        return ""

    def standing(self) -> str:
        """Revision of the bundle that is in force; empty before the first activation."""
        query = "SELECT digest FROM standing WHERE kind = 'policy' AND id = 'policy'"
        return next((str(row[0]) for row in self._rows(query)), "")

    def activations(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The entries that say which policies are in force, oldest first, as the rows have them."""
        for index, leaf in self._rows("SELECT idx, leaf FROM entry ORDER BY idx"):
            if all(part in leaf for part in _POLICY):
                yield index, orjson.loads(leaf)

    def _rows(self, query: str, bindings: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        # A log that was last opened by an older version has no documents, and nothing stands.
        if "FROM document" in query or "FROM standing" in query:
            tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'document'"
            if self._connection.execute(tables).fetchall() == [(0,)]:
                return
        yield from self._connection.execute(query, bindings)

    def _checkpoint(self, size: int | None) -> note.Checkpoint:
        query = "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1"
        rows = list(self._rows(query))
        if size is not None:
            rows = list(self._rows("SELECT note FROM checkpoint WHERE size = ?", (size,)))
        if not rows:
            raise GatewayError("the log never had this size", rule="replay.size")
        return self._keys.opened(rows[0][0])

    def _first(self, since: int, size: int) -> int:
        """The first entry at or after a time; times never go back."""
        low, high = 0, size
        while low < high and since:
            middle = (low + high) // 2
            query = "SELECT leaf FROM entry WHERE idx = ?"
            [(leaf,)] = self._rows(query, (middle,))
            if orjson.loads(leaf)["time"] < since:
                low = middle + 1
            else:
                high = middle
        return low


@contextmanager
def recorded(directory: Path, vkey: str) -> Iterator[Recorded]:
    """The log in a folder, as it stands now, whether a gateway has it open or not."""
    with reading(directory) as connection:
        yield Recorded(connection, vkey)


def _take(read: Read, index: int, entry: dict[str, Any], said: Said) -> None:
    read.counted += 1
    policy = entry.get("policy", {})
    if "template" not in policy:
        read.older += 1
        return
    template = bytes.fromhex(policy["template"].removeprefix("sha256:"))
    key = (intern(policy["bundle"]), template, said(entry))
    read.groups.setdefault(key, array("q")).append(packed(policy["at"], index))
