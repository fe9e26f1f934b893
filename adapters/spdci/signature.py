"""Signatures of SPDCI and G2P Connect messages, made and verified.

    Signature: namespace="dci", kidId="sender|key|ed25519", algorithm="ed25519",
      created="1606970629", expires="1607030629", headers="(created) (expires) digest",
      signature="..."

The text stands in the `signature` member of the message. The standard says that it is over
header and message, and shows the names of what is signed; it does not say which digest, nor how
the two are written down. Here the digest is SHA-256 over the bytes of the header as they stand in
the message, followed by the bytes of the message member, so nothing is ever written anew; and what
is signed are the three lines of the HTTP signatures draft (draft-cavage-12, section 2.3), named
in `headers`. Partners must agree on this before they rely on it.

Keys and the time are arguments. Every refusal is a `SenderError` whose rule begins with
`spdci.signature`.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.errors import GatewayError, SenderError

ALGORITHM = "ed25519"
COVERED = "(created) (expires) digest"
LEEWAY = 60
"""Seconds by which the sender's clock may be ahead of ours."""

_NAME = re.compile(r"[^\"|\\\x00-\x1f\x7f]{1,200}")
_PART = re.compile(r' *(?P<name>[A-Za-z]{1,20})="(?P<value>[^"\\]{0,2000})" *(?:,|$)')
_SECONDS = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed a message, and with which of the keys registered for that sender."""

    sender_id: str
    key_id: str


def sign(
    body: bytes,
    key: Ed25519PrivateKey,
    signer: Signer,
    *,
    created: int,
    expires: int,
    namespace: str = "dci",
) -> bytes:
    """The message with its `signature` filled in. Times are seconds since 1970.

    Raises `GatewayError` for a body that is no message and for names that cannot be written.
    """
    names = (signer.sender_id, signer.key_id, namespace)
    if created >= expires or not all(map(_NAME.fullmatch, names)):
        raise GatewayError("not a name or a time to sign with", rule="spdci.signature")
    try:
        found = members(body)
        covered = found["header"] + found["message"]
    except (SenderError, KeyError):
        raise GatewayError("not a message to sign", rule="spdci.signature") from None
    made = b64encode(key.sign(_lines(str(created), str(expires), covered))).decode()
    text = (
        f'Signature: namespace="{namespace}", '
        f'kidId="{signer.sender_id}|{signer.key_id}|{ALGORITHM}", algorithm="{ALGORITHM}", '
        f'created="{created}", expires="{expires}", headers="{COVERED}", signature="{made}"'
    )
    found["signature"] = json.dumps(text).encode()
    parts = (b"%b:%b" % (json.dumps(name).encode(), value) for name, value in found.items())
    return b"{" + b",".join(parts) + b"}"


def verify(body: bytes, keys: Mapping[Signer, Ed25519PublicKey], *, now: int) -> Signer:
    """Who signed a message. `now` is in seconds since 1970.

    Raises `SenderError`: `spdci.signature.missing`, `.form`, `.algorithm`, `.expired`, `.future`,
    `.key` (not one of `keys`), `.sender` (the header names another), `.invalid` (not over this
    header and this message).
    """
    found = members(body)
    text = json.loads(found.get("signature", b'""'))
    if not isinstance(text, str) or not text or not {"header", "message"} <= found.keys():
        raise _refused("a message without a signature", "missing")
    said = _said(text)
    if said.algorithms != {ALGORITHM} or said.covered != COVERED:
        raise _refused("a signature of another kind", "algorithm")
    created, expires = int(said.created), int(said.expires)
    if created > now + LEEWAY:
        raise _refused("a signature from the future", "future")
    if expires <= now or expires <= created:
        raise _refused("a signature that has expired", "expired")
    if said.signer not in keys:
        raise _refused("a key that is not registered for this sender", "key")
    header = json.loads(found["header"])
    if not isinstance(header, dict) or header.get("sender_id") != said.signer.sender_id:
        raise _refused("a header of another sender", "sender")
    lines = _lines(said.created, said.expires, found["header"] + found["message"])
    try:
        keys[said.signer].verify(b64decode(said.signature, validate=True), lines)
    except (InvalidSignature, ValueError):
        raise _refused("a signature that is not over this message", "invalid") from None
    return said.signer


def members(body: bytes) -> dict[str, bytes]:
    """The bytes of each member of a message, as they stand in it.

    Raises `SenderError` for what is no JSON object, and for a member that stands twice.
    """
    found: dict[str, bytes] = {}
    try:
        text = body.decode()
        for name, value in _members(text):
            if name in found:
                raise _refused("a member that stands twice", "form")
            found[name] = value.encode()
    except (ValueError, RecursionError):
        raise _refused("not a message", "form") from None
    return found


_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def _members(text: str) -> Iterator[tuple[str, str]]:
    """Names and texts of the members of a JSON object. Raises `ValueError` for anything else."""
    place = _after(text, 0, "{")
    while True:
        name, place = _DECODER.raw_decode(text, place)
        begin = _after(text, _skip(text, place), ":")
        _, end = _DECODER.raw_decode(text, begin)
        if not isinstance(name, str):
            raise _NoObjectError
        yield name, text[begin:end]
        place = _skip(text, end)
        if text[place : place + 1] == "}":
            break
        place = _after(text, place, ",")
    if _skip(text, place + 1) != len(text):
        raise _NoObjectError


class _NoObjectError(ValueError):
    """The text is no JSON object with something in it."""


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _after(text: str, place: int, sign: str) -> int:
    place = _skip(text, place)
    if text[place : place + 1] != sign:
        raise _NoObjectError
    return _skip(text, place + 1)


def _lines(created: str, expires: str, covered: bytes) -> bytes:
    digest = b64encode(sha256(covered).digest()).decode()
    return f"(created): {created}\n(expires): {expires}\ndigest: SHA-256={digest}".encode()


@dataclass(frozen=True, slots=True)
class _Said:
    """What a signature says of itself."""

    signer: Signer
    algorithms: frozenset[str]
    covered: str
    created: str
    expires: str
    signature: str


def _said(text: str) -> _Said:
    rest = text.removeprefix("Signature:")
    said: dict[str, str] = {}
    while rest.strip():
        part = _PART.match(rest)
        if not part or said.setdefault(part["name"], part["value"]) != part["value"]:
            raise _refused("not a signature of SPDCI", "form")
        rest = rest[part.end() :]
    kid = said.get("kidId", said.get("keyId", "")).split("|")
    times = (said.get("created", ""), said.get("expires", ""))
    if len(kid) != len(("sender", "key", "algorithm")) or not all(map(_SECONDS.fullmatch, times)):
        raise _refused("not a signature of SPDCI", "form")
    return _Said(
        Signer(kid[0], kid[1]),
        frozenset((kid[2], said.get("algorithm", ""))),
        said.get("headers", ""),
        times[0],
        times[1],
        said.get("signature", ""),
    )


def _refused(problem: str, rule: str) -> SenderError:
    return SenderError(problem, rule=f"spdci.signature.{rule}", at="signature")
