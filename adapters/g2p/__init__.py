"""G2P Connect disbursements: payments a payer is asked to make.

    {"header": {"action": "disburse", ...}, "message": {"transaction_id": "...", "disbursements": [
      {"reference_id": "7", "payer_fa": "account:1@bank", "payee_fa": "mobile:2@wallet",
       "amount": "85.00", "currency_code": "USD"}]}}

A disbursement is a record of assistance whose id is its `reference_id`. The schema requires a
member `disburemsents` that it describes nowhere: both spellings are read, and the misspelt one is
written as an empty list, so that nothing is paid twice.

What a payment needs is never left out in silence: without a reference, two addresses or an amount
that can be written, and with a date that cannot, the whole message is refused. A payment without
`scheduled_timestamp` is made at once. Texts that are too long are told as lost, never cut.
Messages of the mapper, searches and states of payments hold no payments and are refused.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

import orjson

from adapters.g2p import answers
from adapters.g2p.messages import read
from adapters.g2p.payments import Payments
from adapters.spdci.envelope import NO_ID, header, listed
from adapters.spdci.naming import authority_of
from gateway.adapter import Outcome
from gateway.errors import SenderError
from gateway.record import Reading, Record, Writing

if TYPE_CHECKING:
    from gateway.mapping import Plan

NOBODY = "g2p.invalid"
"""Authority of ids where neither a mapping nor the sender's id says whose numbers they are."""


class G2p:
    """See the module. Of a mapping, only its authority is used: it stands before record ids."""

    name = "g2p"
    version = "1"
    media_type = "application/json"
    record_types = frozenset({"assistance"})

    def parse(
        self, content: BinaryIO, mapping: "Plan | None", reading: Reading
    ) -> Iterator[Record]:
        yield from read(content, _authority(mapping), NOBODY, reading)

    def render(
        self, records: Iterable[Record], mapping: "Plan | None", writing: Writing
    ) -> Iterator[bytes]:
        count, sender = _survey(records)
        sender = _authority(mapping) or sender
        before = (
            b'{"signature":"","header":%b,"message":{"transaction_id":"%b","disbursements":'
            % (
                orjson.dumps(header("disburse", sender, count)),
                NO_ID.encode(),
            )
        )
        made = Payments(sender, writing).written(records)
        yield from listed(before, made, b',"disburemsents":[]}}')

    def outcomes(self, answer: bytes, sent: int) -> list[Outcome]:
        """What a payer says of a list of payments. See `adapters.g2p.answers`."""
        return answers.outcomes(answer, sent)


def _survey(records: Iterable[Record]) -> tuple[int, str]:
    """How many payments there are, and whose numbers all of them have."""
    count = 0
    authorities: set[str] = set()
    for record in records:
        if record["record_type"] == "assistance":
            count += 1
            if len(authorities) <= 1:
                authorities.add(record["record_id"].partition("/")[0])
    return count, authority_of(authorities.pop() if len(authorities) == 1 else None, NOBODY)


def _authority(mapping: "Plan | None") -> str | None:
    if mapping is None:
        return None
    if mapping.format != G2p.name:
        raise SenderError("the mapping is for another format", rule="mapping.other_format")
    return mapping.authority
