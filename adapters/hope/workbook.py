"""Records as a workbook of HOPE's."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Any

from adapters.flat.back import Back
from adapters.hope import plans
from adapters.hope.book import EACH
from adapters.hope.fields import COLUMNS
from adapters.hope.joined import ID, ROLES
from adapters.hope.normal import SEVERAL
from adapters.hope.rdi import Headed
from adapters.hope.sheets import (
    EXCEL_ERRORS,
    HOUSEHOLDS,
    INDIVIDUALS,
    PAYMENTS,
    PEOPLE,
    base_of,
    value_of,
)
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.mapping.nodes import values_of
from gateway.record import Record, Writing
from gateway.source.cells import number
from gateway.source.tables import Cell, workbook_of

CAPITALS = frozenset(("relationship", "gender", "sex", "residence_status", "marital_status"))
LABEL = "Household ID - ID"
"""Of the row below the field names; the others repeat the name, with a type behind it."""

WHOLE = re.compile(r"[0-9]{1,150}")
"""Collectors are named by a list of whole numbers: so every household of a workbook has one."""

_POINT = re.compile(r"-?[0-9.]+(?:[eE][+-]?[0-9]+)?( -?[0-9.]+(?:[eE][+-]?[0-9]+)?){1,3}")
_NUMBER = "_no_i_c"
_DOCUMENTS = tuple(f"{name}{_NUMBER}" for name in COLUMNS)
_NUMBERS = frozenset(("integer", "decimal", "number"))


def plan_for(records: Iterable[Record]) -> Plan:
    """The adapter's own plan for these records. Raises `SenderError` where none is for them."""
    best = len(_OWN)
    for record in records:
        best = min(best, _OWN.get(record["record_type"], best))
        if best == 0:
            break
    if best == len(_OWN):
        raise SenderError("no household, person or payment", rule="hope.nothing_to_write")
    return (plans.WORKBOOK, plans.PEOPLE_SHEET, plans.PAYMENT_LIST)[best]


_OWN = {"household": 0, "person": 1, "assistance": 2}


@dataclass(frozen=True, slots=True)
class _Columns:
    """Names of the columns of both sheets, and those that hold numbers or points."""

    own: tuple[str, ...]
    members: tuple[str, ...]
    kinds: Mapping[str, str]
    """Key to converter."""


def written(
    records: Iterable[Record], plan: Plan, writing: Writing, *, own: bool
) -> Iterator[bytes]:
    """The workbook. The records are walked once for each of its sheets."""
    columns = _columns(plan)
    said = Headed(records, own=own)
    back = Back(plan, said)
    rows = _own_rows(back, columns, own=own)
    if plan.record_types[0] == "household":
        if columns.own[0] != ID:
            problem = "the mapping numbers households by another column than household_id"
            raise SenderError(problem, rule="hope.no_household_id")
        members = _member_rows(Back(plan, Headed(records, own=own)), columns)
        sheets = [
            (HOUSEHOLDS, _labelled(columns.own, rows)),
            (INDIVIDUALS, _labelled((ID, *columns.members, *ROLES), members)),
        ]
    elif plan.record_types[0] == "person":
        sheets = [(PEOPLE, _labelled(columns.own, rows))]
    else:
        sheets = [(PAYMENTS, chain([columns.own], rows))]
    yield from workbook_of(sheets)
    back.tell(writing)
    said.tell(writing)


def _labelled(names: Sequence[str], rows: Iterable[list[Cell]]) -> Iterator[Sequence[Cell]]:
    yield names
    yield [LABEL if name == ID else f"{name} - STRING" for name in names]
    yield from rows


def _own_rows(back: Back, columns: _Columns, *, own: bool) -> Iterator[list[Cell]]:
    """The rows of the first sheet. What a reader would understand otherwise is counted as lost."""
    for place, fields in enumerate(back, 1):
        if columns.own[0] == ID and not WHOLE.fullmatch(fields.get(ID, "")):
            problem = "HOPE takes whole numbers only where its sheets name a household"
            raise SenderError(problem, rule="hope.household_id", at=f"household {place}")
        kept = _whole(fields)
        members = kept.get(EACH, [])
        again = _read(kept, columns)
        if isinstance(members, list) and members:
            again[EACH] = [_read(member, columns) for member in members]
        # The adapter's own plan takes codes in capitals and small letters for the same.
        if _plain(again) != _plain(fields) or not own:
            back.compare(fields, again)
        yield [_cell(name, kept.get(name, ""), columns) for name in columns.own]


def _member_rows(objects: Iterable[dict[str, Any]], columns: _Columns) -> Iterator[list[Cell]]:
    for fields in objects:
        home = fields.get(ID, "")
        for member in map(_whole, fields.get(EACH, [])):
            role = _role(member.get(f"{EACH}/role"))
            own = [
                _cell(f"{EACH}/{name}", member.get(f"{EACH}/{name}", ""), columns)
                for name in columns.members
            ]
            yield [home, *own, *(home if role == one else "" for one in ROLES.values())]


def _role(value: Any) -> str:
    role = value.upper() if isinstance(value, str) else ""
    return role if role in ROLES.values() else ""


def _cell(key: str, value: Any, columns: _Columns) -> Cell:
    if not isinstance(value, str) or value in EXCEL_ERRORS or "\0" in value:
        return ""
    name, kind = base_of(key), columns.kinds.get(key, "")
    if name in CAPITALS:
        return value.upper()
    if name in SEVERAL:
        return ",".join(value.upper().split())
    if kind == "point" and _POINT.fullmatch(value):
        return ", ".join(map(_degrees, value.split()[:2]))
    return _number(value) if kind in _NUMBERS else value


def _degrees(text: str) -> str:
    """HOPE takes two numbers with a point in each, and no height."""
    found = format(Decimal(text), "f")
    return found if "." in found else f"{found}.0"


def _whole(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields without the numbers of documents nobody said the country of: HOPE takes none."""
    return {
        key: [_whole(one) for one in value] if isinstance(value, list) else value
        for key, value in fields.items()
        if not key.endswith(_DOCUMENTS) or fields.get(f"{key.removesuffix(_NUMBER)}_issuer_i_c")
    }


def _number(text: str) -> Cell:
    """A number where a spreadsheet keeps its digits, else the text."""
    found = number(text)
    if isinstance(found, int) and str(found) == text:
        return found
    if isinstance(found, Decimal) and format(found, "f") == text:
        return float(found)
    return text


def _read(fields: Mapping[str, Any], columns: _Columns) -> dict[str, Any]:
    """What a reader finds in the cells that these fields are written to."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        if key == EACH:
            continue
        cell = _role(value) if key == f"{EACH}/role" else _cell(key, value, columns)
        known = Decimal(repr(cell)) if isinstance(cell, float) else cell
        found[key] = value_of(key, known, at=str)
    return found


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields without what two spellings of one code differ in."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        if isinstance(value, list):
            found[key] = [_plain(item) for item in value]
        else:
            coded = base_of(key) in CAPITALS | SEVERAL | {"role"}
            found[key] = value.upper() if coded else value
    return found


def _columns(plan: Plan) -> _Columns:
    own: dict[str, None] = {_last(plan.made[0].ids[0].slot): None}
    members: dict[str, None] = {}
    kinds: dict[str, str] = {}
    for made in plan.made:
        level = made.each.slot if made.each else None
        for value, at in values_of(made.body, level):
            source = value.sources[0]
            name = _last(source.slot)
            inside = at is not None and not source.parent
            kinds.setdefault(f"{EACH}/{name}" if inside else name, value.converter.name)
            (members if inside else own).setdefault(name, None)
    for name in ("role", ID, *ROLES):
        members.pop(name, None)
    return _Columns(tuple(own), tuple(members), kinds)


def _last(slot: str) -> str:
    return slot.removeprefix("*/").removeprefix(f"{EACH}/")
