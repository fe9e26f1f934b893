"""UNHCR's Electronic Resettlement Referral form: reads proGres v3 and v4 (4.1, and the contacts
of 4.2.7 and 4.2.8), writes v4 (4.1).

    <UNHCR_RRF>
      <RRFBATCHTYPE>...</RRFBATCHTYPE>
      <CASE>
        <dataIndividual><IndividualGUID>...</IndividualGUID> ...

A case is a `household`, a `person` for each individual and a `case`, the referral, about whom the
resettlement data names; specific needs of other members are cases that are part of it. Specific
needs and criteria keep proGres's codes; countries, sex, marital status, relation and priority are
translated (`schemas/codes/*.progres.json`), and a code that is in no table is refused. `-` is
`absent: unknown`; `ZZZ` is the displacement status `STA`, stateless. A date is the day as written,
whatever its zone. `DateofBirthEstimate` is kept where it is set: v3 has none, and 0 says no more.

What has no canonical place, and words that say more than their canonical code, stand in
`extension` under the form's names and are written back; GUIDs that nobody gave are made of the
numbers beside them. Photographs are never carried. What the schema requires and nobody says is
written as `-` (unknown), but not a number, a date or the only name of a person: without these
nothing is written. What the official validator asks beyond the schema is written where a record
has it: a current address of the applicant, several cases as a group. Validity is not asked of
what is read: a size that differs from the number of individuals, and digits in names, are kept.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from lxml import etree

from adapters.progres.errf.envelope import CASE, SPACES, case_of, shown, told
from adapters.progres.errf.paths import PATHS, names_of
from adapters.progres.errf.reading import INDICATOR, SINGLE, records_of
from adapters.progres.errf.referrals import Numbering
from adapters.progres.errf.together import Together, grouped
from adapters.progres.errf.writing import indicator_of, write_case
from gateway.errors import SenderError
from gateway.record import Reading, Record, Writing
from gateway.source.markup import (
    Element,
    Markup,
    at,
    children,
    local,
    namespace,
    text,
    written,
)

if TYPE_CHECKING:
    from gateway.mapping import Plan

ROOT = "UNHCR_RRF"
BATCH = "RRFBATCHTYPE"
AUTHORITY = "progres.invalid"

_CODE_LIST = re.compile(rb"\s*\"?[A-Za-z]+Code\"?,")
_SCHEMA = "http://www.w3.org/2001/XMLSchema"


class ProgresErrf:
    """See the module. Of a mapping, only its authority is used: it stands before record ids."""

    name = "progres.errf"
    version = "1"
    media_type = "application/xml"
    record_types = frozenset({"household", "person", "case"})

    def parse(
        self, content: BinaryIO, mapping: "Plan | None", reading: Reading
    ) -> Iterator[Record]:
        numbering = Numbering(_authority(mapping))
        _refuse_code_list(content)
        said, count = "", 0
        for item in _items(content):
            name = local(item) if namespace(item) in SPACES else ""
            if name == CASE:
                count += 1
                case = case_of(item, reading.unmapped)
                for record in records_of(case, numbering, said or SINGLE):
                    for leaf in names_of(record):
                        reading.lineage.setdefault(leaf, PATHS[leaf])
                    yield record
            elif name == BATCH and not count:
                said = _indicator(item, reading.unmapped) or said
            else:
                reading.unmapped.update(told(item, shown(local(item))))
        if said == SINGLE and count > 1:
            # Nothing of it is kept: several cases are a group.
            reading.unmapped.add(f"{BATCH}/{INDICATOR}")
        if not count:
            raise SenderError("a form without a case", rule="errf.required", at=CASE)

    def render(
        self, records: Iterable[Record], mapping: "Plan | None", writing: Writing
    ) -> Iterator[bytes]:
        numbering = Numbering(_authority(mapping))
        found = grouped(records, writing.unrendered)
        first = next(found, None)
        if first is None:
            raise SenderError("there is no household to write", rule="errf.nothing")
        second = next(found, None)
        indicator = indicator_of(first.household, alone=second is None)
        begun = [first] if second is None else [first, second]

        def cases() -> Iterator[Element]:
            for position, one in enumerate(chain[Together](begun, found), 1):
                yield write_case(one, position, indicator, numbering, writing)

        root = etree.Element(ROOT)
        etree.SubElement(etree.SubElement(root, BATCH), INDICATOR).text = indicator
        yield from written(root, cases())


def _authority(mapping: "Plan | None") -> str:
    if mapping is None:
        return AUTHORITY
    if mapping.format not in (ProgresErrf.name, "progres"):
        raise SenderError("the mapping is for another format", rule="mapping.other_format")
    return mapping.authority


def _refuse_code_list(content: BinaryIO) -> None:
    content.seek(0)
    first = content.read(256).removeprefix(b"\xef\xbb\xbf")
    if _CODE_LIST.match(first):
        raise SenderError("a list of codes of proGres, and no form", rule="errf.code_list")
    content.seek(0)


def _items(content: BinaryIO) -> Iterator[Element]:
    document = Markup(content)
    root = document.root
    if namespace(root) == _SCHEMA:
        raise SenderError("a schema, and no form", rule="errf.schema", at=at(root))
    if local(root) != ROOT or namespace(root) not in SPACES:
        raise SenderError("not a resettlement referral form", rule="errf.not_errf", at=at(root))
    yield from document.items()


def _indicator(batch: Element, unmapped: set[str]) -> str:
    found = ""
    for child in children(batch):
        if local(child) == INDICATOR and namespace(child) in SPACES and not found:
            found = text(child).strip()
        else:
            unmapped.update(told(child, f"{BATCH}/{shown(local(child))}"))
    return found
