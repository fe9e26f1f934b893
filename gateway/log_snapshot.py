"""The log as it stood at one moment, for an auditor, while a gateway may be using it."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw

from gateway.errors import GatewayError
from gateway.log_file import BUSY_MS, FILE, PAGE, VFS, load_checksums
from gateway.log_place import database_of
from gateway.log_store.reads import Snapshot

__all__ = ["Snapshot", "live", "open_unchanging", "pages", "reading", "settled"]

COPY = 1 << 20
ATTEMPTS = 20
WAL_HEADER = 32


@contextmanager
def reading(directory: Path) -> Iterator[Snapshot]:
    """The log of this data folder, wherever its rows are. Writes nothing."""
    database = database_of(directory)
    if database is not None:
        from gateway.log_store.snapshot import snapshot  # the driver, for those who have one

        with snapshot(database) as connection:
            yield connection
        return
    path = directory / FILE
    if not path.is_file():
        raise GatewayError("there is no log here", rule="log.missing", at=path.name)
    with settled(path) as stable, closing(open_unchanging(stable)) as connection:
        yield connection


@contextmanager
def live(directory: Path) -> Iterator[Snapshot]:
    """The same for a few rows, without a copy; each query sees what is committed by then."""
    if database_of(directory) is not None:
        with reading(directory) as snapshot:
            yield snapshot
        return
    path = directory / FILE
    if not path.is_file():
        raise GatewayError("there is no log here", rule="log.missing", at=FILE)
    # Where nobody has the log open there is no write-ahead log, and nothing to lock or make.
    still = not path.with_name(f"{FILE}-wal").exists()
    name = f"{path.resolve().as_uri()}?{'immutable=1' if still else 'mode=ro'}"
    flags: Any = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    try:
        with closing(apsw.Connection(name, flags=flags, vfs="unix")) as connection:
            connection.set_busy_timeout(BUSY_MS)
            connection.pragma("trusted_schema", 0)
            yield connection
    except apsw.Error:
        raise GatewayError("the log cannot be read", rule="log.unavailable", at=FILE) from None


@contextmanager
def settled(path: Path) -> Iterator[Path]:
    """The file with nothing left in a write-ahead log: itself, or a copy of a moment."""
    ahead = path.with_name(path.name + "-wal")
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / path.name
        for _ in range(ATTEMPTS):
            if not ahead.exists():
                yield path
                return
            if _copied(path, ahead, copy):
                # Pages in a write-ahead log have its checksums; folding it in gives them ours.
                load_checksums()
                with closing(apsw.Connection(str(copy), vfs=VFS)) as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                yield copy
                return
    raise GatewayError("the log is written to faster than it can be copied", rule="log.busy")


def _copied(path: Path, ahead: Path, copy: Path) -> bool:
    """Whether the two files were copied as they stood together at one moment.

    The file changes when the write-ahead log is folded in; the latter then starts again with
    another first line. What is appended to it meanwhile is whole commits, or is ignored.
    """
    try:
        before = _version(path, ahead)
        with copy.open("wb") as target:
            for part in pages(path, COPY):
                target.write(part)
        copy.with_name(ahead.name).write_bytes(ahead.read_bytes())
        return before == _version(path, ahead)
    except FileNotFoundError:
        return False


def _version(path: Path, ahead: Path) -> tuple[int, bytes]:
    with ahead.open("rb") as opened:
        return path.stat().st_mtime_ns, opened.read(WAL_HEADER)


def pages(path: Path, width: int = PAGE) -> Iterator[bytes]:
    """The file's bytes, in pieces."""
    # Through SQLite: to open and close the file oneself would drop the locks that a log open
    # in this very process holds on it (POSIX locks belong to the process).
    flags = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READONLY
    if not path.is_file():
        raise FileNotFoundError(2, "no such file", str(path))
    file = apsw.VFSFile("unix", str(path), [flags, 0])
    try:
        size = file.xFileSize()
        for at in range(0, size, width):
            yield file.xRead(min(width, size - at), at)
    finally:
        file.xClose()


def open_unchanging(path: Path) -> apsw.Connection:
    """Read a settled file; SQLite neither locks it nor writes beside it."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(f"{path.resolve().as_uri()}?immutable=1", flags=flags, vfs="unix")
    connection.pragma("trusted_schema", 0)
    return connection
