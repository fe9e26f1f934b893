"""The sender's word about what it sent, to be proven later without this gateway.

A signed request (RFC 9421) is kept as what was signed, the signature and the key, sealed, beside
the entry of its transfer. The details in the receipt hold a salted commitment to it, and the log
commits to the details. So nobody can add or change such a word later; and who has word, receipt
and the log's key can check: the party's key signed this request, with a body of this digest, and
it is the request that this transfer was made of.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

import http_sf
import orjson

from gateway import deliver, receipt
from gateway.entry import commitment, new_salt
from gateway.errors import CorridorError
from gateway.identity.keyring import RequestKey
from gateway.identity.public import Public, public_of
from gateway.log import Keep

FORM = "corridor/request-evidence/v1"
KIND = "signature"
"""Of the row it is kept in."""
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
_NAMES = {"form", "party", "jwk", "base", "signature", "salt"}


class EvidenceError(CorridorError):
    """The word does not hold. Its holder has no evidence."""

    status = 422


@dataclass(frozen=True, slots=True)
class Word:
    """A sender's word that holds."""

    party: str
    key: str
    transfer: str
    content_digest: str = field(repr=False)
    """As the sender signed it; empty where it signed none."""
    content_checked: bool


def said_by(key: RequestKey, base: bytes, signature: bytes) -> bytes:
    """What is kept of a signed request."""
    return orjson.dumps(
        {
            "form": FORM,
            "party": key.party,
            "jwk": dict(key.public.jwk),
            "base": base.decode("ascii"),
            "signature": base64.b64encode(signature).decode(),
            "salt": base64.b64encode(new_salt()).decode(),
        },
        option=_OPTIONS,
    )


def committed(said: bytes) -> dict[str, str]:
    """What the receipt's details hold of it."""
    held = orjson.loads(said)
    key = public_of(held["jwk"])
    return {
        "key": key.id if key else "",
        "commitment": commitment(said, base64.b64decode(held["salt"])),
    }


def kept(said: bytes, transfer: str, owner: str, key: bytes) -> Keep:
    """The row it is kept in, for its sender."""
    # Not under the transfer's own name: what is sealed there is content, for somebody else.
    sealed = deliver.seal(said, f"{transfer}/{KIND}", "application/json", key)
    return Keep(KIND, transfer, sealed, owner=owner)


def opened(row: Keep, key: bytes) -> bytes:
    """What was kept. Raises `GatewayError` where it is not ours."""
    return deliver.unseal(row.value, f"{row.key}/{KIND}", key)[0]


def verify(said: bytes, receipt_: bytes, *, vkey: str, content: bytes | None = None) -> Word:
    """Check a sender's word with the log's public key alone; with `content`, what it sent, too.

    1. the receipt holds; 2. its details commit to this word; 3. the key in it signed it, and it
    is the key the details name; 4. the body has the digest that was signed. Raises
    `CorridorError` with the rule. Whether the key was the party's, the log's entries about the
    party say.
    """
    proven = receipt.verify(receipt_, vkey=vkey)
    held, key = _read(said)
    told = proven.details.get("request", {})
    salt = base64.b64decode(held["salt"])
    same = hmac.compare_digest(told.get("commitment", ""), commitment(said, salt))
    if not same or told.get("key") != key.id:
        raise EvidenceError("not the word this receipt speaks of", rule="evidence.commitment")
    if held["party"] != proven.entry["sender"]["party"]:
        raise EvidenceError("the word of somebody else", rule="evidence.party")
    if not key.verifies(base64.b64decode(held["signature"]), held["base"].encode()):
        raise EvidenceError("the signature does not hold", rule="evidence.signature")
    digest = _digest_line(held["base"])
    if content is not None:
        _check(content, digest)
    return Word(held["party"], key.id, proven.entry["id"], digest, content is not None)


def _read(said: bytes) -> tuple[dict[str, str], Public]:
    try:
        held = orjson.loads(said)
        fit = isinstance(held, dict) and held.keys() == _NAMES and held["form"] == FORM
        key = public_of(held["jwk"]) if fit else None
        for name in ("salt", "signature"):
            base64.b64decode(held[name], validate=True)
    except (ValueError, TypeError, KeyError):
        key = None
    if key is None:
        raise EvidenceError("not a sender's word", rule="evidence.form")
    return held, key


def _digest_line(base: str) -> str:
    for line in base.split("\n"):
        if line.startswith('"content-digest": '):
            return line.partition(": ")[2]
    return ""


def _check(content: bytes, digest: str) -> None:
    parse: Any = http_sf.parse
    try:
        said = parse(digest.encode(), tltype="dictionary")
    except ValueError:
        said = {}
    made = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
    named = [(name, value[0]) for name, value in said.items() if name in made]
    if not named or any(made[name](content).digest() != value for name, value in named):
        raise EvidenceError("not what the sender signed", rule="evidence.content")
