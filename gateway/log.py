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
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, high_water, log_file, log_guard, merkle
from gateway.errors import GatewayError
from gateway.high_water import HighWater
from gateway.log_batch import Appended, Duplicate, Finish, Sequencer, Superseded, Waiting
from gateway.log_cells import MONTHS
from gateway.log_reader import Reader
from gateway.log_standing import Cells, Document, Effects, effects_of, month_of
from gateway.log_store import CommitError, Keep, Store
from gateway.note import Signer, render_vkey

__all__ = ["Appended", "Cells", "Duplicate", "Keep", "Log", "Superseded"]

MAX_WAITING = 2048
MAX_BATCH = 512
MAX_BATCH_BYTES = 1 << 20
IDLE_SECONDS = 0.2
"""How long a finished release may wait for an entry to travel with."""
MAX_YIELDS = 8
"""How often the log gives way to others who have entries in the making."""

MAX_KNOWN = 100_000
"""Documents remembered as kept, so that they are not compressed again for each entry."""


def _now() -> int:
    return time.time_ns() // 1_000_000


class Log(Reader):
    """An open log. Every method may be called from any thread.

    Several processes may have the same log open. A transfer that was logged as released, and
    of which `done` was never told, is closed as not released by the next one to open the log
    alone, unless its content is kept and still waits to be fetched.
    """

    def __init__(self, store: Store, noted: HighWater, sequencer: Sequencer) -> None:
        super().__init__(store, sequencer.clock)
        self._noted = noted
        self._sequencer = sequencer
        self._queue: deque[Waiting] = deque()
        self._done: deque[str] = deque()
        self._done_since = 0.0
        self._known: set[str] = set()
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
        documents: Sequence[Document] = (),
        cells: Cells | None = None,
    ) -> Future[Appended]:
        """Put an entry in line; its time is set when it takes its place.

        `once` is an idempotency token: a second use fails with `Duplicate`. `finish` is given
        the place and the proof inside the transaction, and returns more rows to keep; it
        must be quick, and must not call this log. `documents` are kept for ever under their
        digests, `cells` for a year, in the same transaction. Raises `GatewayError` for an entry
        that breaks the schema, when too many wait, and when the log has stopped. The future of
        a release that relies on what stands no more fails with `Superseded`.
        """
        draft = entry.draft(entry_)
        effects = effects_of(entry_, documents, self._known, cells)
        waiting = Waiting(draft, tuple(keep), once, finish, effects=effects)
        with self._ready:
            if self._sequencer.stopped or self._closing:
                raise GatewayError("the log has stopped; open it again", rule="log.stopped")
            if len(self._queue) >= MAX_WAITING:
                raise GatewayError("too many entries wait for the log", rule="log.overloaded")
            self._queue.append(waiting)
            self._ready.notify()
        if effects.documents:
            waiting.future.add_done_callback(partial(self._now_known, effects))
        return waiting.future

    def keeps(self, digest: str) -> bool:
        """Whether a document is surely kept, as far as this process knows without looking."""
        return digest in self._known

    def append(
        self,
        entry_: Mapping[str, Any],
        *,
        keep: Sequence[Keep] = (),
        once: str | None = None,
        finish: Finish | None = None,
        documents: Sequence[Document] = (),
        cells: Cells | None = None,
    ) -> Appended:
        """`submit`, and wait until the entry is durable."""
        return self.submit(
            entry_, keep=keep, once=once, finish=finish, documents=documents, cells=cells
        ).result()

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

    def destroy(self, kind: str, key: str) -> bool:
        """Delete what is kept, durably and from the bytes of the file. False if there was none."""
        return self._destroying(lambda: self._store.destroy(kind, key)) > 0

    def destroy_expired(self) -> int:
        """Delete everything kept whose time has passed; how many there were."""
        now = self._sequencer.clock()
        self._destroying(lambda: self._store.forget_cells(month_of(now) - MONTHS))
        return self._destroying(lambda: self._store.destroy_expired(now))

    @property
    def stopped(self) -> bool:
        """Something failed halfway: nothing more is logged until the log is opened again."""
        return self._sequencer.stopped

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

    def _now_known(self, effects: Effects, done: Future[Appended]) -> None:
        if not done.cancelled() and done.exception() is None:
            if len(self._known) > MAX_KNOWN:
                self._known.clear()
            self._known.update(digest for digest, _, _ in effects.documents)

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
