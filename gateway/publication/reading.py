"""The log of a deployment, to be published from while a gateway may be writing it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.log_snapshot import live
from gateway.publication.tree import Tree


@contextmanager
def opened(data: Path) -> Iterator[Tree]:
    """The log of a data folder; nothing is written to it, and no key is needed.

    It may grow meanwhile: what a checkpoint covers never changes.
    """
    with live(data) as snapshot:

        def read(query: str, bindings: tuple[int | str | bytes, ...]) -> list[tuple[Any, ...]]:
            rows: list[tuple[Any, ...]] = snapshot.execute(query, bindings).fetchall()
            return rows

        yield Tree(read)
