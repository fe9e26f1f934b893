"""Bringing a log's tables to the newest revision."""

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from gateway.errors import GatewayError
from gateway.log_file import LATER, REVISION, REVISIONS
from gateway.log_store import dialect
from gateway.log_store.connection import connect, failed, failing, revision_of
from gateway.log_store.sqlite import revision_of as revision_of_file

Postgres = psycopg.Connection[tuple[Any, ...]]

FIRST = "0001"
LOTS = ("standing", "entry_index", "cosignature", "subject")
"""Lots of the first revision that a log file of version 0.2 may lack."""

LOCK = 0x636F7272
"""Key of the advisory lock that lets one `corridor migrate` at a time."""


def revisions() -> list[str]:
    """All revisions, oldest first."""
    scripts = ScriptDirectory.from_config(_config())
    return [one.revision for one in scripts.walk_revisions()][::-1]


def statements(since: str) -> str:
    """What a log file of this revision needs; `base` for one without tables."""
    written = io.StringIO()
    command.upgrade(_config(written, dialect="sqlite"), f"{since}:{REVISION}", sql=True)
    return written.getvalue()


def upgrade_file(connection: apsw.Connection) -> None:
    """Bring an open log file to the newest revision, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked once more: another process may have been faster.
        found = revision_of_file(connection)
        if not found:
            found = _adopt_file(connection)
        _known(found)
        if found != REVISION:
            connection.execute(statements(found)).fetchall()  # all of them, whatever they return
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _adopt_file(connection: apsw.Connection) -> str:
    """Number a file from before there were revisions."""
    for table in LOTS:
        found = "SELECT count(*) FROM sqlite_schema WHERE name = ?"
        if connection.execute(found, (table,)).fetchall() == [(0,)]:
            connection.execute(LATER[table])
    connection.execute(REVISIONS)
    connection.execute("INSERT INTO log_revision VALUES (?)", (FIRST,))
    return FIRST


def upgrade_database(database: str) -> str:
    """Bring the log in PostgreSQL to the newest revision; the one it had.

    Gateways may go on meanwhile: each revision only adds what the one before does not know.
    """
    with failing(), closing(connect(database)) as connection:
        connection.autocommit = False
        with _driven(connection) as driven, driven.begin():
            connection.execute("SET LOCAL lock_timeout = '60s'")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            found = revision_of(connection) or _adopt(connection)
            _known(found)
            command.upgrade(_config(connection=driven), REVISION)
    return found


def _adopt(connection: Postgres) -> str:
    connection.execute(dialect.tables(REVISIONS).encode())
    connection.execute("INSERT INTO log_revision VALUES (%s)", (FIRST,))
    connection.execute("DROP TABLE IF EXISTS schema_version")
    return FIRST


@contextmanager
def _driven(connection: Postgres) -> Iterator[Connection]:
    """Our connection, with its own settings, as Alembic wants it."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=NullPool)
    try:
        with engine.connect() as driven:
            yield driven
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise failed(error.orig) from None
        raise


def _known(found: str) -> None:
    if found not in revisions():
        problem = "the tables are of a newer version of the gateway"
        raise GatewayError(problem, rule="log.schema")


def _config(written: io.StringIO | None = None, **attributes: object) -> Config:
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes.update(attributes)
    return config
