"""The log in a PostgreSQL database, where several gateways append to one tree.

The row of the log's end is locked from the first moment of a transaction to the last, so there
is one order. A commit is on the disk (and on the standby that the operator demands) before
anybody sees it: what a new connection finds is durable, and what it does not find after taking
that lock never was written.
"""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any, cast

import psycopg
from psycopg import errors

from gateway.errors import GatewayError
from gateway.log_file import LATER, REVISION, SCHEMA
from gateway.log_standing import Key, Standing
from gateway.log_store import dialect
from gateway.log_store.connection import connect, failed, failing, revision_of
from gateway.log_store.rows import Head, Unknown, head_of
from gateway.log_store.store import RELIED_ON, Row, Store, standing_of

_TYPES = {int: "bigint", str: "text", bytes: "bytea"}
_HEAD = "SELECT size, edge, time FROM log_head FOR UPDATE"


class PostgresStore(Store):
    """One gateway's two connections to the log."""

    def __init__(self, database: str) -> None:
        """Open an existing log. `database` is a connection string of libpq.

        Raises `GatewayError` when there is none, or when the server would answer before a
        commit is on the disk.
        """
        super().__init__()
        self._database = database
        self._writer: psycopg.Connection[Row] | None = None
        self._reader: psycopg.Connection[Row] | None = None
        self._read_from = 0
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._joined = False
        self._head: Row = ()
        self._stands: list[Row] = []
        self._warned = False
        with ExitStack() as undo, failing():
            undo.callback(self.close)
            if revision_of(self._writing_connection()) != REVISION:
                problem = "the tables are of another version; for older ones: `corridor migrate`"
                raise GatewayError(problem, rule="log.schema")
            self._lock = _lock_of(self.origin())
            undo.pop_all()

    @classmethod
    def create(cls, database: str, vkey: str, origin: str, note: str) -> None:
        """Make the tables, with the checkpoint of the empty log. Touches none that are there."""
        made = "".join(dialect.tables(lot) for lot in (SCHEMA, *LATER.values()))
        with failing(), closing(connect(database)) as new, new.transaction():
            if new.execute("SELECT to_regclass('log_head') IS NOT NULL").fetchall() == [(True,)]:
                raise GatewayError("there is a log here already", rule="log.exists")
            new.execute(cast(Any, dialect.REFUSE + made + dialect.HEAD))
            new.execute("INSERT INTO log_revision VALUES (%s)", (REVISION,))
            new.execute("INSERT INTO log VALUES (1, %s, %s)", (origin, vkey))
            new.execute("INSERT INTO log_head VALUES (1, 0, '', 0)")
            new.execute("INSERT INTO checkpoint VALUES (0, %s)", (note,))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The row of the log's end is locked from the first moment.

        Statements travel in a pipeline, without waiting for the answer to each.
        """
        with self._write_lock:
            pipeline, writer = self._begin()
            commits = False
            try:
                with pipeline:
                    yield
                    commits = True
                    ended = writer.execute("COMMIT")
                if ended.statusmessage != "COMMIT" or self._warned:
                    self._end()
                    raise Unknown("the commit was not confirmed", rule="log.unavailable")
            except BaseException as error:
                lost = self._undo()
                if not isinstance(error, psycopg.Error):
                    raise
                if lost and commits:
                    problem = "the connection was lost during the commit"
                    raise Unknown(problem, rule="log.unavailable") from None
                raise failed(error) from None

    def _begin(self) -> tuple[ExitStack, "psycopg.Connection[Row]"]:
        """A transaction that has the lock, in a pipeline; on a new connection where it must."""
        while True:
            fresh = self._writer is None
            with failing():
                writer = self._writing_connection()
            pipeline = ExitStack()
            self._warned = False
            try:
                sent = pipeline.enter_context(writer.pipeline())
                writer.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
                head, stands = writer.execute(_HEAD), writer.execute(RELIED_ON)
                # Not only a flush: the server counts the time a session is idle from here.
                sent.sync()
                [self._head] = head.fetchall()
                self._stands = stands.fetchall()
            except psycopg.Error as error:
                with suppress(psycopg.Error):
                    pipeline.close()
                if not self._undo() or fresh:
                    raise failed(error) from None
            else:
                return pipeline, writer

    def _undo(self) -> bool:
        """Leave the transaction; whether the connection was lost instead."""
        self._profiles.clear()
        if self._writer is not None and not self._writer.closed:
            with suppress(psycopg.Error):
                self._writer.execute("ROLLBACK")
                return False
        self._end()
        return True

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _writing_connection(self) -> "psycopg.Connection[Row]":
        if self._writer is not None and self._writer.closed:
            self._end()
        if self._writer is None:
            writer = connect(self._database)
            writer.add_notice_handler(self._notice)
            if self._joined:
                writer.execute("SELECT pg_advisory_lock_shared(%s)", (self._lock,))
            self._writer = writer
            self.connection += 1
        return self._writer

    def _notice(self, said: "errors.Diagnostic") -> None:
        # "committed locally, but might not have been replicated to the standby" is a warning.
        self._warned |= said.severity_nonlocalized == "WARNING"

    def settle(self) -> None:
        """Wait for the answers to all statements so far."""
        self.ask("SELECT 1")

    def read(self, query: str, bindings: Sequence[int | str | bytes] = ()) -> list[Row]:
        """All rows of a query, as of the last commit; on a new connection where it must."""
        with self._read_lock, failing():
            while True:
                reader, fresh = self._reading_connection()
                try:
                    return reader.execute(cast(Any, dialect.query(query)), bindings).fetchall()
                except psycopg.OperationalError:
                    if fresh or not reader.closed:
                        raise

    def _reading_connection(self) -> tuple["psycopg.Connection[Row]", bool]:
        if self._reader is not None and not self._reader.closed:
            if self._read_from == self.connection:
                return self._reader, False
            self._reader.close()
        self._read_from = self.connection
        self._reader = connect(self._database, reads=True)
        return self._reader, True

    def ask(self, query: str, bindings: Sequence[int | str | bytes] = ()) -> list[Row]:
        """All rows of a query, as this transaction sees them."""
        return self._execute(query, bindings).fetchall()

    def _execute(self, query: str, bindings: Sequence[Any]) -> "psycopg.Cursor[Row]":
        return self._inside().execute(cast(Any, dialect.query(query)), bindings)

    def _inside(self) -> "psycopg.Connection[Row]":
        if self._writer is None or self._writer.closed:
            raise GatewayError("there is no transaction", rule="log.unavailable")
        return self._writer

    def write(self, statement: str, rows: Sequence[Row]) -> None:
        """Run a statement once for each row of values."""
        for row in rows:
            self._execute(statement, row)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Rows of one table: a list for each column, so that the statement is always the same."""
        if not rows:
            return
        given: dict[str, list[Any]] = {}
        marks = []
        for name, *column in zip(columns, *rows, strict=True):
            kind = next((_TYPES[type(value)] for value in column if value is not None), None)
            if kind is not None:  # a column without any value has no type to be sent as
                given[name] = column
                marks.append(f"%b::{kind}[]")
        statement = (
            f"INSERT INTO {table} ({', '.join(given)})"  # noqa: S608 - the names are ours
            f" SELECT * FROM unnest({', '.join(marks)})"
        )
        self._inside().execute(cast(Any, statement), list(given.values()))

    def head(self) -> Head:
        """The end of the log; it came with the lock."""
        return head_of(self._head)

    def standing_now(self) -> dict[Key, Standing]:
        """What stands; it came with the lock."""
        return standing_of(self._stands)

    def set_head(self, head: Head, before: Head) -> None:
        """Move the end of the log, if it is still where it was; else the server refuses."""
        edges = (b"".join(head.edge), b"".join(before.edge))
        self._execute(
            "SELECT move_head(?, ?, ?, ?, ?)",
            (head.size, edges[0], head.time, before.size, edges[1]),
        )

    def _destroy(self, query: str, bindings: tuple[int | str | bytes, ...]) -> int:
        # The bytes stay in the server's files until it reuses their place, and in its log until
        # that is recycled: content is kept encrypted, and its key goes with the row.
        with self._write_lock, failing():
            for _ in range(2):
                writer = self._writing_connection()
                try:
                    return writer.execute(cast(Any, dialect.query(query)), bindings).rowcount
                except psycopg.OperationalError:
                    if not writer.closed:
                        raise
            raise GatewayError("the connection was lost twice", rule="log.unavailable")

    def alone(self) -> bool:
        """An advisory lock of the server, so that other machines count."""
        with self._write_lock, failing():
            writer = self._writing_connection()
            locked = writer.execute("SELECT pg_try_advisory_lock(%s)", (self._lock,)).fetchall()
            return locked == [(True,)]

    def share(self) -> None:
        """Join those who have this log open, and let others in."""
        with self._write_lock, failing():
            writer = self._writing_connection()
            writer.execute("SELECT pg_advisory_lock_shared(%s)", (self._lock,))
            held = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
            if writer.execute(f"{held} AND pid = pg_backend_pid()").fetchall():
                writer.execute("SELECT pg_advisory_unlock(%s)", (self._lock,))
            self._joined = True

    def close(self) -> None:
        """Close both connections."""
        with self._write_lock, self._read_lock:
            self._end()
            if self._reader is not None:
                self._reader.close()


def _lock_of(origin: str) -> int:
    digest = hashlib.sha256(b"corridor/log\n" + origin.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
