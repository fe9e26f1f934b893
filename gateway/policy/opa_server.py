"""An OPA server (1.21.3 or later) that loaded the same bundle.

One client lives as long as the engine, on an event loop of its own, so that commands and
routes share its connections. Nothing is asked twice: a server's 500 means that the policy
failed, and it would fail again. Every answer must name the bundle's revision and the server's
version, so a server that is replaced or left behind while we run is noticed at once.
"""

import asyncio
import json
import re
import threading
from collections.abc import Coroutine
from typing import Any

import aiohttp
import orjson
from opa_client.opa_async import AsyncOpaClient

from gateway.policy.decision import Decision, read
from gateway.policy.faults import (
    PolicyError,
    PolicyFailed,
    PolicyMismatch,
    PolicyTimeout,
    PolicyUnavailable,
    PolicyUndefined,
)
from gateway.policy.question import Question

PARAMETERS = {"strict-builtin-errors": "true", "provenance": "true"}
"""Without the first, a failing builtin is undefined, which under `not` means allowed."""

OLDEST = (1, 21, 3)
"""Before it, a bundle whose signature was taken off could be believed (GHSA-g2pf-6v5v-qcc8)."""

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?P<before>-.*)?", re.ASCII)

EVALUATION = (400, 500)
"""The policy failed. Any other error status means that the server did not get that far."""


class OpaServer:
    """A `PolicyEngine` that asks over HTTP.

    `revision` is the bundle approved here; an answer from any other is refused. `deadline`
    is in seconds and covers the whole call.
    """

    name = "opa"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        revision: str,
        deadline: float = 0.25,
        token: str | None = None,
        tls: bool = False,
    ) -> None:
        self._revision = revision
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="opa", daemon=True)
        self._thread.start()
        self._client = AsyncOpaClient(
            host=host, port=port, token=token, ssl=tls, retries=0, timeout=deadline
        )
        self._run(self._client.__aenter__())

    @property
    def revision(self) -> str:
        return self._revision

    async def decide(self, question: Question) -> Decision:
        asked = asyncio.run_coroutine_threadsafe(self._ask(question), self._loop)
        return await asyncio.wrap_future(asked)

    def decide_now(self, question: Question) -> Decision:
        decision: Decision = self._run(self._ask(question))
        return decision

    async def prove(self) -> None:
        """Ask what any transfer would meet: another version, another bundle, no strictness.

        `PolicyFailed` needs a person. Whatever else it is may pass: a server that fetches its
        bundle from this gateway has none before this gateway serves.
        """
        proved = asyncio.run_coroutine_threadsafe(self._prove(), self._loop)
        await asyncio.wrap_future(proved)

    async def close(self) -> None:
        left = asyncio.run_coroutine_threadsafe(self._client.close_connection(), self._loop)
        await asyncio.wrap_future(left)
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)
        self._loop.close()

    def _run(self, step: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(step, self._loop).result()

    async def _ask(self, question: Question) -> Decision:
        reply = await self._post("decision", json.loads(question.canonical))
        if "result" not in reply:
            raise PolicyUndefined("no answer", rule="policy.undefined")
        self._same_bundle(reply)
        answer = orjson.dumps(reply["result"])
        decision = read(answer, question, engine=self.name, revision=self._revision)
        _new_enough(reply)
        return decision

    async def _prove(self) -> None:
        reply = await self._post("decision", {})
        _new_enough(reply)
        self._same_bundle(reply)
        if "result" not in reply:
            raise PolicyUndefined("no answer", rule="policy.undefined")
        try:
            await self._post("strict_probe", {"probe": "no instant"})
        except PolicyFailed as failed:
            if failed.rule == "policy.evaluation":
                return
            raise
        raise PolicyFailed(
            "the policy server does not evaluate strictly; what stands between drops parameters",
            rule="policy.not_strict",
        )

    async def _post(self, rule: str, asked: Any) -> dict[str, Any]:
        try:
            reply = await self._client.query_rule(
                input_data=asked, package_path="exchange", rule_name=rule, query_params=PARAMETERS
            )
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _translated(error) from None
        if not isinstance(reply, dict):
            raise PolicyFailed("a reply of another shape", rule="policy.answer")
        return reply

    def _same_bundle(self, reply: dict[str, Any]) -> None:
        if _revisions(reply) != {self._revision}:
            raise PolicyMismatch(
                "the policy server has another bundle, or none yet", rule="policy.mismatch"
            )


def _new_enough(reply: dict[str, Any]) -> None:
    try:
        said = _VERSION.fullmatch(reply["provenance"]["version"])
    except (KeyError, TypeError):
        said = None
    numbers = tuple(int(part) for part in said.groups()[:3]) if said else ()
    # `1.21.3-rc1` came before 1.21.3.
    if said is None or numbers < OLDEST or (numbers == OLDEST and said["before"]):
        raise PolicyFailed(
            "the policy server is older than OPA 1.21.3, or no OPA", rule="policy.server_version"
        )


def _revisions(reply: dict[str, Any]) -> set[object]:
    try:
        return {held["revision"] for held in reply["provenance"]["bundles"].values()}
    except (KeyError, TypeError, AttributeError):
        return set()


def _translated(error: Exception) -> PolicyError:
    # Not str(error): a server may quote the input in what it says.
    if isinstance(error, TimeoutError):
        return PolicyTimeout("no answer in time", rule="policy.timeout")
    if isinstance(error, aiohttp.ContentTypeError | ValueError):
        return PolicyFailed("a reply that is not JSON", rule="policy.answer")
    if isinstance(error, aiohttp.ClientResponseError) and error.status in EVALUATION:
        return PolicyFailed("the evaluation failed", rule="policy.evaluation")
    return PolicyUnavailable("the policy server does not answer", rule="policy.unavailable")
