"""What can go wrong for a caller.

    ClientError
    ├── ProblemError      the gateway answered with a problem document (RFC 9457)
    └── UnreachableError  no answer came, or none that can be read

A refusal and a hold are not in this list: they are answers, and `transfer` returns them.
"""

import email.utils
import time

import httpx
import orjson


class ClientError(Exception):
    """Base of every error of this package."""


class UnreachableError(ClientError):
    """No whole answer came. With the same idempotency key the call may be repeated."""

    def __init__(self, what: str, *, sent: bool = True) -> None:
        super().__init__(what)
        self.sent = sent
        """False: the gateway never saw the request."""


class ProblemError(ClientError):
    """The gateway did not do what was asked. `rule` is stable; `act` says whose turn it is."""

    def __init__(self, status: int, document: dict[str, object], headers: httpx.Headers) -> None:
        self.status = status
        self.rule = str(document.get("rule", "http.status"))
        self.title = str(document.get("title", "no problem document"))
        self.act = str(document.get("act", ""))
        self.at = str(document.get("at", ""))
        """A place (a line, a path, a parameter), never a value."""
        self.retry_after = _seconds(headers.get("retry-after", ""))
        self.request_id = headers.get("x-request-id", "")
        """What the operator finds this request by."""
        self.document = document
        place = f" at {self.at}" if self.at else ""
        super().__init__(f"{status} {self.rule}: {self.title}{place}")

    @classmethod
    def of(cls, status: int, headers: httpx.Headers, body: bytes) -> "ProblemError":
        """The problem in an answer; one without a document where a proxy answered."""
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            document = {}
        return cls(status, document if isinstance(document, dict) else {}, headers)


def _seconds(said: str) -> float | None:
    """`Retry-After`, RFC 9110 section 10.2.3: seconds, or a date."""
    if said.isdigit():
        return float(said)
    try:
        moment = email.utils.parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())
