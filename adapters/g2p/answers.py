"""What a payer answers: an acknowledgement of the list, later an on-disburse with states.

ACK says that the list is well formed. It says nothing of any payment, so all are unknown yet.
"""

from collections.abc import Sequence

from adapters.spdci.answers import acknowledged, answered, stated
from gateway.adapter import Outcome


def outcomes(answer: bytes, sent: int, references: Sequence[str] = ()) -> list[Outcome]:
    """What became of each of `sent` payments. Raises `SenderError` for what is no JSON.

    `references` are the `reference_id`s they were sent with, in order. Without them an answer
    about several is only told of each where it is the same for all.
    """
    message = answered(answer)
    status = message.get("txnstatus_response")
    if isinstance(status, dict) and isinstance(status.get("txn_status"), dict):
        message = status["txn_status"]
    found = acknowledged(message, accepted=False)
    return found or stated(message.get("disbursements_status"), sent, references)
