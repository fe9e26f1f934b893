"""Writing records back as they come, with no more of them held than are out of order.

A root record is written as soon as every member it lists has been seen. What was written is
read again and compared, so that nothing is lost without a word.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import GatewayError, SenderError
from gateway.mapping.back import linked, written
from gateway.mapping.nodes import Plan
from gateway.mapping.reader import Reader, reader_of
from gateway.record import Record, leaves, structural, walk


@dataclass(slots=True)
class _Root:
    """A root record, the members found for it, and those still to come."""

    record: Record = field(repr=False)
    members: dict[str, Record] = field(default_factory=dict, repr=False)
    missing: set[str] = field(default_factory=set, repr=False)


class _Waiting:
    """Members without their root, and roots without their members."""

    def __init__(self) -> None:
        self.members: dict[str, Record] = {}
        self.roots: dict[int, _Root] = {}
        self._wanted: dict[str, list[int]] = {}
        self._count = 0

    def root(self, record: Record, listed: Iterable[str]) -> _Root | None:
        """Take in a root record; itself where nothing it lists is missing."""
        root = _Root(record)
        for member in listed:
            if member in self.members:
                root.members[member] = self.members.pop(member)
            elif member not in root.members:
                root.missing.add(member)
        if not root.missing:
            return root
        self._count += 1
        self.roots[self._count] = root
        for member in root.missing:
            self._wanted.setdefault(member, []).append(self._count)
        return None

    def member(self, record: Record) -> _Root | None:
        """Take in a member; the root that is complete with it, if one is.

        A member that two roots list stands in the one that came first.
        """
        name = record["record_id"]
        numbers = self._wanted.get(name)
        if not numbers:
            self.members[name] = record
            return None
        number = numbers.pop(0)
        if not numbers:
            del self._wanted[name]
        root = self.roots[number]
        root.members[name] = record
        root.missing.discard(name)
        return None if root.missing else self.roots.pop(number)


def write_back(plan: Plan, records: Iterable[Record], lost: set[str]) -> Iterator[dict[str, Any]]:
    """Source objects for `records`, each as soon as it is complete.

    `lost` is told the canonical leaf paths that did not fit, and is complete when the iterator
    ends. The same records in the same order give the same objects in the same order. Members
    that no root lists are lost; so is a member's second record.
    """
    reader = reader_of(plan)
    waiting = _Waiting()
    kinds = {made.record_type for made in plan.made[1:]}
    for record in records:
        if record["record_type"] == plan.made[0].record_type:
            listed = [member for _, member in linked(plan.made[0], record)] if kinds else []
            root = waiting.root(record, listed)
        elif record["record_type"] not in kinds:
            lost |= _names(record)
            continue
        else:
            if record["record_id"] in waiting.members:
                lost |= _names(waiting.members.pop(record["record_id"]))
            root = waiting.member(record)
        if root is not None:
            yield _object(plan, reader, root, lost)
    for root in waiting.roots.values():
        yield _object(plan, reader, root, lost)
    for record in waiting.members.values():
        lost |= _names(record)


def _object(plan: Plan, reader: Reader, root: _Root, lost: set[str]) -> dict[str, Any]:
    found, carried = written(plan, root.record, root.members, lost)
    lost |= _changed([root.record, *carried], _again(reader, root.record, found, lost))
    return found


def _again(
    reader: Reader, record: Record, found: Mapping[str, Any], lost: set[str]
) -> list[Record]:
    try:
        return reader.read(found, at="written")
    except SenderError as error:
        if error.rule != "mapping.no_id" or not reader.plan.made[0].every:
            raise _unread() from None
    # Something that the id was made of did not leave. All else can still be compared.
    lost.add(f"{record['record_type']}.record_id")
    try:
        return reader.read(found, at="written", base=record["record_id"])
    except SenderError:
        raise _unread() from None


def _unread() -> GatewayError:
    return GatewayError("the mapping cannot read what it wrote", rule="mapping.not_read_back")


def _names(record: Record) -> set[str]:
    """Leaf paths of everything a record has, but what says which type it is."""
    record_type = record["record_type"]
    return {
        f"{record_type}.{leaf.name}"
        for leaf in leaves(record_type).values()
        if not (leaf.path[0] in structural(record_type) and leaf.spec.get("type") != "object")
        and any(True for _ in walk(record, leaf.path))
    }


def _changed(before: Sequence[Record], after: Sequence[Record]) -> set[str]:
    """Leaf paths of records that the table reads otherwise than they were."""
    renamed = {
        old["record_id"]: new["record_id"]
        for old, new in zip(before, after, strict=True)
        if old["record_id"] != new["record_id"]
    }
    found: set[str] = set()
    for old, new in zip(before, after, strict=True):
        if old == new and not renamed:
            continue
        for leaf in leaves(old["record_type"]).values():
            was, now = list(walk(old, leaf.path)), list(walk(new, leaf.path))
            if leaf.spec.get("x-ref") and leaf.path != ("record_id",):
                was = [renamed.get(one, one) for one in was]
            if was and was != now and sorted(map(_spelled, was)) != sorted(map(_spelled, now)):
                found.add(f"{old['record_type']}.{leaf.name}")
    return found


def _spelled(value: Any) -> str:
    """The same text for objects that differ only in the order of their keys."""
    return repr(sorted(value.items())) if isinstance(value, dict) else repr(value)
