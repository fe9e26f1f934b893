"""What the rights of people do here: tell, stop, forget, and ask the recipients to do the same."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.delivery.outbox import may_have_left
from gateway.deployment import Keys
from gateway.entry import bucket, control
from gateway.errors import OfficerError
from gateway.happenings import custody
from gateway.happenings.custody import Desk
from gateway.happenings.incident import active_officer
from gateway.happenings.looking import entry_named
from gateway.happenings.said import said
from gateway.identity import evidence
from gateway.log import Log
from gateway.log_subjects import Subjects
from gateway.record import load
from gateway.subjects.commitments import subject_key, token
from gateway.subjects.found import Shared, places, shared
from gateway.subjects.requests import Case, Office
from gateway.subjects.stops import REASONS

ROUNDS = 10
"""Of an erasure, while the person's records go on to leave."""
MAX_IDS = 100
"""Of one person, in one request."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who proved who they are, by the marks of their records and nothing else."""

    tokens: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def of(cls, keys: Keys, party: str, record_ids: Sequence[str]) -> "Person":
        """The marks of records of one party. One person may have several records."""
        # An id without its domain is nobody's: the case would be answered and nothing stopped.
        pattern = load("parts")["$defs"]["record_id"]["pattern"]
        fit = all(re.fullmatch(pattern, one) for one in record_ids)
        if not 1 <= len(record_ids) <= MAX_IDS or not fit:
            raise OfficerError("one id a line", rule="rights.record_id", at="--record-id")
        key = subject_key(keys, party)
        return cls(tuple(dict.fromkeys(token(key, one) for one in record_ids)))


def _findable(office: Office) -> None:
    """Raises `OfficerError` where nothing is kept that finds people: "none" would be a guess."""
    if not office.deployment.settings.log.subjects:
        raise OfficerError("nothing here finds people", rule="rights.not_kept", at="log.subjects")


def access(office: Office, case: Case, person: Person) -> list[Shared]:
    """What was shared of the person, with whom, and why. That it was looked at is logged."""
    _findable(office)
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
    # What was logged before and still waits did not leave yet, and leaves no more.
    for name in sorted({place.transfer for place in places(office.log, person.tokens)}):
        if office.log.destroy("content", name):
            if may_have_left(office.log, [name]):
                office.log.done(name)  # a push was tried: perhaps the recipient has it
            else:
                office.log.never_left([name])
    return found


def lift(office: Office, case: Case, person: Person) -> None:
    """Take a stop back, as its case ends: the objection was decided, or the person wants it."""
    if case.what not in REASONS or case.state != "answered":
        raise OfficerError("nothing was stopped for it", rule="rights.state", at="--case")
    query = "SELECT 1 FROM subject_stop WHERE token = ? AND reason = ?"
    rows = [(one, case.what) for one in person.tokens]
    if not all(office.log.rows(query, row) for row in rows):
        raise OfficerError("no such stop", rule="rights.not_found", at="--record-id")
    office.step(case, "closed", Subjects(lift=rows))


def correct(office: Office, case: Case, person: Person) -> list[Shared]:
    """Who must be told of a correction. The value itself does not pass here."""
    _findable(office)
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
    _findable(office)
    office.identified(case)
    log, found = office.log, dict[str, Shared]()
    for _ in range(ROUNDS):
        # First which, then what: a transfer that is logged meanwhile is for the next round.
        names = {place.transfer for place in places(log, person.tokens)}
        more = shared(log, office.deployment, person.tokens)
        ask_back(office, more, "erasure")
        _destroy_kept(log, names)
        # From here on nothing says any more which transfers these were.
        entry = control(gateway=office.deployment.settings.gateway.name, what="shred", n=1)
        rows = [(mark, name) for mark in person.tokens for name in sorted(names)]
        log.submit(entry, subjects=Subjects(erase=rows)).result()
        found |= {one.transfer: one for one in more}
        if next(places(log, person.tokens), None) is None:
            break
    log.destroy("receipt", case.id)  # there is none; it folds the write-ahead log in
    _answered(office, case, list(found.values()))
    return list(found.values())


def ask_back(office: Office, found: Sequence[Shared], reason: str) -> None:
    """Ask every recipient to delete what it got."""
    desk = Desk(office.log, office.deployment)
    custody.recall(desk, [one.transfer for one in found], reason, by=office.by)


def _destroy_kept(log: Log, transfers: set[str]) -> None:
    owners: set[str] = set()
    for transfer in sorted(transfers):
        log.destroy("content", transfer)
        log.destroy("receipt", transfer)
        log.destroy(evidence.KIND, transfer)  # it has a digest of all that was sent
        entry = entry_named(log, transfer)
        if entry is not None:  # not the receipt's owner: that may be gone since an interruption
            owners.add(entry["sender"]["party"])
    # Marks of what was sent, under a key of the gateway's: guesses can be tried against them.
    arrived = [(name,) for name in sorted(transfers)]
    log.beside(lambda store: store.write("DELETE FROM arrived WHERE transfer = ?", arrived))
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
