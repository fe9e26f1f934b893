"""A payload that others work on, in parts where that comes to the same, else as one.

    parts -> read by workers -> what all say together -> decided -> minimized and written by
    workers -> joined

Every part is decided about before anything of it is written by policy as far as it is known
then, and the whole again at the end, when all classes are known. What was written on another
answer than that is thrown away and written anew: nothing has left. Whatever does not add up is
left to the caller to read as a whole.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import chain
from secrets import token_bytes
from typing import Any

from gateway import account
from gateway.account import Answer, Written
from gateway.adapter import Adapter, Joinable
from gateway.asking import Asking, key_of, limited, rulings_of
from gateway.bulk import cutting, message, progress, task, work
from gateway.bulk.engine import Engine
from gateway.bulk.joining import Joining
from gateway.bulk.looked import Apart, Together
from gateway.content import Content
from gateway.errors import SenderError
from gateway.forms import today_of
from gateway.incoming import Class
from gateway.minimization import report
from gateway.minimize import Minimized, minimize
from gateway.policy import Decision
from gateway.records import Received
from gateway.subjects import Commitments, Stops, stops_of
from gateway.terms import plan_of
from gateway.transfer import Judged

WHOLE = 16 << 20
"""Bytes that are handed over as one where they cannot be cut. More is read here."""

MAX_STOPS = 10_000
"""Stops that workers are told of."""

Rulings = Mapping[Class, Answer]
Said = tuple[bytes, dict[str, Any], list[bytes]]
"""A part, and what its worker said of it."""


async def judged(
    asking: Asking, content: Content, commitments: Commitments | None
) -> Judged | None:
    """What `exchange.judge` answers; None where the payload is to be read as a whole here."""
    engine = asking.gateway.bulk
    stops = stops_of(asking.gateway.log, asking.gateway.remembered)
    if engine is None or len(stops.tokens) > MAX_STOPS:
        return None
    one = _Payload(asking, content, engine, stops, commitments)
    try:
        return await one.judged()
    except (Apart, cutting.Uncut):
        one.close()
        return None
    except BaseException:
        one.close()
        raise


@dataclass(slots=True)
class _Payload:
    asking: Asking
    content: Content
    engine: Engine
    stops: Stops
    commitments: Commitments | None
    key: bytes = b""
    """Of the pseudonyms."""
    joining: Joining | None = None
    single: bool = False
    """It is worked on as one, and what a worker says of it is said of the whole."""
    marks: str = field(default_factory=lambda: token_bytes(16).hex(), repr=False)

    async def judged(self) -> Judged:
        parts = self._parts()
        first = await self._first(parts)
        together, guess = await self._walk(chain([first], parts), await self._guess(first))
        together.settle(alone=self.asking.terms.target_mapping is not None)
        if not together.count:
            raise Apart
        asked = sorted(together.present, key=repr)
        decision = await self.asking.decided(asked, together)
        rulings = self._rulings(decision, asked)
        if rulings is None:
            self.close()
            return self._without(together, decision)
        if self.joining is None or work.spelt(guess) != work.spelt(
            {one: rulings[one] for one in guess}
        ):
            await self._again(rulings)
        return self._with(together, decision, rulings)

    def close(self) -> None:
        """Throw away what was written."""
        if self.joining is not None:
            self.joining.close()
            self.joining = None
        if self.commitments is not None:
            self.commitments.restart()

    async def _walk(self, parts: Iterator[bytes], guess: Rulings) -> tuple[Together, Rulings]:
        """One look at every part; what is already sure enough is written at once."""
        together = Together()
        writing = bool(guess)
        if writing:
            self._begin()
        done = 0
        async with aclosing(self._said(parts, guess)) as answers:
            async for part, said, blobs in answers:
                together.add(said, *blobs[:2])
                done += len(part)
                progress.said("reading", done, together.count)
                if writing and "wrote" not in said:
                    # A class that was not met before: ask about it, and write this part again.
                    more = await self._more(together, guess)
                    if more is None:
                        writing = False
                        self.close()
                        continue
                    guess = more
                    said, blobs = await self._one(part, guess)
                if writing:
                    await self._join(said, blobs)
        return together, guess

    async def _again(self, rulings: Rulings) -> None:
        """Write every part on what policy said in the end."""
        self.close()
        self._begin()
        done = 0
        async with aclosing(self._said(self._parts(), rulings)) as answers:
            async for part, said, blobs in answers:
                await self._join(said, blobs)
                done += len(part)
                progress.said("writing", done)

    async def _one(self, part: bytes, rulings: Rulings) -> tuple[dict[str, Any], list[bytes]]:
        async with aclosing(self._said(iter([part]), rulings)) as answers:
            [(_, said, blobs)] = [one async for one in answers]
        return said, blobs

    def _begin(self) -> None:
        target, plan = self._target()
        seams = target.seams(plan) if isinstance(target, Joinable) and not self.single else None
        self.joining = Joining(self.asking.gateway.deployment.data, seams)

    async def _join(self, said: Mapping[str, Any], blobs: list[bytes]) -> None:
        if self.joining is None or "wrote" not in said:
            raise Apart
        body, tokens, salts, hashes = blobs[2:]
        await asyncio.to_thread(self.joining.add, said["wrote"], body)
        if self.commitments is not None and hashes:
            await asyncio.to_thread(self.commitments.take, tokens, salts, hashes)

    async def _guess(self, first: bytes) -> Rulings:
        """What policy will probably say: what it says of the first part, or said last time."""
        terms, gateway = self.asking.terms, self.asking.gateway
        if not self.single:
            together = Together()
            said, blobs = await self._one(first, {})
            together.add(said, *blobs[:2])
            return await self._more(together, {}) or {}
        before: Rulings = gateway.remembered.of("ruled", terms, dict)
        if before:
            scope = (terms.sender, terms.recipient, terms.purpose)
            self.key = gateway.remembered.of("key", scope, lambda: b"")
        return before if self.key else {}

    async def _more(self, together: Together, guess: Rulings) -> Rulings | None:
        """What policy says of all classes so far, where it says the same as before of those it
        was asked about before; None where nothing is to be written on it."""
        if not together.count:
            return None
        asked = sorted(together.present, key=repr)
        rulings = self._rulings(await self.asking.decided(asked, together), asked)
        if rulings is None:
            return None
        same = work.spelt(guess) == work.spelt({one: rulings[one] for one in guess})
        return rulings if same else None

    def _rulings(self, decision: Decision, asked: list[Class]) -> Rulings | None:
        """What policy said of each class; None where nothing leaves. Raises `Apart` where more
        must be known of the whole than parts can say."""
        if decision.assess:
            raise Apart
        if decision.verdict != "allow":
            return None
        rulings = rulings_of(decision, asked, self.asking.gateway)
        if limited(rulings):
            raise Apart
        if not self.key:
            self.key = key_of(self.asking.terms, decision, self.asking.gateway)
        return rulings

    def _without(self, together: Together, decision: Decision) -> Judged:
        """Refused or held."""
        received = self._received(together)
        details = account.details(
            together.reading, decision, None, None, received, self.asking.gateway.remembered
        )
        return Judged(decision, together.count, None, None, details)

    def _with(self, together: Together, decision: Decision, rulings: Rulings) -> Judged:
        joining, gateway = self.joining, self.asking.gateway
        if joining is None:
            raise Apart
        received, wrote = self._received(together), joining.wrote
        minimized = replace(
            self._account(received, rulings), count=wrote.count, held_back=wrote.held_back
        )
        written = None
        if minimized.count:
            target, _ = self._target()
            types = {path.partition(".")[0] for path in minimized.released}
            if target.record_types is not None and not types & target.record_types:
                raise SenderError(
                    "the format has no place for these records", rule="format.record_type"
                )
            writing = wrote.writing
            written = Written(
                joining.finish(),
                target.media_type,
                writing.lineage,
                tuple(sorted(writing.unrendered)),
            )
        else:
            self.close()
        details = account.details(
            together.reading, decision, minimized, written, received, gateway.remembered
        )
        if written is not None:
            details["minimization"] = report(received.count, minimized)
            if self.commitments is not None:
                self.commitments.taken()
        if self.single and decision.max_form != "rec":
            ruled: dict[Class, Answer] = gateway.remembered.of("ruled", self.asking.terms, dict)
            ruled.update(rulings)
        return Judged(
            decision, received.count, minimized, written, details, None, 0, self.stops.version
        )

    def _account(self, received: Received, rulings: Rulings) -> Minimized:
        """Which fields left in which form: of the records themselves there are none here."""
        gateway = self.asking.gateway
        return minimize(
            received,
            rulings,
            key=self.key,
            places=gateway.deployment.places,
            today=today_of(self.asking.now),
            remembered=gateway.remembered,
        )

    @staticmethod
    def _received(together: Together) -> Received:
        return Received(
            lambda: iter(()),
            True,
            together.count,
            together.twice,
            together.present,
            together.counts,
        )

    def _target(self) -> tuple[Adapter, Any]:
        terms = self.asking.terms
        plan = plan_of(terms.target_mapping, self.asking.gateway.deployment)
        return terms.adapters()[1], plan

    def _parts(self) -> Iterator[bytes]:
        """The parts, anew. The payload as one where it has but one, or can only be so."""
        target, plan = self._target()
        joinable = isinstance(target, Joinable) and target.seams(plan) is not None
        size = self.asking.gateway.deployment.settings.bulk.part_bytes
        source = self.asking.terms.adapters()[0]
        with self.content.opened() as file:
            if joinable and not self.single and self.content.size > size:
                begun = False
                try:
                    for part in cutting.parts(source, self.asking.plan, file, size):
                        begun = True
                        yield part
                except cutting.Uncut:
                    if begun:
                        raise
                    file.seek(0)
                else:
                    return
            if self.content.size > WHOLE:
                raise cutting.Uncut
            self.single = True
            yield file.read()

    async def _first(self, parts: Iterator[bytes]) -> bytes:
        first = await asyncio.to_thread(next, parts, b"")
        if not first:
            raise Apart
        return first

    async def _said(self, parts: Iterator[bytes], rulings: Rulings) -> AsyncGenerator[Said, None]:
        """What workers say of each part, in order. Raises what they found wrong with a payload
        that is worked on as one, and `Apart` where that was only a part."""
        key = message.message_key(self.asking.gateway.keys.content)
        header = task.header(
            self.asking,
            rulings,
            key=self.key,
            stops=self.stops,
            marks=None if self.single else self.marks,
            transfer=None if self.commitments is None else self.commitments.transfer,
        )
        under_way: deque[tuple[bytes, bytes]] = deque()

        async def tasks() -> AsyncIterator[bytes]:
            while (part := await asyncio.to_thread(next, parts, None)) is not None:
                sealed = message.seal(key, message.TASK, header, [part])
                under_way.append((part, message.answers(sealed)))
                yield sealed

        async with aclosing(self.engine.run(tasks())) as answers:
            async for answer in answers:
                part, about = under_way.popleft()
                said, blobs = message.unseal(key, about, answer)
                if "fault" in said:
                    lenient = self.asking.lenient  # then it is no fault of the whole
                    if not self.single or lenient or said["fault"][1] == work.STALE:
                        raise Apart
                    raise task.fault(said)
                yield part, said, blobs
