"""What an attempt means for its row and for its address."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.adapter import Outcome
from gateway.delivery.outbox import Lane, Row
from gateway.delivery.told import Told
from gateway.settings import DeliverySettings

MAX_ITEMS = 1000
"""Outcomes that are kept of what was not accepted. All of it is counted."""

_chance = secrets.SystemRandom()


def wait(attempts: int, settings: DeliverySettings) -> float:
    """Seconds before the next attempt: any moment up to twice as long as before.

    Full jitter: what failed together does not come again together.
    """
    longest = settings.backoff_seconds * 2.0 ** min(attempts - 1, 60)
    return _chance.uniform(0, min(longest, settings.backoff_max_seconds))


def after_attempt(row: Row, told: Told, settings: DeliverySettings, now: int) -> Row:
    """The row as it is after an attempt. `row` is as it was when it was leased."""
    attempts = row.attempts + 1
    done = replace(
        row,
        attempts=attempts,
        begun=1 if told.begun else row.begun,
        rule=told.rule,
        outcomes=(told.outcomes and pack(told.outcomes)) or row.outcomes,
        time=now,
    )
    if told.taken:
        return replace(done, state="delivered")
    if not told.again or attempts >= settings.max_attempts:
        return replace(done, state="dead")
    seconds = max(wait(attempts, settings), told.after or 0.0)
    return replace(done, due=now + int(seconds * 1000))


@dataclass(slots=True)
class Health:
    """Failures in a row at one address."""

    failures: int
    open_until: int

    def note(self, told: Told, lane: Lane, settings: DeliverySettings, now: int) -> None:
        """One more attempt. An answer that is final shows that the address works."""
        if not told.again and not told.begun:
            return  # it was not asked
        if not told.again:
            self.failures = self.open_until = 0
            return
        self.failures += 1
        if self.failures >= lane.failures:
            self.open_until = max(self.open_until, now + int(settings.breaker_seconds * 1000))
        if told.after:
            self.open_until = max(self.open_until, now + int(told.after * 1000))


GONE = "push.content_gone"
"""There is nothing to push any more: it was fetched, recalled, dropped, or its time has passed."""


def pack(outcomes: Sequence[Outcome]) -> bytes:
    """Outcomes as a row keeps them: counts, which ones were taken, and the others one by one."""
    states: dict[int, str] = {}
    for one in outcomes:
        if one.index is not None and states.get(one.index) in (None, "accepted"):
            states[one.index] = one.state  # several of one record: whatever went wrong
    whole = [one.state for one in outcomes if one.index is None] if not states else []
    counted = [*states.values(), *whole]
    taken = [index for index, state in states.items() if state == "accepted"]
    items = [one for one in outcomes if one.state != "accepted"]
    return orjson.dumps(
        {
            **{state: counted.count(state) for state in ("accepted", "refused", "unknown")},
            "taken": _bits(taken),
            "items": [[one.index, one.state, one.code, one.at] for one in items[:MAX_ITEMS]],
        }
    )


def _bits(indexes: Iterable[int]) -> str:
    held = sorted(indexes)
    bits = bytearray(held[-1] // 8 + 1 if held else 0)
    for index in held:
        bits[index // 8] |= 1 << index % 8
    return bits.hex()


def taken_of(outcomes: bytes | None) -> frozenset[int]:
    """Positions of what an earlier attempt saw accepted."""
    if outcomes is None:
        return frozenset()
    bits = bytes.fromhex(orjson.loads(outcomes)["taken"])
    return frozenset(
        8 * at + bit for at, byte in enumerate(bits) for bit in range(8) if byte >> bit & 1
    )


def shown(row: Row) -> Mapping[str, Any]:
    """What the parties of a transfer, and operators, may see of its push."""
    said = orjson.loads(row.outcomes) if row.outcomes else None
    facts: dict[str, Any] = {"transfer": row.transfer, "state": row.state, "attempts": row.attempts}
    if row.rule:
        facts["rule"] = row.rule
    if row.state == "waiting":
        facts["next"] = row.due
    facts["time"] = row.time
    if said is not None:
        facts["records"] = {name: said[name] for name in ("accepted", "refused", "unknown")}
        facts["outcomes"] = [
            {
                name: value
                for name, value in zip(("index", "state", "code", "at"), one, strict=True)
                if value is not None
            }
            for one in said["items"]
        ]
    return facts
