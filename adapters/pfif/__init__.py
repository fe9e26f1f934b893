"""People Finder Interchange Format: reads 1.1 to 1.4, writes 1.4.

    <pfif:pfif xmlns:pfif="http://zesty.ca/pfif/1.4">
      <pfif:person><pfif:person_record_id>find.example/p.7</pfif:person_record_id> ...

A `person` with its notes is one record. A note at the top goes to the person of its file whom it
is about; where there is none, it is a record of its own, with `person_record_id`. What a note
says of a found person's whereabouts stands apart, in `found_contacts`.

White space around texts is not kept. A person of PFIF 1.1 or 1.2 gets a full name made of first
and last name, as Person Finder makes it. A record that has expired is a placeholder with ids and
dates: it is read and written, for it asks for deletion. Writing holds to the RELAX NG schema:
times in UTC without fractions, and no e-mail address or telephone number of another shape.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from adapters.pfif.envelope import records
from adapters.pfif.fields import LATEST
from adapters.pfif.reading import Reader
from adapters.pfif.writing import PREFIX, lost_of_another_type, write_record
from gateway.errors import SenderError
from gateway.record import Reading, Record, Writing
from gateway.source import markup
from gateway.source.markup import Element, written

if TYPE_CHECKING:
    from gateway.mapping import Plan


class Pfif:
    """See the module. With a mapping, records of another domain than its authority are refused."""

    name = "pfif"
    version = "1"
    media_type = "application/pfif+xml"
    record_types = frozenset({"missing-person"})

    def parse(
        self, content: BinaryIO, mapping: "Plan | None", reading: Reading
    ) -> Iterator[Record]:
        reader = Reader(_authority(mapping), reading)
        yield from records(content, reader, reading.unmapped)

    def render(
        self, records: Iterable[Record], mapping: "Plan | None", writing: Writing
    ) -> Iterator[bytes]:
        _authority(mapping)
        yield from written(
            markup.element(LATEST, "pfif", prefix=PREFIX), _elements(records, writing)
        )


def _authority(mapping: "Plan | None") -> str | None:
    if mapping is None:
        return None
    if mapping.format != Pfif.name:
        raise SenderError("the mapping is for another format", rule="mapping.other_format")
    return mapping.authority


def _elements(records: Iterable[Record], writing: Writing) -> Iterator[Element]:
    for number, record in enumerate(records, 1):
        if record["record_type"] == "missing-person":
            yield write_record(record, number, writing)
        else:
            writing.unrendered.update(lost_of_another_type(record))
