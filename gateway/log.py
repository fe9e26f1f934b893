"""The transfer log: what was decided, in an order nobody can change without being noticed.

`append` returns when the entry is durable and inside a signed checkpoint. Only then may
content leave. A failed append is final: nothing is released on a guess.

Entries that arrive while a commit is under way form the next batch. There is no timer: when
nobody waits, an entry is committed alone, and under load batches grow by themselves.

    submit -> queue -> writer thread: Sequencer.commit -> future

asyncio code awaits `asyncio.wrap_future(log.submit(...))`. A caller who goes away does not
take its entry out of the log.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, high_water, log_file, log_guard, merkle
from gateway.errors import GatewayError
from gateway.high_water import HighWater
from gateway.log_batch import Appended, Duplicate, Finish, Sequencer, Waiting
from gateway.log_store import CommitError, Keep, Store
from gateway.note import Signer, render_vkey

__all__ = ["Appended", "Duplicate", "Keep", "Log"]

MAX_WAITING = 2048
MAX_BATCH = 512
MAX_BATCH_BYTES = 1 << 20
IDLE_SECONDS = 0.2
"""How long a finished release may wait for an entry to travel with."""
MAX_YIELDS = 8
"""How often the log gives way to others who have entries in the making."""

CHUNK = 256


def _now() -> int:
    return time.time_ns() // 1_000_000


class Log:
    """An open log. Every method may be called from any thread.

    Several processes may have the same log open. A transfer that was logged as released, and
    of which `done` was never told, is closed as not released by the next one to open the log
    alone, unless its content is kept and still waits to be fetched.
    """

    def __init__(self, store: Store, noted: HighWater, sequencer: Sequencer) -> None:
        self._store = store
        self._noted = noted
        self._sequencer = sequencer
        self._queue: deque[Waiting] = deque()
        self._done: deque[str] = deque()
        self._done_since = 0.0
        self._closing = False
        self._ready = threading.Condition()  # guards the four above
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    @classmethod
    def create(cls, directory: Path, *, origin: str, key: Ed25519PrivateKey, gateway: str) -> "Log":
        """Make a log, and its directory. `origin` names it for ever, in every receipt."""
        directory.mkdir(mode=0o700, exist_ok=True)
        for name in (log_file.FILE, high_water.FILE):
            if (directory / name).exists():
                raise GatewayError("there is a log here already", rule="log.exists")
        if len(origin.encode()) > high_water.MAX_ORIGIN:
            raise GatewayError("the log's name is too long", rule="log.origin")
        signer = Signer.of(origin, key)
        note = signer.checkpoint(0, merkle.EMPTY)
        Store.create(directory / log_file.FILE, render_vkey(signer.vkey), origin, note)
        HighWater.create(directory, note)
        return cls._start(directory, key, gateway, _now, what="init")

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        key: Ed25519PrivateKey,
        gateway: str,
        clock: Callable[[], int] = _now,
    ) -> "Log":
        """Open a log and check that it is whole, ours, and no older than what it once said.

        `clock` gives milliseconds since 1970. Raises `GatewayError`; a log that is missing
        is never made by accident.
        """
        return cls._start(directory, key, gateway, clock, what="start")

    @classmethod
    def _start(
        cls,
        directory: Path,
        key: Ed25519PrivateKey,
        gateway: str,
        clock: Callable[[], int],
        *,
        what: str,
    ) -> "Log":
        with ExitStack() as undo:
            store = Store(directory / log_file.FILE)
            undo.callback(store.close)
            noted = HighWater(directory)
            undo.callback(noted.close)
            signer = Signer.of(store.origin(), key)
            log_guard.verify(store, noted, signer.vkey)
            log = cls(store, noted, Sequencer(store, noted, signer, gateway=gateway, clock=clock))
            log._say(what, abandon=noted.alone())
            noted.share()
            undo.pop_all()
        log._thread.start()
        return log

    def submit(
        self,
        entry_: Mapping[str, Any],
        *,
        keep: Sequence[Keep] = (),
        once: str | None = None,
        finish: Finish | None = None,
    ) -> Future[Appended]:
        """Put an entry in line; its time is set when it takes its place.

        `once` is an idempotency token: a second use fails with `Duplicate`. `finish` is given
        the place and the proof inside the transaction, and returns more rows to keep; it
        must be quick, and must not call this log. Raises `GatewayError` for an entry that
        breaks the schema, when too many wait, and when the log has stopped.
        """
        waiting = Waiting(entry.draft(entry_), tuple(keep), once, finish)
        with self._ready:
            if self._sequencer.stopped or self._closing:
                raise GatewayError("the log has stopped; open it again", rule="log.stopped")
            if len(self._queue) >= MAX_WAITING:
                raise GatewayError("too many entries wait for the log", rule="log.overloaded")
            self._queue.append(waiting)
            self._ready.notify()
        return waiting.future

    def append(
        self,
        entry_: Mapping[str, Any],
        *,
        keep: Sequence[Keep] = (),
        once: str | None = None,
        finish: Finish | None = None,
    ) -> Appended:
        """`submit`, and wait until the entry is durable."""
        return self.submit(entry_, keep=keep, once=once, finish=finish).result()

    def done(self, transfer_id: str) -> None:
        """The release of this transfer finished. Logged soon, in one entry with others.

        Lost in a crash before that; the transfer then counts as not released, which is the
        lesser mistake. An id that is not open is ignored.
        """
        with self._ready:
            if not self._done:
                self._done_since = time.monotonic()
            self._done.append(transfer_id)
            self._ready.notify()

    def kept(self, kind: str, key: str) -> Keep | None:
        """What was kept under this key, unless it was destroyed or its time has passed."""
        query = "SELECT kind, key, value, owner, expires FROM kept WHERE kind = ? AND key = ?"
        for row in self._store.read(query, (kind, key)):
            keep = Keep(*row)
            if not keep.expires or keep.expires > self._sequencer.clock():
                return keep
        return None

    def destroy(self, kind: str, key: str) -> bool:
        """Delete what is kept, durably and from the bytes of the file. False if there was none."""
        return self._destroying(lambda: self._store.destroy(kind, key)) > 0

    def destroy_expired(self) -> int:
        """Delete everything kept whose time has passed; how many there were."""
        return self._destroying(lambda: self._store.destroy_expired(self._sequencer.clock()))

    def entries(self, start: int = 0, count: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Index and bytes of the entries from `start`, as the log is while they are read."""
        end = self.size() if count is None else start + count
        query = "SELECT idx, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx"
        for first in range(start, end, CHUNK):
            yield from self._store.read(query, (first, min(first + CHUNK, end)))

    def checkpoint(self) -> str:
        """The newest signed checkpoint."""
        return self._newest()[1]

    def size(self) -> int:
        """How many entries the newest checkpoint covers."""
        return self._newest()[0]

    def prove(self, index: int) -> Appended:
        """The entry at `index` with a proof to the newest checkpoint."""
        size, note = self._newest()
        proof = merkle.inclusion(index, size, self._store.node)
        [(leaf,)] = self._store.read("SELECT leaf FROM entry WHERE idx = ?", (index,))
        return Appended(index, size, leaf, note, proof)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the log of `old` entries is the beginning of the log of `new`."""
        if new > self.size():
            raise merkle.ProofError("the log is not that long yet", rule="proof.size")
        return merkle.consistency(old, new, self._store.node)

    def find(self, transfer_id: str) -> int | None:
        """Where a transfer is in the log."""
        query = "SELECT idx FROM transfer_state WHERE id = ?"
        return next((row[0] for row in self._store.read(query, (transfer_id,))), None)

    @property
    def stopped(self) -> bool:
        """Something failed halfway: nothing more is logged until the log is opened again."""
        return self._sequencer.stopped

    def waiting(self, owner: str, after: str, limit: int) -> list[tuple[str, int]]:
        """Ids of transfers whose content waits for a party, oldest first, and when it expires."""
        query = (
            "SELECT key, expires FROM kept WHERE kind = 'content' AND owner = ? AND key > ?"
            " AND expires > ? ORDER BY key LIMIT ?"
        )
        return self._store.read(query, (owner, after, self._sequencer.clock(), limit))

    def state(self, transfer_id: str) -> str | None:
        """What became of a transfer's release: open, delivered, not_released, or none was due."""
        query = "SELECT state FROM transfer_state WHERE id = ?"
        return next((row[0] for row in self._store.read(query, (transfer_id,))), None)

    def close(self) -> None:
        """Log what waits, say that the gateway stops, and close. A second call does nothing."""
        with self._ready:
            if self._closing:
                return
            self._closing = True
            self._ready.notify()
        self._thread.join()
        try:
            if not self._sequencer.stopped:
                self._say("stop", done=tuple(self._done))
        finally:
            self._store.close()
            self._noted.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _newest(self) -> tuple[int, str]:
        query = "SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1"
        [(size, note)] = self._store.read(query)
        return size, note

    def _say(self, what: str, *, done: Sequence[str] = (), abandon: bool = False) -> None:
        said = Waiting(entry.draft(entry.control(gateway=self._sequencer.gateway, what=what)))
        self._sequencer.commit([said], done=done, abandon=abandon)
        said.future.result()

    def _destroying(self, destroy: Callable[[], int]) -> int:
        try:
            return destroy()
        except CommitError:
            self._sequencer.stopped = True
            raise

    def _run(self) -> None:
        while (work := self._gather()) is not None:
            batch, done = work
            logged = self._sequencer.commit(batch, done=done)
            with self._ready:
                if not logged:
                    self._done.extendleft(reversed(done))
                    self._done_since = time.monotonic()
                while self._sequencer.stopped and self._queue:
                    stopped = GatewayError("the log has stopped", rule="log.stopped")
                    self._queue.popleft().future.set_exception(stopped)

    def _let_others_in(self) -> None:
        """Give way for as long as entries keep coming, so that one commit serves many.

        There is no timer in it: where nobody else has work to do, to give way takes no time.
        A commit costs ten times what an entry adds to it, in the interpreter that both share.
        """
        for _ in range(MAX_YIELDS):
            waiting = len(self._queue)
            time.sleep(0)
            if len(self._queue) == waiting:
                return

    def _gather(self) -> tuple[list[Waiting], list[str]] | None:
        """The next batch, as soon as there is one; None when the log closes and none is left."""
        with self._ready:
            while not (self._queue or self._closing or self._due() == 0):
                self._ready.wait(self._due())
        self._let_others_in()
        with self._ready:
            while not (self._queue or self._closing or self._due() == 0):
                self._ready.wait(self._due())
            if not self._queue and self._closing:
                return None
            batch: list[Waiting] = []
            room = MAX_BATCH_BYTES
            while self._queue and len(batch) < MAX_BATCH:
                room -= len(self._queue[0])
                if batch and room < 0:
                    break
                waiting = self._queue.popleft()
                # From here on nobody can cancel it. Until here one could, and did not get in.
                if waiting.future.set_running_or_notify_cancel():
                    batch.append(waiting)
            done = [self._done.popleft() for _ in range(min(len(self._done), entry.MAX_IDS))]
            return batch, done

    def _due(self) -> float | None:
        """Seconds until finished releases are logged on their own; None when there are none."""
        if not self._done or self._sequencer.stopped:
            return None
        if len(self._done) >= entry.MAX_IDS:
            return 0
        return max(0.0, self._done_since + IDLE_SECONDS - time.monotonic())
