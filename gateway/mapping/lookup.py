"""Which source key fills which line of the table."""

from collections.abc import Mapping
from typing import Any

from gateway.mapping.convert import Bad
from gateway.mapping.nodes import Slot

Scene = dict[Slot, Any]
"""The values one source object has for the lines of the table. Empty answers are left out."""


MAX_KNOWN = 20_000
"""A form has hundreds of keys; somebody who sends ever new ones must not fill the memory."""


class Lookup:
    """Resolves the keys of one level, each distinct key once, and notes which ones it met.

    An exact path wins over `*/name`. A key that no line names resolves to False.
    """

    def __init__(self, slots: frozenset[Slot]) -> None:
        self._exact = {slot for slot in slots if not slot.startswith("*/")}
        self._last = {slot[2:]: slot for slot in slots if slot.startswith("*/")}
        self.known: dict[str, Slot | bool] = {}
        """Every key resolved so far, of this payload and earlier ones."""
        self.met: set[str] = set()
        """Keys of this payload."""

    def line(self, key: str) -> Slot | bool:
        """The line a key fills, or False."""
        return key if key in self._exact else self._last.get(key.rsplit("/", 1)[-1], False)

    def resolve(self, key: str) -> Slot | bool:
        """The line for a key seen for the first time, remembered."""
        found = self.known[key] = self.line(key)
        return found

    def scene(self, source: Mapping[str, Any]) -> Scene:
        """The values of one source object. Raises `Bad` where two keys fight over one line."""
        found: Scene = {}
        self.met.update(source)
        for key, value in source.items():
            slot = self.known.get(key)
            if slot is None:
                slot = self.resolve(key)
            if isinstance(slot, str) and value is not None and value != "":
                if slot in found and found[slot] != value:
                    raise Bad("mapping.ambiguous")
                found[slot] = value
        return found

    def renew(self) -> None:
        """Forget the keys of the last payload. What they resolve to stays true."""
        self.met.clear()
        if len(self.known) > MAX_KNOWN:
            self.known.clear()

    @property
    def unmapped(self) -> list[str]:
        """Keys met that no line names."""
        return [key for key in self.met if self.line(key) is False]

    def keys(self, slot: Slot) -> list[str]:
        """Keys met that fill a line, sorted."""
        return sorted(key for key in self.met if self.line(key) == slot)
