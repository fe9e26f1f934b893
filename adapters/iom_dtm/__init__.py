"""IOM Displacement Tracking Matrix: answers of its API, versions 3 and 2, as counts of people.

    {"result": [{"operation": "...", "admin0Pcode": "TCD", "numPresentIdpInd": 147032,
                 "reportingDate": "2017-09-30T00:00:00", "roundNumber": 1,
                 "displacementReason": "Conflict", ...}], "isSuccess": true, ...}

A row is one reason and one origin of displaced people in a place. Rows of one operation, place,
round, kind of assessment and day are added up to one figure, as DTM means them: its causes are
all the reasons, its origin is kept where all rows have one. A figure is one record for all
people, and one each for men and women where every row counts them. Rounds are stocks and are
never added up. Figures are held until the answer has been read: 200,000 at most.

Codes of places are IOM's (`IRQ-G01`), which are not always the p-codes of others. Dates have no
zone, and get none. A list of rows is read too. An answer that failed, or has not all its rows, is
refused.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

import orjson

from adapters.iom_dtm.back import Back
from adapters.iom_dtm.envelope import rows
from adapters.iom_dtm.sums import KIND, LINES, figures, records_of
from adapters.leaf_names import leaf_names
from gateway.errors import SenderError
from gateway.record import Reading, Record, Writing

if TYPE_CHECKING:
    from gateway.mapping import Plan

NOWHERE = "iom.dtm.invalid"
"""Authority of figures where no mapping says another: they have no ids (RFC 2606)."""


class IomDtm:
    """See the module. Of a mapping, only its authority is used: it stands before record ids."""

    name = "iom.dtm"
    version = "1"
    media_type = "application/json"
    record_types = frozenset({KIND})

    def parse(
        self, content: BinaryIO, mapping: "Plan | None", reading: Reading
    ) -> Iterator[Record]:
        authority = _authority(mapping)
        for figure in figures(rows(content, reading.unmapped)):
            reading.unmapped.update(f"result/{column}" for column in figure.left())
            for record in records_of(figure, authority):
                reading.lineage.update(_lines(record))
                yield record

    def render(
        self, records: Iterable[Record], mapping: "Plan | None", writing: Writing
    ) -> Iterator[bytes]:
        """Rows of version 3, as an answer. A figure's record for all people stands before those
        for men and women."""
        back = Back(_told(records, writing), _authority(mapping), writing)
        before = b'{"result":['
        for row in back:
            yield before + orjson.dumps(row)
            before = b","
        if not back.count:
            yield before
        yield b'],"statusCode":200,"isSuccess":true,"errorMessages":[],"totalRecordsCount":'
        yield b"%d}" % back.count
        for leaf in writing.unrendered & writing.lineage.keys():
            del writing.lineage[leaf]


def _told(records: Iterable[Record], writing: Writing) -> Iterator[Record]:
    for record in records:
        if record["record_type"] == KIND:
            writing.lineage.update(_lines(record))
        yield record


_COLUMNS = {f"{KIND}.{leaf}": f"result/{path}" for leaf, path in LINES.items()}


def _lines(record: Record) -> dict[str, str]:
    names = {name for field, value in record.items() for name in leaf_names(KIND, field, value)}
    return {name: _COLUMNS[name] for name in sorted(names & _COLUMNS.keys())}


def _authority(mapping: "Plan | None") -> str:
    if mapping is None:
        return NOWHERE
    if mapping.format != IomDtm.name:
        raise SenderError("the mapping is for another format", rule="mapping.other_format")
    return mapping.authority
