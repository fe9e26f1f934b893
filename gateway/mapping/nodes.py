"""The nodes a mapping is read into, and what they say about source paths."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.mapping.convert import Converter

Slot = str
"""How a mapping writes a source path, without `../`: an exact path, or `*/name`."""


@dataclass(frozen=True, slots=True)
class Source:
    """One source path of the table."""

    slot: Slot
    parent: bool
    """Looked up in the enclosing object (`../`)."""


@dataclass(frozen=True, slots=True)
class When:
    """A condition on the source object."""

    source: Source
    values: tuple[str | int | bool, ...]

    @property
    def pairs(self) -> tuple[tuple[type, str | int | bool], ...]:
        """The values after their types: 1 is neither true nor `1`."""
        return tuple((value.__class__, value) for value in self.values)


@dataclass(frozen=True, slots=True)
class Missing:
    """Source texts that mean no answer, and why there is none where they say it."""

    texts: frozenset[str] = frozenset()
    reasons: Mapping[str | None, str] = field(default_factory=dict)
    """Source text to reason; the empty text and None (JSON null) may be among them."""
    fold: bool = False

    def holds(self, value: Any) -> bool:
        """Whether an answered value means no answer."""
        if not isinstance(value, str):
            return False
        return (value.lower() if self.fold else value) in self.texts

    def reason(self, value: Any) -> str | None:
        """Why there is no value, where the source says so."""
        if isinstance(value, str):
            return self.reasons.get(value.lower() if self.fold else value)
        return self.reasons.get(None) if value is None else None

    def text_of(self, reason: str) -> tuple[str | None, ...]:
        """The source texts that mean a reason."""
        return tuple(text for text, why in self.reasons.items() if why == reason)


NOTHING_MISSING = Missing()


@dataclass(frozen=True, slots=True)
class Value:
    """A converted value. Several sources must not hold different answers (`mapping.ambiguous`)."""

    sources: tuple[Source, ...]
    converter: Converter
    missing: Missing = NOTHING_MISSING
    when: When | None = None
    top: str = ""
    """The top-level canonical field it is part of."""
    codes: str = ""
    """Name of the code list or table it is held to, for people."""


@dataclass(frozen=True, slots=True)
class Constant:
    """The same for every record."""

    value: str | int | bool
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """The record id of a record made from an item of a repeat."""

    each: Source | None
    """None inside a list that already walks the repeat."""
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Object:
    """A nested object. Left out when nothing in it has a value."""

    fields: Mapping[str, "Node"]
    needs: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A list written out item by item. Items without a value are left out."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Each:
    """A list with one object for each item of a repeat."""

    each: Source
    item: Object


Node = Value | Constant | Member | Object | Listed | Each


@dataclass(frozen=True, slots=True)
class Made:
    """One record type that a source object becomes."""

    record_type: str
    each: Source | None
    body: Object
    ids: tuple[Source, ...] = ()
    without: str = ""
    every: bool = False
    """The id is made of every one of `ids`, not of the first that holds a value."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A mapping, read and checked."""

    id: str
    version: str
    format: str
    authority: str
    digest: str
    """Of the canonical JSON of the table; the log names it."""
    made: tuple[Made, ...]
    title: str = ""
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)
    left: frozenset[str] = frozenset()
    """Source paths left out on purpose."""
    _levels: dict[Slot | None, frozenset[Slot]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    @property
    def record_types(self) -> tuple[str, ...]:
        """The record types this table makes."""
        return tuple(made.record_type for made in self.made)

    def targets(self) -> Mapping[str, str]:
        """Canonical leaf path to the first source path that `back` writes it to."""
        found: dict[str, str] = {}
        for made in self.made:
            if made.ids:
                slots = [source.slot for source in made.ids]
                written = " | ".join(slots if made.every else slots[:1])
                found[f"{made.record_type}.record_id"] = written
            for name, node in made.body.fields.items():
                _target(f"{made.record_type}.{name}", node, found)
        return found

    def levels(self) -> Mapping[Slot | None, frozenset[Slot]]:
        """Which source paths are looked up in the source object (None) and in each repeat."""
        if self._levels:
            return self._levels
        found: dict[Slot | None, set[Slot]] = {None: set()}
        for made in self.made:
            level = made.each.slot if made.each else None
            found[None] |= {source.slot for source in made.ids}
            if level is not None:
                found[None].add(level)
                found.setdefault(level, set())
            for at, slot in _read(made.body, level):
                found.setdefault(at, set()).update(() if slot is None else (slot,))
        self._levels.update((level, frozenset(slots)) for level, slots in found.items())
        return self._levels

    def told(self) -> Mapping[Slot | None, frozenset[Slot]]:
        """The source paths for which a null says why there is no value, by level."""
        found: dict[Slot | None, set[Slot]] = {}
        for made in self.made:
            for value, level in values_of(made.body, made.each.slot if made.each else None):
                if None in value.missing.reasons:
                    for source in value.sources:
                        found.setdefault(_at(source, level), set()).add(source.slot)
        return {level: frozenset(slots) for level, slots in found.items()}

    def fields(self, record_type: str) -> tuple[str, ...]:
        """The top-level canonical fields the table can fill, the record id among them, sorted."""
        for made in self.made:
            if made.record_type == record_type:
                return tuple(sorted({"record_id", *made.body.fields}))
        return ()


def _target(path: str, node: Node, found: dict[str, str]) -> None:
    if isinstance(node, Value):
        many = "[]" if node.converter.many else ""
        found.setdefault(path + many, node.sources[0].slot)
    elif isinstance(node, Object):
        for name, child in node.fields.items():
            _target(f"{path}.{name}", child, found)
    elif isinstance(node, Listed):
        for item in node.items:
            _target(f"{path}[]", item, found)
    elif isinstance(node, Each):
        for name, child in node.item.fields.items():
            _target(f"{path}[].{name}", child, found)


def _read(node: Node, level: Slot | None) -> Iterator[tuple[Slot | None, Slot | None]]:
    """Each source path a node reads, after the level it is looked up in (None: the object)."""
    if isinstance(node, Value):
        yield from ((_at(source, level), source.slot) for source in node.sources)
    if isinstance(node, Each):
        yield from ((None, node.each.slot), (node.each.slot, None))
    if isinstance(node, Member) and node.each:
        level = node.each.slot
        yield from ((None, level), (level, None))
    if isinstance(node, Value | Constant | Member) and node.when:
        yield _at(node.when.source, level), node.when.source.slot
    for child, at in _children(node, level):
        yield from _read(child, at)


def values_of(node: Node, level: Slot | None) -> Iterator[tuple[Value, Slot | None]]:
    """Every value below a node, and the level it is looked up in."""
    if isinstance(node, Value):
        yield node, level
    for child, at in _children(node, level):
        yield from values_of(child, at)


def _children(node: Node, level: Slot | None) -> Iterator[tuple[Node, Slot | None]]:
    if isinstance(node, Object):
        yield from ((child, level) for child in node.fields.values())
    elif isinstance(node, Listed):
        yield from ((item, level) for item in node.items)
    elif isinstance(node, Each):
        yield node.item, node.each.slot


def _at(source: Source, level: Slot | None) -> Slot | None:
    return None if source.parent else level
