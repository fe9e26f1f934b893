"""What OpenMRS answers to `POST /patient`: the patient it made, or an error.

{"uuid": "...", "display": "...", ...}
{"error": {"code": "...", "message": "...", "globalErrors": [{"code": "..."}],
           "fieldErrors": {"names[0].givenName": [{"code": "..."}]}}}
"""

from collections.abc import Iterator
from typing import Any

from adapters.flat.answered import code, one_by_one, path
from gateway.adapter import Outcome


def outcomes(answer: bytes, sent: int) -> list[Outcome]:
    """One outcome for each object, more for one that is refused for several reasons."""
    return one_by_one(answer, sent, _judge)


def _judge(answer: dict[str, Any], index: int | None) -> Iterator[Outcome]:
    error = answer.get("error")
    if isinstance(error, dict):
        reasons = list(_reasons(error, index))
        yield from reasons or [Outcome(index, "refused", code(error.get("code")))]
    elif "error" not in answer and not answer.get("voided") and _is_uuid(answer.get("uuid")):
        yield Outcome(index, "accepted")


def _is_uuid(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _reasons(error: dict[str, Any], index: int | None) -> Iterator[Outcome]:
    fields = error.get("fieldErrors")
    listed = [(None, error.get("globalErrors"))]
    listed += list(fields.items()) if isinstance(fields, dict) else []
    for field, reasons in listed:
        for reason in reasons if isinstance(reasons, list) else ():
            said = reason.get("code") if isinstance(reason, dict) else None
            yield Outcome(index, "refused", code(said), path(field))
