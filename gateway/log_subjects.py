"""Rows about people beside the log: where each record that left can be found, and who said stop.

No row says who somebody is. A record is found by a *token*, a keyed mark of its own id at its
source; a commitment in the entry opens with a *salt*. Both are destroyed for a person who asks
for it. The hashes of all commitments of a transfer stay (`subject_leaves`): the proofs of the
others need them, and without its salt a commitment says nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Row = tuple[Any, ...]

TABLES = """
CREATE TABLE subject (
  token BLOB NOT NULL CHECK (length(token) = 16), transfer TEXT NOT NULL,
  position INTEGER NOT NULL, salt BLOB NOT NULL CHECK (length(salt) = 32),
  PRIMARY KEY (token, transfer, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE subject_leaves (
  transfer TEXT NOT NULL, part INTEGER NOT NULL, hashes BLOB NOT NULL,
  PRIMARY KEY (transfer, part)
) STRICT;
CREATE TABLE subject_staged (transfer TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE subject_stop (
  token BLOB NOT NULL CHECK (length(token) = 16), reason TEXT NOT NULL,
  PRIMARY KEY (token, reason)
) STRICT, WITHOUT ROWID;
CREATE TABLE subject_version (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER NOT NULL) STRICT;
"""
"""`subject_staged`: transfers of many records, whose rows are written before their entry is."""

LEAVES = 1024
"""Hashes in one row of `subject_leaves`; the last row of a transfer has fewer."""

SOME = 512
"""Names in one list of a statement."""

STALE_MS = 24 * 3_600_000
"""Rows whose entry did not follow in this time belong to a transfer that was never made."""

_VERSION = "SELECT coalesce(max(n), 0) FROM subject_version"


class Tables(Protocol):
    """What is needed of a store, inside its transaction."""

    def ask(self, query: str, bindings: Sequence[int | str | bytes] = ()) -> list[Row]:
        """All rows of a query, as this transaction sees them."""

    def write(self, statement: str, rows: Sequence[Row]) -> None:
        """Run a statement once for each row of values."""

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Rows of one table."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """What an entry does to the rows about people, in its own transaction."""

    version: int | None = None
    """Of the stops a release was decided on; it does not become an entry on other ones."""
    rows: Sequence[Row] = field(default=(), repr=False)
    """Rows of `subject`: token, transfer, position, salt."""
    leaves: Sequence[Row] = field(default=(), repr=False)
    """Rows of `subject_leaves`: transfer, part, hashes."""
    staged: str = ""
    """The transfer whose other rows were written before."""
    stop: Sequence[tuple[bytes, str]] = field(default=(), repr=False)
    """Tokens whose records leave no more, each with the reason."""
    lift: Sequence[tuple[bytes, str]] = field(default=(), repr=False)
    """Stops that are taken back."""
    erase: Sequence[tuple[bytes, str]] = field(default=(), repr=False)
    """Tokens and transfers whose rows are destroyed."""


def outdated(store: Tables, waiting: Sequence[Subjects | None]) -> int | None:
    """Which of the waiting was decided on other stops than there are; None where none was."""
    if not any(waiting):
        return None
    [(known,)] = store.ask(_VERSION)
    for number, each in enumerate(waiting):
        if each is None:
            continue
        if each.version is not None and each.version != known:
            return number
        if each.stop or each.lift:
            known = -1  # whatever follows in this batch was decided before
    return None


def write(store: Tables, batch: Sequence[Subjects | None]) -> None:
    """Everything that entries of one batch do."""
    every = [each for each in batch if each is not None]
    if not every:
        return
    add(store, [row for each in every for row in each.rows], [r for e in every for r in e.leaves])
    store.write(
        "DELETE FROM subject_staged WHERE transfer = ?",
        [(each.staged,) for each in every if each.staged],
    )
    stop, lift = ([r for e in every for r in getattr(e, name)] for name in ("stop", "lift"))
    store.write("INSERT INTO subject_stop VALUES (?, ?) ON CONFLICT DO NOTHING", stop)
    store.write("DELETE FROM subject_stop WHERE token = ? AND reason = ?", lift)
    if stop or lift:
        store.write(
            "INSERT INTO subject_version VALUES (1, ?)"
            " ON CONFLICT (one) DO UPDATE SET n = subject_version.n + 1",
            [(1,)],
        )
    store.write(
        "DELETE FROM subject WHERE token = ? AND transfer = ?",
        [row for each in every for row in each.erase],
    )


def add(store: Tables, rows: Sequence[Row], leaves: Sequence[Row], staged: str = "") -> None:
    """Rows of transfers; of one whose entry does not stand yet, `staged`."""
    store.insert("subject", ("token", "transfer", "position", "salt"), rows)
    store.insert("subject_leaves", ("transfer", "part", "hashes"), leaves)
    if staged:
        store.write("INSERT INTO subject_staged VALUES (?) ON CONFLICT DO NOTHING", [(staged,)])


def forget(store: Tables, transfers: Sequence[str]) -> None:
    """Take out what was staged for transfers that were never made. Rows of those that were made
    stay, whoever believes otherwise."""
    rows = [(each, each) for each in transfers]
    never = "transfer = ? AND NOT EXISTS (SELECT 1 FROM transfer_state WHERE id = ?)"
    for table in ("subject", "subject_leaves", "subject_staged"):
        store.write(f"DELETE FROM {table} WHERE {never}", rows)  # noqa: S608 - ours


def sweep(store: Tables, now: int) -> list[str]:
    """Take out what no entry followed for a day; the transfers."""
    never: list[str] = []
    for (name,) in store.ask("SELECT transfer FROM subject_staged"):
        # A version 7 UUID begins with the milliseconds it was made at.
        if int(name.replace("-", "")[:12], 16) < now - STALE_MS:
            never.append(name)
    made = {
        name
        for at in range(0, len(never), SOME)
        for (name,) in store.ask(
            "SELECT id FROM transfer_state WHERE id IN"  # noqa: S608 - question marks only
            f" ({','.join('?' * len(never[at : at + SOME]))})",
            never[at : at + SOME],
        )
    }
    gone = [name for name in never if name not in made]
    forget(store, gone)
    return gone
