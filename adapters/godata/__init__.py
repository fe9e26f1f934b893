"""Go.Data (WHO): cases, contacts and other persons of an outbreak as its API gives and takes them.

    [{"id": "...", "visualId": "CASE-1", "addresses": [...], "questionnaireAnswers": {...}}]
    {...}
    {...}\n{...}\n

The lists of a person become paths:

    addresses/<type>/city             one address of each type; a second one under `<type>#2`
    addresses/<type>/geoLocation      a GeoJSON Point: latitude and longitude are named, not turned
    documents/<type>                  the number of a document
    questionnaireAnswers/<variable>   the answer; `.../date` its date; a second one `<variable>#2`
    vaccinesReceived, dateRanges, ...  repeats

A variable that the mapping walks as a repeat is one, with `value` and `date` below it. Several
choices are one text with `;` between them. Go.Data writes days as instants at midnight UTC: a
member that is a day, or an answer, is the day alone. An address without a type is of the usual
place of residence, as its model says. Codes are `LNG_REFERENCE_DATA_CATEGORY_...`: the mapping
says what they mean. A person that is `deleted` is refused: a deleted record is not passed on.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from adapters.flat.back import Back
from adapters.flat.documents import bodies, flat_objects
from adapters.flat.reading import needed, records_of
from adapters.godata import answers
from adapters.godata.body import Bodies
from adapters.godata.persons import Persons, unfold
from gateway.adapter import Outcome
from gateway.mapping import Plan
from gateway.record import Reading, Record, Writing


class GoData:
    """Writes bodies that `POST /outbreaks/{id}/cases` or `/contacts` takes, one a line.

    Needs a mapping in both directions.
    """

    name = "godata"
    version = "1"
    media_type = "application/json"
    record_types: frozenset[str] | None = None

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """Any of the notations above."""
        plan = needed(mapping, self.name)
        found = flat_objects(content, unfold, Persons(plan), called="person")
        yield from records_of(found, plan, reading, called="person")

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        back = Back(needed(mapping, self.name), records)
        yield from bodies(back, Bodies(back.plan), Persons(back.plan))
        back.tell(writing)

    def outcomes(self, answer: bytes, sent: int) -> list[Outcome]:
        """See `answers`."""
        return answers.outcomes(answer, sent)
