"""Public keys that partners sign requests with: Ed25519 and P-256, each with one algorithm.

The algorithm follows from the key, never from what a message says: an `alg` that is not the
key's own is refused before anything is verified.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from http_message_signatures import HTTPSignatureAlgorithm, algorithms
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

MEMBERS = {"OKP": ("kty", "crv", "x"), "EC": ("kty", "crv", "x", "y")}
CURVES = {"OKP": "Ed25519", "EC": "P-256"}
_HTTP = {"OKP": algorithms.ED25519, "EC": algorithms.ECDSA_P256_SHA256}
_JOSE = {"OKP": ("Ed25519", "EdDSA"), "EC": ("ES256",)}
_LONG = 64
"""Bytes of either signature."""


@dataclass(frozen=True, slots=True)
class Public:
    """A public key that we can verify with."""

    id: str
    """RFC 7638 thumbprint."""
    kind: str
    jwk: Mapping[str, str]
    key: Any = field(repr=False)

    @property
    def http(self) -> type[HTTPSignatureAlgorithm]:
        """Its algorithm in RFC 9421."""
        return _HTTP[self.kind]

    @property
    def jose(self) -> tuple[str, ...]:
        """What its algorithm is called in a JWS: RFC 9864 and before."""
        return _JOSE[self.kind]

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the holder of the private half signed these bytes."""
        if len(signature) != _LONG:
            return False
        try:
            self.http(public_key=self.key).verify(signature=signature, message=message)
        except InvalidSignature:
            return False
        return True


def public_of(jwk: Mapping[str, Any]) -> Public | None:
    """The key a JWK says, from the members that make it; None for any other kind.

    A JWK with a private half is none: whoever sends it has given it away.
    """
    kind = jwk.get("kty")
    if not isinstance(kind, str) or kind not in MEMBERS:
        return None
    if jwk.get("crv") != CURVES[kind] or "d" in jwk:
        return None
    made = {name: jwk.get(name) for name in MEMBERS[kind]}
    if not all(isinstance(part, str) and len(part) <= _LONG for part in made.values()):
        return None
    texts = {name: str(part) for name, part in made.items()}
    try:
        key = (OKPKey if kind == "OKP" else ECKey).import_key({**texts})
        if {**key.as_dict(private=False)} != texts:
            return None  # a second spelling of the same key would be a second id
        return Public(key.thumbprint(), kind, texts, key.public_key)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
