"""Households with their people and cases, whatever the order of the records.

Records that stand together, a household before its people, are passed on as they come. Others
have to be held until the last is there, and there may not be many of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from adapters.progres.errf.paths import all_of
from gateway.errors import SenderError
from gateway.record import Record

HELD = 20_000
"""Records that do not stand with their household. More of them must."""


@dataclass(slots=True)
class Together:
    """What becomes one case of the form."""

    household: Record = field(repr=False)
    persons: dict[str, Record] = field(default_factory=dict, repr=False)
    """By id, those that the household lists."""
    cases: list[Record] = field(default_factory=list, repr=False)


def grouped(records: Iterable[Record], lost: set[str]) -> Iterator[Together]:
    """Every household in order. `lost` is told every leaf of what belongs to none."""
    return _streamed(records, lost) if _in_order(records) else _held(records, lost)


def members_of(household: Record) -> list[str]:
    """Ids of the people a household lists."""
    return [one["member"] for one in household.get("member_list", ()) if "member" in one]


def _in_order(records: Iterable[Record]) -> bool:
    known: set[str] = set()
    for record in records:
        kind = record["record_type"]
        if kind == "household":
            known = {record["record_id"], *members_of(record)}
        elif kind in _ABOUT and record.get(_ABOUT[kind]) not in known:
            return False
    return True


_ABOUT = {"person": "record_id", "case": "subject"}
"""Whom a record is about."""


def _streamed(records: Iterable[Record], lost: set[str]) -> Iterator[Together]:
    current: Together | None = None
    for record in records:
        kind = record["record_type"]
        if kind == "household":
            if current is not None:
                yield current
            current = Together(record)
        elif current is None or kind not in ("person", "case"):
            lost.update(all_of(record))
        elif kind == "person":
            current.persons[record["record_id"]] = record
        else:
            current.cases.append(record)
    if current is not None:
        yield current


def _held(records: Iterable[Record], lost: set[str]) -> Iterator[Together]:
    households: list[Record] = []
    apart: dict[str, dict[str, list[Record]]] = {kind: {} for kind in _ABOUT}
    for number, record in enumerate(records, 1):
        kind = record["record_type"]
        if number > HELD:
            raise SenderError(
                "too many records apart from their household: put each household before its people",
                rule="errf.apart",
            )
        if kind == "household":
            households.append(record)
        elif kind in apart:
            apart[kind].setdefault(record.get(_ABOUT[kind], ""), []).append(record)
        else:
            lost.update(all_of(record))
    for household in households:
        yield _of(household, apart["person"], apart["case"])
    for several in (*apart["person"].values(), *apart["case"].values()):
        for record in several:
            lost.update(all_of(record))


def _of(
    household: Record, persons: dict[str, list[Record]], cases: dict[str, list[Record]]
) -> Together:
    """What is taken by one household is not there for the next."""
    found = Together(household)
    for one in members_of(household):
        for record in persons.pop(one, ()):
            found.persons[one] = record
    for subject in (household["record_id"], *members_of(household)):
        found.cases += cases.pop(subject, ())
    return found
