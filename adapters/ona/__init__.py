"""Ona: submissions as its API and its REST services write them.

    [{...}, {...}]
    {"count": 2, "next": null, "previous": null, "results": [{...}, {...}]}
    {...}
    {"id": "form", "submission": {"group": {"question": "answer"}, "meta": {...}}}
    {"data": {"type": "responses", "attributes": {"responses": [[...], ...]}}}    (Flow Results)
    <submission-batch><submission-item ...><form id="form">...</form></submission-item>

Flat like Kobo's, but answers to integer and decimal questions are numbers. Ona writes 0 where a
calculation had no number (NaN); that cannot be told from a true 0 here, so a mapping should not
read calculations that may fail. CSV, XLSX and SAV exports are tables: the tabular adapter reads
them. OpenStreetMap files are refused.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from adapters.flat.back import listed
from adapters.flat.typed import Typed
from adapters.ona.envelope import submissions
from adapters.openrosa import either
from adapters.openrosa.back import Back
from adapters.openrosa.submission import needed
from gateway.mapping import Plan
from gateway.record import Reading, Record, Writing

FAMILY = "ona"


class Ona:
    """Writes a list of submissions as the API gives it. Needs a mapping in both directions."""

    name = "ona"
    version = "1"
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
        yield from listed(map(Typed(back.plan, shapes=False), back), b"", b"")
        back.tell(writing)

    def divided(self, start: bytes, mapping: Plan | None) -> str | None:
        """Lines, each as if it came alone."""
        return "lines"
