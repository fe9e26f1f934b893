"""The signature of a webhook: base64(HMAC-SHA256(address + JSON, shared secret)).

Ushahidi signs the JSON that PHP makes of a post. What arrives can be spelt otherwise (proxies and
libraries write JSON anew), so the body is held against the signature as it came, as PHP would
write it, and as most others do. Each is the same document; any other is refused.
"""

import base64
import hmac
import json
import re
from collections.abc import Iterator

HEADER = "X-Ushahidi-Signature"

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s"]+|\s+', re.DOTALL)


def sign(address: str, body: bytes, secret: bytes) -> str:
    """The signature of exactly these bytes, sent to exactly this address."""
    return base64.b64encode(hmac.digest(secret, address.encode() + body, "sha256")).decode()


def verify(address: str, body: bytes, secret: bytes, signature: str) -> bool:
    """Whether whoever knows the secret signed this document for this address.

    `address` is the one the webhook was set up with, letter by letter. False for anything odd.
    """
    given = signature.encode("utf-8", "replace")
    # Every spelling is tried, so that the time taken says nothing about which one fits.
    found = [
        hmac.compare_digest(sign(address, spelt, secret).encode(), given)
        for spelt in _spellings(body)
    ]
    return bool(secret) and any(found)


def _spellings(body: bytes) -> Iterator[bytes]:
    yield body
    # Looked at first: in what is no JSON, every quotation mark may begin a text without an end.
    if not _is_json(body):
        return
    tokens = [_spelt(token) for token in _TOKEN.findall(body)]
    for spelling in range(3):
        yield b"".join(token[spelling] for token in tokens)


def _spelt(token: bytes) -> tuple[bytes, bytes, bytes]:
    """A token without white space around it: as PHP writes it, with plain letters, or slashes."""
    if token.isspace():
        return b"", b"", b""
    if not token.startswith(b'"'):
        return token, token, token
    text = json.loads(token)
    ascii_only = json.dumps(text)
    plain = json.dumps(text, ensure_ascii=False)
    return (
        ascii_only.replace("/", "\\/").encode(),
        plain.encode("utf-8", "surrogatepass"),
        ascii_only.encode(),
    )


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
