"""One file out of the files that were written of some records each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.bulk.looked import Apart, Wrote
from gateway.spool import Spool

HELD = 4 << 20
"""Bytes that are held before the rest goes to disk, sealed."""


class Joining:
    """Takes what was written of each part, in order."""

    def __init__(self, folder: Path, seams: tuple[bytes, bytes, bytes] | None) -> None:
        """Without `seams`, there is one part and it is the file."""
        self._seams = seams
        self._spool = Spool(folder, in_memory=HELD)
        self._begun = False
        self.wrote = Wrote()

    def add(self, wrote: Mapping[str, Any], body: bytes) -> None:
        """The next part, which may have come to nothing. Raises `Apart` where it does not fit."""
        self.wrote.add(wrote)
        if not wrote["count"]:
            return
        if self._seams is None:
            if self._begun:
                raise Apart
            self._spool.write(body)
        else:
            before, between, after = self._seams
            if not body.startswith(before) or not body.endswith(after):
                raise Apart
            inner = body[len(before) : len(body) - len(after)]
            self._spool.write((between if self._begun else before) + inner)
        self._begun = True

    def finish(self) -> Spool:
        """The file; to be closed by whoever takes it."""
        if self._seams is not None:
            self._spool.write(self._seams[2])
        return self._spool

    def close(self) -> None:
        """Destroy it."""
        self._spool.close()
