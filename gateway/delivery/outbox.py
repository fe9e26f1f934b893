"""The rows of what is to be pushed: made with the entry, leased, and settled.

Everything here runs inside a transaction of the log's store, or reads as of the last commit.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gateway.delivery.endpoints import endpoint_for, endpoint_named
from gateway.deployment import Deployment
from gateway.errors import SenderError
from gateway.log_beside import Beside

if TYPE_CHECKING:
    from gateway.log_reader import Reader
    from gateway.log_store import Store
    from gateway.transfer import Transfer

State = Literal["waiting", "delivered", "dead"]
Ask = Callable[[str, Sequence[int | str | bytes]], list[tuple[Any, ...]]]

COLUMNS = (
    *("transfer", "recipient", "endpoint", "format", "agreement", "state", "attempts", "due"),
    *("leased", "leased_until", "begun", "rule", "outcomes", "time"),
)
ALL = ", ".join(COLUMNS)


@dataclass(frozen=True, slots=True)
class Row:
    """One push, as its row has it. Times are milliseconds since 1970."""

    transfer: str
    recipient: str
    endpoint: str
    format: str
    agreement: str
    state: State
    attempts: int
    due: int
    leased: str
    leased_until: int
    begun: int
    """1 as soon as something of the content may have left."""
    rule: str
    outcomes: bytes | None = field(repr=False)
    time: int

    @property
    def lane(self) -> tuple[str, str]:
        """Whose address it goes to."""
        return self.recipient, self.endpoint


@dataclass(frozen=True, slots=True)
class Lane:
    """One address of one recipient: what is under way there at once, and when it is given up."""

    recipient: str
    endpoint: str
    width: int
    failures: int
    """So many in a row, and the address is left alone."""

    @property
    def key(self) -> tuple[str, str]:
        """How rows name it."""
        return self.recipient, self.endpoint


def lanes_of(deployment: Deployment) -> list[Lane]:
    """Every address that something can be pushed to now."""
    failures = deployment.settings.delivery.breaker_failures
    lanes: dict[tuple[str, str], Lane] = {}  # one for each name, however often it stands there
    for party in deployment.parties.values():
        for one in party.get("endpoints", ()) if party["status"] == "active" else ():
            if one.get("formats"):
                width = one.get("concurrency", 1)
                # Whatever is under way at once also fails at once.
                lane = Lane(party["id"], one["id"], width, failures * width)
                lanes.setdefault(lane.key, lane)
    return list(lanes.values())


def rows_for(transfer: "Transfer", deployment: Deployment) -> Iterator[Beside]:
    """The row of a release that is to be pushed, for the transaction of its entry."""
    terms = transfer.terms
    if terms.deliver != "push":
        return
    endpoint = endpoint_for(deployment.parties[terms.recipient], terms.target)
    if endpoint is None:
        raise no_endpoint()
    made = int(transfer.id.replace("-", "")[:12], 16)
    yield Beside(
        "delivery",
        tuple(name for name in COLUMNS if name != "outcomes"),
        (
            *(transfer.id, terms.recipient, endpoint["id"], terms.target, terms.agreement),
            *("waiting", 0, made, "", 0, 0, "", made),
        ),
    )


def no_endpoint() -> SenderError:
    """The recipient has no address for what is to be pushed."""
    return SenderError(
        "the recipient has no address for this format", rule="deliver.no_endpoint", at="deliver"
    )


def takeable(ask: Ask, lane: Lane, now: int, room: int) -> list[Row]:
    """Rows that may be pushed now, oldest first, at most `room`.

    With a width of 1 order is kept: whatever the oldest row waits for, all others wait for too.
    """
    found = ask("SELECT failures, open_until FROM breaker WHERE recipient = ? AND endpoint = ?",
                lane.key)  # fmt: skip
    failures, open_until = found[0] if found else (0, 0)
    if open_until > now:
        return []
    [(under_way,)] = ask(
        "SELECT count(*) FROM delivery WHERE leased <> '' AND recipient = ? AND endpoint = ?"
        " AND leased_until > ?",
        (*lane.key, now),
    )
    # After a pause one push tries whether the address is back.
    width = 1 if failures >= lane.failures else lane.width
    free = min(room, width - under_way)
    if free <= 0:
        return []
    of = "FROM delivery WHERE state = 'waiting' AND recipient = ? AND endpoint = ?"
    if lane.width == 1:
        rows = ask(f"SELECT {ALL} {of} ORDER BY transfer LIMIT 1", lane.key)
        oldest = [Row(*row) for row in rows]
        return [one for one in oldest if one.due <= now and one.leased_until <= now]
    query = f"SELECT {ALL} {of} AND due <= ? AND leased_until <= ? ORDER BY due LIMIT ?"
    return [Row(*row) for row in ask(query, (*lane.key, now, now, free))]


def lease(store: "Store", rows: Sequence[Row], who: str, until: int) -> None:
    """Take rows. From here on something of them may have left, whatever happens to us."""
    store.write(
        "UPDATE delivery SET leased = ?, leased_until = ?, attempts = attempts + 1, begun = 1"
        " WHERE transfer = ?",
        [(who, until, row.transfer) for row in rows],
    )


def renew(store: "Store", transfers: Iterable[str], who: str, until: int) -> None:
    """Hold what is still under way."""
    store.write(
        "UPDATE delivery SET leased_until = ? WHERE transfer = ? AND leased = ?",
        [(until, one, who) for one in transfers],
    )


def settle(store: "Store", rows: Sequence[Row], who: str) -> None:
    """Write what became of rows. Content of what was delivered is destroyed with it."""
    done = [row for row in rows if row.state == "delivered"]
    # That it arrived is true whoever holds the row by now.
    store.write(
        "UPDATE delivery SET state = 'delivered', attempts = ?, leased = '', leased_until = 0,"
        " begun = 1, rule = '', outcomes = ?, time = ? WHERE transfer = ?",
        [(row.attempts, row.outcomes, row.time, row.transfer) for row in done],
    )
    store.write(
        "DELETE FROM kept WHERE kind = 'content' AND key = ?", [(row.transfer,) for row in done]
    )
    store.write(
        "UPDATE delivery SET state = ?, due = ?, leased = '', leased_until = 0, begun = ?,"
        " rule = ?, outcomes = ?, time = ? WHERE transfer = ? AND state = 'waiting'"
        " AND leased = ?",
        [
            (row.state, row.due, row.begun, row.rule, row.outcomes, row.time, row.transfer, who)
            for row in rows
            if row.state != "delivered"
        ],
    )


def held_by(log: "Reader", who: str) -> bool:
    """Whether rows are still leased to somebody."""
    query = "SELECT 1 FROM delivery WHERE leased <> '' AND leased = ? LIMIT 1"
    return bool(log.rows(query, (who,)))


def give_back(store: "Store", who: str) -> None:
    """Let others have at once what was taken and not pushed."""
    store.write(
        "UPDATE delivery SET leased = '', leased_until = 0 WHERE leased <> '' AND leased = ?",
        [(who,)],
    )


def note_health(store: "Store", health: Mapping[tuple[str, str], tuple[int, int]]) -> None:
    """Failures in a row of addresses, and until when each is left alone."""
    store.write(
        "INSERT INTO breaker (recipient, endpoint, failures, open_until) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (recipient, endpoint) DO UPDATE"
        " SET failures = excluded.failures, open_until = excluded.open_until",
        [(*lane, *values) for lane, values in health.items()],
    )


def health_of(store: "Store", lane: tuple[str, str]) -> tuple[int, int]:
    """Failures in a row, and until when the address is left alone. Inside `writing()` only."""
    found = store.ask(
        "SELECT failures, open_until FROM breaker WHERE recipient = ? AND endpoint = ?", lane
    )
    return (int(found[0][0]), int(found[0][1])) if found else (0, 0)


def row_of(log: "Reader", transfer: str) -> Row | None:
    """The push of a transfer."""
    query = f"SELECT {ALL} FROM delivery WHERE transfer = ?"  # noqa: S608 - the names are ours
    found = log.rows(query, (transfer,))
    return Row(*found[0]) if found else None


def may_have_left(log: "Reader", transfers: Iterable[str]) -> set[str]:
    """Those of which a push was begun: nobody can say that nothing of them left."""
    query = "SELECT 1 FROM delivery WHERE transfer = ? AND begun = 1"
    return {one for one in transfers if log.rows(query, (one,))}


def unsaid(log: "Reader") -> list[str]:
    """Delivered, or tried and destroyed, and the log was not told so: a crash came between."""
    query = (
        "SELECT transfer FROM delivery JOIN transfer_state ON id = transfer"
        " WHERE transfer_state.state = 'open' AND (delivery.state = 'delivered'"
        " OR (delivery.state = 'dead' AND delivery.begun = 1 AND NOT EXISTS"
        " (SELECT 1 FROM kept WHERE kind = 'content' AND kept.key = transfer)))"
    )
    return [str(name) for (name,) in log.rows(query)]


def hopeless(log: "Reader", deployment: Deployment, now: int) -> list[tuple[str, str]]:
    """Transfers that wait for what will not come, each with the rule: nobody has them in hand.

    Who died with a lease has nothing in hand any more.
    """
    found: list[tuple[str, str]] = []
    lanes = log.rows("SELECT DISTINCT recipient, endpoint FROM delivery WHERE state = 'waiting'")
    for recipient, endpoint in lanes:
        if endpoint_named(deployment.parties.get(recipient), endpoint) is None:
            query = (
                "SELECT transfer FROM delivery WHERE state = 'waiting' AND leased_until <= ?"
                " AND recipient = ? AND endpoint = ?"
            )
            rows = log.rows(query, (now, recipient, endpoint))
            found += [(name, "push.no_endpoint") for (name,) in rows]
    query = (
        "SELECT transfer FROM delivery WHERE state = 'waiting' AND leased_until <= ? AND NOT EXISTS"
        " (SELECT 1 FROM kept WHERE kind = 'content' AND kept.key = transfer)"
    )
    return found + [(name, "push.content_gone") for (name,) in log.rows(query, (now,))]


def give_up(store: "Store", hopeless: Sequence[tuple[str, str]], now: int) -> None:
    """Make them dead letters."""
    store.write(
        "UPDATE delivery SET state = 'dead', rule = ?, time = ?, leased = '', leased_until = 0"
        " WHERE transfer = ? AND state = 'waiting' AND leased_until <= ?",
        [(rule, now, name, now) for name, rule in hopeless],
    )
