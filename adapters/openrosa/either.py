"""A payload of the family's JSON or of its XML, told apart by the first byte."""

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from adapters.openrosa import instance, sniff
from adapters.openrosa.submission import Submission, records_of
from gateway.mapping import Plan
from gateway.record import Reading, Record

Rows = Callable[[BinaryIO, Plan, Reading], Iterable[Submission]]
"""Takes the system's own JSON apart."""


def records(
    content: BinaryIO, plan: Plan, reading: Reading, *, form: str, rows: Rows
) -> Iterator[Record]:
    """The records of every submission. `form` is the first part of the rules it may break."""
    if sniff.is_markup(content, form=form):
        found: Iterable[Submission] = instance.submissions(content, plan, form=form)
    else:
        found = rows(content, plan, reading)
    yield from records_of(found, plan, reading, form=form)
