"""The rows of the log, and what they may be trusted for.

For nothing: whoever can write the file can change every row. The tree, the signatures and
the high-water file are what a change is noticed by (`log`, `audit`). What this module does
promise is that a transaction holds the file's lock from its first moment (`BEGIN IMMEDIATE`),
so that a second process cannot read the same head and sign the same position.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from gateway.errors import GatewayError
from gateway.log_file import SCHEMA, STANDING, connect, failing
from gateway.log_standing import Cells, Effects, Key, Standing
from gateway.merkle import TILE_LEVELS, Place, node_hash


@dataclass(frozen=True, slots=True)
class Keep:
    """Something kept beside the tree, in the same transaction, and never part of it.

    What is kept may be personal; it can be destroyed, and no proof changes when it is.
    """

    kind: str
    """receipt, content, question, opening, ..."""
    key: str
    """Unique within its kind."""
    value: bytes = field(repr=False)
    owner: str = ""
    """The party it is for."""
    expires: int = 0
    """Milliseconds since 1970; 0 keeps it until it is destroyed."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log ends."""

    size: int
    edge: tuple[bytes, ...]
    time: int
    """Of the last entry, in milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What entries write besides the tree: tuples in the order of the tables' columns."""

    entries: list[tuple[Any, ...]] = field(default_factory=list)
    transfers: list[tuple[Any, ...]] = field(default_factory=list)
    tokens: list[tuple[Any, ...]] = field(default_factory=list)
    kept: list[tuple[Any, ...]] = field(default_factory=list, repr=False)

    @classmethod
    def joined(cls, many: "Sequence[Rows]") -> "Rows":
        """All rows of many entries, in order."""
        return cls(
            [row for rows in many for row in rows.entries],
            [row for rows in many for row in rows.transfers],
            [row for rows in many for row in rows.tokens],
            [row for rows in many for row in rows.kept],
        )


MAX_ROWS = 512
"""Rows in one statement; SQLite takes 32,766 parameters."""


class CommitError(GatewayError):
    """COMMIT failed: the rows may be on the disk or not, and nobody can know before a reopen."""


class Store:
    """One open log file: a connection that writes and one that reads.

    Each has a lock, so any thread may call anything. Methods named `add_...`, and `set_...`,
    belong inside `writing()`.
    """

    def __init__(self, path: Path) -> None:
        """Open an existing file. Raises `GatewayError` when there is none, or it is not ours."""
        if not path.is_file():
            raise GatewayError("there is no log here; make one first", rule="log.missing")
        with failing("log.unavailable"):
            self._writer = connect(path)
            _extend(self._writer)
            self._reader = connect(path)
            self._reader.pragma("query_only", True)
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()

    @classmethod
    def create(cls, path: Path, vkey: str, origin: str, note: str) -> None:
        """Make the file, with the checkpoint of the empty log. Never touches an existing one."""
        with failing("log.unavailable"), closing(connect(path, new=True)) as new, new:
            new.execute(SCHEMA + STANDING)
            new.execute("INSERT INTO log VALUES (1, ?, ?)", (origin, vkey))
            new.execute("INSERT INTO log_head VALUES (1, 0, x'', 0)")
            new.execute("INSERT INTO checkpoint VALUES (0, ?)", (note,))

    def origin(self) -> str:
        """The name the log was made with."""
        return str(self.read("SELECT origin FROM log")[0][0])

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that holds the lock of the file from its first moment.

        Raises `log.busy` when another process holds it for too long, `CommitError` when
        COMMIT fails. An exception from the body undoes everything and comes out unchanged.
        """
        with self._write_lock:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except apsw.BusyError:
                raise GatewayError("another process holds the log", rule="log.busy") from None
            try:
                yield
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            try:
                self._writer.execute("COMMIT")
            except apsw.Error as error:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                problem = f"the log could not be written ({type(error).__name__})"
                raise CommitError(problem, rule="log.unavailable") from error

    def head(self) -> Head:
        """The end of the log as this transaction sees it. Inside `writing()` only."""
        row = self._writer.execute("SELECT size, edge, time FROM log_head").fetchall()[0]
        return head_of(row)

    def set_head(self, head: Head) -> None:
        """Move the end of the log."""
        self._writer.execute(
            "UPDATE log_head SET size = ?, edge = ?, time = ?",
            (head.size, b"".join(head.edge), head.time),
        )

    def add(self, rows: "Rows") -> None:
        """Rows of many entries. Raises `apsw.ConstraintError` when an id or a key is taken.

        One statement a table: each statement gives up the interpreter's lock, and under load
        to get it back costs more than the statement.
        """
        self._insert("entry (idx, id, leaf, hash)", rows.entries)
        self._insert("transfer_state (id, idx, outcome, state)", rows.transfers)
        self._insert("once (token, transfer)", rows.tokens)
        self._insert("kept (kind, key, owner, value, expires)", rows.kept)

    def _insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        for at in range(0, len(rows), MAX_ROWS):
            part = rows[at : at + MAX_ROWS]
            marks = "(" + ",".join("?" * len(part[0])) + ")"
            values = ",".join([marks] * len(part))
            statement = f"INSERT INTO {table} VALUES {values}"  # noqa: S608 - table is ours
            self._writer.execute(statement, [value for row in part for value in row])

    def add_tiles(self, tiles: Sequence[tuple[int, int, bytes]]) -> None:
        """Tile hashes above level 0, as (level, index, hash)."""
        if tiles:
            self._writer.executemany("INSERT INTO tile_hash VALUES (?, ?, ?)", tiles)

    def add_checkpoint(self, size: int, note: str) -> None:
        """A signed checkpoint, kept for ever."""
        self._writer.execute("INSERT INTO checkpoint VALUES (?, ?)", (size, note))

    def set_states(self, state: str, names: Sequence[str]) -> None:
        """Close transfers that are open."""
        if names:
            self._writer.execute(
                "UPDATE transfer_state SET state = ? WHERE id IN (SELECT value FROM json_each(?))",
                (state, json.dumps(names)),
            )

    def standing(self) -> dict[Key, Standing]:
        """What stands, as of the last commit."""
        return _standing(self.read(_STANDING))

    def standing_now(self) -> dict[Key, Standing]:
        """What stands as this transaction sees it. Inside `writing()` only."""
        return _standing(self._writer.execute(_STANDING).fetchall())

    def add_effects(self, effects: Sequence[tuple[Effects, int]], month: int) -> None:
        """Documents, changes of what stands, and counts, of entries at their indexes."""
        documents = [row for each, _ in effects for row in each.documents]
        if documents:
            self._writer.executemany("INSERT OR IGNORE INTO document VALUES (?, ?, ?)", documents)
        changes = [(*each.changes, index) for each, index in effects if each.changes]
        if changes:
            self._writer.executemany(
                "INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?, ?, ?)", changes
            )
        counts = Counter(count for each, _ in effects for count in each.counts)
        if counts:
            self._writer.executemany(
                "INSERT INTO tally VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET n = n + excluded.n",
                [(kind, key, month, n) for (kind, key), n in counts.items()],
            )

        for each, _ in effects:
            if each.cells is not None:
                self._add_cells(each.cells, month)

    def _add_cells(self, cells: Cells, month: int) -> None:
        self._writer.executemany(
            "INSERT OR REPLACE INTO cell VALUES (?, ?, ?, ?, ?, ?)",
            [
                (cells.recipient, line, cell, value, int(released), month)
                for line, cell, value, released in cells.rows
            ],
        )
        self._writer.execute(
            "INSERT OR REPLACE INTO cell_version VALUES (?, ?)",
            (cells.recipient, cells.version + 1),
        )

    def cell_version(self, recipient: str) -> int:
        """How often figures for a recipient were added. Inside `writing()` only."""
        query = "SELECT version FROM cell_version WHERE recipient = ?"
        return next((int(row[0]) for row in self._writer.execute(query, (recipient,))), 0)

    def used(self, token: str) -> str | None:
        """The transfer that used a token. Inside `writing()` only."""
        for (name,) in self._writer.execute("SELECT transfer FROM once WHERE token = ?", (token,)):
            return str(name)
        return None

    def open_among(self, names: Sequence[str]) -> list[str]:
        """Those of `names` that were logged as released and have no outcome yet, each once."""
        if not names:
            return []
        query = (
            "SELECT id FROM transfer_state WHERE state = 'open'"
            " AND id IN (SELECT value FROM json_each(?)) ORDER BY idx"
        )
        found = self._writer.execute(query, (json.dumps(list(dict.fromkeys(names))),))
        return [str(name) for (name,) in found.fetchall()]

    def open_transfers(self) -> list[str]:
        """Released, without an outcome yet, and with no content waiting; oldest first."""
        query = (
            "SELECT id FROM transfer_state WHERE state = 'open' AND NOT EXISTS"
            " (SELECT 1 FROM kept WHERE kind = 'content' AND kept.key = id) ORDER BY idx"
        )
        return [str(name) for (name,) in self._writer.execute(query)]

    def destroy(self, kind: str, key: str) -> int:
        """Delete what is kept under this key so that its bytes are gone; how many there were."""
        return self._destroy("DELETE FROM kept WHERE kind = ? AND key = ?", (kind, key))

    def destroy_expired(self, now: int) -> int:
        """Delete everything kept whose time has passed; how many there were."""
        return self._destroy("DELETE FROM kept WHERE expires BETWEEN 1 AND ?", (now,))

    def forget_cells(self, month: int) -> int:
        """Delete figures of months before this one; how many there were."""
        [(old,)] = self.read("SELECT EXISTS (SELECT 1 FROM cell WHERE month < ?)", (month,))
        return self._destroy("DELETE FROM cell WHERE month < ?", (month,)) if old else 0

    def read(
        self, query: str, bindings: tuple[int | str | bytes, ...] = ()
    ) -> list[tuple[Any, ...]]:
        """All rows of a query, as of the last commit."""
        with self._read_lock, failing("log.unavailable"):
            return self._reader.execute(query, bindings).fetchall()

    def node(self, place: Place) -> bytes:
        """The hash of a complete subtree, from the at most 128 stored ones it is made of."""
        level, index = place
        tile, above = divmod(level, TILE_LEVELS)
        table = "tile_hash WHERE level = ?1" if tile else "entry WHERE ?1 = 0"
        first, count = index << above, 1 << above
        query = f"SELECT hash FROM {table} AND idx >= ?2 AND idx < ?3 ORDER BY idx"  # noqa: S608
        hashes = [row[0] for row in self.read(query, (tile, first, first + count))]
        if len(hashes) != count:
            raise GatewayError("a part of the tree is missing", rule="log.incomplete")
        while len(hashes) > 1:
            hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
        return bytes(hashes[0])

    def close(self) -> None:
        """Close both connections. The last one to close folds the write-ahead log in."""
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()

    def _destroy(self, query: str, bindings: tuple[int | str | bytes, ...]) -> int:
        # Deleted content is overwritten in its page (`secure_delete`). The write-ahead log may
        # hold the page as it was; a reader in another process can delay emptying it.
        with failing("log.unavailable"), self.writing():
            self._writer.execute(query, bindings)
            gone = self._writer.changes()
        with self._write_lock, failing("log.unavailable"):
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return gone


_STANDING = "SELECT kind, id, version, state, digest, document, idx FROM standing"


def _standing(rows: Sequence[tuple[Any, ...]]) -> dict[Key, Standing]:
    return {(row[0], row[1]): Standing(*row) for row in rows}


def _extend(connection: apsw.Connection) -> None:
    """Give a log of an earlier version the tables it lacks."""
    found = "SELECT count(*) FROM sqlite_schema WHERE name = 'standing'"
    if connection.execute(found).fetchall() == [(0,)]:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute(found).fetchall() == [(0,)]:
            connection.execute(STANDING)
        connection.execute("COMMIT")


def head_of(row: tuple[Any, ...]) -> Head:
    """The row (size, edge, time) of `log_head`, with the edge cut into its hashes."""
    size, edge, time = row
    return Head(size, tuple(edge[at : at + 32] for at in range(0, len(edge), 32)), time)
