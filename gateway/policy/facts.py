"""Looking up, in a question, what a rule looked at.

A path is written as in `agreement.scope.end`. `[]` stands for every item of a list, and for the
class spoken of after `classes`; of a list of items that name a record type or a legal basis, the
items of this class and this request. A path below `taxonomy` is in the tables, and
`[request.purpose]` in it is an entry by the value at that path.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

STEP = re.compile(r"\[([a-z_.]*)\]|([^.\[\]]+)")
MATCHED = ("record_type", "basis")


@dataclass(frozen=True, slots=True)
class Fact:
    """A path and what stands there. Several values of a list are a sorted list."""

    path: str
    value: Any


@dataclass(frozen=True, slots=True)
class Question:
    """A question beside the tables it was answered with."""

    document: Mapping[str, Any]
    tables: Mapping[str, Any]

    def found(self, path: str, at: int | None = None) -> list[Any]:
        """Everything at a path, for the class of that number where one is spoken of."""
        places: list[Any] = [{**self.document, "taxonomy": self.tables}]
        before = ""
        for index, name in STEP.findall(path):
            if name:
                places = [place[name] for place in places if _has(place, name)]
            elif index:
                key = self.one(index, at)
                places = [place[key] for place in places if _has(place, key)]
            else:
                places = self._items(places, before, path, at)
            before = name
        return places

    def one(self, path: str, at: int | None = None) -> Any:
        """The single value at a path, or nothing."""
        found = self.found(path, at)
        return found[0] if len(found) == 1 else None

    def granted(self, record_type: str) -> list[Mapping[str, Any]]:
        """What the agreement says of a record type."""
        items = self.found("agreement.data[]")
        return [
            item
            for item in items
            if isinstance(item, dict) and item.get("record_type") == record_type
        ]

    def _items(self, places: list[Any], before: str, path: str, at: int | None) -> list[Any]:
        items = [item for place in places if isinstance(place, list) for item in place]
        if before == "classes" and at is not None:
            return items[at : at + 1]
        wanted = {"basis": self.one("request.legal_basis")}
        if at is not None:
            wanted["record_type"] = self.one("classes[].record_type", at)
        last = path.rpartition(".")[2]
        for name in MATCHED:
            # Asked for the name itself, all of them answer the question what there is.
            if name in wanted and name != last:
                items = [
                    item
                    for item in items
                    if not isinstance(item, dict) or item.get(name, wanted[name]) == wanted[name]
                ]
        return items


def facts_of(
    question: Question, paths: Iterable[str], at: int | None = None
) -> tuple[tuple[Fact, ...], tuple[str, ...]]:
    """What stands at each path, and the paths at which nothing stands."""
    facts, missing = [], []
    for path in paths:
        found = question.found(path, at)
        if not found:
            missing.append(path)
        elif "[]" in path.replace("classes[]", "" if at is not None else "classes[]"):
            facts.append(Fact(path, _distinct(found)))
        else:
            facts.append(Fact(path, found[0]))
    return tuple(facts), tuple(missing)


def _has(place: Any, key: Any) -> bool:
    return isinstance(place, dict) and isinstance(key, str) and key in place


def _distinct(values: list[Any]) -> list[Any]:
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return [value for at, value in enumerate(flat) if value not in flat[:at]]
