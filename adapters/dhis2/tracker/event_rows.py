"""Events as CSV: 28 columns, one row for each data value.

The rows of one event follow each other and say the same of it. There is no place for notes and
relationships. A geometry is WKT; only points are read and written. The assigned user is a name.

Servers go by the header only where the import asks for it (`skipFirst=true`), else by position:
28 columns since version 2.43, 30 and 31 before.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from adapters.dhis2.tracker.checks import OLD
from adapters.dhis2.tracker.shapes import GEOMETRY
from adapters.dhis2.tracker.trees import Tree
from adapters.flat.reading import shown
from gateway.errors import SenderError
from gateway.marks import Marks
from gateway.source.cells import CELL, unguarded
from gateway.source.rows import Rows
from gateway.source.tables import delimited

COLUMNS = (
    "event",
    "status",
    "program",
    "programStage",
    "enrollment",
    "orgUnit",
    "occurredAt",
    "scheduledAt",
    "geometry",
    "latitude",
    "longitude",
    "followUp",
    "deleted",
    "createdAt",
    "createdAtClient",
    "updatedAt",
    "updatedAtClient",
    "completedBy",
    "completedAt",
    "updatedBy",
    "attributeOptionCombo",
    "attributeCategoryOptions",
    "assignedUser",
    "dataElement",
    "value",
    "providedElsewhere",
    "createdAtDataValue",
    "updatedAtDataValue",
)
_BEFORE = (*COLUMNS[:25], "storedBy", "providedElsewhere", "storedByDataValue",
           "updatedAtDataValue", "createdAtDataValue")  # fmt: skip
_BY_WIDTH = {
    len(COLUMNS): COLUMNS,
    len(_BEFORE): _BEFORE,
    len(_BEFORE) + 1: (*_BEFORE[:6], "orgUnitName", *_BEFORE[6:]),
}
_OF_VALUES = (*COLUMNS[-5:], "storedByDataValue", "createAtDataValue")
_TITLES = {"event", "program", "programStage", "orgUnit"}
_NUMBER = r"-?[0-9]{1,3}(?:\.[0-9]{1,20})?(?:E-?[0-9]{1,2})?"
_POINT = re.compile(rf"'?POINT ?\( ?({_NUMBER}) ({_NUMBER}) ?\)'?", re.IGNORECASE)
_DEGREES = re.compile(_NUMBER)


def read(content: BinaryIO) -> Iterator[tuple[Tree, str]]:
    """Every event with its place. Raises `SenderError` for another table."""
    event: Tree = {}
    place = ""
    seen = Marks()
    for number, row in _rows(content):
        of_value = (*_OF_VALUES, "storedBy") if "dataElement" in row else _OF_VALUES
        own = {key: value for key, value in row.items() if key not in of_value}
        known = {key: value for key, value in event.items() if key != "dataValues"}
        if event and own.get("event") and own["event"] == event.get("event"):
            if own != known:
                raise SenderError(
                    "rows of one event that differ", rule="dhis2.two_meanings", at=f"row {number}"
                )
        else:
            if event:
                yield _whole(event, place), place
            event, place = own, f"row {number}"
            if "event" in own:
                if own["event"] in seen:
                    raise SenderError(
                        "rows of one event apart from each other",
                        rule="dhis2.scattered",
                        at=place,
                    )
                seen.add(own["event"])
        answer = {key: row[key] for key in of_value if key in row}
        if answer:
            event.setdefault("dataValues", []).append(answer)
    if event:
        yield _whole(event, place), place


def _rows(content: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = Rows(content, delimiter=",")
    names: list[str] = []
    if rows.lettered:
        raise SenderError("a workbook: save it as CSV", rule="dhis2.not_tracker")
    for number, cells in rows:
        at = f"row {number}"
        if not names:
            titled = len(_TITLES.intersection(cells)) > 1
            names = _titles(cells, at) if titled else _untitled(cells, at)
            rows.begin(number, len(names))
            if titled:
                continue
        yield (
            number,
            {name: unguarded(cell) for name, cell in zip(names, cells, strict=False) if cell != ""},
        )
    if not names:
        raise SenderError("there is no content", rule="table.no_header")


def _titles(cells: list[Any], at: str) -> list[str]:
    for name in OLD.intersection(cells):
        raise SenderError(
            "a name of the API before version 2.36", rule="dhis2.before_2_36", at=f"{at}, {name}"
        )
    if len(set(cells)) < len(cells):
        raise SenderError("a column stands twice", rule="table.column_twice", at=at)
    return [
        cell if shown(cell) == cell else f"column-{number}" for number, cell in enumerate(cells, 1)
    ]


def _untitled(cells: list[Any], at: str) -> list[str]:
    if len(cells) not in _BY_WIDTH:
        raise SenderError(
            "without a header, a table of events has 28 columns, or 30 or 31 of older servers",
            rule="dhis2.columns",
            at=at,
        )
    return list(_BY_WIDTH[len(cells)])


def _whole(event: Tree, at: str) -> Tree:
    """The event with its user as JSON has it, and its point as GeoJSON.

    The point is that of its WKT, or of its latitude and longitude.
    """
    if "assignedUser" in event:
        event["assignedUser"] = {"username": event["assignedUser"]}
    stated = event.get(GEOMETRY)
    found = _POINT.fullmatch(stated) if stated else None
    pair = [event.get(name, "") for name in ("longitude", "latitude")]
    point = _point(*pair) if all(_DEGREES.fullmatch(one) for one in pair) else None
    if found:
        event[GEOMETRY] = _point(found[1], found[2])
        if point and point != event[GEOMETRY]:
            raise SenderError(
                "said twice, differently", rule="dhis2.two_meanings", at=f"{at}, {GEOMETRY}"
            )
    elif stated is None and point:
        event[GEOMETRY] = point
    if point and event.get(GEOMETRY) == point:
        del event["longitude"], event["latitude"]
    return event


def _point(longitude: str, latitude: str) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [float(longitude), float(latitude)]}


def kept(event: Tree) -> Tree:
    """What a table can hold of an event."""
    found = {key: value for key, value in event.items() if key in COLUMNS and key != GEOMETRY}
    found = {
        key: value for key, value in found.items() if not isinstance(value, str) or _fits(value)
    }
    user = found.pop("assignedUser", None)
    if user and _fits(user.get("username")):
        found["assignedUser"] = {"username": user["username"]}
    shape = event.get(GEOMETRY)
    if isinstance(shape, Mapping) and shape.get("type") == "Point":
        found[GEOMETRY] = {"type": "Point", "coordinates": shape["coordinates"][:2]}
    answers = [one for one in event.get("dataValues", ()) if _fits(one.get("value", ""))]
    if answers:
        found["dataValues"] = answers
    return found


def _fits(text: Any) -> bool:
    return isinstance(text, str) and len(text) < CELL and "\0" not in text


def written(events: Iterable[Tree]) -> Iterator[bytes]:
    """The table with its header."""
    yield from delimited(_lines(events))


def _lines(events: Iterable[Tree]) -> Iterator[list[str]]:
    yield list(COLUMNS)
    seen = Marks()
    for number, event in enumerate(events, 1):
        if "event" in event and event["event"] in seen:
            raise SenderError("an event twice", rule="dhis2.repeated", at=f"record {number}")
        seen.add(event.get("event", ""))
        own = {key: _cell(key, value) for key, value in event.items() if key != "dataValues"}
        answers: list[Tree] = event.get("dataValues") or [{}]
        for answer in answers:
            row = own | {key: _cell(key, value) for key, value in answer.items()}
            yield [row.get(column, "") for column in COLUMNS]


def _cell(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if key == "assignedUser":
        return str(value["username"])
    if key == GEOMETRY:
        longitude, latitude = value["coordinates"]
        return f"POINT ({longitude!r} {latitude!r})"
    return str(value)
