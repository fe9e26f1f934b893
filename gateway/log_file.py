"""How the log's SQLite file is set up, and opened, so that a commit means what it says.

`synchronous=FULL` with a write-ahead log: when COMMIT has returned, the rows survive a power
cut. A checksum on every page, by the checksum VFS that comes with SQLite: a damaged page is
an error and never an answer. `secure_delete`: what is destroyed is overwritten.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import apsw.sqlite_extra

from gateway import log_beside, log_index, log_subjects
from gateway.errors import GatewayError

FILE = "log.sqlite"
PAGE = 4096
RESERVED = 8
"""Bytes at the end of each page that hold its checksum."""

OLDEST_SQLITE = (3, 51, 3)
"""Before this version a race while the write-ahead log is reset could lose a commit."""

BUSY_MS = 5000
VFS = "cksmvfs"

SCHEMA = """
CREATE TABLE log (
  one INTEGER PRIMARY KEY CHECK (one = 1), origin TEXT NOT NULL, vkey TEXT NOT NULL
) STRICT;
CREATE TABLE log_head (
  one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL CHECK (size >= 0),
  edge BLOB NOT NULL CHECK (length(edge) % 32 = 0), time INTEGER NOT NULL
) STRICT;
CREATE TABLE entry (
  idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, leaf BLOB NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TABLE tile_hash (
  level INTEGER NOT NULL CHECK (level > 0), idx INTEGER NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32), PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;
CREATE TABLE kept (
  kind TEXT NOT NULL, key TEXT NOT NULL, owner TEXT NOT NULL, value BLOB NOT NULL,
  expires INTEGER NOT NULL, UNIQUE (kind, key)
) STRICT;
CREATE INDEX kept_expires ON kept (expires) WHERE expires > 0;
CREATE TABLE once (token TEXT PRIMARY KEY, transfer TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE transfer_state (
  id TEXT PRIMARY KEY, idx INTEGER NOT NULL UNIQUE, outcome TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'delivered', 'not_released', 'none'))
) STRICT, WITHOUT ROWID;
CREATE INDEX transfer_open ON transfer_state (id) WHERE state = 'open';
"""


def _append_only(*tables: str) -> str:
    return "".join(
        f"""CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table}
BEGIN SELECT raise(ABORT, 'the log is append-only'); END;
"""
        for table in tables
        for verb in ("UPDATE", "DELETE")
    )


SCHEMA += _append_only("entry", "tile_hash", "checkpoint")

STANDING = """
CREATE TABLE document (
  digest TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, value BLOB NOT NULL
) STRICT;
CREATE TABLE standing (
  kind TEXT NOT NULL, id TEXT NOT NULL, version TEXT NOT NULL, state TEXT NOT NULL,
  digest TEXT NOT NULL, document TEXT NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE tally (
  kind TEXT NOT NULL, key TEXT NOT NULL, month INTEGER NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (kind, key, month)
) STRICT, WITHOUT ROWID;
CREATE TABLE cell (
  recipient TEXT NOT NULL, line BLOB NOT NULL, cell BLOB NOT NULL, value INTEGER NOT NULL,
  released INTEGER NOT NULL, month INTEGER NOT NULL, PRIMARY KEY (recipient, line, cell)
) STRICT, WITHOUT ROWID;
CREATE TABLE cell_version (
  recipient TEXT PRIMARY KEY, version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
STANDING += _append_only("document")

COSIGNATURE = """
CREATE TABLE cosignature (
  size INTEGER NOT NULL, witness TEXT NOT NULL, time INTEGER NOT NULL, line TEXT NOT NULL,
  PRIMARY KEY (size, witness, time)
) STRICT, WITHOUT ROWID;
"""

REVISION = "0002"
"""Of the tables below: the newest in `migrations/versions`."""

REVISIONS = """
CREATE TABLE log_revision (version_num TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
"""
"""One row: the revision of the tables. Its column is named as Alembic names it."""

LATER = {
    "standing": STANDING,
    "entry_index": log_index.TABLES,
    "cosignature": COSIGNATURE,
    "subject": log_subjects.TABLES,
    "delivery": log_beside.TABLES,
    "log_revision": REVISIONS,
}
"""What followed the first tables: the first table of each lot, and the statements that make it.
`migrations/versions` says in which revision each lot came; a lot of a released revision is not
changed any more."""


def connect(path: Path, *, new: bool = False) -> apsw.Connection:
    """Open the file for reading and writing, or make it; refuse one that is not set up so."""
    load_checksums()
    if new:  # not by SQLite, which would let others read it
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=VFS)
    connection.set_busy_timeout(BUSY_MS)
    if new:
        connection.reserve_bytes(None, RESERVED)
        connection.pragma("page_size", PAGE)
        connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", 2)
    connection.pragma("secure_delete", 1)
    settings = {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL; NORMAL loses acknowledged entries in a power cut
        "secure_delete": 1,
        "page_size": PAGE,
        "checksum_verification": "1",
    }
    found = {name: connection.pragma(name) for name in settings}
    if found != settings or connection.reserve_bytes() != RESERVED:
        connection.close()
        raise GatewayError("the file is not set up as a log", rule="log.settings")
    return connection


def load_checksums() -> None:
    """Make the checksum VFS known to SQLite, without making it the default for others."""
    if tuple(map(int, apsw.sqlite_lib_version().split("."))) < OLDEST_SQLITE:
        raise GatewayError("this SQLite may lose a commit; upgrade apsw", rule="log.sqlite")
    names = apsw.vfs_names()
    if VFS not in names:
        with closing(apsw.Connection(":memory:")) as connection:
            apsw.sqlite_extra.load(connection, "cksumvfs")
        apsw.set_default_vfs(names[0])


@contextmanager
def failing(rule: str) -> Iterator[None]:
    """Whatever SQLite complains of, as ours. Its messages may quote; ours name the kind."""
    try:
        yield
    except apsw.Error as error:
        problem = f"the log's file failed us ({type(error).__name__})"
        raise GatewayError(problem, rule=rule) from None
