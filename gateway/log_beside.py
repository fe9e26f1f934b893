"""Rows of work beside the log: what is to be delivered, done, or must not be done twice.

None of it is evidence. The log says what was released; these rows say what is left to do about
it. Rows that belong to an entry are written in the entry's transaction, so that work and log
cannot disagree. No row holds a value of a record, or an id that people or systems gave out:
such ids are kept as keyed digests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Value = str | int | bytes | None

TABLES = """
CREATE TABLE delivery (
  transfer TEXT PRIMARY KEY, recipient TEXT NOT NULL, endpoint TEXT NOT NULL,
  format TEXT NOT NULL, agreement TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
  attempts INTEGER NOT NULL, due INTEGER NOT NULL, leased TEXT NOT NULL,
  leased_until INTEGER NOT NULL, begun INTEGER NOT NULL, rule TEXT NOT NULL, outcomes BLOB,
  time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_order ON delivery (recipient, endpoint, transfer) WHERE state = 'waiting';
CREATE INDEX delivery_due ON delivery (recipient, endpoint, due) WHERE state = 'waiting';
CREATE INDEX delivery_leased ON delivery (recipient, endpoint) WHERE leased <> '';
CREATE INDEX delivery_dead ON delivery (recipient) WHERE state = 'dead';
CREATE TABLE breaker (
  recipient TEXT NOT NULL, endpoint TEXT NOT NULL, failures INTEGER NOT NULL,
  open_until INTEGER NOT NULL, PRIMARY KEY (recipient, endpoint)
) STRICT, WITHOUT ROWID;
CREATE TABLE job (
  transfer TEXT PRIMARY KEY, sender TEXT NOT NULL, recipient TEXT NOT NULL, terms BLOB NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelling', 'cancelled')),
  step TEXT NOT NULL, bytes INTEGER NOT NULL, done INTEGER NOT NULL, records INTEGER NOT NULL,
  leased TEXT NOT NULL, leased_until INTEGER NOT NULL, problem BLOB, file TEXT NOT NULL,
  time INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX job_open ON job (time) WHERE state IN ('queued', 'running', 'cancelling');
CREATE TABLE nonce (
  mark BLOB PRIMARY KEY, expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX nonce_expires ON nonce (expires);
CREATE TABLE arrived (
  mark BLOB NOT NULL, transfer TEXT NOT NULL, route TEXT NOT NULL, version BLOB NOT NULL,
  time INTEGER NOT NULL, PRIMARY KEY (mark, transfer)
) STRICT, WITHOUT ROWID;
CREATE TABLE cursor (
  route TEXT PRIMARY KEY, value TEXT NOT NULL, leased TEXT NOT NULL,
  leased_until INTEGER NOT NULL, time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE quota (
  party TEXT NOT NULL, day INTEGER NOT NULL, transfers INTEGER NOT NULL, bytes INTEGER NOT NULL,
  PRIMARY KEY (party, day)
) STRICT, WITHOUT ROWID;
"""
"""`delivery`, `breaker`: what is pushed to recipients. `job`: payloads too large to be
answered at once. `nonce`: requests that were seen. `arrived`, `cursor`: what came by routes.
`quota`: what parties used in a day (days since 1970). Times are milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A row that belongs into the transaction of an entry."""

    table: str
    columns: tuple[str, ...]
    values: tuple[Value, ...]

    def __repr__(self) -> str:
        return f"Beside({self.table})"


class Tables(Protocol):
    """What is needed of a store, inside its transaction."""

    def ask(self, query: str, bindings: Sequence[int | str | bytes] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, as this transaction sees them."""

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows of one table, in as few statements as can be."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A row without which nothing is written: whoever lost it was taken for dead."""

    query: str
    bindings: tuple[int | str | bytes, ...]

    def holds(self, store: Tables) -> bool:
        """Whether the row is there, as this transaction sees it."""
        return bool(store.ask(self.query, self.bindings))


def write(store: Tables, rows: Sequence[Beside]) -> None:
    """The rows of all entries of a batch: a statement costs more than a row."""
    alike: dict[tuple[str, tuple[str, ...]], list[tuple[Value, ...]]] = {}
    for row in rows:
        alike.setdefault((row.table, row.columns), []).append(row.values)
    for (table, columns), values in alike.items():
        store.insert(table, columns, values)
