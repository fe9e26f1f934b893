"""Where the log of a data folder is: in a file there, or in the database its settings name."""

from pathlib import Path

from gateway import log_file
from gateway.errors import OfficerError
from gateway.log_store import Store
from gateway.log_store.sqlite import SqliteStore
from gateway.settings import read_settings

SETTINGS = "corridor.toml"


def database_of(directory: Path) -> str | None:
    """Connection string of the database; None where the log is a file.

    Asked of the settings each time, so that whoever names the folder reaches the one log.
    """
    path = directory.parent / SETTINGS
    if not path.exists():
        return None
    log = read_settings(path).log
    if log.store == "sqlite":
        return None
    if not log.database:
        at = f"{SETTINGS}, log.database"
        raise OfficerError("a setting is missing", rule="settings.missing", at=at)
    return log.database


def present(directory: Path) -> bool:
    """Whether there is a log to read: the file, or a database that this folder has joined."""
    here = log_file.FILE if database_of(directory) is None else "log.highwater"
    return (directory / here).is_file()


def called(directory: Path) -> str:
    """What to call the log when speaking of it."""
    return f"data/{log_file.FILE}" if database_of(directory) is None else "the log's tables"


def made(directory: Path) -> bool:
    """Whether a log was made from here, or joined."""
    return (directory / log_file.FILE).exists() or (directory / "log.highwater").exists()


def create_store(directory: Path, vkey: str, origin: str, note: str) -> None:
    """Make the rows of a new log. Raises `log.exists` where there is one."""
    database = database_of(directory)
    if database is None:
        SqliteStore.create(directory / log_file.FILE, vkey, origin, note)
        return
    from gateway.log_store.postgresql import PostgresStore

    PostgresStore.create(database, vkey, origin, note)


def open_store(directory: Path) -> Store:
    """The rows of an existing log. Raises `log.missing` where there is none."""
    database = database_of(directory)
    if database is None:
        return SqliteStore(directory / log_file.FILE)
    from gateway.log_store.postgresql import PostgresStore

    return PostgresStore(database)
