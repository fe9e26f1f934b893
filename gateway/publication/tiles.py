"""Where each piece of a log is found: the paths of C2SP tlog-tiles.

A tile is 256 hashes wide, a bundle 256 entries. Pieces that are full never change. The one
at the right edge of each level is partial, and has its width in its path.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

WIDTH = 256
ENTRIES = -1
"""The level of bundles: below the hashes stand the entries themselves."""

MAX_LEVEL = 7
_INDEX = r"(?:x[0-9]{3}/){0,5}[0-9]{3}"
_PATH = re.compile(rf"(entries|[0-7])/({_INDEX})(?:\.p/([1-9][0-9]{{0,2}}))?")


@dataclass(frozen=True, slots=True)
class Tile:
    """One piece: `width` hashes of a level, or entries, from `index * 256` on."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def start(self) -> int:
        """The position of its first hash or entry on its level."""
        return self.index * WIDTH

    @property
    def path(self) -> str:
        """Below the log's prefix, for example `tile/0/x001/067.p/8`."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_digits(self.index)}{partial}"

    def within(self, size: int) -> bool:
        """Whether a log of this size has all of it."""
        return self.start + self.width <= size >> 8 * max(self.level, 0)


def parse(path: str) -> Tile | None:
    """The piece at a path below `tile/`; None where it is no path, or not spelt as ours are."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level = ENTRIES if found[1] == "entries" else int(found[1])
    width = int(found[3]) if found[3] else WIDTH
    tile = Tile(level, int(found[2].replace("/", "").replace("x", "")), width)
    return tile if width <= WIDTH and tile.path == f"tile/{path}" else None


def pieces(size: int, since: int = 0) -> Iterator[Tile]:
    """What a log of this size is made of, entries first, then level by level.

    Without the pieces that were full already when the log had `since` entries.
    """
    for level in range(ENTRIES, MAX_LEVEL + 1):
        shift = 8 * max(level, 0)
        wide, old = size >> shift, since >> shift
        if not wide:
            return
        for index in range(old // WIDTH, wide // WIDTH):
            yield Tile(level, index)
        if wide % WIDTH:
            yield Tile(level, wide // WIDTH, wide % WIDTH)


def _digits(index: int) -> str:
    """Groups of three digits, all but the last behind an x."""
    text = f"{index:03d}"
    text = text.zfill(-(-len(text) // 3) * 3)
    groups = [text[at : at + 3] for at in range(0, len(text), 3)]
    return "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
