"""One batch of entries: placed, hashed, signed, durable, and only then answered.

The order is the guarantee. An answer is given after COMMIT has returned and the high-water
file is on the disk. If either fails, nobody knows whether the entries are in the log: every
one of them fails, and nothing more is written until the log is opened again and has checked
itself. To look the entries up would be a guess: after a failed flush the reader may be shown
pages that never reached the disk.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import apsw

from gateway import entry
from gateway.errors import GatewayError
from gateway.high_water import HighWater
from gateway.log_standing import NONE, Effects, Standing, month_of
from gateway.log_store import CommitError, Head, Keep, Rows, Store
from gateway.merkle import Growth, grow, leaf_hash, root
from gateway.note import Signer

CLOCK_TOLERANCE_MS = 2000
"""How far the clock may have gone back before nothing more is logged."""


@dataclass(frozen=True, slots=True)
class Appended:
    """An entry that is in the log for good, and the proof that it is."""

    index: int
    size: int
    """Of the log when the checkpoint was signed: after the whole batch."""
    leaf: bytes = field(repr=False)
    """The entry's bytes."""
    checkpoint: str
    proof: tuple[bytes, ...] = field(repr=False)
    """That the entry at `index` is in the log of `size`."""


class Duplicate(GatewayError):  # noqa: N818 - named for what happened, as the receipt reads it
    """The idempotency token was used before; `transfer` is what it was used for."""

    status = 409

    def __init__(self, transfer: str) -> None:
        super().__init__("this was asked before", rule="log.duplicate")
        self.transfer = transfer


class Superseded(GatewayError):  # noqa: N818 - named for what happened, as the receipt reads it
    """The agreement or the policies a release relies on stand no more, or its recipient was told
    other figures meanwhile. Asking again may help: the answer will then rest on what stands."""

    status = 503

    def __init__(self) -> None:
        super().__init__("what this rests on changed meanwhile: ask again", rule="log.superseded")


Finish = Callable[[Appended], Sequence[Keep]]


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """An entry that waits for its place, and what belongs into the same transaction."""

    draft: entry.Draft
    keep: Sequence[Keep] = ()
    once: str | None = None
    finish: Finish | None = None
    closes: tuple[str, Sequence[str]] = ("", ())
    """For an outcome entry: the state it gives to which transfers."""
    effects: Effects = NONE
    future: Future[Appended] = field(default_factory=Future, repr=False)

    def __len__(self) -> int:
        kept = sum(len(row.value) for row in self.keep)
        return len(self.draft) + kept + sum(len(row[2]) for row in self.effects.documents)


class _Refused(Exception):  # noqa: N818 - a finding about one entry, never let out
    """One entry of the batch cannot be; the others can."""

    def __init__(self, waiting: Waiting, error: Exception) -> None:
        super().__init__()
        self.waiting, self.error = waiting, error


class _ConflictError(Exception):
    """Some row of the batch is taken; which entry's is not known yet."""

    def __init__(self, made: Sequence[tuple[Waiting, Rows]]) -> None:
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
    ) -> None:
        self.gateway = gateway
        self.clock = clock
        self.stopped = False
        """Something failed halfway. True until the log is opened again."""
        self._store = store
        self._high_water = high_water
        self._signer = signer
        self._clamped = False

    def commit(
        self, batch: Sequence[Waiting], *, done: Sequence[str] = (), abandon: bool = False
    ) -> bool:
        """Append a batch and answer its futures, one way or the other. Never raises.

        `done` names transfers whose release finished; `abandon` closes all that are still
        open as not released. False when nothing was logged.
        """
        waiting = list(batch)
        while True:
            try:
                try:
                    answers = self._append(waiting, done, abandon)
                except _ConflictError as conflict:
                    raise self._blamed(conflict) from None
            except _Refused as refused:
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
        with self._store.writing():
            self._check_standing(waiting)
            fresh, duplicates = self._fresh(waiting)
            batch = [*fresh, *self._outcomes(done, abandon)]
            if not batch:
                return duplicates
            head, now = self._store.head(), self.clock()
            time = self._time(head, now)
            if time > now and not self._clamped:
                batch.append(self._clock_entry(time - now))
            leaves = [each.draft.at(time) for each in batch]
            hashes = [leaf_hash(leaf) for leaf in leaves]
            growth = grow(head.size, head.edge, hashes)
            note = self._signer.checkpoint(growth.size, root(growth.edge))
            appended = [
                Appended(index, growth.size, leaf, note, growth.inclusion(index))
                for index, leaf in enumerate(leaves, head.size)
            ]
            self._write(batch, appended, hashes)
            self._store.add_effects(
                [(each.effects, one.index) for each, one in zip(batch, appended, strict=True)],
                month_of(time),
            )
            self._write_tree(growth, note, time)
        try:
            self._high_water.advance(growth.size, note)
        except Exception as error:
            problem = f"the high-water file could not be written ({type(error).__name__})"
            raise CommitError(problem, rule="log.unavailable") from error
        self._clamped = time > now
        return [*duplicates, *zip(batch, appended, strict=True)]

    def _fresh(
        self, waiting: Sequence[Waiting]
    ) -> tuple[list[Waiting], list[tuple[Waiting, Appended | Duplicate]]]:
        """Those to append, and those whose token was used, here or earlier in the batch."""
        fresh: list[Waiting] = []
        duplicates: list[tuple[Waiting, Appended | Duplicate]] = []
        tokens: dict[str, str] = {}
        for each in waiting:
            used = None
            if each.once is not None:
                used = tokens.get(each.once) or self._store.used(each.once)
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
        told: set[str] = set()
        for each in waiting:
            cells = each.effects.cells
            if cells is not None:
                known = self._store.cell_version(cells.recipient)
                if cells.recipient in told or cells.version != known:
                    raise _Refused(each, Superseded())
                told.add(cells.recipient)
            if each.effects.changes is not None:
                standing |= {each.effects.changes[:2]: Standing(*each.effects.changes, index=-1)}
            elif each.effects.superseded(standing):
                raise _Refused(each, Superseded())

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

    def _write(
        self, batch: Sequence[Waiting], places: Sequence[Appended], hashes: Sequence[bytes]
    ) -> None:
        made = [_rows(*one) for one in zip(batch, places, hashes, strict=True)]
        try:
            self._store.add(Rows.joined(made))
        except apsw.ConstraintError:
            raise _ConflictError(list(zip(batch, made, strict=True))) from None
        for each in batch:
            self._store.set_states(*each.closes)

    def _blamed(self, conflict: "_ConflictError") -> _Refused:
        """The first entry of a batch whose id or key is taken. Writes nothing."""
        try:
            with self._store.writing():
                for each, rows in conflict.made:
                    try:
                        self._store.add(rows)
                    except apsw.ConstraintError:
                        taken = "an id or key of this entry is taken"
                        raise _Refused(each, GatewayError(taken, rule="log.taken")) from None
                raise GatewayError("rows conflict, yet none does", rule="log.unavailable")
        except _Refused as refused:
            return refused

    def _write_tree(self, growth: Growth, note: str, time: int) -> None:
        self._store.add_tiles(growth.tiles)
        self._store.add_checkpoint(growth.size, note)
        self._store.set_head(Head(growth.size, growth.edge, time))

    def _fail(self, waiting: Sequence[Waiting], error: Exception) -> None:
        if isinstance(error, GatewayError):
            problem, rule = error.problem, error.rule
            self.stopped |= isinstance(error, CommitError)
        else:
            problem, rule = f"the log failed ({type(error).__name__})", "log.unavailable"
            # A full disk, met before COMMIT, has undone everything: the log may go on.
            self.stopped |= not isinstance(error, apsw.FullError)
        for each in waiting:
            each.future.set_exception(GatewayError(problem, rule=rule))


def _rows(each: Waiting, place: Appended, hashed: bytes) -> Rows:
    draft = each.draft
    rows = Rows(entries=[(place.index, draft.id, place.leaf, hashed)])
    if draft.type == "transfer":
        state = "open" if draft.outcome == "released" else "none"
        rows.transfers.append((draft.id, place.index, draft.outcome, state))
    if each.once is not None:
        rows.tokens.append((each.once, draft.id))
    kept = [*each.keep, *(_finished(each, each.finish, place) if each.finish else ())]
    rows.kept.extend((row.kind, row.key, row.owner, row.value, row.expires) for row in kept)
    return rows


def _finished(each: Waiting, finish: Finish, place: Appended) -> Sequence[Keep]:
    try:
        return finish(place)
    except Exception as error:
        raise _Refused(each, error) from error
