"""A task or an answer as an engine carries it: a header and some bytes, sealed.

AES-256-GCM under a key that every process of this deployment derives from its content key. An
answer is bound to its task, so that no two can be exchanged under way.
"""

import os
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import GatewayError

TASK = b"corridor/bulk/task/v1"
_NONCE = 12
_SIZE = struct.Struct(">I")


def message_key(content_key: bytes) -> bytes:
    """The key of all messages of one deployment. HKDF-SHA-256 (RFC 5869)."""
    return HKDF(SHA256(), 32, salt=None, info=b"corridor/bulk/v1").derive(content_key)


def answers(task: bytes) -> bytes:
    """What the answer to a sealed task is bound to."""
    return b"corridor/bulk/answer/v1" + task[:_NONCE]


def seal(key: bytes, about: bytes, header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    """Nonce and ciphertext. `about` is `TASK`, or of an answer `answers(task)`."""
    said = orjson.dumps([header, [len(blob) for blob in blobs]], option=orjson.OPT_NON_STR_KEYS)
    nonce = os.urandom(_NONCE)
    clear = b"".join((_SIZE.pack(len(said)), said, *blobs))
    return nonce + AESGCM(key).encrypt(nonce, clear, about)


def unseal(key: bytes, about: bytes, sealed: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Header and blobs. Raises `GatewayError` for what was not sealed by this deployment."""
    try:
        clear = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], about)
    except (InvalidTag, ValueError):
        raise GatewayError("a message that is not ours", rule="bulk.message") from None
    (size,) = _SIZE.unpack_from(clear)
    header, sizes = orjson.loads(clear[_SIZE.size : _SIZE.size + size])
    blobs: list[bytes] = []
    at = _SIZE.size + size
    for length in sizes:
        blobs.append(clear[at : at + length])
        at += length
    return header, blobs
