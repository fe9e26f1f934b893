"""Records to the objects of a message, with an account of every leaf.

What was written is read again: a leaf that does not come back as it was is told as lost.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.leaf_names import NOTHING, changed, leaf_names
from adapters.progres.referral import bodies, comments, envelope, fields, lists
from adapters.progres.referral.envelope import Message
from adapters.progres.referral.filling import flat_of
from adapters.progres.referral.places import Pair
from adapters.progres.referral.reading import Authorities, Reader
from adapters.progres.referral.risk import written_priority
from adapters.progres.referral.rows import TABLE
from adapters.progres.referral.values import is_individual, is_number
from gateway.errors import SenderError
from gateway.record import Reading, Record, Writing

MOST_ROWS = 1000
"""Rows of one intervention: languages times needs."""

LARGEST = 8 << 20
"""Bytes of one case in a message. A message of two such cases can still be read as a line."""

Object = dict[str, Any]
_INDIVIDUAL = "individuals.progres_id"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of message."""

    shape: str
    asks: str | None
    """The request type around its objects; others have one of their own."""
    make: Callable[[Pair, str], list[Object]]
    """Objects of one case. The text is whose numbering UNHCR's ids are."""


def partners(case: Record) -> str:
    """The partner's number of a referral, with the case it is part of where that is told.

    Raises `SenderError` for an id that is no number: some have white space in them.
    """
    domain, _, local = str(case["record_id"]).partition("/")
    number = local
    for one in case.get("related_cases", ()):
        whole = one.get("related", "").partition("/")
        if one.get("relation") == "part_of" and whole[0] == domain and "#" not in whole[2]:
            number = f"{whole[2]}#{local}"
            break
    if not is_number(number):
        raise SenderError("an id that is no number of a referral", rule="progres.number", at="case")
    return number


def _ours(record: Record, authority: str) -> str | None:
    """The record's number, where it is this authority's and can be written."""
    domain, _, local = str(record["record_id"]).partition("/")
    return local if domain == authority and is_number(local) else None


_CLOSED = frozenset(("draft", "failed", "completed", "cancelled", "entered-in-error"))


def _open(case: Record) -> None:
    """Refuse what nobody asks for any more, or not yet: written, it would be a new referral."""
    if case.get("status") in _CLOSED:
        raise SenderError(
            "a state that a referral cannot have", rule="progres.state", at="case, status"
        )


def rows(pair: Pair, authority: str) -> list[Object]:
    """A row for each language and need. Raises `SenderError` for a case without a number."""
    _open(pair["case"])
    flat = flat_of(pair, TABLE)
    flat.update(comments.written(pair["case"]))
    priority = written_priority(pair["case"])
    if priority:
        flat[fields.PRIORITY] = priority
    number = _number(flat, pair["case"], authority)
    individual = _ours(pair["person"], authority) if "person" in pair else None
    if is_individual(individual) and individual != f"{number}.1":
        flat.setdefault(_INDIVIDUAL, individual)
    languages = lists.languages_of(pair.get("person", {})) or [{}]
    needs = lists.needs_of(pair["case"]) or [{}]
    if len(languages) * len(needs) > MOST_ROWS:
        raise SenderError(
            "more languages times needs than rows can be written", rule="progres.too_many_rows"
        )
    return [nested({**flat, **language, **need}) for language in languages for need in needs]


def _number(flat: Object, case: Record, authority: str) -> str:
    """UNHCR's number of the intervention: among its identifiers, or its id where UNHCR made it."""
    found = flat.get(fields.INTERVENTION_NO) or flat.get(fields.INTERVENTION_ID)
    if found is None:
        found = flat[fields.INTERVENTION_NO] = _ours(case, authority)
    if found is None:
        raise SenderError(
            "a case without a number that UNHCR gave it", rule="progres.no_number", at="case"
        )
    return str(found)


def nested(flat: Mapping[str, Any]) -> Object:
    """A row with its entity references as Dynamics writes them."""
    row: Object = {}
    for key, value in flat.items():
        name, _, part = key.rpartition("/")
        if not name:
            row[key] = value
            continue
        reference: Object = {"Id": None, "KeyAttributes": [], "LogicalName": None, "Name": None}
        row.setdefault(name, {**reference, "RowVersion": None})[part] = value
        row[name]["LogicalName"] = fields.LOGICAL.get(name)
    return row


def decision(pair: Pair, authority: str) -> list[Object]:
    """What UNHCR decided about a partner's referral, by the partner's number."""
    if is_unhcrs(pair["case"], None):
        raise SenderError(
            "UNHCR's own intervention, where a decision about a partner's referral is meant",
            rule="progres.direction",
            at="case",
        )
    flat = bodies.written_decision(pair, flat_of(pair, fields.DECISION_ROW))
    number = partners(pair["case"])
    if flat.get(fields.REFERRAL_NO) != number:
        flat[fields.ORG_REFERRAL] = number
    return [flat]


def notice(pair: Pair, authority: str) -> list[Object]:
    """What a partner tells UNHCR of UNHCR's referral."""
    flat = flat_of(pair, fields.NOTICE)
    number = flat.get(fields.INTERVENTION_NO) or _ours(pair["case"], authority)
    if number is None:
        raise SenderError(
            "a case without a number that UNHCR gave it", rule="progres.no_number", at="case"
        )
    asks = _ASKS.get(flat["status"])
    flat = {**flat, fields.INTERVENTION_NO: number}
    return [{**flat, "request_type": asks} if asks else flat]


_ASKS: Mapping[str, str] = {
    "acknowledged": envelope.ANSWERED,
    "rejected": envelope.ANSWERED,
    "Delivery Fail": envelope.FEEDBACK,
}
"""That a referral came is told without a request type."""


def incoming(pair: Pair, authority: str) -> list[Object]:
    """A partner's referral, by its own number."""
    _open(pair["case"])
    flat = bodies.written_incoming(pair, flat_of(pair, fields.INCOMING))
    return [{"request_type": envelope.SENT, **flat, "id": partners(pair["case"])}]


def is_unhcrs(case: Record, authority: str | None) -> bool:
    """Whether UNHCR numbered a case. The authority is UNHCR's alone, where there is one."""
    kinds = (fields.INTERVENTION_NO, fields.INTERVENTION_ID)
    if any(one.get("identifier_type") in kinds for one in case.get("identifier", ())):
        return True
    return authority is not None and _ours(case, authority) is not None


class Account:
    """What became of each leaf."""

    def __init__(self, authorities: Authorities, writing: Writing) -> None:
        self._authorities = authorities
        self._writing = writing

    def made(self, kind: Kind, person: Record | None, case: Record) -> list[bytes]:
        """The objects of one case, as JSON. Raises `SenderError` for too much of it."""
        pair: Pair = {"case": case} if person is None else {"person": person, "case": case}
        objects = kind.make(pair, self._authorities.unhcr)
        reading = Reading()
        asks = kind.asks or objects[0].get("request_type")
        message = Message(kind.shape, objects, "written", asks)
        [back] = Reader(self._authorities, reading).read(message)
        for record_type, record in pair.items():
            self._tell(record_type, record, back.get(record_type, {}), reading.lineage)
        return list(_dumped(objects))

    def lose(self, leaves: Iterable[str]) -> None:
        """Count leaves of records that no message is about."""
        self._writing.unrendered.update(leaves)

    def _tell(
        self, record_type: str, record: Record, back: Record, lineage: Mapping[str, str]
    ) -> None:
        for name, value in record.items():
            if name == "record_type":
                continue
            again = back.get(name, NOTHING)
            if name == "identifier" and isinstance(again, list):
                # UNHCR's number of the person stands in the person and in the case.
                again = [item for item in again if item in value]
            lost = set(changed(record_type, name, value, again))
            self._writing.unrendered |= lost
            for leaf in leaf_names(record_type, name, value):
                if leaf in lineage and leaf not in lost:
                    self._writing.lineage[leaf] = lineage[leaf]


def _dumped(objects: Iterable[Object]) -> Iterator[bytes]:
    size = 0
    for one in objects:
        dumped = orjson.dumps(one)
        size += len(dumped)
        if size > LARGEST:
            raise SenderError(
                "one case that fills more than a message", rule="progres.too_large", at="case"
            )
        yield dumped
