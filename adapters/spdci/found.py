"""One JSON object of a payload: what was taken of it, and what nobody took."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from adapters.leaf_names import NOTHING
from adapters.spdci.fields import Item
from adapters.spdci.values import is_empty
from gateway.errors import SenderError
from gateway.record import Reading

_PREFIXED = re.compile(r"(?:[A-Za-z][A-Za-z0-9_-]*)?:(?P<name>[A-Za-z_][A-Za-z0-9_-]*)")
_KEY = re.compile(r"@?[a-z][A-Za-z0-9_]{0,63}")
"""What may be told of a key. One with a capital letter, a space or a sign may be a name."""
_SAYS_NOTHING = frozenset(("@context", "@type", "@vocab"))


def shown(key: str) -> str:
    """A key that can be told, or `?`."""
    return key if _KEY.fullmatch(key) else "?"


def plain(key: str) -> str:
    """A key without the prefix of its vocabulary: `spdci:sex`, `:sex`."""
    found = _PREFIXED.fullmatch(key) if ":" in key else None
    return found["name"] if found else key


class Found:
    """An object whose members are taken one after the other. Members that say nothing are none."""

    rules: ClassVar[str] = "spdci"
    """What the rules of its errors begin with."""

    def __init__(self, value: Mapping[str, Any], path: str, at: str, reading: Reading) -> None:
        self.path = path
        """From the record down, without positions: what lineage tells."""
        self.at = at
        """Which record it is in: what errors tell."""
        self.reading = reading
        self._values: dict[str, Any] = {}
        for key, inner in value.items():
            if not is_empty(inner) and self._values.setdefault(plain(key), inner) != inner:
                raise self.error("two values for one field", "two_values", plain(key))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def called(self) -> str:
        """The class it says it is of, without its vocabulary and in small letters."""
        value = self._values.get("@type")
        return plain(value).lower() if isinstance(value, str) else ""

    def place(self, name: str) -> str:
        """Where a member stands."""
        return f"{self.path}.{shown(name)}"

    def error(self, problem: str, rule: str, name: str = "") -> SenderError:
        """An error at one of its members."""
        where = self.place(name) if name else self.path
        return SenderError(problem, rule=f"{self.rules}.{rule}", at=f"{self.at}, {where}")

    def take(self, *names: str) -> tuple[str, Any]:
        """The value under one of several names, and where it stands.

        Raises `SenderError` where two of the names have different values.
        """
        present = [name for name in names if name in self._values]
        if not present:
            return "", NOTHING
        taken = [self._values.pop(name) for name in present]
        if any(value != taken[0] for value in taken):
            raise self.error("two values for one field", "two_values", present[0])
        return f"{self.path}.{present[0]}", taken[0]

    def read(self, items: Iterable[Item], prefix: str | None, into: dict[str, Any]) -> None:
        """Take the fields of a table. `prefix` is what lineage has before each; None: no lines."""
        for item in items:
            if self._values.keys().isdisjoint(item.names):
                continue
            path, value = self.take(*item.names)
            try:
                result = item.kind.read(value)
            except ValueError:
                raise SenderError(
                    "a value that this field does not have",
                    rule=f"{self.rules}.{item.kind.name}",
                    at=f"{self.at}, {path}",
                ) from None
            if isinstance(result, list) and NOTHING in result:
                self.reading.unmapped.add(path)
                result = [one for one in result if one is not NOTHING] or NOTHING
            leaf = None if prefix is None else f"{prefix}{item.leaf}"
            self.put(item.field, result, leaf, path, into)

    def put(
        self, field: str, value: Any, leaf: str | None, path: str, into: dict[str, Any]
    ) -> None:
        """A value where it goes; of one that is not carried, its path.

        What is there already stays: the object nearer to the person was read first.
        """
        if value is NOTHING or into.setdefault(field, value) != value:
            self.reading.unmapped.add(path)
        elif leaf is not None:
            self.reading.lineage[leaf] = path

    def inner(self, *names: str) -> Iterator["Found"]:
        """The objects under one of several names, in a list or alone. Other values stay behind."""
        path, value = self.take(*names)
        if value is NOTHING:
            return
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield Found(item, path, self.at, self.reading)
            elif not is_empty(item):
                self.reading.unmapped.add(path)

    def only(self, *names: str) -> "Found | None":
        """The one object under these names. Raises `SenderError` where there are several."""
        found = list(self.inner(*names))
        if len(found) > 1:
            raise self.error("several objects where one belongs", "two_values", names[0])
        return found[0] if found else None

    def left(self) -> None:
        """Tell of what nobody took."""
        self.reading.unmapped.update(
            f"{self.path}.{shown(name)}" for name in self._values if name not in _SAYS_NOTHING
        )
