"""Records to rows: a row for all people of a figure, with men and women in it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from adapters.iom_dtm.columns import (
    ASSESSMENTS,
    BETWEEN,
    COUNTRIES,
    LEVELS,
    NOT_AVAILABLE,
    ORIGIN,
    POPULATION,
    REASON,
    row_of,
)
from adapters.iom_dtm.sums import GENDERS, KIND, figures, records_of
from adapters.leaf_names import NOTHING, changed, leaf_names
from gateway.errors import SenderError
from gateway.marks import Marks
from gateway.record import Record, Writing, load

ONE_PART = frozenset(
    {
        "sector_code", "sector_name", "age_range", "min_age", "max_age", "disabled_marker",
        "category", "severity", "phase",
    }
)  # fmt: skip
"""Fields of a record that is about some of the people only. A row is about all of them."""

Row = dict[str, Any]


class Back:
    """The rows that records become. What they cannot hold is told to `writing`."""

    def __init__(self, records: Iterable[Record], authority: str, writing: Writing) -> None:
        self.count = 0
        """Rows so far."""
        self._records = records
        self._authority = authority
        self._writing = writing
        self._known = Marks()

    def __iter__(self) -> Iterator[Row]:
        """A row is complete when a record of another figure follows."""
        row: Row = {}
        group: list[Record] = []
        for record in self._records:
            head = _head(record)
            if head is not None and row and _part(record, head, group[0]):
                row[GENDERS[record["gender"]]] = record["population"]
                group.append(record)
                continue
            if row:
                yield self._done(row, group)
                row, group = {}, []
            counted = "population" in record or _unknown(record, "population")
            if head is None or record["gender"] != "all" or not counted:
                self._lose(record)
                continue
            row, group = _row(record, head), [record]
        if row:
            yield self._done(row, group)

    def _lose(self, record: Record) -> None:
        for field, value in record.items():
            if field != "record_type" or record["record_type"] != KIND:
                self._writing.unrendered.update(leaf_names(record["record_type"], field, value))

    def _done(self, row: Row, group: list[Record]) -> Row:
        (figure,) = figures([row_of(row, at="written")])
        self.count += 1
        key = repr(figure.first.key)
        if key in self._known:
            raise SenderError(
                "two figures of one operation, place, round and day: a reader would add them up",
                rule="dtm.key_twice",
                at=f"row {self.count}",
            )
        self._known.add(key)
        again = {one["gender"]: one for one in records_of(figure, self._authority)}
        for record in group:
            back = again[record["gender"]]
            for field, value in record.items():
                lost = changed(KIND, field, value, back.get(field, NOTHING))
                self._writing.unrendered.update(lost)
        return row


def _head(record: Record) -> Row | None:
    """What says which figure it is; None for a record that no row can be about."""
    withheld = record.get("withheld", {})
    place = record.get("place", {})
    head = {
        "operation": record.get("operation"),
        "admin0Pcode": place.get("location_code"),
        **{f"{level}Pcode": place.get(f"{level}_code") for level in LEVELS},
        **{f"{level}Name": place.get(f"{level}_name") for level in LEVELS},
        "reportingDate": record.get("reported_on", ""),
        "roundNumber": record.get("reporting_round"),
        "assessmentType": record.get("assessment_type"),
    }
    if (
        record["record_type"] != KIND
        or record.get("population_group") != "IDP"
        or record.get("population_status", "all") != "all"
        or record.get("gender") not in GENDERS
        or ONE_PART & (record.keys() | withheld.keys())
        or head["admin0Pcode"] not in COUNTRIES
        or head["assessmentType"] not in ASSESSMENTS
        or None in (head["operation"], head["roundNumber"])
        or "place" in withheld
    ):
        return None
    if len(head["reportingDate"]) == len("2026-01-02"):
        head["reportingDate"] += "T00:00:00"
    try:
        row_of({**head, POPULATION: None}, at="written")
    except SenderError:
        return None
    return head


def _unknown(record: Record, field: str) -> bool:
    return bool(record.get("absent", {}).get(field) == "unknown")


def _part(record: Record, head: Row, total: Record) -> bool:
    """Whether a record counts the men or women of a figure."""
    return record["gender"] != "all" and "population" in record and head == _head(total)


def _row(record: Record, head: Row) -> Row:
    year, month = head["reportingDate"][:4], head["reportingDate"][5:7]
    origin = record.get("origin_place", {})
    nothing = NOT_AVAILABLE if _unknown(record, "origin_place") else None
    no_reason = NOT_AVAILABLE if _unknown(record, "cause") else None
    places = {
        key: head[key]
        for level in LEVELS
        for key in (f"{level}Name", f"{level}Pcode")
        if head[f"{level}Name"] is not None or head[f"{level}Pcode"] is not None
    }
    labels: Mapping[str, Any] = load("codes/country")["codes"]
    return {
        "operation": head["operation"],
        "admin0Name": labels[head["admin0Pcode"]]["en"],
        "admin0Pcode": head["admin0Pcode"],
        **places,
        POPULATION: record.get("population"),
        "reportingDate": head["reportingDate"],
        "yearReportingDate": int(year),
        "monthReportingDate": int(month),
        "roundNumber": head["roundNumber"],
        REASON: BETWEEN.join(record.get("cause", ())) or no_reason,
        **dict.fromkeys((GENDERS["m"], GENDERS["f"])),
        ORIGIN[1]: origin.get("admin1_name", nothing),
        ORIGIN[0]: origin.get("admin1_code", nothing),
        "assessmentType": head["assessmentType"],
    }
