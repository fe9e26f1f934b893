"""Talking to partners' systems: one client for one registered address, and nowhere else.

    client = client_for(endpoint, secrets, settings)
    answer = await client.post("api/v2/cases", content=...)   # relative to the registered address

What a name resolves to is checked, and the very address that was checked is connected to: a name
that changes its mind between look-up and connection gains nothing. No redirect is followed, no
proxy or password comes from the environment, answers are bounded in bytes and in time. Every
failure is a `RecipientError` of the family `outbound`, which quotes neither address nor answer.
"""

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import httpcore
import httpx

from gateway.errors import OfficerError, RecipientError
from gateway.settings import DeliverySettings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

AGENT = "corridor"
KEPT_SECONDS = 30.0
"""How long a connection that is idle is kept."""


def _networks(*names: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(name) for name in names)


PRIVATE = _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
LOOPBACK = _networks("127.0.0.0/8", "::1/128")
NEVER = _networks("100.100.100.200/32", "192.0.0.0/24", "fd00:ec2::254/128", "168.63.129.16/32")
"""Where clouds tell machines their secrets, outside the link-local networks."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _meant(address: Address) -> Iterable[Address]:
    """The address, and the IPv4 addresses that it stands for to a translator or tunnel."""
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        inside = (address.ipv4_mapped, address.sixtofour, *(address.teredo or ()))
        yield from (one for one in inside if one is not None)
        if address in _NAT64:
            yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def allowed(text: str, network: str) -> bool:
    """Whether an address may be spoken to, by an endpoint's `network`."""
    return all(_allowed(one, network) for one in _meant(ipaddress.ip_address(text)))


def _allowed(address: Address, network: str) -> bool:
    if address.is_multicast or address.is_link_local or address.is_unspecified:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return False
    if any(address in one for one in NEVER):
        return False
    if any(address in one for one in LOOPBACK):
        return network == "loopback"
    if any(address in one for one in PRIVATE):
        return network in ("private", "loopback")
    return _carried(address)


def _carried(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped or address in _NAT64  # what they stand for is looked at by itself
    ):
        return True
    return address.is_global and not address.is_reserved


class _Pinned(httpcore.AnyIOBackend):
    """Connects to addresses that were checked, never to a name."""

    def __init__(self, network: str) -> None:
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await self._resolved(host, port, timeout)
        last: Exception = httpcore.ConnectError()
        for one in found:
            try:
                return await super().connect_tcp(one, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    async def _resolved(self, host: str, port: int, seconds: float | None) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise RecipientError("its name is not known", rule="outbound.name") from None
        found = list(dict.fromkeys(str(row[4][0]).partition("%")[0] for row in rows))
        # One bad address is enough: which one is used would be the name server's choice.
        if not found or not all(allowed(one, self._network) for one in found):
            raise RecipientError(
                "it is at an address that is not spoken to", rule="outbound.address"
            )
        return found

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise RecipientError("no sockets of this machine", rule="outbound.address")


@contextmanager
def _ours() -> Any:
    """Whatever goes wrong on the way, as ours: texts of the layers below quote addresses."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException):
        raise RecipientError("no answer in time", rule="outbound.timeout") from None
    except httpcore.ConnectError as error:
        if isinstance(error.__cause__, ssl.SSLError) or isinstance(error.__context__, ssl.SSLError):
            raise RecipientError("its certificate does not fit", rule="outbound.tls") from None
        raise RecipientError("no connection", rule="outbound.connect") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ConnectionNotAvailable):
        raise RecipientError("the connection broke", rule="outbound.broken") from None
    except (httpcore.UnsupportedProtocol, httpcore.ProxyError):
        raise RecipientError("no way to speak to it", rule="outbound.protocol") from None


Done = Callable[[], Awaitable[None]]


class _Bounded(httpx.AsyncByteStream):
    """An answer's body, up to a size and a moment."""

    def __init__(self, answer: httpcore.Response, done: Done, limit: int, deadline: float) -> None:
        self._answer, self._done = answer, done
        self._limit, self._deadline = limit, deadline

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._limit
        parts = self._answer.aiter_stream().__aiter__()
        while True:
            with _ours():
                try:
                    async with asyncio.timeout_at(self._deadline):
                        part = await anext(parts)
                except StopAsyncIteration:
                    return
            left -= len(part)
            if left < 0:
                raise RecipientError("its answer is too large", rule="outbound.too_large")
            yield part

    async def aclose(self) -> None:
        with _ours():
            await self._answer.aclose()
        await self._done()


class _OneOrigin(httpx.AsyncBaseTransport):
    """Speaks to one origin, by connections that `_Pinned` made.

    It has no pool: whoever calls bounds what is under way, and the pool of httpcore looks at all
    of its connections for each request.
    """

    def __init__(self, url: httpx.URL, network: str, settings: DeliverySettings) -> None:
        self._origin = _origin(url)
        self._settings = settings
        self._network = _Pinned(network)
        self._free: list[httpcore.AsyncHTTPConnection] = []
        self._open: set[httpcore.AsyncHTTPConnection] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if _origin(request.url) != self._origin:
            raise RecipientError("not the registered address", rule="outbound.origin")
        deadline = asyncio.get_running_loop().time() + self._settings.total_seconds
        connection = await self._connection()
        try:
            with _ours():
                async with asyncio.timeout_at(deadline):
                    answer = await connection.handle_async_request(_as_core(request))
        except BaseException:
            await self._closed(connection)
            raise
        done = partial(self._done, connection)
        coded = {value.lower() for name, value in answer.headers if name.lower() == _CODING}
        if coded - {b"identity"}:
            # None was asked for, and a small one may unfold to any size.
            await self._closed(connection)
            raise RecipientError("its answer is compressed", rule="outbound.encoding")
        body = _Bounded(answer, done, self._settings.answer_limit_bytes, deadline)
        return httpx.Response(answer.status, headers=answer.headers, stream=body)

    async def _connection(self) -> httpcore.AsyncHTTPConnection:
        """One that is open and idle, or a new one."""
        while self._free:
            held = self._free.pop()
            if held.is_idle() and not held.has_expired():
                return held
            await self._closed(held)
        scheme, host, port = self._origin
        made = httpcore.AsyncHTTPConnection(
            origin=httpcore.Origin(scheme.encode(), host.encode(), port),
            ssl_context=_trust() if scheme == "https" else None,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=self._network,
        )
        self._open.add(made)
        return made

    async def _done(self, connection: httpcore.AsyncHTTPConnection) -> None:
        """An answer was read, or left: its connection serves again where it can."""
        if connection in self._open and connection not in self._free:
            if connection.is_idle():
                self._free.append(connection)
            else:
                await self._closed(connection)

    async def _closed(self, connection: httpcore.AsyncHTTPConnection) -> None:
        self._open.discard(connection)
        with _ours():
            await connection.aclose()

    async def aclose(self) -> None:
        for connection in tuple(self._open):
            await self._closed(connection)
        self._free.clear()


def _as_core(request: httpx.Request) -> httpcore.Request:
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        ),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


_CODING = b"content-encoding"


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    # As it goes into the request: international names in their ASCII form.
    return (
        url.scheme,
        url.raw_host.decode("ascii"),
        url.port or (443 if url.scheme == "https" else 80),
    )


@cache
def _trust() -> ssl.SSLContext:
    """The certificate authorities of this machine."""
    return ssl.create_default_context()


def client_for(
    endpoint: Mapping[str, Any], secrets: Mapping[str, str], settings: DeliverySettings
) -> httpx.AsyncClient:
    """A client of one registered address (`endpoints` of a party), with its credentials.

    Raises `OfficerError` for an address that cannot be used as it is registered.
    """
    # Its lines name addresses, and some systems have people's ids in theirs.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    at = f"endpoint {endpoint['id']}"
    network = endpoint.get("network", "public")
    try:
        url = httpx.URL(endpoint["url"].rstrip("/") + "/")
    except httpx.InvalidURL:
        raise OfficerError("not an address", rule="endpoint.url", at=at) from None
    if url.scheme != "https" and network == "public":
        raise OfficerError("https is needed on public networks", rule="endpoint.cleartext", at=at)
    return httpx.AsyncClient(
        base_url=url,
        headers={"User-Agent": AGENT, "Accept-Encoding": "identity", **_headers(endpoint, secrets)},
        auth=_basic(endpoint, secrets),
        timeout=httpx.Timeout(settings.timeout_seconds),
        transport=_OneOrigin(url, network, settings),
        follow_redirects=False,
        trust_env=False,
    )


def secret_of(endpoint: Mapping[str, Any], secrets: Mapping[str, str]) -> str:
    """The secret an endpoint's `auth` names. Raises `OfficerError` where there is none."""
    value = secrets.get(endpoint["auth"].get("secret", ""), "")
    if not value or not value.isascii() or not value.isprintable():
        # Which secret is missing is said by the party's file; its name may say too much here.
        at = f"endpoint {endpoint['id']}"
        raise OfficerError("its secret is not in keys/secrets.json", rule="endpoint.secret", at=at)
    return value


def _headers(endpoint: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    auth = endpoint.get("auth", {"kind": "none"})
    if auth["kind"] in ("none", "basic"):
        return {}
    value = secret_of(endpoint, secrets)
    if auth["kind"] == "bearer":
        return {"Authorization": f"Bearer {value}"}
    if auth["kind"] == "token":
        return {"Authorization": f"Token {value}"}
    # What signs is used by whoever makes the request, and not sent.
    return {auth.get("header", "Authorization"): value} if auth["kind"] == "api_key" else {}


def _basic(endpoint: Mapping[str, Any], secrets: Mapping[str, str]) -> httpx.BasicAuth | None:
    auth = endpoint.get("auth", {"kind": "none"})
    if auth["kind"] != "basic":
        return None
    return httpx.BasicAuth(auth.get("user", ""), secret_of(endpoint, secrets))
