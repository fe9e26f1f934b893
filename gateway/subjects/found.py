"""What of a person's data went where, out of the log alone: the answer to a request for access."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.deployment import Deployment
from gateway.entry import parse
from gateway.happenings import custody
from gateway.log import Log

_TOKEN = (
    "SELECT t.idx, s.transfer, s.position, s.salt FROM subject s"  # noqa: S105 - a query
    " JOIN transfer_state t ON t.id = s.transfer WHERE s.token = ? ORDER BY t.idx, s.position"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one record of a person stands."""

    index: int
    """Of the transfer's entry."""
    transfer: str
    position: int
    """Of the record in its transfer."""
    salt: bytes


@dataclass(frozen=True, slots=True)
class Shared:
    """One transfer that had a record of the person in it."""

    transfer: str
    when: str
    sender: str
    recipient: str
    purpose: str
    legal_basis: str
    fields: tuple[str, ...]
    """That some record of the transfer left with, each with the form it left in."""
    destination: str
    instrument: str
    keep_until: str
    """The day on which the recipient must have deleted it; empty where the agreement is gone."""
    copies: str
    """What the recipient said of its copy: held, deleted, partial, or the state of a recall."""

    def told(self) -> dict[str, Any]:
        """As the person is told."""
        return asdict(self)


def places(log: Log, tokens: Sequence[bytes]) -> Iterator[Place]:
    """Where records with these tokens are. Transfers that were never made are not among them."""
    for token in dict.fromkeys(tokens):
        for row in log.rows(_TOKEN, (token,)):
            yield Place(int(row[0]), row[1], int(row[2]), bytes(row[3]))


def shared(log: Log, deployment: Deployment, tokens: Sequence[bytes]) -> list[Shared]:
    """Every transfer that carried a record of the person, oldest first.

    A transfer that was logged and did not leave is not one of them.
    """
    found: list[Shared] = []
    for index in sorted({place.index for place in places(log, tokens)}):
        [(_, leaf)] = log.entries(index, 1)
        entry = parse(leaf)
        if log.state(entry["id"]) != "not_released":
            found.append(_shared(log, deployment, entry))
    return found


def _shared(log: Log, deployment: Deployment, entry: dict[str, Any]) -> Shared:
    when = datetime.fromtimestamp(entry["time"] / 1000, UTC)
    return Shared(
        transfer=entry["id"],
        when=when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        sender=entry["sender"]["party"],
        recipient=entry["recipient"]["party"],
        purpose=entry["purpose"],
        legal_basis=entry["legal_basis"],
        fields=tuple(entry.get("released", ())),
        destination=entry["border"]["destination"],
        instrument=entry["border"].get("instrument", ""),
        keep_until=_until(deployment, entry, when),
        copies=_copies(log, entry["id"]),
    )


def _until(deployment: Deployment, entry: dict[str, Any], when: datetime) -> str:
    agreement = deployment.agreements.get(entry["agreement"]["id"])
    types = {path.partition(".")[0] for path in entry.get("released", ())}
    days = [
        one["days"]
        for one in (agreement or {"retention": ()})["retention"]
        if one["record_type"] in types
    ]
    return (when + timedelta(days=max(days))).date().isoformat() if days else ""


def _copies(log: Log, transfer: str) -> str:
    if log.kept("content", transfer) is not None:
        return "waiting"
    held = custody.held(log, transfer)
    if held.deleted:
        return "deleted" if held.deleted == "done" else held.deleted
    recall = held.open_recall
    return "held" if recall is None else f"recall.{recall.state}"
