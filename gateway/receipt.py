"""Receipts: what happened to a transfer, and everything an outsider needs to check it.

A receipt holds the log entry, its C2SP tlog-proof, the details of the decision, and the
openings of the commitments that the entry makes to the details and to the content. Nothing in
it stands outside of what the log's key signed, and it has one spelling, so that any changed
byte shows.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway import note
from gateway.audit import verify_proof
from gateway.entry import new_salt, opens, parse
from gateway.errors import CorridorError
from gateway.log import Appended
from gateway.record import validator

FORM = "corridor/receipt/v1"
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS


class ReceiptError(CorridorError):
    """The receipt does not hold. Its holder has no evidence."""

    status = 422


@dataclass(frozen=True, slots=True)
class Opening:
    """The salts of an entry's commitments. Whoever destroys them closes the commitments."""

    content: bytes = field(repr=False)
    details: bytes = field(repr=False)

    @classmethod
    def new(cls) -> "Opening":
        """Fresh salts."""
        return cls(new_salt(), new_salt())


def written(details: Mapping[str, Any]) -> bytes:
    """The bytes of the details that the entry commits to: RFC 8785, since every key is ASCII."""
    return orjson.dumps(details, option=orjson.OPT_SORT_KEYS)


def render(
    appended: Appended, details: Mapping[str, Any], opening: Opening, *, with_content: bool
) -> bytes:
    """The receipt of an entry that is in the log."""
    proof = note.render_proof(
        note.Proof(index=appended.index, hashes=appended.proof, checkpoint=appended.checkpoint)
    )
    salts = {"details": _b64(opening.details)}
    if with_content:
        salts["content"] = _b64(opening.content)
    return dump(
        {
            "receipt": FORM,
            "entry": appended.leaf.decode("ascii"),
            "proof": proof,
            "opening": salts,
            "details": details,
        }
    )


def dump(receipt: Mapping[str, Any]) -> bytes:
    """The one spelling of a receipt."""
    return orjson.dumps(receipt, option=_OPTIONS) + b"\n"


@dataclass(frozen=True, slots=True)
class Verified:
    """A receipt that holds."""

    entry: Mapping[str, Any]
    details: Mapping[str, Any]
    index: int
    size: int
    """Of the log when the checkpoint in the receipt was signed."""
    content_checked: bool


def verify(receipt: bytes, *, vkey: str, content: bytes | None = None) -> Verified:
    """Check a receipt with the log's public key alone; with `content`, that too.

    1. one spelling and the schema; 2. entry in the tree, tree signed by `vkey`; 3. details
    open the entry's commitment; 4. content opens it. Raises `CorridorError` with the rule.
    """
    held = _read(receipt)
    leaf = held["entry"].encode("ascii", "replace")
    checkpoint = verify_proof(held["proof"], leaf, vkey=vkey)
    if len(note.parse_note(note.parse_proof(held["proof"]).checkpoint).signatures) != 1:
        raise ReceiptError("a signature nobody can check", rule="receipt.signatures")
    if note.parse_proof(held["proof"]).extra:
        raise ReceiptError("an unauthenticated part", rule="receipt.extra")
    entry = parse(leaf)
    if entry["type"] != "transfer":
        raise ReceiptError("not the entry of a transfer", rule="receipt.entry")
    salts = {name: _unb64(text) for name, text in held["opening"].items()}
    _open(entry, "details", written(held["details"]), salts)
    if ("content" in salts) != ("content" in entry):
        raise ReceiptError("an opening for nothing, or none", rule="receipt.opening")
    if content is not None:
        _open(entry, "content", content, salts)
    index = note.parse_proof(held["proof"]).index
    return Verified(entry, held["details"], index, checkpoint.size, content is not None)


def proof_of(receipt: bytes) -> str:
    """The tlog-proof in a receipt, as other tools read it."""
    return str(_read(receipt)["proof"])


def _read(receipt: bytes) -> dict[str, Any]:
    try:
        held = orjson.loads(receipt)
    except orjson.JSONDecodeError:
        raise ReceiptError("not JSON", rule="receipt.form") from None
    for error in validator("receipt").iter_errors(held):
        place = "/".join(str(step) for step in error.instance_path)
        raise ReceiptError("breaks receipt.json", rule="receipt.schema", at=place) from None
    if dump(held) != receipt:
        raise ReceiptError("not in its one spelling", rule="receipt.form")
    return dict(held)


def _open(entry: Mapping[str, Any], name: str, value: bytes, salts: Mapping[str, bytes]) -> None:
    if name not in entry or name not in salts or not opens(entry[name], value, salts[name]):
        raise ReceiptError(f"the {name} are not what was committed to", rule=f"receipt.{name}")


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    try:
        value = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise ReceiptError("not base64url", rule="receipt.opening") from None
    if _b64(value) != text or len(value) != 32:
        raise ReceiptError("not 32 bytes in one spelling", rule="receipt.opening")
    return value
