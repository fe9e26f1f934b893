"""Open clients, one for each address, made again when the address or its secret changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from gateway.deployment import NAMED_SECRETS, Deployment, read_secrets
from gateway.outbound import client_for, secret_of


@dataclass(slots=True)
class Clients:
    """Of one event loop."""

    _held: dict[tuple[str, str], tuple[Any, httpx.AsyncClient]] = field(default_factory=dict)
    _left: list[httpx.AsyncClient] = field(default_factory=list)
    _secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    _stamp: Any = None

    def client(
        self, deployment: Deployment, recipient: str, endpoint: Mapping[str, Any]
    ) -> tuple[httpx.AsyncClient, str]:
        """The client of an endpoint, and the secret it signs with where it does.

        Raises `OfficerError` where the endpoint cannot be used, `GatewayError` for a broken file.
        """
        self._read(deployment)
        signs = endpoint.get("auth", {}).get("kind") == "signature"
        secret = secret_of(endpoint, self._secrets) if signs else ""
        key = recipient, endpoint["id"]
        made_of = (endpoint, self._stamp, deployment.settings.delivery)
        held = self._held.get(key)
        if held is None or held[0] != made_of:
            client = client_for(endpoint, self._secrets, deployment.settings.delivery)
            if held is not None:
                self._left.append(held[1])  # a push may still be using it
            self._held[key] = held = made_of, client
        return held[1], secret

    def _read(self, deployment: Deployment) -> None:
        path = deployment.directory / "keys" / NAMED_SECRETS
        try:
            found = path.stat()
        except FileNotFoundError:
            stamp = None
        else:
            stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
        if stamp != self._stamp or stamp is None:
            self._secrets, self._stamp = read_secrets(deployment.directory), stamp

    async def close(self) -> None:
        """Close all of them."""
        for client in (*self._left, *(client for _, client in self._held.values())):
            await client.aclose()
        self._left.clear()
        self._held.clear()
