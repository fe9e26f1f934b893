"""Where a request comes from, behind proxies that are believed and those that are not.

A header about the caller is believed from an address in `identity.trusted_proxies` only. The
address that is then the caller's is the last one of `X-Forwarded-For` that is no such proxy.
"""

import ipaddress
from collections.abc import Iterable, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.errors import OfficerError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
BY_PROXY = "corridor.by_proxy"
"""In the scope: the request came through a proxy that is believed."""


def networks_of(texts: Iterable[str], at: str) -> tuple[Network, ...]:
    """Networks in CIDR. Raises `OfficerError`."""
    try:
        return tuple(ipaddress.ip_network(one) for one in texts)
    except ValueError:
        raise OfficerError("not a network in CIDR", rule="settings.network", at=at) from None


def within(text: str, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks. What is no address is in none."""
    address = _address(text)
    return address is not None and any(address in one for one in networks)


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found


class Forwarded:
    """Puts the caller's address and scheme into the scope, where a believed proxy says them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._forward(scope)
        await self.app(scope, receive, send)

    def _forward(self, scope: Scope) -> None:
        gateway = getattr(scope["app"].state, "gateway", None)
        if gateway is None or not (said := gateway.deployment.settings.identity.trusted_proxies):
            return
        trusted = gateway.remembered.of("proxies", tuple(said), lambda: _trusted(said))
        host, port = scope.get("client") or ("", 0)
        if not within(host, trusted):
            return
        scope[BY_PROXY] = True
        values = [one.strip() for one in _all(scope, b"x-forwarded-for").split(",")]
        for one in reversed(values):
            if _address(one) is None:
                break
            host, port = one, 0
            if not within(one, trusted):
                break
        scope["client"] = (host, port)
        if (scheme := _all(scope, b"x-forwarded-proto").strip()) in ("http", "https"):
            scope["scheme"] = scheme


def _trusted(said: Sequence[str]) -> tuple[Network, ...]:
    return networks_of(said, "identity.trusted_proxies")


def _all(scope: Scope, name: bytes) -> str:
    return b",".join(value for one, value in scope["headers"] if one == name).decode("latin-1")
