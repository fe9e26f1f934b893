"""Compact JWS (RFC 7515) that others send: read in one spelling, before anything is believed.

No header may bring a key but the one of a DPoP proof, and none may name an address of one, or
an extension that must be understood.
"""

import base64
import binascii
import json
import math
from dataclasses import dataclass, field
from typing import Any

from gateway.identity.public import Public

LIMIT = 4096
"""Characters."""

LATEST = 2**40
"""Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Compact:
    """What a JWS says. Nothing of it is true before `by`."""

    header: dict[str, Any]
    claims: dict[str, Any] = field(repr=False)
    _signed: bytes = field(repr=False)
    _signature: bytes = field(repr=False)

    def by(self, key: Public) -> bool:
        """Whether this key signed it, by its own algorithm."""
        said = self.header.get("alg")
        return said in key.jose and key.verifies(self._signature, self._signed)

    def text(self, claim: str) -> str:
        """A claim that must be a text of ASCII; empty where it is none."""
        value = self.claims.get(claim)
        # JSON can write half a character, which no digest is made of.
        fit = isinstance(value, str) and len(value) <= LIMIT and value.isascii()
        return str(value) if fit else ""

    def moment(self, claim: str) -> float:
        """A NumericDate: 1970 where there is none, and the end of time for what is no moment."""
        value: Any = self.claims.get(claim, 0)
        fit = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if fit and 0 <= value < LATEST else math.inf


def parsed(text: str, *, types: tuple[str, ...], members: frozenset[str]) -> Compact | None:
    """The JWS of a text, whose header is of one of these types and has no other members."""
    if len(text) > LIMIT:
        return None
    try:
        head, body, signature = (_decoded(one) for one in text.split("."))
        header, claims = (json.loads(one, object_pairs_hook=_once) for one in (head, body))
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    if not header.keys() <= members or str(header.get("typ", "")).lower() not in types:
        return None
    return Compact(header, claims, text.rpartition(".")[0].encode(), signature)


def encoded(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decoded(segment: str) -> bytes:
    try:
        found = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError from None
    if encoded(found) != segment:
        raise ValueError  # spare bits that mean nothing: a second spelling
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found
