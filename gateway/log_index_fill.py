"""The log's index made again from the entries: for logs older than it, and after damage.

Entries are appended with their row of the index, so what is missing is always a beginning of
the log. It is filled downwards, in short transactions: a gateway goes on meanwhile, and what
is interrupted is continued by the next who opens the log.
"""

import zlib
from collections.abc import Callable

import orjson

from gateway.log_index import Indexed, indexed
from gateway.log_store import Store

PART = 2_000
"""Entries in one transaction."""

Tell = Callable[[int, int], None]


def missing(store: Store) -> int:
    """How many entries, the oldest, have no row in the index."""
    [(first,)] = store.read("SELECT min(idx) FROM entry_index")
    if first is None:
        [(first,)] = store.read("SELECT size FROM log_head")
    return int(first)


def fill(store: Store, tell: Tell = lambda _done, _of: None) -> int:
    """Fill what is missing; how many entries that were."""
    total = missing(store)
    left = total
    while left:
        left = _fill_below(store)
        tell(total - left, total)
    return total


def rebuild(store: Store, tell: Tell = lambda _done, _of: None) -> int:
    """Throw the index away and make it again; how many entries it has then.

    Reports refuse to answer from the moment it begins until it is whole.
    """
    with store.writing():
        store.write("DELETE FROM happened", [()])
        store.write("DELETE FROM entry_index", [()])
    return fill(store, tell)


def _fill_below(store: Store) -> int:
    with store.writing():
        # Asked inside the transaction: another process may be filling as well.
        [(first,)] = store.ask("SELECT min(idx) FROM entry_index")
        end = store.head().size if first is None else int(first)
        start = max(0, end - PART)
        query = "SELECT idx, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx"
        rows: list[tuple[Indexed, int, int]] = []
        for index, leaf in store.ask(query, (start, end)):
            said = orjson.loads(leaf)
            rows.append((indexed(said), index, said["time"]))
        _repair(store, rows)
        store.add_index(rows)
    return start


def _repair(store: Store, rows: list[tuple[Indexed, int, int]]) -> None:
    """Profiles keep their numbers, which running gateways remember; what they say is ours."""
    said = {one.digest: one.profile for one, _, _ in rows if one.digest}
    changed = "UPDATE profile SET value = ? WHERE digest = ? AND value <> ?"
    packed = {digest: zlib.compress(value) for digest, value in said.items()}
    store.write(changed, [(value, digest, value) for digest, value in packed.items()])
