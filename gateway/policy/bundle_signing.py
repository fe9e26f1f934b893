"""Signed bundles, in OPA's own form, so that a policy server believes nobody but this gateway.

`.signatures.json` holds one JWT over the digest of every file. The key is named (`keyid`): an
OPA whose configuration does not name one believes a bundle whose signature was taken off
(before 1.21.3), so ours always does. The same bundle and key are the same bytes: every worker
serves one ETag, and an auditor can make the file again.
"""

import base64
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Mapping
from itertools import chain
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from gateway.canonical import canonical
from gateway.errors import GatewayError, OfficerError
from gateway.policy.bundle import ROOTS, Bundle, tarball

KEYID = "corridor"
"""What OPA's configuration calls our public key: `keys.corridor`, `signing.keyid`."""

ALGORITHM = "ES256"
SIGNATURES = ".signatures.json"
STRUCTURED = ("data.json", ".manifest")
"""Digested as values: OPA reads them before it digests them, and spaces mean nothing to it."""

MAX_BYTES = 64 << 20
"""Of all files unpacked. A bundle of ours has less than one megabyte."""

_HALF = 32
_HASH = "SHA-256"


def read_signing_key(pem: str) -> ec.EllipticCurvePrivateKey:
    """The key of `keys/bundle.key`. Raises `GatewayError` for any other than P-256."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise GatewayError("not a key", rule="keys.broken", at="bundle.key") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise GatewayError("not a P-256 key", rule="keys.kind", at="bundle.key")
    return key


def signed(bundle: Bundle, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The tarball that an OPA with our public key believes."""
    files = list(bundle.files())
    token = _token([_claimed(name, content) for name, content in files], key)
    # Spaced as OPA writes it itself.
    signatures = json.dumps({"signatures": [token]}, indent=1).encode()
    return tarball(chain(files, [(SIGNATURES, signatures)]))


def verify_bundle(packed: bytes, public_key: str, keyid: str = KEYID) -> Bundle:
    """The bundle in a signed tarball, for whoever does not leave that to OPA.

    Stricter than OPA: one signature by exactly this key, under this name and algorithm, over
    every file; no file beside those of a bundle of ours; the revision is that of the content.
    Raises `OfficerError`, which names a file and no content.
    """
    files = _unpacked(packed)
    claims = _claims(files, _public(public_key), keyid)
    del files[SIGNATURES]
    for name in sorted(files.keys() ^ claims.keys()):
        raise _unfit("a file that is not signed, or missing", "signature_files", name)
    for name, content in files.items():
        if claims[name] != file_digest(name, content):
            raise _unfit("another file than the one signed", "digest", name)
    return _bundle(files)


def file_digest(name: str, content: bytes) -> str:
    """SHA-256 of a file as OPA reads it, in hexadecimal."""
    if name.rpartition("/")[2] in STRUCTURED:
        content = _spelled(_json(content, name)).encode()
    return hashlib.sha256(content).hexdigest()


def _spelled(value: Any) -> str:
    """As OPA writes a value before it digests it: keys by code point, no spaces."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # Go escapes these two everywhere, because JavaScript once ended a line at them.
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _claimed(name: str, content: bytes) -> dict[str, str]:
    return {"name": name, "hash": file_digest(name, content), "algorithm": _HASH}


def _header(keyid: str) -> dict[str, str]:
    return {"alg": ALGORITHM, "kid": keyid, "typ": "JWT"}


def _token(files: list[dict[str, str]], key: ec.EllipticCurvePrivateKey) -> str:
    payload = {"files": files, "keyid": KEYID}
    said = ".".join(_base64(_compact(part)) for part in (_header(KEYID), payload))
    # RFC 6979: no random number, so nothing to go wrong with one, and one signature only.
    how = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    r, s = decode_dss_signature(key.sign(said.encode(), how))
    return f"{said}.{_base64(r.to_bytes(_HALF, 'big') + s.to_bytes(_HALF, 'big'))}"


def _claims(
    files: Mapping[str, bytes], key: ec.EllipticCurvePublicKey, keyid: str
) -> dict[str, str]:
    """The digest of each file signed. Raises unless exactly this key signed them."""
    if SIGNATURES not in files:
        raise _unfit("nobody signed this bundle", "unsigned", SIGNATURES)
    try:
        [token] = _json(files[SIGNATURES], SIGNATURES)["signatures"]
        head, payload, signature = token.split(".")
        header = json.loads(_decoded(head))
        claims = json.loads(_decoded(payload))
        raw = _decoded(signature)
        held = {one["name"]: one["hash"] for one in claims["files"] if one["algorithm"] == _HASH}
        expected = {"files": claims["files"], "keyid": keyid}
        whole = len(held) == len(claims["files"]) and claims == expected
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _unfit("not a signature", "signature", SIGNATURES) from None
    # The header is compared, not followed: it must not choose the algorithm or the key.
    if header != _header(keyid) or not whole or len(raw) != 2 * _HALF:
        raise _unfit("another signature than ours", "signature", SIGNATURES)
    halves = (int.from_bytes(raw[:_HALF], "big"), int.from_bytes(raw[_HALF:], "big"))
    try:
        said = f"{head}.{payload}".encode()
        key.verify(encode_dss_signature(*halves), said, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise _unfit("another key signed this bundle", "signature", SIGNATURES) from None
    return held


def _unpacked(packed: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(_inflated(packed)), mode="r:") as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.isreg() else None
                if content is None or entry.name in files:
                    raise ValueError
                files[entry.name] = content.read()
    except (tarfile.TarError, ValueError, LookupError, OSError, zlib.error):
        raise _unfit("not a bundle", "not_a_bundle", "the tarball") from None
    return files


def _inflated(packed: bytes) -> bytes:
    """The archive of exactly one gzip member, bounded before anything looks into it."""
    gzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
    content = gzip.decompress(packed, MAX_BYTES)
    if not gzip.eof or gzip.unused_data:
        raise ValueError
    return content


def _bundle(files: dict[str, bytes]) -> Bundle:
    try:
        manifest = _json(files.pop(".manifest"), ".manifest")
        data = canonical(_json(files.pop("data.json"), "data.json"))
        policies = {name: text.decode() for name, text in files.items()}
        if not all(name.endswith(".rego") for name in policies):
            raise ValueError
    except (KeyError, ValueError):
        raise _unfit("not a bundle of ours", "not_a_bundle", "the tarball") from None
    bundle = Bundle(tuple(sorted(policies.items())), data)
    if manifest != {"revision": bundle.revision, "roots": list(ROOTS), "rego_version": 1}:
        raise _unfit("another revision than its content has", "revision", ".manifest")
    return bundle


def _public(pem: str) -> ec.EllipticCurvePublicKey:
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise GatewayError("not a key", rule="keys.broken", at="bundle.pub") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise GatewayError("not a P-256 key", rule="keys.kind", at="bundle.pub")
    return key


def _json(content: bytes, name: str) -> Any:
    """A file's value. No fraction: Go and Python write one number in two ways."""
    try:
        return json.loads(content, parse_float=_refused, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise _unfit("not JSON", "not_a_bundle", name) from None


def _refused(number: str) -> None:
    raise ValueError


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _unfit(problem: str, rule: str, at: str) -> OfficerError:
    return OfficerError(problem, rule=f"bundle.{rule}", at=at)
