"""The routes that read: a party's own transfers, the log's public parts, and discovery.

A transfer that a party is not part of does not exist for it: the answer is the same 404 as
for one that never was.
"""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway import adapter, deliver, paging
from gateway.bulk import jobs
from gateway.bulk.sealed import pieces
from gateway.conditional import cached
from gateway.delivery.outbox import row_of
from gateway.entry import parse
from gateway.errors import SenderError
from gateway.exchange import Gateway
from gateway.identity import caller_of
from gateway.limits.allowance import allowances_of
from gateway.limits.quota import Used
from gateway.paging import PAGE, After, Limit
from gateway.record import RECORD_TYPES, load

router = APIRouter()
DOCUMENTS = (
    *RECORD_TYPES,
    "parts",
    "party",
    "agreement",
    "mapping",
    "route",
    "decision",
    "entry",
    "receipt",
)
"""Published schemas."""


def gateway_of(request: Request) -> Gateway:
    """The running gateway."""
    gateway: Gateway = request.app.state.gateway
    return gateway


async def party_of(request: Request) -> str:
    """The party the request speaks for. Raises 401 without saying what was wrong."""
    return (await caller_of(request)).party


Open = Annotated[Gateway, Depends(gateway_of)]
Party = Annotated[str, Depends(party_of)]


def _own(transfer: str, party: str, gateway: Gateway) -> dict[str, Any]:
    """The entry of a transfer this party is part of."""
    index = gateway.log.find(transfer)
    if index is not None:
        [(_, leaf)] = gateway.log.entries(index, 1)
        entry = parse(leaf)
        if party in (entry["sender"]["party"], entry["recipient"]["party"]):
            return {**entry, "index": index}
    raise SenderError("no such transfer", rule="transfer.unknown", status=404)


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


def _cached(request: Request, value: Any, *, private: bool = False) -> Response:
    return cached(request, orjson.dumps(value), "application/json", private=private)


@router.get("/v1/transfers/{transfer}", summary="A transfer's state")
def transfer_state(transfer: str, party: Party, gateway: Open) -> Response:
    """The log entry of a transfer the caller is part of, and what became of its release.

    Of a payload that was accepted and is no transfer yet: how far it is, for its sender.
    """
    if gateway.log.find(transfer) is None and (job := jobs.of_sender(gateway, transfer, party)):
        return _json(job.told())
    return _json({**_own(transfer, party, gateway), "state": gateway.log.state(transfer)})


@router.delete("/v1/transfers/{transfer}", summary="Take a job back")
def cancel_transfer(transfer: str, party: Party, gateway: Open) -> Response:
    """Of a payload that was accepted and is no transfer yet: it does not become one.

    `cancelling` where it is under way just now: what is logged already stays so, and `GET` says
    what came of it.
    """
    if gateway.log.find(transfer) is not None and jobs.of_sender(gateway, transfer, party):
        raise SenderError("it is made already", rule="job.over", status=409)
    return _json(jobs.cancelled(gateway, transfer, party).told())


@router.get("/v1/transfers/{transfer}/receipt", summary="A transfer's receipt")
def transfer_receipt(transfer: str, party: Party, gateway: Open) -> Response:
    """The receipt, byte for byte as the sender got it."""
    _own(transfer, party, gateway)
    held = gateway.log.kept("receipt", transfer)
    if held is None:
        raise SenderError("the receipt is no longer kept", rule="receipt.gone", status=410)
    return Response(held.value, media_type="application/json")


@router.get("/v1/transfers/{transfer}/content", summary="A transfer's content, once")
def transfer_content(transfer: str, party: Party, gateway: Open) -> Response:
    """The content, for the party it is due to, once. It is destroyed before it is sent."""
    entry = _own(transfer, party, gateway)
    held = gateway.log.kept("content", transfer)
    standing = gateway.log.standing().get(("agreement", entry.get("agreement", {}).get("id", "")))
    if held is not None and standing is not None and standing.state != "active":
        raise SenderError("the agreement is not active", rule="agreement.not_active", status=403)
    pushing = row_of(gateway.log, transfer) if held is not None else None
    if pushing is not None and pushing.state == "waiting":
        raise SenderError("it is being pushed to you", rule="content.pushed", status=409)
    if entry["outcome"] != "released" or (held is not None and held.owner != party):
        raise SenderError("no content is due to you", rule="content.none", status=404)
    state = gateway.log.state(transfer)
    gone = SenderError("fetched before, or expired", rule="content.gone", status=410)
    if held is None or state == "not_released":
        raise gone
    key, data = gateway.keys.content, gateway.deployment.sealed
    content, media_type = deliver.kept_of(held.value, transfer, key, data)
    file = None if isinstance(content, bytes) else content.open()
    if not gateway.log.destroy("content", transfer):
        raise gone
    done = BackgroundTask(gateway.log.done, transfer)
    headers = {"Cache-Control": "no-store"}
    if not isinstance(content, bytes) and file is not None:
        content.remove()
        headers["Content-Length"] = str(content.size)
        return StreamingResponse(
            pieces(file), media_type=media_type, headers=headers, background=done
        )
    return Response(content, media_type=media_type, headers=headers, background=done)


@router.get("/v1/inbox", summary="Transfers whose content waits for the caller")
def inbox(
    request: Request, party: Party, gateway: Open, after: After = "", limit: Limit = PAGE
) -> Response:
    """Oldest first, at most `limit`. `next` is the `after` of the next page, absent on the last."""
    found = gateway.log.waiting(party, paging.read(after), limit)
    items = []
    for transfer, expires in found:
        entry = _own(transfer, party, gateway)
        said = {name: entry[name] for name in ("sender", "purpose", "agreement", "time")}
        items.append({"transfer": transfer, **said, "expires": expires})
    last = found[-1][0] if len(found) == limit else None
    return paging.paged(request, items, last, limit)


@router.get("/v1/log/key", summary="The log's public key")
def log_key(gateway: Open) -> Response:
    """The key as C2SP vkey. An auditor gets it by another way too, and compares."""
    return Response(gateway.deployment.vkey() + "\n", media_type="text/plain; charset=utf-8")


Index = Annotated[int, Query(ge=0)]


@router.get("/v1/log/proofs/inclusion", summary="Proof that an entry is in the log")
def log_inclusion(index: Index, party: Party, gateway: Open) -> Response:
    """Inclusion proof of RFC 9162, 2.1.3, to the newest checkpoint. Hashes only."""
    if index >= gateway.log.size():
        raise SenderError("the log is not that long", rule="log.index", at="index", status=404)
    proved = gateway.log.prove(index)
    return _json(
        {
            "index": index,
            "size": proved.size,
            "hashes": [one.hex() for one in proved.proof],
            "checkpoint": proved.checkpoint,
        }
    )


@router.get("/v1/log/proofs/consistency", summary="Proof that the log only grew")
def log_consistency(old: Index, new: Index, party: Party, gateway: Open) -> Response:
    """Consistency proof of RFC 9162, 2.1.4, between two sizes."""
    if not old <= new <= gateway.log.size():
        raise SenderError("sizes of no two checkpoints", rule="log.sizes", at="old", status=404)
    hashes = gateway.log.consistency(old, new)
    return _json({"old": old, "new": new, "hashes": [one.hex() for one in hashes]})


@router.get("/v1/formats", summary="Formats this gateway reads and writes")
def formats(request: Request) -> Response:
    """Every adapter: name, version, media type, and the record types it writes.

    `record_types` is null where a mapping says it.
    """
    return _cached(
        request,
        [
            {
                "format": one.name,
                "version": one.version,
                "media_type": one.media_type,
                "record_types": sorted(one.record_types) if one.record_types else None,
            }
            for one in adapter.installed().values()
        ],
    )


@router.get("/v1/schemas/{name}", summary="A schema")
def schema(request: Request, name: str) -> Response:
    """A record type's schema, or one of the documents': JSON Schema 2020-12."""
    if name not in DOCUMENTS:
        raise SenderError("no such schema", rule="schema.unknown", at="name", status=404)
    return cached(request, orjson.dumps(load(name)), "application/schema+json")


@router.get("/v1/purposes", summary="The purposes policy knows")
def purposes(request: Request, gateway: Open) -> Response:
    """The taxonomy: a transfer names one leaf of it."""
    return _cached(request, gateway.known["purposes"])


@router.get("/v1/agreements", summary="The caller's agreements")
def agreements(request: Request, party: Party, gateway: Open) -> Response:
    """Id, version, state and grants of the agreements the caller is party to."""
    shown = ("id", "version", "state", "scope", "purposes", "data")
    mine = [
        {**{key: one[key] for key in shown}, "state": gateway.stood[one["id"]].state}
        for one in gateway.deployment.agreements.values()
        if party in {member["party"] for member in one["parties"]}
    ]
    return _cached(request, mine, private=True)


@router.get("/v1/me", summary="Who the caller is here")
async def me(request: Request, gateway: Open) -> Response:
    """The party the request speaks for, how it showed that, and what it may use."""
    caller = await caller_of(request)
    limits = gateway.deployment.settings.limits
    allowances = allowances_of(request)
    used = allowances.quotas.used(caller.party) if allowances is not None else Used()
    return _json(
        {
            "party": caller.party,
            "how": caller.how,
            "key": caller.key,
            "limits": {
                "requests_per_second": limits.requests_per_second,
                "concurrent": limits.concurrent_per_party,
                "transfers_per_day": limits.transfers_per_day,
                "bytes_per_day": limits.bytes_per_day,
            },
            "used": {"transfers": used.transfers, "bytes": used.bytes},
        }
    )
