"""The account of what minimization took out of a transfer, for its receipt. Numbers and names of
fields only.

Information loss is measured where risk is, for it costs a look at every value: of each field the
share of values that are gone, and the share of its entropy that is (*non-uniform entropy*: 0
where every value can still be told from every other, 1000 where none can). A field that was kept
has lost nothing, one that was dropped has lost all; a year made of days lies in between.
"""

from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from math import log2
from os import urandom
from typing import Any, Protocol

import orjson

from gateway.record import Record, load, structural

MAX_VALUES = 10_000
"""Different values of one field that are told apart; of more, only those gone are counted."""

_KEY = urandom(16)
_NOTHING = b""


class Less(Protocol):
    """What minimization left. `gateway.minimize` makes it."""

    @property
    def count(self) -> int:
        """Records that leave."""

    @property
    def released(self) -> Mapping[str, str]:
        """Field to its form."""


class Kept(Protocol):
    """Figures that stayed. `gateway.cells` makes it."""

    @property
    def suppressed(self) -> Mapping[str, int]:
        """Reason to how many."""


class Measured(Protocol):
    """Risk of one record type. `gateway.risk` makes it."""

    def report(self) -> dict[str, Any]:
        """Follows `risk` of schemas/receipt.json."""


class _Values:
    """How often each value of one field stands in the records."""

    def __init__(self) -> None:
        self.times: Counter[bytes] | None = Counter()

    def add(self, value: Any) -> None:
        if self.times is None:
            return
        content = orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if value is not None else None
        # Marks, so that no value stays in memory longer than its record.
        self.times[
            _NOTHING if content is None else blake2b(content, digest_size=8, key=_KEY).digest()
        ] += 1
        if len(self.times) > MAX_VALUES:
            self.times = None

    def entropy(self) -> float | None:
        """In bits, over all records; None where there were too many values."""
        if self.times is None:
            return None
        whole = sum(self.times.values())
        return sum(many * log2(whole / many) for many in self.times.values())


class Loss:
    """Information lost, field by field. `see` is told of each record once."""

    def __init__(self) -> None:
        self._fields: dict[str, _Field] = {}

    def see(self, record: Record, less: Record) -> None:
        """A record as it came, and as it is left."""
        record_type = record["record_type"]
        properties = load(record_type)["properties"]
        for name, value in record.items():
            if name in structural(record_type):
                continue
            found = self._fields.get(f"{record_type}.{name}")
            if found is None:
                found = self._fields[f"{record_type}.{name}"] = _Field()
            after = less.get(name)
            if after is None:
                # An age band stands in another field than the date it was made of.
                after = less.get(properties[name].get("x-band-into", name))
            found.see(value, after)

    def report(self) -> dict[str, dict[str, int]]:
        """Field to thousandths lost. Follows `information_loss` of schemas/receipt.json."""
        return {name: one.report() for name, one in sorted(self._fields.items())}


class _Field:
    def __init__(self) -> None:
        self._present = self._gone = 0
        self._before, self._after = _Values(), _Values()

    def see(self, before: Any, after: Any) -> None:
        self._present += 1
        self._gone += after is None
        self._before.add(before)
        self._after.add(after)

    def report(self) -> dict[str, int]:
        told = {"dropped_permille": -(-1000 * self._gone // self._present)}
        before, after = self._before.entropy(), self._after.entropy()
        if self._gone == self._present:
            told["entropy_permille"] = 1000
        elif before is not None and after is not None:
            # What says nothing has nothing to lose.
            lost = 1 - after / before if before else 0.0
            told["entropy_permille"] = min(1000, max(0, round(1000 * lost)))
        return told


def report(
    read: int,
    less: Less,
    *,
    figures: Kept | None = None,
    risks: Mapping[str, Measured] | None = None,
    loss: Loss | None = None,
) -> dict[str, Any]:
    """`minimization` of a receipt's details.

    `read` is the number of records read. Forms other than `keep` are named; what was dropped
    altogether stands, with its reason, in `fields` of the details.
    """
    told: dict[str, Any] = {
        "rows": {"read": read, "released": less.count},
        "operations": {name: form for name, form in less.released.items() if form != "keep"},
    }
    if figures is not None:
        # How many and not why: of two figures that stayed, nobody should know which one is small.
        told["suppressed"] = sum(figures.suppressed.values())
    if risks:
        told["risk"] = {record_type: one.report() for record_type, one in sorted(risks.items())}
    if loss is not None:
        told["information_loss"] = loss.report()
    return told
