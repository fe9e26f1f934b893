"""A payload that arrived with its terms, whoever brought it: carried once, and again where what
it rests on changed meanwhile.

Requests, vendors' hooks, pulled records and queued jobs all come through here.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import orjson
from starlette.datastructures import State

from gateway import following, journal
from gateway.content import Content, Payload
from gateway.entry import new_id
from gateway.errors import SenderError
from gateway.exchange import Gateway, Outcome, Transfer, exchange
from gateway.identity import evidence
from gateway.log import Duplicate, Superseded
from gateway.log_beside import Beside, Claim
from gateway.observe.meters import noted
from gateway.terms import Terms

MAX_KEY = 255
TermsOf = Callable[[Gateway], Terms]
"""Terms as the gateway at hand knows them; asked again when agreements changed."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is to become one transfer."""

    terms_of: TermsOf = field(repr=False)
    content: Payload = field(repr=False)
    key: str | None = field(default=None, repr=False)
    """Idempotency key, as the sender wrote it. None: each arrival is a transfer of its own."""
    at_once: bool = False
    """The content is taken with the answer."""
    transfer: str = field(default_factory=new_id)
    strict: bool = False
    """Refuse a payload with fields that nothing names, instead of listing them."""
    lenient: bool = False
    """Leave out records that are not sound, and list them, instead of refusing all."""
    alike: bool = False
    """Whoever repeats the key means the same, whatever the content: vendors write a record
    anew for each attempt."""
    beside: tuple[Beside, ...] = field(default=(), repr=False)
    """Rows for the transaction of the entry."""
    claim: Claim | None = None
    """Of whoever carries a job: nothing is written once somebody else carries it."""
    evidence: bytes = field(default=b"", repr=False)
    """The sender's signed word (`Caller.evidence`), kept with the entry."""
    digest: bytes | None = field(default=None, repr=False)
    """SHA-256 of the content, where it is known already."""
    token: tuple[str, bytes] | None = field(default=None, repr=False)
    """What `token_of` made of the key, for a job that begins later, and keeps no key."""


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
    with journal.about(arrival.transfer):
        carried = await _carried(state, arrival)
    if isinstance(carried, Repeated):
        noted("repeated")
    else:
        noted(carried.outcome, (one["rule"] for one in carried.details["objections"]))
    return carried


async def _carried(state: State, arrival: Arrival) -> Outcome | Repeated:
    gateway: Gateway = state.gateway
    transfer = _transfer(arrival, gateway)
    if transfer.once and (before := repeated(transfer.once, transfer.mark, gateway)):
        return before
    try:
        return await exchange(transfer, gateway)
    except Superseded:
        # An agreement or the policies changed while this was under way: once more, then.
        gateway = await following.follow(state)
        return await exchange(replace(transfer, terms=arrival.terms_of(gateway)), gateway)
    except Duplicate:
        before = repeated(transfer.once or "", transfer.mark, gateway)
        if before is None:
            raise conflict() from None
        return before


def _transfer(arrival: Arrival, gateway: Gateway) -> Transfer:
    terms = arrival.terms_of(gateway)
    content, secret = arrival.content, gateway.keys.content
    plain = Transfer(
        arrival.transfer,
        terms,
        content,
        at_once=arrival.at_once,
        strict=arrival.strict,
        lenient=arrival.lenient,
        beside=arrival.beside,
        claim=arrival.claim,
    )
    if arrival.evidence:
        row = evidence.kept(arrival.evidence, arrival.transfer, terms.sender, secret)
        plain = replace(plain, told={"request": evidence.committed(arrival.evidence)}, keep=(row,))
    if arrival.token is not None:
        return replace(plain, once=arrival.token[0], mark=arrival.token[1])
    made = token_of(arrival, terms, secret)
    return plain if made is None else replace(plain, once=made[0], mark=made[1])


def token_of(arrival: Arrival, terms: Terms, secret: bytes) -> tuple[str, bytes] | None:
    """Keyed digests of the idempotency key, and of what a second use of it must repeat.

    Raises `SenderError` for a key that is not fit.
    """
    key = arrival.key
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY:
        raise SenderError("1 to 255 characters", rule="idempotency.key", at="Idempotency-Key")
    # Both digests are keyed: a bare digest of the content could be guessed from.
    once = hmac.digest(secret, f"once\n{terms.sender}\n{key}".encode(), "sha256").hex()
    said = b"alike\n" if arrival.alike else f"mark\n{terms!r}\n".encode() + _digest(arrival)
    if arrival.lenient:
        said += b"\nlenient"  # without the word as before: keys outlive a change of version
    return once, hmac.digest(secret, said, "sha256")


def _digest(arrival: Arrival) -> bytes:
    if arrival.digest is not None:
        return arrival.digest
    if isinstance(arrival.content, bytes):
        return hashlib.sha256(arrival.content).digest()
    made = hashlib.sha256()
    with Content(arrival.content).opened() as file:
        while part := file.read(1 << 20):
            made.update(part)
    return made.digest()


def repeated(once: str, mark: bytes, gateway: Gateway) -> Repeated | None:
    """What was answered to the same key. Raises 409 where it came with something else."""
    held = gateway.log.kept("idempotency", once)
    if held is None:
        return None
    before = orjson.loads(held.value)
    if not hmac.compare_digest(before["mark"], mark.hex()):
        raise conflict()
    receipt = gateway.log.kept("receipt", before["transfer"])
    return None if receipt is None else Repeated(before["transfer"], receipt.value)
