"""Opening a gateway on a deployment, and closing it in the right order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from gateway import __file__ as _here
from gateway.deployment import Deployment, read_deployment, read_keys
from gateway.exchange import Gateway
from gateway.log import Log
from gateway.policy import Bundle, Cached, Embedded, OpaServer, PolicyEngine, read_bundle

POLICIES = Path(_here).resolve().parent.parent / "policies"


def bundle_of(deployment: Deployment) -> Bundle:
    """The shipped policies with the deployment's own."""
    return read_bundle(POLICIES, deployment.local_policies)


def known_of(bundle: Bundle) -> dict[str, dict[str, object]]:
    """The ids policy has a word for: `purposes`, with the red lines among them, and `bases`."""
    taxonomy = orjson.loads(bundle.data)["taxonomy"]
    return {
        "purposes": {**taxonomy["purposes"], **taxonomy["red_lines"]},
        "bases": taxonomy["bases"],
    }


def engine_of(deployment: Deployment, bundle: Bundle) -> PolicyEngine:
    """The engine the settings name. To be made on the thread that will ask it."""
    policy = deployment.settings.policy
    if policy.engine == "embedded":
        return Cached(Embedded(bundle, inline=True))
    return Cached(
        OpaServer(
            policy.opa_host,
            policy.opa_port,
            revision=bundle.revision,
            deadline=policy.timeout_seconds,
        )
    )


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Gateway]:
    """A gateway on this deployment, closed when the block ends."""
    deployment = read_deployment(directory)
    keys = read_keys(directory)
    bundle = bundle_of(deployment)
    engine = engine_of(deployment, bundle)
    try:
        log = Log.open(deployment.data, key=keys.log, gateway=deployment.settings.gateway.name)
        try:
            yield Gateway(deployment, keys, engine, log, known_of(bundle))
        finally:
            log.close()
    finally:
        await engine.close()
