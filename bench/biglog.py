"""A log of a million entries of every kind, in two minutes: a real tree with real signatures.

    python -m bench.biglog DIR [ENTRIES] [QUESTIONS] [SEED]

Rows are written straight into the tables, so no sequencer is measured. What they say is what
the gateway would have said: the shipped policies answered each question, entries are canonical
and follow the schema, transfers are acknowledged, deleted and recalled, and everything beside
the tree follows from the entries. `corridor log verify` accepts the log. Nobody's data is in
it: there was never any content.
"""

import json
import random
import shutil
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw

from bench.biglog_script import Script
from bench.biglog_world import ORIGIN, World
from gateway import log_file, merkle
from gateway.deployment import Keys, make_keys, read_keys
from gateway.high_water import HighWater
from gateway.log_index import Indexed
from gateway.log_standing import Effects, month_of
from gateway.log_store.sqlite import SqliteStore
from gateway.merkle import leaf_hash
from gateway.note import Signer, render_vkey
from gateway.policy import Bundle, read_bundle
from gateway.session import POLICIES

BATCH = 2_000
INSERTS = {
    "entry (idx, id, leaf, hash)": 4,
    "transfer_state (id, idx, outcome, state)": 4,
    "tile_hash (level, idx, hash)": 3,
    "document (digest, kind, value)": 3,
    "entry_index (idx, time, kind, profile)": 4,
    "happened (transfer, idx, kind, place, profile)": 5,
    "checkpoint (size, note)": 2,
}
Tell = Callable[[int, int], None]


class Rows:
    """What is written beside and below the tree, until it is written."""

    def __init__(self, db: apsw.Connection, signer: Signer) -> None:
        self.db = db
        self.signer = signer
        self.size, self.edge, self.time = self._head()
        self.note = ""
        self.hashes: list[bytes] = []
        self.waiting: dict[str, list[tuple[Any, ...]]] = {table: [] for table in INSERTS}
        self.profiles: dict[bytes, int] = {}
        self.tally: Counter[tuple[str, str, int]] = Counter()
        self.documents: set[str] = set()
        self.released: dict[str, tuple[int, int]] = {}

    def _head(self) -> tuple[int, tuple[bytes, ...], int]:
        size: Any
        edge: Any
        at: Any
        [(size, edge, at)] = self.db.execute("SELECT size, edge, time FROM log_head").fetchall()
        return size, tuple(edge[n : n + 32] for n in range(0, len(edge), 32)), at

    @property
    def next(self) -> int:
        """The index of the next entry."""
        return self.size + len(self.hashes)

    def add(
        self, name: str, leaf: bytes, at: int, effects: Effects, state: tuple[str, str]
    ) -> None:
        """One entry. `state` is outcome and state of a transfer."""
        index = self.next
        hashed = leaf_hash(leaf)
        self.hashes.append(hashed)
        self.time = at
        self.waiting["entry (idx, id, leaf, hash)"].append((index, name, leaf, hashed))
        if state[0]:
            self.waiting["transfer_state (id, idx, outcome, state)"].append((name, index, *state))
        for row in effects.documents:
            if row[0] not in self.documents:
                self.documents.add(row[0])
                self.waiting["document (digest, kind, value)"].append(row)
        if effects.changes is not None:
            self.db.execute(
                "INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*effects.changes, index),
            )
        for kind, key in effects.counts:
            self.tally[kind, key, month_of(at)] += 1
        one = effects.index or Indexed("outcome")
        profile = self._profile(one) if one.digest else 0
        self.waiting["entry_index (idx, time, kind, profile)"].append(
            (index, at, one.kind, profile)
        )
        if one.transfer:
            about = self.released[one.transfer]
            happened = (one.transfer, index, one.kind, *about)
            self.waiting["happened (transfer, idx, kind, place, profile)"].append(happened)
        if state[0]:
            self.released[name] = (index, profile)

    def _profile(self, one: Indexed) -> int:
        if one.digest not in self.profiles:
            self.profiles[one.digest] = len(self.profiles) + 1
            self.db.execute(
                "INSERT INTO profile (id, digest, value) VALUES (?, ?, ?)",
                (self.profiles[one.digest], one.digest, zlib.compress(one.profile)),
            )
        return self.profiles[one.digest]

    def flush(self) -> None:
        """Grow the tree, sign it, and write what waits."""
        growth = merkle.grow(self.size, self.edge, self.hashes)
        self.size, self.edge = growth.size, growth.edge
        self.note = self.signer.checkpoint(self.size, merkle.root(self.edge))
        self.waiting["tile_hash (level, idx, hash)"].extend(growth.tiles)
        self.waiting["checkpoint (size, note)"].append((self.size, self.note))
        self.hashes.clear()
        for table, rows in self.waiting.items():
            marks = ",".join("?" * INSERTS[table])
            statement = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 - table is ours
            self.db.executemany(statement, rows)
            rows.clear()

    def finish(self) -> None:
        """The rows there is one of each."""
        self.db.executemany(
            "INSERT INTO tally VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = excluded.n",
            [(*key, n) for key, n in self.tally.items()],
        )
        self.db.execute(
            "UPDATE log_head SET size = ?, edge = ?, time = ?",
            (self.size, b"".join(self.edge), self.time),
        )


def make(
    directory: Path, keys: Keys, bundle: Bundle, *, origin: str = ORIGIN, count: int = 1_000_000,
    distinct: int = 600, seed: int = 1, tell: Tell = lambda _done, _of: None,
) -> None:  # fmt: skip
    """A log of exactly `count` entries in `directory` (a deployment's `data`), over a year.

    `distinct` is how many questions its transfers share. The log can be opened and verified.
    """
    world = World(bundle, distinct, seed)
    world.prepare()
    script = Script(world, count, random.Random(seed))
    signer = Signer.of(origin, keys.log)
    directory.mkdir(mode=0o700, exist_ok=True)
    empty = signer.checkpoint(0, merkle.EMPTY)
    SqliteStore.create(directory / log_file.FILE, render_vkey(signer.vkey), origin, empty)
    HighWater.create(directory, empty)
    with closing(log_file.connect(directory / log_file.FILE)) as db:
        db.pragma("synchronous", 0)  # nobody is told of these entries before it is whole
        rows = Rows(db, signer)
        with db:
            size = min(BATCH, max(1, count // 20))
            for one in script.entries(lambda: rows.next):
                rows.add(*one)
                if len(rows.hashes) >= size:
                    rows.flush()
                    tell(rows.size, count)
            if rows.hashes:
                rows.flush()
            rows.finish()
        db.pragma("synchronous", 2)
        with closing(HighWater(directory)) as noted:
            noted.advance(rows.size, rows.note)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def deployment(directory: Path, **how: Any) -> None:
    """The demo's deployment in a new folder, with keys of its own and such a log."""
    demo = POLICIES.parent / "deploy" / "demo"
    shutil.copytree(demo, directory, ignore=shutil.ignore_patterns("keys", "data"))
    settings = directory / "corridor.toml"
    text = settings.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("origin"))
    settings.write_text(text.replace(line, f"origin = {json.dumps(ORIGIN)}"), encoding="utf-8")
    make_keys(directory, ORIGIN)
    make(directory / "data", read_keys(directory), read_bundle(POLICIES), **how)


def main() -> None:
    """Make one, and say how long it took."""
    directory, numbers = Path(sys.argv[1]), [int(number) for number in sys.argv[2:]]
    count, distinct, seed = (*numbers, *(1_000_000, 600, 1)[len(numbers) :])
    began = time.perf_counter()
    deployment(directory, count=count, distinct=distinct, seed=seed)
    took = time.perf_counter() - began
    print(f"{count:,} entries in {took:.1f} s ({count / took:,.0f} a second)")


if __name__ == "__main__":
    main()
