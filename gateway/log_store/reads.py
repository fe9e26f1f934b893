"""What an auditor needs of the rows of a log, wherever they are."""

from collections.abc import Iterator
from typing import Any, Protocol


class Found(Protocol):
    """The rows of a query: all at once, or one after the other in little memory."""

    def fetchall(self) -> list[Any]:
        """All rows."""

    def __iter__(self) -> Iterator[Any]: ...


class Snapshot(Protocol):
    """What reads a log without changing it. A connection of SQLite is one."""

    def execute(self, query: str, bindings: Any = ..., /) -> Any:
        """The rows of a query (`Found`); `?` stands for a value."""
