"""Content on its way: kept encrypted beside the log until it is fetched once, then destroyed.

AES-256-GCM under a key of its own for each transfer, itself wrapped (RFC 3394) by the
gateway's content key. The transfer's id is authenticated with it, so that content cannot be
moved from one transfer to another.
"""

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

from gateway.deployment import Deployment
from gateway.errors import GatewayError, SenderError
from gateway.log import Keep

if TYPE_CHECKING:
    from gateway.account import Written
    from gateway.exchange import Transfer

MAX_KEPT = 64 << 20
"""Bytes of content that may wait for its fetch. More is taken with the answer, or in parts."""

_WRAPPED = 40
_NONCE = 12


def keep(
    transfer: "Transfer", written: "Written | None", key: bytes, deployment: Deployment
) -> Iterator[Keep]:
    """The rows that must be in the same transaction as the entry.

    Raises `SenderError` (413) where the content is too large to wait in the database.
    """
    if transfer.once:
        mark = {"transfer": transfer.id, "mark": transfer.mark.hex()}
        yield Keep("idempotency", transfer.once, json.dumps(mark).encode(), transfer.terms.sender)
    if written is not None and transfer.waits_for:
        if written.spool.size > MAX_KEPT:
            raise SenderError("too large to be kept", rule="content.too_large", status=413)
        hours = deployment.settings.content.keep_hours
        yield Keep(
            "content",
            transfer.id,
            seal(written.spool.read(), transfer.id, written.media_type, key),
            owner=transfer.waits_for,
            expires=expiry(transfer.id, hours),
        )


def expiry(transfer_id: str, hours: int) -> int:
    """Milliseconds since 1970. A version 7 UUID begins with the milliseconds it was made at."""
    return int(transfer_id.replace("-", "")[:12], 16) + hours * 3_600_000


def seal(content: bytes, transfer_id: str, media_type: str, key: bytes) -> bytes:
    """Wrapped key, nonce, ciphertext."""
    once = AESGCM.generate_key(256)
    nonce = os.urandom(_NONCE)
    body = media_type.encode() + b"\n" + content
    return aes_key_wrap(key, once) + nonce + AESGCM(once).encrypt(nonce, body, transfer_id.encode())


def unseal(sealed: bytes, transfer_id: str, key: bytes) -> tuple[bytes, str]:
    """Content and media type. Raises `GatewayError` where either key or bytes are not ours."""
    wrapped, rest = sealed[:_WRAPPED], sealed[_WRAPPED:]
    try:
        once = aes_key_unwrap(key, wrapped)
        body = AESGCM(once).decrypt(rest[:_NONCE], rest[_NONCE:], transfer_id.encode())
    except (InvalidUnwrap, InvalidTag, ValueError):
        raise GatewayError("kept content cannot be opened", rule="content.sealed") from None
    media_type, _, content = body.partition(b"\n")
    return content, media_type.decode()
