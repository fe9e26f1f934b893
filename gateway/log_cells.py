"""What one recipient was told, or denied, of figures during the last twelve months.

Kept beside the tree, and never part of it: marks of cells, which say nothing to whoever does not
hold the gateway's key, with the numbers. Rows are dropped when their time has passed.

Two releases to one recipient must not be decided side by side, each without knowing of the
other. So a release says which version of these rows it was decided on, and the log refuses it
where there is a newer one.
"""

from collections.abc import Collection, Iterable

from gateway.log_standing import month_of
from gateway.log_store import Store

Row = tuple[bytes, bytes, int, bool]
"""Line, cell, value, and whether it was released."""

MAX_LINES = 500
"""Lines in one query."""

MONTHS = 12


class KnownCells:
    """The rows of one recipient, as of now."""

    def __init__(self, store: Store, recipient: str, now: int) -> None:
        self._store, self._recipient = store, recipient
        self._oldest = month_of(now) - MONTHS
        query = "SELECT version FROM cell_version WHERE recipient = ?"
        # Before the rows: what is added meanwhile is found by the log.
        self.version: int = next((row[0] for row in store.read(query, (recipient,))), 0)

    @property
    def empty(self) -> bool:
        """Whether there is nothing yet, so that nothing needs to be asked."""
        return self.version == 0

    def rows(self, lines: Collection[bytes]) -> Iterable[Row]:
        """Every row with one of these lines."""
        asked = list(lines)
        for at in range(0, len(asked), MAX_LINES):
            part = asked[at : at + MAX_LINES]
            marks = ",".join("?" * len(part))
            query = (
                "SELECT line, cell, value, released FROM cell"  # noqa: S608 - question marks only
                f" WHERE recipient = ? AND month >= ? AND line IN ({marks})"
            )
            for line, cell, value, released in self._store.read(
                query, (self._recipient, self._oldest, *part)
            ):
                yield line, cell, value, bool(released)
