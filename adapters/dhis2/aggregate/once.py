"""Whether a file gives one data value two values. Needs eight bytes for each."""

from collections.abc import Callable, Iterator

from adapters.dhis2.aggregate.value import DataValue, key_of
from adapters.dhis2.period import period_of
from gateway.errors import SenderError
from gateway.marks import Marks, mark

MOST = 100_000
"""Data values that may come more than once."""


class Once:
    """Looks at every data value that passes. The same one twice, exactly alike, is ordinary."""

    def __init__(self) -> None:
        self._marks = Marks()

    def add(self, one: DataValue) -> None:
        """Note a data value that has an identity."""
        self._marks.add(_key(one))

    def check(self, again: Callable[[], Iterator[DataValue]]) -> None:
        """Raise `SenderError` for the second of two that differ. Reads again only if it must."""
        repeated = self._marks.repeated()
        if not repeated:
            return
        known: dict[str, tuple[str | None, ...]] = {}
        for one in again():
            key = _key(one)
            if mark(key) not in repeated:
                continue
            if len(known) >= MOST and key not in known:
                raise SenderError("too many data values come twice", rule="dhis2.repeated")
            said = tuple(one.fields.get(name) for name in ("value", "deleted"))
            if known.setdefault(key, said) != said:
                raise SenderError(
                    "a data value twice with different values", rule="dhis2.repeated", at=one.at
                )


def _key(one: DataValue) -> str:
    period = period_of(one.fields["period"])
    return key_of(one, period) if period else ""
