"""Jobs: payloads that were taken in and answered 202, carried one by one.

The row is the truth: a process that dies leaves a row whose lease runs out, a sealed payload, and
nothing else. Whoever takes the row up begins again, with the same transfer id, so that one
transfer comes of it at most. `log.find` says whether it has.
"""

import asyncio
import secrets
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from starlette.datastructures import State

from gateway import arrival, deliver, journal
from gateway.arrival import Arrival, Repeated, repeated, token_of
from gateway.bulk import job_rows
from gateway.bulk.intake import FOLDER, SUFFIX, Body, stored
from gateway.bulk.job_rows import Asked, Job
from gateway.bulk.progress import Progress, Unwanted, listened
from gateway.bulk.sealed import Sealed
from gateway.errors import CorridorError, GatewayError, SenderError
from gateway.log import Lost
from gateway.log_store import CommitError, Unknown
from gateway.moments import now_ms
from gateway.terms import Asked as AskedTerms
from gateway.terms import Terms, terms_of
from gateway.transfer import Gateway

POLL_SECONDS = 1.0
SWEEP_SECONDS = 600
ATTEMPTS = 5
"""Failures of ours after which a job is given up."""

YOUNG_SECONDS = 6 * 3600
"""A file that is younger may still be coming in."""

EVIDENCE = "job-evidence"


def accept(
    gateway: Gateway, asked: AskedTerms, terms: Terms, body: Body, of: Arrival
) -> Job | Repeated:
    """Put a payload in line; the job, or what the same key stands for already.

    Takes the body's file over. Raises `SenderError` where the key stands for something else.
    Not for an event loop.
    """
    secret = gateway.keys.content
    file = body.file
    try:
        once, mark = token_of(of, terms, secret) or ("", b"")
        if once and (before := repeated(once, mark, gateway)):
            body.remove()
            return before
        file = stored(body, gateway.deployment.sealed)
        evidence = ""
        if of.evidence:
            about = f"{of.transfer}/{EVIDENCE}"
            evidence = deliver.seal(of.evidence, about, "application/json", secret).hex()
        wanted = Asked(
            {name: getattr(asked, name) for name in AskedTerms.__dataclass_fields__},
            job_rows.wrapped(file.key, secret),
            once,
            mark.hex(),
            lenient=of.lenient,
            evidence=evidence,
        )
        now, hours = now_ms(), gateway.deployment.settings.content.keep_hours
        job = Job(
            transfer=of.transfer,
            sender=terms.sender,
            recipient=terms.recipient,
            terms=wanted.written(),
            bytes=body.size,
            file=file.path.name,
            time=now,
            expires=now + hours * 3_600_000,
        )
        limit = gateway.deployment.settings.bulk.open_jobs_per_party
        known = job_rows.queued(gateway.log, job, limit)
    except (CommitError, Unknown):
        raise  # the row may be there, and needs the file; where it is not, nobody has its key
    except BaseException:
        if file is not None:
            file.remove()
        raise
    if known is None:
        return job
    file.remove()
    if known.asked.mark != mark.hex():
        raise arrival.conflict()
    return known


async def work_jobs(state: State) -> None:
    """Carry jobs until cancelled; what is under way then is given back."""
    who, swept = f"{secrets.token_hex(8)}", 0.0
    state.jobs_wake = asyncio.Event()
    under_way: set[asyncio.Task[None]] = set()
    try:
        while not state.gateway.log.stopped:
            try:
                if (now := asyncio.get_running_loop().time()) >= swept:
                    swept = now + SWEEP_SECONDS
                    await asyncio.to_thread(sweep, state.gateway)
                await _begin(state, who, under_way)
            except CorridorError as error:
                journal.say("jobs.failed", rule=error.rule)
            await _woken(state, under_way)
    finally:
        for one in under_way:
            one.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _begin(state: State, who: str, under_way: set["asyncio.Task[None]"]) -> None:
    """Take up as many jobs as may be under way."""
    gateway: Gateway = state.gateway
    bulk = gateway.deployment.settings.bulk
    while len(under_way) < bulk.jobs:
        # What is under way here stays so, even if its lease could not be renewed for a while.
        here = set(_files(gateway)) - {task.get_name() for task in under_way}
        job = await asyncio.to_thread(
            job_rows.taken, gateway.log, who, bulk.lease_seconds * 1000, here
        )
        if job is None:
            return
        task = asyncio.create_task(_Carrying(state, who, job).run(), name=job.file)
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        task.add_done_callback(lambda _: state.jobs_wake.set())


async def _woken(state: State, under_way: set["asyncio.Task[None]"]) -> None:
    # Not `wait_for`: before Python 3.12 it swallows a cancel that comes with the wake-up.
    with suppress(TimeoutError):
        async with asyncio.timeout(POLL_SECONDS):
            await state.jobs_wake.wait()
    state.jobs_wake.clear()


def wake(state: State) -> None:
    """There is a new job: no need to wait for the next look."""
    event: asyncio.Event | None = getattr(state, "jobs_wake", None)
    if event is not None:
        event.set()


class _Carrying:
    """One job under way."""

    def __init__(self, state: State, who: str, job: Job) -> None:
        self._state, self._who, self._job = state, who, job
        self._lease = state.gateway.deployment.settings.bulk.lease_seconds
        self._progress = Progress()

    @property
    def _gateway(self) -> Gateway:
        gateway: Gateway = self._state.gateway
        return gateway

    async def run(self) -> None:
        """To its end, or back into the line."""
        job = self._job
        try:
            if job.state == "cancelling":
                await self._over("cancelled")
            elif self._gateway.log.find(job.transfer) is not None:
                await self._over("done")  # somebody died between the entry and this row
            elif job.expires < now_ms():
                problem = GatewayError("not done in time", rule="job.expired")
                await self._over("failed", problem)
            else:
                await self._carried()
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(self._back))
            raise
        except Exception as error:
            journal.failed(error)
            await self._again(GatewayError("it could not be done", rule="job.broken"))

    async def _carried(self) -> None:
        keeping = asyncio.create_task(self._keep())
        try:
            with listened(self._progress):
                outcome = await arrival.carry(self._state, await asyncio.to_thread(self._arrival))
        except (Unwanted, Lost):  # where somebody else carries it, it does not end here
            await self._over("cancelled")
        except GatewayError as error:
            await self._again(error)
        except CorridorError as error:
            await self._over("failed", error)
        else:
            said = "repeated" if isinstance(outcome, Repeated) else outcome.outcome
            journal.say("job", id=self._job.transfer, outcome=said, bytes_in=self._job.bytes)
            if outcome.transfer == self._job.transfer:
                await self._over("done")
            else:
                await self._over("failed", _made_by(outcome.transfer))
        finally:
            keeping.cancel()

    def _arrival(self) -> Arrival:
        job, secret = self._job, self._gateway.keys.content
        asked = job.asked
        path = self._gateway.deployment.sealed / FOLDER / job.file
        wanted = AskedTerms(**asked.terms)
        evidence = b""
        if asked.evidence:
            about = f"{job.transfer}/{EVIDENCE}"
            evidence = deliver.unseal(bytes.fromhex(asked.evidence), about, secret)[0]
        return Arrival(
            lambda gateway: terms_of(wanted, gateway.deployment, gateway.known),
            Sealed(path, job_rows.unwrapped(asked.key, secret)),
            transfer=job.transfer,
            lenient=asked.lenient,
            evidence=evidence,
            claim=job_rows.claim(job, self._who),
            token=(asked.once, bytes.fromhex(asked.mark)) if asked.once else None,
        )

    async def _keep(self) -> None:
        """Renew the lease, and look whether the job is still wanted."""
        while True:
            await asyncio.sleep(self._lease / 4)
            at = (self._progress.step, self._progress.done, self._progress.records)
            move = partial(
                job_rows.moved, self._gateway.log, self._job, self._who, self._lease * 1000, at
            )
            try:
                self._progress.wanted = await asyncio.to_thread(move)
            except CorridorError as error:
                journal.say("jobs.failed", rule=error.rule)

    async def _again(self, error: GatewayError) -> None:
        """A failure of ours: later, once more, but not for ever."""
        if self._gateway.log.find(self._job.transfer) is not None:
            await self._over("done")
            return
        asked = self._job.asked
        if asked.attempts + 1 >= ATTEMPTS:
            await self._over("failed", error)
            return
        journal.say("job.again", id=self._job.transfer, rule=error.rule)
        terms = replace(asked, attempts=asked.attempts + 1).written()
        await asyncio.to_thread(self._back, 1000 << asked.attempts, terms)

    def _back(self, wait_ms: int = 0, terms: bytes | None = None) -> None:
        job_rows.back(self._gateway.log, self._job, self._who, terms=terms, wait_ms=wait_ms)

    async def _over(self, state: str, problem: CorridorError | None = None) -> None:
        def end() -> None:
            # Where the lease ran out, it is somebody else's by now, and so is the payload.
            if job_rows.over(self._gateway.log, self._job, self._who, state, problem):
                (self._gateway.deployment.sealed / FOLDER / self._job.file).unlink(missing_ok=True)

        await asyncio.to_thread(end)


def _made_by(transfer: str) -> SenderError:
    """The same was asked with the same key, and that was quicker."""
    problem = "the same key made this transfer meanwhile"
    return SenderError(problem, rule="idempotency.repeated", at=transfer, status=409)


def _files(gateway: Gateway) -> list[str]:
    return [path.name for path in (gateway.deployment.sealed / FOLDER).glob(f"*{SUFFIX}")]


def sweep(gateway: Gateway) -> None:
    """Remove what nobody needs: payloads without a job, content without a row, old rows."""
    job_rows.forget(gateway.log)
    for job in job_rows.expired(gateway.log):
        # Nobody took it up: its payload may be gone, or on a machine that is.
        problem = GatewayError("not done in time", rule="job.expired")
        job_rows.over(gateway.log, job, job.leased, "failed", problem)
    folder, now = gateway.deployment.sealed / FOLDER, now_ms()
    needed = job_rows.open_files(gateway.log)
    for name in _files(gateway):
        path = folder / name
        if name not in needed and _age(path, now) > YOUNG_SECONDS:
            path.unlink(missing_ok=True)
    deliver.sweep_files(gateway.log, gateway.deployment.sealed, now)


def _age(path: Path, now: int) -> float:
    try:
        return now / 1000 - path.stat().st_mtime
    except OSError:
        return 0.0


def of_sender(gateway: Gateway, transfer: str, party: str) -> Job | None:
    """The job of a transfer, for its sender only."""
    job = job_rows.find(gateway.log, transfer)
    return job if job is not None and job.sender == party else None


def cancelled(gateway: Gateway, transfer: str, party: str) -> Job:
    """Take a job back. Raises 404 for one that is not the party's, and 409 for one that is over."""
    job = of_sender(gateway, transfer, party)
    if job is None:
        raise SenderError("no such transfer", rule="transfer.unknown", status=404)
    state = job_rows.unwanted(gateway.log, transfer)
    if state in ("done", "failed"):
        raise SenderError("it is over already", rule="job.over", status=409)
    if state == "cancelled" and job.state != "cancelled":
        job_rows.over(gateway.log, job, "", "cancelled")
        (gateway.deployment.sealed / FOLDER / job.file).unlink(missing_ok=True)
    return replace(job, state=state)
