"""A `CASE` element to what it says of the case and of each of its individuals.

proGres v4 joins its tables by GUID, v3 by IndividualID. Here every row stands with its individual,
and the joins are gone. Elements may come in any order.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from adapters.progres.errf.tables import (
    CONTACT,
    DOCUMENT,
    GROUP,
    INDIVIDUAL,
    MEMBERSHIP,
    OF_A_PERSON,
    OLD,
    ONCE,
    READ,
    REFERENCE,
    RELATION,
    RESETTLEMENT,
    TABLES,
    UNKNOWN,
    Item,
    Kind,
    Parts,
    Row,
)
from adapters.progres.errf.values import COLLAPSED, NOBODY, check, key_of, said
from gateway.errors import SenderError
from gateway.source.markup import Element, at, children, local, namespace, text

SPACES = ("http://tempuri.org/ElectronicRRF.xsd", "")
"""The same form is sent with the first and with none; the official schemas have none."""

CASE = "CASE"
GROUP_NUMBER = "ProcessingGroupNumber"

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


@dataclass(slots=True)
class Individual:
    """One individual of a case."""

    number: str
    guid: str
    """As the form has it, or made of the number."""
    parts: Parts = field(repr=False)
    place: str = ""
    """For errors."""


@dataclass(slots=True)
class Case:
    """One case of a form."""

    group: Parts = field(repr=False)
    individuals: list[Individual] = field(repr=False)
    resettlement: Parts = field(repr=False)
    applicant: int
    """Position of the individual whom the resettlement data is about."""


@dataclass(slots=True)
class _Found:
    """A row, and where it stood."""

    row: Row = field(repr=False)
    place: str


def shown(name: str) -> str:
    """A name that can be told, or `?`."""
    return name if _NAME.fullmatch(name) else "?"


def broken(problem: str, rule: str, place: str, name: str) -> SenderError:
    """An error about an element."""
    return SenderError(problem, rule=f"errf.{rule}", at=f"{place}, {name}" if place else name)


def case_of(element: Element, unmapped: set[str]) -> Case:
    """Everything of a `CASE`. Raises `SenderError` where its tables do not hold together."""
    tables = _tables(element, unmapped)
    group = _only(tables, GROUP, element).row
    number = group.get(GROUP_NUMBER, UNKNOWN)
    if number == UNKNOWN:
        raise _missing(GROUP_NUMBER, at(element))
    guid = group.get("ProcessingGroupGUID") or key_of(number)
    if guid == key_of(number):
        group.pop("ProcessingGroupGUID", None)
    individuals = [_individual(found) for found in tables.pop(INDIVIDUAL, ())]
    if not individuals:
        raise _missing(INDIVIDUAL, at(element))
    joins = _Joins(individuals)
    for table in (*OF_A_PERSON, DOCUMENT, CONTACT):
        for found in tables.pop(table, ()):
            if {UNKNOWN}.issuperset(found.row.values()):
                continue
            if found.row.pop("ProcessingGroupGUID", guid).casefold() != guid.casefold():
                raise broken("a member of another case", "unjoined", found.place, table)
            joins.put(table, found)
    resettlement = _only(tables, RESETTLEMENT, element)
    applicant = joins.owner(resettlement, RESETTLEMENT)
    parts: Parts = {**resettlement.row}
    references = [
        _reference(found.row, number, guid, position)
        for position, found in enumerate(tables.pop(REFERENCE, ()))
    ]
    parts[REFERENCE] = _telling(REFERENCE, references)
    return Case({**group}, individuals, parts, applicant)


def row_key(guid: str, table: str, position: int) -> str:
    """The GUID of a row that has none of its own: `position` among those of its subject."""
    return key_of(guid, table, str(position))


class _Joins:
    """Which individual a row is about."""

    def __init__(self, individuals: list[Individual]) -> None:
        self._individuals = individuals
        self._guids: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        for position, one in enumerate(individuals):
            for known, name in ((self._guids, one.guid.casefold()), (self._numbers, one.number)):
                if known.setdefault(name, position) != position:
                    raise broken("a person twice", "repeated", one.place, INDIVIDUAL)

    def owner(self, found: _Found, table: str) -> int:
        """Takes the joins out of the row."""
        guid, number = found.row.pop("IndividualGUID", ""), found.row.pop("IndividualID", "")
        positions = set()
        if guid:
            positions.add(self._guids.get(guid.casefold()))
        if number:
            positions.add(self._numbers.get(number))
        owner = positions.pop() if len(positions) == 1 else None
        if owner is None:
            raise broken("about nobody of its case", "unjoined", found.place, table)
        return owner

    def put(self, table: str, found: _Found) -> None:
        """Put a row to its individual."""
        one = self._individuals[self.owner(found, table)]
        rows = one.parts.setdefault(table, [])
        assert isinstance(rows, list)  # noqa: S101 - names of tables are no names of elements
        if table == MEMBERSHIP and rows:
            raise broken("a member twice", "repeated", found.place, table)
        key = row_key(one.guid, table, len(rows))
        row = {name: value for name, value in found.row.items() if value != key}
        rows.extend(_telling(table, [row]))


def _telling(table: str, rows: list[Row]) -> list[Row]:
    """Rows that say something, with only what they say."""
    return [less for row in rows if (less := said(row, READ[table]))]


def _individual(found: _Found) -> Individual:
    row, place = found.row, found.place
    number = row.get("IndividualID", UNKNOWN)
    if number == UNKNOWN:
        raise _missing("IndividualID", place)
    made = key_of(number)
    guid = row.get("IndividualGUID") or made
    if guid == made:
        row.pop("IndividualGUID", None)
    parts: Parts = {**row}
    relation = row.get(RELATION)
    if relation is not None:
        # v3 says here what v4 has a table for.
        del parts[RELATION]
        parts[MEMBERSHIP] = _telling(MEMBERSHIP, [{RELATION: relation}])
    return Individual(number, guid, parts, place)


def made_of(row: Row, number: str, guid: str, position: int) -> Row:
    """The GUIDs of a cross reference and of its two cases, where nobody says them."""
    numbers = (row.get(f"{GROUP_NUMBER}{end}", UNKNOWN) for end in ("From", "To"))
    first, second = (guid if one == number else key_of(one) for one in numbers)
    names = [item.name for item in TABLES[REFERENCE] if item.kind in (Kind.KEY, Kind.JOIN)]
    return dict(zip(names, (row_key(guid, REFERENCE, position), first, second), strict=True))


def _reference(row: Row, number: str, guid: str, position: int) -> Row:
    made = made_of(row, number, guid, position)
    return {name: text for name, text in row.items() if made.get(name) != text}


def _only(tables: Mapping[str, list[_Found]], name: str, element: Element) -> _Found:
    for found in tables.get(name, ()):
        return found
    raise _missing(name, at(element))


def _missing(name: str, place: str) -> SenderError:
    return broken("an element is missing", "required", place, name)


def _tables(element: Element, unmapped: set[str]) -> dict[str, list[_Found]]:
    tables: dict[str, list[_Found]] = {}
    unmapped.update(attributes(element, CASE))
    for child in children(element):
        name = local(child)
        path = f"{CASE}/{shown(name)}"
        if namespace(child) not in SPACES or name not in READ:
            unmapped.update(told(child, path))
            continue
        rows = tables.setdefault(name, [])
        if rows and name in ONCE:
            raise broken("a table with two rows", "repeated", at(child), name)
        rows.append(_Found(_row(child, name, path, unmapped), at(child)))
    return tables


def _row(element: Element, table: str, path: str, unmapped: set[str]) -> Row:
    row: Row = {}
    met: set[str] = set()
    unmapped.update(attributes(element, path))
    for child in children(element):
        name = local(child)
        item = READ[table].get(OLD.get(name, name)) or _joins(table).get(name)
        if namespace(child) not in SPACES or item is None:
            unmapped.update(told(child, f"{path}/{shown(name)}"))
            continue
        if item.name in met:
            raise broken("an element stands twice", "repeated", at(child), item.name)
        met.add(item.name)
        unmapped.update(attributes(child, f"{path}/{name}"))
        value = text(child)
        if item.kind in COLLAPSED:
            value = value.strip()
            if not value and child.get(f"{_XSI}nil") in ("true", "1"):
                continue
        elif not value.strip() or (item.kind in (Kind.KEY, Kind.JOIN) and value in NOBODY):
            continue
        try:
            check(item, value)
        except ValueError:
            raise broken(
                f"not a {item.kind.value}", item.kind.value, at(child), item.name
            ) from None
        row[item.name] = value
    return row


def _joins(table: str) -> Mapping[str, Item]:
    """v3 names the individual by number in every table but those of the case."""
    return {} if table in (GROUP, REFERENCE) else _JOINS


_JOINS = {
    item.name: item
    for item in (READ[INDIVIDUAL]["IndividualID"], READ[RESETTLEMENT]["IndividualGUID"])
}


def attributes(element: Element, path: str) -> Iterator[str]:
    """Attributes that are said, but for those about the file itself."""
    for key in element.attrib:
        if not str(key).startswith(_XSI):
            yield f"{path}/@{shown(str(key).rpartition('}')[2])}"


def told(element: Element, path: str) -> Iterator[str]:
    """Every path at which something is said below an element that is not read."""
    yield from attributes(element, path)
    if element.text and not element.text.isspace():
        yield path
    for child in element:
        yield from told(child, f"{path}/{shown(local(child))}")
