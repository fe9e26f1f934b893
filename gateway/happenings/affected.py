"""Which transfers something is about, found by the index, for incidents and recalls."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.log import Log

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """Released transfers to look for. What is empty does not narrow; nothing said finds none."""

    recipient: str = ""
    sender: str = ""
    agreement: str = ""
    purpose: str = ""
    start: int = 0
    """Milliseconds since 1970, first one in."""
    end: int = 0
    """First one out; 0 is now."""

    @property
    def narrow(self) -> bool:
        """Whether it says what is looked for."""
        return bool(self.recipient or self.sender or self.agreement or self.purpose)

    def fits(self, profile: dict[str, Any]) -> bool:
        """Whether transfers of this profile are meant."""
        if profile["outcome"] != "released":
            return False
        said = {
            "recipient": profile["recipient"]["party"],
            "sender": profile["sender"]["party"],
            "agreement": profile["agreement"]["id"],
            "purpose": profile["purpose"],
        }
        return all(getattr(self, name) in ("", value) for name, value in said.items())


@dataclass(frozen=True, slots=True)
class Affected:
    """One transfer that was found."""

    transfer: str
    time: int
    recipient: str


def affected(log: Log, asked: Asked) -> Iterator[Affected]:
    """The transfers, by profile and then in the order of the log."""
    if not asked.narrow:
        return
    for number, value in log.rows("SELECT id, value FROM profile ORDER BY id"):
        profile = orjson.loads(zlib.decompress(value))
        if asked.fits(profile):
            for transfer, time in _of_profile(log, number, asked):
                yield Affected(transfer, time, profile["recipient"]["party"])


def _of_profile(log: Log, profile: int, asked: Asked) -> Iterator[tuple[str, int]]:
    query = (
        "SELECT entry_index.idx, entry.id, entry_index.time FROM entry_index"
        " JOIN entry ON entry.idx = entry_index.idx"
        " WHERE profile > 0 AND profile = ? AND entry_index.idx > ? AND entry_index.time >= ?"
        " AND entry_index.time < ? ORDER BY entry_index.idx LIMIT ?"
    )
    after, end = -1, asked.end or 1 << 53
    while rows := log.rows(query, (profile, after, asked.start, end, CHUNK)):
        after = rows[-1][0]
        yield from ((name, time) for _, name, time in rows)
