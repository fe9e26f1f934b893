"""Reading a transfer log without opening it: nothing is written, and a gateway may be running."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.log_snapshot import reading

CHUNK = 512


def entries(directory: Path) -> Iterator[tuple[int, bytes]]:
    """Index and bytes of every entry, oldest first. Raises `GatewayError` where there is no log."""
    with reading(directory) as connection:
        start = 0
        while True:
            query = "SELECT idx, leaf FROM entry WHERE idx >= ? ORDER BY idx LIMIT ?"
            rows: list[tuple[Any, ...]] = connection.execute(query, (start, CHUNK)).fetchall()
            if not rows:
                return
            yield from rows
            start = rows[-1][0] + 1


def signed(directory: Path, size: int, checkpoint: str) -> bool:
    """Whether the log signed exactly this checkpoint at this size.

    A receipt's proof ties its entry to its checkpoint, and the whole log was checked against
    every checkpoint in it: to find the checkpoint is to find the entry.
    """
    with reading(directory) as connection:
        query = "SELECT note FROM checkpoint WHERE size = ?"
        return bool(connection.execute(query, (size,)).fetchall() == [(checkpoint,)])
