"""A PostgreSQL server of the tests' own: a cluster in a temporary folder, on a Unix socket.

`database` is the connection string of a fresh, empty place. What a test breaks for others
(kills, a full disk, settings) needs a cluster of its own: `with Cluster.made() as cluster`.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import glob
from pathlib import Path

import psycopg
import pytest

SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "max_wal_senders": "2",
    "recovery_init_sync_method": "syncfs",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}
START_SECONDS = 60


def binaries() -> Path | None:
    """Where PostgreSQL's programs are, if it is installed: the newest version."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    folders = sorted(glob("/usr/lib/postgresql/*/bin"), key=lambda name: int(name.split("/")[4]))
    return Path(folders[-1]) if folders else None


class Cluster:
    """A running server. Started again after `kill`, it recovers as after a power cut."""

    def __init__(self, directory: Path, programs: Path, settings: dict[str, str]) -> None:
        self.directory = directory
        self.data = directory / "data"
        self._programs = programs
        self._made = 0
        self._server: subprocess.Popen[bytes] | None = None
        words = ("--no-sync", "-A", "trust", "-E", "UTF8", "--locale=C", "-U", "corridor")
        assert self._started("initdb", *words).wait() == 0
        text = "".join(f"{name} = {value}\n" for name, value in {**SETTINGS, **settings}.items())
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"{text}unix_socket_directories = '{directory}'\n")

    @classmethod
    @contextmanager
    def made(cls, **settings: str) -> Iterator["Cluster"]:
        """A running cluster, gone when the block ends. `settings` as in `postgresql.conf`."""
        programs = binaries()
        if programs is None:
            pytest.skip("PostgreSQL is not installed: its initdb was not found")
        directory = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has 107 bytes
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
        cluster = cls(directory, programs, settings)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
            shutil.rmtree(directory)

    def start(self) -> None:
        """Start, and return when it answers."""
        self._server = self._started("postgres")
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.run("SELECT 1")
            except psycopg.OperationalError:
                if self._server.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.02)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop if it runs. SIGQUIT writes nothing more; SIGINT ends as operators do."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait()
            self._server = None

    def kill(self) -> None:
        """`kill -9` the server and each of its processes."""
        if self._server is None:
            return
        pid = self._server.pid
        parts = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self.stop(signal.SIGKILL)
        for each in map(int, parts):
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        while any(_alive(each) for each in parts):
            time.sleep(0.01)

    def backends(self) -> list[int]:
        """Process ids of the sessions of others."""
        query = (
            "SELECT pid FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return [row[0] for row in self.run(query)]

    def run(self, statement: str, database: str = "") -> list[tuple]:
        """Run one statement; its rows, where it has any."""
        with psycopg.connect(database or self._name("postgres"), autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def database(self) -> str:
        """Connection string of an empty place for one log: a schema, for a database takes long."""
        self._made += 1
        self.run(f"CREATE SCHEMA log{self._made}")
        return f"{self._name('postgres')} options=-csearch_path=log{self._made}"

    def _name(self, database: str) -> str:
        return f"host={self.directory} user=corridor dbname={database}"

    def _started(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        # initdb and the server refuse to run as root.
        other = {"user": "postgres", "group": "postgres", "extra_groups": []}
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / program, "-D", self.data, *arguments],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **(other if os.geteuid() == 0 else {}),
            )


def _alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One server for all tests that do it no harm."""
    with Cluster.made() as made:
        yield made


@pytest.fixture
def database(cluster: Cluster) -> str:
    """Connection string of an empty place for one log."""
    return cluster.database()
