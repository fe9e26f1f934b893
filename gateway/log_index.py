"""The log's index: which entries there are, when, and of what kind. Search rests on it.

Transfers that differ only in what is each one's own (id, time, commitments, the moment of the
question) share a *profile*: the rest of the entry. A million transfers have a few thousand. So
a search counts entries by profile, and looks at the profiles alone.

Nothing here is evidence. The index follows from the entries, is written in their transaction,
and can be made again from them.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

OWN = ("id", "time", "gateway", "content", "details", "subjects")
"""Parts of a transfer's entry that no other shares."""

TABLES = """
CREATE TABLE profile (
  id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, value BLOB NOT NULL
) STRICT;
CREATE TABLE entry_index (
  idx INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL, profile INTEGER NOT NULL
) STRICT;
CREATE INDEX entry_profile ON entry_index (profile, idx) WHERE profile > 0;
CREATE INDEX entry_kind ON entry_index (kind, idx) WHERE profile = 0;
CREATE TABLE happened (
  transfer TEXT NOT NULL, idx INTEGER NOT NULL, kind TEXT NOT NULL, place INTEGER NOT NULL,
  profile INTEGER NOT NULL, PRIMARY KEY (transfer, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX happened_kind ON happened (kind, profile, place, idx);
"""
"""`happened`: entries of other kinds that name a transfer, but for what became of its release;
with the transfer's own place and profile, -1 and 0 where the log has no such transfer."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the index says of one entry, but for its place and time."""

    kind: str
    """The type, and what is said in it: `custody.deleted.done`, `rights.access`."""
    digest: bytes = b""
    """SHA-256 of the profile; empty where there is none."""
    profile: bytes = field(default=b"", repr=False)
    """Canonical JSON (ASCII keys, sorted)."""
    transfer: str = ""
    """The transfer that an entry of another kind is about."""


_SAID = {"custody": ("what", "state"), "decision": ("what",), "rights": ("what",)}
_SAID |= {"incident": ("what",), "access": ("what",)}


def _kind(entry: Mapping[str, Any]) -> str:
    named = (entry.get(name) for name in _SAID.get(entry["type"], ()))
    certified = ["certified"] if "certificate" in entry else []
    return ".".join((entry["type"], *(name for name in named if name), *certified))


def indexed(entry: Mapping[str, Any]) -> Indexed:
    """What the index says of an entry that follows its schema."""
    if entry["type"] != "transfer":
        return Indexed(_kind(entry), transfer=entry.get("transfer", ""))
    shared = {name: part for name, part in entry.items() if name not in OWN}
    policy = shared.get("policy")
    if policy is not None:
        shared["policy"] = {k: v for k, v in policy.items() if k not in ("at", "question")}
    profile = orjson.dumps(shared, option=orjson.OPT_SORT_KEYS)
    return Indexed("transfer", hashlib.sha256(profile).digest(), profile)
