"""What a caller says and what it is told."""

import base64
import hashlib
from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import orjson

Payload = bytes | Path | Iterable[bytes] | AsyncIterable[bytes]
"""What is sent. Bytes and files are sent again where that is safe; a stream goes once."""
Deliver = Literal["return", "inbox", "push"]
Said = Literal["released", "held", "refused", "queued"]
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything about a transfer but its content. One of these serves many transfers."""

    agreement: str
    purpose: str
    format: str
    """Of the payload."""
    to: str | None = None
    basis: str | None = None
    into: str | None = None
    deliver: Deliver | None = None
    mapping: str | None = None

    def query(self) -> dict[str, str]:
        """The terms as the gateway's query parameters."""
        said = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read to its end."""

    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)
    """Empty where it was written to a file."""
    size: int = 0
    sha256: str = ""

    @property
    def media_type(self) -> str:
        """Without parameters."""
        return str(self.headers.get("content-type", "")).partition(";")[0].strip()

    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What happened, and the evidence. Keep `raw`: only these exact bytes are evidence."""

    raw: bytes = field(repr=False)
    entry: Mapping[str, Any] = field(repr=False)
    """The entry of the gateway's log."""
    details: Mapping[str, Any] = field(repr=False)
    """Decision, form of each field, lineage, losses."""

    @classmethod
    def of(cls, raw: bytes) -> "Receipt":
        """Read one. This checks nothing: `verify` does."""
        held = orjson.loads(raw)
        return cls(raw, orjson.loads(held["entry"]), held["details"])

    @property
    def transfer(self) -> str:
        """Id of the transfer."""
        return str(self.entry["id"])

    @property
    def outcome(self) -> Said:
        """What policy decided."""
        said: Said = self.entry["outcome"]
        return said

    def verify(self, vkey: str, content: bytes | None = None) -> None:
        """Check it offline: with the log's public key, which you have by another way than this API.

        With `content`, also that this is the content that left. Raises
        `gateway.errors.CorridorError`, whose `rule` says what does not hold.
        """
        from gateway import receipt  # Here: everything else works without the gateway's packages.

        receipt.verify(self.raw, vkey=vkey, content=content)


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a transfer that was asked for."""

    transfer: str
    outcome: Said
    """`queued`: the gateway works on it; `wait` for it."""
    receipt: Receipt | None = field(default=None, repr=False)
    """None while queued."""
    content: bytes | None = field(default=None, repr=False)
    """Where it was taken with the answer."""
    media_type: str = ""
    repeated: bool = False
    """The idempotency key was used before: this is what happened then."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would leave."""

    outcome: Said
    details: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class State:
    """Where a transfer is."""

    transfer: str
    state: str
    """`queued`, `running`, `cancelling`, `cancelled`, `failed`; of a transfer that was made `open`,
    `delivered`, `not_released` or `none`."""
    said: Mapping[str, Any] = field(repr=False)
    """All that the gateway answered: the log entry, or progress while it works."""

    @property
    def working(self) -> bool:
        """Nothing is decided yet."""
        return self.state in ("queued", "running", "cancelling")


@dataclass(frozen=True, slots=True)
class Content:
    """What came. `content` is empty where it was written to a file."""

    media_type: str
    sha256: str
    """Hexadecimal."""
    size: int
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    items: list[dict[str, Any]] = field(repr=False)
    next: str | None = None


def digest_of(payload: Payload) -> str | None:
    """`Content-Digest` (RFC 9530) of what can be read twice."""
    if isinstance(payload, bytes):
        digest = hashlib.sha256(payload).digest()
    elif isinstance(payload, Path):
        with payload.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
    else:
        return None
    return f"sha-256=:{base64.b64encode(digest).decode()}:"
