"""Work that is the same for many transfers, done once.

Nothing here decides anything, and nothing holds a value of a record. Everything is made anew
when it is not found, so forgetting is always right; a deployment that changes is a new one.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Made = TypeVar("Made")

SIZE = 1024
"""Of each kind. A route needs about four."""


class Remembered:
    """Results by kind and by everything they were made of."""

    def __init__(self) -> None:
        self._kinds: defaultdict[str, dict[Hashable, Any]] = defaultdict(dict)

    def of(self, kind: str, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` answers, or answered for the same key before."""
        held = self._kinds[kind]
        found = held.get(key)
        if found is None:
            if len(held) >= SIZE:
                held.clear()
            found = held[key] = make()
        result: Made = found
        return result

    def with_object(self, kind: str, thing: Any, make: Callable[[], Made]) -> Made:
        """The same, by the very object; it is kept alive, so that no other takes its place."""
        return self.of(kind, id(thing), lambda: (thing, make()))[1]
