"""The log in PostgreSQL as it stands at one moment, for an auditor, while gateways write to it."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, cast

import psycopg

from gateway.log_store import dialect
from gateway.log_store.connection import connect, failing
from gateway.log_store.reads import Snapshot
from gateway.log_store.store import Row

FETCHED = 2000
"""Rows brought at a time when a result is walked through."""


class _Result:
    def __init__(
        self, connection: "psycopg.Connection[Row]", query: str, bindings: Sequence[Any]
    ) -> None:
        self._connection, self._bindings = connection, bindings
        self._query = cast(Any, dialect.query(query))

    def fetchall(self) -> list[Row]:
        with failing():
            return self._connection.execute(self._query, self._bindings, binary=True).fetchall()

    def __iter__(self) -> Iterator[Row]:
        with failing(), self._connection.cursor(f"walk{id(self)}") as cursor:
            cursor.itersize = FETCHED
            yield from cursor.execute(self._query, self._bindings)


class _Postgres:
    def __init__(self, connection: "psycopg.Connection[Row]") -> None:
        self._connection = connection

    def execute(self, query: str, bindings: Sequence[Any] = (), /) -> _Result:
        return _Result(self._connection, query, bindings)


@contextmanager
def snapshot(database: str) -> Iterator[Snapshot]:
    """One read-only transaction: every query in it sees the same moment."""
    with failing(), closing(connect(database, reads=True)) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # Takes the moment, and fails where there is no log.
        connection.execute("SELECT size FROM log_head").fetchall()
        yield _Postgres(connection)
