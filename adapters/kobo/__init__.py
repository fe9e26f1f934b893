"""KoboToolbox submissions as its API (v2), its REST service and its exports write them.

    {"count": 2, "next": null, "previous": null, "results": [{...}, {...}]}
    [{...}, {...}]
    {...}
    {...}\n{...}\n

A submission is flat: groups are part of the key, repeats are lists of objects whose keys hold
the whole path again. Every answer is text. What the questions mean is the mapping's business.
"""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from adapters.kobo.envelope import submissions
from gateway.errors import SenderError
from gateway.mapping import Plan, reader_of, write_back
from gateway.record import Parsed, Record, Rendered, leaves, walk

KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:@-]{0,199}")
"""A question's path, as the form's author named it. Anything else is reported as `?`: a key
may be a place where somebody put a name."""

SENT = re.compile(r"\A(base64EncryptedKey|encryptedXmlFile)\Z|/(base64EncryptedKey)\Z")
"""Keys of an encrypted submission's envelope: there are no answers in it."""


class Kobo:
    """See the module. Needs a mapping in both directions."""

    name = "kobo"
    version = "1"
    media_type = "application/json"

    def parse(self, content: bytes, mapping: Plan | None) -> Parsed:
        plan = _needed(mapping)
        reader = reader_of(plan)
        records: list[Record] = []
        repeated: set[str] = set()
        number = 0
        for number, submission in enumerate(submissions(content), 1):
            at = submission.at or f"submission {number}"
            for key in submission.twice:
                if reader.names(key):
                    raise SenderError(
                        "a mapped key stands twice with different values",
                        rule="json.key_twice",
                        at=f"{at}, {_shown(key)}",
                    )
                repeated.add(key)
            records += reader.read(submission.fields, at=at)
        trace = reader.trace(_shown)
        if any(map(SENT.search, trace.keys)):
            raise SenderError("a submission is encrypted", rule="kobo.encrypted")
        return Parsed(
            records=records,
            lineage=trace.lineage,
            unmapped=trace.unmapped,
            repeated=tuple(sorted({_shown(key) for key in repeated})),
        )

    def render(self, records: Sequence[Record], mapping: Plan | None) -> Rendered:
        plan = _needed(mapping)
        written, lost = write_back(plan, records)
        return Rendered(
            content=orjson.dumps(
                {"count": len(written), "next": None, "previous": None, "results": written}
            ),
            media_type=self.media_type,
            lineage=_lineage(plan, records, lost),
            unrendered=tuple(sorted(lost)),
        )


def _needed(mapping: Plan | None) -> Plan:
    if mapping is None:
        raise SenderError("kobo needs a mapping", rule="mapping.missing")
    if mapping.format != Kobo.name:
        raise SenderError("the mapping is for another format", rule="mapping.other_format")
    return mapping


def _shown(key: str) -> str:
    return key if KEY.fullmatch(key) else "?"


def _lineage(plan: Plan, records: Sequence[Record], lost: set[str]) -> dict[str, str]:
    sources = plan.targets()
    present: dict[str, str] = {}
    for record_type in {record["record_type"] for record in records}:
        mine = [record for record in records if record["record_type"] == record_type]
        for leaf in leaves(record_type).values():
            path = f"{record_type}.{leaf.name}"
            if path in sources and path not in lost and _any(mine, leaf.path):
                present[path] = sources[path]
    return present


def _any(records: Sequence[Record], path: tuple[str, ...]) -> bool:
    missing: Any = object()
    return any(next(walk(record, path), missing) is not missing for record in records)
