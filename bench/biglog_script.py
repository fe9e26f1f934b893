"""What happens in the log of `bench.biglog`, in order: transfers, and what people do."""

import base64
import heapq
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from bench.biglog_world import NO_ID, Pattern, World, pattern
from gateway import entry
from gateway.canonical import digest
from gateway.log_index import indexed
from gateway.log_standing import Effects, effects_of

FIRST = int(datetime(2025, 11, 1, tzinfo=UTC).timestamp()) * 1000
DAY = 86_400_000
YEAR = 365 * DAY
TRIES = 4
"""Questions drawn for a transfer until one is released: most that are asked for are."""
OTHER_ID = "00000000-0000-7000-8000-000000000001"
PARTY = "org:of-nobody-at-all"
CERTIFICATE = "sha256:" + "e" * 64
PEOPLE_EVERY = 1_500
"""Of so many transfers, one is followed by something people did."""
SIGNERS = ["officer:dpo-1", "officer:programme-1"]

One = tuple[str, bytes, int, Effects, tuple[str, str]]
"""Id, bytes, time, effects, and a transfer's outcome and state."""
NOTHING = ("", "")


class Script:
    """A year, as entries."""

    def __init__(self, world: World, count: int, chance: random.Random) -> None:
        self.start = FIRST
        self.now = FIRST
        self._world = world
        self._count = count
        self._chance = chance
        self._open: list[str] = []
        self._lost: list[str] = []
        self._due: list[tuple[int, int, Callable[[], One]]] = []
        self._order = 0
        self._custody = _custody()
        self._transfers = 0

    def entries(self, index: Callable[[], int]) -> Iterator[One]:
        """All of them; `index` says how many were taken so far."""
        yield from self._opening()
        at = float(self.now)
        while (left := self._count - index() - self._closing()) > 0:
            if len(self._open) >= entry.MAX_IDS:
                yield self._outcome("delivered", self._open)
            elif len(self._lost) >= entry.MAX_IDS:
                yield self._outcome("not_released", self._lost)
            elif self._due and self._due[0][0] <= at:
                self.now = max(self.now, self._due[0][0])
                yield heapq.heappop(self._due)[2]()
            elif left == 1:
                yield self._said({**_head("access"), "what": "entries", "who": "auditor:one",
                                  "size": index()})  # fmt: skip
            else:
                at = FIRST + YEAR * (index() + self._chance.random()) / self._count
                self.now = max(self.now, int(at))
                yield self._transfer()
        for state, names in (("delivered", self._open), ("not_released", self._lost)):
            if names:
                yield self._outcome(state, names)

    def _closing(self) -> int:
        return bool(self._open) + bool(self._lost)

    def _opening(self) -> Iterator[One]:
        """What stands from the first day."""
        yield self._said(entry.control(gateway="bench", what="init"))
        packed = self._world.bundle.packed()
        yield self._stands("policy", "policy", "1", self._world.bundle.revision, ("bundle", packed))
        for party in sorted({p for f in self._world.flows for p in _parties(f.document)}):
            yield self._stands("party", party, "1", digest(party.encode()))
        for name in SIGNERS:
            yield self._stands("officer", name, "1", digest(name.encode()))
        yield self._stands("retention", "content", "72", digest(b"72"))
        for name, document in sorted(self._world.agreements.items()):
            yield self._stands("agreement", name, "1", digest(document[1]), document)

    def _stands(
        self, what: str, name: str, version: str, known: str,
        document: tuple[str, bytes] | None = None, state: str = "active",
    ) -> One:  # fmt: skip
        documents = [document] if document else []
        said = entry.control(
            gateway="bench", what=what, digest=known, signers=SIGNERS,
            subject={"id": name, "version": version, "state": state},
            documents=[digest(content) for _, content in documents],
        )  # fmt: skip
        return self._said(said, effects_of(said, documents))

    def _said(self, said: Mapping[str, Any], effects: Effects | None = None) -> One:
        made = entry.draft({**said, "id": self._name()})
        index = effects or Effects(index=indexed(said))
        return made.id, made.at(self.now), self.now, index, NOTHING

    def _name(self) -> str:
        """A version 7 UUID of the moment."""
        bits = self.now << 80 | 7 << 76 | self._chance.getrandbits(12) << 64
        digits = f"{bits | 2 << 62 | self._chance.getrandbits(62):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def _transfer(self) -> One:
        chance = self._chance
        moment = datetime.fromtimestamp(self.now / 1000, UTC).isoformat()[:19] + "Z"
        for _ in range(TRIES):
            flow = chance.choice(self._world.flows)
            made = flow.at(moment)
            if made.outcome == "released":
                break
        name = self._name()
        stamp = moment.encode()
        salt = base64.urlsafe_b64encode(chance.randbytes(96)).translate(None, b"=")
        own = {
            "id": name.encode(), "at": stamp, "question": flow.question(stamp),
            "content": salt[:42] + b"A", "details": salt[42:84] + b"A",
            "subjects": salt[84:126] + b"A", "time": b'"time":%d,' % self.now,
        }  # fmt: skip
        self._transfers += 1
        if self._transfers % PEOPLE_EVERY == 0:
            self._people(name, made)
        state = "none"
        if made.outcome == "released":
            state = self._released(name, made)
        elif made.outcome == "held" and chance.random() < 0.01:
            self._decided(name, made)
        return name, made.leaf(own), self.now, made.effects, (made.outcome, state)

    def _released(self, name: str, made: Pattern) -> str:
        chance = self._chance
        if chance.random() < 0.01:
            self._lost.append(name)
            return "not_released"
        self._open.append(name)
        if chance.random() < 0.75:
            self._later(chance.randrange(60_000, DAY), "acknowledged", name, made.recipient)
        if chance.random() < 0.4:
            days = chance.randrange(5, 200)
            with_paper = "deleted" if chance.random() < 0.8 else "deleted_unsigned"
            self._later(days * DAY, with_paper, name, made.recipient)
        if chance.random() < 0.0005:
            self._recalled(name, made)
        return "delivered"

    def _later(self, wait: int, what: str, transfer: str, party: str) -> None:
        self._at(self.now + wait, lambda: self._kept(what, transfer, party))

    def _at(self, due: int, make: Callable[[], One]) -> None:
        self._order += 1
        heapq.heappush(self._due, (due, self._order, make))

    def _kept(self, what: str, transfer: str, party: str) -> One:
        name, made = self._name(), self._custody[what]
        own = {
            "id": name.encode(), "transfer": transfer.encode(), "party": party.encode(),
            "certificate": b"sha256:" + self._chance.randbytes(32).hex().encode(),
            "time": b'"time":%d,' % self.now,
        }  # fmt: skip
        index = Effects(index=_index_of(made, transfer))
        return name, made.leaf(own), self.now, index, NOTHING

    def _recalled(self, transfer: str, made: Pattern) -> None:
        held: dict[str, str] = {}
        asked = {**_head("custody"), "transfer": transfer, "party": made.recipient}

        def recall() -> One:
            one = self._said({**asked, "what": "recall", "state": "requested",
                              "due": self.now + 7 * DAY})  # fmt: skip
            held["recall"] = one[0]
            return one

        def answer() -> One:
            state = self._chance.choice(("done", "partial", "refused"))
            return self._said({**asked, "what": "answer", "state": state, **held})

        due = self.now + self._chance.randrange(DAY, 20 * DAY)
        self._at(due, recall)
        self._at(due + self._chance.randrange(DAY, 9 * DAY), answer)

    def _decided(self, transfer: str, made: Pattern) -> None:
        said = {
            **_head("decision"), "decision": "human.two:first_transfer", "transfer": transfer,
            "what": self._chance.choice(("approved", "approved", "refused", "expired")),
            "requester": made.sender, "signers": SIGNERS, "roles": ["dpo", "programme"],
            "reason": "A" * 43,
        }  # fmt: skip
        self._at(self.now + self._chance.randrange(600_000, 2 * DAY), lambda: self._said(said))

    def _people(self, transfer: str, made: Pattern) -> None:
        """Now and then: a right is used, something goes wrong, a glass is broken, one reads."""
        chance = self._chance
        kind = chance.randrange(4)
        if kind == 0:
            self._right()
        elif kind == 1:
            case = {**_head("incident"), "what": "incident", "case": self._name(), "severity": 2,
                    "party": made.recipient, "signers": SIGNERS[:1]}  # fmt: skip
            for wait, state in ((0, "opened"), (3_600_000, "contained"), (9 * DAY, "closed")):
                self._say(wait, {**case, "state": state})
        elif kind == 2:
            self._broken(transfer)
        else:
            read = {**_head("access"), "what": "report", "who": "auditor:one", "report": "sent",
                    "form": "csv", "size": 1}  # fmt: skip
            self._say(0, read)

    def _say(self, wait: int, said: Mapping[str, Any]) -> None:
        self._at(self.now + wait, lambda: self._said(said))

    def _right(self) -> None:
        chance = self._chance
        what = chance.choice(("access", "correction", "erasure", "objection", "withdrawal"))
        case = {**_head("rights"), "what": what, "case": self._name()}
        due, last = self.now + 30 * DAY, chance.choice(("answered", "answered", "refused"))
        why = {"reason": "ThirdPartyRightsImpaired"} if last == "refused" else {}
        for wait, more in (
            (0, {"state": "received", "due": due}),
            (DAY, {"state": "identified"}),
            (chance.randrange(2, 50) * DAY, {"state": last, "signers": SIGNERS[:1], **why}),
        ):
            self._say(wait, {**case, **more})

    def _broken(self, transfer: str) -> None:
        said = {**_head("decision"), "what": "break_glass", "decision": "break_glass.one_record",
                "transfer": transfer, "signers": SIGNERS[1:], "reason": "A" * 43}  # fmt: skip
        held: dict[str, str] = {}

        def broken() -> One:
            one = self._said(said)
            held["of"] = one[0]
            return one

        self._at(self.now, broken)
        if self._chance.random() < 0.8:
            review = {**said, "what": "review", "signers": SIGNERS[:1]}
            self._at(
                self.now + self._chance.randrange(1, 60) * 3_600_000,
                lambda: self._said({**review, **held}),
            )

    def _outcome(self, state: str, names: list[str]) -> One:
        part = names[: entry.MAX_IDS]
        del names[: entry.MAX_IDS]
        return self._said(entry.outcome(gateway="bench", **{state: part}))


def _head(kind: str) -> dict[str, Any]:
    return {"v": 1, "type": kind, "gateway": "bench", "id": NO_ID}


def _parties(document: Mapping[str, Any]) -> tuple[str, str]:
    return document["request"]["sender"], document["request"]["recipient"]


def _custody() -> dict[str, Pattern]:
    base = {**_head("custody"), "transfer": OTHER_ID, "party": PARTY}
    kinds: dict[str, dict[str, Any]] = {
        "acknowledged": {"what": "acknowledged"},
        "deleted": {"what": "deleted", "state": "done", "certificate": CERTIFICATE},
        "deleted_unsigned": {"what": "deleted", "state": "done"},
    }
    holes = {"id": NO_ID, "transfer": OTHER_ID, "party": PARTY, "certificate": CERTIFICATE}
    return {
        name: pattern({**base, **more}, holes, Effects(index=indexed({**base, **more})))
        for name, more in kinds.items()
    }


def _index_of(made: Pattern, transfer: str) -> Any:
    index = made.effects.index
    return type(index)(index.kind, transfer=transfer) if index else None
