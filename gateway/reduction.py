"""What is left of the records of a transfer, once policy has answered for each class of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gateway import account
from gateway.asking import key_of, limited, rulings_of
from gateway.cells import Table, table
from gateway.circumstances import Told
from gateway.forms import pseudonym_key
from gateway.incoming import Class
from gateway.minimization import Loss
from gateway.minimize import Minimized, minimize
from gateway.policy import Decision
from gateway.records import Received
from gateway.subjects import stops_of, subject_key
from gateway.terms import Terms
from gateway.transfer import Gateway

MANY = 2_000
"""Records that are worked on aside."""

MANY_FIGURES = 200
"""Records with figures that are worked on aside."""


@dataclass(frozen=True, slots=True)
class Less:
    """What is left of the records, and what was kept back of figures and lost of values."""

    minimized: Minimized
    figures: Table | None
    told: int
    loss: Loss | None
    stops: int
    """Version of the stops that were looked at."""


async def reduced(
    terms: Terms,
    decision: Decision,
    received: Received,
    asked: Sequence[Class],
    today: str,
    gateway: Gateway,
    loss: Loss | None = None,
) -> Less:
    """What is left of the records under one answer of policy."""
    key = key_of(terms, decision, gateway)
    rulings = rulings_of(decision, asked, gateway)
    figures, told = _figures(terms, rulings, gateway)
    stops = stops_of(gateway.log, gateway.remembered)
    work = partial(
        minimize,
        received,
        rulings,
        key=key,
        places=gateway.deployment.places,
        today=today,
        remembered=gateway.remembered,
        figures=figures,
        seen=None if loss is None else loss.see,
        stopped=stops.check(subject_key(gateway.keys, terms.sender)),
    )
    # That takes seconds where they are many, and tables sooner; others are not to wait for them.
    aside = received.count > (MANY if figures is None else MANY_FIGURES)
    minimized = await asyncio.to_thread(work) if aside else work()
    return Less(minimized, figures, told, loss, stops.version)


def _figures(
    terms: Terms, rulings: Mapping[Class, account.Answer], gateway: Gateway
) -> tuple[Table | None, int]:
    """The table that keeps small figures back, and the version of what was told before."""
    if not limited(rulings):
        return None, 0
    known = gateway.log.known_cells(terms.recipient)
    key = pseudonym_key(gateway.keys.pseudonym, "cells", terms.recipient)
    made = table(rulings, known=Told(known), key=key, places=gateway.deployment.places)
    return made, known.version
