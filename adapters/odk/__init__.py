"""ODK Central: OData feeds, entities, and OpenRosa XML as devices send it.

    {"@odata.context": "...#Submissions", "value": [{"__id": "uuid:1", "group": {...}}, ...]}
    {"entities": [{"uuid": "...", "label": "...", "data": {"name": "text"}}]}
    <data id="form"><meta><instanceID>uuid:1</instanceID></meta>...</data>

Groups are objects in OData and become `group/question`; what Central adds becomes
`__system/submissionDate` and so on. An unanswered question is null. Numbers keep their digits.
A geopoint is GeoJSON, longitude first, so of a mapping's axis order nothing is asked. Repeats
are there with `$expand=*`; without it only their address is (`name@odata.navigationLink`),
which is listed as unmapped. With `$wkt=true` shapes are texts no converter reads: do not ask
for them.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from adapters.flat.back import listed
from adapters.flat.nested import Flat, nest
from adapters.flat.typed import Typed
from adapters.odk.envelope import rows
from adapters.openrosa import either
from adapters.openrosa.back import INSTANCE_ID, Back
from adapters.openrosa.render import posted
from adapters.openrosa.submission import needed
from gateway.mapping import Plan
from gateway.record import Reading, Record, Writing

FAMILY = "odk"


class Odk:
    """Writes the XML of one submission, as `POST /v1/projects/{p}/submission` takes it.

    Needs a mapping in both directions.
    """

    name = "odk"
    version = "1"
    media_type = "application/xml"
    record_types: frozenset[str] | None = None

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """Any of the notations above, told apart by the first byte."""
        plan = needed(mapping, self.name)
        yield from either.records(content, plan, reading, form=FAMILY, rows=rows)

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        back = Back(needed(mapping, self.name), records)
        yield from posted(back, form=FAMILY)
        back.tell(writing)

    def divided(self, start: bytes, mapping: Plan | None) -> str | None:
        """Lines, each as if it came alone."""
        return "lines"


class OdkOData(Odk):
    """Writes a data document as Central's OData feed gives it with `$expand=*`.

    Only questions the records answer are in it: which others the form has is not known here.
    """

    name = "odk.odata"
    media_type = "application/json"

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        back = Back(needed(mapping, self.name), records)
        before = b'{"@odata.context":"$metadata#Submissions","value":'
        yield from listed(_rows(back), before, b"}")
        back.tell(writing)


def _rows(back: Back) -> Iterator[Mapping[str, Any]]:
    typed, flat = Typed(back.plan, shapes=True), Flat(back.plan, list)
    for fields in back:
        again = flat(nest(fields))
        if again != fields:
            back.compare(fields, again)
        known = fields.get("__id") or fields.get(INSTANCE_ID) or back.instance_id(fields)
        yield {"__id": known} | nest(typed(fields))
