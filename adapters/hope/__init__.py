"""UNICEF HOPE: households, people and payments, over its API and as workbooks.

    {"name": "Daru, June", "program": "…", "households": [{"country": "SO", "members": [{…}]}]}
    [{"country": "SO", "members": [{"full_name": "…", "relationship": "HEAD", "role": "PRIMARY"}]}]
    {"count": 1, "next": null, "results": [{"unicef_id": "HH-26-0000.0001", …}]}

Read are the bodies of imports (`upload`, `push`, `push/lax`, `push/people`) and what the API tells
of households, individuals, payments and payment plans. `hope.xlsx` reads the workbooks of a
registration and of a payment list. HOPE's own fields need no mapping; what a country adds does.

An id is the number HOPE or the sender gave (`unicef_id`, `originating_id`). A body without one is
numbered by position, after the name of the import: unique in that import, and nowhere else. HOPE
takes an `originating_id` only with its source before it: the number 7 is written `API#7`, and
that is read as 7; `KOB#7` stays what it is.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import BinaryIO

from adapters.flat.reading import needed
from adapters.hope import plans
from adapters.hope.answers import outcomes
from adapters.hope.book import rows
from adapters.hope.envelope import found_in
from adapters.hope.normal import Normal
from adapters.hope.rdi import body
from adapters.hope.ready import settle
from adapters.hope.told import Taken
from adapters.hope.workbook import plan_for, written
from gateway.adapter import Outcome
from gateway.mapping import Plan
from gateway.record import Reading, Record, Writing


class Hope:
    """Writes households: a body for `rdi/upload` where a mapping says name and programme
    (`form: {id, version}`), without a mapping the list for `rdi/<id>/push`."""

    name = "hope"
    version = "1"
    media_type = "application/json"
    record_types: frozenset[str] | None = frozenset(("household", "person"))

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """Any of the documents above. Raises `SenderError` for what holds no records."""
        given = None if mapping is None else needed(mapping, self.name)
        taken = Taken(reading, own=given is None)
        normals: dict[str, Normal] = {}
        for one in found_in(content, reading):
            plan = given or one.plan
            settle(one.value, partial(taken.names, plan), own=given is None)
            if plan.digest not in normals:
                normals[plan.digest] = Normal(plan, reading)
            yield from taken.read(plan, normals[plan.digest](one.value, at=one.at), at=one.at)
        taken.tell()

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        plan = plans.RDI if mapping is None else needed(mapping, self.name)
        made = body(records, plan, own=mapping is None)
        yield from made
        made.tell(writing)

    def outcomes(self, answer: bytes, sent: int) -> list[Outcome]:
        """What HOPE says became of the households or people it was sent."""
        return outcomes(answer, sent)


class HopeXlsx:
    """Writes a workbook: `Households` and `Individuals`, or `People`, or a list of payments.

    Which one is said by the first type of the mapping; without a mapping by the records: the
    first of household, person and assistance that is among them, and the others are not carried.
    """

    name = "hope.xlsx"
    version = "1"
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    record_types: frozenset[str] | None = frozenset(("household", "person", "assistance"))

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """A workbook by the names of its sheets and columns."""
        given = None if mapping is None else needed(mapping, self.name)
        yield from rows(content, given, reading)

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        plan = plan_for(records) if mapping is None else needed(mapping, self.name)
        yield from written(records, plan, writing, own=mapping is None)
