"""OpenCRVS: events of a civil registration as its events API (1.9 and later) gives and takes them.

    {"eventType": "birth", "transactionId": "...", "declaration": {"child.dob": "2026-05-01"}}
    {"results": [{"id": "...", "type": "...", "status": "...", "declaration": {...}}], "total": 1}
    [{...}, {...}]
    {...}\n{...}\n

What a declaration asks is set per country. Its keys are kept as they are, dots and all; a value
that is an object makes a longer path: `declaration/child.firstname` where the name is two keys,
`declaration/child.name/firstname` where it is one object. Several choices are one text with `;`
between them.

The `eventType` of a request is `type`, as a search has it. An event that the registry archived, as
invalid or a duplicate, or revoked is refused: it is not passed on. An event as all that was done
with it (`actions`) is refused too: which of its declarations counts, the registry says in a search.
FHIR documents of 1.x and answers of its GraphQL gateway are refused, and so are requests of the
DCI API, which are for the spdci adapter.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from adapters.flat.back import Back
from adapters.flat.documents import bodies, flat_objects
from adapters.flat.reading import needed, records_of
from adapters.opencrvs import answers
from adapters.opencrvs.events import Events, Unfold
from adapters.opencrvs.notice import Notice
from gateway.adapter import Outcome
from gateway.mapping import Plan
from gateway.record import Reading, Record, Writing


class OpenCrvs:
    """Writes bodies that `POST /api/events/events/notify` takes, one a line.

    The server demands `createdAtLocation` too, the uuid of an office: a mapping that reads one
    writes it. `eventType` is what the mapping writes to `type`, else its `form.id`.
    `transactionId` is the local part of the record's id, so that a notification that is sent
    twice makes one event; the mapping must read it as an id. Needs a mapping in both directions.
    """

    name = "opencrvs"
    version = "1"
    media_type = "application/json"
    record_types: frozenset[str] | None = None

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """Any of the notations above."""
        plan = needed(mapping, self.name)
        found = flat_objects(content, Unfold(reading), Events(plan), called="event")
        yield from records_of(found, plan, reading, called="event")

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        back = Back(needed(mapping, self.name), records)
        yield from bodies(back, Notice(back), Events(back.plan))
        back.tell(writing)

    def outcomes(self, answer: bytes, sent: int) -> list[Outcome]:
        """See `answers`."""
        return answers.outcomes(answer, sent)
