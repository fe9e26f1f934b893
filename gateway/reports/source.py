"""What reports are computed from: the log up to one checkpoint, through its index.

Entries are counted by profile, so a million of them cost one walk through the index. Everything
read stops at the checkpoint's size: two runs at the same checkpoint say the same.
"""

import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import orjson

from gateway import log_standing, merkle
from gateway.errors import GatewayError
from gateway.log_standing import Key, Standing
from gateway.note import Checkpoint, parse_checkpoint, parse_note

Row = tuple[Any, ...]
PART = 500
"""Values in one list of a query."""


class Searched(Protocol):
    """An open log."""

    def rows(self, query: str, bindings: Sequence[int | str | bytes] = ()) -> list[Row]: ...
    def checkpoint(self) -> str: ...
    def standing(self) -> dict[Key, Standing]: ...
    def consistency(self, old: int, new: int) -> tuple[bytes, ...]: ...


@dataclass(frozen=True, slots=True)
class Count:
    """Entries of one profile in a stretch of the log."""

    n: int
    first: int
    last: int
    unsent: int = 0
    """Of releases that were logged: how many never left. They are not in `n`."""


class Source:
    """The log as it was at its newest checkpoint when this was made."""

    def __init__(self, log: Searched, now: int) -> None:
        """Raises `GatewayError` while the index is not whole."""
        self.note = log.checkpoint()
        self.checkpoint: Checkpoint = parse_checkpoint(parse_note(self.note).text)
        self.size = self.checkpoint.size
        self.now = now
        """Milliseconds since 1970: what is overdue is so at this moment."""
        self.log = log
        self._moments: dict[int, int] = {}
        self._templates: dict[str, Mapping[str, Any]] = {}
        [(first,)] = log.rows("SELECT min(idx) FROM entry_index")
        if first != 0 and self.size:
            raise GatewayError("`corridor log reindex` makes it whole", rule="log.index_incomplete")

    def at(self, moment: int) -> int:
        """The index of the first entry that is not before a moment."""
        known = self._moments.get(moment)
        if known is None:
            low, high = 0, self.size
            while low < high:
                middle = (low + high) // 2
                if self._time(middle) < moment:
                    low = middle + 1
                else:
                    high = middle
            known = self._moments[moment] = low
        return known

    def _time(self, index: int) -> int:
        query = "SELECT time FROM entry_index WHERE idx = ?"
        return int(self.log.rows(query, (index,))[0][0])

    def times(self, indexes: Sequence[int]) -> dict[int, int]:
        """When these entries were logged."""
        query = "SELECT idx, time FROM entry_index WHERE idx IN"
        return {int(row[0]): int(row[1]) for row in self.listed(query, indexes)}

    @cached_property
    def profiles(self) -> dict[int, dict[str, Any]]:
        """What transfers share, by number."""
        rows = self.log.rows("SELECT id, value FROM profile")
        return {number: orjson.loads(zlib.decompress(value)) for number, value in rows}

    def counts(self, low: int, high: int) -> dict[int, Count]:
        """How many entries of each profile there are from `low` up to `high`."""
        query = (
            "SELECT profile, count(*), min(idx), max(idx) FROM entry_index"
            " WHERE profile > 0 AND idx >= ? AND idx < ? GROUP BY profile"
        )
        rows = self.log.rows(query, (low, min(high, self.size)))
        return {row[0]: Count(*row[1:]) for row in rows}

    @cached_property
    def unsent(self) -> dict[int, list[int]]:
        """Indexes of transfers that were logged as released and never left, by profile."""
        query = (
            "SELECT e.profile, e.idx FROM transfer_state s JOIN entry_index e ON e.idx = s.idx"
            " WHERE s.state = 'not_released' AND s.idx < ? ORDER BY e.idx"
        )
        found: dict[int, list[int]] = {}
        for profile, index in self.log.rows(query, (self.size,)):
            found.setdefault(profile, []).append(index)
        return found

    def never_left(self, profile: int, low: int, high: int) -> int:
        """How many of these are from `low` up to `high`."""
        away = self.unsent.get(profile, ())
        return bisect_left(away, high) - bisect_left(away, low)

    def count(self, profile: int, low: int, high: int) -> int:
        """How many entries of one profile there are from `low` up to `high`."""
        # `profile > 0` is what the partial index is about: without it SQLite would not use it.
        query = (
            "SELECT count(*) FROM entry_index"
            " WHERE profile = ? AND profile > 0 AND idx >= ? AND idx < ?"
        )
        return int(self.log.rows(query, (profile, low, min(high, self.size)))[0][0])

    def kinds(self, kinds: Sequence[str], low: int, high: int) -> list[int]:
        """Indexes of entries of these kinds, in order."""
        marks = ",".join("?" * len(kinds))
        query = (
            "SELECT idx FROM entry_index WHERE profile = 0"  # noqa: S608 - question marks only
            f" AND kind IN ({marks}) AND idx >= ? AND idx < ? ORDER BY idx"
        )
        return [row[0] for row in self.log.rows(query, (*kinds, low, min(high, self.size)))]

    def entries(self, indexes: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Entries at these places, in order."""
        query = "SELECT idx, leaf FROM entry WHERE idx IN"
        for index, leaf in sorted(self.listed(query, indexes)):
            yield index, orjson.loads(leaf)

    def named(self, name: str) -> tuple[int, dict[str, Any]] | None:
        """The entry with this id."""
        query = "SELECT idx, leaf FROM entry WHERE id = ? AND idx < ?"
        for index, leaf in self.log.rows(query, (name, self.size)):
            return index, orjson.loads(leaf)
        return None

    def template(self, profile: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The question behind a transfer, without its moment, if it was read; None where none
        is kept."""
        digest = profile.get("policy", {}).get("template")
        if digest is None:
            return None
        return self._templates.get(digest)

    def read_templates(self, profiles: Iterator[Mapping[str, Any]]) -> None:
        """Read what `template` will be asked for. Raises `GatewayError` where what is kept is
        not what the entry names."""
        wanted = {one.get("policy", {}).get("template") for one in profiles} - {None}
        self._read(sorted(wanted - self._templates.keys()))

    def _read(self, digests: Sequence[str]) -> None:
        query = "SELECT digest, value FROM document WHERE digest IN"
        for digest, value in self.listed(query, digests):
            content = log_standing.opened(digest, value)
            if content is None:
                raise GatewayError("a kept document was changed", rule="document.digest")
            self._templates[digest] = orjson.loads(content)

    def listed(
        self,
        query: str,
        values: Sequence[int | str],
        after: str = "",
        bound: Sequence[int | str] = (),
    ) -> list[Row]:
        """A query that ends in `IN`, for any number of values; `bound` are those before."""
        found: list[Row] = []
        for at in range(0, len(values), PART):
            part = values[at : at + PART]
            marks = ",".join("?" * len(part))
            found += self.log.rows(f"{query} ({marks}){after}", (*bound, *part))
        return found

    def root(self) -> str:
        """Of the checkpoint, in hexadecimal digits."""
        return (self.checkpoint.root if self.size else merkle.EMPTY).hex()


Progress = Callable[[int, int], None]
