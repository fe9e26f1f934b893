"""What a witness says of a checkpoint: that at this time it was the newest of its log to it.

Written for C2SP tlog-cosignature v1, Ed25519. A witness's key says nothing of which witness
signed, so no two witnesses may share one.
"""

import base64
import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from gateway.note import Note, NoteError, Signature, Vkey, render_note

_STAMP = struct.Struct(">Q")
_LONG = _STAMP.size + 64
MAX_TIME = 1 << 53


class WitnessKey(Vkey):
    """Who may cosign: a key of its own kind, so that a witness's word is never a log's."""

    __slots__ = ()
    type = b"\x04"


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


def _message(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise NoteError("not in its one form", rule=rule)
