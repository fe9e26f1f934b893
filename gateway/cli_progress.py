"""How far a command is with a large payload, on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from gateway.bulk.progress import Progress, listened

LEAST = 4 << 20
"""Bytes of a payload for which a bar is worth its line."""


@contextmanager
def shown(payload: Path, console: Console | None = None) -> Iterator[None]:
    """A bar on standard error while a payload is worked on; nothing where nobody looks."""
    where = console or Console(stderr=True)
    size = payload.stat().st_size if payload.is_file() else 0
    if not where.is_terminal or size < LEAST:
        yield
        return
    words = TextColumn("{task.description}")
    with Bar(
        words,
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=where,
        transient=True,
    ) as bar:
        line = bar.add_task("reading", total=size)

        def tell(now: Progress) -> None:
            bar.update(line, completed=now.done, description=f"{now.step}, {now.records:,} records")

        with listened(Progress(tell=tell)):
            yield
