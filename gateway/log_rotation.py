"""A new key for a log. Nobody else may have the log open meanwhile.

One batch holds the entry that names the new key. Its checkpoint is signed by both keys, and in
the same transaction the log takes the new one for its own. Before that commit the old key opens
the log, after it only the new one does.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, log_guard
from gateway.errors import GatewayError
from gateway.high_water import HighWater
from gateway.log_batch import Appended, Made, Sequencer, Waiting
from gateway.log_keys import SUBJECT, LogKeys, digest
from gateway.log_standing import effects_of
from gateway.log_store import Store
from gateway.note import Note, Signer, parse_note, render_note, render_vkey


@dataclass(frozen=True, slots=True)
class _Both(Signer):
    """The old key, with the new one's signature below its own."""

    new: Signer

    def checkpoint(self, size: int, root: bytes) -> str:
        old = parse_note(Signer.checkpoint(self, size, root))
        return render_note(Note(old.text, (*old.signatures, self.new.sign(old.text))))


class _Handover(Sequencer):
    """Writes one batch, and with it the log's new list of keys."""

    def __init__(
        self,
        store: Store,
        high_water: HighWater,
        signer: _Both,
        keys: LogKeys,
        *,
        gateway: str,
        clock: Callable[[], int],
    ) -> None:
        super().__init__(store, high_water, signer, gateway=gateway, clock=clock)
        self._keys = keys

    def _write(self, made: Made) -> None:
        super()._write(made)
        self._store.write("UPDATE log SET vkey = ?", [(self._keys.render(),)])


def rotate(
    store: Store,
    noted: HighWater,
    old: Ed25519PrivateKey,
    new: Ed25519PrivateKey,
    *,
    gateway: str,
    clock: Callable[[], int],
) -> Appended:
    """Log the new key and let it sign from here on. Raises `GatewayError`."""
    signer = Signer.of(store.origin(), old)
    if not (noted.alone() and store.alone()):
        raise GatewayError("stop every gateway that has the log open", rule="log.in_use")
    log_guard.verify(store, noted, signer.vkey)
    successor = Signer.of(signer.vkey.name, new)
    keys = LogKeys((*log_guard.keys_of(store).all, successor.vkey))
    both = _Both(signer.key, signer.vkey, signer.id, successor)
    handover = _Handover(store, noted, both, keys, gateway=gateway, clock=clock)
    named = digest(successor.vkey)
    said = entry.control(
        gateway=gateway,
        what="key",
        digest=named,
        subject={
            "id": SUBJECT,
            "version": named.removeprefix("sha256:")[:12],
            "state": "active",
        },
        documents=[named],
    )
    document = ("key", render_vkey(successor.vkey).encode())
    waiting = Waiting(entry.draft(said), effects=effects_of(said, [document]))
    handover.commit([waiting])
    return waiting.future.result()
