"""How much of the gateway is used, and by whom.

Rates and requests at once are counted in this process. Replicas behind a balancer each allow as
much; only quotas are shared.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from starlette.requests import Request

from gateway.errors import SenderError
from gateway.limits.bucket import Buckets
from gateway.limits.quota import Quotas
from gateway.settings import LimitSettings

METHOD = "corridor.method"
"""In the scope of a HEAD, which the application sees as a GET."""


@dataclass(slots=True)
class Ask:
    """One request, as far as it is counted."""

    address: str
    request: str
    """Made here for each request, and never taken from outside: it goes into logs."""
    party: str = ""
    hook: bool = False
    """Of a vendor's system, whose address others use too: theirs are wrong keys of nobody's.
    Hooks count wrong keys by themselves."""


def seconds(wait: float) -> str:
    """For `Retry-After`, which has whole seconds."""
    return str(max(1, math.ceil(wait)))


class Allowances:
    """The counts of one process. Used on its event loop only."""

    def __init__(
        self, settings: LimitSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.settings = settings
        self.quotas = Quotas(settings)
        self.draining = False
        self.under_way = 0
        self._by_party: Counter[str] = Counter()
        rate, address = settings.requests_per_second, settings.address_per_second
        wrong = settings.wrong_keys_per_minute
        self._parties = Buckets(rate, 2 * rate, clock)
        self._addresses = Buckets(address, 2 * address, clock)
        self._wrong = Buckets(wrong / 60, wrong, clock)

    def full(self) -> bool:
        """Whether no more can be taken on."""
        return self.under_way >= self.settings.concurrent

    def enter(self, ask: Ask) -> None:
        """A request is under way."""
        self.under_way += 1

    def leave(self, ask: Ask) -> None:
        """And is over."""
        self.under_way -= 1
        if ask.party:
            self._by_party[ask.party] -= 1
            if not self._by_party[ask.party]:
                del self._by_party[ask.party]

    def wait_of_address(self, ask: Ask) -> float:
        """Seconds until this address may ask. Takes one of what it may."""
        if not ask.hook and self._wrong.left(ask.address) < 1:
            return 1 / self._wrong.rate
        return self._addresses.take(ask.address)

    def wrong(self, ask: Ask) -> None:
        """Somebody there showed no key that we know."""
        if not ask.hook:
            self._wrong.take(ask.address)

    def admit(self, ask: Ask, party: str) -> None:
        """Count a request as this party's. Raises 429."""
        if ask.party:
            return
        if self._by_party[party] >= self.settings.concurrent_per_party:
            raise SenderError(
                "too many requests of this party at once",
                rule="limit.party_busy",
                status=429,
                retry_after=1,
            )
        ask.party = party
        self._by_party[party] += 1
        if wait := self._parties.take(party):
            raise SenderError(
                "too many requests of this party",
                rule="limit.party",
                status=429,
                retry_after=int(seconds(wait)),
            )

    def told(self, ask: Ask) -> Iterable[tuple[bytes, bytes]]:
        """`RateLimit` fields (draft-ietf-httpapi-ratelimit-headers) of a party's answer."""
        rate = self.settings.requests_per_second
        if ask.party and rate:
            left = int(self._parties.left(ask.party))
            yield b"ratelimit-policy", f'"party";q={2 * rate};w=2'.encode()
            yield b"ratelimit", f'"party";r={left};t=1'.encode()


def allowances_of(request: Request) -> Allowances | None:
    """The counts of the process that answers this request."""
    found: Allowances | None = getattr(request.app.state, "allowances", None)
    return found


def method_of(request: Request) -> str:
    """The method as it came, and as it was signed: a HEAD is answered as a GET."""
    said: str = request.scope.get(METHOD, request.method)
    return said


def admit(request: Request, party: str) -> None:
    """Count a request as a party's, once it is known whose it is. Raises 429."""
    allowances, ask = allowances_of(request), request.scope.get("corridor.ask")
    if allowances is not None and ask is not None:
        allowances.admit(ask, party)


def spend(request: Request, party: str) -> None:
    """Count a payload on a party's day before it is read, by the length it says. Raises 429."""
    if (allowances := allowances_of(request)) is not None:
        allowances.quotas.spend(party, 1, _declared(request))


def spend_more(request: Request, party: str, transfers: int) -> None:
    """Count the transfers that one payload is beyond its first. Raises 429."""
    if (allowances := allowances_of(request)) is not None:
        allowances.quotas.spend(party, transfers, 0)


def spent(request: Request, party: str, size: int) -> None:
    """Count what came without saying its length."""
    allowances = allowances_of(request)
    if allowances is not None and (more := size - _declared(request)) > 0:
        allowances.quotas.add(party, 0, more)


def _declared(request: Request) -> int:
    said = request.headers.get("content-length", "")
    return int(said) if said.isdigit() else 0
