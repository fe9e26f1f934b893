"""What a witness says of a checkpoint: that at this time it was the newest of its log to it.

Written for C2SP tlog-cosignature v1, Ed25519. A witness's key says nothing of which witness
signed, so no two witnesses may share one.
"""

import base64
import binascii
import struct
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from gateway.note import NAME, Note, NoteError, Signature, render_note

TYPE = b"\x04"
_STAMP = struct.Struct(">Q")
_LONG = _STAMP.size + 64
MAX_TIME = 1 << 53


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """Who may cosign: a name and an Ed25519 public key of its own kind."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        _require(NAME.fullmatch(self.name) is not None, "vkey.name")
        _require(len(self.public) == 32, "vkey.key")

    @property
    def id(self) -> bytes:
        """Four bytes that let a reader skip lines by others."""
        return sha256(self.name.encode() + b"\n" + TYPE + self.public).digest()[:4]


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A line that holds."""

    witness: str
    time: int
    """Seconds since 1970, by the witness's clock."""
    line: str
    """As it stands below the checkpoint, with its line feed."""


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A witness's private key."""

    key: Ed25519PrivateKey = field(repr=False)
    public: WitnessKey

    @classmethod
    def of(cls, name: str, key: Ed25519PrivateKey) -> "Cosigner":
        """The witness that goes by this name."""
        return cls(key, WitnessKey(name, key.public_key().public_bytes_raw()))

    def cosign(self, text: str, time: int) -> str:
        """The line for a checkpoint's text. Whoever calls this has checked what came before."""
        value = _STAMP.pack(time) + self.key.sign(_message(text, time))
        raw = base64.b64encode(self.public.id + value).decode()
        return f"— {self.public.name} {raw}\n"


def cosignatures(note: Note, keys: dict[str, WitnessKey]) -> dict[str, Cosignature]:
    """The cosignatures below a checkpoint that hold, by the names `keys` has for witnesses.

    Lines by others are none of our business. A line with a known witness's name and key id
    that does not hold is refused: somebody made it to look like one.
    """
    found: dict[str, Cosignature] = {}
    for one in note.signatures:
        for name, key in keys.items():
            if (one.name, one.id) == (key.name, key.id):
                found[name] = verified(note.text, one, key)
    return found


def verified(text: str, signature: Signature, key: WitnessKey) -> Cosignature:
    """One line over a checkpoint's text, if this witness made it. Raises `NoteError`."""
    _require((signature.name, signature.id) == (key.name, key.id), "cosignature.key")
    _require(len(signature.value) == _LONG, "cosignature.form")
    (time,) = _STAMP.unpack_from(signature.value)
    _require(0 < time < MAX_TIME, "cosignature.time")
    try:
        public = Ed25519PublicKey.from_public_bytes(key.public)
        public.verify(signature.value[_STAMP.size :], _message(text, time))
    except InvalidSignature:
        raise NoteError("not signed by this witness", rule="cosignature.signature") from None
    line = render_note(Note("", (signature,))).removeprefix("\n")
    return Cosignature(key.name, time, line)


def render_witness_key(key: WitnessKey) -> str:
    """`name+hexadecimal id+base64(type, key)`, as in signed-note."""
    return f"{key.name}+{key.id.hex()}+{base64.b64encode(TYPE + key.public).decode()}"


def parse_witness_key(text: str) -> WitnessKey:
    """The only key this text can mean. Raises `NoteError`, also for the key of a log."""
    name, _, rest = text.partition("+")
    found, _, material = rest.partition("+")
    try:
        raw = base64.b64decode(material, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("not base64", rule="vkey.key") from None
    _require(raw[:1] == TYPE, "vkey.type")
    key = WitnessKey(name, raw[1:])
    _require(found == key.id.hex() and render_witness_key(key) == text, "vkey.id")
    return key


def _message(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise NoteError("not in its one form", rule=rule)
