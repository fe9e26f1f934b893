"""The log in one SQLite file (`log_file`).

A failed COMMIT is final here until the log is opened again. To look the rows up would be a
guess: after a failed flush the reader may be shown pages that never reached the disk.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw

from gateway.errors import GatewayError
from gateway.log_file import LATER, REVISION, SCHEMA, connect, failing
from gateway.log_store.rows import CommitError, Full, Head, Taken
from gateway.log_store.store import MAX_ROWS, Row, Store


class SqliteStore(Store):
    """One open log file. Who else has it open is asked of the high-water file's lock."""

    def __init__(self, path: Path) -> None:
        """Open an existing file. Raises `GatewayError` when there is none, or it is not ours."""
        super().__init__()
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
            new.execute(SCHEMA + "".join(LATER.values()))
            new.execute("INSERT INTO log VALUES (1, ?, ?)", (origin, vkey))
            new.execute("INSERT INTO log_head VALUES (1, 0, x'', 0)")
            new.execute("INSERT INTO checkpoint VALUES (0, ?)", (note,))
            new.execute("INSERT INTO log_revision VALUES (?)", (REVISION,))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """`BEGIN IMMEDIATE`: the lock of the file from the first moment."""
        with self._write_lock:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except apsw.BusyError:
                raise GatewayError("another process holds the log", rule="log.busy") from None
            try:
                yield
            except BaseException as error:
                self._undo()
                if isinstance(error, apsw.ConstraintError):
                    raise Taken from None
                if isinstance(error, apsw.FullError):
                    raise Full("no room is left", rule="log.unavailable") from None
                raise
            try:
                self._writer.execute("COMMIT")
            except apsw.Error as error:
                self._undo()
                problem = f"the log could not be written ({type(error).__name__})"
                raise CommitError(problem, rule="log.unavailable") from error

    def _undo(self) -> None:
        self._profiles.clear()
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    def settle(self) -> None:
        """Nothing waits here: every statement has raised what it raises."""

    def read(self, query: str, bindings: Sequence[int | str | bytes] = ()) -> list[Row]:
        """All rows of a query, as of the last commit."""
        with self._read_lock, failing("log.unavailable"):
            return self._reader.execute(query, bindings).fetchall()

    def ask(self, query: str, bindings: Sequence[int | str | bytes] = ()) -> list[Row]:
        """All rows of a query, as this transaction sees them."""
        rows: list[Row] = self._writer.execute(query, bindings).fetchall()
        return rows

    def write(self, statement: str, rows: Sequence[Row]) -> None:
        """Run a statement once for each row of values."""
        if rows:
            self._writer.executemany(statement, rows)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Rows of one table, many in a statement."""
        for at in range(0, len(rows), MAX_ROWS):
            part = rows[at : at + MAX_ROWS]
            marks = "(" + ",".join("?" * len(columns)) + ")"
            statement = (
                f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 - the names are ours
                f" VALUES {','.join([marks] * len(part))}"
            )
            self._writer.execute(statement, [value for row in part for value in row])

    def set_head(self, head: Head, before: Head) -> None:
        """Move the end of the log, if it is still where it was."""
        self._writer.execute(
            "UPDATE log_head SET size = ?, edge = ?, time = ? WHERE size = ? AND edge = ?",
            (head.size, b"".join(head.edge), head.time, before.size, b"".join(before.edge)),
        )
        if self._writer.changes() != 1:
            raise GatewayError("the log's end moved under us", rule="log.head")

    def _destroy(self, query: str, bindings: tuple[Any, ...]) -> int:
        # Deleted content is overwritten in its page (`secure_delete`). The write-ahead log may
        # hold the page as it was; a reader in another process can delay emptying it.
        with failing("log.unavailable"), self.writing():
            self._writer.execute(query, bindings)
            gone = self._writer.changes()
        self.empty_journal()
        return gone

    def empty_journal(self) -> None:
        """Fold the write-ahead log in, so that what was destroyed is not in it either."""
        with self._write_lock, failing("log.unavailable"):
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def alone(self) -> bool:
        """The file does not say: the high-water file's lock does."""
        return True

    def share(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Close both connections. The last one to close folds the write-ahead log in."""
        with self._write_lock, self._read_lock, failing("log.unavailable"):
            self._reader.close()
            self._writer.close()


def _extend(connection: apsw.Connection) -> None:
    """Give a log of an earlier version the tables it lacks."""
    if revision_of(connection) != REVISION:
        from gateway.migrations.upgrade import upgrade_file  # rarely needed, and slow to import

        upgrade_file(connection)


def revision_of(connection: apsw.Connection) -> str:
    """Revision of a file's tables; "" where it was made before there were revisions."""
    there = "SELECT count(*) FROM sqlite_schema WHERE name = 'log_revision'"
    if connection.execute(there).fetchall() == [(0,)]:
        return ""
    rows = connection.execute("SELECT version_num FROM log_revision").fetchall()
    return str(rows[0][0]) if rows else ""
