"""What a worker process does with one part of a payload.

It reads it, and where it is told what policy said of every class it meets, it also minimizes and
writes it, with a commitment to each record. It has no log, decides nothing, and releases nothing.
"""

import io
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import orjson

from gateway import adapter, merkle
from gateway.account import Answer
from gateway.adapter import Adapter
from gateway.bulk import message
from gateway.bulk.looked import class_from, marks_of
from gateway.deployment import Deployment, read_deployment, read_keys
from gateway.errors import CorridorError, GatewayError, SenderError
from gateway.incoming import Class
from gateway.mapping import Plan
from gateway.minimize import Minimized, minimize
from gateway.policy import Limits
from gateway.question import class_of
from gateway.record import Reading, Record, Writing
from gateway.records import Received, read
from gateway.remembered import Remembered
from gateway.subjects.commitments import SALT, commitment, token
from gateway.subjects.stops import Stops

NONE = "record.none"
STALE = "bulk.stale"


@dataclass(slots=True)
class _Here:
    """What this process has read of its deployment."""

    directory: Path
    deployment: Deployment
    epoch: int
    key: bytes = field(repr=False)
    remembered: Remembered = field(default_factory=Remembered, repr=False)


_here: list[_Here] = []


def prepare(directory: Path) -> None:
    """Read the deployment, once in each worker process."""
    key = message.message_key(read_keys(directory).content)
    _here[:] = [_Here(directory, read_deployment(directory), -1, key)]


def work(task: bytes) -> bytes:
    """The sealed answer to a sealed task.

    A fault of the payload is an answer. Raises `GatewayError` for a task that is not ours.
    """
    here = _here[0]
    header, [payload] = message.unseal(here.key, message.TASK, task)
    try:
        said, blobs = _Part(here, header).done(payload)
    except CorridorError as error:
        said = {
            "fault": [error.problem, error.rule, error.at, error.http_status],
            "sender": isinstance(error, SenderError),
            "faults": error.faults,
        }
        blobs = []
    return message.seal(here.key, message.answers(task), said, blobs)


class _Part:
    """One task."""

    def __init__(self, here: _Here, header: Mapping[str, Any]) -> None:
        self._header, self._here = header, here
        self._deployment = _deployment(here, header["epoch"])
        if not self._fits():
            # Somebody changed a file, and the gateway may have read it before or after us.
            here.deployment = self._deployment = read_deployment(here.directory)
            here.remembered = Remembered()
        if not self._fits():
            raise GatewayError("a worker has another mapping", rule=STALE)
        self._plan = self._named("mapping")
        self._source = adapter.named(header["source"])

    def _named(self, which: str) -> Plan | None:
        said = self._header[which]
        return None if said is None else self._deployment.mappings[said[0]]

    def _fits(self) -> bool:
        """Whether the mappings that the task names are those we have."""
        known = self._deployment.mappings
        named = (one for one in (self._header["mapping"], self._header["into"]) if one)
        return all(name in known and known[name].digest == digest for name, digest in named)

    def done(self, payload: bytes) -> tuple[dict[str, Any], list[bytes]]:
        """The header of the answer, and what goes with it."""
        header, reading = self._header, Reading()
        received = self._received(payload, reading)
        said: dict[str, Any] = {
            "count": received.count,
            "twice": received.twice,
            "counts": received.counts,
            "present": [[one, sorted(names)] for one, names in received.present.items()],
            "lineage": reading.lineage,
            "unmapped": sorted(reading.unmapped),
            "repeated": sorted(reading.repeated),
        }
        blobs = [b"", b""]
        if header["part"]:
            key = bytes.fromhex(header["marks"])
            blobs = [*marks_of((record for record, _ in received), key)]
        rulings = _rulings(orjson.dumps(header["rulings"])) if header["rulings"] else {}
        if rulings and received.present.keys() <= rulings.keys():
            said["wrote"], more = self._wrote(received, rulings)
            blobs += more
        return said, blobs

    def _received(self, payload: bytes, reading: Reading) -> Received:
        def parse(told: Reading) -> Iterator[Record]:
            return self._source.parse(io.BytesIO(payload), self._plan, told)

        known = partial(class_of, today=self._header["today"])
        try:
            # Of a part, nobody wants to know more: the payload is then read as a whole.
            return read(parse, reading, known, hold=True, itemise=not self._header["part"])
        except SenderError as error:
            if error.rule != NONE or not self._header["part"]:
                raise
            return Received(lambda: iter(()), True, 0, 0, {}, {})

    def _wrote(
        self, received: Received, rulings: Mapping[Class, Answer]
    ) -> tuple[dict[str, Any], list[bytes]]:
        header = self._header
        tokens = bytes.fromhex(header["stops"])
        stops = Stops(0, frozenset(tokens[at : at + 16] for at in range(0, len(tokens), 16)))
        subjects = bytes.fromhex(header["subjects"])
        minimized = minimize(
            received,
            {one: rulings[one] for one in received.present},
            key=bytes.fromhex(header["key"]),
            places=self._deployment.places,
            today=header["today"],
            remembered=self._here.remembered,
            stopped=stops.check(subjects),
        )
        writing, body = Writing(), b""
        if minimized.count:
            target: Adapter = adapter.named(header["target"])
            body = b"".join(target.render(minimized.records, self._named("into"), writing))
        wrote = {
            "count": minimized.count,
            "held_back": minimized.held_back,
            "lineage": writing.lineage,
            "unrendered": sorted(writing.unrendered),
        }
        return wrote, [body, *self._committed(minimized, subjects)]

    def _committed(self, minimized: Minimized, key: bytes) -> tuple[bytes, bytes, bytes]:
        """Tokens, salts and hashes of the records, in their order. See `subjects/commitments`."""
        tokens: list[bytes] = []
        hashes: list[bytes] = []
        salts = secrets.token_bytes(SALT * minimized.count) if self._header["commit"] else b""
        if salts:
            for number, (own, record) in enumerate(minimized.owned()):
                salt = salts[number * SALT : (number + 1) * SALT]
                made = commitment(salt, self._header["transfer"], record)
                tokens.append(token(key, own))
                hashes.append(merkle.leaf_hash(made))
        return b"".join(tokens), salts, b"".join(hashes)


def _deployment(here: _Here, epoch: int) -> Deployment:
    """The deployment, read again where something else stands since."""
    if here.epoch not in (-1, epoch):
        here.deployment = read_deployment(here.directory)
        here.remembered = Remembered()
    here.epoch = epoch
    return here.deployment


@lru_cache(maxsize=64)
def _rulings(said: bytes) -> Mapping[Class, Answer]:
    """What policy said, by class. The same bytes give the same objects: plans are kept by them."""
    return {
        class_from(class_): Answer(
            allows,
            tuple(rules),
            {name: (form, reason) for name, (form, reason) in forms.items()},
            Limits(*limits),
        )
        for class_, allows, rules, forms, limits in orjson.loads(said)
    }


def spelt(rulings: Mapping[Class, Answer]) -> list[Any]:
    """Rulings as a task carries them."""
    return [
        [one, how.allows, how.rules, how.forms, [how.limits.k, how.limits.min_pop]]
        for one, how in rulings.items()
    ]
