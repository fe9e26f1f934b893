"""Flat fields into records and back, line by line of a table."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from adapters.flat.reading import shown
from adapters.primero.facts import is_hidden
from adapters.progres.referral.fields import Item
from adapters.progres.referral.places import NOTHING, Pair
from gateway.errors import SenderError
from gateway.record import Reading

Fields = Mapping[str, Any]
WITHHELD = "*******"
"""What Primero's GBV module writes for what a role may not see. Versions differ in how many."""


class Told:
    """What is told of a payload while it is read."""

    def __init__(self, reading: Reading, renamed: Mapping[str, str] | None = None) -> None:
        self._reading = reading
        self._renamed = renamed or {}
        """Fields of a table that stand under another name in the payload."""

    def line(self, leaf: str, source: str) -> None:
        """Where a leaf came from."""
        self._reading.lineage[leaf] = self._renamed.get(source, source)

    def left(self, fields: Fields, known: Collection[str]) -> None:
        """Every field with something in it that no table knows."""
        self._reading.unmapped.update(
            shown(key) for key, value in fields.items() if key not in known and not nothing(value)
        )

    def left_behind(self, key: str) -> None:
        """One part of a field that is not taken."""
        self._reading.unmapped.add(shown(key))


def nothing(value: Any) -> bool:
    """Whether a field has no value. Gateways leave it out, or write null or a text of nothing.

    A partner's script joins six levels of an address with spaces, where there is none of them too.
    """
    return value is None or (isinstance(value, str) and not value.strip())


def sources(table: Iterable[Item]) -> frozenset[str]:
    """Every field a table knows."""
    return frozenset(source for item in table for source in item.sources)


def fill(fields: Fields, table: Iterable[Item], pair: Pair, told: Told, at: str) -> None:
    """Read what a table knows. Raises `SenderError` for what a field does not allow."""
    taken: set[str] = set()
    met: dict[str, Item] = {}
    for item in table:
        source, value = _found(fields, item, at)
        if nothing(value):
            continue
        met.setdefault(source, item)
        if is_hidden(value):
            _withhold(pair, item)
            taken.add(source)
        elif item.kind.accepts(value):
            taken.add(source)
            item.place.put(pair, _read(item, value, f"{at}, {source}"))
            for leaf in item.place.leaves:
                told.line(leaf, source)
    for source, item in met.items():
        if source not in taken:
            rule = item.kind.rule if isinstance(fields[source], str) else "text"
            raise SenderError(
                "not what stands in this field", rule=f"progres.{rule}", at=f"{at}, {source}"
            )


def _found(fields: Fields, item: Item, at: str) -> tuple[str, Any]:
    """The name under which a field stands, and its value. Two names may not disagree."""
    said = [(source, fields[source]) for source in item.sources if not nothing(fields.get(source))]
    if len({repr(value) for _, value in said}) > 1:
        raise contradiction(f"{at}, {said[0][0]}")
    return said[0] if said else (item.sources[0], None)


def contradiction(at: str) -> SenderError:
    """Two values for one field: which one is true cannot be known here."""
    return SenderError("two values for what is one", rule="progres.contradiction", at=at)


def _read(item: Item, value: Any, at: str) -> Any:
    try:
        return item.kind.read(value)
    except ValueError:
        raise SenderError(
            "not what stands in this field", rule=f"progres.{item.kind.rule}", at=at
        ) from None


def _withhold(pair: Pair, item: Item) -> None:
    record = pair.setdefault(item.place.record, {})
    if item.place.field != "extension":
        record.setdefault("absent", {})[item.place.field] = "withheld"


def settled(pair: Pair) -> None:
    """A field that has a value after all is not absent."""
    for record in pair.values():
        absent = record.get("absent", {})
        for field in [field for field in absent if field in record]:
            del absent[field]
        if absent == {}:
            record.pop("absent", None)


def flat_of(pair: Pair, table: Iterable[Item]) -> dict[str, Any]:
    """What a table can write of two records: only what it would read again as the same."""
    fields: dict[str, Any] = {}
    for item in table:
        value = item.place.get(pair)
        source = item.sources[0]
        if value is NOTHING:
            continue
        try:
            written = item.kind.write(value, fields.get(source))
            if not item.kind.accepts(written) or nothing(written):
                continue
            item.kind.read(written)
        except ValueError:
            continue
        if not is_hidden(written):
            fields[source] = written
    return fields
