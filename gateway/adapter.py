"""The adapter protocol, and finding the adapters that are installed."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import BinaryIO, Literal, Protocol, runtime_checkable

from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Parsed, Reading, Record, Rendered, Writing

GROUP = "corridor.adapters"
"""Entry point group. A package that declares an adapter here needs no other registration."""


class Adapter(Protocol):
    """How one system's files become records, and records become that system's files.

    Adapters are pure. The same input gives the same output, with no clock, network, disk or
    randomness, so that a transfer can be repeated years later for an inquiry. Fetching and
    delivering belong to the gateway.
    """

    name: str
    """What a transfer asks for, for example `fhir.r4`. Lower case, stable for ever."""

    version: str
    """Changes whenever the same input would give another output. Written into the log."""

    media_type: str
    """Of what `render` writes."""

    record_types: frozenset[str] | None
    """What `render` can carry. None where the mapping says it."""

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        """Read a file record by record. Raises `SenderError` for what this format does not allow.

        `content` can be sought in and is read once from its start. A format that can be read in
        parts is: files of gigabytes are ordinary. `mapping` is needed by formats whose fields
        are set per form or server, and is None for formats that carry their own meaning.
        `reading` is told where each leaf came from and what nobody took.
        """

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        """Write a file chunk by chunk. Leaves out what a record does not have; invents nothing.

        `records` may be walked more than once, and each walk may mean reading the payload again.
        `writing` is told where each leaf went and what this format cannot carry.
        """


@runtime_checkable
class Divisible(Protocol):
    """An adapter whose payloads can be read in parts, with the same records as at once."""

    def divided(self, start: bytes, mapping: Plan | None) -> str | None:
        """`lines` where each line of NDJSON is read alone, `rows` for a table below one header,
        perhaps with more behind it; None for what is read as a whole.

        `start` is how a payload begins, or a part. Parts make up the payload only where the
        same is said of the start of each.
        """


@runtime_checkable
class Joinable(Protocol):
    """An adapter whose files, written of some records each, can be joined to that of all."""

    def seams(self, mapping: Plan | None) -> tuple[bytes, bytes, bytes] | None:
        """What every file begins with, what goes between two, and what every file ends with.

        None where files cannot be joined. They may be joined where no record of one refers to
        a record of another.
        """


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a server says became of one object it was sent, or of the whole delivery.

    Holds nothing of a message: servers quote the values they refuse.
    """

    index: int | None
    """Position in what was sent, from 0. None where it is said of the whole."""
    state: Literal["accepted", "refused", "unknown"]
    """`unknown` where the answer does not say it clearly: nothing is taken for accepted."""
    code: str | None = None
    """The server's own code of the reason."""
    at: str | None = None
    """Path of the field, in the server's words."""


@runtime_checkable
class Answering(Protocol):
    """An adapter that also understands what its system answers to a delivery."""

    def outcomes(self, answer: bytes, sent: int) -> list[Outcome]:
        """What became of the `sent` objects. Raises `SenderError` for what cannot be read."""


@runtime_checkable
class Recognizing(Answering, Protocol):
    """An adapter whose system names what it refused by ids that only the body that was sent has."""

    def outcomes_of(self, answer: bytes, sent: int, body: bytes) -> list[Outcome]:
        """The same, with the body at hand."""


def outcomes(
    adapter: Answering, answer: bytes, sent: int, body: bytes | None = None
) -> list[Outcome]:
    """What became of the `sent` objects. What cannot be read, as a proxy's page, says nothing."""
    try:
        if body is not None and isinstance(adapter, Recognizing):
            return adapter.outcomes_of(answer, sent, body) or [Outcome(None, "unknown")]
        return adapter.outcomes(answer, sent) or [Outcome(None, "unknown")]
    except SenderError:
        return [Outcome(None, "unknown")]


def read(adapter: Adapter, content: bytes, mapping: Plan | None = None) -> Parsed:
    """A payload that is small enough to be held as a whole."""
    reading = Reading()
    records = list(adapter.parse(io.BytesIO(content), mapping, reading))
    return Parsed(
        records, reading.lineage, tuple(sorted(reading.unmapped)), tuple(sorted(reading.repeated))
    )


def write(adapter: Adapter, records: Iterable[Record], mapping: Plan | None = None) -> Rendered:
    """Records that are few enough to be held as a whole."""
    writing = Writing()
    content = b"".join(adapter.render(records, mapping, writing))
    return Rendered(content, adapter.media_type, writing.lineage, tuple(sorted(writing.unrendered)))


@cache
def _points() -> Mapping[str, EntryPoint]:
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return {point.name: point for point in found}


@cache
def _made(name: str) -> Adapter:
    adapter: Adapter = _points()[name].load()()
    return adapter


def installed() -> Mapping[str, Adapter]:
    """Every adapter of this installation by name. The first call imports them all."""
    return {name: _made(name) for name in _points()}


def named(name: str) -> Adapter:
    """The adapter of this name. Raises `SenderError`: a name is never guessed or replaced."""
    if name not in _points():
        raise SenderError("no adapter of this name is installed", rule="format.unknown", status=415)
    return _made(name)
