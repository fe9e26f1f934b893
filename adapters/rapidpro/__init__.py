"""RapidPro and TextIt: contacts of API v2, and what flows post to a resthook.

    {"next": null, "previous": null, "results": [{"uuid": "...", "urns": ["tel:+..."], ...}]}
    {"contact": {"uuid": "...", "urn": "tel:+..."}, "flow": {...}, "results": {"key": {...}}, ...}
    [{...}, {...}]
    {...}\n{...}\n

Runs and messages of the API and the page of resthook events are read too. Paths:

    urns/tel, contact/urns/tel     the number; of two the second is `urns/tel#2`. One `urn` is a
                                   list of one. What it is called there is `urns/telegram/display`
    fields/<key>                   a contact's field
    results/<key>/value            an answer, with `category`, `input`, `created_on`; the API calls
                                   them `values`
    groups                         a repeat with `groups/uuid` and, where it is said, `groups/name`

A workspace that hides numbers sends null or `********`, and both are null here: a mapping may call
that withheld. What a flow knows besides (`tel:+...?channel=...`) is `urns/tel/query`. A deleted
contact comes as nulls and is refused, and so is a deleted message: a deleted record is not passed
on. Whether somebody wants to be written to at all stands in `status`, for a mapping to read.
Files for the import of contacts are tables: the tabular adapter reads them.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from adapters.flat.back import Back
from adapters.flat.documents import bodies, flat_objects
from adapters.flat.reading import needed, records_of
from adapters.rapidpro import answers
from adapters.rapidpro.body import body
from adapters.rapidpro.contacts import Contacts, Unfold, refuse_table
from gateway.adapter import Outcome
from gateway.mapping import Plan
from gateway.record import Reading, Record, Writing


class RapidPro:
    """Writes bodies that `POST /api/v2/contacts.json` takes, one a line.

    `uuid` is for the address (`?uuid=`). A mapping made for resthooks writes what a resthook
    posts. Needs a mapping in both directions.
    """

    name = "rapidpro"
    version = "1"
    media_type = "application/json"
    record_types: frozenset[str] | None = None

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """Any of the notations above."""
        plan = needed(mapping, self.name)
        refuse_table(content)
        found = flat_objects(content, Unfold(reading), Contacts(plan), called="object")
        yield from records_of(found, plan, reading, called="object")

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        back = Back(needed(mapping, self.name), records)
        yield from bodies(back, body, Contacts(back.plan))
        back.tell(writing)

    def outcomes(self, answer: bytes, sent: int) -> list[Outcome]:
        """See `answers`."""
        return answers.outcomes(answer, sent)
