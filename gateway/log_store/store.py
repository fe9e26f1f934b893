"""What every store does, in SQL that both databases read alike."""

import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import orjson

from gateway.errors import GatewayError
from gateway.log_index import Indexed, indexed
from gateway.log_standing import Cells, Effects, Key, Standing
from gateway.log_store.rows import Head, Rows, head_of
from gateway.merkle import TILE_LEVELS, Place, node_hash

Row = tuple[Any, ...]
Name = TypeVar("Name", str, bytes)

MAX_ROWS = 512
"""Rows in one statement, and names in one list. SQLite takes 32,766 parameters."""

STANDING = "SELECT kind, id, version, state, digest, document, idx FROM standing"
RELIED_ON = f"{STANDING} WHERE kind IN ('agreement', 'policy')"
"""What a release can rest on. Parties and officers may be hundreds, and are read elsewhere."""


class Store(ABC):
    """An open log's rows: a connection that writes and one that reads.

    Any thread may call anything. `?` marks stand for values in every statement. Methods named
    `add_...` and `set_...`, and `write`, belong inside `writing()`.
    """

    def __init__(self) -> None:
        self.connection = 0
        """Which connection writes. After another number, what was checked is to be checked again:
        the database may be another one, or an older one."""
        self._profiles: dict[bytes, int] = {}
        """Rows of `profile`. Emptied when a transaction is undone: it may have made some."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[None]:
        """A transaction that holds the log from its first moment.

        Raises `log.busy` when another holds it for too long, `Taken` for a row that is there,
        `Full` without room, `CommitError` or `Unknown` when COMMIT fails. An exception from
        the body undoes everything and comes out unchanged.
        """

    @abstractmethod
    def settle(self) -> None:
        """Raise now what the statements so far will raise. Inside `writing()` only."""

    @abstractmethod
    def read(self, query: str, bindings: Sequence[int | str | bytes] = ()) -> list[Row]:
        """All rows of a query, as of the last commit."""

    @abstractmethod
    def ask(self, query: str, bindings: Sequence[int | str | bytes] = ()) -> list[Row]:
        """All rows of a query, as this transaction sees them. Inside `writing()` only."""

    @abstractmethod
    def write(self, statement: str, rows: Sequence[Row]) -> None:
        """Run a statement once for each row of values. Inside `writing()` only."""

    @abstractmethod
    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Rows of one table, in as few statements as can be. Inside `writing()` only."""

    @abstractmethod
    def _destroy(self, query: str, bindings: tuple[int | str | bytes, ...]) -> int: ...

    @abstractmethod
    def alone(self) -> bool:
        """Join those who have this store open; true when nobody else has."""

    @abstractmethod
    def share(self) -> None:
        """Let others in, after `alone` said true."""

    @abstractmethod
    def close(self) -> None:
        """Close all connections."""

    def origin(self) -> str:
        """The name the log was made with."""
        return str(self.read("SELECT origin FROM log")[0][0])

    def head(self) -> Head:
        """The end of the log as this transaction sees it. Inside `writing()` only."""
        return head_of(self.ask("SELECT size, edge, time FROM log_head")[0])

    @abstractmethod
    def set_head(self, head: Head, before: Head) -> None:
        """Move the end of the log, if it is still where it was `before`."""

    def add(self, rows: Rows) -> None:
        """Rows of many entries.

        One statement a table: each statement gives up the interpreter's lock, and under load
        to get it back costs more than the statement.
        """
        self.insert("entry", ("idx", "id", "leaf", "hash"), rows.entries)
        self.insert("transfer_state", ("id", "idx", "outcome", "state"), rows.transfers)
        self.insert("once", ("token", "transfer"), rows.tokens)
        self.insert("kept", ("kind", "key", "owner", "value", "expires"), rows.kept)

    def add_tiles(self, tiles: Sequence[tuple[int, int, bytes]]) -> None:
        """Tile hashes above level 0, as (level, index, hash)."""
        self.insert("tile_hash", ("level", "idx", "hash"), tiles)

    def add_checkpoint(self, size: int, note: str) -> None:
        """A signed checkpoint, kept for ever."""
        self.insert("checkpoint", ("size", "note"), [(size, note)])

    def add_cosignature(self, size: int, witness: str, time: int, line: str) -> None:
        """A witness's word about the checkpoint of this size, at its time in seconds since 1970."""
        self.write(
            "INSERT INTO cosignature (size, witness, time, line) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            [(size, witness, time, line)],
        )

    def cosignatures(self, size: int) -> list[tuple[str, int, str]]:
        """Witness, time and line of every cosignature of a checkpoint, oldest first."""
        query = "SELECT witness, time, line FROM cosignature WHERE size = ? ORDER BY time, witness"
        return [(row[0], row[1], row[2]) for row in self.read(query, (size,))]

    def checkpoints(self, start: int = 0) -> Iterator[tuple[int, str]]:
        """Size and note of every checkpoint from this size on; those made meanwhile too."""
        query = "SELECT size, note FROM checkpoint WHERE size >= ? ORDER BY size LIMIT ?"
        while rows := self.read(query, (start, MAX_ROWS)):
            yield from ((row[0], row[1]) for row in rows)
            start = rows[-1][0] + 1

    def set_states(self, state: str, names: Sequence[str]) -> None:
        """Close transfers that are open."""
        for part, marks in _parts(names):
            query = f"UPDATE transfer_state SET state = ? WHERE id IN ({marks})"  # noqa: S608
            self.write(query, [(state, *part)])

    def standing(self) -> dict[Key, Standing]:
        """What stands, as of the last commit."""
        return standing_of(self.read(STANDING))

    def standing_now(self) -> dict[Key, Standing]:
        """What stands as this transaction sees it. Inside `writing()` only."""
        return standing_of(self.ask(RELIED_ON))

    def add_effects(self, effects: Sequence[tuple[Effects, int]], month: int) -> None:
        """Documents, changes of what stands, and counts, of entries at their indexes."""
        self.write(
            "INSERT INTO document VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [row for each, _ in effects for row in each.documents],
        )
        self.write(
            "INSERT INTO standing VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE"
            " SET version = excluded.version, state = excluded.state, digest = excluded.digest,"
            " document = excluded.document, idx = excluded.idx",
            [(*each.changes, index) for each, index in effects if each.changes],
        )
        counts = Counter(count for each, _ in effects for count in each.counts)
        self.write(
            "INSERT INTO tally VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, key, month) DO UPDATE SET n = tally.n + excluded.n",
            [(kind, key, month, n) for (kind, key), n in counts.items()],
        )
        for each, _ in effects:
            if each.cells is not None:
                self._add_cells(each.cells, month)

    def add_index(self, rows: Sequence[tuple[Indexed, int, int]]) -> None:
        """What the index says of entries, each with its place and its time."""
        new = {one.digest: one.profile for one, _, _ in rows if one.digest}
        self._know_profiles({each: new[each] for each in new.keys() - self._profiles.keys()})
        self.insert(
            "entry_index",
            ("idx", "time", "kind", "profile"),
            [
                (index, time, one.kind, self._profiles[one.digest] if one.digest else 0)
                for one, index, time in rows
            ],
        )
        named = [(one, index) for one, index, _ in rows if one.transfer]
        places = self._places(list({one.transfer for one, _ in named}))
        self.insert(
            "happened",
            ("transfer", "idx", "kind", "place", "profile"),
            [
                (one.transfer, index, one.kind, *places.get(one.transfer, (-1, 0)))
                for one, index in named
            ],
        )

    def _places(self, transfers: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Place and profile of transfers; from the entry where the index has no row of it yet."""
        found: dict[str, tuple[int, int]] = {}
        for part, marks in _parts(transfers):
            query = (
                "SELECT s.id, s.idx, i.profile FROM transfer_state s"  # noqa: S608
                f" LEFT JOIN entry_index i ON i.idx = s.idx WHERE s.id IN ({marks})"
            )
            found |= {name: (idx, profile) for name, idx, profile in self.ask(query, part)}
        late = [name for name, (_, profile) in found.items() if profile is None]
        for name, (idx, leaf) in self.written(late).items():
            one = indexed(orjson.loads(leaf))
            if one.digest not in self._profiles:
                self._know_profiles({one.digest: one.profile})
            found[name] = (idx, self._profiles[one.digest])
        return found

    def _know_profiles(self, new: Mapping[bytes, bytes]) -> None:
        self.write(
            "INSERT INTO profile (digest, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(digest, zlib.compress(value)) for digest, value in new.items()],
        )
        for part, marks in _parts(list(new)):
            query = f"SELECT digest, id FROM profile WHERE digest IN ({marks})"  # noqa: S608
            self._profiles |= dict(self.ask(query, part))

    def _add_cells(self, cells: Cells, month: int) -> None:
        self.write(
            "INSERT INTO cell VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (recipient, line, cell)"
            " DO UPDATE SET value = excluded.value, released = excluded.released,"
            " month = excluded.month",
            [
                (cells.recipient, line, cell, value, int(released), month)
                for line, cell, value, released in cells.rows
            ],
        )
        self.write(
            "INSERT INTO cell_version VALUES (?, ?)"
            " ON CONFLICT (recipient) DO UPDATE SET version = excluded.version",
            [(cells.recipient, cells.version + 1)],
        )

    def cell_version(self, recipient: str) -> int:
        """How often figures for a recipient were added. Inside `writing()` only."""
        query = "SELECT version FROM cell_version WHERE recipient = ?"
        return next((int(row[0]) for row in self.ask(query, (recipient,))), 0)

    def used(self, tokens: Sequence[str]) -> dict[str, str]:
        """The transfers that used these tokens. Inside `writing()` only."""
        found: dict[str, str] = {}
        for part, marks in _parts(tokens):
            query = f"SELECT token, transfer FROM once WHERE token IN ({marks})"  # noqa: S608
            found |= dict(self.ask(query, part))
        return found

    def written(self, names: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Place and bytes of the entries with these ids. Inside `writing()` only."""
        found: dict[str, tuple[int, bytes]] = {}
        for part, marks in _parts(names):
            query = f"SELECT id, idx, leaf FROM entry WHERE id IN ({marks})"  # noqa: S608
            found |= {name: (idx, leaf) for name, idx, leaf in self.ask(query, part)}
        return found

    def open_among(self, names: Sequence[str]) -> list[str]:
        """Those of `names` that were logged as released and have no outcome yet, each once."""
        found: list[tuple[int, str]] = []
        for part, marks in _parts(list(dict.fromkeys(names))):
            query = (
                "SELECT idx, id FROM transfer_state"  # noqa: S608 - question marks only
                f" WHERE state = 'open' AND id IN ({marks})"
            )
            found += [(row[0], row[1]) for row in self.ask(query, part)]
        return [name for _, name in sorted(found)]

    def open_transfers(self) -> list[str]:
        """Released, without an outcome yet, and with no content waiting; oldest first.

        Not those that were perhaps pushed: of these nobody can say that they never left.
        """
        query = (
            "SELECT id FROM transfer_state WHERE state = 'open' AND NOT EXISTS"
            " (SELECT 1 FROM kept WHERE kind = 'content' AND kept.key = id) AND NOT EXISTS"
            " (SELECT 1 FROM delivery WHERE transfer = id AND begun = 1) ORDER BY idx"
        )
        return [str(name) for (name,) in self.ask(query)]

    def empty_journal(self) -> None:  # noqa: B027 - most stores have none
        """Take what was deleted out of journals that we can empty; here there are none."""

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

    def node(self, place: Place) -> bytes:
        """The hash of a complete subtree, from the at most 128 stored ones it is made of."""
        level, index = place
        tile, above = divmod(level, TILE_LEVELS)
        first, count = index << above, 1 << above
        if tile:
            query = "SELECT hash FROM tile_hash WHERE idx >= ? AND idx < ? AND level = ?"
            rows = self.read(f"{query} ORDER BY idx", (first, first + count, tile))
        else:
            query = "SELECT hash FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx"
            rows = self.read(query, (first, first + count))
        hashes = [row[0] for row in rows]
        if len(hashes) != count:
            raise GatewayError("a part of the tree is missing", rule="log.incomplete")
        while len(hashes) > 1:
            hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
        return bytes(hashes[0])


def _parts(names: Sequence[Name]) -> Iterator[tuple[Sequence[Name], str]]:
    """The names in parts that fit into one list, each with its question marks."""
    for at in range(0, len(names), MAX_ROWS):
        part = names[at : at + MAX_ROWS]
        yield part, ",".join("?" * len(part))


def standing_of(rows: Sequence[Row]) -> dict[Key, Standing]:
    return {(row[0], row[1]): Standing(*row) for row in rows}
