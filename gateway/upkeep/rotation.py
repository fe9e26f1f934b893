"""Another key for the log: made, logged, and only then the one that opens it."""

import os
import time
from contextlib import closing
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import log_guard, log_place, log_rotation
from gateway.deployment import read_deployment, read_key, read_keys
from gateway.errors import GatewayError
from gateway.high_water import HighWater
from gateway.note import Signer
from gateway.upkeep.files import put, settle

NEW = "log.key.new"
_PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)


def rotate_key(directory: Path) -> str:
    """Give the log of a deployment a new key; the text of its keys, oldest first.

    Whatever stops it halfway, the same command goes on from there. The old private key is
    gone afterwards.
    """
    deployment = read_deployment(directory)
    folder = directory / "keys"
    old, new = read_keys(directory).log, _new(folder)
    with (
        closing(log_place.open_store(deployment.data)) as store,
        closing(HighWater(deployment.data)) as noted,
    ):
        successor = Signer.of(store.origin(), new).vkey
        if log_guard.keys_of(store).current != successor:
            gateway = deployment.settings.gateway.name
            log_rotation.rotate(store, noted, old, new, gateway=gateway, clock=_now)
        text = log_guard.keys_of(store).render()
    put(folder / "log.vkey", text.encode() + b"\n", mode=0o644)
    os.replace(folder / NEW, folder / "log.key")
    settle(folder)
    return text


def _now() -> int:
    return time.time_ns() // 1_000_000


def _new(folder: Path) -> Ed25519PrivateKey:
    """The new key: of an earlier run that did not end, or a fresh one."""
    path = folder / NEW
    if not path.exists():
        made = Ed25519PrivateKey.generate()
        put(path, made.private_bytes(*_PEM, serialization.NoEncryption()))
    key = serialization.load_pem_private_key(read_key(path, private=True).encode(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise GatewayError("not an Ed25519 key", rule="keys.kind", at=path.name)
    return key
