"""What a partner says became of the referrals UNHCR sent it.

    {"progres_interventionnumber": "DRU-26-PRTITV-0000042", "status": "Delivery Fail",
     "closure_reason": "...", "request_type": "Feedback"}

A partner answers for one intervention at a time. What UNHCR's gateway itself answers to a
partner's referral is nowhere public: nothing is made of it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from adapters.flat.answered import one_by_one
from adapters.progres.referral.fields import INTERVENTION_NO
from gateway.adapter import Outcome

State = Literal["accepted", "refused", "unknown"]

_STATES: Mapping[str, State] = {
    "Pending Acknowledgement": "accepted",
    "acknowledged": "accepted",
    "rejected": "refused",
    "Delivery Fail": "refused",
}


def outcomes(answer: bytes, sent: int) -> list[Outcome]:
    """One for each intervention that was sent, where there is an answer for each, in order.

    `code` is the status, which is one of four. The reason beside it is a message.
    """
    return one_by_one(answer, sent, _judged)


def _judged(said: Mapping[str, Any], index: int | None) -> Iterator[Outcome]:
    status = said.get("status")
    if index is not None and isinstance(status, str) and said.get(INTERVENTION_NO):
        yield Outcome(index, _STATES.get(status, "unknown"), status if status in _STATES else None)
