"""Administrative ancestry: which area a p-code lies in.

Codes are not prefixes of each other (in 133 published rows they are not even close), so the
parent is looked up in a table and never cut out of a code. The table is COD-AB's: one row for
each area, `Location, Admin Level, P-Code, Name, Parent P-Code`, with or without an HXL row and
`Valid from date`. Where an area stands twice under two parents, the row that is valid from the
later day counts. A column `Population` (COD-PS's total of an area) may say how many people live
there; where it is empty, nobody knows.

A code is found whatever its letter case and hyphens: `irq-g01` and `IRQG01` are one. What is
given back is the table's own spelling of an ancestor, and the sender's of the code itself.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import OfficerError

COLUMNS = ("Location", "Admin Level", "P-Code", "Parent P-Code")
SINCE = "Valid from date"
PEOPLE = "Population"
_NUMBER = re.compile(r"[0-9]{1,12}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Places:
    """A table of areas: code to its level and its parent's code."""

    areas: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    people: Mapping[str, int] = field(default_factory=dict)
    """Code to how many people live there, for areas of which it is known."""
    _spelt: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """Matching form of each code to the code as issued."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_spelt", {_matching(code): code for code in self.areas})

    def level(self, code: str) -> int:
        """The level of `code`, or 0 where the table does not know it."""
        found = self._area(code)
        return 0 if found is None else found[0]

    def population(self, code: str) -> int | None:
        """How many people live in the area, or None where the table does not say."""
        found = self.people.get(code)
        return self.people.get(self._spelt.get(_matching(code), "")) if found is None else found

    def _area(self, code: str) -> tuple[int, str] | None:
        return self.areas.get(code) or self.areas.get(self._spelt.get(_matching(code), ""))

    def ancestor(self, code: str, level: int) -> str | None:
        """The area of `level` that `code` lies in, or None where the table does not say."""
        for _ in range(6):
            found = self._area(code)
            if found is None:
                return code if level == 0 and len(code) == 3 and code.isalpha() else None
            if found[0] == level:
                return code
            if found[0] < level:
                return None
            code = found[1]
        return None


def _matching(code: str) -> str:
    return code.upper().replace("-", "")


@dataclass(slots=True)
class _Rows:
    """What the files say, while they are read."""

    areas: dict[str, tuple[int, str]] = field(default_factory=dict)
    since: dict[str, str] = field(default_factory=dict)
    """Day from which the row of a code is valid; empty where it does not say."""
    spelt: dict[str, str] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)


def read_places(directory: Path) -> Places:
    """Every `*.csv` of a folder as one table. Raises `OfficerError` with file and line."""
    rows = _Rows()
    for path in sorted(directory.glob("*.csv")):
        try:
            _read(path, rows)
        except (csv.Error, UnicodeDecodeError):
            raise OfficerError("not CSV in UTF-8", rule="places.not_csv", at=path.name) from None
    return Places(rows.areas, rows.people)


def _read(path: Path, found: _Rows) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, strict=True)
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise OfficerError("a column is missing", rule="places.column", at=path.name)
        for row in rows:
            if not (row["Location"] or "").startswith("#"):
                _add(found, row, f"{path.name}, line {rows.line_num}")


def _add(found: _Rows, row: Mapping[str, str], at: str) -> None:
    code, parent, level = row["P-Code"], row["Parent P-Code"], row["Admin Level"]
    if not code or not parent or level not in ("1", "2", "3", "4"):
        raise OfficerError(
            "an area needs a code, a parent and a level of 1 to 4", rule="places.row", at=at
        )
    since = row.get(SINCE) or ""
    if since and not _DAY.fullmatch(since):
        raise OfficerError("not a day, YYYY-MM-DD", rule="places.date", at=at)
    if found.spelt.setdefault(_matching(code), code) != code:
        raise OfficerError("an area stands in two spellings", rule="places.twice", at=at)
    people = row.get(PEOPLE) or ""
    if people and not _NUMBER.fullmatch(people):
        raise OfficerError("not a whole number of people", rule="places.population", at=at)
    area, known = (int(level), parent), found.areas.get(code)
    if known == area:
        newer = since > found.since[code]
        found.since[code] = max(since, found.since[code])
    elif known is None or (since and since > found.since[code] > ""):
        newer = True
        found.areas[code], found.since[code] = area, since
    elif since and since < found.since[code]:
        return
    else:
        raise OfficerError("an area stands twice with two parents", rule="places.twice", at=at)
    if people:
        _count(found, code, int(people), newer)


def _count(found: _Rows, code: str, people: int, newer: bool) -> None:
    # Where two rows of one day disagree, the smaller number protects more.
    before = found.people.get(code, people)
    found.people[code] = people if newer else min(before, people)
