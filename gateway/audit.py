"""What an auditor does: check a whole log, or one receipt, with nothing but a public key.

Nothing the file says of itself is believed. Every page's checksum is computed again, every
entry hashed again, and the tree grown again beside it; at the size of each checkpoint the
root must be the one that was signed. The key must come from somewhere else than the log.

What this cannot show: that the whole log, file and high-water mark together, was set back to
an earlier day, or that a second history was signed with the same key. Only receipts and
checkpoints held by others show that: `verify_proof`, and comparing checkpoints.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from gateway import entry, high_water, log_file, merkle, note
from gateway.audit_index import IndexAudit
from gateway.audit_standing import StandingAudit
from gateway.errors import CorridorError, GatewayError
from gateway.log_keys import LogKeys, Signing
from gateway.log_place import database_of
from gateway.log_snapshot import Snapshot, open_unchanging, pages, reading, settled
from gateway.merkle import Growth

MAX_OF_ONE_RULE = 20
"""More would not tell an auditor more, and no rule drowns another."""

CHUNK = 512
_CLOSED = {"delivered", "not_released"}


class LogProofError(CorridorError):
    """A receipt's proof does not hold under this key. Its holder has no evidence."""

    status = 422


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it must be, by a stable name, and where."""

    rule: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found: how far the log could be followed, and everything wrong with it."""

    size: int
    root: bytes
    problems: tuple[Problem, ...]


def verify_proof(proof_text: str, leaf: bytes, *, vkey: str) -> note.Checkpoint:
    """The checkpoint that covers this entry, if the proof and its signature hold."""
    try:
        proof = note.parse_proof(proof_text)
        checkpoint = LogKeys.parse(vkey).opened(proof.checkpoint)
        merkle.verify_inclusion(
            merkle.leaf_hash(leaf), proof.index, checkpoint.size, proof.hashes, checkpoint.root
        )
    except CorridorError as error:
        raise LogProofError(error.problem, rule=error.rule, at=error.at) from None
    return checkpoint


def verify_log(
    directory: Path, *, vkey: str, progress: Callable[[int, int], None] | None = None
) -> Findings:
    """Check the log in this directory, whether a gateway has it open or not.

    Changes nothing there. While a write-ahead log exists the file is copied to a private
    temporary directory first, which needs as much room. `progress` is told how many entries
    of how many were checked. `vkey` is one key, or every key of the log, oldest first, one a
    line. Problems are found, not raised; a `vkey` that is none is raised.
    """
    audit = _Audit(LogKeys.parse(vkey), progress or (lambda _done, _total: None))
    try:
        audit.read_high_water(directory / high_water.FILE)
        if database_of(directory) is not None:
            with reading(directory) as snapshot:
                audit.check(snapshot)
        else:
            with settled(directory / log_file.FILE) as path:
                if audit.pages_hold(path):
                    with closing(open_unchanging(path)) as connection:
                        if audit.file_holds(connection):
                            audit.check(connection)
    except FileNotFoundError as error:
        audit.found("log.missing", Path(error.filename or log_file.FILE).name)
    except (apsw.Error, UnicodeDecodeError) as error:
        audit.found("file.unreadable", type(error).__name__)
    except GatewayError as error:
        audit.found(error.rule, error.at)
    return Findings(audit.tree.size, merkle.root(audit.tree.edge), tuple(audit.problems))


class _Audit:
    """One walk through one log."""

    def __init__(self, keys: LogKeys, progress: Callable[[int, int], None]) -> None:
        self.keys = keys
        self.signing = Signing(keys)
        self.progress = progress
        self.problems: list[Problem] = []
        self.tree: Growth = merkle.grow(0, (), ())
        self.mark = ""
        self.time = 0
        self.counts = {"tile": 0, "transfer": 0, "closed": 0}
        self.standing = StandingAudit(self.found)
        self.index = IndexAudit(self.found)

    def found(self, rule: str, at: str = "") -> None:
        if sum(problem.rule == rule for problem in self.problems) < MAX_OF_ONE_RULE:
            self.problems.append(Problem(rule, at))

    def expect(self, holds: bool, rule: str, at: str = "") -> None:
        if not holds:
            self.found(rule, at)

    def read_high_water(self, path: Path) -> None:
        """Before the log is read, so that a log in use is never older than its mark."""
        self.mark = high_water.newest(path.read_bytes())[1]

    def pages_hold(self, path: Path) -> bool:
        """Every page's checksum, also of pages in no use: SQLite alone would not read those."""
        log_file.load_checksums()
        with closing(apsw.Connection(":memory:")) as memory:
            for number, page in enumerate(pages(path), 1):
                [(holds,)] = memory.execute("SELECT verify_checksum(?)", (page,))
                self.expect(len(page) == log_file.PAGE and holds == 1, "page", f"page {number}")
        return not self.problems

    def file_holds(self, connection: apsw.Connection) -> bool:
        """Structure first: only then do rows have the types and limits that are relied on."""
        whole = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        self.expect(whole, "file.integrity")
        self.expect(_tables(connection) == _expected_tables(), "file.tables")
        return not self.problems

    def check(self, connection: Snapshot) -> None:
        """The entries and everything that follows from them, up to each checkpoint."""
        named = connection.execute("SELECT origin, vkey FROM log").fetchall()
        self.expect(named == [(self.keys.origin, self.keys.render())], "log.key")
        [(total,)] = connection.execute("SELECT count(*) FROM entry")
        for size, text in connection.execute("SELECT size, note FROM checkpoint ORDER BY size"):
            if not self._grow(connection, size, total):
                break
            self._check_checkpoint(size, text)
        self._check_ends(connection, total)
        self.standing.tables(connection)
        self.index.tables(connection.execute)
        self._check_high_water(connection)

    def _grow(self, connection: Snapshot, size: int, total: int) -> bool:
        query = "SELECT idx, id, leaf, hash FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx"
        while self.tree.size < size:
            start = self.tree.size
            end = min(start + CHUNK, size)
            rows: list[tuple[Any, ...]] = connection.execute(query, (start, end)).fetchall()
            if [row[0] for row in rows] != list(range(start, end)):
                self.found("entry.missing", f"entry {start} to {end - 1}")
                return False
            hashes = []
            for index, name, leaf, hashed in rows:
                hashes.append(merkle.leaf_hash(leaf))
                self.expect(hashes[-1] == hashed, "entry.hash", f"entry {index}")
                self._check_entry(connection, index, name, leaf)
            self.tree = merkle.grow(start, self.tree.edge, hashes)
            self._check_tiles(connection)
            self.progress(end, total)
        return True

    def _check_entry(self, db: Snapshot, index: int, name: str, leaf: bytes) -> None:
        at = f"entry {index}"
        try:
            said = entry.parse(leaf)
        except GatewayError as error:
            self.found(error.rule, at)
            return
        self.expect(said["id"] == name, "entry.id", at)
        self.expect(said["time"] >= self.time, "entry.time", at)
        self.time = max(self.time, said["time"])
        if index == 0:
            self.expect(said.get("what") == "init", "entry.first", at)
        self.expect(self.signing.entry(said), "log.key", at)
        self.standing.entry(index, said)
        self.index.entry(index, said)
        if said["type"] == "transfer":
            self._check_transfer(db, index, said)
        for state in sorted(_CLOSED & said.keys()):
            for closed in said[state]:
                self._check_closed(db, index, closed, state)

    def _check_transfer(self, db: Snapshot, index: int, said: dict[str, Any]) -> None:
        self.counts["transfer"] += 1
        query = "SELECT idx, outcome, state = 'none' FROM transfer_state WHERE id = ?"
        expected = [(index, said["outcome"], int(said["outcome"] != "released"))]
        rows = db.execute(query, (said["id"],)).fetchall()
        self.expect(rows == expected, "transfer.state", f"entry {index}")

    def _check_closed(self, db: Snapshot, index: int, closed: str, state: str) -> None:
        self.counts["closed"] += 1
        query = "SELECT state = ? AND idx < ? FROM transfer_state WHERE id = ?"
        rows = db.execute(query, (state, index, closed)).fetchall()
        self.expect(rows == [(1,)], "outcome.transfer", f"entry {index}")

    def _check_tiles(self, connection: Snapshot) -> None:
        for level, index, hashed in self.tree.tiles:
            self.counts["tile"] += 1
            query = "SELECT hash FROM tile_hash WHERE level = ? AND idx = ?"
            rows = connection.execute(query, (level, index)).fetchall()
            self.expect(rows == [(hashed,)], "tile.hash", f"tile hash {level}/{index}")

    def _check_checkpoint(self, size: int, text: str) -> None:
        at = f"checkpoint {size}"
        try:
            signed = self.signing.checkpoint(text)
        except CorridorError as error:
            self.found(f"checkpoint.{error.rule}", at)
            return
        self.expect(signed.size == size, "checkpoint.size", at)
        self.expect(signed.root == merkle.root(self.tree.edge), "checkpoint.root", at)

    def _check_ends(self, connection: Snapshot, total: int) -> None:
        """Nothing may follow what was signed, in any table."""
        tree = self.tree
        head = connection.execute("SELECT size, edge, time FROM log_head").fetchall()
        self.expect(head == [(tree.size, b"".join(tree.edge), self.time)], "log.head")
        self.expect(total == tree.size, "entry.unsigned", f"entry {tree.size}")
        counted = {
            "tile.extra": ("SELECT count(*) FROM tile_hash", "tile"),
            "transfer.extra": ("SELECT count(*) FROM transfer_state", "transfer"),
            "outcome.missing": (
                "SELECT count(*) FROM transfer_state WHERE state IN ('delivered', 'not_released')",
                "closed",
            ),
        }
        for rule, (query, name) in counted.items():
            self.expect(connection.execute(query).fetchall() == [(self.counts[name],)], rule)
        lost = connection.execute(
            "SELECT 1 FROM once WHERE transfer NOT IN (SELECT id FROM entry) LIMIT 1"
        ).fetchall()
        self.expect(not lost, "once.transfer")

    def _check_high_water(self, connection: Snapshot) -> None:
        try:
            marked = self.keys.opened(self.mark)
        except CorridorError as error:
            self.found(f"high_water.{error.rule}")
            return
        query = "SELECT note FROM checkpoint WHERE size = ?"
        rows = connection.execute(query, (marked.size,)).fetchall()
        rule = "log.rolled_back" if marked.size > self.tree.size else "log.forked"
        self.expect(rows == [(self.mark,)], rule)


def _tables(connection: apsw.Connection) -> list[tuple[Any, ...]]:
    query = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
    return connection.execute(query).fetchall()


def _expected_tables() -> list[tuple[Any, ...]]:
    with closing(apsw.Connection(":memory:")) as connection:
        connection.execute(log_file.SCHEMA + "".join(log_file.LATER.values()))
        return _tables(connection)
