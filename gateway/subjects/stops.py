"""Whose records leave no more: people who objected, restricted, or withdrew their consent."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.log import Log
from gateway.record import Record
from gateway.remembered import Remembered
from gateway.subjects.commitments import token

REASONS = ("objection", "restriction", "withdrawal")


@dataclass(frozen=True, slots=True)
class Stops:
    """The stops as they were at one moment."""

    version: int
    """Changes with every stop; the log refuses a release that was decided on another one."""
    tokens: frozenset[bytes] = field(repr=False)

    def check(self, key: bytes) -> Callable[[Record], bool] | None:
        """Whether a record of the party with this key must stay. None where none must."""
        if not self.tokens:
            return None
        return lambda record: token(key, record["record_id"]) in self.tokens


def stops_of(log: Log, remembered: Remembered) -> Stops:
    """The stops as they are. What was read for the same version is read once."""
    [(version,)] = log.rows("SELECT coalesce(max(n), 0) FROM subject_version")

    def read() -> Stops:
        rows = log.rows("SELECT DISTINCT token FROM subject_stop")
        return Stops(int(version), frozenset(bytes(row[0]) for row in rows))

    return remembered.of("stops", int(version), read)
