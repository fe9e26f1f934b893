"""A witness: it signs a checkpoint only where everything it signed before is still in the log.

Written for C2SP tlog-witness v1. It learns how long a log is and nothing of what is in it.
What it signed last is on its disk before anybody gets the signature; a witness that forgets
would sign a second history, so a state that is lost or damaged is refused.
"""

import base64
import binascii
import fcntl
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import merkle, note
from gateway.deployment import read_key
from gateway.errors import CorridorError, GatewayError, OfficerError
from gateway.log_keys import LogKeys
from gateway.note import Checkpoint, parse_key, render_vkey
from gateway.publication.cosignature import Cosigner, WitnessKey, verified
from gateway.publication.folder import Folder

KEY = "witness.key"
PUBLIC = "witness.vkey"
KNOWN = "logs"
"""Names of the logs that were ever served: one of these without a state was lost."""

MAX_BODY = 1 << 16
TEXT = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said over HTTP."""

    status: int
    body: str
    media_type: str = TEXT


def make_key(state: Path, name: str) -> str:
    """A witness's folder with its key; the public one, for those who are to trust it."""
    try:
        state.mkdir(mode=0o700, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        public = render_vkey(Cosigner.of(name, key).public)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        # Never in place of another: two keys of one witness are two witnesses.
        with os.fdopen(
            os.open(state / KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        ) as to:
            to.write(pem)
            to.flush()
            os.fsync(to.fileno())
    except FileExistsError:
        raise OfficerError("there is a witness here already", rule="witness.exists") from None
    except OSError:
        raise OfficerError("no such folder", rule="witness.state", at=state.name) from None
    folder = Folder(state)
    folder.put(PUBLIC, public.encode() + b"\n")
    folder.put(KNOWN, b"")
    folder.settle()
    return public


class Witness:
    """One witness, its key and what it signed last of each log. From any thread."""

    def __init__(
        self, state: Path, logs: Sequence[LogKeys], clock: Callable[[], float] = time.time
    ) -> None:
        """Open a state for this process alone. Raises where it is missing or not whole."""
        self._cosigner = _cosigner(state)
        self._logs = {keys.origin: keys for keys in logs}
        if len(self._logs) != len(logs):
            raise OfficerError("two logs of one name", rule="witness.log_twice")
        self._folder = Folder(state)
        self._clock = clock
        self._lock = threading.Lock()
        self._held = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._held)
            raise GatewayError("another witness runs on this", rule="witness.busy") from None
        try:
            self._known = set(read_key(state / KNOWN).splitlines())
            for origin in self._logs:
                if self._state(origin) is not None:
                    self._know(origin)
            self._folder.settle()
        except BaseException:
            os.close(self._held)
            raise

    @property
    def vkey(self) -> str:
        """The public key, as logs and auditors get it."""
        return render_vkey(self._cosigner.public)

    def close(self) -> None:
        """Let another process have the state."""
        os.close(self._held)

    def newest(self, name: str) -> Answer:
        """The last checkpoint signed, of the log whose origin has this digest."""
        for origin in self._logs:
            if address_of(origin) == name:
                held = self._state(origin)
                return Answer(200, held) if held else Answer(404, "nothing signed yet\n")
        return Answer(404, "no such log\n")

    def add(self, body: bytes) -> Answer:
        """`add-checkpoint`: check, write down, and only then sign."""
        try:
            old, proof, text = _parse(body)
            signed = note.parse_checkpoint(note.parse_note(text).text)
        except CorridorError:
            return Answer(400, "not a checkpoint with its proof\n")
        keys = self._logs.get(signed.origin)
        if keys is None:
            return Answer(404, "no such log\n")
        try:
            keys.opened(text)
        except CorridorError:
            return Answer(403, "not signed by this log\n")
        if old > signed.size:
            return Answer(400, "a log does not shrink\n")
        with self._lock:  # what was signed last may not change before it is replaced
            return self._cosigned(old, proof, text, signed)

    def _cosigned(self, old: int, proof: Sequence[bytes], text: str, signed: Checkpoint) -> Answer:
        held = self._state(signed.origin)
        last = (
            note.parse_checkpoint(note.parse_note(held).text)
            if held
            else Checkpoint(signed.origin, 0, merkle.EMPTY)
        )
        same = old != signed.size or signed.root == last.root
        if old != last.size or not same:
            return Answer(409, f"{last.size}\n", SIZE)
        try:
            merkle.verify_consistency(old, signed.size, proof, last.root, signed.root)
        except merkle.ProofError:
            return Answer(422, "not the same beginning\n")
        body = note.parse_note(text).text
        line = self._cosigner.cosign(body, int(self._clock()))
        ours = {(key.name, key.id) for key in self._logs[signed.origin].all}
        by_log = [one for one in note.parse_note(text).signatures if (one.name, one.id) in ours]
        kept = note.render_note(note.Note(body, tuple(by_log))) + line
        self._folder.put(address_of(signed.origin), kept.encode())
        self._know(signed.origin)
        self._folder.settle()
        return Answer(200, line)

    def _know(self, origin: str) -> None:
        if (name := address_of(origin)) not in self._known:
            self._known.add(name)
            lines = [f"{one}\n" for one in sorted(self._known)]
            self._folder.put(KNOWN, "".join(lines).encode())

    def _state(self, origin: str) -> str | None:
        """What was signed last, if it was by this log and by us."""
        path = self._folder.root / address_of(origin)
        if not path.exists():
            if address_of(origin) in self._known:
                raise GatewayError("the state of a log is gone", rule="witness.lost")
            return None
        text = path.read_text(encoding="utf-8")
        try:
            self._logs[origin].opened(text)
            held = note.parse_note(text)
            verified(held.text, held.signatures[-1], self._cosigner.public)
        except CorridorError:
            raise GatewayError("the state of a log was changed", rule="witness.lost") from None
        return text


def address_of(origin: str) -> str:
    """Where a witness shows its newest checkpoint of a log: SHA-256 of the log's name."""
    return sha256(origin.encode()).hexdigest()


def _cosigner(state: Path) -> Cosigner:
    public = parse_key(read_key(state / PUBLIC).strip(), WitnessKey)
    try:
        pem = read_key(state / KEY, private=True).encode()
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise GatewayError("this key file is damaged", rule="keys.broken", at=KEY) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise GatewayError("not an Ed25519 key", rule="keys.kind", at=KEY)
    cosigner = Cosigner.of(public.name, key)
    if cosigner.public != public:
        raise GatewayError("two keys that do not belong together", rule="keys.broken", at=PUBLIC)
    return cosigner


def _parse(body: bytes) -> tuple[int, list[bytes], str]:
    """Old size, proof and checkpoint of an `add-checkpoint`."""
    try:
        head, gap, text = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise note.NoteError("not UTF-8", rule="witness.body") from None
    first, *lines = head.split("\n")
    found = _OLD.fullmatch(first)
    if found is None or not gap or len(lines) > note.MAX_HASHES:
        raise note.NoteError("not in its one form", rule="witness.body")
    try:
        proof = [base64.b64decode(line, validate=True) for line in lines]
    except (binascii.Error, ValueError):
        raise note.NoteError("not base64", rule="witness.body") from None
    if any(len(hashed) != 32 for hashed in proof):
        raise note.NoteError("not a hash", rule="witness.body")
    return int(found[1]), proof, text
