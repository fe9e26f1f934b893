"""The parts of a running gateway, and a transfer at each stage of its journey through it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gateway.account import Written
from gateway.cells import Table
from gateway.circumstances import Stood
from gateway.content import Payload
from gateway.deployment import Deployment, Keys
from gateway.log import Keep, Log
from gateway.log_beside import Beside, Claim
from gateway.minimize import Minimized
from gateway.policy import Bundle, Decision, PolicyEngine
from gateway.remembered import Remembered
from gateway.spool import Spool
from gateway.terms import Terms

if TYPE_CHECKING:
    from gateway.bulk.engine import Engine


def _clock() -> str:
    return _spelt(int(time.time()))


@lru_cache(maxsize=2)
def _spelt(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of a running gateway."""

    deployment: Deployment
    keys: Keys = field(repr=False)
    engine: PolicyEngine
    log: Log
    known: Mapping[str, Any] = field(repr=False)
    """Ids that policy has a word for: `purposes` and `bases`."""
    bundle: Bundle = field(repr=False)
    """The policies that answer."""
    stood: Mapping[str, Stood] = field(repr=False)
    """Agreements as they stand."""
    epoch: int
    """Of the log, when this was read; another one means that something else stands."""
    clock: Callable[[], str] = _clock
    """The present moment, `YYYY-MM-DDTHH:MM:SSZ`; stamped once for each transfer."""
    bulk: "Engine | None" = field(default=None, repr=False)
    """Works on large payloads. None: they are worked on in this process."""
    remembered: Remembered = field(default_factory=Remembered, repr=False)
    """Questions but for their moment, plans and frames, by what they are made of."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One crossing that is asked for."""

    id: str
    terms: Terms
    content: Payload = field(repr=False)
    once: str | None = None
    """Idempotency token, already hashed."""
    mark: bytes = field(default=b"", repr=False)
    """What a second use of the token must repeat: a keyed digest of terms and content."""
    at_once: bool = True
    """The caller takes the content with the answer. Otherwise it is kept, encrypted, for one
    fetch: by the sender where `deliver` is `return`, else by the recipient, or until it is
    pushed there."""
    strict: bool = False
    """A payload with fields that nothing names is refused."""
    lenient: bool = False
    """Records that are not sound are left out, and listed in the receipt."""
    beside: tuple[Beside, ...] = field(default=(), repr=False)
    """Rows for the transaction of the entry."""
    claim: Claim | None = None
    """Of whoever carries a job: nothing is written once somebody else carries it."""
    told: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What the receipt's details say besides: of how the sender asked."""
    keep: tuple[Keep, ...] = field(default=(), repr=False)
    """More to be kept with the entry."""

    @property
    def waits_for(self) -> str | None:
        """The party whose fetch the content waits for; None where it leaves with the answer."""
        if self.terms.deliver != "return":
            return self.terms.recipient
        return None if self.at_once else self.terms.sender


@dataclass(frozen=True, slots=True)
class Judged:
    """A transfer that is decided, and perhaps rendered; nothing has left."""

    decision: Decision
    considered: int
    minimized: Minimized | None
    written: Written | None
    details: Mapping[str, Any]
    figures: Table | None = field(default=None, repr=False)
    """Figures that leave or stay, to be remembered of the recipient."""
    told: int = 0
    """Version of what the recipient was told of figures before."""
    stops: int = 0
    """Version of the stops of people whose records stay."""

    @property
    def leaving(self) -> Minimized | None:
        """The records that leave; None where nothing does."""
        return None if self.written is None else self.minimized

    @property
    def outcome(self) -> str:
        """`released`, `held` or `refused`, as the entry says it."""
        if self.written is not None:
            return "released"
        return "held" if self.decision.verdict == "pending" else "refused"

    def close(self) -> None:
        """Destroy what was rendered."""
        if self.written is not None:
            self.written.spool.close()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A transfer that is in the log."""

    transfer: str
    outcome: str
    receipt: bytes = field(repr=False)
    released: Spool | None = field(repr=False)
    """To be handed over by the caller, who then calls `Log.done`. None where it is kept."""
    media_type: str
    details: Mapping[str, Any]

    @property
    def content(self) -> bytes | None:
        """What is released, at once."""
        return None if self.released is None else self.released.read()
