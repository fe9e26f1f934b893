"""One attempt to push one transfer's content."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.adapter import Outcome


@dataclass(slots=True)
class Parcel:
    """What is sent, and what was said of it so far."""

    transfer: str
    """Stable over all attempts: systems that can are told it, so that nothing is taken twice."""
    format: str
    media_type: str
    content: bytes = field(repr=False)
    endpoint: Mapping[str, Any] = field(repr=False)
    secret: str = field(default="", repr=False)
    """For systems whose requests are signed."""
    taken: frozenset[int] = frozenset()
    """Positions of records that an earlier attempt saw accepted: they are not sent again."""
    said: list[Outcome] = field(default_factory=list, repr=False)
    """Outcomes so far, which count even where the rest fails."""

    def option(self, name: str, default: str = "") -> str:
        """What the endpoint's `options` say."""
        return str(self.endpoint.get("options", {}).get(name, default))
