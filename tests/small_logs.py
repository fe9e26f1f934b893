"""Small logs of every kind of entry, with two witnesses, and what an operator could make of them.

A log here is what it says (`leaves`) and what was signed. It is written as an export, and any
part of it can be changed and signed again with the log's key. The witnesses are honest: they
cosign what continues what they saw, with the time it is.
"""

import hashlib
import json
import random
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import entry, merkle, note
from gateway.note import render_vkey
from gateway.publication.cosignature import Cosigner
from gateway.publication.tiles import ENTRIES, WIDTH, pieces
from gateway.publication.trust import parse_policy
from gateway.verification import keys_of

ORIGIN = "gw.example.org/transfers/2027"
LOG = note.Signer.of(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
VKEY = note.render_vkey(LOG.vkey)
WITNESSES = {
    name: Cosigner.of(
        f"witness.example.net/{name}", Ed25519PrivateKey.from_private_bytes(seed * 32)
    )
    for name, seed in (("w1", b"\x08"), ("w2", b"\x09"))
}
POLICY = "\n".join(
    (
        f"log {VKEY}",
        *(f"witness {name} {render_vkey(one.public)}" for name, one in WITNESSES.items()),
        "group both all w1 w2",
        "quorum both",
        "",
    )
).encode()
KEYS = keys_of(VKEY, parse_policy(POLICY))
START = 1_795_000_000_000
IDLE_MS = 3 * 3_600_000
FEED_MS = 60_000
WITHIN = 300
SAMPLE = json.loads((Path(__file__).parent / "vectors/released_transfer.json").read_text())
BUNDLES = tuple("sha256:" + letter * 64 for letter in "bc")
AGREEMENT = {"id": "dsa-2027-014", "version": "3.1", "digest": "sha256:" + "a" * 64}


def tree(leaves):
    """The tree over these entries, and the contents of its tiles by level."""
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    grown = merkle.grow(0, (), hashes)
    levels = {0: hashes}
    for level, _, hashed in grown.tiles:
        levels.setdefault(level, []).append(hashed)
    return grown, levels


@dataclass
class SmallLog:
    """What a log says, and what was signed of it."""

    leaves: list = field(default_factory=list)
    notes: dict = field(default_factory=dict)
    """By size: the checkpoint, as the log signed it."""
    lines: dict = field(default_factory=dict)
    """By size: the cosignatures that it has."""
    held: dict = field(default_factory=dict)
    """By witness: the checkpoint it holds, with its own line."""
    now: int = START
    grown: merkle.Growth = field(default_factory=lambda: merkle.grow(0, (), ()))
    """The tree of the last checkpoint."""

    def copy(self):
        return SmallLog(
            list(self.leaves), dict(self.notes),
            {size: list(lines) for size, lines in self.lines.items()},
            dict(self.held), self.now, self.grown,
        )  # fmt: skip

    def commit(self):
        """Sign what was added."""
        new = [merkle.leaf_hash(leaf) for leaf in self.leaves[self.grown.size :]]
        self.grown = merkle.grow(self.grown.size, self.grown.edge, new)
        self.notes[self.grown.size] = LOG.checkpoint(self.grown.size, merkle.root(self.grown.edge))

    def cut(self, size):
        """Go back to what it was with so many entries, and to what was signed by then."""
        del self.leaves[size:]
        self.notes = {n: text for n, text in self.notes.items() if n <= size}
        self.lines = {n: lines for n, lines in self.lines.items() if n <= size}
        self.grown = merkle.grow(0, (), ())
        self.commit()

    def witness(self):
        """Every witness cosigns the newest checkpoint, now."""
        size = len(self.leaves)
        text = note.parse_note(self.notes[size]).text
        for name, one in WITNESSES.items():
            line = one.cosign(text, self.now // 1000)
            self.lines.setdefault(size, []).append(line)
            self.held[name] = self.notes[size] + line

    def noted(self, size):
        return (self.notes[size] + "".join(self.lines.get(size, ()))).encode()

    def resign(self):
        """The operator signs every checkpoint again, over what the log says now."""
        sizes = {min(size, len(self.leaves)) for size in self.notes} | {len(self.leaves)}
        leaves, self.leaves = self.leaves, []
        self.notes, self.grown = {}, merkle.grow(0, (), ())
        for size in sorted(sizes):
            self.leaves = leaves[:size]
            self.commit()

    def files(self):
        """The export, by name."""
        made = {f"checkpoints/{size}": self.noted(size) for size in self.notes}
        made["checkpoint"] = self.noted(len(self.leaves))
        made["schema/entry.json"] = entry.SCHEMA.read_bytes()
        _, levels = tree(self.leaves)
        for tile in pieces(len(self.leaves)):
            span = slice(tile.start, tile.start + tile.width)
            if tile.level == ENTRIES:
                made[tile.path] = packed(self.leaves[span])
            else:
                made[tile.path] = b"".join(levels[tile.level][span])
        return made

    @property
    def others(self):
        """What the auditor has from the witnesses themselves."""
        return [(f"witness {name}", text) for name, text in self.held.items()]


def packed(leaves):
    return b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in leaves)


def write(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def named(rng):
    """A version 7 UUID that a seed decides."""
    digits = f"{rng.getrandbits(128):032x}"
    digits = digits[:12] + "7" + digits[13:16] + "8" + digits[17:]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


class Author:
    """Writes entries as a gateway would: nothing that could not have happened."""

    def __init__(self, rng):
        self.rng = rng
        self.bundle = BUNDLES[0]
        self.active = True
        self.open, self.done, self.recalls, self.decisions, self.cases = [], [], [], [], []

    def head(self, kind):
        return {"v": 1, "type": kind, "id": named(self.rng), "gateway": "gw-1"}

    def beginning(self):
        yield self.head("control") | {"what": "init"}
        yield self.policy(self.bundle)
        yield self.agreement("active")

    def policy(self, bundle):
        subject = {"id": "policy", "version": bundle[7:23], "state": "active"}
        return self.changed("policy", subject, bundle)

    def agreement(self, state):
        subject = {"id": AGREEMENT["id"], "version": AGREEMENT["version"], "state": state}
        return self.changed("agreement", subject, AGREEMENT["digest"])

    def changed(self, what, subject, digest):
        return self.head("control") | {
            "what": what, "digest": digest, "subject": subject,
            "signers": ["officer:dpo-1"], "documents": [],
        }  # fmt: skip

    def transfer(self, outcome="released"):
        made = SAMPLE | self.head("transfer") | {"outcome": outcome, "agreement": AGREEMENT}
        made |= {"purpose": self.rng.choice(["hum.cash.dedup", "hum.health.care"])}
        made["policy"] = SAMPLE["policy"] | {"bundle": self.bundle}
        if outcome == "released":
            self.open.append(made["id"])
        return made

    def outcome(self):
        name = self.open.pop(self.rng.randrange(len(self.open)))
        state = self.rng.choice(["delivered", "delivered", "not_released"])
        if state == "delivered":
            self.done.append(name)
        return self.head("outcome") | {state: [name]}

    def custody(self, what):
        made = self.head("custody") | {"what": what, "party": "org:b"}
        if what == "answer":
            recall, name = self.rng.choice(self.recalls)
            return made | {"transfer": name, "recall": recall, "state": "done"}
        made["transfer"] = self.rng.choice(self.done)
        if what == "recall":
            self.recalls.append((made["id"], made["transfer"]))
        return made

    def decision(self):
        made = self.head("decision") | {
            "what": "approved", "decision": "pending.first_transfer", "signers": ["officer:dpo-1"],
        }  # fmt: skip
        self.decisions.append(made["id"])
        return made

    def review(self):
        of = self.rng.choice(self.decisions)
        return self.decision() | {"what": "review", "of": of}

    def any(self):
        """The next entry, whatever it is about."""
        choices = ["release"] * 6 + ["refused", "held", "access", "decision", "policy", "incident"]
        choices += ["outcome"] * 4 * bool(self.open)
        choices += ["acknowledged", "deleted", "recall"] * bool(self.done)
        choices += ["answer"] * bool(self.recalls)
        kind = self.rng.choice(choices)
        if kind in ("refused", "held"):
            return self.transfer(kind)
        if kind in ("acknowledged", "deleted", "recall", "answer"):
            return self.custody(kind)
        return getattr(self, f"_{kind}")()

    def _release(self):
        return self.transfer()

    def _outcome(self):
        return self.outcome()

    def _access(self):
        return self.head("access") | {"what": "report", "who": "officer:dpo-1", "size": 3}

    def _decision(self):
        return self.review() if self.decisions and self.rng.random() < 0.4 else self.decision()

    def _policy(self):
        self.bundle = BUNDLES[1 - BUNDLES.index(self.bundle)]
        return self.policy(self.bundle)

    def _incident(self):
        made = self.head("incident") | {"what": "incident", "case": named(self.rng)}
        return made | {"state": "opened", "severity": self.rng.randint(1, 4)}


def leaf(said, time):
    """An entry's bytes at a time; `policy.at` is the moment before."""
    if "policy" in said:
        said = said | {"policy": said["policy"] | asked(time)}
    return entry.draft(said).at(time)


def asked(time):
    moment = datetime.fromtimestamp(time // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"at": moment, "template": "sha256:" + hashlib.sha256(b"").hexdigest()}


def honest(seed, size):
    """A log of `size` entries that nobody tampered with, and the author who could go on."""
    rng = random.Random(seed)
    author, made = Author(rng), SmallLog()
    fed = 0
    beginning = list(author.beginning())[:size]
    while len(made.leaves) < size:
        batch = beginning or [author.any() for _ in range(rng.choice((1, 2, 8, 20, 40)))]
        beginning = []
        made.now += rng.randint(1, 30_000)
        made.leaves += [leaf(said, made.now) for said in batch[: size - len(made.leaves)]]
        made.commit()
        if made.now - fed > FEED_MS or len(made.leaves) == size:
            made.now += rng.randint(0, 2_000)
            made.witness()
            fed = made.now
            if rng.random() < 0.2:
                made.now += IDLE_MS
    return made, author


__all__ = ["WIDTH", "SmallLog", "honest", "leaf", "write"]
