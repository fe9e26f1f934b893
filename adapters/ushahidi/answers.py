"""What Ushahidi answers to posts: the post as it was made, or errors.

{"id": 99, "url": "...", "values": {...}}                                     (version 3)
{"result": {"id": 99, ...}}                                                   (version 5)
{"errors": [{"status": 422, "source": {"pointer": "/values/area"}, ...}]}
{"error": 422, "messages": {"title": ["..."]}}
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.flat.answered import one_by_one, path
from gateway.adapter import Outcome

_STATUS = re.compile(r"[45][0-9]{2}")


def outcomes(answer: bytes, sent: int) -> list[Outcome]:
    """The outcomes of `sent` posts, whose answers are lines in their order.

    Raises `SenderError` for what is no JSON.
    """
    return one_by_one(answer, sent, _judged)


def _judged(answer: Mapping[str, Any], index: int | None) -> Iterator[Outcome]:
    post = answer.get("result", answer)
    if "errors" in answer or "error" in answer or "messages" in answer:
        yield from _errors(answer, index)
    elif isinstance(post, dict) and _is_number(post.get("id")):
        yield Outcome(index, "accepted")


def _errors(answer: Mapping[str, Any], index: int | None) -> Iterator[Outcome]:
    listed, messages = answer.get("errors"), answer.get("messages")
    if isinstance(messages, dict) and messages:
        for key in messages:
            yield Outcome(index, "refused", _status(answer.get("error")), path(key))
    elif isinstance(listed, list) and listed:
        for one in listed:
            error = one if isinstance(one, dict) else {}
            source = error.get("source")
            pointer = source.get("pointer") if isinstance(source, dict) else None
            place = pointer.lstrip("/") if isinstance(pointer, str) else None
            yield Outcome(index, "refused", _status(error.get("status")), path(place))
    else:
        yield Outcome(index, "refused", _status(answer.get("error")))


def _status(value: Any) -> str | None:
    text = str(value)
    return text if _STATUS.fullmatch(text) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
