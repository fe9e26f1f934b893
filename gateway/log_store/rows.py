"""What is written to a store, and how it can fail."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import GatewayError


@dataclass(frozen=True, slots=True)
class Keep:
    """Something kept beside the tree, in the same transaction, and never part of it.

    What is kept may be personal; it can be destroyed, and no proof changes when it is.
    """

    kind: str
    """receipt, content, question, opening, ..."""
    key: str
    """Unique within its kind."""
    value: bytes = field(repr=False)
    owner: str = ""
    """The party it is for."""
    expires: int = 0
    """Milliseconds since 1970; 0 keeps it until it is destroyed."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log ends."""

    size: int
    edge: tuple[bytes, ...]
    time: int
    """Of the last entry, in milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What entries write besides the tree: tuples in the order of the tables' columns."""

    entries: list[tuple[Any, ...]] = field(default_factory=list)
    transfers: list[tuple[Any, ...]] = field(default_factory=list)
    tokens: list[tuple[Any, ...]] = field(default_factory=list)
    kept: list[tuple[Any, ...]] = field(default_factory=list, repr=False)

    @classmethod
    def joined(cls, many: "Sequence[Rows]") -> "Rows":
        """All rows of many entries, in order."""
        return cls(
            [row for rows in many for row in rows.entries],
            [row for rows in many for row in rows.transfers],
            [row for rows in many for row in rows.tokens],
            [row for rows in many for row in rows.kept],
        )

    def moved(self, by: int) -> "Rows":
        """The same rows for entries that stand later in the log."""
        return Rows(
            [(index + by, *rest) for index, *rest in self.entries],
            [(name, index + by, *rest) for name, index, *rest in self.transfers],
            self.tokens,
            self.kept,
        )


class Taken(Exception):  # noqa: N818 - named for what happened
    """A row is there already: an id, a key or a token is taken. Nothing was written."""


class Full(GatewayError):  # noqa: N818 - named for what happened
    """No room was left before COMMIT, and everything was undone: the log may go on."""


class CommitError(GatewayError):
    """COMMIT failed: the rows may be on the disk or not, and nobody can know before a reopen."""


class Unknown(GatewayError):  # noqa: N818 - named for what is the matter
    """The connection was lost on the way, and whether the rows were written can be asked of a new
    one: nothing visible there is not durable. Only a store in another process raises it."""


def head_of(row: tuple[Any, ...]) -> Head:
    """The row (size, edge, time) of `log_head`, with the edge cut into its hashes."""
    size, edge, time = row
    return Head(size, tuple(edge[at : at + 32] for at in range(0, len(edge), 32)), time)
