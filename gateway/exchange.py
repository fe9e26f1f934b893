"""The journey of a transfer. The only file that knows the order of the steps; read it first.

    received -> parsed -> validated -> decided -> minimized -> rendered
             -> logged, durable, in the tree -> released -> receipt

The order is the guarantee. Nothing is released that was not logged, nothing is logged that was
not decided, and an exception at any step leaves every later step undone. A crash between log
and release leaves a transfer that is logged and not released, and the next start says so: we
would rather report a disclosure that did not happen than hide one that did.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from gateway import account, deliver, receipt
from gateway.account import Written
from gateway.adapter import Adapter
from gateway.asking import Asking, chosen
from gateway.bulk import chunked
from gateway.content import Content, Payload
from gateway.delivery import outbox
from gateway.delivery.wake import wake
from gateway.errors import GatewayError, SenderError
from gateway.forms import today_of
from gateway.happenings.decided import rests_on
from gateway.incoming import Class
from gateway.log import Appended, Cells, Duplicate, Keep, Superseded
from gateway.log_subjects import Subjects
from gateway.mapping import Plan
from gateway.minimization import Loss, report
from gateway.minimize import Minimized
from gateway.observe.meters import step
from gateway.policy import Decision
from gateway.question import class_of
from gateway.record import Reading, Record, Writing
from gateway.records import Received, read
from gateway.reduction import Less, reduced
from gateway.risk import Risk, measured
from gateway.spool import Spool
from gateway.subjects import Commitments, subject_key
from gateway.terms import Terms, plan_of
from gateway.transfer import Gateway, Judged, Outcome, Transfer

Made = TypeVar("Made")

MAX_MEASURED = 4
"""How often a batch is measured. Each time less leaves than before."""

__all__ = ["Gateway", "Judged", "Outcome", "Transfer", "exchange", "judge"]


async def exchange(transfer: Transfer, gateway: Gateway) -> Outcome:
    """Carry one transfer as far as policy lets it go.

    A refusal and a hold are answers, and are logged like a release. Raises `SenderError` for
    content that cannot be read, `GatewayError` where a promise could not be kept; in both
    cases nothing left and, but for a failing log, nothing was logged.
    """
    commitments = None
    if gateway.deployment.settings.log.subjects:
        key = subject_key(gateway.keys, transfer.terms.sender)
        commitments = Commitments(transfer.id, key, gateway.log, transfer.claim)
    judged = await judge(
        transfer.terms, transfer.content, gateway, commitments, lenient=transfer.lenient
    )
    try:
        _nothing_unmapped(transfer, judged)
        receipt_ = await _logged(transfer, judged, gateway, commitments)
    except BaseException as error:
        judged.close()
        if commitments is not None and isinstance(error, (SenderError, Duplicate, Superseded)):
            commitments.abandon()  # surely not in the log; a cancelled one may still get there
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


def _nothing_unmapped(transfer: Transfer, judged: Judged) -> None:
    if transfer.strict and judged.details["unmapped"]:
        number = len(judged.details["unmapped"])
        raise SenderError(
            f"{number} fields that no mapping names", rule="route.unmapped", at="payload"
        )


async def _logged(
    transfer: Transfer, judged: Judged, gateway: Gateway, commitments: Commitments | None
) -> bytes:
    """Write the entry, durably; the receipt."""
    logged: list[bytes] = []
    opening = receipt.Opening.new()
    terms, written = transfer.terms, judged.written
    details = {**judged.details, **transfer.told} if transfer.told else judged.details

    def finish(appended: Appended) -> Sequence[Keep]:
        logged.append(receipt.render(appended, details, opening, with_content=written is not None))
        return [Keep("receipt", transfer.id, logged[-1], owner=terms.sender)]

    entry = account.entry(
        transfer.id,
        terms,
        judged.decision,
        gateway.deployment,
        judged.outcome,
        opening,
        details=details,
        minimized=judged.minimized,
        written=written,
        considered=judged.considered,
        remembered=gateway.remembered,
    )
    if written is not None:
        entry |= await rests_on(judged.decision, gateway.engine)
    if commitments is not None and judged.leaving is not None:
        entry["subjects"] = commitments.root(judged.leaving)
    kept = partial(deliver.keep, transfer, written, gateway.keys.content, gateway.deployment)
    large = written is not None and written.spool.on_disk
    keep = [*transfer.keep, *(await asyncio.to_thread(list, kept()) if large else kept())]
    pushed = [] if written is None else [*outbox.rows_for(transfer, gateway.deployment)]
    submitted = gateway.log.submit(
        entry,
        keep=keep,
        once=transfer.once,
        finish=finish,
        documents=_documents(judged, gateway),
        cells=_cells(judged, terms),
        subjects=_subjects(judged, commitments),
        beside=(*transfer.beside, *pushed),
        claim=transfer.claim,
        calling=True,
    )
    # Others whose turn it is in this round of the loop travel in the same commit, and the log
    # does not fight them for the interpreter meanwhile.
    asyncio.get_running_loop().call_soon(gateway.log.rouse)
    with step("log"):
        await asyncio.shield(asyncio.wrap_future(submitted))
    if pushed:
        wake(transfer.id)
    return logged[-1]


def _documents(judged: Judged, gateway: Gateway) -> list[tuple[str, bytes]]:
    """What decides again, years later: the question without its moment, and the policies."""
    kept = []
    asked = judged.decision.asked
    if not gateway.log.keeps(account.template_digest(asked, gateway.remembered)):
        kept.append(("question", asked.cache_key))
    if not gateway.log.keeps(gateway.bundle.packed_digest):
        kept.append(("bundle", gateway.bundle.packed()))
    return kept


def _cells(judged: Judged, terms: Terms) -> Cells | None:
    if judged.figures is None or judged.written is None:
        return None
    return Cells(terms.recipient, judged.told, list(judged.figures.rows()))


def _subjects(judged: Judged, commitments: Commitments | None) -> Subjects | None:
    if judged.leaving is None:
        return None
    return Subjects(judged.stops) if commitments is None else commitments.subjects(judged.stops)


async def judge(
    terms: Terms,
    content: Payload,
    gateway: Gateway,
    commitments: Commitments | None = None,
    *,
    lenient: bool = False,
) -> Judged:
    """Everything but the log and the release: what `preview` shows.

    Writes nothing anywhere, but for the rows of `commitments` to very many records. With
    `lenient`, records that are not sound are left out and listed; else the first ends it.
    """
    source, target = terms.adapters()
    plan = plan_of(terms.mapping, gateway.deployment)
    now = gateway.clock()
    today = today_of(now)
    asking = Asking(terms, gateway, plan, now, lenient)
    large = Content(content)
    if not large.quick and gateway.bulk is not None:
        found = await chunked.judged(asking, large, commitments)
        if found is not None:
            return found
    reading = Reading()
    with step("parse"):
        received = await _aside(
            large, partial(_received, source, plan, large, reading, today, lenient=lenient)
        )
    asked = sorted(received.present, key=repr)
    with step("decide"):
        decision = await asking.decided(asked, received)
    less: Less | None = None
    risks: dict[str, Risk] = {}
    if decision.assess:
        less, risks, decision = await _assessed(asking, decision, received, asked)
    if decision.verdict != "allow":
        less = None
    elif less is None:
        with step("minimize"):
            less = await reduced(terms, decision, received, asked, today, gateway)
    minimized = None if less is None else less.minimized
    writing = partial(_written, minimized, target, terms, gateway, commitments)
    with step("render"):
        written = await _aside(large, writing)
    details = account.details(reading, decision, minimized, written, received, gateway.remembered)
    if less is not None and written is not None:
        details["minimization"] = report(
            received.count, less.minimized, figures=less.figures, risks=risks, loss=less.loss
        )
    figures, told, stops = (None, 0, 0) if less is None else (less.figures, less.told, less.stops)
    return Judged(decision, received.count, minimized, written, details, figures, told, stops)


async def _aside(content: Content, work: Callable[[], Made]) -> Made:
    """Large payloads are worked on in a thread: others are not to wait for them."""
    return work() if content.quick else await asyncio.to_thread(work)


async def _assessed(
    asking: Asking, decision: Decision, received: Received, asked: Sequence[Class]
) -> tuple[Less, dict[str, Risk], Decision]:
    """What would leave, how easily somebody could be found in it, and the answer to that.

    An answer that leaves less is measured again, with the worst that was found before: what
    leaves in the end is what was measured, and nothing is forgotten because it stayed.
    """
    terms, gateway, now = asking.terms, asking.gateway, asking.now
    around = asking.around(received)
    measure, worst = chosen(terms, decision, gateway), dict[str, tuple[int, int, int]]()
    for _ in range(MAX_MEASURED):
        loss = Loss()
        less = await reduced(terms, decision, received, asked, today_of(now), gateway, loss)
        risks = measured(less.minimized.records, measure)
        for name, risk in risks.items():
            worst[name] = _worse(worst.get(name), risk)
        told = tuple((name, *worst[name]) for name in sorted(worst))
        before = decision.classes
        question = asking.question(asked, received, replace(around, risk=told))
        decision = await gateway.engine.decide(question.at(now))
        if decision.classes == before:
            return less, risks, decision
    raise GatewayError("what would leave changes with its risk", rule="risk.unsettled")


def _worse(known: tuple[int, int, int] | None, risk: Risk) -> tuple[int, int, int]:
    facts = risk.facts()
    k, diversity, permille = facts["k"], facts["l"], facts["risk_permille"]
    if known is None:
        return k, diversity, permille
    return min(k, known[0]), min(diversity, known[1]), max(permille, known[2])


def _received(
    source: Adapter,
    plan: Plan | None,
    content: Content,
    reading: Reading,
    today: str,
    *,
    lenient: bool,
) -> Received:
    """The payload's records."""

    def parse(told: Reading) -> Iterator[Record]:
        with content.opened() as file:
            yield from source.parse(file, plan, told)

    known = partial(class_of, today=today)
    return read(parse, reading, known, hold=content.small, lenient=lenient)


def _written(
    minimized: Minimized | None,
    target: Adapter,
    terms: Terms,
    gateway: Gateway,
    commitments: Commitments | None,
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
    records = minimized.records if commitments is None else commitments.over(minimized)
    try:
        for chunk in target.render(records, plan, writing):
            spool.write(chunk)
    except BaseException:
        spool.close()
        if commitments is not None:
            commitments.abandon()
        raise
    return Written(spool, target.media_type, writing.lineage, tuple(sorted(writing.unrendered)))
