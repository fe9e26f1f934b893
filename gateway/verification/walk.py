"""Through all bundles of a log, in order, with as many processes as there are cores."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from gateway import merkle
from gateway.publication.tiles import WIDTH, pieces
from gateway.verification import folder
from gateway.verification.bundle import Part, Task, check, tasks
from gateway.verification.found import Found
from gateway.verification.meaning import Meaning

ALONE = 20_000
"""Entries, or checkpoints, that are checked sooner than another process is started."""
CHUNK = 16
"""Bundles that a process is given at once."""
AHEAD = 4
"""Chunks for each process that wait to be looked at, so that memory stays bounded."""

Progress = Callable[[int, int], None]
One = TypeVar("One")
Other = TypeVar("Other")


class Workers:
    """Does one thing to many, in order: here, or in several processes."""

    def __init__(self, pool: ProcessPoolExecutor | None, processes: int) -> None:
        self._pool = pool
        self._processes = processes

    def each(self, work: Callable[[One], Other], many: Iterable[One]) -> Iterator[Other]:
        """What came of each, in order."""
        if self._pool is None:
            yield from map(work, many)
            return
        waiting: list[Future[Other]] = []
        for one in many:
            waiting.append(self._pool.submit(work, one))
            if len(waiting) > AHEAD * self._processes:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


@contextmanager
def workers(size: int, processes: int | None) -> Iterator[Workers]:
    """Processes for a log of this size; none where it is too small to be worth it."""
    count = min(processes or os.cpu_count() or 1, 1 + size // ALONE)
    if count < 2:
        yield Workers(None, 1)
        return
    # Spawned: a progress bar has a thread, and a fork would copy whatever lock it holds.
    with ProcessPoolExecutor(count, get_context("spawn")) as pool:
        yield Workers(pool, count)


class Walk:
    """The tree, grown again from the entries."""

    def __init__(self, root: Path, size: int, marks: Sequence[int], found: Found) -> None:
        self._root = root
        self._size = size
        self._marks = sorted({mark for mark in marks if 0 < mark <= size})
        self._found = found
        self._tree = merkle.grow(0, (), ())
        """Over full bundles: a bundle is a leaf of it."""
        self._levels: dict[int, list[bytes]] = {}
        self.reached = 0
        self.roots: dict[int, bytes] = {0: merkle.EMPTY}

    def through(self, workers: Workers, meaning: Meaning, progress: Progress) -> None:
        """Check every bundle, and then the tiles above. Stops where one cannot be followed."""
        made = iter(tasks(self._root, self._size, self._marks))
        chunks = iter(lambda: tuple(islice(made, CHUNK)), ())
        for parts in workers.each(_checked, chunks):
            for part in parts:
                for problem in part.found.problems:
                    self._found.add(problem.rule, problem.at)
                if not part.edge:
                    return
                self._join(part)
                meaning.take(part)
            progress(self.reached, self._size)
        self._check_tiles()

    def _join(self, part: Part) -> None:
        for mark, edge in part.edges.items():
            self.roots[mark] = merkle.root((*self._tree.edge, *edge))
        self.reached = part.start + len(part.kinds)
        if self.reached % WIDTH == 0:
            self._levels.setdefault(1, []).extend(part.edge)
            self._tree = merkle.grow(self._tree.size, self._tree.edge, part.edge)
            for level, _, hashed in self._tree.tiles:
                self._levels.setdefault(level + 1, []).append(hashed)

    def _check_tiles(self) -> None:
        for tile in pieces(self._size):
            if tile.level > 0:
                said = b"".join(self._levels[tile.level][tile.start : tile.start + tile.width])
                try:
                    self._found.expect(
                        folder.hashes(self._root, tile) == said, "tile.hash", tile.path
                    )
                except folder.BrokenError as error:
                    self._found.add(error.rule, error.at)


def _checked(some: tuple[Task, ...]) -> list[Part]:
    return [check(one) for one in some]
