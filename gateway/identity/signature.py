"""HTTP Message Signatures (RFC 9421) over requests, with Content-Digest (RFC 9530).

The library builds the signature base and knows the algorithms. What we add is what we accept:
one signature, by a key of ours, over everything that says what is asked for.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import http_sf
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    VerifyResult,
)
from starlette.requests import Request

from gateway.identity.keyring import Keyring, RequestKey
from gateway.identity.origin import origin_of, target_of
from gateway.identity.seen import first_time
from gateway.limits.allowance import method_of

MAX_NONCE = 200
MAX_HEADER = 4096
ALGORITHMS = {"sha-256": ("sha256", 32), "sha-512": ("sha512", 64)}
WHOLE = ("@target-uri",)
PARTS = ("@authority", "@path", "@query")
"""What must be signed besides the method: the target as a whole or in its parts."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A request that a key of ours signed."""

    key: RequestKey
    digest: tuple[str, bytes]
    """Algorithm of hashlib and digest of the body. Of the empty one where there is none."""
    base: bytes = field(repr=False)
    signature: bytes = field(repr=False)


class _Message:
    """A request as the library asks for it."""

    def __init__(self, request: Request, origin: str) -> None:
        self.method = method_of(request)
        self.headers = request.headers
        query = request.scope["query_string"].decode("latin-1")
        self.url = target_of(request, origin) + (f"?{query}" if query else "")


class _One(HTTPSignatureKeyResolver):
    def __init__(self, key: RequestKey) -> None:
        self.key = key

    def resolve_public_key(self, key_id: str) -> Any:
        return self.key.public.key


class _Verifier(HTTPMessageVerifier):  # type: ignore[misc, unused-ignore]
    """The moment is looked at by us: the library's own tolerance cannot be set for one call."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        return


async def signed(request: Request, ring: Keyring, skew: int) -> Signed | None:
    """Who signed the request, and over which body; None where nobody of ours did, or not fully,
    or not now, or not for the first time."""
    origin = origin_of(request)
    said = _said(request)
    if origin is None or said is None:
        return None
    covered, parameters, signature = said
    key = ring.request(str(parameters.get("keyid", "")))
    digest = _digest(request, covered)
    now = time.time()
    if key is None or digest is None or not _fit(covered, parameters, now, skew):
        return None
    found = _verified(request, origin, key)
    if found is None:
        return None
    base = "\n".join(f"{name}: {value}" for name, value in found.covered_components.items())
    # A signature of ECDSA has a twin, so the mark is of what was signed.
    nonce = str(parameters.get("nonce", "")) or f"base\n{base}"
    until = float(parameters["created"]) + skew
    if not await first_time(request.app.state, "signature", key.public.id, nonce, until):
        return None
    return Signed(key, digest, base.encode(), signature)


Said = tuple[list[str], Mapping[str, Any], bytes]


def _said(request: Request) -> Said | None:
    """Plain components, parameters and signature of the only signature there is."""
    inputs, signatures = (
        ", ".join(request.headers.getlist(name)) for name in ("signature-input", "signature")
    )
    if max(len(inputs), len(signatures)) > MAX_HEADER:
        return None
    try:
        [(label, (members, parameters))] = _dictionary(inputs).items()
        [(same, (signature, _))] = _dictionary(signatures).items()
        covered = [str(name) for name, qualifiers in members if not qualifiers]
    except (ValueError, TypeError):
        return None
    if label != same or not isinstance(signature, bytes) or not isinstance(members, list):
        return None
    return covered, parameters, signature


def _fit(covered: list[str], parameters: Mapping[str, Any], now: float, skew: int) -> bool:
    """Whether what was signed says enough, and says it now."""
    created, expires = parameters.get("created"), parameters.get("expires", int(now) + 1)
    if type(created) is not int or type(expires) is not int:
        return False
    whole = set(WHOLE) <= set(covered) or set(PARTS) <= set(covered)
    named = "@method" in covered and whole
    return named and abs(now - created) <= skew and expires > now and _short(parameters)


def _short(parameters: Mapping[str, Any]) -> bool:
    nonce = parameters.get("nonce", "")
    return isinstance(nonce, str) and len(nonce) <= MAX_NONCE


def _digest(request: Request, covered: list[str]) -> tuple[str, bytes] | None:
    """What the body must be: signed where there is one, empty where there is none."""
    has_body = "transfer-encoding" in request.headers or (
        request.headers.get("content-length", "0") != "0"
    )
    if "content-digest" not in covered:
        return None if has_body else digest_of_nothing()
    return content_digest(", ".join(request.headers.getlist("content-digest")))


def digest_of_nothing() -> tuple[str, bytes]:
    """What a request without a body must have."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    return "sha256", bytes.fromhex(empty)


def content_digest(text: str) -> tuple[str, bytes] | None:
    """The digest to check a body against: SHA-512 where it is said, else SHA-256."""
    if len(text) > MAX_HEADER:
        return None
    try:
        found = _dictionary(text)
    except ValueError:
        return None
    for name in ("sha-512", "sha-256"):
        if name in found:
            value = found[name][0]
            kind, size = ALGORITHMS[name]
            return (kind, value) if isinstance(value, bytes) and len(value) == size else None
    return None


def _dictionary(text: str) -> dict[str, Any]:
    """A dictionary of RFC 9651. Raises `ValueError`, and for a name that stands twice too."""

    def twice(name: str, context: str) -> None:
        raise ValueError(context)

    parse: Any = http_sf.parse  # its own type says every shape at once
    found: dict[str, Any] = parse(text.encode(), tltype="dictionary", on_duplicate_key=twice)
    return found


def _verified(request: Request, origin: str, key: RequestKey) -> VerifyResult | None:
    verifier = _Verifier(signature_algorithm=key.public.http, key_resolver=_One(key))
    try:
        [result] = verifier.verify(_Message(request, origin), max_age=None)
    except HTTPMessageSignaturesException:
        return None
    return result


__all__ = ["Signed", "content_digest", "signed"]
