"""Whether the gateway can do its work, and if not, why."""

import asyncio
import shutil

from gateway.errors import CorridorError, GatewayError
from gateway.policy import not_ready
from gateway.transfer import Gateway


async def unready(gateway: Gateway, *, draining: bool) -> GatewayError | None:
    """The first thing that keeps it from working; None when nothing does.

    Alive is another question: a gateway without its database is alive, and a restart would not
    bring the database back.
    """
    if draining:
        return GatewayError("the gateway is about to stop", rule="gateway.draining")
    if gateway.log.stopped:
        return GatewayError("the log has stopped; restart the gateway", rule="log.stopped")
    if shutil.disk_usage(gateway.deployment.data).free < _needed(gateway):
        return GatewayError("too little room for the data", rule="observe.disk_full")
    try:
        epoch = await asyncio.to_thread(gateway.log.epoch)
    except CorridorError as error:
        return GatewayError("the log's database does not answer", rule=error.rule)
    if epoch != gateway.epoch:
        return GatewayError("what stands was not read yet", rule="log.superseded")
    if reason := await not_ready(gateway.engine):
        return GatewayError("the policies cannot answer", rule=reason)
    return None


def _needed(gateway: Gateway) -> int:
    return gateway.deployment.settings.observe.min_free_bytes
