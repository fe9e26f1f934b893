"""Content on its way: kept encrypted beside the log until it is fetched once, then destroyed.

AES-256-GCM under a key of its own for each transfer, itself wrapped (RFC 3394) by the
gateway's content key. The transfer's id is authenticated with it, so that content cannot be
moved from one transfer to another.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

from gateway.bulk.sealed import Sealed, SealedWriter, new_key
from gateway.deployment import Deployment
from gateway.errors import GatewayError, SenderError
from gateway.log import Keep, Log

if TYPE_CHECKING:
    from gateway.account import Written
    from gateway.exchange import Transfer

MAX_KEPT = 64 << 20
"""Bytes of content that may wait to be pushed."""

MAX_ROW = 8 << 20
"""Bytes of content that waits in a row to be fetched; more waits in a file."""

FOLDER = "content"
FILED = b"corridor/file/1\n"
"""How a row begins that opens a file. Other rows begin with 40 bytes that look like chance."""

YOUNG_MS = 3_600_000

_WRAPPED = 40
_NONCE = 12


def keep(
    transfer: "Transfer", written: "Written | None", key: bytes, deployment: Deployment
) -> Iterator[Keep]:
    """The rows that must be in the same transaction as the entry.

    Content too large for a row is in a file, durably, when its row is given. Raises `SenderError`
    (413) where content to be pushed is as large as that.
    """
    if transfer.once:
        mark = {"transfer": transfer.id, "mark": transfer.mark.hex()}
        yield Keep("idempotency", transfer.once, json.dumps(mark).encode(), transfer.terms.sender)
    if written is not None and transfer.waits_for:
        hours = deployment.settings.content.keep_hours
        most = MAX_KEPT if transfer.terms.deliver == "push" else MAX_ROW
        if written.spool.size <= most:
            kept = seal(written.spool.read(), transfer.id, written.media_type, key)
        elif transfer.terms.deliver == "push":
            raise SenderError("too large to be pushed", rule="content.too_large", status=413)
        else:
            kept = _filed(transfer.id, written, key, deployment.sealed)
        yield Keep(
            "content",
            transfer.id,
            kept,
            owner=transfer.waits_for,
            expires=expiry(transfer.id, hours),
        )


def _filed(transfer_id: str, written: "Written", key: bytes, data: Path) -> bytes:
    """A row that opens a sealed file. Who destroys the row has destroyed what the file holds."""
    once = new_key()
    # Of its own, also where two gateways try the same transfer: only one of them is logged.
    writer = SealedWriter(file_of(transfer_id, once, data), once)
    try:
        for chunk in written.spool.chunks():
            writer.write(chunk)
        writer.finish()
    except BaseException:
        writer.abandon()
        raise
    return FILED + seal(once, f"{transfer_id}/file", written.media_type, key)


def file_of(transfer_id: str, once: bytes, data: Path) -> Path:
    """Where content of a transfer is that is too large for a row; `once` is the file's key."""
    return data / FOLDER / f"{transfer_id}.{hashlib.sha256(once).hexdigest()[:16]}.sealed"


def kept_of(value: bytes, transfer_id: str, key: bytes, data: Path) -> tuple[bytes | Sealed, str]:
    """Content, or the file it is in, and media type. Raises `GatewayError` as `unseal` does."""
    if not value.startswith(FILED):
        return unseal(value, transfer_id, key)
    once, media_type = unseal(value[len(FILED) :], f"{transfer_id}/file", key)
    return Sealed(file_of(transfer_id, once, data), once), media_type


def sweep_files(log: Log, data: Path, now: int) -> int:
    """Remove files whose row is gone: nobody can open them any more. How many there were."""
    gone = 0
    for path in (data / FOLDER).glob("*.sealed"):
        # One that was written just now may still get its row.
        young = path.stat().st_mtime_ns // 1_000_000 > now - YOUNG_MS
        if not young and log.kept("content", path.name.partition(".")[0]) is None:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


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
