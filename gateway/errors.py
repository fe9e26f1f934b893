"""What can go wrong, sorted by who has to act.

    CorridorError
    ├── SenderError     422  the sender gave us something we cannot read or place
    ├── OfficerError    422  an agreement, party, mapping or policy is not fit for use
    ├── GatewayError    503  we could not keep a promise, so nothing left
    └── RecipientError  502  it was due, and logged, but not taken

A refusal is not in this list: it is an answer, and `exchange` returns it.

Messages name places and rules, never values. They end up in tickets, chats and other
people's logs, and a value may be somebody's name.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

TYPE = "https://corridor.invalid/problems/"
"""Problem types (RFC 9457) are names; each stands in docs/partners.md."""


class CorridorError(Exception):
    """Base of every error raised on purpose. Catch this one; raise a leaf.

    `rule` is stable and machine readable, lower case with dots: it names what was broken
    (`json.truncated`) and becomes the last part of the problem type over HTTP. After `schema.`
    stands JSON Schema's own keyword (`schema.maxLength`).
    `at` is a place (a line, a JSON path, a file, a setting), never a value.
    """

    status: ClassVar[int]
    act: ClassVar[str] = "operator"
    """Whose turn it is."""

    def __init__(
        self,
        problem: str,
        *,
        rule: str,
        at: str = "",
        status: int | None = None,
        retry_after: int = 0,
    ) -> None:
        super().__init__(f"{problem} at {at}" if at else problem)
        self.problem = problem
        self.rule = rule
        self.at = at
        self.http_status = status or self.status
        """A narrower HTTP status where one exists (404, 409, 413, 415); else the class's own."""
        self.retry_after = retry_after
        """Seconds after which asking again may help; 0 where nobody can say."""
        self.faults: Sequence[Mapping[str, Any]] = ()
        """Where more than one record of a payload may be wrong: position, rule and place of the
        first ones (`gateway.faults`)."""

    def described(self) -> dict[str, Any]:
        """The problem document of RFC 9457. No value is quoted."""
        return described(
            self.http_status, self.rule, self.problem, act=self.act, at=self.at, faults=self.faults
        )


def described(
    status: int,
    rule: str,
    title: str,
    *,
    act: str,
    at: str = "",
    faults: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """A problem document. `rule` is stable; `act` says whose turn it is."""
    body: dict[str, Any] = {
        "type": TYPE + rule, "title": title, "status": status, "rule": rule, "act": act,
    }  # fmt: skip
    if at:
        body["at"] = at
    if faults:
        body["faults"] = faults
    return body


class SenderError(CorridorError):
    """The request or its content breaks a rule. The sender must correct it."""

    status = 422
    act = "sender"


class OfficerError(CorridorError):
    """A party, agreement, mapping, policy or setting is not fit for use. Its owner must act."""

    status = 422
    act = "officer"


class GatewayError(CorridorError):
    """Policy, log or storage failed us. The operator must look; nothing left."""

    status = 503


class RecipientError(CorridorError):
    """The recipient did not take a logged transfer. The operator may release it again."""

    status = 502
    act = "recipient"
