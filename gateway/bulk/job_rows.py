"""Rows of jobs: payloads that were accepted and are not transfers yet.

A row holds no value of a record. Its payload is a sealed file; the row holds that file's key,
wrapped, and loses it when the job is over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from gateway.errors import CorridorError, GatewayError
from gateway.log import Log
from gateway.log_beside import Claim
from gateway.log_subjects import Tables
from gateway.moments import now_ms

_COLUMNS = (
    *("transfer", "sender", "recipient", "terms", "state", "step", "bytes", "done", "records"),
    *("leased", "leased_until", "problem", "file", "time", "expires"),
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM job"  # noqa: S608 - names of ours
OPEN = "state IN ('queued', 'running', 'cancelling')"

Problem = bytes | None

KEPT_MS = 7 * 24 * 3_600_000
"""How long it can be asked what became of a job."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a job's row says of the transfer it is to become."""

    terms: Mapping[str, str | None]
    """As the sender asked for them, by the parts of `terms.Asked`."""
    key: str = field(repr=False)
    """Of the sealed payload, wrapped."""
    once: str = ""
    mark: str = field(default="", repr=False)
    lenient: bool = False
    attempts: int = 0
    evidence: str = field(default="", repr=False)
    """The sender's signed word, sealed."""

    def written(self) -> bytes:
        """As the row holds it."""
        return orjson.dumps(self)


@dataclass(frozen=True, slots=True)
class Job:
    """One row."""

    transfer: str
    sender: str
    recipient: str
    terms: bytes = field(repr=False)
    state: str = "queued"
    step: str = "reading"
    bytes: int = 0
    done: int = 0
    records: int = 0
    leased: str = ""
    leased_until: int = 0
    problem: Problem = None
    file: str = ""
    time: int = 0
    expires: int = 0

    @property
    def asked(self) -> Asked:
        """What is to be done; only while the job is not over."""
        return Asked(**orjson.loads(self.terms))

    def told(self) -> dict[str, Any]:
        """What its sender may know."""
        said: dict[str, Any] = {
            "transfer": self.transfer,
            "state": self.state,
            "recipient": self.recipient,
            "progress": {
                "step": self.step,
                "bytes": self.bytes,
                "done": self.done,
                "records": self.records,
            },
        }
        if self.problem:
            said["problem"] = orjson.loads(self.problem)
        return said


def find(log: Log, transfer: str) -> Job | None:
    """The job of a transfer."""
    for row in log.rows(f"{_SELECT} WHERE transfer = ?", (transfer,)):
        return Job(*row)
    return None


def queued(log: Log, job: Job, limit: int) -> Job | None:
    """Put a job in line; or the open one of its sender with the same idempotency token.

    Raises `GatewayError` (429) where the sender has too many open already.
    """

    def add(store: Tables) -> Job | None:
        rows = store.ask(f"{_SELECT} WHERE sender = ? AND {OPEN}", (job.sender,))
        found = [Job(*row) for row in rows]
        once = job.asked.once
        for one in found:
            if once and one.asked.once == once:
                return one
        if len(found) >= limit:
            raise GatewayError(
                "too many jobs are open: wait for one", rule="job.too_many", status=429
            )
        store.insert("job", _COLUMNS, [tuple(getattr(job, name) for name in _COLUMNS)])
        return None

    return log.beside(add)


def taken(log: Log, who: str, lease_ms: int, here: set[str]) -> Job | None:
    """The oldest job that nobody works on and whose payload is here, leased to `who`."""
    now = now_ms()
    waiting = f"{OPEN} AND leased_until < ?"
    # Looked at without a transaction first: most often there is nothing.
    if not log.rows(f"SELECT 1 FROM job WHERE {waiting} LIMIT 1", (now,)):  # noqa: S608 - ours
        return None

    def take(store: Tables) -> Job | None:
        for row in store.ask(f"{_SELECT} WHERE {waiting} ORDER BY time", (now,)):
            job = Job(*row)
            if job.file in here:
                state = "running" if job.state == "queued" else job.state
                store.write(
                    "UPDATE job SET state = ?, leased = ?, leased_until = ? WHERE transfer = ?",
                    [(state, who, now + lease_ms, job.transfer)],
                )
                return job
        return None

    return log.beside(take)


def claim(job: Job, who: str) -> Claim:
    """What must hold for anything to be written for a job: it is still `who`'s, and wanted."""
    query = "SELECT 1 FROM job WHERE transfer = ? AND leased = ? AND state = 'running'"
    return Claim(query, (job.transfer, who))


def moved(log: Log, job: Job, who: str, lease_ms: int, at: tuple[str, int, int]) -> bool:
    """Say how far a job is, and keep it; whether it is still ours and wanted."""

    def move(store: Tables) -> bool:
        ours = claim(job, who).holds(store)
        store.write(
            "UPDATE job SET step = ?, done = ?, records = ?, leased_until = ?"
            " WHERE transfer = ? AND leased = ?",
            [(*at, now_ms() + lease_ms, job.transfer, who)],
        )
        return ours

    return log.beside(move)


def back(log: Log, job: Job, who: str, *, terms: bytes | None = None, wait_ms: int = 0) -> None:
    """Give a job back, for whoever takes it next."""
    log.beside(
        lambda store: store.write(
            "UPDATE job SET leased = '', leased_until = ?, terms = ?,"
            " state = CASE state WHEN 'running' THEN 'queued' ELSE state END"
            " WHERE transfer = ? AND leased = ?",
            [(now_ms() + wait_ms, terms or job.terms, job.transfer, who)],
        )
    )


def over(log: Log, job: Job, who: str, state: str, problem: CorridorError | None = None) -> bool:
    """A job came to its end: what it needed is destroyed. False where it is not `who`'s."""
    told = None if problem is None else orjson.dumps(problem.described())

    def end(store: Tables) -> bool:
        # A process that was taken for dead must not end what another one has taken up.
        mine = "transfer = ? AND leased = ?"
        found = store.ask(f"SELECT 1 FROM job WHERE {mine}", (job.transfer, who))  # noqa: S608
        store.write(
            "UPDATE job SET state = ?, problem = ?, terms = ?, leased = '', leased_until = 0,"  # noqa: S608
            f" expires = ? WHERE {mine}",
            [(state, told, b"", now_ms() + KEPT_MS, job.transfer, who)],
        )
        return bool(found)

    return log.beside(end)


def unwanted(log: Log, transfer: str) -> str:
    """Take a job back; the state it is in then."""

    def cancel(store: Tables) -> str:
        store.write(
            "UPDATE job SET state = CASE state WHEN 'queued' THEN 'cancelled' ELSE 'cancelling'"
            " END WHERE transfer = ? AND state IN ('queued', 'running')",
            [(transfer,)],
        )
        [(state,)] = store.ask("SELECT state FROM job WHERE transfer = ?", (transfer,))
        return str(state)

    return log.beside(cancel)


def forget(log: Log) -> None:
    """Delete rows of jobs that were over for long."""
    gone = f"NOT ({OPEN}) AND expires < ?"
    if log.rows(f"SELECT 1 FROM job WHERE {gone} LIMIT 1", (now_ms(),)):  # noqa: S608 - ours
        log.beside(
            lambda store: store.write(f"DELETE FROM job WHERE {gone}", [(now_ms(),)])  # noqa: S608
        )


def expired(log: Log) -> list[Job]:
    """Open jobs whose time has passed and that nobody works on."""
    late = f"{OPEN} AND expires < ? AND leased_until < ?"
    return [Job(*row) for row in log.rows(f"{_SELECT} WHERE {late}", (now_ms(), now_ms()))]


def open_files(log: Log) -> set[str]:
    """Payloads that jobs still need."""
    return {str(name) for (name,) in log.rows(f"SELECT file FROM job WHERE {OPEN}")}  # noqa: S608


def wrapped(key: bytes, content_key: bytes) -> str:
    """A payload's key as a row holds it. RFC 3394."""
    return aes_key_wrap(content_key, key).hex()


def unwrapped(text: str, content_key: bytes) -> bytes:
    """The key of a payload. Raises `GatewayError` where it is not ours."""
    try:
        return aes_key_unwrap(content_key, bytes.fromhex(text))
    except (InvalidUnwrap, ValueError):
        raise GatewayError("a job's payload cannot be opened", rule="job.sealed") from None
