"""Access tokens: OAuth 2.0 client credentials with `private_key_jwt` (RFC 7523), bound to a key of
the caller's by DPoP (RFC 9449), as JWTs of RFC 9068.

The keys that sign them follow from a secret that gateways on one log share, a new one every month.
So each gateway knows them all, none is ever lost, and no file is left to be forgotten.
"""

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from starlette.datastructures import State
from starlette.requests import Request

from gateway.exchange import Gateway
from gateway.identity.compact import Compact, encoded, parsed
from gateway.identity.keyring import Keyring, RequestKey
from gateway.identity.origin import origin_of, target_of
from gateway.identity.public import Public, public_of
from gateway.identity.seen import first_time
from gateway.limits.allowance import method_of

MONTH = 30 * 86_400
MAX_ASSERTION = 600
"""Seconds an assertion may be good for."""
MAX_JTI = 200
TOKEN = "at+jwt"  # noqa: S105 - a media type
PROOF = "dpop+jwt"
_TOKEN_HEADER = frozenset({"alg", "kid", "typ"})
_PROOF_HEADER = frozenset({"alg", "typ", "jwk"})
_ASSERTION_TYPES = ("", "jwt", "client-authentication+jwt")


@dataclass(frozen=True, slots=True)
class Bound:
    """Who speaks with an access token."""

    party: str
    key: str
    """Thumbprint of the key the token was asked for with."""


@lru_cache(maxsize=16)
def _private(secret: bytes, month: int) -> Ed25519PrivateKey:
    info = f"corridor access tokens v1 {month}".encode()
    return Ed25519PrivateKey.from_private_bytes(HKDF(SHA256(), 32, None, info).derive(secret))


@lru_cache(maxsize=16)
def _public(secret: bytes, month: int) -> Public:
    return of_bytes(_private(secret, month).public_key().public_bytes_raw())


def of_bytes(key: bytes) -> Public:
    """An Ed25519 public key of ours."""
    found = public_of({"kty": "OKP", "crv": "Ed25519", "x": encoded(key)})
    if found is None:
        raise ValueError
    return found


def token_keys(secret: bytes, now: float) -> list[Public]:
    """The keys that tokens are signed with: the month before, this one, and the next."""
    month = int(now) // MONTH
    return [_public(secret, one) for one in (month - 1, month, month + 1)]


@dataclass(frozen=True, slots=True)
class Asserted:
    """A client assertion for us that holds, and may have been used before."""

    key: RequestKey
    jti: str = field(repr=False)
    until: float

    async def unused(self, request: Request) -> bool:
        """Whether it is used for the first time; from now on it is not."""
        state = request.app.state
        return await first_time(state, "assertion", self.key.public.id, self.jti, self.until)


def asserted(text: str, request: Request, ring: Keyring) -> Asserted | None:
    """A client assertion, where everything about it holds."""
    said = parsed(text, types=_ASSERTION_TYPES, members=frozenset({"alg", "kid", "typ"}))
    origin = origin_of(request)
    if said is None or origin is None:
        return None
    key = ring.request(str(said.header.get("kid", "")))
    if key is None or not said.by(key.public) or not _for_us(said, key, origin):
        return None
    return Asserted(key, said.text("jti"), said.moment("exp"))


def _for_us(said: Compact, key: RequestKey, origin: str) -> bool:
    named = {said.text("iss"), said.text("sub")} == {key.party}
    audience = said.claims.get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        [audience] = audience
    ours = audience in (origin, f"{origin}/v1/token")
    now = time.time()
    timely = now < said.moment("exp") <= now + MAX_ASSERTION
    begun = all(said.moment(name) <= now + 60 for name in ("nbf", "iat"))
    return named and ours and timely and begun and 1 <= len(said.text("jti")) <= MAX_JTI


async def proved(request: Request, skew: int, token: str | None) -> str | None:
    """Thumbprint of the key a DPoP proof is by (RFC 9449, 4.3); None where it does not hold.

    With a token, the proof must be over that token.
    """
    values = request.headers.getlist("dpop")
    origin = origin_of(request)
    if len(values) != 1 or origin is None:
        return None
    said = parsed(values[0], types=(PROOF,), members=_PROOF_HEADER)
    jwk = said.header.get("jwk") if said is not None else None
    key = public_of(jwk) if isinstance(jwk, dict) else None
    if said is None or key is None or not said.by(key):
        return None
    meant = (said.text("htm"), said.text("htu")) == (method_of(request), target_of(request, origin))
    timely = abs(time.time() - said.moment("iat")) <= skew
    if token is not None and not hmac.compare_digest(said.text("ath").encode(), _ath(token)):
        return None
    jti, until = said.text("jti"), said.moment("iat") + skew
    if not (meant and timely and 1 <= len(jti) <= MAX_JTI):
        return None
    fresh = await first_time(request.app.state, "dpop", key.id, jti, until)
    return key.id if fresh else None


def _ath(token: str) -> bytes:
    return encoded(hashlib.sha256(token.encode()).digest()).encode()


def issued(gateway: Gateway, key: RequestKey, bound_to: str, origin: str) -> tuple[str, int]:
    """A new access token, and for how many seconds it is good."""
    now, good_for = int(time.time()), gateway.deployment.settings.identity.token_seconds
    secret = gateway.keys.content
    header = {"alg": "Ed25519", "kid": _public(secret, now // MONTH).id, "typ": TOKEN}
    claims = {
        "iss": origin,
        "aud": origin,
        "sub": key.party,
        "client_id": key.party,
        "iat": now,
        "exp": now + good_for,
        "jti": secrets.token_urlsafe(16),
        "cnf": {"jkt": bound_to},
        "key": key.public.id,
    }
    said = ".".join(encoded(json.dumps(one).encode()) for one in (header, claims))
    signature = _private(secret, now // MONTH).sign(said.encode())
    return f"{said}.{encoded(signature)}", good_for


async def bound(request: Request, ring: Keyring, token: str) -> Bound | None:
    """Who calls with this token and a proof of its key; None where anything is amiss."""
    state: State = request.app.state
    gateway: Gateway = state.gateway
    origin = origin_of(request)
    said = parsed(token, types=(TOKEN,), members=_TOKEN_HEADER)
    if said is None or origin is None:
        return None
    keys = {one.id: one for one in token_keys(gateway.keys.content, time.time())}
    signer = keys.get(str(said.header.get("kid", "")))
    if signer is None or not said.by(signer):
        return None
    asked_with = ring.request(said.text("key"))
    ours = (said.text("iss"), said.text("aud")) == (origin, origin)
    if asked_with is None or asked_with.party != said.text("sub") or not ours:
        return None
    if said.moment("exp") <= time.time():
        return None
    proof = await proved(request, gateway.deployment.settings.identity.clock_skew_seconds, token)
    confirmed = said.claims.get("cnf")
    jkt = confirmed.get("jkt") if isinstance(confirmed, dict) else None
    if proof is None or not isinstance(jkt, str) or not hmac.compare_digest(jkt, proof):
        return None
    return Bound(asked_with.party, asked_with.public.id)
