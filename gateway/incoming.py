"""Records on their way through `minimize`, and what may look at them there."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from gateway.record import Record

Facts = tuple[Any, ...]
Class = tuple[str, Facts]
"""A record type and the facts of a record: records of one class are decided alike."""

Pairs = Iterable[tuple[Record, Class]]

Seen = Callable[[Record, Record], None]
"""Is told of each record that leaves, as it came and as it is left."""

Stopped = Callable[[Record], bool]
"""Whether somebody objected to a record leaving."""


class Incoming(Protocol):
    """Records with the class each belongs to, to be walked again. `gateway.records` makes them."""

    def __iter__(self) -> Iterator[tuple[Record, Class]]:
        """One walk."""

    @property
    def held(self) -> bool:
        """Whether they are in memory."""

    @property
    def count(self) -> int:
        """How many they are."""

    @property
    def present(self) -> Mapping[Class, set[str]]:
        """The fields each class has."""


class Figures(Protocol):
    """Keeps figures back that would give away others. `gateway.cells` makes it."""

    def see(self, record: Record, hidden: Mapping[str, Any]) -> None:
        """The next record that leaves, and the figures of it that policy found too small."""

    def settle(self) -> None:
        """Every record was seen."""

    def less(self, number: int, record: Record) -> Record:
        """The record of that number without the figures that stay."""
