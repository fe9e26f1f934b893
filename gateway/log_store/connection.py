"""A connection to PostgreSQL that a log may rest on, and what its complaints mean."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import conninfo, errors
from psycopg.adapt import Loader
from psycopg.pq import Format

from gateway.errors import GatewayError
from gateway.log_store.rows import Full, Taken

# It tells of lost connections in the server's own words; the journal says what matters.
logging.getLogger("psycopg").setLevel(logging.CRITICAL)

OLDEST = 140000
DEFAULTS = {
    "application_name": "corridor",
    "client_encoding": "utf8",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""Unless the connection string says otherwise."""

SESSION = """
SET lock_timeout = '5s';
SET idle_in_transaction_session_timeout = '30s';
SET client_min_messages = warning;
SET bytea_output = hex;
SELECT set_config('synchronous_commit', current_setting('synchronous_commit'), false);
"""
"""A gateway that hangs while it holds the log's end loses it after half a minute."""

READS = "SET default_transaction_read_only = on;"

_SETTINGS = """SELECT current_setting('synchronous_commit') IN ('on', 'remote_apply')
  AND current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'
  AND current_setting('server_encoding') = 'UTF8' AND NOT pg_is_in_recovery(),
  current_setting('server_version_num')::int"""


class _Number(Loader):
    """Sums of whole numbers are whole, as SQLite gives them."""

    format = Format.TEXT

    def load(self, data: Any) -> int | float:
        text = bytes(data).decode()
        return float(text) if "." in text else int(text)


def connect(database: str, *, reads: bool = False) -> "psycopg.Connection[tuple[Any, ...]]":
    """A new connection, or `GatewayError` for a server that may lose what it confirmed."""
    given = conninfo.conninfo_to_dict(database)
    if "password" in given:
        problem = "a password belongs into PGPASSFILE"
        raise GatewayError(problem, rule="log.settings", at="log.database")
    words: dict[str, Any] = {**DEFAULTS, **given, "target_session_attrs": "read-write"}
    connection = psycopg.Connection.connect(autocommit=True, **words)
    try:
        connection.execute(SESSION + (READS if reads else ""))
        connection.adapters.register_loader("numeric", _Number)
        [(durable, version)] = connection.execute(_SETTINGS).fetchall()
        if not durable or version < OLDEST:
            problem = "the server may lose what it confirmed, or is too old"
            raise GatewayError(problem, rule="log.settings")
    except BaseException:
        connection.close()
        raise
    return connection


def revision_of(connection: "psycopg.Connection[tuple[Any, ...]]") -> str:
    """Revision of the tables; "" where they were made before there were revisions.

    Raises `log.missing` where there are none.
    """
    made = "SELECT to_regclass('log_head') IS NOT NULL, to_regclass('log_revision') IS NOT NULL"
    [(there, numbered)] = connection.execute(made).fetchall()
    if not there:
        raise failed(errors.UndefinedTable())
    rows = connection.execute("SELECT version_num FROM log_revision").fetchall() if numbered else ()
    return str(rows[0][0]) if rows else ""


def failed(error: psycopg.Error) -> Exception:
    """What the server or the way to it complained of, as ours. Its messages may quote."""
    kind = type(error).__name__
    match error:
        case errors.IntegrityError():
            return Taken()
        case errors.DiskFull():
            return Full("no room is left", rule="log.unavailable")
        case errors.LockNotAvailable():
            return GatewayError("another process holds the log", rule="log.busy")
        case errors.UndefinedTable() | errors.InvalidCatalogName():
            return GatewayError("there is no log here; make one first", rule="log.missing")
        case psycopg.Error(sqlstate="CL001"):
            return GatewayError("the log's end moved under us", rule="log.head")
        case _:
            return GatewayError(f"the database failed us ({kind})", rule="log.unavailable")


@contextmanager
def failing() -> Iterator[None]:
    """Whatever the server complains of, as ours."""
    try:
        yield
    except psycopg.Error as error:
        raise failed(error) from None
