"""Which source key fills which line of the table.

Submissions of one form mostly have the same keys in the same order. So keys are resolved once
for each distinct sequence of keys (a layout), and a layout picks its values in one step.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Any

from gateway.mapping.bad import Bad
from gateway.mapping.nodes import Slot

Scene = dict[Slot, Any]
"""What one source object says for the lines of the table, empty answers and nulls among it."""

Picked = tuple[Any, ...]
"""The same by number of the line, then the record id of the item."""

MAX_KEYS = 20_000
"""Distinct keys of one payload. A form has hundreds; ever new ones must not fill the memory."""

MAX_REPEAT = 100_000
"""Items of one repeat of one source object."""

MAX_REMEMBERED = 200_000
"""Keys of all remembered layouts together: some megabytes."""

NOT_THERE = ()
"""Stands for a key that is absent, where null means something else. No source makes a tuple."""


def answered(value: Any) -> bool:
    """Whether a source value is an answer: not absent, not null, not an empty text."""
    return value is not None and value is not NOT_THERE and value != ""


class Stale(Exception):  # noqa: N818 - nothing is wrong; the whole plan reads the object
    """A key fills a line that a narrowed plan left out."""


class Keys:
    """The lines of one level of a plan by number, and the keys resolved so far. Shared."""

    def __init__(
        self,
        slots: Iterable[Slot],
        told: frozenset[Slot] = frozenset(),
        within: "Keys | None" = None,
        met: frozenset[Slot] | None = None,
    ) -> None:
        """`told` are the lines for which a null is not the same as an absent key.

        `within` are all lines, where `slots` are only some of them; `met` are those for which
        a key is expected.
        """
        self.slots: tuple[Slot, ...] = tuple(sorted(slots))
        self.numbers = {slot: number for number, slot in enumerate(self.slots)}
        self.told = told
        self._met = met
        self.known: dict[str, int] = {}
        """Every key resolved so far, of this payload and earlier ones; `len(slots)` for no line."""
        every = within.slots if within else self.slots
        self._exact = {slot for slot in every if not slot.startswith("*/")}
        self._last = {slot[2:]: slot for slot in every if slot.startswith("*/")}

    def line(self, key: str) -> Slot | None:
        """The line a key fills. An exact path wins over `*/name`."""
        return key if key in self._exact else self._last.get(key.rsplit("/", 1)[-1])

    def resolve(self, keys: Sequence[str]) -> list[int]:
        """The number of the line of each key. Raises `Stale` for one that nobody expected."""
        found = list(map(self.known.get, keys))
        if None in found:
            if len(self.known) > MAX_KEYS:
                self.known.clear()
            for key in keys:
                line = self.line(key)
                if line is not None and self._met is not None and line not in self._met:
                    raise Stale
                self.known[key] = len(self.slots) if line is None else self.numbers[line]
            found = [self.known[key] for key in keys]
        return found  # type: ignore[return-value] # no None is left


class Lookup:
    """One payload's keys of one level. Notes which ones it met."""

    def __init__(self, keys: Keys, met: set[str] | None = None) -> None:
        self.keys = keys
        self.met = set() if met is None else met
        self.layouts: dict[tuple[str, ...], Callable[[list[Any]], Picked]] = {}
        self._remembered = 0

    def meet(self, keys: Iterable[str]) -> None:
        """Note keys. Raises `Bad` for more of them than any form has."""
        self.met.update(keys)
        if len(self.met) > MAX_KEYS:
            raise Bad("source.too_many_keys")

    def layout(self, keys: tuple[str, ...]) -> Callable[[list[Any]], Picked]:
        """What picks the values of objects with these keys, from `[*values, id, (), None]`."""
        self.meet(keys)
        count = len(self.keys.slots)
        places = [-2 if slot in self.keys.told else -1 for slot in self.keys.slots]
        double: dict[int, list[int]] = {}
        for place, number in enumerate(self.keys.resolve(keys)):
            if number == count:
                continue
            if places[number] < 0:
                places[number] = place
            else:
                double.setdefault(number, [places[number]]).append(place)
        # The id, and one more: of a single place, itemgetter makes no tuple.
        simple: Callable[[list[Any]], Picked] = itemgetter(*places, -3, -1)
        found = _with_doubles(simple, double) if double else simple
        self._remembered += len(keys)
        if self._remembered > MAX_REMEMBERED:
            self.layouts.clear()
            self._remembered = len(keys)
        self.layouts[keys] = found
        return found

    def scene(self, source: Mapping[str, Any]) -> Scene:
        """The values of one source object. Raises `Bad` where two keys fight over one line."""
        self.meet(source)
        found: dict[Slot, list[Any]] = {}
        for key, value in source.items():
            line = self.keys.line(key)
            if line is not None:
                found.setdefault(line, []).append(value)
        return {line: one_of(values) for line, values in found.items()}

    @property
    def unmapped(self) -> list[str]:
        """Keys met that no line names."""
        return [key for key in self.met if self.keys.line(key) is None]

    def by_line(self) -> Mapping[Slot, list[str]]:
        """The keys met that fill each line, sorted."""
        found: dict[Slot, list[str]] = {}
        for key in sorted(self.met):
            line = self.keys.line(key)
            if line is not None:
                found.setdefault(line, []).append(key)
        return found


def one_of(values: Sequence[Any]) -> Any:
    """The one answer among the values of several keys. Raises `Bad` where there are two."""
    given = [value for value in values if answered(value)]
    for one, other in pairwise(given):
        if one != other:
            raise Bad("mapping.ambiguous")
    return given[-1] if given else values[0]


def _with_doubles(
    simple: Callable[[list[Any]], Picked], double: Mapping[int, Sequence[int]]
) -> Callable[[list[Any]], Picked]:
    def pick(values: list[Any]) -> Picked:
        found = list(simple(values))
        for number, places in double.items():
            found[number] = one_of([values[place] for place in places])
        return tuple(found)

    return pick
