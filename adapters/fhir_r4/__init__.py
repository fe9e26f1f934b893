"""HL7 FHIR R4 (4.0.1) JSON: persons as Patient, households as Group, in one collection Bundle.

Standard elements carry what FHIR has an element for. The rest travels in extensions under
`https://corridor.invalid/fhir/StructureDefinition/`, so that a rendered Bundle reads back field
by field. Only `extension`, which holds whatever a source had, is not carried.

Reading accepts a Bundle or a single Patient, Person, RelatedPerson or Group, and is strict:
what R4 forbids is refused, and what is allowed but has no canonical field is listed by path.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from adapters.fhir_r4 import parse, render
from gateway.record import Parsed, Record, Rendered

if TYPE_CHECKING:
    from gateway.mapping import Plan


class FhirR4:
    name = "fhir.r4"
    version = "1"
    media_type = "application/fhir+json"

    def parse(self, content: bytes, mapping: "Plan | None") -> Parsed:
        """Read a Bundle or one resource. Of `mapping` only the authority is used.

        FHIR ids are local to a server, and a record id is not. A resource whose id comes
        without a server address is numbered under the mapping's authority; without a mapping
        it is numbered under `fhir.invalid`, where two senders' `Patient/1` look the same.
        """
        return parse.parse(content, mapping.authority if mapping else None)

    def render(self, records: Sequence[Record], mapping: "Plan | None") -> Rendered:
        """Write one Bundle of type `collection`. `mapping` is not used."""
        return render.render(records, self.media_type)
