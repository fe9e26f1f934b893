"""Entries of the transfer log: what may be written down for ever, and in which bytes.

An entry is a JSON object that `schemas/entry.json` allows. Its bytes are its RFC 8785 form,
printable ASCII, at most 8192 of them. The schema has no place for free text: every string is
an enumerated word, an identifier, a digest, a commitment or a UUID. Personal data therefore
cannot get in, and nothing ever has to be taken out again.

Content is committed to, not stored. A commitment has a salt of its own; when the salt is
destroyed, nobody can open it or try guesses against it.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

from gateway.canonical import canonical
from gateway.errors import GatewayError

MAX_BYTES = 8192
MAX_IDS = 150
"""Transfers that one outcome entry may name; more would not fit into `MAX_BYTES`."""

COMMITMENT = b"corridor/commitment/v1\n"
"""Keeps a commitment of ours from meaning anything under another protocol."""

SALT_BYTES = 32
BUCKETS = ((1, "0"), (10, "1-9"), (100, "10-99"), (1000, "100-999"))
SCHEMA = Path(__file__).resolve().parent.parent / "schemas" / "entry.json"

_SCHEMA = jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
_SORTED = ("rules",)
CHANGES = ("agreement", "policy")
_CHANGED = {"digest", "subject", "signers", "documents"}
"""What an entry about a change says; older ones may say less."""
FOLLOWED = ("party", "officer", "witness", "retention", "key")
_FOLLOWED = {"digest", "subject"}
"""What an entry says about a change of something that people keep in files."""
_TIME = b'"time":0,'
_TIME_DIGITS = 15  # as many more as a time below 2**53 can need, beside the 0


@dataclass(frozen=True, slots=True)
class Draft:
    """A checked entry that lacks only its time, which is set when it takes its place."""

    id: str
    type: str
    outcome: str
    """Of a transfer: released, refused or held. Empty for every other type."""
    before: bytes
    after: bytes

    def at(self, time_ms: int) -> bytes:
        """The entry's bytes."""
        return b'%b"time":%d,%b' % (self.before, time_ms, self.after)

    def __len__(self) -> int:
        return len(self.before) + len(self.after) + len(_TIME) + _TIME_DIGITS


def transfer(*, gateway: str, outcome: str, id: str = "", **parts: Any) -> dict[str, Any]:
    """A transfer entry. Parts that are None are left out, for those a refusal never reached."""
    known = {name: part for name, part in parts.items() if part is not None}
    return {**_head("transfer", gateway, id), "outcome": outcome, **known}


def outcome(
    *, gateway: str, delivered: Sequence[str] = (), not_released: Sequence[str] = ()
) -> dict[str, Any]:
    """What became of transfers, by id; at most `MAX_IDS` in each list."""
    lists = {"delivered": list(delivered), "not_released": list(not_released)}
    return {**_head("outcome", gateway), **{name: ids for name, ids in lists.items() if ids}}


def control(
    *,
    gateway: str,
    what: str,
    digest: str | None = None,
    n: int | None = None,
    subject: Mapping[str, str] | None = None,
    signers: Sequence[str] | None = None,
    documents: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Something the gateway did that an auditor must know.

    A `policy` and an `agreement` say what changed (`subject`: id, version, state), its digest,
    who signed for it, and the digests of the documents it rests on.
    """
    parts = {
        "what": what,
        "digest": digest,
        "n": n,
        "subject": None if subject is None else dict(subject),
        "signers": None if signers is None else list(signers),
        "documents": None if documents is None else list(documents),
    }
    known = {name: part for name, part in parts.items() if part is not None}
    return {**_head("control", gateway), **known}


def draft(entry: Mapping[str, Any]) -> Draft:
    """Check an entry and fix its bytes but for the time; a time it has is replaced.

    Raises `GatewayError`: an entry that breaks the schema is our mistake, not the sender's,
    and a transfer that cannot be logged is not made.
    """
    whole = {**entry, "time": 0}
    _check(whole)
    if whole.get("what") in CHANGES and not whole.keys() >= _CHANGED:
        raise GatewayError("a change nobody stands for", rule="entry.change")
    if whole.get("what") in FOLLOWED and not whole.keys() >= _FOLLOWED:
        raise GatewayError("a change of nothing", rule="entry.change")
    policy = whole.get("policy", {})
    if ("template" in policy) != ("at" in policy):
        raise GatewayError("a question without its moment", rule="entry.question")
    before, cut, after = _canonical(whole).partition(_TIME)
    # The cut is unambiguous: no string of the schema can hold a quotation mark.
    result = Draft(whole["id"], whole["type"], whole.get("outcome", ""), before, after)
    if not cut or len(result) > MAX_BYTES:
        raise GatewayError("an entry of the log is too long", rule="entry.size")
    return result


def parse(leaf: bytes) -> dict[str, Any]:
    """Read an entry back, if these are the only bytes it can have. Raises `GatewayError`."""
    if len(leaf) > MAX_BYTES:
        raise GatewayError("an entry of the log is too long", rule="entry.size")
    try:
        entry = json.loads(leaf.decode("ascii"))
    except (ValueError, RecursionError):
        raise GatewayError("not a JSON object in ASCII", rule="entry.form") from None
    _check(entry)
    if _canonical(entry) != leaf:
        raise GatewayError("not in canonical form", rule="entry.form")
    return dict(entry)


def commitment(content: bytes, salt: bytes, *, domain: bytes = COMMITMENT) -> str:
    """43 characters that only somebody with the content and the salt can open.

    HMAC-SHA-256 keyed with the salt, which is 32 random bytes used once: with a salt used
    twice, anyone could see that two transfers carried the same content.
    """
    return commitment_to(hashlib.sha256(content).digest(), salt, domain=domain)


def commitment_to(sha256: bytes, salt: bytes, *, domain: bytes = COMMITMENT) -> str:
    """The commitment to content of this SHA-256, for content that is not held as a whole."""
    if len(salt) != SALT_BYTES:
        raise GatewayError("a salt of the wrong length", rule="entry.salt")
    message = domain + sha256
    return base64.urlsafe_b64encode(hmac.digest(salt, message, "sha256")).decode().rstrip("=")


def opens(committed: str, content: bytes, salt: bytes) -> bool:
    """Whether this content and salt are what was committed to."""
    return hmac.compare_digest(commitment(content, salt).encode(), committed.encode())


def new_salt() -> bytes:
    """A salt for one commitment."""
    return secrets.token_bytes(SALT_BYTES)


def new_id() -> str:
    """A version 7 UUID (RFC 9562, section 5.7): sorts by time, says nothing of its maker."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    high, low = random >> 62, random & (1 << 62) - 1
    bits = milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low
    digits = f"{bits:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def bucket(count: int) -> str:
    """How many, roughly. The exact count belongs into the receipt's details."""
    return next((name for limit, name in BUCKETS if count < limit), "1000+")


def _head(kind: str, gateway: str, name: str = "") -> dict[str, Any]:
    return {"v": 1, "type": kind, "id": name or new_id(), "gateway": gateway}


def _check(entry: Any) -> None:
    if _SCHEMA.is_valid(entry):
        return _check_order(entry)
    for broken in _SCHEMA.iter_errors(entry):
        # Not broken.message: it quotes the value. The path holds names of the schema only.
        at = "/".join(map(str, broken.instance_path))
        raise GatewayError("an entry of the log breaks its schema", rule="entry.schema", at=at)


def _check_order(entry: Mapping[str, Any]) -> None:
    for name in _SORTED:
        values = entry.get(name, [])
        if values != sorted(values):
            raise GatewayError("not sorted", rule="entry.order", at=name)


def _canonical(entry: Mapping[str, Any]) -> bytes:
    try:
        return canonical(entry)
    except ValueError:
        raise GatewayError("no canonical form", rule="entry.form") from None
