"""Which records one render writes, so that references to them can be followed.

A list of records is looked through once and remembered. A stream may be longer than memory, so
of it only marks are kept, eight bytes a record. Two texts with one mark are as good as
impossible; were there two, a reference would name a resource that is not there.
"""

import hashlib
import uuid
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from adapters.fhir_r4.case_writers import RESOURCES
from gateway.errors import SenderError
from gateway.marks import Marks
from gateway.record import Record

_NAMESPACE: Mapping[str, bytes] = {
    "Patient": uuid.UUID("5a0f7a52-5b0e-4c67-9a51-5a8f2d1f6d10").bytes,
    "Group": uuid.UUID("0d9d0c1e-7d0c-4b8d-8f6e-3b1f5b0c2a47").bytes,
    "RelatedPerson": uuid.UUID("b7e6b0f4-2f0a-4f7b-9b65-8f0f6f1f9c33").bytes,
    "Location": uuid.UUID("e1e2a4c6-8f43-4b0b-a1c5-27d8c5f0f2de").bytes,
    "ServiceRequest": uuid.UUID("7b4a52c5-0b3a-4c0c-9df4-55f3a5c1b8a1").bytes,
    "Task": uuid.UUID("2c1de0f6-4f7e-4bb0-8f6b-0f9a1b2c3d4e").bytes,
    "Encounter": uuid.UUID("c0a4f3b2-9d1e-4a5b-8c7d-6e5f4a3b2c1d").bytes,
    "Observation": uuid.UUID("f3b1c2d4-6a5e-4f70-9182-a3b4c5d6e7f8").bytes,
}
"""Fixed for ever: the same record gets the same resource id in every transfer."""

_KINDS: Mapping[str, tuple[str, ...]] = {
    "person": ("Patient",),
    "household": ("Group",),
    "facility": ("Location",),
    "case": ("ServiceRequest", *RESOURCES.values()),
}
_RECENT = 1 << 17
"""Ids kept as they are before they become marks: sorting marks for each would cost too much."""


def kind_of(record: Record) -> str:
    """The type of the resource a record becomes. Raises `SenderError` for one FHIR has none for."""
    record_type = record["record_type"]
    if record_type not in _KINDS:
        raise SenderError("FHIR has no resource for this record type", rule="fhir.record_type")
    if record_type == "case":
        return RESOURCES.get(record.get("case_type", ""), "ServiceRequest")
    return _KINDS[record_type][0]


def id_of(kind: str, name: str) -> str:
    """The resource id for a name. UUID version 5 (RFC 9562, 5.5)."""
    # By hand: several times faster than `uuid.uuid5`.
    digest = hashlib.sha1(_NAMESPACE[kind] + name.encode(), usedforsecurity=False)
    text = digest.hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def _key(kind: str, record_id: str) -> str:
    return f"{kind} {record_id}"


class Present:
    """The records of one render: their resource ids, and which of them are there at all."""

    def __init__(self, records: Iterable[Record], address: Callable[[str, str], str]) -> None:
        self._address = address
        self._ids: dict[str, str] = {}
        self._marks: Marks | None = None
        self._repeated = array("Q")
        if isinstance(records, Sequence):
            self._remember(records)
        else:
            self._mark(records)

    def _remember(self, records: Sequence[Record]) -> None:
        ids = self._ids
        for number, record in enumerate(records):
            kind, record_id = kind_of(record), record["record_id"]
            key = f"{kind} {record_id}"
            if key in ids:
                self._repeated.append(number)
            else:
                ids[key] = id_of(kind, record_id)

    def _mark(self, records: Iterable[Record]) -> None:
        marks = self._marks = Marks()
        recent: set[str] = set()
        for number, record in enumerate(records):
            key = _key(kind_of(record), record["record_id"])
            if key in recent or key in marks:
                self._repeated.append(number)
                continue
            recent.add(key)
            if len(recent) == _RECENT:
                _move(recent, marks)
        _move(recent, marks)

    def ids(self, records: Iterable[Record]) -> Iterator[tuple[Record, str, str]]:
        """Each record with the type and the id of its resource."""
        # No two resources may have one id. A record id holds no white space.
        repeated = iter(self._repeated)
        following = next(repeated, -1)
        for number, record in enumerate(records):
            kind, record_id = kind_of(record), record["record_id"]
            if number == following:
                following = next(repeated, -1)
                yield record, kind, id_of(kind, f"{record_id} {number}")
            else:
                found = self._ids.get(f"{kind} {record_id}")
                yield record, kind, found or id_of(kind, record_id)

    def address_of(self, record_type: str, record_id: str) -> str | None:
        """What a Reference says of the resource of a record, if there is one."""
        for kind in _KINDS[record_type]:
            key = _key(kind, record_id)
            if self._marks is None:
                found = self._ids.get(key)
                if found:
                    return self._address(kind, found)
            elif key in self._marks:
                return self._address(kind, id_of(kind, record_id))
        return None


def _move(recent: set[str], marks: Marks) -> None:
    for key in recent:
        marks.add(key)
    recent.clear()
