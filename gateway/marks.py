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
_SHIFT = 52  # 4096 parts
_EMPTY: "array[int]" = array("Q")


def mark(text: str) -> int:
    """The mark of a text, the same throughout this process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8, key=_KEY).digest(), "big")


class Marks:
    """A set of marks. Adding is cheap; the first question after it sorts what was added."""

    def __init__(self) -> None:
        # Made as they are needed: most transfers have few records, and a part is an object.
        self._parts: dict[int, array[int]] = {}
        self._unsorted: set[int] = set()
        self._size = 0

    def add(self, text: str) -> None:
        """Put a text in. Twice the same counts twice in `len`."""
        value = mark(text)
        part = value >> _SHIFT
        held = self._parts.get(part)
        if held is None:
            held = self._parts[part] = array("Q")
        held.append(value)
        self._unsorted.add(part)
        self._size += 1

    def __contains__(self, text: object) -> bool:
        if not isinstance(text, str):
            return False
        value = mark(text)
        found = self._sorted(value >> _SHIFT)
        place = bisect_left(found, value)
        return place < len(found) and found[place] == value

    def __len__(self) -> int:
        return self._size

    def repeated(self) -> frozenset[int]:
        """Marks that were added more than once."""
        return frozenset(
            value
            for part in self._parts
            for before, value in pairwise(self._sorted(part))
            if before == value
        )

    def _sorted(self, part: int) -> "array[int]":
        if part in self._unsorted:
            self._parts[part] = array("Q", sorted(self._parts[part]))
            self._unsorted.discard(part)
        return self._parts.get(part, _EMPTY)
