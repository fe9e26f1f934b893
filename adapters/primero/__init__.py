"""Primero v2 (CPIMS+, GBVIMS+): cases, incidents, referrals, as its API, webhooks and exports say.

    {"data": [{"id": "...", "sex": "female", ...}], "metadata": {"total": 1, "per": 20, "page": 1}}
    {"data": {"record_id": "...", "record_type": "case", "sex": "female", ...}}
    [{"id": "...", "data": {"sex": "female", ...}}]
    {"id": "...", "sex": "female", "services_section": [{"unique_id": "...", ...}]}
    id,sex,name

Which fields there are is set per deployment, so a mapping says what they mean; `fields` has how
each kind of field is handed to it. Three things no mapping can loosen:

- consent: every record of a case carries `protection.consent.status`. `given` only where
  `disclosure_other_orgs` is true, services were not refused and the record is not disabled;
  `refused` where either is false; else `not_given`, which policy bars. A referral by itself says
  nothing of it (`facts`);
- `protection.case_kind`: `child` for the CPIMS+ module, else `gbv`;
- `*******` is never a value, and a name that is protected (`hidden_name`, and in the GBV module
  from the start) is `withheld`, with every part of it, also where an export has it in full.

Numbers where a text should be (a national id, a telephone) are refused at their line. A mapping
that takes them knowingly says `as: decimal`: the digits that are left, as text.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

import orjson

from adapters.flat.back import Back
from adapters.flat.reading import Found, needed, records_of
from adapters.primero import envelope, export
from adapters.primero.answers import outcomes
from adapters.primero.body import Body
from adapters.primero.facts import DISCLOSURE, MODULE, READ, SERVICES
from adapters.primero.fields import Objects
from adapters.primero.plan import CONSENT, HIDDEN, KIND, Linked, for_writing
from gateway.adapter import Outcome
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.mapping.lookup import Keys
from gateway.mapping.nodes import values_of
from gateway.mapping.trace import BETWEEN
from gateway.record import Reading, Record, Writing

_BEGINS = (b"{", b"[")
_FACTS = {CONSENT: BETWEEN.join((DISCLOSURE, SERVICES)), KIND: MODULE}
"""Our own paths, as lineage tells them."""

_WRITTEN = {CONSENT: DISCLOSURE, KIND: MODULE}


class Primero:
    """Writes bodies for `POST` and `PATCH`, `{"data": {...}}`: one line for each record.

    A request takes one of them. Subforms are merged by their `unique_id`: an item without one is
    added, even where it is there already. An item is deleted where the mapping writes `_destroy`
    in it. Nobody's consent is written, only that it was refused or withdrawn. What a line reads as
    boolean, whole number or list is written as that. For PATCH, `id` belongs in the address. The
    schema of a deployment is closed: a field it does not have is refused (422), or dropped without
    a word; the answer to PATCH has what was changed. Needs a mapping in both
    directions.
    """

    name = "primero"
    version = "1"
    media_type = "application/json"
    record_types: frozenset[str] | None = None

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """Any of the notations above, told apart by the first byte."""
        plan = needed(mapping, self.name)
        made = Objects(plan)
        for record in records_of(_found(content, made, reading), made.plan, reading):
            local = record["record_id"].split("/", 1)[1]
            if HIDDEN in local.replace("%2A", "*"):
                raise SenderError("the id is withheld", rule="primero.id_withheld")
            yield record
        reading.unmapped |= made.left
        reading.unmapped -= READ
        lineage = dict(_lineage(reading.lineage, plan, made))
        reading.lineage.clear()
        reading.lineage.update(lineage)

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        given = needed(mapping, self.name)
        plan, made = for_writing(given), Objects(given)
        linked = Linked(plan, records)
        back, body = Back(plan, linked), Body(plan)
        for fields in back:
            data = body(fields)
            for again in made(data, at="written", every=True):
                if again.fields != fields:
                    back.compare(fields, again.fields)
            yield b"\n" * (back.count > 1) + orjson.dumps({"data": data})
        back.lost -= {leaf for leaf in back.lost if linked.unheard(leaf)}
        back.tell(writing)
        for leaf, path in writing.lineage.items():
            writing.lineage[leaf] = _WRITTEN.get(path, path)

    def outcomes(self, answer: bytes, sent: int) -> list[Outcome]:
        """Of one request, which takes one record. See `answers` for what the status adds."""
        return outcomes(answer, sent)


def _found(content: BinaryIO, made: Objects, reading: Reading) -> Iterator[Found]:
    start = content.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    content.seek(0)
    if start.startswith(_BEGINS):
        return envelope.records(content, made, reading)
    return export.records(content, made)


def _lineage(lineage: Mapping[str, str], plan: Plan, made: Objects) -> Iterator[tuple[str, str]]:
    """The lineage in the payload's own paths. Of `absent`, those that really said why."""
    told = Keys(
        source.slot
        for one in plan.made
        for value, _ in values_of(one.body, None)
        if value.missing.reasons
        for source in value.sources
    )
    for leaf, path in lineage.items():
        if leaf.endswith(".absent"):
            # Every line knows asterisks, so every path stands here.
            keys = path.split(BETWEEN)
            path = BETWEEN.join(k for k in keys if k in made.hidden or told.line(k) is not None)
        if path:
            yield leaf, _FACTS.get(path, path)
