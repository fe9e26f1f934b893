"""From flat objects to records, with an account of every key."""

import re
from collections.abc import Collection, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.errors import SenderError
from gateway.mapping import Plan, Reader, reader_of
from gateway.record import Reading, Record

_NAME = r"@?[A-Za-z_][A-Za-z0-9_.:@-]*"
_UUID = r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_PART = rf"({_NAME}|{_UUID})(#[0-9]{{1,3}})?"
KEY = re.compile(rf"(?=.{{1,200}}\Z){_PART}(/{_PART})*")
"""A path, as the system's or the form's author named it; `#2` is the second of one kind in a list
(`keyed`). Anything else is reported as `?`: a key may be a place where somebody put a name or a
number."""


@dataclass(slots=True)
class Found:
    """One vendor's object as one flat object."""

    fields: Any = field(repr=False)
    twice: Sequence[str] = ()
    """Keys that stood twice in one object with different values."""
    at: str = ""


def shown(key: str) -> str:
    """A key as errors and receipts may show it."""
    return key if KEY.fullmatch(key) else "?"


def needed(mapping: Plan | None, form: str) -> Plan:
    """The mapping, made for this adapter or its family: one for `kobo` serves `kobo.xml`."""
    if mapping is None:
        raise SenderError(f"{form} needs a mapping", rule="mapping.missing")
    if form != mapping.format and not form.startswith(f"{mapping.format}."):
        raise SenderError("the mapping is for another format", rule="mapping.other_format")
    return mapping


def records_of(
    found: Iterable[Found], plan: Plan, reading: Reading, *, called: str = "record"
) -> Generator[Record, None, Collection[str]]:
    """The records of each object, then the keys that were met.

    `called` is what errors call an object that has no place.
    """
    reader = reader_of(plan)
    for number, one in enumerate(found, 1):
        at = one.at or f"{called} {number}"
        if reading.faults is not None or one.twice:
            yield from reading.sound(partial(_records, reader, one, at, reading))
        else:
            yield from reader.read(one.fields, at=at)
    trace = reader.trace(shown)
    reading.lineage.update(trace.lineage)
    reading.unmapped.update(trace.unmapped)
    return trace.keys


def _records(reader: Reader, one: Found, at: str, reading: Reading) -> list[Record]:
    for key in one.twice:
        if reader.names(key):
            raise SenderError(
                "a mapped key stands twice with different values",
                rule="json.key_twice",
                at=f"{at}, {shown(key)}",
            )
        reading.repeated.add(shown(key))
    return reader.read(one.fields, at=at)
