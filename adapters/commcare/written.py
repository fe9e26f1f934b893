"""Records turned back into flat keys, and what became of each canonical leaf."""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from adapters.commcare.cases import Fields
from adapters.commcare.scope import CASE_KEYS, CASE_TYPE, Scope
from gateway.errors import OfficerError, SenderError
from gateway.mapping import Plan, destinations, slots_of, write_back
from gateway.marks import Marks
from gateway.record import Leaf, Record, Writing, leaves, walk

NAME = re.compile(r"(?![Xx][Mm][Ll])[A-Za-z_][A-Za-z0-9_.-]{0,199}")
"""What HQ takes as the name of a property, an index or a question: an element name of XML."""

_NOTHING = object()


class Written:
    """One answer being written. Raises `SenderError` where a case could not be told again."""

    def __init__(self, plan: Plan, records: Iterable[Record], writing: Writing) -> None:
        self.plan = plan
        self.scope = Scope(plan)
        self._records = records
        self._writing = writing
        self._lost: set[str] = set()
        self._targets = destinations(plan)
        self._slots = slots_of(plan)
        self._present: set[str] = set()
        self._unseen: dict[str, list[tuple[str, Leaf]]] = {}
        self._ids = Marks()
        types = self.scope.types if self.scope.cases else ()
        written = CASE_TYPE in self._targets.values()
        self._type = next(iter(types)) if len(types) == 1 and not written else ""
        """The case type of all of them, where the mapping says it beside what records hold."""

    def objects(self) -> Iterator[Fields]:
        """The flat keys of every source object the records make."""
        for fields in write_back(self.plan, self._watched(), self._lost):
            if self._type:
                fields.setdefault(CASE_TYPE, self._type)
            yield self._told(fields)

    def _told(self, fields: Fields) -> Fields:
        """Without texts of nothing but white space, which CommCare takes for no answer."""
        kept: Fields = {}
        for key, value in fields.items():
            if isinstance(value, list):
                kept[key] = [self._told(item) for item in value]
            elif isinstance(value, str) and value and not value.strip():
                self.lose(key)
            else:
                kept[key] = value
        return kept

    def once(self, name: str, at: str) -> None:
        """Refuse a second case of one id. HQ would make two cases of it."""
        if name in self._ids:
            raise SenderError("the same case twice", rule="commcare.case_twice", at=at)
        self._ids.add(name)

    def property_of(self, key: str) -> str:
        """The property a key of a case is written to; empty for what is none."""
        place, _, rest = key.partition("/")
        if place == "properties" and rest:
            return name(rest, self.scope)
        # `*/dob` is written as `dob`.
        return "" if rest or self.scope.says(key) or key in CASE_KEYS else name(key, self.scope)

    def lose(self, key: str) -> None:
        """A key this form of content has no place for."""
        last = key.rsplit("/", 1)[-1]
        for leaf, slots in self._slots.items():
            if key in slots or f"*/{last}" in slots:
                self._lost.add(leaf)
        for leaf, slot in self._targets.items():
            # Of an id, which is no value of a line.
            if key in slot.split(" | ") or f"*/{last}" in slot.split(" | "):
                self._lost.add(leaf)

    def finish(self) -> None:
        """Tell where each leaf went. Called when everything is written."""
        for leaf in sorted(self._present - self._lost):
            self._writing.lineage[leaf] = self._targets[leaf]
        self._writing.unrendered.update(self._lost)

    def _watched(self) -> Iterator[Record]:
        for record in self._records:
            record_type = record["record_type"]
            unseen = self._unseen.get(record_type)
            if unseen is None:
                unseen = self._unseen[record_type] = [
                    (name, leaf)
                    for leaf in leaves(record_type).values()
                    if (name := f"{record_type}.{leaf.name}") in self._targets
                ]
            for pair in [one for one in unseen if _has(record, one[1])]:
                self._present.add(pair[0])
                unseen.remove(pair)
            yield record


def _has(record: Record, leaf: Leaf) -> bool:
    return next(walk(record, leaf.path), _NOTHING) is not _NOTHING


def text(value: Any, at: str) -> str:
    """A value as CommCare holds all of them: text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    raise SenderError("not one value", rule="commcare.not_text", at=at)


def name(word: str, scope: Scope) -> str:
    """A word as HQ takes it for a name. The mapping wrote it, so its owner must mend it."""
    if not NAME.fullmatch(word):
        raise OfficerError("not a name that CommCare takes", rule="commcare.name", at=scope.plan.id)
    return word


def parents_first(fields: Fields, written: Written, at: str) -> Iterator[tuple[Fields, str]]:
    """A case, and after it the cases it holds as children, each with a place.

    A child that names no index is given one: `parent`, to the case that holds it.
    """
    repeats = {key for key in fields if key == "child_cases" or key.startswith("child_cases/")}
    yield {key: value for key, value in fields.items() if key not in repeats}, at
    number = 0
    for key in sorted(repeats):
        for item in fields[key]:
            number += 1
            child = {_inner(name, key): value for name, value in item.items()}
            kind = key.removeprefix("child_cases").removeprefix("/")
            if kind:
                child.setdefault(CASE_TYPE, kind)
            if not any(name.startswith("indices/") for name in child):
                child |= _index(fields, at)
            yield child, f"{at}, child {number}"


def _inner(key: str, repeat: str) -> str:
    for prefix in (f"{repeat}/", "child_cases/"):
        if key.startswith(prefix):
            return key.removeprefix(prefix)
    return key


def _index(parent: Mapping[str, Any], at: str) -> Fields:
    kind = parent.get(CASE_TYPE)
    if not kind:
        raise SenderError(
            "a case with children, and no case type to point to", rule="commcare.no_type", at=at
        )
    own = "case_id" if parent.get("case_id") else "external_id"
    value = parent.get("case_id") or parent.get("properties/external_id")
    return {
        f"indices/parent/{own}": value,
        "indices/parent/case_type": kind,
        "indices/parent/relationship": "child",
    }


def indices(fields: Fields, written: Written) -> dict[str, dict[str, str]]:
    """The indices of a case: name to `case_id` or `external_id`, `case_type`, `relationship`.

    HQ takes no index without a case type. One that has none is left out, and told as lost.
    """
    found: dict[str, dict[str, str]] = {}
    for key, value in fields.items():
        if key.startswith("indices/") and value != "":
            _, index, kind = key.split("/", 2)
            parts = found.setdefault(name(index, written.scope), {})
            if kind == "record_id":
                kind = "case_id"
                authority, value = value.split("/", 1)
                if authority != written.plan.authority:
                    written.lose(key)
                    continue
            parts[kind] = text(value, index)
    for index, parts in list(found.items()):
        if "case_type" not in parts or not parts.keys() & {"case_id", "external_id"}:
            del found[index]
            for kind in (*parts, "record_id"):
                written.lose(f"indices/{index}/{kind}")
        else:
            # The relationship of an index that names none (case XML 2.0).
            parts.setdefault("relationship", "child")
    return found
