"""Whatever an operator's policy says, it only narrows: tried with generated ones, on both engines.

The look at the shape (`local_check`) is stepped over here on purpose: the rules that read such a
policy must hold without it.
"""

import asyncio
import http.client
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.canonical import canonical
from gateway.policy.bundle import Bundle
from gateway.policy.bundle import read as read_bundle
from gateway.policy.cases import case
from gateway.policy.cases_tables import POLICIES, tables
from gateway.policy.decision import Decision, read
from gateway.policy.embedded import Embedded
from gateway.policy.faults import PolicyError, PolicyFailed, QuestionUnfit
from gateway.policy.fuzz_engines import Answer, spelled
from gateway.policy.fuzz_opa import HOST, serving
from gateway.policy.local_cases import local_policies
from gateway.policy.local_check import misshapen
from gateway.policy.oracle import released, strictness
from gateway.policy.poorer import RANK
from gateway.policy.portable import findings
from gateway.policy.question import Question

EACH = 20
"""Questions for each policy."""

NAME = "local/own.rego"


@dataclass
class LocalTally:
    """What came of a number of policies."""

    policies: int = 0
    misshapen: int = 0
    """That `corridor policy check` and the start of a gateway refuse."""
    unloaded: int = 0
    asked: int = 0
    narrowed: int = 0
    failed: int = 0
    found: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: "LocalTally") -> None:
        """Count another one in."""
        self.policies += other.policies
        self.misshapen += other.misshapen
        self.unloaded += other.unloaded
        self.asked += other.asked
        self.narrowed += other.narrowed
        self.failed += other.failed
        self.found += other.found


def tried_locally(work: tuple[str, int]) -> LocalTally:
    """So many policies of a seed, each on some questions that release something without it."""
    seed, count = work
    bundle = _without_samples(read_bundle(POLICIES))
    asked = _asked(seed, bundle)
    tally = LocalTally()
    with serving(bundle, replaceable=True) as port:
        opa = Replaceable(port, bundle)
        for number, text in enumerate(local_policies(seed, count)):
            chance = random.Random(f"{seed}/{number}")  # noqa: S311
            _tried(text, chance.sample(asked, EACH), bundle, opa, tally)
            if tally.found:
                break
        opa.close()
    return tally


def _tried(
    text: str,
    asked: list[tuple[Question, Decision]],
    bundle: Bundle,
    opa: "Replaceable",
    tally: LocalTally,
) -> None:
    tally.policies += 1
    stopped = bool(findings({NAME: text}, package="local") or misshapen({NAME: text}))
    tally.misshapen += stopped
    with_it = _with(bundle, text)
    loads = opa.put(text)
    with loaded(with_it) as engine:
        if engine is None or not loads:
            tally.unloaded += 1
            if not stopped and (engine is not None) != loads:
                _find(tally, "only one engine loads a policy that no check stops", text)
            if engine is None:
                return
        for question, without in asked:
            ours = _ask(engine, question)
            tally.asked += 1
            tally.failed += isinstance(ours, PolicyError)
            tally.narrowed += isinstance(ours, Decision) and spelled(ours) != spelled(
                replace(without, revision=ours.revision)
            )
            wrong = _compared(ours, opa.ask(question, with_it.revision) if loads else ours)
            wrong = wrong or wider(without, ours)
            if wrong:
                _find(tally, wrong, text, question)
                return


def _find(tally: LocalTally, problem: str, text: str, question: Question | None = None) -> None:
    document = None if question is None else question.document
    tally.found.append({"problem": problem, "policy": text, "question": document})


def wider(without: Decision, with_it: Answer) -> str:
    """How an answer with an operator's policy lets out more than without it, or nothing."""
    if isinstance(with_it, PolicyError):
        return ""
    if RANK[with_it.verdict] > RANK[without.verdict]:
        return "an operator's policy made a better verdict"
    if len(with_it.classes) != len(without.classes):
        return "an operator's policy changed the classes"
    for before, after in zip(without.classes, with_it.classes, strict=True):
        was = released(before)
        for name, form in released(after).items():
            if name not in was:
                return "an operator's policy releases a field"
            ranks = [
                strictness(tables(), after.record_type, name, one) for one in (was[name], form)
            ]
            if ranks[1] < ranks[0]:
                return "an operator's policy loosens a form"
    return ""


def _compared(ours: Answer, theirs: Answer) -> str:
    if isinstance(ours, PolicyError) != isinstance(theirs, PolicyError):
        return "one engine answers, the other fails"
    if isinstance(ours, Decision) and isinstance(theirs, Decision):
        return "" if spelled(ours) == spelled(theirs) else "the engines differ"
    return ""


def _asked(seed: str, bundle: Bundle) -> list[tuple[Question, Decision]]:
    """Questions with their answers without any policy of an operator; most release something."""
    found: list[tuple[Question, Decision]] = []
    refused = 0
    with loaded(bundle) as engine:
        for number in range(2000):
            try:
                question = Question.of(case(f"{seed}/local/{number}").document)
            except QuestionUnfit:
                continue
            said = _ask(engine, question)
            if isinstance(said, PolicyError) or (said.verdict == "refuse" and refused > 20):
                continue
            refused += said.verdict == "refuse"
            found.append((question, said))
            if len(found) == 60:
                break
    return found


def _without_samples(bundle: Bundle) -> Bundle:
    """The samples state what our own policies answer, and an operator may object to each."""
    data = json.loads(bundle.data) | {"samples": {}}
    return Bundle(bundle.policies, canonical(data))


def _with(bundle: Bundle, text: str) -> Bundle:
    policies = {name: said for name, said in bundle.policies if not name.startswith("local/")}
    return Bundle(tuple(sorted((policies | {NAME: text}).items())), bundle.data)


@contextmanager
def loaded(bundle: Bundle) -> Iterator[Any]:
    """The embedded engine with a bundle; None where it does not load it."""
    try:
        engine = Embedded(bundle, inline=True)
    except PolicyError:
        yield None
        return
    try:
        yield engine
    finally:
        asyncio.run(engine.close())


def _ask(engine: Any, question: Question) -> Answer:
    try:
        decision: Decision = engine.decide_now(question)
    except PolicyError as error:
        return error
    return decision


class Replaceable:
    """An OPA whose policy of package `local` is put in the place of the last one."""

    def __init__(self, port: int, bundle: Bundle) -> None:
        self._http = http.client.HTTPConnection(HOST, port, timeout=60)
        for name, _ in bundle.policies:
            if name.startswith("local/"):
                self._call("DELETE", f"/v1/policies/{self._id(name)}", b"")

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def put(self, text: str) -> bool:
        """Whether OPA loads it. One that it refuses leaves none behind."""
        status, _ = self._call("PUT", "/v1/policies/own", text.encode())
        if status != 200:
            self._call("DELETE", "/v1/policies/own", b"")
        return status == 200

    def ask(self, question: Question, revision: str) -> Answer:
        """The decision, read as strictly as that of any server."""
        body = b'{"input":' + question.canonical + b"}"
        path = "/v1/data/exchange/decision?strict-builtin-errors=true"
        status, said = self._call("POST", path, body)
        if status != 200:
            return PolicyFailed("the evaluation failed", rule="policy.evaluation")
        try:
            value = canonical(json.loads(said).get("result"))
            return read(value, question, engine="opa", revision=revision)
        except PolicyError as error:
            return error

    def _id(self, name: str) -> str:
        _, said = self._call("GET", "/v1/policies", b"")
        for one in json.loads(said)["result"]:
            if str(one["id"]).endswith(name):
                return str(one["id"]).replace("/", "%2F")
        return name

    def _call(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        self._http.request(method, path, body, {"Content-Type": "application/json"})
        reply = self._http.getresponse()
        return reply.status, reply.read()
