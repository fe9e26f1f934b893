"""An entry on its way into the log: what waits, what it is answered, what it writes."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from gateway import entry
from gateway.errors import GatewayError
from gateway.log_beside import Beside, Claim
from gateway.log_standing import NONE, Effects
from gateway.log_store import Head, Keep, Rows


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


class Lost(GatewayError):  # noqa: N818 - named for what happened, as the two above are
    """Somebody else carries this by now, for whoever carried it was taken for dead; or its sender
    took it back."""

    status = 503

    def __init__(self) -> None:
        super().__init__("this is not ours to carry any more", rule="job.lost")


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
    beside: Sequence[Beside] = ()
    claim: Claim | None = None
    future: Future[Appended] = field(default_factory=Future, repr=False)

    def __len__(self) -> int:
        kept = sum(len(row.value) for row in self.keep)
        subjects = self.effects.subjects
        people = 0 if subjects is None else 128 * len(subjects.rows)
        return len(self.draft) + kept + people + sum(len(row[2]) for row in self.effects.documents)


class Refused(Exception):  # noqa: N818 - a finding about one entry, never let out
    """One entry of the batch cannot be; the others can."""

    def __init__(self, waiting: Waiting, error: Exception) -> None:
        super().__init__()
        self.waiting, self.error = waiting, error


@dataclass(frozen=True, slots=True)
class Made:
    """A batch in its places, signed, and about to be written."""

    batch: Sequence[Waiting]
    places: Sequence[Appended]
    rows: Sequence[Rows]
    before: Head
    after: Head
    tiles: Sequence[tuple[int, int, bytes]]
    note: str


def rows_of(each: Waiting, place: Appended, hashed: bytes) -> Rows:
    """Everything an entry writes but the tree. Raises `Refused` where `finish` fails."""
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
        raise Refused(each, error) from error
