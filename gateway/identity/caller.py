"""The party a request speaks for."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from starlette.requests import Request

from gateway.deployment import bearer_digest
from gateway.errors import SenderError
from gateway.exchange import Gateway
from gateway.identity import certificate, evidence, signature, tokens
from gateway.identity.keyring import Keyring, certificate_name, keyring_of
from gateway.limits.allowance import admit

if TYPE_CHECKING:
    from hashlib import _Hash

How = Literal["bearer", "signature", "dpop", "mtls"]
_KEPT = "corridor.caller"


@dataclass(frozen=True, slots=True)
class Caller:
    """A party that showed who it is."""

    party: str
    how: How
    key: str = ""
    """Id of the key it showed (RFC 7638), empty for a bearer key."""
    content_digest: bytes | None = field(default=None, repr=False)
    """Digest of the body, where the caller signed one. The body that comes must have it."""
    evidence: bytes = field(default=b"", repr=False)
    """What proves later that the caller said this: signature base and signature (RFC 9421)."""
    digest_algorithm: str = "sha256"
    """Of `content_digest`, as hashlib calls it."""

    def hasher(self) -> "_Hash":
        """What the body, as it came over the wire, is to be put into for `check`."""
        return hashlib.new(self.digest_algorithm, usedforsecurity=True)

    def check(self, digest: bytes) -> None:
        """Refuse a body that is not the one that was signed."""
        if self.content_digest is not None and not hmac.compare_digest(self.content_digest, digest):
            raise SenderError(
                "the body is not what was signed", rule="digest.mismatch", at="Content-Digest"
            )

    def check_content(self, content: bytes) -> None:
        """`check`, for a body that is at hand as it came over the wire."""
        if self.content_digest is not None:
            self.check(hashlib.new(self.digest_algorithm, content).digest())


def unknown() -> SenderError:
    """The one answer to everybody who did not show who they are."""
    return SenderError("show who you are with a key that counts", rule="key.invalid", status=401)


async def caller_of(request: Request) -> Caller:
    """Who calls. Raises 401 without saying what was wrong.

    The same request is looked at once, for its nonce counts once.
    """
    caller: Caller | None = request.scope.get(_KEPT)
    if caller is None:
        caller = await _shown(request)
        admit(request, caller.party)
        request.scope[_KEPT] = caller
    return caller


def still(request: Request, caller: Caller) -> None:
    """Refuse who showed a key that ended while the body came, which may take hours."""
    ring = keyring_of(request.app.state)
    party: str | None
    if caller.how == "bearer":
        token = request.headers.get("authorization", "").partition(" ")[2]
        party = ring.bearer(bearer_digest(token))
    elif caller.how == "mtls":
        party = ring.certificate(certificate.shown(request) or "")
    else:
        key = ring.request(caller.key)
        party = key.party if key is not None else None
    if party != caller.party:
        raise unknown()


async def _shown(request: Request) -> Caller:
    ring = keyring_of(request.app.state)
    words = request.headers.getlist("authorization")
    signs = "signature" in request.headers or "signature-input" in request.headers
    if len(words) + signs > 1:
        raise unknown()  # two ways to be somebody may be two parties
    if signs:
        return await _signed(request, ring)
    if words:
        scheme, _, token = words[0].partition(" ")
        if scheme.lower() == "dpop":
            bound = await tokens.bound(request, ring, token)
            if bound is not None:
                return Caller(bound.party, "dpop", bound.key)
        party = ring.bearer(bearer_digest(token)) if scheme.lower() == "bearer" else None
        if party is not None:
            return Caller(party, "bearer")
        raise unknown()
    digest = certificate.shown(request)
    party = ring.certificate(digest) if digest else None
    if digest is None or party is None:
        raise unknown()
    return Caller(party, "mtls", certificate_name(digest))


async def _signed(request: Request, ring: Keyring) -> Caller:
    gateway: Gateway = request.app.state.gateway
    skew = gateway.deployment.settings.identity.clock_skew_seconds
    signed = await signature.signed(request, ring, skew)
    if signed is None:
        raise unknown()
    kind, digest = signed.digest
    said = evidence.said_by(signed.key, signed.base, signed.signature)
    return Caller(signed.key.party, "signature", signed.key.public.id, digest, said, kind)
