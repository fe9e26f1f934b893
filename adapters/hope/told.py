"""Flat objects to records, with an account of every key: what it filled, or that nobody took it."""

import re
from collections.abc import Mapping
from typing import Any

from adapters.flat import reading as flat
from adapters.hope.fields import DOCUMENTS
from gateway.mapping import Plan, Reader, reader_of
from gateway.record import Leaf, Reading, Record, leaves, walk

_KINDS = frozenset((*DOCUMENTS, "bank", "mobile", "unhcr", "wfp"))
_KIND = re.compile(r"((?:^|/)(?:documents|accounts|identities)/)([^/]+)")
_MADE: Mapping[str, str] = {
    "hope_id": "id",
    "country_code": "country",
    "delivery_type_id": "delivery_type",
    "outcome": "delivered_quantity",
    "individuals/role": "individuals/primary_collector_id | individuals/alternate_collector_id",
    "roles_in_household/is_head": "head_of_household/id",
    "members/id": "members",
    "members/collects": "primary_collector_id | alternate_collector_id",
    "members/is_head": "head_of_household_id",
}
"""Keys that this adapter makes, and what it makes them of."""

_NOTHING = object()


def shown(key: str) -> str:
    """A key as receipts may show it. The kind of a document is what a sender wrote as a value."""
    if key in _MADE:
        return _MADE[key]
    known = _KIND.sub(lambda match: match[1] + (match[2] if match[2] in _KINDS else "_"), key)
    if known != key:
        return "?" if flat.shown(known) == "?" else known.replace("/_", "/?")
    return flat.shown(key)


class Taken:
    """The readers of one payload, one for each plan that its objects need."""

    def __init__(self, reading: Reading, *, own: bool) -> None:
        """`own`: the plans are the adapter's, so that a line without a value is nobody's line."""
        self._reading = reading
        self._own = own
        self._readers: dict[str, Reader] = {}
        self._awaited: dict[str, dict[str, list[Leaf]]] = {}

    def names(self, plan: Plan, key: str) -> bool:
        """Whether a plan reads this key."""
        return self._reader(plan).names(key)

    def read(self, plan: Plan, fields: Any, *, at: str) -> list[Record]:
        """The records of one flat object. Raises `SenderError` with place and rule."""
        found = self._reader(plan).read(fields, at=at)
        for record in found:
            if self._own:
                # HOPE says nothing of our schemas. With a mapping, the mapping does.
                del record["schema_version"]
            self.meet(record)
        return found

    def meet(self, record: Record) -> None:
        """Note which leaves a record has."""
        awaited = self._waiting_for(record["record_type"])
        for field in [field for field in record if awaited.get(field)]:
            awaited[field] = [
                leaf
                for leaf in awaited[field]
                if next(walk(record, leaf.path), _NOTHING) is _NOTHING
            ]

    def _waiting_for(self, kind: str) -> dict[str, list[Leaf]]:
        """Leaves that no record of a type has had yet, by their field."""
        found = self._awaited.get(kind)
        if found is None:
            found = self._awaited[kind] = {}
            for leaf in leaves(kind).values():
                found.setdefault(leaf.path[0], []).append(leaf)
        return found

    def tell(self) -> None:
        """Lineage and what nobody took, once everything has been read."""
        for reader in self._readers.values():
            trace = reader.trace(shown)
            for leaf, source in trace.lineage.items():
                if not self._own or self._has_come(*leaf.split(".", 1)):
                    self._reading.lineage[leaf] = source
            self._reading.unmapped.update(trace.unmapped)

    def _has_come(self, kind: str, name: str) -> bool:
        awaited = self._waiting_for(kind).get(leaves(kind)[name].path[0], ())
        return all(leaf.name != name for leaf in awaited)

    def _reader(self, plan: Plan) -> Reader:
        found = self._readers.get(plan.digest)
        if found is None:
            found = self._readers[plan.digest] = reader_of(plan)
        return found
