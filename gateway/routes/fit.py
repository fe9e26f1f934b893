"""Whether a route can do its work, before a vendor finds out that it cannot."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from gateway.deployment import Deployment
from gateway.errors import CorridorError, OfficerError
from gateway.identity.keyring import read_hooks
from gateway.outbound import secret_of
from gateway.routes.sources import SOURCES, checked
from gateway.routes.taking import asked_by
from gateway.terms import terms_of


def problems(
    route: Mapping[str, Any],
    deployment: Deployment,
    known: Mapping[str, Any],
    secrets: Mapping[str, str],
) -> Iterator[CorridorError]:
    """Everything that is wrong with a route."""
    for to in route["terms"]["to"]:
        yield from _tried(partial(terms_of, asked_by(route, to), deployment, known))
    if "auth" not in route and "pull" not in route:
        yield OfficerError("nothing comes by it", rule="route.idle", at=f"route {route['id']}")
    if "auth" in route:
        yield from _tried(partial(_shown, route, deployment, secrets))
    if "pull" in route:
        yield from _tried(partial(_asked, route, deployment, secrets))


def _tried(work: Callable[[], Any]) -> Iterator[CorridorError]:
    try:
        work()
    except CorridorError as error:
        yield error


def _shown(route: Mapping[str, Any], deployment: Deployment, secrets: Mapping[str, str]) -> None:
    """What the vendor shows can be checked."""
    auth, at = route["auth"], f"route {route['id']}, auth"
    if auth["kind"] == "signature" and not secrets.get(auth.get("secret", "")):
        raise OfficerError("its secret is not in keys/secrets.json", rule="route.secret", at=at)
    hashed = auth["kind"] in ("basic", "bearer", "header")
    if hashed and not read_hooks(deployment.directory).get(route["id"]):
        raise OfficerError("`corridor route key` makes one", rule="route.no_key", at=at)


def _asked(route: Mapping[str, Any], deployment: Deployment, secrets: Mapping[str, str]) -> None:
    """Its system can be asked. Nothing is sent."""
    at = f"route {route['id']}, pull"
    if route["system"] not in SOURCES:
        raise OfficerError("this system cannot be asked", rule="route.no_pull", at=at)
    checked(SOURCES[route["system"]], route["pull"].get("options", {}), at)
    sender = deployment.parties[route["sender"]]
    for endpoint in sender.get("endpoints", ()):
        if endpoint["id"] == route["pull"]["endpoint"] and endpoint["system"] != route["system"]:
            raise OfficerError("the endpoint is another system's", rule="route.system", at=at)
        if endpoint["id"] == route["pull"]["endpoint"] and _secret(endpoint):
            secret_of(endpoint, secrets)


def _secret(endpoint: Mapping[str, Any]) -> bool:
    kind: str = endpoint.get("auth", {}).get("kind", "none")
    return kind != "none"
