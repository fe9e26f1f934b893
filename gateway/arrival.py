"""A payload that arrived with its terms, whoever brought it: carried once, and again where what
it rests on changed meanwhile.

Requests, vendors' hooks, pulled records and queued jobs all come through here.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson
from starlette.datastructures import State

from gateway import following
from gateway.entry import new_id
from gateway.errors import SenderError
from gateway.exchange import Gateway, Outcome, Transfer, exchange
from gateway.log import Duplicate, Superseded
from gateway.terms import Terms

MAX_KEY = 255
TermsOf = Callable[[Gateway], Terms]
"""Terms as the gateway at hand knows them; asked again when agreements changed."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is to become one transfer."""

    terms_of: TermsOf = field(repr=False)
    content: bytes | Path = field(repr=False)
    key: str | None = field(default=None, repr=False)
    """Idempotency key, as the sender wrote it. None: each arrival is a transfer of its own."""
    at_once: bool = False
    """The content is taken with the answer."""
    transfer: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same was asked before, and is not done again."""

    transfer: str
    receipt: bytes = field(repr=False)


def conflict() -> SenderError:
    """A key that came with something else before."""
    return SenderError(
        "this key was used for another transfer",
        rule="idempotency.conflict",
        at="Idempotency-Key",
        status=409,
    )


async def carry(state: State, arrival: Arrival) -> Outcome | Repeated:
    """Carry one arrival as far as policy lets it go.

    Raises what `exchange` raises, and `idempotency.conflict` (409).
    """
    gateway: Gateway = state.gateway
    transfer = _transfer(arrival, gateway)
    if transfer.once and (before := repeated(transfer, gateway)):
        return before
    try:
        return await exchange(transfer, gateway)
    except Superseded:
        # An agreement or the policies changed while this was under way: once more, then.
        gateway = await following.follow(state)
        return await exchange(replace(transfer, terms=arrival.terms_of(gateway)), gateway)
    except Duplicate:
        before = repeated(transfer, gateway)
        if before is None:
            raise conflict() from None
        return before


def _transfer(arrival: Arrival, gateway: Gateway) -> Transfer:
    terms = arrival.terms_of(gateway)
    key, content = arrival.key, arrival.content
    if key is None:
        return Transfer(arrival.transfer, terms, content, at_once=arrival.at_once)
    if not 1 <= len(key) <= MAX_KEY:
        raise SenderError("1 to 255 characters", rule="idempotency.key", at="Idempotency-Key")
    # Both digests are keyed: a bare digest of the content could be guessed from.
    secret = gateway.keys.content
    once = hmac.digest(secret, f"once\n{terms.sender}\n{key}".encode(), "sha256").hex()
    said = f"mark\n{terms!r}\n".encode() + _digest(content)
    mark = hmac.digest(secret, said, "sha256")
    return Transfer(arrival.transfer, terms, content, once, mark, arrival.at_once)


def _digest(content: bytes | Path) -> bytes:
    if isinstance(content, bytes):
        return hashlib.sha256(content).digest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def repeated(transfer: Transfer, gateway: Gateway) -> Repeated | None:
    """What was answered to the same key. Raises 409 where it came with something else."""
    held = gateway.log.kept("idempotency", transfer.once or "")
    if held is None:
        return None
    before = orjson.loads(held.value)
    if not hmac.compare_digest(before["mark"], transfer.mark.hex()):
        raise conflict()
    receipt = gateway.log.kept("receipt", before["transfer"])
    return None if receipt is None else Repeated(before["transfer"], receipt.value)
