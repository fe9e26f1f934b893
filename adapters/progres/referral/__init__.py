"""Referrals between UNHCR's proGres v4 and its partners, as UNHCR's gateway carries them.

    {"interventions": [{"progres_interventionnumber": "DRU-26-PRTITV-0000042", ...}, ...],
     "request_type": "PrimeroOutgoingReferral"}

Four messages belong together. UNHCR refers a person: rows of an intervention, one for each
language and specific need. The partner says that it came, and what it decided. The partner
refers a person: one flat object. UNHCR decides: rows with `progres_reviewdecision`. All four are
read, and each becomes a `case`, a referral also a `person`. The partner's number of its own
referral comes back with UNHCR's decision: `CASE#SERVICE` where it is one service of a case.

Dates are read as they are written. `1990-03-14T17:00:00Z` was midnight of the 15th in a zone of
its sender's, which nobody here knows: the date of birth is the 14th, and the time stays in
`extension`. Names of fields are the vendor's, misspelt ones too. What has no canonical name but is
known (ids of entities, levels of languages, routes) is kept in `extension`, so that a message
comes back as it was; what nobody knows is unmapped. HTML stays as it is. A referral says nothing
of consent, and none is invented; Primero's case, as it is stored on the way, does say, and is
read as Primero's own. Everything from a child protection case is marked as one, and as one of
gender-based violence where a need or a service says so, or a need is of a category nobody knows.

UNHCR's newer gateway (PING: `ShippingProcessId`, `InteropId`, `Data`) is not read: none of its
answers is public.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

import orjson

from adapters.progres.referral import envelope, written
from adapters.progres.referral.answers import outcomes
from adapters.progres.referral.envelope import messages
from adapters.progres.referral.joined import Joined
from adapters.progres.referral.reading import Authorities, Reader, records_of
from adapters.progres.referral.written import LARGEST, Account, Kind, is_unhcrs
from gateway.adapter import Outcome
from gateway.errors import SenderError
from gateway.record import Reading, Record, Writing

if TYPE_CHECKING:
    from gateway.mapping import Plan

_FORMAT = "progres.referral"

_ASKED, _LISTED, _DECIDED, _TOLD, _REFERRED = "asked", "listed", "decided", "told", "referred"
_KINDS: dict[str, Kind] = {
    _ASKED: Kind(envelope.ROWS, envelope.REFERRED, written.rows),
    _LISTED: Kind(envelope.ROWS, None, written.rows),
    _DECIDED: Kind(envelope.DECISIONS, envelope.DECIDED, written.decision),
    _TOLD: Kind(envelope.NOTICE, None, written.notice),
    _REFERRED: Kind(envelope.INCOMING, None, written.incoming),
}
"""An intervention of which nobody says that it is `requested` is listed, without a request type."""
_ENVELOPED = (_ASKED, _LISTED, _DECIDED)


class ProgresReferral:
    """Writes of the four messages the one that a case is.

    A case that UNHCR numbered (`progres_interventionnumber`, `progres_lpinterventionid`) is
    UNHCR's: where it is `received`, `failed`, `accepted` or `rejected`, the partner tells of it,
    else it is an intervention. Any other case is a partner's: where it is `accepted` or
    `rejected`, that is UNHCR's decision, else it is a referral to UNHCR. Each message has a line,
    and so has each part of one above 8 MiB. A referral that is closed, or not yet made, is
    refused: whoever got it would take it for a new one.
    """

    name = "progres.referral"
    version = "1"
    media_type = "application/json"
    record_types: frozenset[str] | None = frozenset({"case", "person"})

    def parse(
        self, content: BinaryIO, mapping: "Plan | None", reading: Reading
    ) -> Iterator[Record]:
        reader = Reader(_authorities(mapping), reading)
        pairs = (pair for one in messages(content, reading) for pair in reader.read(one))
        yield from records_of(pairs)

    def outcomes(self, answer: bytes, sent: int) -> list[Outcome]:
        """What the partner tells of the interventions it was sent."""
        return outcomes(answer, sent)

    def render(
        self, records: Iterable[Record], mapping: "Plan | None", writing: Writing
    ) -> Iterator[bytes]:
        authorities = _authorities(mapping)
        alone = authorities.unhcr if authorities.unhcr != authorities.partner else None

        def kind_of(case: Record) -> str:
            state = case.get("status")
            if not is_unhcrs(case, alone):
                return _DECIDED if state in ("accepted", "rejected") else _REFERRED
            if state in ("received", "failed", "accepted", "rejected"):
                return _TOLD
            return _ASKED if state == "requested" else _LISTED

        yield from _messages(Joined(records, kind_of), Account(authorities, writing))


class ProgresReferralOutgoing(ProgresReferral):
    """Writes only what UNHCR sends, for a partner that takes nothing else.

    A case that is `accepted` or `rejected` is UNHCR's decision. Any other is an intervention; one
    that UNHCR did not number is refused.
    """

    name = "progres.referral.outgoing"

    def render(
        self, records: Iterable[Record], mapping: "Plan | None", writing: Writing
    ) -> Iterator[bytes]:
        def kind_of(case: Record) -> str:
            if case.get("status") in ("accepted", "rejected"):
                return _DECIDED
            return _ASKED if case.get("status") == "requested" else _LISTED

        yield from _messages(Joined(records, kind_of), Account(_authorities(mapping), writing))


def _messages(joined: Joined, account: Account) -> Iterator[bytes]:
    """Every message on a line of its own."""
    newline = b""
    for name in (name for name in _KINDS if name in joined.kinds):
        lines = _enveloped if name in _ENVELOPED else _alone
        for line in lines(joined, account, name):
            yield newline + line
            newline = b"\n"
    if not joined.kinds:
        yield b'{"interventions":[]}'
    joined.alone()
    account.lose(joined.lost)


def _alone(joined: Joined, account: Account, name: str) -> Iterator[bytes]:
    """One message for each object."""
    for person, case in joined.pairs(name):
        yield from account.made(_KINDS[name], person, case)


def _enveloped(joined: Joined, account: Account, name: str) -> Iterator[bytes]:
    """One message around the objects of all cases, or several where they are many."""
    held: list[bytes] = []
    size = 0
    for person, case in joined.pairs(name):
        made = account.made(_KINDS[name], person, case)
        if held and size + sum(map(len, made)) > LARGEST:
            yield _message(held, name)
            held, size = [], 0
        held += made
        size += sum(map(len, made))
    yield _message(held, name)


def _message(objects: list[bytes], name: str) -> bytes:
    asks = _KINDS[name].asks
    after = b',"request_type":%b}' % orjson.dumps(asks) if asks else b"}"
    return b'{"interventions":[%b]%b' % (b",".join(objects), after)


def _authorities(mapping: "Plan | None") -> Authorities:
    if mapping is None:
        return Authorities()
    if mapping.format != _FORMAT:
        raise SenderError("the mapping is for another format", rule="mapping.other_format")
    return Authorities(mapping.authority, mapping.authority)
