"""Opening a gateway on a deployment, and closing it in the right order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from gateway import __file__ as _here
from gateway import journal
from gateway.bulk import engine as engines
from gateway.bulk.engine import Engine
from gateway.circumstances import stood
from gateway.deployment import Deployment, Keys, read_deployment, read_keys
from gateway.errors import GatewayError
from gateway.exchange import Gateway
from gateway.happenings import decided, followed
from gateway.log import Log
from gateway.policy import (
    Bundle,
    Cached,
    Embedded,
    PolicyEngine,
    PolicyError,
    PolicyFailed,
    read_bundle,
)
from gateway.publication.witnessing import witnessed

POLICIES = Path(_here).resolve().parent.parent / "policies"


def bundle_of(deployment: Deployment) -> Bundle:
    """The shipped policies with the deployment's own, as their folders have them now."""
    return read_bundle(POLICIES, deployment.local_policies)


def standing_bundle(deployment: Deployment, log: Log) -> Bundle:
    """The bundle that was activated last, out of the log's documents.

    Before the first activation it is what the folders have. From then on what is in the
    folders counts for nothing until it is activated.
    """
    row = log.standing().get(("policy", "policy"))
    if row is None:
        return bundle_of(deployment)
    packed = log.document(row.document)
    bundle = None if packed is None else Bundle.unpacked(packed)
    if bundle is None or bundle.revision != row.digest:
        raise GatewayError("the activated policies are not kept", rule="bundle.lost")
    return bundle


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
    from gateway.policy import OpaServer  # its client is large, and few ask a server

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
    log = Log.open(deployment.data, key=keys.log, gateway=deployment.settings.gateway.name)
    try:
        async with witnessed(deployment, log):
            _follow_files(deployment, keys, log)
            bulk = engines.engine_of(deployment)
            gateway = _gateway(deployment, keys, log, bulk)
            try:
                await _prove(gateway.engine)
                yield gateway
            finally:
                await bulk.close()
                await gateway.engine.close()
    finally:
        log.close()


async def _prove(engine: PolicyEngine) -> None:
    """Refuse an engine that needs a person: too old a server, or one that is not strict."""
    try:
        await engine.prove()
    except PolicyFailed:
        raise
    except PolicyError as error:
        # A server that fetches its bundle from us has none before we serve.
        journal.say("policy.not_ready", rule=error.rule)


def reread(gateway: Gateway) -> Gateway:
    """A gateway on the same log, with agreements and policies as they stand now.

    Raises `CorridorError` where they cannot be read; the gateway at hand then goes on, and the
    log refuses what rests on anything older. Its engine is for the caller to close, on the
    thread that made it; it is the old one where the same policies stand.
    """
    deployment = read_deployment(gateway.deployment.directory)
    _follow_files(deployment, gateway.keys, gateway.log, gateway.deployment)
    return _gateway(deployment, gateway.keys, gateway.log, gateway.bulk, gateway)


def _follow_files(
    deployment: Deployment, keys: Keys, log: Log, before: Deployment | None = None
) -> None:
    """Log what people changed in files that no command of ours changes."""
    followed.follow(log, deployment, keys, before)
    decided.follow(log, deployment, keys, before)


def _gateway(
    deployment: Deployment,
    keys: Keys,
    log: Log,
    bulk: Engine | None,
    before: Gateway | None = None,
) -> Gateway:
    # The epoch first: what changes while the rest is read is read again.
    epoch = log.epoch()
    bundle = standing_bundle(deployment, log)
    same = (
        before is not None
        and before.bundle.revision == bundle.revision
        and before.deployment.settings.policy == deployment.settings.policy
    )
    return Gateway(
        deployment,
        keys,
        before.engine if before is not None and same else engine_of(deployment, bundle),
        log,
        known_of(bundle),
        bundle,
        stood(deployment, log),
        epoch,
        bulk=bulk,
    )
