"""Small logs to publish, and a witness in a thread."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry
from gateway.log import Log
from gateway.log_keys import LogKeys
from gateway.note import Signer, Vkey
from gateway.publication.tree import Tree
from gateway.publication.witness import Witness, make_key
from gateway.publication.witness_app import witness_app

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
ORIGIN = "gw.example.org/transfers/2027"
VKEY: Vkey = Signer.of(ORIGIN, KEY).vkey
KEYS = LogKeys((VKEY,))


def a_log(directory: Path, size: int = 1, key: Ed25519PrivateKey = KEY) -> Log:
    """A new log with so many entries."""
    directory.mkdir(parents=True, exist_ok=True)
    log = Log.create(directory / "data", origin=ORIGIN, key=key, gateway="gw-1")
    fill(log, size)
    return log


def fill(log: Log, size: int) -> None:
    """Entries up to this size, in as few batches as there may be."""
    missing = size - log.size()
    waiting = [log.submit(entry.control(gateway="gw-1", what="clock")) for _ in range(missing)]
    for one in waiting:
        one.result()


def tree_of(log: Log) -> Tree:
    """What it says to the world."""
    return Tree(log.rows)


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, as it is written there."""
    if len(leaves) <= 1:
        return hashlib.sha256(b"\x00" + leaves[0] if leaves else b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = naive_root(leaves[:split]), naive_root(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def unbundled(content: bytes) -> list[bytes]:
    """The entries of a bundle."""
    leaves, at = [], 0
    while at < len(content):
        length = int.from_bytes(content[at : at + 2], "big")
        leaves.append(content[at + 2 : at + 2 + length])
        at += 2 + length
    return leaves


def a_witness(state: Path, name: str = "witness.example.net/w1", *logs: LogKeys) -> Witness:
    """A new witness of these logs; of ours, when none is named."""
    make_key(state, name)
    return Witness(state, logs or (KEYS,))


@contextmanager
def served(witness: Witness) -> Iterator[str]:
    """The witness over HTTP, at a free port."""
    server = uvicorn.Server(
        uvicorn.Config(witness_app(witness), port=0, log_level="critical", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
