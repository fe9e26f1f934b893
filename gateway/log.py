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
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, high_water, log_guard, log_index_fill, log_place, log_subjects, merkle
from gateway.errors import GatewayError
from gateway.high_water import HighWater
from gateway.log_batch import Appended, Duplicate, Finish, Lost, Sequencer, Superseded, Waiting
from gateway.log_beside import Beside, Claim
from gateway.log_cells import MONTHS
from gateway.log_line import MAX_WAITING, Line
from gateway.log_reader import Reader
from gateway.log_standing import Cells, Document, Effects, effects_of, month_of
from gateway.log_store import CommitError, Keep, Store
from gateway.log_subjects import Subjects
from gateway.note import Signer, render_vkey

Made = TypeVar("Made")

__all__ = ["MAX_WAITING", "Appended", "Cells", "Duplicate", "Keep", "Log", "Lost", "Superseded"]

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
        self.permit: Callable[[], None] = lambda: None
        """Asked before each release is logged; raises where nothing may be released now."""
        self._line = Line(lambda: self._sequencer.stopped)
        self._known: set[str] = set()
        self._commits, self._commit_seconds = 0, 0.0
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    @classmethod
    def create(cls, directory: Path, *, origin: str, key: Ed25519PrivateKey, gateway: str) -> "Log":
        """Make a log, and its directory. `origin` names it for ever, in every receipt."""
        directory.mkdir(mode=0o700, exist_ok=True)
        if log_place.made(directory):
            raise GatewayError("there is a log here already", rule="log.exists")
        if len(origin.encode()) > high_water.MAX_ORIGIN:
            raise GatewayError("the log's name is too long", rule="log.origin")
        signer = Signer.of(origin, key)
        note = signer.checkpoint(0, merkle.EMPTY)
        log_place.create_store(directory, render_vkey(signer.vkey), origin, note)
        HighWater.create(directory, note)
        return cls._start(directory, key, gateway, _now, what="init")

    @classmethod
    def join(cls, directory: Path, *, key: Ed25519PrivateKey, gateway: str) -> "Log":
        """Open a log that other gateways write, for the first time from this folder.

        What it says now is believed if this key signed it; from then on it may not go back.
        """
        directory.mkdir(mode=0o700, exist_ok=True)
        if log_place.made(directory):
            raise GatewayError("there is a log here already", rule="log.exists")
        with closing(log_place.open_store(directory)) as store:
            HighWater.create(directory, Reader(store, _now).checkpoint())
        try:
            return cls._start(directory, key, gateway, _now, what="start")
        except GatewayError:
            (directory / high_water.FILE).unlink()
            raise

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
            store = log_place.open_store(directory)
            undo.callback(store.close)
            noted = HighWater(directory)
            undo.callback(noted.close)
            signer = Signer.of(store.origin(), key)
            guard = partial(log_guard.verify, store, noted, signer.vkey)
            alone = noted.alone() and store.alone()
            guard()  # after joining: whoever was alone may have changed the key
            log_index_fill.fill(store)
            sequencer = Sequencer(store, noted, signer, gateway=gateway, clock=clock, guard=guard)
            log = cls(store, noted, sequencer)
            log._say(what, abandon=alone)
            store.share()
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
        subjects: Subjects | None = None,
        beside: Sequence[Beside] = (),
        claim: Claim | None = None,
        calling: bool = False,
    ) -> Future[Appended]:
        """Put an entry in line; its time is set when it takes its place.

        `once` is an idempotency token: a second use fails with `Duplicate`. `finish` is given
        the place and the proof inside the transaction, and returns more rows to keep; it
        must be quick, and must not call this log. `documents` are kept for ever under their
        digests, `cells` for a year, `subjects` until they are erased, and `beside` are rows of
        work that follows, all in the same transaction; without the row of `claim` it fails with
        `Lost`. `calling`: the caller sees to it that `rouse` is called very soon.
        Raises `GatewayError` for an entry that breaks the schema, when too many wait, and when
        the log has stopped. The future of a release that relies on what stands no more fails
        with `Superseded`.
        """
        draft = entry.draft(entry_)
        if draft.outcome == "released":
            self.permit()
        effects = effects_of(entry_, documents, self._known, cells)
        if subjects is not None:
            effects = replace(effects, subjects=subjects)
        waiting = Waiting(
            draft, tuple(keep), once, finish, effects=effects, beside=beside, claim=claim
        )
        self._line.enter(waiting, calling=calling)
        if effects.documents:
            waiting.future.add_done_callback(partial(self._now_known, effects))
        return waiting.future

    def rouse(self) -> None:
        """Write what waits. For those who submitted `calling`."""
        self._line.rouse()

    def _enter(self, waiting: Waiting) -> Future[Appended]:
        self._line.enter(waiting)
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
        self._line.done(transfer_id)

    def never_left(self, transfers: Sequence[str]) -> None:
        """Log that these were not released after all. For whoever destroyed their content before
        anybody fetched it, and so knows."""
        names = [name for name in transfers if self.state(name) == "open"]
        for at in range(0, len(names), entry.MAX_IDS):
            part = names[at : at + entry.MAX_IDS]
            said = entry.outcome(gateway=self._sequencer.gateway, not_released=part)
            self._enter(Waiting(entry.draft(said), closes=("not_released", part))).result()

    def destroy(self, kind: str, key: str) -> bool:
        """Delete what is kept, durably and from the bytes of the file. False if there was none."""
        return self._destroying(lambda: self._store.destroy(kind, key)) > 0

    def beside(self, work: Callable[[Store], Made]) -> Made:
        """Work on rows beside the log, in a transaction of its own."""

        def done() -> Made:
            with self._store.writing():
                return work(self._store)

        return self._destroying(done)

    def empty_journal(self) -> None:
        """What `beside` deleted is in no journal of the store either when this returns."""
        self._store.empty_journal()

    def destroy_expired(self, now: int | None = None) -> int:
        """Delete everything kept whose time has passed; how many there were."""
        now = self._sequencer.clock() if now is None else now
        self._destroying(lambda: self._store.forget_cells(month_of(now) - MONTHS))
        self.beside(lambda store: log_subjects.sweep(store, now))
        return self._destroying(lambda: self._store.destroy_expired(now))

    def halt(self) -> None:
        """Log nothing more: what this log holds is not what it said elsewhere."""
        self._sequencer.stopped = True

    @property
    def stopped(self) -> bool:
        """Something failed halfway: nothing more is logged until the log is opened again."""
        return self._sequencer.stopped

    @property
    def in_line(self) -> int:
        """Entries that wait for their place."""
        return len(self._line)

    @property
    def commits(self) -> tuple[int, float]:
        """Batches that were written since the log was opened, and the seconds they took."""
        return self._commits, self._commit_seconds

    def freeze(self) -> Appended:
        """Log that nothing follows, and take nothing more. The log is not opened again."""
        frozen = self.append(entry.control(gateway=self._sequencer.gateway, what="freeze"))
        self._sequencer.stopped = True
        return frozen

    def close(self) -> None:
        """Log what waits, say that the gateway stops, and close. A second call does nothing."""
        if not self._line.close():
            return
        self._thread.join()
        try:
            if not self._sequencer.stopped:
                self._say("stop", done=self._line.finished())
        finally:
            try:
                self._store.close()
            finally:
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

    def _destroying(self, destroy: Callable[[], Made]) -> Made:
        try:
            return destroy()
        except CommitError:
            self._sequencer.stopped = True
            raise

    def _run(self) -> None:
        while (work := self._line.next_batch()) is not None:
            batch, done = work
            began = time.perf_counter()
            if not self._sequencer.commit(batch, done=done):
                self._line.give_back(done)
            self._commits += 1
            self._commit_seconds += time.perf_counter() - began
            if self._sequencer.stopped:
                self._line.refuse_all()
