"""A disk that fails when it is told to: a sync that is refused, no room left, a power cut.

It stands below the checksum VFS and below the high-water file. Everything it does is done to
real files. A power cut takes back, sector by sector and at random, what was written since the
last sync of that file, and ends the process; what is left is what a machine would find.

Import it in a process of its own, before anything opens a log there.
"""

import errno
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

SECTOR = 512
CUT = 77
"""Exit status of a process whose power was cut."""


@dataclass
class Unsynced:
    """What a power cut may take from one file: sectors as they were at the last sync."""

    size: int
    sectors: dict[int, bytes] = field(default_factory=dict)


@dataclass
class Plan:
    """What goes wrong, and at which operation; 0 is never."""

    fail_sync: int = 0
    done_first: bool = False
    """The sync that fails has done its work all the same."""
    full_from: int = 0
    """The first write for which there is no room; none after it has room either."""
    cut_at: int = 0
    """The operation, of writes and syncs together, after which the power is gone."""
    lying: bool = False
    """The disk says that it has synced, and has not."""
    chance: random.Random = field(default_factory=random.Random)


class Disk:
    """Counts what is done to files and keeps what a power cut needs."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.writes = self.syncs = self.steps = 0
        self.unsynced: dict[str, Unsynced] = {}

    def write(
        self, path: str, at: int, length: int, size: int, read: Callable[[int, int], bytes]
    ) -> bool:
        """Note a write that is about to be made; false when there is no room for it."""
        self.writes += 1
        if self.plan.full_from and self.writes >= self.plan.full_from:
            return False
        kept = self.unsynced.setdefault(path, Unsynced(size))
        for sector in range(at // SECTOR, (at + length - 1) // SECTOR + 1):
            if sector not in kept.sectors:
                kept.sectors[sector] = read(sector * SECTOR, SECTOR)
        return True

    def synced(self, path: str, sync: Callable[[], object]) -> bool:
        """Sync a file; false when that is said to have failed."""
        self.syncs += 1
        fails = self.syncs == self.plan.fail_sync
        if not fails or self.plan.done_first:
            sync()
            if not self.plan.lying:
                self.unsynced.pop(path, None)
        self.step()
        return not fails

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.plan.cut_at:
            self.cut()

    def cut(self) -> None:
        chance = self.plan.chance
        for path, kept in self.unsynced.items():
            if not Path(path).exists():
                continue
            taken = chance.choice((0.0, 0.5, 1.0))
            file = os.open(path, os.O_RDWR)
            size = os.fstat(file).st_size
            for sector, before in kept.sectors.items():
                if chance.random() < taken:
                    _pwrite(file, before, sector * SECTOR)
            grown = size - kept.size
            os.ftruncate(
                file, kept.size + chance.choice((0, grown, chance.randint(0, max(0, grown))))
            )
        os._exit(CUT)


class _File(apsw.VFSFile):
    disk: Disk

    def __init__(self, name: Any, flags: list[int]) -> None:
        self.path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if not self.disk.write(self.path, offset, len(data), self.xFileSize(), self._before):
            raise apsw.FullError("injected")
        super().xWrite(data, offset)
        self.disk.step()

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        size = self.xFileSize()
        if size > newsize:
            self.disk.write(self.path, newsize, size - newsize, size, self._before)
        super().xTruncate(newsize)
        self.disk.step()

    def xSync(self, flags: int) -> None:  # noqa: N802
        if not self.disk.synced(self.path, lambda: None):
            raise apsw.IOError("injected")

    def _before(self, at: int, length: int) -> bytes:
        have = max(0, min(length, self.xFileSize() - at))
        return (self.xRead(have, at) if have else b"").ljust(length, b"\x00")


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self.file = type("File", (_File,), {"disk": disk})
        super().__init__("disk", "unix", makedefault=True, maxpathname=1024)

    def xOpen(self, name: Any, flags: list[int]) -> _File:  # noqa: N802
        return self.file(name, flags)


_pwrite, _pread, _fdatasync = os.pwrite, os.pread, os.fdatasync
_LASTING: list[object] = []


def insert(plan: Plan) -> Disk:
    """From here on, in this process, every log stands on this disk."""
    if "cksmvfs" in apsw.vfs_names():
        raise RuntimeError("too late: a log was opened in this process")
    disk = Disk(plan)
    _LASTING.append(_Vfs(disk))
    os.pwrite = _pwrite_on(disk)  # type: ignore[assignment]
    os.fdatasync = _fdatasync_on(disk)
    return disk


def _path(file: int) -> str:
    return str(Path(f"/proc/self/fd/{file}").readlink())


def _pwrite_on(disk: Disk) -> Callable[[int, bytes, int], int]:
    def pwrite(file: int, data: bytes, at: int) -> int:
        size = os.fstat(file).st_size

        def before(start: int, length: int) -> bytes:
            return _pread(file, length, start).ljust(length, b"\x00")

        if not disk.write(_path(file), at, len(data), size, before):
            raise OSError(errno.ENOSPC, "injected")
        written = _pwrite(file, data, at)
        disk.step()
        return written

    return pwrite


def _fdatasync_on(disk: Disk) -> Callable[[int], None]:
    def fdatasync(file: int) -> None:
        if not disk.synced(_path(file), lambda: None):
            raise OSError(errno.EIO, "injected")

    return fdatasync
