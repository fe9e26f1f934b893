"""Signed notes, checkpoints, verifier keys and proofs, as text: the C2SP formats.

Written for signed-note v1, tlog-checkpoint v1, tlog-proof v1. Each form has one spelling.
Whatever is parsed here renders to the same text again, and any other text is refused, so
that two people who hold the same statement hold the same bytes.

Only Ed25519 (type 0x01) is made and checked here. Lines by other signers, such as the
cosignatures of witnesses, are carried along and not judged.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from gateway.errors import CorridorError

ED25519 = b"\x01"
NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
"""A key name: no white space of any script (`\\s`), no plus sign, no control characters."""

DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
TEXT = re.compile(r"(?:[^\x00-\x1f\x7f]*\n)+")
MAX_TEXT = 65_536
MAX_SIGNATURES = 16
"""The number the specification asks every verifier to accept. We accept no more."""

MAX_HASHES = 63
PROOF_HEADER = "c2sp.org/tlog-proof@v1"


class NoteError(CorridorError):
    """A note, key or proof is not in its one form, or not signed as claimed."""

    status = 422


@dataclass(frozen=True, slots=True)
class Vkey:
    """Who may sign, as it is handed to an auditor: a name and an Ed25519 public key."""

    type: ClassVar[bytes] = ED25519
    """What kind of signature it makes: the first byte of the key's material."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        _require(NAME.fullmatch(self.name) is not None, "vkey.name")
        _require(len(self.public) == 32, "vkey.key")

    @property
    def id(self) -> bytes:
        """Four bytes that let a reader skip lines by other keys. Not a promise of anything."""
        name = _utf8(self.name, "vkey.name")
        return hashlib.sha256(name + b"\n" + self.type + self.public).digest()[:4]


Key = TypeVar("Key", bound=Vkey)


@dataclass(frozen=True, slots=True)
class Signature:
    """One line below a note. `value` is not checked by having been parsed."""

    name: str
    id: bytes
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Note:
    """A text, ending in a line feed, and the signatures over exactly that text."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: its name, its size, and the root over all its entries."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """A file that shows, offline, that an entry is in the log of a checkpoint."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = field(default=b"", repr=False)
    """Carried for the holder's convenience. Nobody signed it."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A log's private key together with its name and key id."""

    key: Ed25519PrivateKey = field(repr=False)
    vkey: Vkey
    id: bytes

    @classmethod
    def of(cls, name: str, key: Ed25519PrivateKey) -> "Signer":
        """The signer who goes by `name`, which is also the origin of the log it signs."""
        vkey = Vkey(name, key.public_key().public_bytes_raw())
        return cls(key, vkey, vkey.id)

    def checkpoint(self, size: int, root: bytes) -> str:
        """A signed checkpoint. Whoever calls this promises never to sign another root."""
        text = render_checkpoint(Checkpoint(self.vkey.name, size, root))
        return render_note(Note(text, (self.sign(text),)))

    def sign(self, text: str) -> Signature:
        """A signature over `text`, to stand below it."""
        return Signature(self.vkey.name, self.id, self.key.sign(text.encode()))


def render_vkey(vkey: Vkey) -> str:
    """`name+hexadecimal id+base64(type, key)`, as in signed-note."""
    return f"{vkey.name}+{vkey.id.hex()}+{_b64(vkey.type + vkey.public)}"


def parse_vkey(text: str) -> Vkey:
    """The only key this text can mean; its id must be the key's own."""
    return parse_key(text, Vkey)


def parse_key(text: str, kind: type[Key]) -> Key:
    """The same for a kind of key. A key of another kind is refused."""
    parts = text.split("+", 2)
    _require(len(parts) == 3, "vkey.form")
    material = _unb64(parts[2], "vkey.key")
    _require(material[:1] == kind.type, "vkey.type")
    vkey = kind(parts[0], material[1:])
    _require(parts[1] == vkey.id.hex(), "vkey.id")
    return vkey


def render_note(note: Note) -> str:
    """The text, an empty line, and a line for each signature."""
    lines = [f"— {by.name} {_b64(by.id + by.value)}\n" for by in note.signatures]
    return f"{note.text}\n{''.join(lines)}"


def parse_note(text: str) -> Note:
    """A note in its one form. Signatures are read, not verified."""
    _require(len(text) <= MAX_TEXT, "note.length")
    _utf8(text, "note.encoding")
    _require(TEXT.fullmatch(text) is not None, "note.characters")
    body, gap, tail = text.rpartition("\n\n")
    _require(bool(gap) and bool(body) and bool(tail), "note.form")
    lines = tail.removesuffix("\n").split("\n")
    _require(len(lines) <= MAX_SIGNATURES, "note.signatures")
    signatures = tuple(_signature(line) for line in lines)
    _require(len({(by.name, by.id) for by in signatures}) == len(lines), "note.signer_twice")
    return Note(body + "\n", signatures)


def render_checkpoint(checkpoint: Checkpoint) -> str:
    """Three lines: origin, size, root. No extension lines, so that every witness takes it."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{_b64(checkpoint.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """The text of a note, not yet verified."""
    lines = text.split("\n")
    _require(len(lines) == 4 and bool(lines[0]) and not lines[3], "checkpoint.form")
    tree = _unb64(lines[2], "checkpoint.root")
    _require(len(tree) == 32, "checkpoint.root")
    return Checkpoint(lines[0], _number(lines[1], "checkpoint.size"), tree)


def open_checkpoint(text: str, vkey: Vkey) -> Checkpoint:
    """The checkpoint in a signed note, if this very key signed it under this very name."""
    note = parse_note(text)
    checkpoint = parse_checkpoint(note.text)
    _require(checkpoint.origin == vkey.name, "checkpoint.origin")
    ours = [by for by in note.signatures if (by.name, by.id) == (vkey.name, vkey.id)]
    _require(bool(ours), "note.unsigned")
    try:
        Ed25519PublicKey.from_public_bytes(vkey.public).verify(ours[0].value, note.text.encode())
    except InvalidSignature:
        raise NoteError("not signed by this key", rule="note.signature") from None
    return checkpoint


def render_proof(proof: Proof) -> str:
    """A tlog-proof: header, extra if any, index, hashes, an empty line, the checkpoint."""
    extra = [f"extra {_b64(proof.extra)}"] if proof.extra else []
    hashes = [_b64(hashed) for hashed in proof.hashes]
    lines = [PROOF_HEADER, *extra, f"index {proof.index}", *hashes, "", proof.checkpoint]
    return "\n".join(lines)


def parse_proof(text: str) -> Proof:
    """A tlog-proof in its one form. Neither the signature nor the hashes are judged."""
    _require(len(text) <= MAX_TEXT, "proof.length")
    head, gap, checkpoint = text.partition("\n\n")
    parse_checkpoint(parse_note(checkpoint).text)
    header, *lines = head.split("\n")
    _require(bool(gap) and header == PROOF_HEADER and bool(lines), "proof.form")
    extra = b""
    if lines[0].startswith("extra "):
        extra = _unb64(lines.pop(0).removeprefix("extra "), "proof.extra")
        _require(bool(extra) and bool(lines), "proof.extra")
    _require(lines[0].startswith("index "), "proof.index")
    index = _number(lines[0].removeprefix("index "), "proof.index")
    hashes = tuple(_unb64(line, "proof.hash") for line in lines[1:])
    _require(len(hashes) <= MAX_HASHES, "proof.length")
    _require(all(len(hashed) == 32 for hashed in hashes), "proof.hash")
    return Proof(index, hashes, checkpoint, extra)


def _signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, value = rest.partition(" ")
    _require(dash == "—" and NAME.fullmatch(name) is not None, "note.signature_line")
    raw = _unb64(value, "note.signature_line")
    _require(len(raw) > 4, "note.signature_line")
    return Signature(name, raw[:4], raw[4:])


def _number(text: str, rule: str) -> int:
    _require(DECIMAL.fullmatch(text) is not None, rule)
    number = int(text)
    _require(number < 2**63, rule)
    return number


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _unb64(text: str, rule: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("not base64", rule=rule) from None
    # The last character may hold unused bits: of the spellings left, only one is ours.
    _require(_b64(value) == text, rule)
    return value


def _utf8(text: str, rule: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise NoteError("not text with a UTF-8 form", rule=rule) from None


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise NoteError("not in its one form", rule=rule)
