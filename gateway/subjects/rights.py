"""What the rights of people do here: tell, stop, forget, and ask the recipients to do the same."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.deployment import Keys
from gateway.entry import bucket, control
from gateway.errors import OfficerError
from gateway.happenings import custody
from gateway.happenings.custody import Desk
from gateway.happenings.incident import active_officer
from gateway.happenings.said import said
from gateway.log import Log
from gateway.log_subjects import Subjects
from gateway.subjects.commitments import subject_key, token
from gateway.subjects.found import Shared, places, shared
from gateway.subjects.requests import Case, Office
from gateway.subjects.stops import REASONS

MAX_IDS = 100
"""Of one person, in one request."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who proved who they are, by the marks of their records and nothing else."""

    tokens: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def of(cls, keys: Keys, party: str, record_ids: Sequence[str]) -> "Person":
        """The marks of records of one party. One person may have several records."""
        if not 1 <= len(record_ids) <= MAX_IDS or not all(record_ids):
            raise OfficerError("one id a line", rule="rights.record_id", at="--record-id")
        key = subject_key(keys, party)
        return cls(tuple(dict.fromkeys(token(key, one) for one in record_ids)))


def access(office: Office, case: Case, person: Person) -> list[Shared]:
    """What was shared of the person, with whom, and why. That it was looked at is logged."""
    office.identified(case)
    found = shared(office.log, office.deployment, person.tokens)
    looked(office, len(found))
    _answered(office, case, found)
    return found


def stop(office: Office, case: Case, person: Person) -> list[Shared]:
    """Nothing of the person leaves any more, from this entry on; where it went before."""
    if case.what not in REASONS:
        raise OfficerError("not a right to stop", rule="rights.what", at="--case")
    office.identified(case)
    found = shared(office.log, office.deployment, person.tokens)
    rows = [(one, case.what) for one in person.tokens]
    _answered(office, case, found, Subjects(stop=rows))
    return found


def lift(office: Office, case: Case, person: Person) -> None:
    """Take a stop back, as its case ends: the objection was decided, or the person wants it."""
    rows = [(one, case.what) for one in person.tokens]
    office.step(case, "closed", Subjects(lift=rows))


def correct(office: Office, case: Case, person: Person) -> list[Shared]:
    """Who must be told of a correction. The value itself does not pass here."""
    office.identified(case)
    found = shared(office.log, office.deployment, person.tokens)
    _answered(office, case, found)
    return found


def erase(office: Office, case: Case, person: Person) -> list[Shared]:
    """Destroy everything that finds the person or opens a commitment to their records.

    What still waits to be fetched is destroyed and never left. Receipts that are kept here hold
    the salt of the whole content and go too; the parties have theirs. Stops stay: without them
    what was erased would come again. The recipients are asked to delete what they hold.

    Interrupted, it can be done again: what finds the transfers goes last.
    """
    office.identified(case)
    log, name = office.log, office.deployment.settings.gateway.name
    found = shared(log, office.deployment, person.tokens)
    ask_back(office, found, "erasure")
    _destroy_kept(log, {place.transfer for place in places(log, person.tokens)})
    # From here on nothing says any more which transfers these were.
    entry = control(gateway=name, what="shred", n=1)
    log.submit(entry, subjects=Subjects(erase=person.tokens)).result()
    log.destroy("receipt", case.id)  # there is none; it folds the write-ahead log in
    _answered(office, case, found)
    return found


def ask_back(office: Office, found: Sequence[Shared], reason: str) -> None:
    """Ask every recipient to delete what it got."""
    desk = Desk(office.log, office.deployment)
    custody.recall(desk, [one.transfer for one in found], reason, by=office.by)


def _destroy_kept(log: Log, transfers: set[str]) -> None:
    owners: set[str] = set()
    for transfer in sorted(transfers):
        log.destroy("content", transfer)
        receipt = log.kept("receipt", transfer)
        if receipt is not None:
            owners.add(receipt.owner)
            log.destroy("receipt", transfer)
    # Marks of what was sent, under a key of the gateway's: guesses can be tried against them.
    query = "SELECT key, value FROM kept WHERE kind = 'idempotency' AND owner = ?"
    for owner in sorted(owners):
        for key, value in log.rows(query, (owner,)):
            if json.loads(value)["transfer"] in transfers:
                log.destroy("idempotency", key)


def _answered(
    office: Office, case: Case, found: Sequence[Shared], subjects: Subjects | None = None
) -> None:
    office.step(case, "answered", subjects, transfers=bucket(len(found)))


def looked(office: Office, rows: int) -> None:
    """Log that an officer looked up a person."""
    active_officer(office.deployment.officers, office.by)
    office.log.append(
        said(
            "access", office.deployment.settings.gateway.name, what="subject", who=office.by,
            size=office.log.size(), rows=bucket(rows),
        )
    )  # fmt: skip
