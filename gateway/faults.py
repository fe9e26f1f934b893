"""Faults of single records: listed by position and rule, while the reading goes on behind them."""

from dataclasses import dataclass, field
from typing import Any

from gateway.errors import CorridorError

ANSWERED = 100
"""Faults that a refusal lists."""

RECEIPTED = 1_000
"""Faults that a receipt lists; it counts them all."""


class Enough(Exception):  # noqa: N818 - no fault: as many are known as are listed
    """No more faults are looked for."""


@dataclass(slots=True)
class Faults:
    """What was wrong with records that are left out. No value of them."""

    most: int = RECEIPTED
    """How many are listed."""
    position: int = 0
    """Of the object at hand in the payload, from 1. Its reader counts."""
    count: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)
    ends: bool = False
    """Whether `Enough` is raised where as many are listed as may be."""

    def add(self, error: CorridorError) -> None:
        """The object at hand is left out."""
        self.alone(error, self.position)

    def alone(self, error: CorridorError, position: int) -> None:
        """A record is left out that no reader counted as an object."""
        self.count += 1
        if len(self.first) < self.most:
            self.first.append({"record": position, **_said(error)})
        if self.ends and len(self.first) >= self.most:
            raise Enough

    def broken(self, error: CorridorError) -> None:
        """Behind the last one that is listed, nothing can be read at all."""
        self.first.append(_said(error))

    def passed(self, error: CorridorError) -> None:
        """The next object cannot even be told apart into fields, but where it ends is known."""
        self.position += 1
        self.add(error)

    def told(self) -> dict[str, Any]:
        """As a receipt says it."""
        return {"count": self.count, "first": self.first}


def _said(error: CorridorError) -> dict[str, Any]:
    return {"rule": error.rule, **({"at": error.at} if error.at else {})}
