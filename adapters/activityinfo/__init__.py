"""ActivityInfo: records of a form and of its sub-forms, as its API reads and takes them.

    {"recordId": "c7", "formId": "c2", "parentRecordId": null, "lastEditTime": 1767323045,
     "fields": {"cq1": "Gelbis", "cq2": 15, "cq3": {"latitude": 3.1, "longitude": 43.6}}}
    [{...}, {...}]
    {"changes": [{"formId": "c2", "recordId": "c7", "fields": {...}}, ...]}

Fields are opaque ids, made for each form: the mapping says what they are, as `fields/cq1`. Several
choices or references are one text with spaces between where the mapping reads a list, and refused
where it reads one of them. A record's sub-form records stand in a repeat, `subforms/<form>`, whose
items have `subforms/<form>/fields/<field>`; that needs the parent's form in the mapping
(`form.id`), and both in one document. `lastEditTime` is an instant.

Forms, databases, histories and tables of columns or rows are refused. CSV and XLSX exports are
tables: the tabular adapter reads them.
"""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import BinaryIO

import orjson

from adapters.activityinfo.envelope import rows
from adapters.activityinfo.written import Written
from adapters.flat.back import Back, listed
from adapters.flat.reading import needed, records_of
from gateway.mapping import Plan
from gateway.record import Reading, Record, Writing


class ActivityInfo:
    """Writes a transaction for `POST /resources/update`: the same twice changes nothing.

    Needs a mapping in both directions, with `form.id` to write.
    """

    name = "activityinfo"
    version = "1"
    media_type = "application/json"
    record_types: frozenset[str] | None = None

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        plan = needed(mapping, self.name)
        yield from records_of(rows(content, plan, reading), plan, reading)

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        back = Back(needed(mapping, self.name), records)
        yield from listed(_changes(back), b'{"changes":', b"}")
        back.tell(writing)


def _changes(back: Back) -> Iterator[dict[str, object]]:
    written = Written(back.plan)
    for fields in back:
        changes = written(fields)
        content = BytesIO(orjson.dumps({"changes": changes}))
        (again,) = rows(content, back.plan, Reading())
        if again.fields != fields:
            back.compare(fields, again.fields)
        yield from changes
