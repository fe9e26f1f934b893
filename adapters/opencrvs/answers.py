"""What OpenCRVS answers to a notification: the event, or an error.

{"id": "...", "type": "v2.birth", "actions": [{"type": "NOTIFY", "status": "Accepted"}]}
{"code": "BAD_REQUEST", "message": "...", "issues": [{"code": "...", "path": ["declaration"]}]}
{"errors": [{"code": "..."}]}          also of GraphQL, with the code under `extensions`

An event that was made and not notified, or whose notification the country has yet to confirm
(`Requested`), is not accepted.
"""

from collections.abc import Iterator
from typing import Any

from adapters.flat.answered import code, one_by_one, path
from adapters.opencrvs.events import NOTIFY
from gateway.adapter import Outcome


def outcomes(answer: bytes, sent: int) -> list[Outcome]:
    """One outcome for each object, more for one that is refused for several reasons."""
    return one_by_one(answer, sent, _judge)


def _judge(answer: dict[str, Any], index: int | None) -> Iterator[Outcome]:
    reasons = [answer.get("issues"), answer.get("errors")]
    listed = [one for some in reasons if isinstance(some, list) for one in some]
    if listed:
        for one in listed:
            yield _refused(one if isinstance(one, dict) else {}, index)
    elif answer.keys() & {"code", "message", "error", "errors", "issues"}:
        yield _refused(answer, index)
    elif isinstance(answer.get("type"), str) and isinstance(answer.get("id"), str):
        states = set(_notified(answer.get("actions")))
        if "Accepted" in states:
            yield Outcome(index, "accepted")
        elif "Rejected" in states:
            yield Outcome(index, "refused")


def _notified(actions: Any) -> Iterator[str]:
    for one in actions if isinstance(actions, list) else ():
        if isinstance(one, dict) and one.get("type") == NOTIFY:
            yield str(one.get("status"))


def _refused(reason: dict[str, Any], index: int | None) -> Outcome:
    extensions = reason.get("extensions")
    said = reason.get("code")
    if said is None and isinstance(extensions, dict):
        said = extensions.get("code")
    steps = reason.get("path")
    at = "/".join(map(str, steps)) if isinstance(steps, list) else None
    return Outcome(index, "refused", code(said), path(at))
