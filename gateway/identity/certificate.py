"""Client certificates: shown to us in TLS, or to a proxy that is believed (RFC 9440).

A certificate counts by its SHA-256, which the party's file names: no authority can make another
one that speaks for the party. The authority only decides who gets through the handshake.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import http_sf
from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.errors import OfficerError
from gateway.identity.address import BY_PROXY
from gateway.identity.compact import encoded
from gateway.settings import IdentitySettings

PEER = "corridor.certificate"
"""In the scope: the DER of the certificate of who connected."""
MAX_HEADER = 16_384


class PeerCertificate(HttpToolsProtocol):
    """uvicorn's own protocol, which also puts the peer's certificate into the scope."""

    _peer: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take note of the certificate: the handshake is over."""
        super().connection_made(transport)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        self._peer = tls.getpeercert(binary_form=True) if tls is not None else None

    def on_message_begin(self) -> None:
        """Say it of each request on the connection."""
        super().on_message_begin()
        if self._peer is not None:
            scope: dict[str, Any] = self.scope  # type: ignore[assignment]
            scope[PEER] = self._peer


def certificate_digest(der: bytes) -> str:
    """How a party's file names a certificate."""
    return encoded(hashlib.sha256(der).digest())


def shown(request: Request) -> str | None:
    """Digest of the certificate the caller showed, to us or to a proxy that is believed."""
    der = request.scope.get(PEER)
    if request.scope.get(BY_PROXY):
        # The connection is the proxy's own, and so is its certificate.
        der = _told(request.headers.getlist("client-cert"))
    return certificate_digest(der) if isinstance(der, bytes) else None


def _told(values: list[str]) -> bytes | None:
    if len(values) != 1 or len(values[0]) > MAX_HEADER:
        return None
    parse: Any = http_sf.parse
    try:
        value, _ = parse(values[0].encode(), tltype="item")
    except ValueError:
        return None
    return value if isinstance(value, bytes) else None


def tls_options(directory: Path, settings: IdentitySettings) -> Mapping[str, Any]:
    """What uvicorn is told to serve TLS with. Empty for plain HTTP. Raises `OfficerError`."""
    if not settings.tls_certificate:
        return {}
    named = {
        "ssl_certfile": ("tls_certificate", settings.tls_certificate),
        "ssl_keyfile": ("tls_key", settings.tls_key),
        "ssl_ca_certs": ("tls_client_ca", settings.tls_client_ca),
    }
    options: dict[str, Any] = {}
    for name, (setting, file) in named.items():
        if not file and name == "ssl_ca_certs":
            continue
        path = directory / file
        if not path.is_file():
            raise OfficerError("no such file", rule="settings.tls", at=f"identity.{setting}")
        options[name] = str(path)
    if settings.tls_client_ca:
        # Asked for, not demanded: partners with other keys connect as well.
        options["ssl_cert_reqs"] = ssl.CERT_OPTIONAL
    return options
