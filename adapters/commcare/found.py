"""One source object, ready for the mapping."""

from dataclasses import dataclass, field

from adapters.commcare.cases import Fields


@dataclass(frozen=True, slots=True)
class Found:
    """A case or a form with flat keys, and where it stood."""

    fields: Fields = field(repr=False)
    at: str = ""
    ours: bool = False
    """Of a request that names no case type: HQ knows it, and the mapping says it."""
