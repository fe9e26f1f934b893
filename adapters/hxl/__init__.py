"""HXL 1.1: CSV with a row of plain names, a row of hashtags, and one row per record.

    type,id,surname,phone number
    #meta+record+type,#meta+id,#beneficiary+name+family,#contact+phone
    person,demo.example/p1,...

Which leaf has which hashtag is said by `x-hxl` in the schemas, and nowhere else. An array of
texts repeats its column; the columns of one item of an array of objects share an attribute
`+i1`, `+i2`. A table of several record types has the columns of all of them.

A file without a column for the record type is refused, however familiar its other columns
look: most HXL tables are aggregates, and a count of people must never be read as a person.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from adapters.hxl import parse, render
from gateway.record import Parsed, Record, Rendered

if TYPE_CHECKING:
    from gateway.mapping import Plan


class Hxl:
    name = "hxl"
    version = "1"
    media_type = "text/csv"

    def parse(self, content: bytes, mapping: "Plan | None") -> Parsed:
        """Read a whole table. `mapping` is not used: hashtags carry their own meaning."""
        return parse.parse(content)

    def render(self, records: Sequence[Record], mapping: "Plan | None") -> Rendered:
        """Write one table. `mapping` is not used."""
        return render.render(records, self.media_type)
