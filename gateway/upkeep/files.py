"""Files that are whole and durable under their name, or not there."""

import os
from pathlib import Path

from gateway.errors import GatewayError


def put(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file in one step; one that is there is replaced."""
    partial = path.with_name(path.name + ".part")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    settle(path.parent)


def settle(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def absent(path: Path, rule: str) -> None:
    """Refuse to write over anything."""
    if path.exists():
        raise GatewayError("there is something already", rule=rule, at=path.name)
