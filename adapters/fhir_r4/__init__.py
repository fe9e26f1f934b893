"""HL7 FHIR R4 (4.0.1) JSON: persons, households, cases and facilities.

| record | resource |
|---|---|
| person | Patient |
| household | Group |
| case | ServiceRequest, and a Task for its state; Task, Encounter or Observation by `case_type` |
| facility | Location |

Standard elements carry what FHIR has an element for. The rest travels in extensions under
`https://corridor.invalid/fhir/StructureDefinition/`, so that what was written reads back field
by field. Only `extension`, which holds whatever a source had, is not carried.

Reading accepts a Bundle, a single resource, or NDJSON as bulk exports write it, also of Person
and RelatedPerson. It is strict: what R4 forbids is refused, and what is allowed but has no
canonical field is listed by path. `text` (the narrative) and `contained` are always listed.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from adapters.fhir_r4 import parse, render
from gateway.record import Reading, Record, Writing

if TYPE_CHECKING:
    from gateway.mapping import Plan

RECORD_TYPES = frozenset({"person", "household", "case", "facility"})


class FhirR4:
    name = "fhir.r4"
    version = "2"
    media_type = "application/fhir+json"
    record_types = RECORD_TYPES

    def parse(
        self, content: BinaryIO, mapping: "Plan | None", reading: Reading
    ) -> Iterator[Record]:
        """Read a Bundle, one resource or NDJSON. Of `mapping` only the authority is used.

        FHIR ids are local to a server, and a record id is not. A resource whose id comes
        without a server address is numbered under the mapping's authority; without a mapping
        it is numbered under `fhir.invalid`, where two senders' `Patient/1` look the same.
        """
        return parse.parse(content, mapping.authority if mapping else None, reading)

    def render(
        self, records: Iterable[Record], mapping: "Plan | None", writing: Writing
    ) -> Iterator[bytes]:
        """Write one Bundle of type `collection`. `mapping` is not used."""
        return render.bundle(records, writing)

    def seams(self, mapping: "Plan | None") -> tuple[bytes, bytes, bytes] | None:
        """Entries are listed one after the other."""
        return b'{"resourceType":"Bundle","type":"collection","entry":[', b",", b"]}"


class FhirR4Ndjson(FhirR4):
    """The same, written with one resource a line, as FHIR's bulk data files are."""

    name = "fhir.r4.ndjson"
    media_type = "application/fhir+ndjson"

    def parse(
        self, content: BinaryIO, mapping: "Plan | None", reading: Reading
    ) -> Iterator[Record]:
        """As `fhir.r4` reads, but a file without a line is a file without a record."""
        if not content.read(1):
            return iter(())
        content.seek(0)
        return super().parse(content, mapping, reading)

    def render(
        self, records: Iterable[Record], mapping: "Plan | None", writing: Writing
    ) -> Iterator[bytes]:
        """Write one resource a line. `mapping` is not used."""
        return render.lines(records, writing)

    def seams(self, mapping: "Plan | None") -> tuple[bytes, bytes, bytes] | None:
        """Lines only."""
        return b"", b"", b""
