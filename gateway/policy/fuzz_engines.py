"""The same question to both engines, and what is wrong with what they say."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.canonical import canonical
from gateway.policy.bundle import Bundle
from gateway.policy.cases import Case, case
from gateway.policy.cases_tables import tables
from gateway.policy.decision import UNANSWERED, Decision
from gateway.policy.embedded import Embedded
from gateway.policy.engine import PolicyEngine
from gateway.policy.faults import PolicyError, QuestionUnfit
from gateway.policy.fuzz_opa import HOST
from gateway.policy.opa_server import OpaServer
from gateway.policy.oracle import problems
from gateway.policy.poorer import improved, poorer, smaller
from gateway.policy.question import Question

AT_ONCE = 16
"""Questions on the way to OPA at one time, over one pool of connections."""

POORER = 0.1
"""The share of questions that is asked again with something taken out."""

LESS = "refused, but not with less in it"

Answer = Decision | PolicyError
"""What an engine said; an error is a refusal."""


@dataclass
class Tally:
    """What came of a number of questions."""

    asked: int = 0
    hostile: int = 0
    again: int = 0
    """Questions that were asked once more with less in them."""
    verdicts: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    """Every objection and every decision still to be made, once for each question."""
    found: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count another one in."""
        self.asked += other.asked
        self.hostile += other.hostile
        self.again += other.again
        self.verdicts += other.verdicts
        self.rules += other.rules
        self.found += other.found


class Both:
    """The two engines with one bundle, on the thread that made them."""

    def __init__(self, bundle: Bundle, port: int) -> None:
        self.embedded = Embedded(bundle, inline=True)
        self.opa = OpaServer(HOST, port, revision=bundle.revision, deadline=60)

    async def close(self) -> None:
        """Give both up."""
        await self.embedded.close()
        await self.opa.close()

    async def tried(self, seeds: Sequence[str], hostile: float) -> Tally:
        """Every case of some seeds, a few at a time."""
        tally = Tally()
        for first in range(0, len(seeds), AT_ONCE):
            made = [case(seed, hostile=hostile) for seed in seeds[first : first + AT_ONCE]]
            await asyncio.gather(*(self._tried(one, tally) for one in made))
            if tally.found:
                tally.found[0]["question"] = self._smallest(**tally.found[0])
                break
        return tally

    async def _tried(self, one: Case, tally: Tally) -> None:
        tally.asked += 1
        tally.hostile += one.hostile
        try:
            question = Question.of(one.document)
        except QuestionUnfit as error:
            tally.verdicts[f"no question ({error.rule})"] += 1
            return
        theirs = asyncio.ensure_future(answer(self.opa, question))
        await asyncio.sleep(0)  # so that OPA is at work while the embedded engine is
        ours = await answer(self.embedded, question)
        wrong = compared(question, ours, await theirs)
        for problem in wrong[:1]:
            tally.found.append(
                {"problem": problem, "seed": one.seed, "question": question.document}
            )
        await self._poorer(one, question, ours, tally)
        counted(ours, tally)

    async def _poorer(self, one: Case, question: Question, ours: Answer, tally: Tally) -> None:
        chance = random.Random(f"{one.seed}/less")  # noqa: S311
        if chance.random() > POORER or not isinstance(ours, Decision) or unreadable(ours):
            return
        less = poorer(question.document, chance)
        if less is None:
            return
        tally.again += 1
        after = await answer(self.embedded, Question.of(less))
        if isinstance(after, Decision) and improved(ours.verdict, after.verdict):
            said = {"problem": LESS, "seed": one.seed}
            tally.found.append({**said, "question": question.document, "less": less})

    def _smallest(self, problem: str, question: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The question without what the problem does not need."""
        if problem == LESS:
            return question
        both = [self.embedded, self.opa if "engine" in problem else self.embedded]

        def still(less: dict[str, Any]) -> bool:
            try:
                asked = Question.of(less)
            except QuestionUnfit:
                return False
            return problem in compared(asked, *(answer_now(engine, asked) for engine in both))

        return smaller(question, still)


def answer_now(engine: PolicyEngine, question: Question) -> Answer:
    """What an engine says, or how it fails."""
    try:
        return engine.decide_now(question)
    except PolicyError as error:
        return error


async def answer(engine: PolicyEngine, question: Question) -> Answer:
    """What an engine says, or how it fails."""
    try:
        return await engine.decide(question)
    except PolicyError as error:
        return error


def compared(question: Question, ours: Answer, theirs: Answer) -> list[str]:
    """Everything wrong with two answers to one question."""
    if isinstance(ours, PolicyError) and isinstance(theirs, PolicyError):
        return []
    if isinstance(ours, PolicyError) or isinstance(theirs, PolicyError):
        return ["one engine answers, the other fails"]
    if spelled(ours) != spelled(theirs):
        return ["the engines differ"]
    return problems(question.document, ours, tables())


def spelled(decision: Decision) -> bytes:
    """A decision in one spelling: which engine said it, and the question, are not in it."""
    return canonical(
        {
            "verdict": decision.verdict,
            "objections": [[one.rule, one.fix] for one in decision.objections],
            "pending": [[one.decision, one.who] for one in decision.pending],
            "assess": list(decision.assess),
            "classes": [
                {
                    "record_type": one.record_type,
                    "facts": dict(one.facts),
                    "verdict": one.verdict,
                    "objections": [[said.rule, said.fix] for said in one.objections],
                    "fields": {n: [said.form, said.reason] for n, said in one.fields.items()},
                    "limits": [one.limits.k, one.limits.min_pop],
                }
                for one in decision.classes
            ],
            "obligations": list(decision.obligations),
            "border": asdict(decision.border),
            "max_form": decision.max_form,
            "valid_until": decision.valid_until,
            "revision": decision.revision,
        }
    )


def unreadable(decision: Decision) -> bool:
    """Whether the question could not be read: then less in it may be what makes it readable."""
    return any(objection.rule in UNANSWERED for objection in decision.objections)


def counted(said: Answer, tally: Tally) -> None:
    """Count a verdict and every rule that spoke."""
    if isinstance(said, PolicyError):
        tally.verdicts[f"error ({said.rule})"] += 1
        return
    tally.verdicts[said.verdict] += 1
    tally.rules.update(set(_spoke(said)))


def _spoke(decision: Decision) -> Iterator[str]:
    yield from (objection.rule for objection in decision.objections)
    for one in decision.classes:
        yield from (objection.rule for objection in one.objections)
    for waiting in decision.pending:
        # One decision for each purpose and field is too many to count.
        yield ".".join(waiting.decision.split(".")[:2])
    if decision.assess:
        yield "assess"
