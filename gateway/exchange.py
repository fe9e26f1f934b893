"""The journey of a transfer. The only file that knows the order of the steps; read it first.

    received -> parsed -> validated -> decided -> minimized -> rendered
             -> logged, durable, in the tree -> released -> receipt

The order is the guarantee. Nothing is released that was not logged, nothing is logged that was
not decided, and an exception at any step leaves every later step undone. A crash between log
and release leaves a transfer that is logged and not released, and the next start says so: we
would rather report a disclosure that did not happen than hide one that did.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway import account, deliver, receipt
from gateway.adapter import Adapter
from gateway.deployment import Deployment, Keys
from gateway.entry import bucket, new_id
from gateway.forms import pseudonym_key, today_of
from gateway.log import Appended, Keep, Log
from gateway.mapping import Plan
from gateway.minimize import Class, Minimized, minimize
from gateway.policy import Decision, PolicyEngine, Template
from gateway.question import classes_of, template
from gateway.record import Parsed, Record, Rendered
from gateway.records import distinct
from gateway.remembered import Remembered
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
    content: bytes = field(repr=False)
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
    parsed: Parsed
    minimized: Minimized | None
    rendered: Rendered | None
    details: Mapping[str, Any]

    @property
    def outcome(self) -> str:
        """`released`, `held` or `refused`, as the entry says it."""
        if self.rendered is not None:
            return "released"
        return "held" if self.decision.verdict == "pending" else "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A transfer that is in the log."""

    transfer: str
    outcome: str
    receipt: bytes = field(repr=False)
    content: bytes | None = field(repr=False)
    """To be handed over by the caller, who then calls `Log.done`. None where it is kept."""
    media_type: str
    details: Mapping[str, Any]


async def exchange(transfer: Transfer, gateway: Gateway) -> Outcome:
    """Carry one transfer as far as policy lets it go.

    A refusal and a hold are answers, and are logged like a release. Raises `SenderError` for
    content that cannot be read, `GatewayError` where a promise could not be kept; in both
    cases nothing left and, but for a failing log, nothing was logged.
    """
    judged = await judge(transfer.terms, transfer.content, gateway)
    logged: list[bytes] = []
    opening = receipt.Opening.new()
    terms, rendered = transfer.terms, judged.rendered

    def finish(appended: Appended) -> Sequence[Keep]:
        logged.append(
            receipt.render(appended, judged.details, opening, with_content=rendered is not None)
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
        rendered=rendered,
        considered=len(judged.parsed.records),
        remembered=gateway.remembered,
    )
    keep = [*deliver.keep(transfer, rendered, gateway.keys.content, gateway.deployment)]
    await asyncio.shield(
        asyncio.wrap_future(gateway.log.submit(entry, keep=keep, once=transfer.once, finish=finish))
    )
    return Outcome(
        transfer=transfer.id,
        outcome=judged.outcome,
        receipt=logged[-1],
        content=rendered.content if rendered and not transfer.waits_for else None,
        media_type=rendered.media_type if rendered else "",
        details=judged.details,
    )


async def judge(terms: Terms, content: bytes, gateway: Gateway) -> Judged:
    """Everything but the log and the release: what `preview` shows. Writes nothing anywhere."""
    source, target = terms.adapters()
    plan = plan_of(terms.mapping, gateway.deployment)
    parsed = source.parse(content, plan)
    records, twice = distinct(parsed.records)
    now = gateway.clock()
    classes = classes_of(records, today_of(now))
    asked = sorted(set(classes), key=repr)
    decision = await gateway.engine.decide(
        _question(terms, gateway, asked, len(records), plan).at(now)
    )
    minimized = _minimized(terms, decision, records, classes, asked, now, gateway)
    rendered = _rendered(minimized, target, terms, gateway)
    details = account.details(
        parsed, decision, minimized, rendered, twice, len(records), gateway.remembered
    )
    return Judged(decision, parsed, minimized, rendered, details)


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
    records: Sequence[Record],
    classes: Sequence[Class],
    asked: Sequence[Class],
    now: str,
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
        records,
        classes,
        dict(zip(asked, answers, strict=True)),
        key=key,
        places=gateway.deployment.places,
        today=today_of(now),
        remembered=gateway.remembered,
    )


def _rendered(
    minimized: Minimized | None, target: Adapter, terms: Terms, gateway: Gateway
) -> Rendered | None:
    if minimized is None or not minimized.records:
        return None
    return target.render(minimized.records, plan_of(terms.target_mapping, gateway.deployment))
