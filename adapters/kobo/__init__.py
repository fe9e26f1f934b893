"""KoboToolbox submissions as its API (v2), its REST service and its exports write them.

    {"count": 2, "next": null, "previous": null, "results": [{...}, {...}]}
    [{...}, {...}]
    {...}
    {...}\n{...}\n
    {"id": "form", "submission": {"group": {"question": "answer"}, "meta": {...}}}
    <data id="form">...</data>

A submission of the API is flat: groups are part of the key, repeats are lists of objects whose
keys hold the whole path again. Every answer is text. What a device posts is nested, as JSON or
as OpenRosa XML, and is read as the same flat object. What the questions mean is the mapping's
business. CSV and XLSX exports are tables: the tabular adapter reads them.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from adapters.flat.back import listed
from adapters.kobo.envelope import submissions
from adapters.openrosa import either, transport
from adapters.openrosa.back import Back
from adapters.openrosa.render import posted
from adapters.openrosa.submission import needed
from gateway.mapping import Plan
from gateway.record import Reading, Record, Writing

FAMILY = "kobo"


class Kobo:
    """Writes a page as the API gives it. Needs a mapping in both directions."""

    name = "kobo"
    version = "2"
    media_type = "application/json"
    record_types: frozenset[str] | None = None

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """Any of the notations above, told apart by the first byte."""
        plan = needed(mapping, self.name)
        yield from either.records(content, plan, reading, form=FAMILY, rows=submissions)

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        back = Back(needed(mapping, self.name), records)
        yield from listed(back, b'{"next":null,"previous":null,"results":', b"")
        yield b',"count":%d}' % back.count
        back.tell(writing)

    def divided(self, start: bytes, mapping: Plan | None) -> str | None:
        """Lines. How numbers are read depends on the first of them."""
        return "lines exact" if transport.BEGINS.match(start[:256]) else "lines"


class KoboXml(Kobo):
    """Writes the XML of one submission, as `POST /submission` takes it."""

    name = "kobo.xml"
    media_type = "text/xml"

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        back = Back(needed(mapping, self.name), records)
        yield from posted(back, form=FAMILY)
        back.tell(writing)
