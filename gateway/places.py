"""Administrative ancestry: which area a p-code lies in.

Codes are not prefixes of each other (in 133 published rows they are not even close), so the
parent is looked up in a table and never cut out of a code. The table is COD-AB's: one row for
each area, `Location, Admin Level, P-Code, Name, Parent P-Code`, with or without an HXL row.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import OfficerError

COLUMNS = ("Location", "Admin Level", "P-Code", "Parent P-Code")


@dataclass(frozen=True, slots=True)
class Places:
    """A table of areas: code to its level and its parent's code."""

    areas: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    def level(self, code: str) -> int:
        """The level of `code`, or 0 where the table does not know it."""
        return self.areas.get(code, (0, ""))[0]

    def ancestor(self, code: str, level: int) -> str | None:
        """The area of `level` that `code` lies in, or None where the table does not say."""
        for _ in range(6):
            found = self.areas.get(code)
            if found is None:
                return code if level == 0 and len(code) == 3 and code.isalpha() else None
            if found[0] == level:
                return code
            if found[0] < level:
                return None
            code = found[1]
        return None


def read_places(directory: Path) -> Places:
    """Every `*.csv` of a folder as one table. Raises `OfficerError` with file and line."""
    areas: dict[str, tuple[int, str]] = {}
    for path in sorted(directory.glob("*.csv")):
        try:
            _read(path, areas)
        except (csv.Error, UnicodeDecodeError):
            raise OfficerError("not CSV in UTF-8", rule="places.not_csv", at=path.name) from None
    return Places(areas)


def _read(path: Path, areas: dict[str, tuple[int, str]]) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, strict=True)
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise OfficerError("a column is missing", rule="places.column", at=path.name)
        for row in rows:
            if not (row["Location"] or "").startswith("#"):
                _add(areas, row, f"{path.name}, line {rows.line_num}")


def _add(areas: dict[str, tuple[int, str]], row: Mapping[str, str], at: str) -> None:
    code, parent, level = row["P-Code"], row["Parent P-Code"], row["Admin Level"]
    if not code or not parent or level not in ("1", "2", "3", "4"):
        raise OfficerError(
            "an area needs a code, a parent and a level of 1 to 4", rule="places.row", at=at
        )
    if areas.setdefault(code, (int(level), parent)) != (int(level), parent):
        raise OfficerError("an area stands twice with two parents", rule="places.twice", at=at)
