"""What the log holds about a case: entries by name, by transfer and by kind, and open work.

Open work is rows beside the tree, so that nobody walks the log for it. The entries have the
last word: a row says where to look.
"""

from collections.abc import Iterator
from typing import Any

from gateway.entry import parse
from gateway.log import Log

CHUNK = 256


def entry_named(log: Log, name: str) -> dict[str, Any] | None:
    """The entry with this id."""
    for (leaf,) in log.rows("SELECT leaf FROM entry WHERE id = ?", (name,)):
        return parse(leaf)
    return None


def about(log: Log, transfer: str) -> list[dict[str, Any]]:
    """Entries of other kinds that name a transfer, oldest first."""
    query = (
        "SELECT entry.leaf FROM happened JOIN entry ON entry.idx = happened.idx"
        " WHERE happened.transfer = ? ORDER BY happened.idx"
    )
    return [parse(leaf) for (leaf,) in log.rows(query, (transfer,))]


def of_kinds(log: Log, *kinds: str) -> Iterator[dict[str, Any]]:
    """Entries of these kinds, as the log's index calls them, oldest first."""
    marks = ",".join("?" * len(kinds))
    query = (
        "SELECT entry_index.idx, leaf FROM entry_index"  # noqa: S608 - marks only
        " JOIN entry ON entry.idx = entry_index.idx"
        f" WHERE profile = 0 AND kind IN ({marks}) AND entry_index.idx > ?"
        " ORDER BY entry_index.idx LIMIT ?"
    )
    after = -1
    while rows := log.rows(query, (*kinds, after, CHUNK)):
        after = rows[-1][0]
        for _, leaf in rows:
            yield parse(leaf)


def open_work(log: Log, kind: str, owner: str = "", after: str = "") -> Iterator[tuple[str, bytes]]:
    """Key and value of what is kept under a kind, for one owner or for all, by key."""
    mine = " AND owner = ?" if owner else ""
    query = f"SELECT key, value FROM kept WHERE kind = ?{mine} AND key > ? ORDER BY key LIMIT ?"  # noqa: S608 - names and marks are ours
    who = (owner,) if owner else ()
    while rows := log.rows(query, (kind, *who, after, CHUNK)):
        after = rows[-1][0]
        yield from rows
