"""What Primero answers to a body that was sent: one request, one record."""

import re
from collections.abc import Iterator
from typing import Any, Literal

import orjson

from gateway.adapter import Outcome

_State = Literal["refused", "unknown"]

_FAILED = 500
_NO_CONTENT = 204
"""The answer where the sender chose the id."""

_TAKEN = frozenset((200, 201, _NO_CONTENT))
_REFUSED = frozenset((400, 401, 403, 404, 405, 409, 422))
"""409: a record with this id is there. 422: a field is unknown, or its value is not allowed."""

_PATH = re.compile(r"(?=.{1,200}\Z)/?[a-z_][a-z0-9_]*([./\[\]]{1,2}[a-z0-9_]+)*\]?")
_CODE = re.compile(r"[0-9]{3}")


def outcomes(answer: bytes, sent: int, status: int | None = None) -> list[Outcome]:
    """What became of the `sent` records of a request; Primero takes one in each.

    `status` is the HTTP status, where the caller has it: without it an answer of no content
    (204) says nothing. What the answer does not clearly accept is `unknown`.
    """
    if sent != 1:
        return [Outcome(index, "unknown") for index in range(sent)]
    document = _document(answer)
    errors = document.get("errors") if isinstance(document, dict) else None
    if isinstance(errors, list) and errors:
        return [one for error in errors for one in _refusals(error, status)]
    if status in _REFUSED:
        return [Outcome(0, "refused", str(status))]
    if errors is not None or status not in (None, *_TAKEN):
        return [Outcome(0, "unknown", None if status is None else str(status))]
    taken = _is_record(document) or (status == _NO_CONTENT and not answer)
    return [Outcome(0, "accepted" if taken else "unknown")]


def _document(answer: bytes) -> Any:
    try:
        return orjson.loads(answer)
    except orjson.JSONDecodeError:
        return None


def _is_record(document: Any) -> bool:
    """The record as it stands now, which has an id."""
    data = document.get("data") if isinstance(document, dict) else None
    return isinstance(data, dict) and isinstance(data.get("id"), str)


def _refusals(error: Any, status: int | None) -> Iterator[Outcome]:
    """One error, which may name several fields. What the server itself failed at is no refusal."""
    told = error if isinstance(error, dict) else {}
    code = str(told.get("status", told.get("code")))
    failed = (status or 0) >= _FAILED or code.startswith("5")
    state: _State = "unknown" if failed else "refused"
    detail = told.get("detail")
    for one in (detail or [None]) if isinstance(detail, list) else [detail]:
        path = one if isinstance(one, str) and _PATH.fullmatch(one) else None
        yield Outcome(0, state, code if _CODE.fullmatch(code) else None, path)
