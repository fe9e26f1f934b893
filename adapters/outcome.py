"""What a server says became of each object it was sent."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Outcome:
    """One object's, or the whole delivery's where `index` is None.

    Holds nothing of a message: servers quote the values they refuse.
    """

    index: int | None
    """Position in what was sent, from 0."""
    state: Literal["accepted", "refused", "unknown"]
    """`unknown` where the answer does not say it clearly: nothing is taken for accepted."""
    code: str | None = None
    """The server's own code of the reason."""
    at: str | None = None
    """Path of the field, in the server's words."""
