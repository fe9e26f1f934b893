"""One row of the DTM API: what its columns hold, and which figure it is part of."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.errors import SenderError
from gateway.mapping.codes import code_list

NOT_AVAILABLE = "Not available"
"""DTM's text for no value."""

POPULATION, MALES, FEMALES = "numPresentIdpInd", "numberMales", "numberFemales"
REASON = "displacementReason"
ORIGIN = ("idpOriginAdmin1Pcode", "idpOriginAdmin1Name")
LEVELS = ("admin1", "admin2")
TEXTS = (
    "operation", "assessmentType", "admin0Name", "admin0Pcode", "admin1Name", "admin1Pcode",
    "admin2Name", "admin2Pcode", REASON, *ORIGIN,
)  # fmt: skip
COUNTS = (POPULATION, MALES, FEMALES, "roundNumber", "yearReportingDate", "monthReportingDate")
DATE = "reportingDate"
KNOWN = frozenset((*TEXTS, *COUNTS, DATE))

MOST = 10**12
ASSESSMENTS = frozenset({"BA", "SA", "ETT"})
"""Baseline, site assessment, emergency tracking."""

COUNTRIES = code_list("country")
BETWEEN = "; "
"""Between several reasons of one row."""

_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,7})?)?"
)
_MIDNIGHT = re.compile(r"T00:00:00(\.0+)?")

Key = tuple[str | int | None, ...]
"""What must be the same for rows to be parts of one figure."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, checked."""

    texts: Mapping[str, str | None] = field(repr=False)
    counts: Mapping[str, int | None] = field(repr=False)
    reported: str
    """The day; with the time of day where it is not midnight. DTM writes no zone."""
    said: frozenset[str]
    """Columns that are there, empty or not."""
    unknown: frozenset[str]
    """Columns that say in words that nobody knows."""

    @property
    def key(self) -> Key:
        """Operation, place, round, kind of assessment and day: what no sum may go across."""
        places = [self.texts[f"{level}Pcode"] or self.texts[f"{level}Name"] for level in LEVELS]
        return (
            self.texts["admin0Pcode"],
            *places,
            self.texts["operation"],
            self.counts["roundNumber"],
            self.texts["assessmentType"],
            self.reported,
        )

    @property
    def reasons(self) -> Iterator[str]:
        """Each reason by itself."""
        return (one for one in (self.texts[REASON] or "").split(BETWEEN) if one)

    @property
    def origin(self) -> tuple[str | None, str | None]:
        """Code and name of where people came from."""
        return self.texts[ORIGIN[0]], self.texts[ORIGIN[1]]


def row_of(value: Any, *, at: str) -> Row:
    """The row. Raises `SenderError` for one without place, day or round, or with other types."""
    if not isinstance(value, dict):
        raise SenderError("not an object", rule="dtm.row", at=at)
    texts = {name: _text(value.get(name), name, at) for name in TEXTS}
    counts = {name: _count(value.get(name), name, at) for name in COUNTS}
    for name, there in (
        (POPULATION, POPULATION in value),
        ("admin0Pcode", texts["admin0Pcode"] is not None),
        ("roundNumber", counts["roundNumber"] is not None),
    ):
        if not there:
            raise _wrong("a column is missing", "dtm.required", at, name)
    if texts["admin0Pcode"] not in COUNTRIES:
        raise _wrong("not a code of ISO 3166-1", "dtm.code", at, "admin0Pcode")
    if texts["assessmentType"] not in (None, *ASSESSMENTS):
        raise _wrong("a code that DTM does not have", "dtm.code", at, "assessmentType")
    reported = _reported(value.get(DATE), at)
    for name, part in (
        ("yearReportingDate", reported[:4]),
        ("monthReportingDate", reported[5:7]),
    ):
        if counts[name] not in (None, int(part)):
            raise _wrong("another day than the date's", "dtm.date", at, name)
    unknown = frozenset(name for name in TEXTS if value.get(name) == NOT_AVAILABLE)
    return Row(texts, counts, reported, frozenset(value), unknown)


def _text(value: Any, name: str, at: str) -> str | None:
    if value is None or value in ("", NOT_AVAILABLE):
        return None
    if not isinstance(value, str) or not value.strip():
        raise _wrong("not a text", "dtm.text", at, name)
    return value


def _count(value: Any, name: str, at: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 7.0: what tables make of a column that has gaps
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST:
        raise _wrong("not a count", "dtm.count", at, name)
    return value


def _reported(value: Any, at: str) -> str:
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    try:
        date.fromisoformat(found[1] if found else "")
    except ValueError:
        raise _wrong("not a date as DTM writes it", "dtm.date", at, DATE) from None
    day, time = found.groups() if found else ("", None)
    return day if time is None or _MIDNIGHT.fullmatch(time) else f"{day}{time}"


def _wrong(problem: str, rule: str, at: str, column: str) -> SenderError:
    return SenderError(problem, rule=rule, at=f"{at}, {column}")
