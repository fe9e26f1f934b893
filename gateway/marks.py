"""Sets of texts too many to hold: eight bytes an item, however long the texts are.

A mark is 64 bits of a hash keyed anew in each process, so nobody can prepare two texts with
one mark. Among ten million texts the chance that any two share one is below one in three
hundred thousand; callers choose the side on which that error is harmless.
"""

import os
from array import array
from bisect import bisect_left
from hashlib import blake2b
from itertools import pairwise

_KEY = os.urandom(16)
_PARTS = 4096
_SHIFT = 52
_FEW = 4096


def mark(text: str) -> int:
    """The mark of a text, the same throughout this process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8, key=_KEY).digest(), "big")


class Marks:
    """A set of marks. Adding is cheap; the first question after it sorts what was added."""

    def __init__(self) -> None:
        # One part while they are few: most transfers have few records, and a part is an object.
        self._shift = 64
        self._parts = [array("Q")]
        self._unsorted: set[int] = set()
        self._size = 0

    def add(self, text: str) -> None:
        """Put a text in. Twice the same counts twice in `len`."""
        value = mark(text)
        part = value >> self._shift
        self._parts[part].append(value)
        self._unsorted.add(part)
        self._size += 1
        if self._size == _FEW:
            self._spread()

    def _spread(self) -> None:
        few, self._shift = self._parts[0], _SHIFT
        self._parts = [array("Q") for _ in range(_PARTS)]
        for value in few:
            self._parts[value >> _SHIFT].append(value)
        self._unsorted = {part for part in range(_PARTS) if self._parts[part]}

    def __contains__(self, text: object) -> bool:
        if not isinstance(text, str):
            return False
        value = mark(text)
        found = self._sorted(value >> self._shift)
        place = bisect_left(found, value)
        return place < len(found) and found[place] == value

    def __len__(self) -> int:
        return self._size

    def repeated(self) -> frozenset[int]:
        """Marks that were added more than once."""
        return frozenset(
            value
            for part in range(len(self._parts))
            for before, value in pairwise(self._sorted(part))
            if before == value
        )

    def _sorted(self, part: int) -> "array[int]":
        if part in self._unsorted:
            self._parts[part] = array("Q", sorted(self._parts[part]))
            self._unsorted.discard(part)
        return self._parts[part]
