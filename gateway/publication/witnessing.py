"""The witnesses that this log asks, and what follows from their answers.

A running gateway hands its newest checkpoint to each of them a few seconds after it moved. A
witness that holds something we signed and do not hold shows that there are two histories of
this log: then nothing more is logged. Where releases may not go unwitnessed for long, they
wait for the witnesses; refusals are logged all the same.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from gateway import journal, note
from gateway.deployment import Deployment
from gateway.errors import CorridorError, GatewayError, OfficerError
from gateway.log import Log
from gateway.log_keys import LogKeys
from gateway.publication import proofs
from gateway.publication.cosignature import Cosignature, WitnessKey, verified
from gateway.publication.folder import Folder
from gateway.publication.tree import Tree
from gateway.publication.trust import NONE, Policy, policy_of
from gateway.publication.witness import address_of

if TYPE_CHECKING:  # imported where it is used: most gateways that start ask no witness
    import httpx

EVERY_SECONDS = 5.0
FIRST_SECONDS = 5.0
"""How long a gateway waits for its witnesses before it begins to work."""

TIMEOUT_SECONDS = 10.0
ATTEMPTS = 4
MAX_ANSWER = 1 << 16
MAX_SKEW_SECONDS = 30
"""A witness whose clock is further off would have our entries look back-dated."""


class Doubt(GatewayError):  # noqa: N818 - what a witness's answer raises, until it was looked into
    """A witness says that this log is not what it was."""


class Witnessing:
    """One log and its witnesses."""

    def __init__(
        self,
        log: Log,
        policy: Policy,
        keys: LogKeys,
        *,
        limit: int,
        evidence: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`limit`: seconds that a release may find an entry unwitnessed; 0: any time."""
        if limit and policy.quorum == NONE:
            raise OfficerError("no witness is asked for", rule="witness.none")
        self._log = log
        self._tree = Tree(log.rows)
        self._policy = policy
        self._keys = keys
        self._limit = limit
        self._evidence = evidence
        self._clock = clock
        self._known: dict[str, int] = {}
        """How long the log was when a witness last signed."""
        self._oldest: float | None = None
        """When the first entry was made that not enough witnesses signed for, as far as known."""

    @property
    def asks(self) -> bool:
        """Whether there is any witness to ask."""
        return bool(self._policy.urls)

    def permit(self) -> None:
        """Raise `log.unwitnessed` where nothing may be released now."""
        if not self._limit:
            return
        if self._oldest is not None and self._clock() - self._oldest <= self._limit:
            return
        self._oldest = self._unwitnessed()
        if self._clock() - self._oldest > self._limit:
            problem = "too long since enough witnesses signed; nothing is released"
            raise GatewayError(problem, rule="log.unwitnessed")

    def _unwitnessed(self) -> float:
        """When the first entry was made that no quorum covers; now, where there is none."""
        covered = proofs.witnessed(self._tree, self._policy) or 0
        if covered >= self._tree.newest()[0]:
            return self._clock()
        [(_, leaf)] = self._tree.entries(covered, 1)
        return float(orjson.loads(leaf)["time"]) / 1000

    async def round(self, client: "httpx.AsyncClient") -> None:
        """Ask every witness that has not signed the newest checkpoint."""
        size, _ = await asyncio.to_thread(self._tree.newest)
        names = [name for name in self._policy.urls if self._known.get(name) != size]
        await asyncio.gather(*(self._ask(name, client) for name in names))
        if names and self._limit:
            self._oldest = await asyncio.to_thread(self._unwitnessed)

    async def follow(self, client: "httpx.AsyncClient") -> None:
        """Ask for as long as this runs."""
        every = min(EVERY_SECONDS, self._limit / 3) if self._limit else EVERY_SECONDS
        while True:
            await asyncio.sleep(every)
            try:
                await self.round(client)
            except CorridorError as error:
                journal.say("witness.failed", rule=error.rule)

    async def _ask(self, name: str, client: "httpx.AsyncClient") -> None:
        """One witness. Whatever it does, the others are asked."""
        import httpx

        try:
            try:
                await self._submit(name, client)
            except Doubt as doubt:
                await self._look_into(doubt, name, client)
        except httpx.HTTPError as error:
            journal.say("witness.unreachable", witness=name, error=type(error).__name__)
        except CorridorError as error:
            journal.say("witness.failed", witness=name, rule=error.rule)
        except Exception as error:  # an address, a disk: the others are asked
            journal.say("witness.failed", witness=name, error=type(error).__name__)

    async def _submit(self, name: str, client: "httpx.AsyncClient") -> None:
        key = self._policy.witnesses[name]
        if name not in self._known:
            self._known[name] = await asyncio.to_thread(self._last, key)
        url = self._policy.urls[name].rstrip("/") + "/add-checkpoint"
        for _ in range(ATTEMPTS):
            size, signed = await asyncio.to_thread(self._tree.newest)
            old = self._known[name]
            body = await asyncio.to_thread(proofs.consistency, self._tree, old, signed)
            status, answer = await _fetch(client, "POST", url, body.encode())
            if status == 200:
                await self._take(answer, signed, size, key)
                self._known[name] = size
                return
            if status == 409:
                self._known[name] = await self._theirs(answer, old)
            elif status == 422:
                raise Doubt("a witness says that we forked", rule="log.forked")
            else:
                raise GatewayError(f"answered {status}", rule="witness.refused")
        raise GatewayError("it keeps moving", rule="witness.refused")

    async def _theirs(self, answer: str, old: int) -> int:
        """The size that a witness says it has, if this log was ever that long."""
        text = answer.removesuffix("\n")
        if note.DECIMAL.fullmatch(text) is None:
            raise GatewayError("not a size", rule="witness.answer")
        size = int(text)
        if size == old:
            raise Doubt("a witness has another root of this size", rule="log.forked")
        if size > (await asyncio.to_thread(self._tree.newest))[0]:
            raise Doubt("a witness has more of this log than we", rule="log.rolled_back")
        return size

    async def _take(self, answer: str, signed: str, size: int, key: WitnessKey) -> None:
        """Keep the witness's own line; others are none of our business."""
        read = note.parse_note(signed + answer)
        ours = [one for one in read.signatures if (one.name, one.id) == (key.name, key.id)]
        if not ours:
            raise GatewayError("it did not sign", rule="witness.answer")
        made: Cosignature = verified(read.text, ours[0], key)
        if abs(made.time - self._clock()) > MAX_SKEW_SECONDS:
            raise GatewayError("its clock or ours is wrong", rule="witness.clock")
        row = (size, _label(key), made.time, made.line)
        await asyncio.to_thread(self._log.beside, lambda store: store.add_cosignature(*row))

    async def _look_into(self, doubt: Doubt, name: str, client: "httpx.AsyncClient") -> None:
        """Stop the log, unless what the witness itself shows is in it.

        A witness in error must not stop us; one that shows nothing is believed.
        """
        import httpx

        try:
            url = (
                f"{self._policy.urls[name].rstrip('/')}/{address_of(self._keys.origin)}/checkpoint"
            )
            status, text = await _fetch(client, "GET", url)
            shown = self._keys.opened(text) if status == 200 else None
        except (httpx.HTTPError, CorridorError):
            shown = None
        if shown is not None and await asyncio.to_thread(self._holds, shown):
            self._known[name] = shown.size
            raise GatewayError(f"{doubt.problem}, wrongly", rule="witness.mistaken")
        self._log.halt()
        if shown is not None:
            # Two checkpoints that both have our signature: the proof, for whoever looks into it.
            folder = Folder(self._evidence)
            await asyncio.to_thread(folder.put, f"fork-{shown.size}.checkpoint", text.encode())
            await asyncio.to_thread(folder.settle)
        journal.say("log.halted", witness=name, rule=doubt.rule)
        raise doubt

    def look_back(self) -> None:
        """Stop a log that does not hold what a witness once showed, whoever answers today."""
        for path in sorted(self._evidence.glob("fork-*.checkpoint")):
            if not self._holds(self._keys.opened(path.read_text(encoding="utf-8"))):
                self._log.halt()
                problem = "a witness showed another history of this log"
                raise GatewayError(problem, rule="log.forked", at=path.name)

    def _holds(self, shown: note.Checkpoint) -> bool:
        if shown.size > self._tree.newest()[0]:
            return False
        return proofs.root_at(self._tree, shown.size) == shown.root

    def _last(self, key: WitnessKey) -> int:
        query = "SELECT max(size) FROM cosignature WHERE witness = ?"
        [(size,)] = self._log.rows(query, (_label(key),))
        return int(size or 0)


@asynccontextmanager
async def witnessed(deployment: Deployment, log: Log) -> AsyncIterator[None]:
    """Ask the deployment's witnesses now, and for as long as the block lasts.

    Before anything is released: a log that was set back, or forked, is stopped by what they say.
    """
    witnessing = Witnessing(
        log,
        policy_of(deployment.directory),
        LogKeys.parse(deployment.vkey()),
        limit=deployment.settings.log.max_unwitnessed_seconds,
        evidence=deployment.data,
    )
    witnessing.look_back()
    log.permit = witnessing.permit
    if not witnessing.asks:
        yield
        return
    import httpx

    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
        try:
            await asyncio.wait_for(witnessing.round(client), FIRST_SECONDS)
        except TimeoutError:
            journal.say("witness.slow")
        task = asyncio.create_task(witnessing.follow(client))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


async def _fetch(
    client: "httpx.AsyncClient", method: str, url: str, body: bytes | None = None
) -> tuple[int, str]:
    """Status and body, which is text and short, or nothing of ours."""
    async with client.stream(method, url, content=body) as response:
        answer = b""
        async for part in response.aiter_bytes():
            answer += part
            if len(answer) > MAX_ANSWER:
                raise GatewayError("a long answer", rule="witness.answer")
    try:
        return response.status_code, answer.decode()
    except UnicodeDecodeError:
        raise GatewayError("not text", rule="witness.answer") from None


def _label(key: WitnessKey) -> str:
    """What a witness is called in our table: two keys of one name are two witnesses."""
    return f"{key.name}+{key.id.hex()}"
