"""OpenMRS: patients as its REST web services give and take them (`/ws/rest/v1/patient`).

    {"uuid": "...", "identifiers": [...], "person": {"names": [...], "addresses": [...], ...}}
    {"results": [{...}, {...}], "links": [{"rel": "next", ...}]}
    [{...}, {...}]
    {...}\n{...}\n

A person alone (`/person`) is read as the person of a patient, and of a profile of Bahmni's its
patient. The lists of a patient become paths:

    identifiers/<type's uuid>              the identifier; below it `location/uuid` and so on
    person/attributes/<type's uuid>        the value; of a concept `.../value/uuid`
    person/names/familyName                the preferred name; others under `person/names#2`
    person/addresses/cityVillage           the preferred address; others under `person/addresses#2`
    person/addresses/position              its latitude and longitude, for `as: point`
    person/birthdate, person/deathDate     the day as it is written, never moved by its zone
    person/birthdate/time                  the rest, where it is not midnight

A reference is `.../uuid`, whether it came as a text or as an object. Items that are only links to
their content (the default representation) stand under `identifiers/reference`, items of no type
under `identifiers/untyped`, items that were voided under `voided/...`. A voided patient is refused:
a deleted record is not passed on.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from adapters.flat.back import Back
from adapters.flat.documents import bodies, flat_objects
from adapters.flat.reading import needed, records_of
from adapters.openmrs import answers
from adapters.openmrs.body import Bodies
from adapters.openmrs.patients import Patients, Unfold
from gateway.adapter import Outcome
from gateway.mapping import Plan
from gateway.record import Reading, Record, Writing


class OpenMrs:
    """Writes bodies that `POST /patient` takes, one a line. Needs a mapping in both directions.

    Values of attributes are texts, and what is a concept or a place is written as `hydratedObject`:
    the server takes nothing else. It knows no day of which only the year or the month is known.
    """

    name = "openmrs"
    version = "1"
    media_type = "application/json"
    record_types: frozenset[str] | None = None

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """Any of the notations above."""
        plan = needed(mapping, self.name)
        found = flat_objects(content, Unfold(reading), Patients(plan), called="patient")
        yield from records_of(found, plan, reading, called="patient")

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        back = Back(needed(mapping, self.name), records)
        yield from bodies(back, Bodies(back.plan), Patients(back.plan))
        back.tell(writing)

    def outcomes(self, answer: bytes, sent: int) -> list[Outcome]:
        """See `answers`."""
        return answers.outcomes(answer, sent)
