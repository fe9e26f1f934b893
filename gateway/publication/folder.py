"""Files that are there whole, durably, or not at all."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.errors import GatewayError, OfficerError

UNFINISHED = ".new"
"""Ends the names of files that are being written."""


class Folder:
    """A folder that is written to, by one process at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._touched: set[Path] = set()
        """Folders with new names in them that are not known to be on the disk yet."""

    def keep(self, name: str, content: bytes) -> bool:
        """A file that never changes: written once; one that is there already must be the same."""
        path = self.root / name
        if path.exists():
            if path.read_bytes() != content:
                raise GatewayError("a file is not what it was", rule="export.changed", at=name)
            return False
        self.put(name, content)
        return True

    def put(self, name: str, content: bytes) -> None:
        """A file in place of whatever was there."""
        path = self.root / name
        self._make(path.parent)
        unfinished = path.with_name(path.name + UNFINISHED)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(unfinished, flags, 0o644), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        self._touched.add(path.parent)

    def settle(self) -> None:
        """Bring every new name to the disk."""
        for folder in sorted(self._touched):
            _sync(folder)
        self._touched.clear()

    def _make(self, folder: Path) -> None:
        """A folder, with the name that it has in the one above it."""
        if folder.is_dir():
            return
        if folder != self.root:
            self._make(folder.parent)
        folder.mkdir(mode=0o755, exist_ok=True)
        self._touched.add(folder.parent)


@contextmanager
def alone(root: Path) -> Iterator[Folder]:
    """A folder for this process alone. What an interrupted one left unfinished is removed."""
    try:
        root.mkdir(mode=0o755, exist_ok=True)
        opened = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        raise OfficerError("no such folder", rule="export.folder", at=root.name) from None
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GatewayError("in use by another process", rule="export.busy") from None
        for left in root.rglob(f"*{UNFINISHED}"):
            left.unlink()
        yield Folder(root)
    except OSError as error:
        problem = f"the folder cannot be written ({type(error).__name__})"
        raise GatewayError(problem, rule="export.unwritable", at=root.name) from None
    finally:
        os.close(opened)


def _sync(folder: Path) -> None:
    with suppress(FileNotFoundError):
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
