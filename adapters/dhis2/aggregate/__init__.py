"""DHIS2's aggregate data: data value sets as JSON, DXF 2 XML and CSV, and ADX.

Each data value is one indicator record. Its id is made of what DHIS2 knows it by: data element,
place, period and both combinations of categories. A period id is also told as days and as an
ISO interval. A value that is no number is `value_text`; one that is there and empty is absent as
unanswered, which is not the same as no value. Nothing of a metadata is known here, so neither
is whether `1` is a number or a yes.

With a mapping of their own the same data values become what it says: `value.py` names the paths.
A header of id schemes, and what a server notes for itself (`created`), are listed as unmapped.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from adapters.dhis2.aggregate import adx, answers, document, dxf, table
from adapters.dhis2.aggregate.once import Once
from adapters.dhis2.aggregate.shared import Shared, shared
from adapters.dhis2.aggregate.value import DataValue, Flats
from adapters.flat.back import Back
from adapters.flat.reading import Found, needed, records_of
from adapters.leaf_names import leaf_names
from gateway.adapter import Outcome
from gateway.mapping import Plan, read_mapping, reader_of
from gateway.record import Reading, Record, Writing

MEANING = read_mapping(Path(__file__).with_name("mapping.yaml"))
"""What the fields mean where no other mapping says so."""

Read = Callable[[BinaryIO, Reading], Iterator[DataValue]]


class Dhis2Aggregate:
    """Writes the JSON body of `POST /api/dataValueSets`."""

    name: ClassVar[str] = "dhis2.aggregate"
    version: ClassVar[str] = "1"
    media_type: ClassVar[str] = "application/json"
    record_types: ClassVar[frozenset[str] | None] = frozenset({"indicator"})

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """JSON, DXF XML or CSV, told apart by the first character."""
        plan = _plan(mapping, self.name)
        yield from _records(_reader(content), content, plan, reading)

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        plan = _plan(mapping, self.name)
        yield from self._written(_Writer(plan, records, writing))

    def outcomes(self, answer: bytes, sent: int) -> list[Outcome]:
        """What an import summary says of each data value."""
        return answers.outcomes(answer, sent)

    def _written(self, writer: "_Writer") -> Iterator[bytes]:
        head = writer.shared()
        yield from document.written(writer.values(document.kept, head), head)


class Dhis2AggregateXml(Dhis2Aggregate):
    """The same as DXF 2 XML."""

    name = "dhis2.aggregate.xml"
    media_type = "application/xml"

    def _written(self, writer: "_Writer") -> Iterator[bytes]:
        head = writer.shared()
        yield from dxf.dxf_written(writer.values(dxf.kept, head), head)


class Dhis2AggregateCsv(Dhis2Aggregate):
    """The same as CSV, which has no place for a data set."""

    name = "dhis2.aggregate.csv"
    media_type = "text/csv"

    def _written(self, writer: "_Writer") -> Iterator[bytes]:
        yield from table.csv_written(writer.values(table.kept, Shared()), Shared())


class Dhis2Adx(Dhis2Aggregate):
    """Reads and writes ADX."""

    name = "dhis2.adx"
    media_type = "application/adx+xml"

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        plan = _plan(mapping, self.name)
        yield from _records(adx.read, content, plan, reading)

    def _written(self, writer: "_Writer") -> Iterator[bytes]:
        yield from adx.adx_written(writer.values(adx.kept, Shared()), Shared())


def _plan(mapping: Plan | None, name: str) -> Plan:
    if mapping is None:
        return MEANING
    # ADX holds the same data values: a mapping for the other notations serves it too.
    family = Dhis2Aggregate.name
    return needed(mapping, family if mapping.format == family else name)


def _reader(content: BinaryIO) -> Read:
    start = content.read(256).removeprefix(b"\xef\xbb\xbf")
    content.seek(0)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        start = start.decode("utf-16", "ignore").encode()
    start = start.lstrip()
    if start.startswith(b"<"):
        return dxf.read
    return document.read if start[:1] in (b"{", b"[", b"") else table.read


def _records(read: Read, content: BinaryIO, plan: Plan, reading: Reading) -> Iterator[Record]:
    flats = Flats(reader_of(plan).names)
    once = Once()

    def found() -> Iterator[Found]:
        for one in read(content, reading):
            yield Found(flats.flat(one), (), one.at)
            once.add(one)

    yield from records_of(found(), plan, reading, called="data value")

    def again() -> Iterator[DataValue]:
        content.seek(io.SEEK_SET)
        return read(content, Reading())

    once.check(again)


Kept = Callable[[DataValue, Shared], DataValue]
"""What a notation can hold of a data value."""


_VALUES = {"value", "value_text"}


class _Writer:
    """Records as data values, with an account of every leaf."""

    def __init__(self, plan: Plan, records: Iterable[Record], writing: Writing) -> None:
        self._plan = plan
        self._records = records
        self._writing = writing
        self._flats = Flats(reader_of(plan).names)
        self._lost: set[str] = set()

    def _back(self) -> Back:
        return Back(self._plan, self._sent())

    def _sent(self) -> Iterator[Record]:
        """All records but those without a value, withheld or never said.

        A data value without one would ask the server to forget the one it has. What its source
        left empty (`absent`) or marked as deleted is written as that.
        """
        for record in self._records:
            said = _VALUES & (record.keys() | record.get("absent", {}).keys())
            withheld = _VALUES & record.get("withheld", {}).keys() - record.keys()
            if withheld or not (said or record.get("deleted")):
                for name, value in record.items():
                    self._lost.update(leaf_names(record["record_type"], name, value))
            else:
                yield record

    def shared(self) -> Shared:
        """The header for all of them; a walk of its own."""
        back = self._back()
        return shared(self._value(fields, number) for number, fields in enumerate(back, 1))

    def values(self, kept: Kept, head: Shared) -> Iterator[DataValue]:
        """The data values as a notation holds them. What it cannot hold is told at the end."""
        back = self._back()
        once = Once()
        for number, fields in enumerate(back, 1):
            one = kept(self._value(fields, number), head)
            again = self._flats.flat(one)
            if any(again.get(key) != value for key, value in fields.items()):
                back.compare(fields, again)
            once.add(one)
            yield one
        once.check(lambda: self._kept(kept, head))
        back.lost |= self._lost
        back.tell(self._writing)

    def _kept(self, kept: Kept, head: Shared) -> Iterator[DataValue]:
        for number, fields in enumerate(self._back(), 1):
            yield kept(self._value(fields, number), head)

    def _value(self, fields: dict[str, Any], number: int) -> DataValue:
        return self._flats.back(fields, at=f"record {number}")
