"""Households with their individuals, of two sheets: `household_id` says who belongs where.

Where the individuals stand in the order of the households, as in every export, nothing is held
but one household. In any other order all individuals are held, and that has a limit.

Who collects is a list of household ids beside each individual. Somebody without a household of
his own who collects for some stands among the members of the first of them; of everybody who
collects for another household than his own, that household's record says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.hope.sheets import Table, value_of
from gateway.errors import SenderError
from gateway.source.cells import Wrong

HELD = 50_000
"""Individuals that are held where their order is another than that of the households."""

ELSEWHERE = 10_000
"""Individuals who belong to no household, or collect for another one."""

ID = "household_id"
ROLES = {"primary_collector_id": "PRIMARY", "alternate_collector_id": "ALTERNATE"}

Numbered = tuple[int, list[Any]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A sheet that can be read again and again."""

    book: Any
    name: str

    def table(self) -> Table:
        """It, from its beginning."""
        return Table(self.book, self.name, labels=True)


@dataclass(frozen=True, slots=True)
class Collector:
    """Somebody who collects for a household that is not his own."""

    home: str
    """Id of the household among whose members he stands."""
    position: int
    """Among them, from 1: first those without a household, then the others as they come."""
    role: str


@dataclass(frozen=True, slots=True)
class Family:
    """One household."""

    row: Numbered
    members: list[Numbered]
    collectors: list[Collector]
    """Members of other households who collect for it."""


@dataclass(frozen=True, slots=True)
class Away:
    """Somebody who collects for a household that is not his own, or has none."""

    home: str
    number: int
    """Of the row."""
    position: int
    """Among those of the home who stand on the sheet together, or the homeless, from 1."""
    roles: Mapping[str, str]
    homeless: bool = False


@dataclass(slots=True)
class Survey:
    """What must be known of all individuals before the first household is read."""

    in_order: bool = True
    homeless: dict[str, list[Numbered]] = field(default_factory=dict)
    """Rows of those without a household, by the first household they collect for."""
    away: list[Away] = field(default_factory=list)

    def elsewhere(self, positions: Mapping[int, int]) -> dict[str, list[Collector]]:
        """Who collects, by the household. `positions`: row to place, where order says nothing."""
        found: dict[str, list[Collector]] = {}
        for one in self.away:
            place = one.position
            if not one.homeless:
                place = positions.get(one.number, place) + len(self.homeless.get(one.home, ()))
            for other, role in one.roles.items():
                if other != one.home:
                    found.setdefault(other, []).append(Collector(one.home, place, role))
        return found


class _InOrder:
    """Members asked for in the order in which they stand."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._rest = (row for row in table if home_of(table, row))
        self._waiting = next(self._rest, None)
        self.places: Mapping[int, int] = {}

    def of(self, home: str) -> list[Numbered]:
        found: list[Numbered] = []
        while self._waiting is not None and home_of(self._table, self._waiting) == home:
            found.append(self._waiting)
            self._waiting = next(self._rest, None)
        return found

    def left(self) -> bool:
        return self._waiting is not None


class _Held:
    """Members asked for in any order."""

    def __init__(self, table: Table) -> None:
        self._rows: dict[str, list[Numbered]] = {}
        for count, row in enumerate(table):
            if count >= HELD:
                raise _too_many(table, row)
            if home := home_of(table, row):
                self._rows.setdefault(home, []).append(row)
        self.places = {
            row[0]: place for rows in self._rows.values() for place, row in enumerate(rows, 1)
        }

    def of(self, home: str) -> list[Numbered]:
        return self._rows.pop(home, [])

    def left(self) -> bool:
        return bool(self._rows)


def families(households: Opened, individuals: Opened | None) -> Iterator[Family]:
    """Each household with its members. Raises `SenderError` where somebody's household is not."""
    if individuals is None:
        yield from (Family(row, [], []) for row in households.table())
        return
    found = survey(households, individuals)
    members = _InOrder(individuals.table()) if found.in_order else _Held(individuals.table())
    elsewhere = found.elsewhere(members.places)
    awaited = set(found.homeless)
    table = households.table()
    for row in table:
        home = home_of(table, row)
        awaited.discard(home)
        rows = [*found.homeless.get(home, ()), *members.of(home)]
        yield Family(row, rows, elsewhere.pop(home, []))
    if awaited or elsewhere or members.left():
        raise SenderError(
            "an individual of a household that is not on the other sheet",
            rule="hope.no_such_household",
            at=individuals.name,
        )


def home_of(table: Table, row: Numbered) -> str:
    """The household an individual belongs to, or a household's own number. May be empty."""
    return _text(table, row, ID).strip()


def roles_of(table: Table, row: Numbered) -> dict[str, str]:
    """The households somebody collects for, and how."""
    found: dict[str, str] = {}
    for column, role in ROLES.items():
        text = _text(table, row, column)
        for home in text.replace(",", " ").replace(";", " ").split():
            if found.setdefault(home, role) != role:
                raise SenderError(
                    "both primary and alternate collector of one household",
                    rule="hope.collector",
                    at=table.at(row[0], table.header[column]),
                )
    return found


def _text(table: Table, row: Numbered, column: str) -> str:
    number, cells = row
    place = table.header.get(column)
    if place is None or place >= len(cells):
        return ""
    cell = cells[place]
    if isinstance(cell, Wrong):
        raise SenderError(cell.problem, rule=cell.rule, at=table.at(number, place))
    return str(value_of(column, cell, at=lambda: table.at(number, place)))


def survey(households: Opened, individuals: Opened) -> Survey:
    """One walk over all individuals. Raises `SenderError` for somebody who belongs nowhere."""
    found = Survey()
    own = households.table()
    numbers: Iterator[str] = (home_of(own, row) for row in own)
    table = individuals.table()
    last, position = "", 0
    for row in table:
        home, roles = home_of(table, row), roles_of(table, row)
        if not home:
            found.away.append(_homeless(found, table, row, roles))
        else:
            if home != last and found.in_order:
                found.in_order = home in numbers  # Takes what stands before it, and no more.
            position = position + 1 if home == last else 1
            last = home
            if roles.keys() - {home}:
                found.away.append(Away(home, row[0], position, roles))
        if len(found.away) > ELSEWHERE:
            raise _too_many(table, row)
    return found


def _homeless(found: Survey, table: Table, row: Numbered, roles: Mapping[str, str]) -> Away:
    home = next(iter(roles), None)
    if home is None:
        raise SenderError(
            "an individual of no household, who collects for none",
            rule="hope.no_household",
            at=table.at(row[0]),
        )
    beside = found.homeless.setdefault(home, [])
    beside.append(row)
    return Away(home, row[0], len(beside), roles, homeless=True)


def _too_many(table: Table, row: Numbered) -> SenderError:
    return SenderError(
        "too many individuals in another order than their households, or who collect for others",
        rule="hope.order",
        at=table.at(row[0]),
    )
