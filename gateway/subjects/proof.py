"""Showing that one record was in a transfer, without showing any other.

A proof holds the entry, its C2SP tlog-proof, the salt of the record's commitment, and the way
from the commitment to the root in the entry. With the record itself and the log's public key
anybody can check it. Whoever destroys the salt closes it; a proof that was handed out stays.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateway import merkle, note
from gateway.audit import verify_proof
from gateway.entry import parse
from gateway.errors import CorridorError, OfficerError
from gateway.log import Log
from gateway.log_subjects import LEAVES
from gateway.record import Record
from gateway.subjects.commitments import SALT, commitment
from gateway.subjects.found import Place, places

FORM = "corridor/subject-proof/v1"
_NAMES = {"form", "entry", "proof", "salt", "position", "size", "path"}


class SubjectError(CorridorError):
    """The proof does not hold. Its holder has no evidence."""

    status = 422


def prove(log: Log, transfer: str, token: bytes) -> bytes:
    """The proof that the record of this token was in a transfer. Raises `OfficerError`."""
    for place in places(log, [token]):
        if place.transfer == transfer:
            return _proof(log, place)
    raise OfficerError("no such record in it, or erased", rule="rights.not_found", at="--transfer")


def _proof(log: Log, place: Place) -> bytes:
    appended = log.prove(place.index)
    size, node = _tree(log, place.transfer)
    path = merkle.inclusion(place.position, size, node)
    held = note.Proof(index=appended.index, hashes=appended.proof, checkpoint=appended.checkpoint)
    return orjson.dumps(
        {
            "form": FORM,
            "entry": appended.leaf.decode("ascii"),
            "proof": note.render_proof(held),
            "salt": _b64(place.salt),
            "position": place.position,
            "size": size,
            "path": [_b64(one) for one in path],
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE,
    )


def _tree(log: Log, transfer: str) -> tuple[int, merkle.Node]:
    """How many records a transfer has, and the hashes over their commitments."""
    query = (
        "SELECT part, length(hashes) FROM subject_leaves WHERE transfer = ?"
        " ORDER BY part DESC LIMIT 1"
    )
    last = log.rows(query, (transfer,))
    if not last:
        return 1, lambda place: b""
    size = last[0][0] * LEAVES + last[0][1] // 32
    made: dict[merkle.Place, bytes] = {}

    def part(number: int) -> None:
        rows = log.rows(
            "SELECT hashes FROM subject_leaves WHERE transfer = ? AND part = ?", (transfer, number)
        )
        hashes = bytes(rows[0][0])
        leaves = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
        for at, leaf in enumerate(leaves, number * LEAVES):
            made[0, at] = leaf

    def node(place: merkle.Place) -> bytes:
        level, index = place
        if place not in made:
            if level == 0:
                part(index // LEAVES)
            else:
                left, right = node((level - 1, 2 * index)), node((level - 1, 2 * index + 1))
                made[place] = merkle.node_hash(left, right)
        return made[place]

    return size, node


@dataclass(frozen=True, slots=True)
class Opened:
    """A proof that holds."""

    entry: Mapping[str, Any]
    index: int
    position: int


def open_proof(proof: bytes, record: Record, *, vkey: str) -> Opened:
    """Check that this very record was in the transfer of the entry. Raises `CorridorError`."""
    held = _read(proof)
    leaf = held["entry"].encode("ascii", "replace")
    verify_proof(held["proof"], leaf, vkey=vkey)
    entry = parse(leaf)
    if "subjects" not in entry:
        raise SubjectError("an entry without commitments", rule="subject.entry")
    made = commitment(_unb64(held["salt"], SALT), entry["id"], record)
    path = [_unb64(one, 32) for one in held["path"]]
    root = _unb64(entry["subjects"], 32)
    merkle.verify_inclusion(merkle.leaf_hash(made), held["position"], held["size"], path, root)
    return Opened(entry, note.parse_proof(held["proof"]).index, held["position"])


def _read(proof: bytes) -> dict[str, Any]:
    try:
        held = orjson.loads(proof)
    except orjson.JSONDecodeError:
        raise SubjectError("not JSON", rule="subject.form") from None
    if not isinstance(held, dict) or held.keys() != _NAMES or held["form"] != FORM:
        raise SubjectError("not a proof about a record", rule="subject.form")
    numbers = type(held["position"]) is int and type(held["size"]) is int
    path = held["path"]
    texts = isinstance(path, list) and all(isinstance(one, str) for one in path)
    names = ("entry", "proof", "salt")
    if not (numbers and texts and all(isinstance(held[name], str) for name in names)):
        raise SubjectError("not a proof about a record", rule="subject.form")
    return dict(held)


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _unb64(text: str, length: int) -> bytes:
    try:
        value = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise SubjectError("not base64url", rule="subject.form") from None
    if _b64(value) != text or len(value) != length:
        raise SubjectError("not base64url of its length", rule="subject.form")
    return value
