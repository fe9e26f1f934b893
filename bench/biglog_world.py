"""The invented organisations, agreements and questions of `bench.biglog`, and what they answer."""

import json
import random
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from bench.transfers import IDENTIFIER, MAGNITUDES, OUTCOMES
from gateway import entry
from gateway.canonical import canonical, digest
from gateway.log_index import indexed
from gateway.log_standing import Document, Effects, effects_of
from gateway.policy import Bundle, Decision, Question, QuestionUnfit, Template
from gateway.policy.cases import case
from gateway.replay_work import Engine

ORIGIN = "gateway.amal-relief.example/transfers/2026"
SENDERS = [f"org:field-{number:02}" for number in range(12)]
RECIPIENTS = [f"org:partner-{number:02}" for number in range(24)]
NO_ID = "00000000-0000-7000-8000-000000000000"
OWN = {
    "content": "A" * 43,
    "details": "B" * 42 + "A",
    "id": NO_ID,
    "at": "2000-01-01T00:00:00Z",
    "question": "sha256:" + "d" * 64,
    "subjects": "C" * 42 + "A",
}
"""What stands in a pattern for the parts each transfer has of its own."""
SHIFTED = {
    "2026-11-22T07:59:59Z": "2025-10-31T07:59:59Z",
    "2026-11-22T08:00:00Z": "2025-11-01T00:00:00Z",
    "2026-11-22T08:00:01Z": "2026-05-01T00:00:00Z",
    "2026-12-24T00:00:00Z": "2026-09-24T00:00:00Z",
    "2026-01-01T00:00:00Z": "2025-06-01T00:00:00Z",
}
"""Generated questions are about one moment; the log's year begins there."""
DONORS = 25
"""Of so many questions one is to a donor."""


@dataclass(slots=True)
class Pattern:
    """All transfers with one question and one answer: their bytes but for what is their own."""

    outcome: str
    sender: str
    recipient: str
    agreement: str
    parts: tuple[bytes, ...] = field(repr=False)
    names: tuple[str, ...]
    effects: Effects = field(repr=False)

    def leaf(self, own: Mapping[str, bytes]) -> bytes:
        """The bytes of one entry."""
        pieces = [self.parts[0]]
        for name, part in zip(self.names, self.parts[1:], strict=True):
            pieces += (own[name], part)
        return b"".join(pieces)


def pattern(said: Mapping[str, Any], holes: Mapping[str, str], effects: Effects) -> Pattern:
    """The pattern of an entry that has `holes` where each has a value of its own."""
    leaf = entry.draft(said).at(0)
    marks = {name: value.encode() for name, value in holes.items() if value.encode() in leaf}
    marks["time"] = b'"time":0,'
    places = sorted((leaf.index(value), name) for name, value in marks.items())
    parts, names, at = [], [], 0
    for place, name in places:
        parts.append(leaf[at:place])
        names.append(name)
        at = place + len(marks[name])
    sender, recipient = (said.get(side, {}).get("party", "") for side in ("sender", "recipient"))
    agreement = said["agreement"]["id"] if isinstance(said.get("agreement"), dict) else ""
    return Pattern(
        said.get("outcome", ""),
        sender,
        recipient,
        agreement,
        (*parts, leaf[at:]),
        tuple(names),
        effects,
    )


class Flow:
    """One question of the log, and its answers over the year."""

    def __init__(self, template: Template, engine: Engine) -> None:
        self.document = Question(template, "").document
        self.agreement: str = self.document["request"]["agreement"]
        self._hash = sha256(template.head)
        self._tail = template.tail
        self._template = template
        self._digest = digest(template.cache_key)
        self._answers = engine.answers(template)
        self._until = ""
        self._pattern: Pattern | None = None
        self._known: dict[bytes, Pattern] = {}

    def question(self, now: bytes) -> bytes:
        """Digest of the question at a moment."""
        asked = self._hash.copy()
        asked.update(now + self._tail)
        return b"sha256:" + asked.hexdigest().encode()

    def at(self, now: str) -> Pattern:
        """What the log says of it at a moment. Moments only go forward."""
        if self._pattern is None or now >= self._until:
            decision, self._until = self._answers.at(now)
            self._pattern = self._of(decision)
        return self._pattern

    def _of(self, decision: Decision) -> Pattern:
        said = _transfer(decision, self._digest, self.document)
        one = indexed(said)
        if one.digest not in self._known:
            document = (self._digest, "question", zlib.compress(self._template.cache_key))
            effects = replace(effects_of(said), documents=(document,))
            self._known[one.digest] = pattern(said, OWN, effects)
        return self._known[one.digest]


class World:
    """Everything the log is about."""

    def __init__(self, bundle: Bundle, distinct: int, seed: int) -> None:
        self.bundle = bundle
        self._engine = Engine(bundle)
        self._distinct = distinct
        self._seed = seed
        self.flows: list[Flow] = []
        self.agreements: dict[str, Document] = {}

    def prepare(self) -> None:
        """Make the questions. Slow enough to be worth a name of its own."""
        for template, document in self._templates():
            self.flows.append(Flow(template, self._engine))
            self.agreements.setdefault(
                document["agreement"]["id"], ("agreement", canonical(document["agreement"]))
            )

    def _templates(self) -> Iterator[tuple[Template, dict[str, Any]]]:
        """Questions of agreements that each have up to four: one for each magnitude."""
        chance = random.Random(self._seed)
        made = 0
        for number in range(8 * self._distinct):
            document = _placed(case(f"big/{self._seed}/{number}", hostile=0).document, number)
            for records in sorted(MAGNITUDES - {"0"}, key=lambda _: chance.random()):
                if made == self._distinct:
                    return
                one = {**document, "records": records}
                try:
                    template = Question.of(one).template
                except QuestionUnfit:
                    break
                if not _loggable(one):
                    break
                made += 1
                yield template, one


def _placed(document: dict[str, Any], number: int) -> dict[str, Any]:
    """The same question between other organisations, under an agreement of its own."""
    sender, recipient = SENDERS[number % len(SENDERS)], RECIPIENTS[number * 7 % len(RECIPIENTS)]
    text = json.dumps(document)
    for old, new in (
        ("org:a", sender),
        ("org:b", recipient),
        ("agr:1", f"agr:flow-{number:05}"),
    ):
        text = text.replace(f'"{old}"', f'"{new}"')
    for old, new in SHIFTED.items():
        text = text.replace(old, new)
    placed: dict[str, Any] = json.loads(text)
    if number % DONORS == 0:
        placed["recipient"]["kind"] = "donor"
    return placed


def _loggable(document: Mapping[str, Any]) -> bool:
    request = document["request"]
    named = [request.get(name) for name in ("purpose", "legal_basis")]
    agreement = document.get("agreement", {})
    regimes = [(document.get(side) or {}).get("regimes", [{}]) for side in ("sender", "recipient")]
    return (
        all(isinstance(one.get("id"), str) and "kind" in one for all_ in regimes for one in all_)
        and request.get("sender") in SENDERS
        and request.get("recipient") in RECIPIENTS
        and all(isinstance(name, str) and IDENTIFIER.fullmatch(name) for name in named)
        and isinstance(agreement, dict)
        and agreement.get("id") == request.get("agreement")
        and agreement.get("version") == "1"
    )


def _transfer(decision: Decision, template: str, document: Mapping[str, Any]) -> dict[str, Any]:
    outcome = OUTCOMES[decision.verdict]
    released = outcome == "released"
    rules = {one.rule for one in decision.objections} | {one.decision for one in decision.pending}
    border = {"crosses": decision.border.crosses, "destination": decision.border.destination}
    if decision.border.instrument:
        border["instrument"] = decision.border.instrument
    request = document["request"]
    parts: dict[str, Any] = {"details": OWN["details"]}
    if released:
        rules |= {one.rule for each in decision.classes for one in each.objections}
        parts |= {
            "adapters": {"in": "kobo@1", "out": "fhir.r4@1"},
            "content": OWN["content"],
            "subjects": OWN["subjects"],
            **_fields(decision),
        }
    agreement = document["agreement"]
    return entry.transfer(
        gateway="bench",
        outcome=outcome,
        id=OWN["id"],
        sender=_party(document["sender"], request["sender"]),
        recipient=_party(document["recipient"], request["recipient"]),
        purpose=request["purpose"],
        legal_basis=request["legal_basis"],
        agreement={
            "id": agreement["id"],
            "version": agreement["version"],
            "digest": digest(canonical(agreement)),
        },
        border=border,
        policy={
            "bundle": decision.revision,
            "question": OWN["question"],
            "engine": decision.engine,
            "template": template,
            "at": OWN["at"],
        },
        rules=sorted(rules),
        formats={"in": "kobo", "out": "fhir.r4"},
        obligations=list(decision.obligations) if released else [],
        count=document["records"] if released else "0",
        considered=document["records"],
        **parts,
    )


def _fields(decision: Decision) -> dict[str, list[str]]:
    released: dict[str, str] = {}
    withheld: dict[str, str] = {}
    for each in decision.classes:
        if each.verdict != "allow":
            continue
        for name, how in each.fields.items():
            path = f"{each.record_type}.{name}"
            if how.released:
                released[path] = how.form
            elif how.reason:
                withheld[path] = how.reason
    return {
        name: [f"{path}:{how}" for path, how in sorted(fields.items())][:60]
        for name, fields in (("released", released), ("withheld", withheld))
    }


def _party(party: Mapping[str, Any], name: str) -> dict[str, Any]:
    regimes = party.get("regimes", ())
    return {
        "party": name,
        "regimes": [f"{one['kind']}:{one['id'].removeprefix('io:')}" for one in regimes],
    }
