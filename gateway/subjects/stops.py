"""Whose records leave no more: people who objected, restricted, or withdrew their consent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from gateway.log import Log
from gateway.record import Record, load
from gateway.remembered import Remembered
from gateway.subjects.commitments import token

OWN = ("record_id",)
GROUPS = ("household",)
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
        return lambda record: any(
            token(key, record[name]) in self.tokens
            for name in _about(record["record_type"])
            if name in record
        )


@cache
def _about(record_type: str) -> tuple[str, ...]:
    """Fields that say whom a record is about: its own id, and whose case or assistance it is.

    The next case of a person has an id that nobody could have named. A household is about
    several: it stays whole but for what it says of the one.
    """
    if record_type in GROUPS:
        return OWN
    properties = load(record_type)["properties"].items()
    return tuple(name for name, spec in properties if spec.get("x-ref") == OWN[0])


def stops_of(log: Log, remembered: Remembered) -> Stops:
    """The stops as they are. What was read for the same version is read once."""
    [(version,)] = log.rows("SELECT coalesce(max(n), 0) FROM subject_version")

    def read() -> Stops:
        rows = log.rows("SELECT DISTINCT token FROM subject_stop")
        return Stops(int(version), frozenset(bytes(row[0]) for row in rows))

    return remembered.of("stops", int(version), read)
