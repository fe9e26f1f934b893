"""The journey of a transfer. The only file that knows the order of the steps; read it first.

    received -> parsed -> validated -> decided -> minimized -> rendered
             -> logged, durable, in the tree -> released -> receipt

The order is the guarantee. Nothing is released that was not logged, nothing is logged that was
not decided, and an exception at any step leaves every later step undone. A crash between log
and release leaves a transfer that is logged and not released, and the next start says so: we
would rather report a disclosure that did not happen than hide one that did.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from gateway import account, deliver, receipt
from gateway.account import Written
from gateway.adapter import Adapter
from gateway.content import Content
from gateway.deployment import Deployment, Keys
from gateway.entry import bucket, new_id
from gateway.errors import SenderError
from gateway.forms import pseudonym_key, today_of
from gateway.log import Appended, Keep, Log
from gateway.mapping import Plan
from gateway.minimize import Class, Minimized, minimize
from gateway.policy import Decision, PolicyEngine, Template
from gateway.question import class_of, template
from gateway.record import Reading, Record, Writing
from gateway.records import Received, receive
from gateway.remembered import Remembered
from gateway.spool import Spool
from gateway.terms import Terms, plan_of


def _clock() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of a running gateway."""

    deployment: Deployment
    keys: Keys = field(repr=False)
    engine: PolicyEngine
    log: Log
    known: Mapping[str, Any] = field(repr=False)
    """Ids that policy has a word for: `purposes` and `bases`."""
    clock: Callable[[], str] = _clock
    """The present moment, `YYYY-MM-DDTHH:MM:SSZ`; stamped once for each transfer."""
    remembered: Remembered = field(default_factory=Remembered, repr=False)
    """Questions but for their moment, plans and frames, by what they are made of."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One crossing that is asked for."""

    id: str
    terms: Terms
    content: bytes | Path = field(repr=False)
    """A path where the payload is a file, which may be larger than memory."""
    once: str | None = None
    """Idempotency token, already hashed."""
    mark: bytes = field(default=b"", repr=False)
    """What a second use of the token must repeat: a keyed digest of terms and content."""
    at_once: bool = True
    """The caller takes the content with the answer. Otherwise it is kept, encrypted, for one
    fetch: by the sender where `deliver` is `return`, by the recipient where it is `inbox`."""

    @property
    def waits_for(self) -> str | None:
        """The party whose fetch the content waits for; None where it leaves with the answer."""
        if self.terms.deliver == "inbox":
            return self.terms.recipient
        return None if self.at_once else self.terms.sender


@dataclass(frozen=True, slots=True)
class Judged:
    """A transfer that is decided, and perhaps rendered; nothing has left."""

    decision: Decision
    considered: int
    minimized: Minimized | None
    written: Written | None
    details: Mapping[str, Any]

    @property
    def outcome(self) -> str:
        """`released`, `held` or `refused`, as the entry says it."""
        if self.written is not None:
            return "released"
        return "held" if self.decision.verdict == "pending" else "refused"

    def close(self) -> None:
        """Destroy what was rendered."""
        if self.written is not None:
            self.written.spool.close()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A transfer that is in the log."""

    transfer: str
    outcome: str
    receipt: bytes = field(repr=False)
    released: Spool | None = field(repr=False)
    """To be handed over by the caller, who then calls `Log.done`. None where it is kept."""
    media_type: str
    details: Mapping[str, Any]

    @property
    def content(self) -> bytes | None:
        """What is released, at once."""
        return None if self.released is None else self.released.read()


async def exchange(transfer: Transfer, gateway: Gateway) -> Outcome:
    """Carry one transfer as far as policy lets it go.

    A refusal and a hold are answers, and are logged like a release. Raises `SenderError` for
    content that cannot be read, `GatewayError` where a promise could not be kept; in both
    cases nothing left and, but for a failing log, nothing was logged.
    """
    judged = await judge(transfer.terms, transfer.content, gateway)
    try:
        receipt_ = await _logged(transfer, judged, gateway)
    except BaseException:
        judged.close()
        raise
    written = judged.written
    if written is not None and transfer.waits_for:
        judged.close()
    return Outcome(
        transfer=transfer.id,
        outcome=judged.outcome,
        receipt=receipt_,
        released=written.spool if written and not transfer.waits_for else None,
        media_type=written.media_type if written else "",
        details=judged.details,
    )


async def _logged(transfer: Transfer, judged: Judged, gateway: Gateway) -> bytes:
    """Write the entry, durably; the receipt."""
    logged: list[bytes] = []
    opening = receipt.Opening.new()
    terms, written = transfer.terms, judged.written

    def finish(appended: Appended) -> Sequence[Keep]:
        logged.append(
            receipt.render(appended, judged.details, opening, with_content=written is not None)
        )
        return [Keep("receipt", transfer.id, logged[-1], owner=terms.sender)]

    entry = account.entry(
        transfer.id,
        terms,
        judged.decision,
        gateway.deployment,
        judged.outcome,
        opening,
        details=judged.details,
        minimized=judged.minimized,
        written=written,
        considered=judged.considered,
        remembered=gateway.remembered,
    )
    keep = [*deliver.keep(transfer, written, gateway.keys.content, gateway.deployment)]
    await asyncio.shield(
        asyncio.wrap_future(gateway.log.submit(entry, keep=keep, once=transfer.once, finish=finish))
    )
    return logged[-1]


async def judge(terms: Terms, content: bytes | Path, gateway: Gateway) -> Judged:
    """Everything but the log and the release: what `preview` shows. Writes nothing anywhere."""
    source, target = terms.adapters()
    plan = plan_of(terms.mapping, gateway.deployment)
    now = gateway.clock()
    today = today_of(now)
    reading = Reading()
    received = _received(source, plan, Content(content), reading, today)
    asked = sorted(received.present, key=repr)
    decision = await gateway.engine.decide(
        _question(terms, gateway, asked, received.count, plan).at(now)
    )
    minimized = _minimized(terms, decision, received, asked, today, gateway)
    written = _written(minimized, target, terms, gateway)
    details = account.details(reading, decision, minimized, written, received, gateway.remembered)
    return Judged(decision, received.count, minimized, written, details)


def _received(
    source: Adapter, plan: Plan | None, content: Content, reading: Reading, today: str
) -> Received:
    """The payload's records. What it is told about itself counts from the first walk only."""

    def walk() -> Iterator[Record]:
        with content.opened() as file:
            yield from source.parse(file, plan, tell.pop() if tell else Reading())

    tell = [reading]
    return receive(walk, partial(class_of, today=today), hold=content.small)


def _question(
    terms: Terms, gateway: Gateway, asked: Sequence[Class], count: int, plan: Plan | None
) -> Template:
    return gateway.remembered.of(
        "question",
        (terms, tuple(asked), bucket(count)),
        lambda: template(terms, gateway.deployment, asked, count, plan),
    )


def _minimized(
    terms: Terms,
    decision: Decision,
    received: Received,
    asked: Sequence[Class],
    today: str,
    gateway: Gateway,
) -> Minimized | None:
    if decision.verdict != "allow":
        return None
    scope = (terms.sender, terms.recipient, terms.purpose)
    if decision.max_form == "rec":
        # De-identified records must not be joined over time, so each transfer has its own key.
        key = pseudonym_key(gateway.keys.pseudonym, *scope, new_id())
    else:
        master = gateway.keys.pseudonym
        key = gateway.remembered.of("key", scope, lambda: pseudonym_key(master, *scope))
    answers = gateway.remembered.with_object(
        "answers", decision.classes, lambda: [account.Answer.of(one) for one in decision.classes]
    )
    return minimize(
        received,
        dict(zip(asked, answers, strict=True)),
        key=key,
        places=gateway.deployment.places,
        today=today,
        remembered=gateway.remembered,
    )


def _written(
    minimized: Minimized | None, target: Adapter, terms: Terms, gateway: Gateway
) -> Written | None:
    """What leaves, in the recipient's format, in the spool. Nothing of it has left yet."""
    if minimized is None or not minimized.count:
        return None
    types = {path.partition(".")[0] for path in minimized.released}
    if target.record_types is not None and not types & target.record_types:
        raise SenderError("the format has no place for these records", rule="format.record_type")
    writing = Writing()
    spool = Spool(gateway.deployment.data)
    plan = plan_of(terms.target_mapping, gateway.deployment)
    try:
        for chunk in target.render(minimized.records, plan, writing):
            spool.write(chunk)
    except BaseException:
        spool.close()
        raise
    return Written(spool, target.media_type, writing.lineage, tuple(sorted(writing.unrendered)))
