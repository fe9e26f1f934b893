"""The adapter protocol, and finding the adapters that are installed."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import Protocol

from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.record import Parsed, Record, Rendered

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

    def parse(self, content: bytes, mapping: Plan | None) -> Parsed:
        """Read a whole file. Raises `SenderError` for anything this format does not allow.

        `mapping` is needed by formats whose fields are set per form or server, and is None for
        formats that carry their own meaning.
        """

    def render(self, records: Sequence[Record], mapping: Plan | None) -> Rendered:
        """Write a whole file. Leaves out what a record does not have; never invents it."""


@cache
def installed() -> Mapping[str, Adapter]:
    """Every adapter of this installation by name."""
    found: dict[str, Adapter] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        adapter: Adapter = point.load()()
        found[adapter.name] = adapter
    return found


def named(name: str) -> Adapter:
    """The adapter of this name. Raises `SenderError`: a name is never guessed or replaced."""
    try:
        return installed()[name]
    except KeyError:
        raise SenderError(
            "no adapter of this name is installed", rule="format.unknown", status=415
        ) from None
