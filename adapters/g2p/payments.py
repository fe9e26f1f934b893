"""Disbursements to records of assistance, and back."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from adapters.g2p.fields import NEEDED, OTHERS, SCHEDULED
from adapters.leaf_names import NOTHING, changed
from adapters.spdci.found import Found
from adapters.spdci.naming import joined
from adapters.spdci.written import items
from gateway.errors import SenderError
from gateway.marks import Marks
from gateway.record import Reading, Record, Writing

_TYPE = "assistance"
_PATH = "disbursements[]"


class Disbursement(Found):
    """One payment in a message."""

    rules = "g2p"


def payment(found: Found, authority: str) -> Record:
    """The record of a payment. Raises `SenderError` for one that could not be made."""
    fields: dict[str, Any] = {}
    found.read((*NEEDED, SCHEDULED, *OTHERS), f"{_TYPE}.", fields)
    for item in NEEDED:
        if item.field not in fields:
            raise found.error("a payment lacks what it needs", "required", item.names[0])
    found.reading.lineage[f"{_TYPE}.record_id"] = f"{_PATH}.reference_id"
    found.left()
    record_id = f"{authority}/{joined((fields['benefit_id'],))}"
    return {"record_type": _TYPE, "record_id": record_id, **fields}


class Payments:
    """Payments as they are written, and what becomes of each leaf.

    `sender` is whose numbers a reader will take the references for.
    """

    def __init__(self, sender: str, writing: Writing) -> None:
        self._sender = sender
        self._writing = writing
        self._references = Marks()

    def written(self, records: Iterable[Record]) -> Iterator[dict[str, Any]]:
        """Every payment. Raises `SenderError` for one that could be made otherwise than meant."""
        number = 0
        for record in records:
            if record["record_type"] == _TYPE:
                number += 1
                yield self._payment(record, f"record {number}")
            else:
                self._tell(record, {}, {})

    def _payment(self, record: Record, at: str) -> dict[str, Any]:
        made = items(record, NEEDED)
        for item in NEEDED:
            if item.names[0] not in made:
                raise _refused("a payment lacks what it needs", "required", at, item.names[0])
        if made["reference_id"] in self._references:
            raise _refused("two payments of one reference", "reference_twice", at, "reference_id")
        self._references.add(made["reference_id"])
        made |= items(record, (SCHEDULED,))
        held = SCHEDULED.field in record or SCHEDULED.field in record.get("withheld", {})
        if held and SCHEDULED.names[0] not in made:
            raise _refused(
                "a payment is not to be made at once, and its moment cannot be written",
                "scheduled",
                at,
                SCHEDULED.names[0],
            )
        made |= items(record, OTHERS)
        reading = Reading()
        back = payment(Disbursement(made, _PATH, at, reading), self._sender)
        self._tell(record, back, reading.lineage)
        return made

    def _tell(self, record: Record, back: Mapping[str, Any], lineage: Mapping[str, str]) -> None:
        for field, value in record.items():
            lost = changed(record["record_type"], field, value, back.get(field, NOTHING))
            self._writing.unrendered.update(lost)
        self._writing.lineage.update(lineage)


def _refused(problem: str, rule: str, at: str, name: str) -> SenderError:
    return SenderError(problem, rule=f"g2p.{rule}", at=f"{at}, {name}")
