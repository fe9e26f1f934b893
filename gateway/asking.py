"""Asking policy about a payload: what is asked, and what the answer says of each class of records.

The same for a payload that is read here and for one that others read in parts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway import account
from gateway.circumstances import circumstances
from gateway.entry import bucket, new_id
from gateway.forms import pseudonym_key
from gateway.incoming import Class
from gateway.mapping import Plan
from gateway.policy import Decision, Template
from gateway.question import Circumstances, template
from gateway.risk import Chosen
from gateway.terms import Terms
from gateway.transfer import Gateway


class Known(Protocol):
    """What was found out of a payload. `gateway.records` makes it."""

    @property
    def count(self) -> int:
        """Records, each id once."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Records by type."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One payload's question, under terms, at one moment."""

    terms: Terms
    gateway: Gateway = field(repr=False)
    plan: Plan | None = field(repr=False)
    now: str
    lenient: bool = False
    """Records that are not sound are left out, and listed."""

    def around(self, known: Known) -> Circumstances:
        """What decides beside terms and records."""
        gateway, terms = self.gateway, self.terms
        return circumstances(
            terms,
            gateway.stood[terms.agreement],
            unsigned=gateway.deployment.settings.agreements.unsigned,
            log=gateway.log,
            counts=known.counts,
            remembered=gateway.remembered,
            month=self.now[:7],
        )

    def question(self, asked: Sequence[Class], known: Known, around: Circumstances) -> Template:
        """The question but for its moment."""
        return self.gateway.remembered.of(
            "question",
            (self.terms, tuple(asked), bucket(known.count), around),
            lambda: template(
                self.terms, self.gateway.deployment, asked, known.count, self.plan, around
            ),
        )

    async def decided(self, asked: Sequence[Class], known: Known) -> Decision:
        """What policy answers."""
        around = self.around(known)
        question = self.question(asked, known, around)
        return await self.gateway.engine.decide(question.at(self.now))


def rulings_of(
    decision: Decision, asked: Sequence[Class], gateway: Gateway
) -> dict[Class, account.Answer]:
    """What an answer says of each class that was asked about."""
    answers = gateway.remembered.with_object(
        "answers", decision.classes, lambda: [account.Answer.of(one) for one in decision.classes]
    )
    return dict(zip(asked, answers, strict=True))


def key_of(terms: Terms, decision: Decision, gateway: Gateway) -> bytes:
    """The key of the pseudonyms in a transfer."""
    scope = (terms.sender, terms.recipient, terms.purpose)
    master = gateway.keys.pseudonym
    if decision.max_form == "rec":
        # De-identified records must not be joined over time, so each transfer has its own key.
        return pseudonym_key(master, *scope, new_id())
    return gateway.remembered.of("key", scope, lambda: pseudonym_key(master, *scope))


def limited(rulings: Mapping[Class, account.Answer]) -> bool:
    """Whether small figures are to be kept back."""
    return any(one.allows and one.limits.k for one in rulings.values())


def chosen(terms: Terms, decision: Decision, gateway: Gateway) -> dict[str, Chosen]:
    """What the agreement names as key variables and sensitive, of the types to be measured."""
    data = gateway.deployment.agreements[terms.agreement]["data"]
    named = {one["record_type"]: one for one in data}
    return {
        name: Chosen(named[name].get("key_variables"), named[name].get("sensitive"))
        for name in decision.assess
    }
