"""What RapidPro answers to `POST /api/v2/contacts.json`: the contact, or what is wrong with it.

    {"uuid": "...", "urns": [...], "modified_on": "...", ...}
    {"urns": {"0": ["..."]}, "language": ["..."], "non_field_errors": ["..."]}
    {"detail": "..."}

There are no codes: a field's list of messages says that the field was refused, and nothing of a
message is kept.
"""

from collections.abc import Iterator
from typing import Any

from adapters.flat.answered import one_by_one, path
from gateway.adapter import Outcome


def outcomes(answer: bytes, sent: int) -> list[Outcome]:
    """One outcome for each object, more for one that is refused for several fields."""
    return one_by_one(answer, sent, _judge)


def _judge(answer: dict[str, Any], index: int | None) -> Iterator[Outcome]:
    if isinstance(answer.get("uuid"), str) and isinstance(answer.get("modified_on"), str):
        yield Outcome(index, "accepted")
        return
    for field, said in answer.items():
        if field == "detail" and isinstance(said, str):
            yield Outcome(index, "refused")
            continue
        for place in _places(field, said):
            at = None if place == "non_field_errors" else path(place)
            yield Outcome(index, "refused", at=at)


def _places(field: str, said: Any) -> Iterator[str]:
    """The field where messages are listed, or each of its items that has some."""
    if _messages(said):
        yield field
    elif isinstance(said, dict):
        yield from (f"{field}/{key}" for key, one in said.items() if _messages(one))


def _messages(said: Any) -> bool:
    return isinstance(said, list) and bool(said) and all(isinstance(one, str) for one in said)
