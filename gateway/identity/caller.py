"""The party a request speaks for."""

from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import Request

from gateway.deployment import bearer_digest
from gateway.errors import SenderError
from gateway.exchange import Gateway

How = Literal["bearer", "signature", "dpop", "mtls"]


@dataclass(frozen=True, slots=True)
class Caller:
    """A party that showed who it is."""

    party: str
    how: How
    key: str = ""
    """Id of the key it showed (RFC 7638), empty for a bearer key."""
    content_digest: bytes | None = field(default=None, repr=False)
    """SHA-256 of the body, where the caller signed one. The body that comes must have it."""
    evidence: bytes = field(default=b"", repr=False)
    """What proves later that the caller said this: signature base and signature (RFC 9421)."""

    def check(self, digest: bytes) -> None:
        """Refuse a body that is not the one that was signed."""
        if self.content_digest is not None and self.content_digest != digest:
            raise SenderError(
                "the body is not what was signed", rule="digest.mismatch", at="Content-Digest"
            )


async def caller_of(request: Request) -> Caller:
    """Who calls. Raises 401 without saying what was wrong."""
    gateway: Gateway = request.app.state.gateway
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    party = gateway.keys.bearer.get(bearer_digest(token)) if scheme.lower() == "bearer" else None
    known = gateway.deployment.parties.get(party or "")
    if party is None or known is None or known["status"] != "active":
        raise SenderError("a valid bearer key is needed", rule="key.invalid", status=401)
    return Caller(party, "bearer")
