"""Places in the two records a referral is made of: a person and a case.

    place("case.identifier[identifier_type=case_id].identifier_value")

`[key=value]` is the item of a list that says so, `[+key]` the first item that has the key, `[0]`
the first item. `kept("case", "progres_reviewby")` is a key of `extension`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.record import Record

Pair = dict[str, Record]
"""The records by type, without their ids."""

NOTHING = object()
_STEP = re.compile(r"(?P<name>[a-z_0-9]+)(?:\[(?P<pick>[^\]]+)\])?")


@dataclass(frozen=True, slots=True)
class Step:
    """One key, and which item where a list is behind it."""

    name: str
    pick: str | None = None

    def items(self, node: Any) -> Iterator[Any]:
        """The items this step means, of those there are."""
        for item in node.get(self.name, ()):
            if self._means(item):
                yield item

    def _means(self, item: Any) -> bool:
        if self.pick == "0":
            return True
        key, _, value = (self.pick or "").partition("=")
        if self.pick and self.pick[0] == "+":
            return self.pick[1:] in item and item.get("system") != OTHER_SERVICE
        return bool(item.get(key) == value)

    def made(self, node: Any) -> Any:
        """The object behind this step, made where there is none."""
        if self.pick is None:
            return node.setdefault(self.name, {})
        if self.pick[0] != "+":
            for item in self.items(node):
                return item
        key, _, value = self.pick.partition("=")
        node.setdefault(self.name, []).append({key: value} if value else {})
        return node[self.name][-1]


OTHER_SERVICE = "service_type_other"
"""Not the service itself, although it has words for it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one value stands."""

    record: str
    steps: tuple[Step, ...]

    def get(self, pair: Pair) -> Any:
        """The value, or `NOTHING`."""
        node: Any = pair.get(self.record, {})
        for step in self.steps:
            if step.pick is not None:
                node = next(step.items(node), NOTHING)
            else:
                node = node.get(step.name, NOTHING)
            if node is NOTHING:
                return NOTHING
        return node

    def put(self, pair: Pair, value: Any) -> None:
        """Set the value. The places of one table never overwrite each other."""
        node: Any = pair.setdefault(self.record, {})
        for step in self.steps[:-1]:
            node = step.made(node)
        last = self.steps[-1]
        if last.pick is None:
            node[last.name] = value
        else:
            node.setdefault(last.name, []).append(value)

    @property
    def field(self) -> str:
        """The top-level field."""
        return self.steps[0].name

    @property
    def leaves(self) -> tuple[str, ...]:
        """The leaf, and the leaf that says which item it is, by the names lineage has."""
        if self.field == "extension":
            return (f"{self.record}.extension",)
        path, beside = self.record, []
        for step in self.steps:
            path += f".{step.name}" + ("[]" if step.pick else "")
            if step.pick and "=" in step.pick:
                beside.append(f"{path}.{step.pick.partition('=')[0]}")
        if self.steps[-1].name in _LISTS:
            path += "[]"
        return (path, *beside)


_LISTS = frozenset(("note",))
"""Fields whose whole list is one value here."""


def place(path: str) -> Place:
    """From its text."""
    record, *steps = path.split(".")
    found = [_STEP.fullmatch(step) for step in steps]
    return Place(record, tuple(Step(one["name"], one["pick"]) for one in found if one))


def kept(record: str, source: str) -> Place:
    """A source field without a canonical name, under its own name."""
    return Place(record, (Step("extension"), Step(source)))
