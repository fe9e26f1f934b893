"""What Go.Data answers to `POST /outbreaks/{id}/cases`: the person it made, or an error.

{"id": "...", "visualId": "...", "outbreakId": "...", ...}
{"error": {"statusCode": 422, "code": "VALIDATION_ERROR", "message": "...",
           "details": {"codes": {"visualId": ["uniqueness"]}}}}
"""

from collections.abc import Iterator
from typing import Any

from adapters.flat.answered import code, one_by_one, path
from gateway.adapter import Outcome

_MADE = ("id", "outbreakId")
"""Members that a person has who was made."""


def outcomes(answer: bytes, sent: int) -> list[Outcome]:
    """One outcome for each object, more for one that is refused for several reasons."""
    return one_by_one(answer, sent, _judge)


def _judge(answer: dict[str, Any], index: int | None) -> Iterator[Outcome]:
    error = answer.get("error")
    if isinstance(error, dict):
        reasons = list(_reasons(error, index))
        yield from reasons or [Outcome(index, "refused", code(error.get("code")))]
    elif "error" not in answer and all(isinstance(answer.get(name), str) for name in _MADE):
        yield Outcome(index, "accepted")


def _reasons(error: dict[str, Any], index: int | None) -> Iterator[Outcome]:
    details = error.get("details")
    codes = details.get("codes") if isinstance(details, dict) else None
    for field, said in codes.items() if isinstance(codes, dict) else ():
        for one in said if isinstance(said, list) else ():
            yield Outcome(index, "refused", code(one), path(field))
