"""A commitment to each record of a transfer, made while the records are written.

    commitment = HMAC-SHA-256(salt, "corridor/subject/v1\\n" + transfer id + SHA-256(record))

The entry holds the root of the RFC 9162 tree over them. Memory does not grow with the payload:
of a transfer of many records the rows are written in parts, before its entry.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator

from gateway import log_subjects, merkle
from gateway.deployment import Keys
from gateway.forms import pseudonym_key
from gateway.log import Log, Lost
from gateway.log_beside import Claim
from gateway.log_store import Store
from gateway.log_subjects import LEAVES, Row, Subjects
from gateway.minimize import Minimized
from gateway.record import Record
from gateway.subjects.spelling import spelt

DOMAIN = b"corridor/subject/v1\n"
SALT = 32
TOKEN = 16


def subject_key(keys: Keys, party: str) -> bytes:
    """The key of the marks of one party's records: two parties may use the same id."""
    return pseudonym_key(keys.pseudonym, "subjects", party)


def token(key: bytes, record_id: str) -> bytes:
    """By what a record is found again: 128 bits that nobody without the key can make."""
    return hmac.digest(key, record_id.encode(), "sha256")[:TOKEN]


def commitment(salt: bytes, transfer: str, record: Record) -> bytes:
    """The commitment to one minimized record."""
    message = DOMAIN + transfer.encode() + hashlib.sha256(spelt(record)).digest()
    return hmac.digest(salt, message, "sha256")


class Commitments:
    """Watches the records of one transfer as they are written."""

    def __init__(self, transfer: str, key: bytes, log: Log, claim: Claim | None = None) -> None:
        """`claim`: without its row nothing is written or taken back, for it is somebody else's."""
        self.transfer, self._key, self._log, self._claim = transfer, key, log, claim
        self._whole = False
        self._staged = False
        self._begin()

    def _begin(self) -> None:
        self._rows: list[Row] = []
        self._hashes: list[bytes] = []
        self._edge: tuple[bytes, ...] = ()
        self._leaves: list[Row] = []
        self._size = 0

    def over(self, minimized: Minimized) -> Iterable[Record]:
        """The records; each walk over them is watched until one came to the end.

        A few records that are held are watched at once: writers are quicker with a list.
        """
        held = minimized.records
        if isinstance(held, list) and len(held) < LEAVES:
            return list(self.walk(minimized))
        return _Watched(self, minimized)

    def root(self, minimized: Minimized) -> str:
        """The root over all commitments, as the entry says it."""
        if not self._whole:  # a writer may stop before the end
            for _ in self.walk(minimized):
                pass
        self._cut()
        return urlsafe_b64encode(merkle.root(self._edge)).decode().rstrip("=")

    def walk(self, minimized: Minimized) -> Iterator[Record]:
        """One walk. What an earlier one, that did not come to the end, left is taken back."""
        if self._whole:
            yield from minimized.records
            return
        self.abandon()
        self._begin()
        for own, record in minimized.owned():
            self._add(own, record)
            yield record
        self._whole = True

    def take(self, tokens: bytes, salts: bytes, hashes: bytes) -> None:
        """Records that were committed to elsewhere, in their order: `TOKEN`, `SALT` and 32 bytes
        of each. Writes rows of very many; not for an event loop."""
        for number in range(len(hashes) // 32):
            found = tokens[number * TOKEN : (number + 1) * TOKEN]
            salt = salts[number * SALT : (number + 1) * SALT]
            self._rows.append((found, self.transfer, self._size, salt))
            self._hashes.append(hashes[number * 32 : (number + 1) * 32])
            self._size += 1
            if len(self._hashes) == LEAVES:
                self._cut()
                self._stage()

    def taken(self) -> None:
        """All records were taken."""
        self._whole = True

    def restart(self) -> None:
        """Begin anew, with what was taken so far taken back."""
        self.abandon()
        self._begin()
        self._whole = False

    def subjects(self, version: int) -> Subjects:
        """The rows that are still to be written, together with the entry."""
        # Of a single record the root says what the leaf would.
        leaves = self._leaves if self._size > 1 else []
        staged = self.transfer if self._staged else ""
        return Subjects(version, self._rows, leaves, staged)

    def abandon(self) -> None:
        """Take back what was written: no entry will follow."""

        def forget(store: Store) -> None:
            if self._ours(store):
                log_subjects.forget(store, [self.transfer])

        if self._staged:
            self._log.beside(forget)
            self._staged = False

    def _ours(self, store: Store) -> bool:
        return self._claim is None or self._claim.holds(store)

    def _add(self, own: str, record: Record) -> None:
        salt = secrets.token_bytes(SALT)
        made = commitment(salt, self.transfer, record)
        self._rows.append((token(self._key, own), self.transfer, self._size, salt))
        self._hashes.append(merkle.leaf_hash(made))
        self._size += 1
        if len(self._hashes) == LEAVES:
            self._cut()
            self._stage()

    def _cut(self) -> None:
        """Move the hashes so far into the tree."""
        if not self._hashes:
            return
        before = self._size - len(self._hashes)
        self._edge = merkle.grow(before, self._edge, self._hashes).edge
        self._leaves.append((self.transfer, before // LEAVES, b"".join(self._hashes)))
        self._hashes = []

    def _stage(self) -> None:
        rows, leaves, first = self._rows, self._leaves, not self._staged
        self._staged = True

        def add(store: Store) -> None:
            if not self._ours(store):
                raise Lost
            if first:  # an attempt at the same transfer may have died halfway
                log_subjects.forget(store, [self.transfer])
            log_subjects.add(store, rows, leaves, self.transfer)

        self._log.beside(add)
        self._rows, self._leaves = [], []


class _Watched:
    """Records, to be walked as often as a writer wants."""

    def __init__(self, commitments: Commitments, minimized: Minimized) -> None:
        self._commitments, self._minimized = commitments, minimized

    def __iter__(self) -> Iterator[Record]:
        return self._commitments.walk(self._minimized)
