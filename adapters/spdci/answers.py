"""What a partner answers to a message that was sent: an acknowledgement, or a state of each thing.

    {"message": {"ack_status": "ACK", "timestamp": "...", "correlation_id": "..."}}
    {"header": {...}, "message": {"enrolled_response": [{"reference_id": "7", "status": "succ"}]}}

Nothing but `succ` is taken for accepted, and for a message of records its ACK. What was received
or is pending is not known yet. Reason messages are never read: they may quote what they refuse.
What is no JSON at all is a `SenderError`.
"""

import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Literal

from gateway.adapter import Outcome
from gateway.source.objects import document

State = Literal["accepted", "refused", "unknown"]

_STATES: Mapping[str, State] = {"succ": "accepted", "rjct": "refused"}
_CODE = re.compile(r"(?:rjct|err)[._][a-z_]{1,40}(?:\.[a-z_]{1,40}){0,2}")
_NO_ANSWER = (Outcome(None, "unknown"),)


def outcomes(answer: bytes, sent: int, references: Sequence[str] = ()) -> list[Outcome]:
    """What became of `sent` objects: of enrolments, or of a message of records as a whole.

    `references` are the reference ids they were sent with, in order. Without them an answer about
    several is only told of each where it is the same for all.
    """
    message = answered(answer)
    found = acknowledged(message, accepted=True)
    return found or stated(message.get("enrolled_response"), sent, references)


def answered(answer: bytes) -> Mapping[str, Any]:
    """The message of an answer, without what some put around it. Empty where it is none."""
    found = document(BytesIO(answer))
    for _ in range(2):
        inner = found.get("message") if isinstance(found, dict) else None
        found = inner if isinstance(inner, dict) else found
    return found if isinstance(found, dict) else {}


def acknowledged(message: Mapping[str, Any], *, accepted: bool) -> list[Outcome]:
    """The outcome of an acknowledgement, if it is one. `accepted`: whether ACK is all there is.

    NACK means a message that is well formed and of which no more will be heard.
    """
    said = message.get("ack_status")
    if said is None:
        return []
    if said == "ERR":
        error = message.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return [Outcome(None, "refused", _code(code))]
    return [Outcome(None, "accepted" if said == "ACK" and accepted else "unknown")]


def stated(items: Any, sent: int, references: Sequence[str]) -> list[Outcome]:
    """The outcome of each thing of a list with states. Things nobody mentions are unknown."""
    said = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    if not said:
        return list(_NO_ANSWER)
    places = _places(said, sent, references)
    found = [_outcome(item, place) for item, place in zip(said, places, strict=True)]
    mentioned = [place for place in places if place is not None]
    if len(set(mentioned)) != len(mentioned):
        return list(_NO_ANSWER)
    silent = sorted(set(range(sent)) - set(mentioned)) if mentioned else []
    found += [Outcome(place, "unknown") for place in silent]
    return sorted(found, key=lambda one: (one.index is None, one.index or 0))


def _places(
    said: Sequence[Mapping[str, Any]], sent: int, references: Sequence[str]
) -> list[int | None]:
    """Which of the things sent each state is about."""
    if len(references) == sent and len(set(references)) == sent:
        known = {reference: place for place, reference in enumerate(references)}
        return [known.get(str(item.get("reference_id"))) for item in said]
    states = {repr((item.get("status"), item.get("status_reason_code"))) for item in said}
    named = {str(item.get("reference_id")) for item in said}
    if len(said) == sent == len(named) and len(states) == 1:
        return list(range(sent))
    return [None] * len(said)


def _outcome(item: Mapping[str, Any], place: int | None) -> Outcome:
    status = item.get("status")
    state = _STATES.get(status, "unknown") if isinstance(status, str) else "unknown"
    code = _code(item.get("status_reason_code"))
    return Outcome(place, state, code, _field(code))


def _code(value: Any) -> str | None:
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


def _field(code: str | None) -> str | None:
    """`rjct.payee_fa.invalid` names the field."""
    parts = (code or "").split(".")
    return parts[1] if len(parts) == len(("rjct", "field", "fault")) else None
