"""CommCare HQ: its cases and its forms, as its APIs give them, forward them and take them.

What comes in is told apart by what stands in it, never by a media type: HQ calls JSON `text/xml`.

    case   JSON of API v1 or v2, forwarded, or a body for API v2; XML of a case block
    form   JSON of API v1 or forwarded; XML of a submission
    both   alone, in a list, in a page (`objects` or `cases`), or one on each line (NDJSON);
           in a `data` object, as an OpenFn job keeps it

A notice (`{received_on, form_id, case_ids}`) and a server's answer hold no data and are refused.

Every case has the same keys, wherever it stood, so one mapping serves all of them:

    key of the mapping            API v1, forwarded        API v2               case block
    case_id                       case_id                  case_id              @case_id
    properties/case_name          properties.case_name     case_name            create, update
    properties/case_type          properties.case_type     case_type            create, update
    properties/owner_id           properties.owner_id      owner_id             create, update
    properties/external_id        properties.external_id   external_id          create, update
    properties/date_opened        properties.date_opened   date_opened          create, update
    properties/<name>             properties.<name>        properties.<name>    create, update
    indices/<name>/case_id        indices.<name>.case_id   the same             index/<name>
    indices/<name>/case_type      indices.<name>.case_type the same             @case_type
    indices/<name>/relationship   relationship             the same             @relationship
    indices/<name>/record_id      the mapping's authority and the case id it points to
    closed                        closed                   closed, close        close
    date_closed, domain           the same                 the same
    date_modified                 date_modified            last_modified        @date_modified
    server_date_modified          server_date_modified     server_last_modified
    user_id                       user_id                                       @user_id
    child_cases                   cases of this payload that point to this one, a repeat whose keys
                                  are child_cases/case_id, child_cases/properties/<name>, ...

In one block, `update` wins over `create`, as in HQ. `closed` is false where a block creates a case
and does not close it. `child_cases/<type>` holds the children of one case type only.

A form has the keys `form/group/question`, attributes as `form/@name`, and what HQ puts around it
(`id`, `received_on`, `metadata/username`). Which group is a repeat only the mapping knows: one
item comes as an object, two as a list. `case` is a repeat of all case blocks of the form, wherever
they stood (`case/case_id`, `case/properties/<name>`, ...; `case/@place` is where); `case/<type>`
those of one case type. An answer of nothing but white space is an empty one.

A mapping whose lines name case keys is for cases, and reads the case blocks of a form too. Where
it names case types (a code table or a `when` over `properties/case_type`), it is for these types:
cases of others stay behind and are listed as `case of another type`.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import BinaryIO

from adapters.commcare import case_blocks, case_bodies, form_page, form_xml
from adapters.commcare.scope import Scope, shown
from adapters.commcare.sources import Sources
from adapters.commcare.written import Written
from gateway.errors import SenderError
from gateway.mapping import Plan, reader_of
from gateway.record import Reading, Record, Writing, structural

EMPTY = "object without a mapped value"
"""What `unmapped` says where no line of the mapping found anything in a case or form."""


class CommCare:
    """See the module. Writes cases as one list of bodies for `POST /a/<domain>/api/case/v2/`.

    HQ takes 100 bodies at a time: delivery cuts the list, in its order. A body with a `case_id`
    updates that case (`create: false`); one with an `external_id` only creates or updates it.
    Under a mapping for forms, a page of forms is written as API v1 gives it; HQ takes forms as
    `commcare.xml` only.
    """

    name = "commcare"
    version = "1"
    media_type = "application/json"
    record_types: frozenset[str] | None = None

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """Read cases or forms, whichever the mapping is for."""
        plan = _needed(mapping, self.name)
        scope = Scope(plan)
        reader = reader_of(plan)
        sources = Sources(scope)
        met = made = 0
        for source in sources.read(content):
            met += 1
            records = reading.sound(partial(reader.read, source.fields, at=source.at))
            if reading.faults is not None and not records:
                made += 1  # left out, and listed
            elif any(map(_says_something, records)):
                made += 1
                yield from records
            else:
                reading.unmapped.add(EMPTY)
        trace = reader.trace(shown)
        reading.lineage.update(trace.lineage)
        reading.unmapped.update(trace.unmapped)
        reading.unmapped.update(sources.left)
        reading.repeated.update(sources.repeated)
        if met and not made:
            raise SenderError(
                "no line of the mapping finds anything", rule="commcare.nothing_mapped"
            )

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        plan = _needed(mapping, self.name)
        written = Written(plan, records, writing)
        write = case_bodies.write if written.scope.cases else form_page.write
        yield from write(written)
        written.finish()


class CommCareXml(CommCare):
    """Reads the same; writes one submission for `POST /a/<domain>/receiver/api/`.

    Cases are case blocks of one form. A form is a form, and one content holds one of them.
    `date_modified` is left out where the mapping has no value for it: HQ then takes the time of
    receipt. The instance id of a form of case blocks is made from its content, so that the same
    content sent twice is the same submission to HQ.
    """

    name = "commcare.xml"
    media_type = "text/xml"

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        plan = _needed(mapping, self.name)
        written = Written(plan, records, writing)
        write = case_blocks.write if written.scope.cases else form_xml.write
        yield from write(written)
        written.finish()


def _needed(mapping: Plan | None, name: str) -> Plan:
    if mapping is None:
        raise SenderError("commcare needs a mapping", rule="mapping.missing")
    if name != mapping.format and not name.startswith(f"{mapping.format}."):
        raise SenderError("the mapping is for another format", rule="mapping.other_format")
    return mapping


def _says_something(record: Record) -> bool:
    return not record.keys() <= {*structural(record["record_type"]), "record_id"}
