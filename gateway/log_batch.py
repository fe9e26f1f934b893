"""One batch of entries: placed, hashed, signed, durable, and only then answered.

The order is the guarantee. An answer is given after COMMIT has returned and the high-water
file is on the disk. If either fails, nobody knows whether the entries are in the log: every
one of them fails, and nothing more is written until the log is opened again and has checked
itself.

Only where the store says that a new connection can be asked (`Unknown`) are the entries looked
up, by their ids, while nobody else can write. Found, they are answered; not found, they fail.
Nothing is ever released on a guess.
"""

from collections.abc import Callable, Sequence
from time import monotonic, sleep

from gateway import entry, log_beside, log_subjects
from gateway.errors import GatewayError
from gateway.high_water import HighWater
from gateway.log_index import Indexed
from gateway.log_standing import Standing, month_of
from gateway.log_store import CommitError, Head, Rows, Store, Taken, Unknown
from gateway.log_waiting import (
    Appended,
    Duplicate,
    Finish,
    Lost,
    Made,
    Refused,
    Superseded,
    Waiting,
    rows_of,
)
from gateway.merkle import grow, leaf_hash, root
from gateway.note import Signer

__all__ = ["Appended", "Duplicate", "Finish", "Lost", "Made", "Sequencer", "Superseded", "Waiting"]

CLOCK_TOLERANCE_MS = 2000
"""How far the clock may have gone back before nothing more is logged."""

LOOK_UP_SECONDS = 20.0
"""How long a database may take to come back, before the log stops not knowing what it holds."""
LOOK_UP_PAUSE = 0.1


class _ConflictError(Exception):
    """Some row of the batch is taken; which entry's is not known yet."""

    def __init__(self, made: Made) -> None:
        super().__init__()
        self.made = made


class Sequencer:
    """Gives entries their places. One thread at a time; several processes at a time."""

    def __init__(
        self,
        store: Store,
        high_water: HighWater,
        signer: Signer,
        *,
        gateway: str,
        clock: Callable[[], int],
        guard: Callable[[], None] | None = None,
    ) -> None:
        """`guard` checks the log as at opening. The store was checked when this is made."""
        self.gateway = gateway
        self.clock = clock
        self.stopped = False
        """Something failed halfway. True until the log is opened again."""
        self._store = store
        self._high_water = high_water
        self._signer = signer
        self._guard = guard
        self._checked = store.connection
        self._clamped = False

    def commit(
        self, batch: Sequence[Waiting], *, done: Sequence[str] = (), abandon: bool = False
    ) -> bool:
        """Append a batch and answer its futures, one way or the other. Never raises.

        `done` names transfers whose release finished; `abandon` closes all that are still
        open as not released. False when nothing was logged.
        """
        waiting = list(batch)
        if self.stopped:
            self._fail(waiting, GatewayError("the log has stopped", rule="log.stopped"))
            return False
        while True:
            try:
                try:
                    answers = self._append(waiting, done, abandon)
                except _ConflictError as conflict:
                    raise self._blamed(conflict.made) from None
            except Refused as refused:
                waiting.remove(refused.waiting)
                refused.waiting.future.set_exception(refused.error)
                continue
            except Exception as error:
                self._fail(waiting, error)
                return False
            for answered, answer in answers:
                if isinstance(answer, Appended):
                    answered.future.set_result(answer)
                else:
                    answered.future.set_exception(answer)
            return True

    def _append(
        self, waiting: list[Waiting], done: Sequence[str], abandon: bool
    ) -> list[tuple[Waiting, Appended | Duplicate]]:
        made: Made | None = None
        try:
            with self._store.writing():
                self._check_connection()
                self._check_standing(waiting)
                fresh, duplicates = self._fresh(waiting)
                batch = [*fresh, *self._outcomes(done, abandon)]
                if not batch:
                    return duplicates
                now = self.clock()
                made = self._placed(batch, now)
                self._write(made)
        except Taken:
            if made is None:
                raise
            raise _ConflictError(made) from None
        except Unknown:
            if made is None:
                raise
            self._look_up(made)
        try:
            self._high_water.advance(made.after.size, made.note)
        except Exception as error:
            problem = f"the high-water file could not be written ({type(error).__name__})"
            raise CommitError(problem, rule="log.unavailable") from error
        self._clamped = made.after.time > now
        return [*duplicates, *zip(made.batch, made.places, strict=True)]

    def _check_connection(self) -> None:
        """On a new connection may be another log, or an older one: look before signing."""
        if self._store.connection == self._checked:
            return
        if self._guard is None:
            raise CommitError("nobody can check the new connection", rule="log.unavailable")
        try:
            self._guard()
        except GatewayError as error:
            if error.rule == "log.unavailable":
                raise
            raise CommitError(error.problem, rule=error.rule, at=error.at) from error
        self._checked = self._store.connection

    def _placed(self, waiting: Sequence[Waiting], now: int) -> Made:
        head = self._store.head()
        moment = self._time(head, now)
        late = moment > now and not self._clamped
        batch = [*waiting, *([self._clock_entry(moment - now)] if late else [])]
        leaves = [each.draft.at(moment) for each in batch]
        hashes = [leaf_hash(leaf) for leaf in leaves]
        growth = grow(head.size, head.edge, hashes)
        note = self._signer.checkpoint(growth.size, root(growth.edge))
        places = [
            Appended(index, growth.size, leaf, note, growth.inclusion(index))
            for index, leaf in enumerate(leaves, head.size)
        ]
        rows = [rows_of(*one) for one in zip(batch, places, hashes, strict=True)]
        after = Head(growth.size, growth.edge, moment)
        return Made(batch, places, rows, head, after, growth.tiles, note)

    def _write(self, made: Made) -> None:
        store, moment = self._store, made.after.time
        placed = list(zip(made.batch, made.places, strict=True))
        store.add(Rows.joined(made.rows))
        for each in made.batch:
            store.set_states(*each.closes)
        store.add_effects([(each.effects, one.index) for each, one in placed], month_of(moment))
        store.add_index(
            [
                (each.effects.index or Indexed(each.draft.type), one.index, moment)
                for each, one in placed
            ]
        )
        log_subjects.write(store, [each.effects.subjects for each in made.batch])
        log_beside.write(store, [row for each in made.batch for row in each.beside])
        store.add_tiles(made.tiles)
        store.add_checkpoint(made.after.size, made.note)
        store.set_head(made.after, made.before)

    def _look_up(self, made: Made) -> None:
        """Whether a batch of unknown outcome was written. Returns if it was, raises if not.

        Under the lock of the log's end: whoever wrote the batch held it, and has ended.
        """
        end = monotonic() + LOOK_UP_SECONDS
        while True:
            try:
                with self._store.writing():
                    self._check_connection()
                    found = self._store.written([each.draft.id for each in made.batch])
                break
            except GatewayError as error:
                if isinstance(error, CommitError) or monotonic() > end:
                    problem = "nobody can say whether the entries were written"
                    raise CommitError(problem, rule="log.unavailable", at=error.rule) from error
            sleep(LOOK_UP_PAUSE)
        ours = [
            found.get(each.draft.id) == (place.index, place.leaf)
            for each, place in zip(made.batch, made.places, strict=True)
        ]
        if not any(ours):
            problem = "the connection was lost, and the entries were not written"
            raise GatewayError(problem, rule="log.unavailable")
        if not all(ours):
            raise CommitError("a part of the entries was written", rule="log.forked")

    def _fresh(
        self, waiting: Sequence[Waiting]
    ) -> tuple[list[Waiting], list[tuple[Waiting, Appended | Duplicate]]]:
        """Those to append, and those whose token was used, here or earlier in the batch."""
        fresh: list[Waiting] = []
        duplicates: list[tuple[Waiting, Appended | Duplicate]] = []
        tokens = self._store.used([each.once for each in waiting if each.once is not None])
        for each in waiting:
            used = None
            if each.once is not None:
                used = tokens.get(each.once)
                tokens.setdefault(each.once, each.draft.id)
            if used is None:
                fresh.append(each)
            else:
                duplicates.append((each, Duplicate(used)))
        return fresh, duplicates

    def _check_standing(self, waiting: Sequence[Waiting]) -> None:
        """Refuse the first release that relies on what stands no more, here or in this batch.

        Inside the transaction: whatever ended it, in any process, is before or after it.
        """
        standing = self._store.standing_now()
        late = log_subjects.outdated(self._store, [each.effects.subjects for each in waiting])
        if late is not None:
            raise Refused(waiting[late], Superseded())
        told: set[str] = set()
        for each in waiting:
            if each.claim is not None and not each.claim.holds(self._store):
                raise Refused(each, Lost())
            cells = each.effects.cells
            if cells is not None:
                known = self._store.cell_version(cells.recipient)
                if cells.recipient in told or cells.version != known:
                    raise Refused(each, Superseded())
                told.add(cells.recipient)
            if each.effects.changes is not None:
                standing |= {each.effects.changes[:2]: Standing(*each.effects.changes, index=-1)}
            elif each.effects.superseded(standing):
                raise Refused(each, Superseded())

    def _time(self, head: Head, now: int) -> int:
        """The batch's time: never before the last entry's. A clock far behind stops the log."""
        if head.time - now > CLOCK_TOLERANCE_MS:
            raise GatewayError("the clock is behind the log", rule="log.clock")
        return max(now, head.time)

    def _clock_entry(self, back: int) -> Waiting:
        said = entry.control(gateway=self.gateway, what="clock", n=back)
        return Waiting(entry.draft(said))

    def _outcomes(self, done: Sequence[str], abandon: bool) -> list[Waiting]:
        closing = {"delivered": self._store.open_among(done)}
        if abandon:
            closing["not_released"] = self._store.open_transfers()
        return [
            Waiting(
                entry.draft(entry.outcome(gateway=self.gateway, **{state: part})),
                closes=(state, part),
            )
            for state, names in closing.items()
            for at in range(0, len(names), entry.MAX_IDS)
            if (part := names[at : at + entry.MAX_IDS])
        ]

    def _blamed(self, made: Made) -> Refused:
        """The first entry of a batch whose id or key is taken. Writes nothing."""
        blamed = made.batch[0]
        try:
            with self._store.writing():
                moved = self._store.head().size - made.before.size
                for blamed, rows in zip(made.batch, made.rows, strict=True):  # noqa: B007 - read after it
                    self._store.add(rows.moved(moved))
                    self._store.settle()
                raise GatewayError("rows conflict, yet none does", rule="log.unavailable")
        except Taken:
            taken = "an id or key of this entry is taken"
            return Refused(blamed, GatewayError(taken, rule="log.taken"))

    def _fail(self, waiting: Sequence[Waiting], error: Exception) -> None:
        if isinstance(error, GatewayError):
            problem, rule = error.problem, error.rule
            self.stopped |= isinstance(error, CommitError)
        else:
            problem, rule = f"the log failed ({type(error).__name__})", "log.unavailable"
            self.stopped = True
        for each in waiting:
            each.future.set_exception(GatewayError(problem, rule=rule))
