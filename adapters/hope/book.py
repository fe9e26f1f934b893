"""Workbooks to records: a registration of households, of people, or a list of payments."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from adapters.hope import plans
from adapters.hope.joined import ID, ROLES, Family, Opened, families, home_of, roles_of
from adapters.hope.normal import forbidden
from adapters.hope.sheets import Cells, Table, sheets_in
from adapters.hope.told import Taken
from gateway.mapping import Plan
from gateway.record import Reading, Record
from gateway.source.workbook import Workbook

EACH = "individuals"


def rows(content: BinaryIO, given: Plan | None, reading: Reading) -> Iterator[Record]:
    """Every record of a workbook. Raises `SenderError` for one that is none of HOPE's."""
    book = Workbook(content)
    found = sheets_in(book)
    taken = Taken(reading, own=given is None)
    if found.payments is not None:
        plan = given or plans.PAYMENT_LIST
        yield from _plain(Table(book, found.payments, labels=False), plan, taken, reading)
    elif found.people is not None:
        plan = given or plans.PEOPLE_SHEET
        yield from _plain(Table(book, found.people, labels=True), plan, taken, reading)
        if found.individuals is not None:
            _leave(Table(book, found.individuals, labels=True), reading)
    elif found.households is not None:
        own = Opened(book, found.households)
        inner = None if found.individuals is None else Opened(book, found.individuals)
        yield from _families(own, inner, given or plans.WORKBOOK, taken, reading)
    taken.tell()


def _plain(table: Table, plan: Plan, taken: Taken, reading: Reading) -> Iterator[Record]:
    cells = Cells(table, _mapped(table, plan, taken), reading)
    for number, row in table:
        fields = cells.fields(number, row)
        if plan is plans.PAYMENT_LIST:
            _judge(fields)
        yield from taken.read(plan, fields, at=table.at(number))


def _judge(payment: dict[str, Any]) -> None:
    """A delivered quantity below 0 is HOPE's sign for a failure, whatever status stood there."""
    if payment.get("delivered_quantity", "").startswith("-"):
        payment |= {"delivered_quantity": "", "status": "", "outcome": "transaction erroneous"}


def _leave(table: Table, reading: Reading) -> None:
    """Beside people, the sheet of individuals is not read. What stands on it is told."""
    cells = Cells(table, {}, reading, f"{EACH}/")
    for number, row in table:
        cells.fields(number, row)


def _families(
    households: Opened, individuals: Opened | None, plan: Plan, taken: Taken, reading: Reading
) -> Iterator[Record]:
    table = households.table()
    own = Cells(table, _mapped(table, plan, taken), reading)
    inner = members = None
    if individuals is not None:
        inner = individuals.table()
        keys = _mapped(inner, plan, taken, f"{EACH}/")
        members = Cells(inner, keys, reading, f"{EACH}/", consumed=frozenset((ID, *ROLES)))
    for family in families(households, individuals):
        number, cells = family.row
        fields = own.fields(number, cells)
        if inner is not None and members is not None:
            home = home_of(table, family.row)
            fields[EACH] = [
                {**members.fields(*row), f"{EACH}/role": roles_of(inner, row).get(home, "")}
                for row in family.members
            ]
        found = taken.read(plan, fields, at=table.at(number))
        _collected(found[0], family, plan, reading)
        taken.meet(found[0])
        yield from found


def _collected(household: Record, family: Family, plan: Plan, reading: Reading) -> None:
    """Members of other households who collect for this one, in its list of members."""
    if household["record_type"] != "household":
        return
    for one in family.collectors:
        household.setdefault("member_list", []).append(
            {
                "member": f"{plan.authority}/{one.home}.{one.position}",
                "collector": one.role.lower(),
            }
        )
        reading.lineage.update(
            {
                "household.member_list[].member": EACH,
                "household.member_list[].collector": " | ".join(f"{EACH}/{key}" for key in ROLES),
            }
        )


def _mapped(table: Table, plan: Plan, taken: Taken, prefix: str = "") -> Mapping[str, str]:
    """Columns that a plan reads, and the key of each."""
    return {
        name: prefix + name
        for name in table.header
        if taken.names(plan, prefix + name) and not forbidden(name)
    }
