"""Where a log of a trial lives, and what is written to it."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, note
from gateway.log import Log

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
ORIGIN = "gw.example.org/transfers/2027"
VKEY = note.Signer.of(ORIGIN, KEY).vkey
ROOT = Path(__file__).resolve().parents[2]
SAMPLE = json.loads((ROOT / "tests/vectors/released_transfer.json").read_text())


SETTINGS = """[gateway]
origin = "{}"
[log]
store = "postgresql"
database = "{}"
"""
PATIENCE = 30.0
OTHERS = """SELECT count(*) FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND datname = current_database()
  AND pid <> pg_backend_pid()"""


@dataclass(frozen=True)
class Place:
    """One log: a deployment's folder, and the database when the log is not a file there."""

    directory: Path
    database: str = ""

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def create(self) -> None:
        """Make the log, empty."""
        self._prepare()
        Log.create(self.data, origin=ORIGIN, key=KEY, gateway="gw-1").close()

    def replica(self, gateway: str) -> "Place":
        """Where another gateway has the same log: on another machine, if it is in a database."""
        if not self.database:
            return self
        other = Place(self.directory.with_name(f"{self.directory.name}-{gateway}"), self.database)
        other._prepare()
        Log.join(other.data, key=KEY, gateway=gateway).close()
        return other

    def _prepare(self) -> None:
        self.directory.mkdir()
        if self.database:
            (self.directory / "corridor.toml").write_text(SETTINGS.format(ORIGIN, self.database))

    def open(self, gateway: str = "gw-1") -> Log:
        return Log.open(self.data, key=KEY, gateway=gateway)

    def quiet(self) -> None:
        """Wait until the database knows that whoever was killed is gone."""
        end = time.monotonic() + PATIENCE
        while self.database and time.monotonic() < end:
            with (
                suppress(psycopg.OperationalError),  # it may still be recovering
                psycopg.connect(self.database, autocommit=True) as connection,
            ):
                if connection.execute(OTHERS).fetchall() == [(0,)]:
                    return
            time.sleep(0.01)

    def gone(self) -> None:
        """Delete it: the next trials take a new one."""
        shutil.rmtree(self.directory)


def released() -> dict[str, Any]:
    """A transfer that may leave, once it is logged."""
    return SAMPLE | {"id": entry.new_id()}


def refused() -> dict[str, Any]:
    return SAMPLE | {"id": entry.new_id(), "outcome": "refused"}


@contextmanager
def opened(place: Place) -> Iterator[Log]:
    with place.open() as log:
        yield log
