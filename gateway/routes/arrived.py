"""What came before: the versions of each record that a route carried to each recipient.

Systems send at least once, retry out of order, and are polled for what they may have sent. A row
is written in the transaction of the entry it tells of. It names the record by a keyed digest, and
what it says of the version is sealed, so that the rows say nothing to who reads the database.
"""

import hmac
import os
from dataclasses import dataclass, field, replace
from typing import Literal

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import GatewayError
from gateway.log_beside import Beside
from gateway.moments import now_ms
from gateway.routes.identified import Known
from gateway.transfer import Gateway

_NONCE = 12
COLUMNS = ("mark", "transfer", "route", "version", "time")


@dataclass(frozen=True, slots=True)
class Place:
    """One record on its way to one recipient by one route."""

    route: str
    recipient: str
    mark: bytes = field(repr=False)
    version: str = field(repr=False)
    """Keyed digest of the version."""
    before: str = field(repr=False)
    order: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A version that was carried."""

    transfer: str
    version: str = field(repr=False)
    before: str = field(repr=False)
    order: int
    epoch: int
    """Of the log when it was carried: another one means that something else stands now."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a version is to be carried."""

    what: Literal["new", "repeated", "older"]
    transfer: str = ""
    """Which carried it, or a newer one, before. Of a new one: which did not bring it over."""


class Arrived:
    """Questions to the rows, for one gateway as it stands."""

    def __init__(self, gateway: Gateway) -> None:
        self._log = gateway.log
        self._epoch = gateway.epoch
        secret = gateway.keys.content
        self._key = hmac.digest(secret, b"arrived", "sha256")
        self._sealing = AESGCM(hmac.digest(secret, b"arrived version", "sha256"))

    def place(self, route: str, system: str, recipient: str, known: Known, content: bytes) -> Place:
        """Where a record stands. What has no name or version is known by its content."""
        if not (known.record and known.version):
            said = self._digest(b"content\n", content).hex()
            known = replace(known, record=known.record or said, version=known.version or said)
        mark = self._digest(b"record\n", "\n".join((route, system, recipient, known.record)))
        before = self._digest(mark, known.before).hex() if known.before else ""
        version = self._digest(mark, known.version).hex()
        return Place(route, recipient, mark, version, before, known.order)

    def find(self, place: Place) -> Finding:
        """What is to be done with a version, by what came before it."""
        seen = self._seen(place.mark)
        same = [one for one in seen if one.version == place.version]
        if same and any(one.version != place.version for one in seen[seen.index(same[-1]) :]):
            return Finding("older", seen[-1].transfer)
        if same:
            last = same[-1]
            return Finding("new" if self._again(last) else "repeated", last.transfer)
        newer = [
            one
            for one in seen
            if one.before == place.version or (place.order and one.order > place.order)
        ]
        return Finding("older", newer[-1].transfer) if newer else Finding("new")

    def key(self, place: Place, previous: str) -> str:
        """Idempotency key: a version is carried once, and once more where it did not leave."""
        said = f"{place.version}\n{previous}"
        return f"route {self._digest(place.mark, said).hex()}"

    def row(self, place: Place, transfer: str) -> Beside:
        """To be written with the entry of the transfer."""
        said = orjson.dumps([place.version, place.before, place.order, self._epoch])
        nonce = os.urandom(_NONCE)
        bound = place.mark + transfer.encode()
        sealed = nonce + self._sealing.encrypt(nonce, said, bound)
        columns = (place.mark, transfer, place.route, sealed, now_ms())
        return Beside("arrived", COLUMNS, columns)

    def _again(self, seen: Seen) -> bool:
        """Whether what did not leave may leave now: other agreements or policies stand, or its
        content expired before anybody took it."""
        state = self._log.state(seen.transfer)
        return state == "not_released" or (state == "none" and seen.epoch != self._epoch)

    def _seen(self, mark: bytes) -> list[Seen]:
        query = "SELECT transfer, version FROM arrived WHERE mark = ? ORDER BY time, transfer"
        return [self._opened(mark, *row) for row in self._log.rows(query, (mark,))]

    def _opened(self, mark: bytes, transfer: str, sealed: bytes) -> Seen:
        try:
            bound = mark + transfer.encode()
            said = self._sealing.decrypt(sealed[:_NONCE], sealed[_NONCE:], bound)
        except InvalidTag:
            raise GatewayError("what arrived before cannot be read", rule="route.row") from None
        return Seen(transfer, *orjson.loads(said))

    def _digest(self, what: bytes, value: bytes | str) -> bytes:
        # JSON can write half a character, and so can an id.
        said = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        return hmac.digest(self._key, what + said, "sha256")
