"""What operators do about pushes: look, try again, give up."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.delivery.outbox import ALL, Row, may_have_left, row_of
from gateway.errors import SenderError
from gateway.log import Log
from gateway.log_store import Store


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pushes."""

    state: str = ""
    recipient: str = ""
    limit: int = 1000


def listed(log: Log, wanted: Wanted) -> list[Row]:
    """Pushes, oldest first."""
    query = f"SELECT {ALL} FROM delivery WHERE (? = '' OR state = ?)"  # noqa: S608 - ours
    query += " AND (? = '' OR recipient = ?) ORDER BY transfer LIMIT ?"
    state, recipient = wanted.state, wanted.recipient
    return [
        Row(*row) for row in log.rows(query, (state, state, recipient, recipient, wanted.limit))
    ]


def one(log: Log, transfer: str) -> Row:
    """The push of a transfer. Raises 404 where there is none."""
    row = row_of(log, transfer)
    if row is None:
        raise SenderError("no such push", rule="delivery.none", at=transfer, status=404)
    return row


def redrive(log: Log, rows: Sequence[Row], now: int) -> list[Row]:
    """Make dead letters wait again, with all their attempts; those whose content is still there.

    Their addresses are tried at once, whatever failed there before.
    """
    again = [row for row in rows if row.state == "dead" and log.kept("content", row.transfer)]

    def work(store: Store) -> None:
        store.write(
            "UPDATE delivery SET state = 'waiting', attempts = 0, due = ?, time = ?"
            " WHERE transfer = ? AND state = 'dead'",
            [(now, now, row.transfer) for row in again],
        )
        store.write(
            "DELETE FROM breaker WHERE recipient = ? AND endpoint = ?",
            sorted({row.lane for row in again}),
        )

    if again:
        log.beside(work)
    return again


def drop(log: Log, row: Row, now: int) -> None:
    """Give one up, and destroy its content. Raises 409 for what was delivered."""
    if row.state == "delivered":
        raise SenderError("it was delivered", rule="delivery.done", at=row.transfer, status=409)
    destroyed = log.destroy("content", row.transfer)
    log.beside(
        lambda store: store.write(
            "UPDATE delivery SET state = 'dead', rule = 'push.dropped', leased = '',"
            " leased_until = 0, time = ? WHERE transfer = ? AND state <> 'delivered'",
            [(now, row.transfer)],
        )
    )
    if not destroyed:
        return
    if may_have_left(log, [row.transfer]):
        log.done(row.transfer)  # it was tried: perhaps the recipient has it
    else:
        log.never_left([row.transfer])
