"""A transfer log of invented transfers, made by the real store and the real sequencer.

The transfers share some thousand questions, as a real log's do; each is answered by the real
policies at its own moment. Only the content is missing: no record was ever read for it.
"""

import random
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway import entry, merkle
from gateway.canonical import digest
from gateway.deployment import Keys
from gateway.high_water import HighWater
from gateway.log_batch import Sequencer, Waiting
from gateway.log_file import FILE
from gateway.log_standing import effects_of
from gateway.log_store.sqlite import SqliteStore
from gateway.note import Signer, render_vkey
from gateway.policy import Bundle, Decision, Question, QuestionUnfit, Template
from gateway.policy.cases import case
from gateway.replay_work import Engine

OUTCOMES = {"allow": "released", "pending": "held", "refuse": "refused"}
BATCH = 5_000
MAGNITUDES = {name for _, name in entry.BUCKETS} | {"1000+"}
IDENTIFIER = re.compile("[A-Za-z0-9:._/@+-]{1,160}")
FIRST = datetime(2025, 11, 1, tzinfo=UTC)
SECONDS = 365 * 86_400
INSTANT = "%Y-%m-%dT%H:%M:%SZ"
DIGEST = "sha256:" + "0" * 64


def questions(seed: int, count: int) -> Iterator[Template]:
    """Distinct questions, none of them hostile."""
    known: set[bytes] = set()
    for number in range(4 * count):
        if len(known) == count:
            return
        try:
            template = Question.of(case(f"log/{seed}/{number}", hostile=0).document).template
        except QuestionUnfit:
            continue
        if template.cache_key not in known and _loggable(template):
            known.add(template.cache_key)
            yield template


def _loggable(template: Template) -> bool:
    """Whether a gateway would have got as far as an entry: terms are ids by then."""
    document = Question(template, "").document
    request = document["request"]
    named = ("sender", "recipient", "agreement", "purpose", "legal_basis")
    return document["records"] in MAGNITUDES and all(
        isinstance(request.get(name), str) and IDENTIFIER.fullmatch(request[name]) for name in named
    )


class Asked:
    """One question of the log, and its answers over the year, each asked for once."""

    def __init__(self, template: Template, engine: Engine) -> None:
        self.template = template
        self.digest = digest(template.cache_key)
        self.document = Question(template, "").document
        self._answers = engine.answers(template)

    def entry(self, now: str, name: str) -> dict[str, Any]:
        """What the log says of it at a moment."""
        decision, _ = self._answers.at(now)
        request = self.document["request"]
        return transfer(decision, self.digest, now, request, self.document, name)


def transfer(
    decision: Decision, template: str, now: str, request: Mapping[str, Any],
    document: Mapping[str, Any], name: str,
) -> dict[str, Any]:  # fmt: skip
    """An entry as the gateway writes it, but for commitments to content that never was."""
    outcome = OUTCOMES[decision.verdict]
    released = outcome == "released"
    rules = {one.rule for one in decision.objections} | {one.decision for one in decision.pending}
    if released:
        rules |= {one.rule for each in decision.classes for one in each.objections}
    border = {"crosses": decision.border.crosses, "destination": decision.border.destination}
    if decision.border.instrument:
        border["instrument"] = decision.border.instrument
    parts: dict[str, Any] = {}
    if released:
        parts = {
            "agreement": {"id": request["agreement"], "version": "1", "digest": DIGEST},
            "adapters": {"in": "kobo@1", "out": "fhir.r4@1"},
            "content": "A" * 43,
        }
    return entry.transfer(
        gateway="bench",
        outcome=outcome,
        id=name,
        sender={"party": request["sender"], "regimes": []},
        recipient={"party": request["recipient"], "regimes": []},
        purpose=request["purpose"],
        legal_basis=request["legal_basis"],
        border=border,
        policy={
            "bundle": decision.revision,
            "question": digest(Question(decision.asked.template, now).canonical),
            "engine": decision.engine,
            "template": template,
            "at": now,
        },
        rules=sorted(rules),
        formats={"in": "kobo", "out": "fhir.r4"},
        obligations=list(decision.obligations) if released else [],
        count=document["records"] if released else "0",
        considered=document["records"],
        **parts,
    )


def make(
    directory: Path, keys: Keys, bundle: Bundle, *, origin: str, count: int, distinct: int,
    seed: int = 1,
) -> None:  # fmt: skip
    """A log of `count` transfers about `distinct` questions, over twelve months."""
    directory.mkdir(mode=0o700, exist_ok=True)
    signer = Signer.of(origin, keys.log)
    note = signer.checkpoint(0, merkle.EMPTY)
    SqliteStore.create(directory / FILE, render_vkey(signer.vkey), origin, note)
    HighWater.create(directory, note)
    store, noted = SqliteStore(directory / FILE), HighWater(directory)
    engine = Engine(bundle)
    try:
        clock = _Clock()
        sequencer = Sequencer(store, noted, signer, gateway="bench", clock=clock)
        init = entry.control(gateway="bench", what="init")
        packed = effects_of(init, [("bundle", bundle.packed())])
        sequencer.commit([Waiting(entry.draft(init), effects=packed)])
        _fill(sequencer, clock, engine, count, distinct, seed)
    finally:
        engine.close()
        noted.close()
        store.close()


class _Clock:
    """Milliseconds since 1970, set by whoever writes the log."""

    def __init__(self) -> None:
        self.now = int(FIRST.timestamp()) * 1000

    def __call__(self) -> int:
        return self.now


def _fill(
    sequencer: Sequencer, clock: _Clock, engine: Engine, count: int, distinct: int, seed: int
) -> None:
    chance = random.Random(seed)
    asked = [Asked(template, engine) for template in questions(seed, distinct)]
    seconds = sorted(chance.randrange(SECONDS) for _ in range(count))
    known: set[str] = set()
    done: list[str] = []
    size = min(BATCH, max(1, count // 20))
    for at in range(0, count, size):
        part = seconds[at : at + size]
        batch: list[Waiting] = []
        for second in part:
            one = chance.choice(asked)
            moment = datetime.fromtimestamp(FIRST.timestamp() + second, UTC)
            made = one.entry(moment.strftime(INSTANT), entry.new_id())
            effects = effects_of(made, [("question", one.template.cache_key)], known)
            known.add(one.digest)
            batch.append(Waiting(entry.draft(made), effects=effects))
        clock.now = (int(FIRST.timestamp()) + part[-1]) * 1000
        sequencer.commit(batch, done=done)
        done = [each.draft.id for each in batch if each.draft.outcome == "released"]
        batch[-1].future.result()
    sequencer.commit([], done=done)
