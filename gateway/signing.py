"""Signatures of parties and officers: compact JWS (RFC 7515) with Ed25519 (RFC 9864).

One algorithm, one kind of header, one spelling. A header says `alg`, `kid` and `typ` and nothing
else: no key, no address of a key, no extension. `kid` only chooses among the keys we hold, by the
RFC 7638 thumbprint that we compute; what a file or a header calls a key is never believed.
"""

import base64
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from gateway.canonical import canonical
from gateway.deployment import KEY_MODE, read_key
from gateway.errors import GatewayError, OfficerError

ALGORITHM = "Ed25519"
LIMIT = 16_384
"""Characters. What we sign are statements with digests, not documents."""

HeldKey = Mapping[str, Any]
"""A key as a party's or officer's file has it: `jwk`, `valid_from`, `valid_until`, `revoked_at`."""


def new_key() -> tuple[dict[str, str], dict[str, str]]:
    """A new private JWK and its public half."""
    key = OKPKey.generate_key("Ed25519")
    return _members(key.as_dict(private=True), "d"), _members(key.as_dict(private=False))


def _members(jwk: Mapping[str, Any], *more: str) -> dict[str, str]:
    return {name: str(jwk[name]) for name in ("kty", "crv", "x", *more)}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638, from the members that make the key. Raises `OfficerError` for another kind."""
    return _public(jwk).thumbprint()


def _public(jwk: Mapping[str, Any]) -> OKPKey:
    try:
        key = OKPKey.import_key({**_members(jwk)})
    except (JoseError, ValueError, KeyError, TypeError):
        raise OfficerError("not an Ed25519 key", rule="signature.key") from None
    if (jwk["kty"], key.curve_name) != ("OKP", ALGORITHM):
        raise OfficerError("not an Ed25519 key", rule="signature.key")
    return key


def write_private(path: Path, jwk: Mapping[str, str]) -> None:
    """A new file that only its owner may read. Never replaces one."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE)
    except OSError:
        raise OfficerError(
            "this key file cannot be made; it may be there already", rule="keys.unwritable",
            at=path.name,
        ) from None  # fmt: skip
    with os.fdopen(handle, "wb") as file:
        file.write(canonical(dict(jwk)) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_private(path: Path) -> OKPKey:
    """The private key of a file. Raises `GatewayError` where others may read it."""
    text = read_key(path, private=True)
    try:
        held = _members(json.loads(text), "d")
        key = OKPKey.import_key({**held})
        fit = (held["kty"], held["crv"]) == ("OKP", ALGORITHM)
        # A file whose halves do not belong together would sign as nobody.
        whole = fit and _derived(held["d"]) == held["x"]
    except (JoseError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise GatewayError("this key file is damaged", rule="keys.broken", at=path.name)
    return key


def _derived(secret: str) -> str:
    key = Ed25519PrivateKey.from_private_bytes(_decoded(secret))
    return _encoded(key.public_key().public_bytes_raw())


def sign(payload: bytes, key: OKPKey, typ: str) -> str:
    """A compact JWS over `payload`. `typ` says what it is, so that it passes for nothing else."""
    header = {"alg": ALGORITHM, "kid": key.thumbprint(), "typ": typ}
    return jws.serialize_compact(header, payload, key, algorithms=[ALGORITHM])


def verify(signed: str, keys: Iterable[HeldKey], typ: str) -> tuple[bytes, str]:
    """The payload, and the thumbprint of the key that signed it.

    Raises `OfficerError`, rule `signature.*`. A revoked key signs nothing, whatever moment the
    payload names: who stole it chooses the moment. Whether the key was valid at that moment is
    `valid_at`, to be asked once the payload is known to be true.
    """
    header, payload = _parts(signed)
    if header.get("typ") != typ:
        raise OfficerError("signed for something else", rule="signature.typ")
    held = {thumbprint(one["jwk"]): one for one in keys}
    kid = header["kid"]
    if kid not in held:
        raise OfficerError("signed by a key that is not known here", rule="signature.unknown_key")
    if "revoked_at" in held[kid]:
        raise OfficerError("signed by a revoked key", rule="signature.revoked")
    try:
        jws.deserialize_compact(signed, _public(held[kid]["jwk"]), algorithms=[ALGORITHM])
    except (JoseError, ValueError):
        raise OfficerError("the signature does not hold", rule="signature.broken") from None
    return payload, kid


def valid_at(keys: Sequence[HeldKey], kid: str, moment: str) -> None:
    """Raises `OfficerError` unless the key with this thumbprint was valid at an instant."""
    for one in keys:
        if thumbprint(one["jwk"]) == kid:
            if is_valid(one, moment):
                return
            raise OfficerError("signed outside the key's validity", rule="signature.key_expired")
    raise OfficerError("signed by a key that is not known here", rule="signature.unknown_key")


def is_valid(key: HeldKey, moment: str) -> bool:
    """Whether what a key signs at this instant counts."""
    begun = key.get("valid_from", "") <= moment
    over = "valid_until" in key and key["valid_until"] <= moment
    return begun and not over and "revoked_at" not in key


def claimed(signed: str) -> bytes:
    """What a JWS says, before anybody checked that it is true. For choosing whose keys to try."""
    return _parts(signed)[1]


def _parts(signed: str) -> tuple[dict[str, Any], bytes]:
    """Header and payload, where they are spelled in the only way we read."""
    segments = signed.split(".") if len(signed) <= LIMIT else []
    try:
        header_bytes, payload, signature = (_decoded(one) for one in segments)
        header = json.loads(header_bytes, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise OfficerError("not a compact JWS", rule="signature.form") from None
    if not isinstance(header, dict) or header.get("alg") != ALGORITHM:
        raise OfficerError("signed with another algorithm", rule="signature.algorithm")
    if header.keys() != {"alg", "kid", "typ"} or not isinstance(header["kid"], str):
        # An embedded key, an address of one, or something that must be understood.
        raise OfficerError("a header that is not ours", rule="signature.header")
    if len(signature) != 64:
        raise OfficerError("not a compact JWS", rule="signature.form")
    return header, payload


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. What stands before a second member of its name would be kept, and never read."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _decoded(segment: str) -> bytes:
    found = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    if _encoded(found) != segment:
        # Spare bits that mean nothing: a second spelling of the same signature.
        raise ValueError
    return found


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
