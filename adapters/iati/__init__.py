"""IATI activity files: reads 2.01 to 2.03, writes 2.03.

    <iati-activities version="2.03">
      <iati-activity default-currency="USD">
        <iati-identifier>XI-EX-0042-WASH-7</iati-identifier> ...

Every element and attribute is held to the schema of 2.03, which the older ones are part of. Codes
are held to IATI's lists, which the schema does not know; a file whose version is no number (the
test documents of the standard say `xx`) names no lists, and its unknown codes stay behind.

Texts lose the white space around them. Of several languages, one is kept. An activity without an
identifier is written with the id of its record, as `PUBLISHER-record:domain:local`; a reader knows
it again. A date of which only the month or year is known stands as text beside the first or last
day of it. Budgets for parts of the time are added up. Activities of clusters, emergencies or plans
are flagged humanitarian.
The position of a place is latitude, longitude in IATI. Places are p-codes under the vocabulary
`COD-AB`, which is ours. People and households targeted and reached are indicators with our code.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from lxml import etree

from adapters.iati.activity import KIND, lines, read_activity, write_activity
from adapters.iati.envelope import activities
from adapters.iati.node import element_of
from adapters.leaf_names import leaf_names
from gateway.errors import SenderError
from gateway.record import Reading, Record, Writing
from gateway.source.markup import Element, written

if TYPE_CHECKING:
    from gateway.mapping import Plan

VERSION = "2.03"


class Iati:
    """See the module. Of a mapping, only its authority is used: it stands before record ids."""

    name = "iati"
    version = "1"
    media_type = "application/xml"
    record_types = frozenset({KIND})

    def parse(
        self, content: BinaryIO, mapping: "Plan | None", reading: Reading
    ) -> Iterator[Record]:
        authority = _authority(mapping)
        for node, strict in activities(content, reading.unmapped):
            record = read_activity(node, authority, strict=strict)
            reading.lineage.update(lines(record))
            reading.unmapped.update(node.left())
            yield record

    def render(
        self, records: Iterable[Record], mapping: "Plan | None", writing: Writing
    ) -> Iterator[bytes]:
        authority = _authority(mapping)
        if not any(record["record_type"] == KIND for record in records):
            raise SenderError("there is no activity to write", rule="iati.no_activity")
        # No `generated-datetime`: it is optional, and there is no clock.
        root = etree.Element("iati-activities", {"version": VERSION})
        yield from written(root, _elements(records, authority, writing))


def _authority(mapping: "Plan | None") -> str | None:
    if mapping is None:
        return None
    if mapping.format != Iati.name:
        raise SenderError("the mapping is for another format", rule="mapping.other_format")
    return mapping.authority


def _elements(
    records: Iterable[Record], authority: str | None, writing: Writing
) -> Iterator[Element]:
    for number, record in enumerate(records, 1):
        if record["record_type"] != KIND:
            for field, value in record.items():
                writing.unrendered.update(leaf_names(record["record_type"], field, value))
            continue
        node, lost = write_activity(record, authority, at=f"record {number}")
        writing.unrendered |= lost
        writing.lineage.update(
            {leaf: path for leaf, path in lines(record).items() if leaf not in lost}
        )
        yield element_of(node)
    for leaf in writing.unrendered & writing.lineage.keys():
        del writing.lineage[leaf]
