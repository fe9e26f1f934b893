"""How far a route's system was asked, and who is asking now."""

from dataclasses import dataclass, replace

import orjson

from gateway.log import Log
from gateway.log_store import Store
from gateway.moments import now_ms

LEASE_MS = 900_000
"""An asking that says nothing for so long has died. One page takes less, with all its waiting."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """As the last asking left it."""

    at: int = 0
    """Microseconds since 1970: everything that changed before was carried, or is told as left."""
    left: int = 0
    """Records left behind because they cannot be read. Not a record that policy refused."""
    left_since: int = 0
    """Where to ask again for these: microseconds since 1970."""
    asked: int = 0
    """Milliseconds since 1970 of the last asking; 0 for never."""
    rule: str = ""
    """Why the last asking stopped halfway; empty where it came to its end."""


def read(log: Log, route: str) -> Cursor:
    """The cursor of a route; the beginning of time where it was never asked."""
    rows = log.rows("SELECT value, time FROM cursor WHERE route = ?", (route,))
    return _of(*rows[0]) if rows else Cursor()


def lease(log: Log, route: str, who: str) -> bool:
    """Begin to ask, unless somebody else does. Blocks: of a thread."""

    def take(store: Store) -> bool:
        now = now_ms()
        rows = store.ask("SELECT leased, leased_until FROM cursor WHERE route = ?", (route,))
        if rows and rows[0][0] not in ("", who) and rows[0][1] > now:
            return False
        if not rows:
            store.insert("cursor", _COLUMNS, [(route, _value(Cursor()), "", 0, 0)])
        statement = "UPDATE cursor SET leased = ?, leased_until = ? WHERE route = ?"
        store.write(statement, [(who, now + LEASE_MS, route)])
        return True

    return log.beside(take)


def save(log: Log, route: str, cursor: Cursor, who: str, *, last: bool = False) -> bool:
    """Keep how far it came; with `last`, let go of it. False where somebody else took over."""

    def keep(store: Store) -> bool:
        now = now_ms()
        rows = store.ask("SELECT leased FROM cursor WHERE route = ?", (route,))
        if not rows or rows[0][0] != who:
            return False
        statement = (
            "UPDATE cursor SET value = ?, leased = ?, leased_until = ?, time = ? WHERE route = ?"
        )
        until = 0 if last else now + LEASE_MS
        store.write(statement, [(_value(cursor), "" if last else who, until, now, route)])
        return True

    return log.beside(keep)


_COLUMNS = ("route", "value", "leased", "leased_until", "time")


def _value(cursor: Cursor) -> str:
    return orjson.dumps([cursor.at, cursor.left, cursor.left_since, cursor.rule]).decode()


def _of(value: str, asked: int) -> Cursor:
    at, left, left_since, rule = orjson.loads(value)
    return replace(Cursor(at, left, left_since, rule=rule), asked=asked)
