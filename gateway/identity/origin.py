"""Our own address as partners know it: what they sign, and whom their tokens are for.

A request that was signed for another gateway must mean nothing here. Without a setting only the
address that the server listens on counts, so that nobody's `Host` header chooses who we are.
"""

from starlette.requests import HTTPConnection

from gateway.exchange import Gateway

_DEFAULT = {"http": 80, "https": 443}
_HERE = ("localhost", "127.0.0.1", "[::1]")


def origin_of(request: HTTPConnection) -> str | None:
    """Scheme and authority of this gateway; None where the request is for somebody else."""
    gateway: Gateway = request.app.state.gateway
    if public := gateway.deployment.settings.identity.public_url:
        return public
    host = request.headers.get("host", "").lower()
    scheme: str = request.scope["scheme"]
    listening, port = request.scope.get("server") or ("", None)
    ours = {listening, *_HERE} if listening in ("127.0.0.1", "::1", "0.0.0.0") else {listening}  # noqa: S104 - compared
    named = {f"{one}:{port}" for one in ours} if port is not None else set(ours)
    if port in (None, _DEFAULT[scheme]):
        named |= ours
    return f"{scheme}://{host}" if host in named else None


def target_of(request: HTTPConnection, origin: str) -> str:
    """The target URI as it came, without what stands behind the question mark."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return origin + raw.decode("latin-1")
