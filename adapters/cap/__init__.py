"""Common Alerting Protocol (OASIS): reads 1.2 and 1.1, writes 1.2.

    <alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
      <identifier>FLOOD-7</identifier><sender>warn@hydro.example</sender> ...

An alert stands alone, or in the entries of an Atom or RSS feed, or in an EDXL-DE distribution.
Several alerts are written as an Atom feed. CAP writes latitude first; records have longitude
first. A time keeps its offset; UTC is `-00:00` in CAP and `Z` in records.

What weather services break and what loses nothing is read: elements out of order, optional
elements that hold nothing, `Z` and fractions in times, relative addresses, HTML in texts,
polygons that cross themselves, one text under two languages. Everything else that CAP 1.2
forbids is refused. Texts are kept as they stand, white space and all. What is not of CAP, and a
signature, which would not hold for what is passed on, is listed as unmapped.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from lxml import etree

from adapters.cap import feed
from adapters.cap.envelope import alerts
from adapters.cap.reading import read_alert
from adapters.cap.writing import write_alert
from adapters.leaf_names import leaf_names
from gateway.errors import SenderError
from gateway.record import Reading, Record, Writing
from gateway.source.markup import Element, written

if TYPE_CHECKING:
    from gateway.mapping import Plan


class Cap:
    """See the module. Of a mapping, only its authority is used: it stands before record ids."""

    name = "cap"
    version = "1"
    media_type = feed.MEDIA_TYPE
    record_types = frozenset({"alert"})

    def parse(
        self, content: BinaryIO, mapping: "Plan | None", reading: Reading
    ) -> Iterator[Record]:
        authority = _authority(mapping)
        for element in alerts(content, reading.unmapped):
            yield read_alert(element, authority, reading)

    def render(
        self, records: Iterable[Record], mapping: "Plan | None", writing: Writing
    ) -> Iterator[bytes]:
        authority = _authority(mapping)
        if _several(records):
            made = ((record, element) for record, element in _alerts(records, authority, writing))
            head = feed.head(one for one in records if one["record_type"] == "alert")
            yield from written(head, feed.entries(made))
            return
        for _, element in _alerts(records, authority, writing):
            yield etree.tostring(element, encoding="UTF-8", xml_declaration=True)
            return
        raise SenderError("there is no alert to write", rule="cap.no_alert")


def _authority(mapping: "Plan | None") -> str | None:
    if mapping is None:
        return None
    if mapping.format != Cap.name:
        raise SenderError("the mapping is for another format", rule="mapping.other_format")
    return mapping.authority


def _several(records: Iterable[Record]) -> bool:
    found = (record for record in records if record["record_type"] == "alert")
    return next(found, None) is not None and next(found, None) is not None


def _alerts(
    records: Iterable[Record], authority: str | None, writing: Writing
) -> Iterator[tuple[Record, Element]]:
    number = 0
    for record in records:
        if record["record_type"] == "alert":
            number += 1
            yield record, write_alert(record, number, authority, writing)
            continue
        for field, value in record.items():
            writing.unrendered.update(leaf_names(record["record_type"], field, value))
