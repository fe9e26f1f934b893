"""Rows to figures: DTM gives one row for each reason and origin, and means the sum of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from adapters.iom_dtm.columns import (
    FEMALES,
    LEVELS,
    MALES,
    MOST,
    ORIGIN,
    POPULATION,
    REASON,
    Key,
    Row,
)
from gateway.errors import SenderError
from gateway.record import Record

KIND = "needs"
GENDERS = {"all": POPULATION, "m": MALES, "f": FEMALES}
"""Gender of a record to the column its population is the sum of."""

LIMIT = 200_000
"""Figures of one answer: places times rounds. The largest real ones have some thousands."""

LINES: Mapping[str, str] = {
    "record_id": "admin0Pcode | result/operation | result/roundNumber | result/reportingDate",
    "place.location_code": "admin0Pcode",
    **{f"place.{level}_code": f"{level}Pcode" for level in LEVELS},
    **{f"place.{level}_name": f"{level}Name" for level in LEVELS},
    "population_group": POPULATION,
    "gender": f"{MALES} | result/{FEMALES}",
    "population": f"{POPULATION} | result/{MALES} | result/{FEMALES}",
    "operation": "operation",
    "reporting_round": "roundNumber",
    "assessment_type": "assessmentType",
    "reported_on": "reportingDate",
    "cause[]": REASON,
    "origin_place.admin1_code": ORIGIN[0],
    "origin_place.admin1_name": ORIGIN[1],
    "absent": f"{POPULATION} | result/{ORIGIN[0]} | result/{REASON}",
    "record_type": POPULATION,
}
"""Leaf to column."""


@dataclass(slots=True)
class Figure:
    """Rows of one operation, place, round, kind of assessment and day, added up so far."""

    first: Row
    counts: dict[str, int | None] = field(default_factory=dict, repr=False)
    """None where any row has no figure: a part of a sum is not the sum."""
    reasons: set[str] = field(default_factory=set, repr=False)
    origins: set[tuple[str | None, str | None]] = field(default_factory=set, repr=False)
    names: dict[str, set[str | None]] = field(default_factory=dict, repr=False)
    given: set[str] = field(default_factory=set)
    """Columns with a count in some row."""

    def add(self, row: Row) -> None:
        """One more row."""
        for column in GENDERS.values():
            number, before = row.counts[column], self.counts.setdefault(column, 0)
            self.counts[column] = None if number is None or before is None else before + number
            if number is not None:
                self.given.add(column)
        self.reasons.update(row.reasons)
        self.origins.add(row.origin)
        for level in LEVELS:
            self.names.setdefault(level, set()).add(row.texts[f"{level}Name"])

    def left(self) -> Iterator[str]:
        """Columns that say something in its rows which its records do not."""
        if len(self.origins) > 1:
            yield from ORIGIN
        for level in LEVELS:
            if len(self.names[level]) > 1:
                yield f"{level}Name"
        yield from (column for column in self.given if self.counts[column] is None)


def figures(rows: Iterable[Row]) -> Iterator[Figure]:
    """Every figure, in the order in which its first row stands. Rounds are never added up."""
    found: dict[Key, Figure] = {}
    for row in rows:
        figure = found.get(row.key)
        if figure is None:
            if len(found) == LIMIT:
                raise SenderError("more figures than one answer may have", rule="dtm.too_many")
            figure = found[row.key] = Figure(row)
        figure.add(row)
    yield from found.values()


def records_of(figure: Figure, authority: str) -> Iterator[Record]:
    """All people of a figure, then men, then women, as far as they were counted."""
    base = _said(figure)
    local = _local(figure.first.key)
    for gender, column in GENDERS.items():
        population = figure.counts[column]
        if population is None and gender != "all":
            continue
        if population is not None and population > MOST:
            raise SenderError("a sum larger than a record holds", rule="dtm.count", at=column)
        absent = {} if population is not None else {"population": "unknown"}
        if figure.origins == {(None, None)} and ORIGIN[0] in figure.first.unknown:
            absent["origin_place"] = "unknown"
        if not figure.reasons and REASON in figure.first.unknown:
            absent["cause"] = "unknown"
        suffix = "" if gender == "all" else f":{gender}"
        yield {
            "record_type": KIND,
            **({"absent": absent} if absent else {}),
            "record_id": f"{authority}/{local}{suffix}",
            **base,
            "gender": gender,
            **({} if population is None else {"population": population}),
        }


def _said(figure: Figure) -> dict[str, Any]:
    row = figure.first
    place: dict[str, Any] = {"location_code": row.texts["admin0Pcode"]}
    for level in LEVELS:
        name = row.texts[f"{level}Name"]
        place[f"{level}_code"] = row.texts[f"{level}Pcode"]
        place[f"{level}_name"] = name if len(figure.names[level]) == 1 else None
    code, name = next(iter(figure.origins)) if len(figure.origins) == 1 else (None, None)
    found = {
        "place": _kept(place),
        "population_group": "IDP",
        "operation": row.texts["operation"],
        "reporting_round": row.counts["roundNumber"],
        "assessment_type": row.texts["assessmentType"],
        "reported_on": row.reported,
        "cause": sorted(figure.reasons),
        "origin_place": _kept({"admin1_code": code, "admin1_name": name}),
    }
    return {key: value for key, value in found.items() if value not in (None, {}, [])}


def _kept(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if value is not None}


def _local(key: Key) -> str:
    local = ":".join("" if one is None else quote(str(one), safe="") for one in key)
    return local if len(local) <= 180 else f"sha256:{sha256(local.encode()).hexdigest()}"
