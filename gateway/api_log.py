"""The log over HTTP as C2SP tlog-tiles: what `/v1/log/` is the prefix of.

Hashes are public, like the checkpoint. Entries say which organisations deal with each other,
so they are for those who have a key, and that somebody reads them is itself logged.
"""

import threading
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import Response

from gateway.entry import new_id
from gateway.errors import SenderError
from gateway.exchange import Gateway
from gateway.publication import proofs
from gateway.publication.tiles import Tile, parse
from gateway.publication.tree import Tree
from gateway.publication.trust import policy_of
from gateway.readers import LogReader, reader_of

router = APIRouter()
READING_SECONDS = 600
"""How long one access entry stands for what somebody reads."""

TILE = "application/octet-stream"
_LOCK = threading.Lock()
Who = Annotated[LogReader, Depends(reader_of)]


def gateway_of(request: Request) -> Gateway:
    """The running gateway."""
    gateway: Gateway = request.app.state.gateway
    return gateway


Open = Annotated[Gateway, Depends(gateway_of)]


@router.get("/v1/log/checkpoint", summary="The newest checkpoint that enough witnesses signed")
def log_checkpoint(gateway: Open) -> Response:
    """C2SP tlog-checkpoint with its cosignatures. Public: it says how long the log is, no more.

    Where no witness is asked for, simply the newest.
    """
    text = proofs.head(Tree(gateway.log.rows), policy_of(gateway.deployment.directory))
    headers = {"Cache-Control": "no-cache"}
    return Response(text, headers=headers, media_type="text/plain; charset=utf-8")


@router.get("/v1/log/tile/entries/{path:path}", summary="A bundle of entries")
def log_entries(path: str, who: Who, request: Request, gateway: Open) -> Response:
    """C2SP tlog-tiles: at most 256 entries, for parties and auditors. Reading is logged."""
    tile = _tile(f"entries/{path}", gateway)
    _log_access(request.app.state, who, gateway)
    # Not for a cache: what it answers is not logged.
    headers = {"Cache-Control": "no-store"}
    return Response(Tree(gateway.log.rows).content(tile), headers=headers, media_type=TILE)


@router.get("/v1/log/tile/{path:path}", summary="A tile of hashes")
def log_tile(path: str, gateway: Open) -> Response:
    """C2SP tlog-tiles: at most 256 hashes of a level. Public; never changes."""
    content = Tree(gateway.log.rows).content(_tile(path, gateway))
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, headers=headers, media_type=TILE)


def _tile(path: str, gateway: Gateway) -> Tile:
    tile = parse(path)
    if tile is None or not tile.within(gateway.log.size()):
        raise SenderError("the log has no such tile", rule="log.tile", at="path", status=404)
    return tile


def _log_access(state: State, who: LogReader, gateway: Gateway) -> None:
    """Say in the log that somebody reads it, before they do: once for what they read in a row."""
    with _LOCK:
        if not hasattr(state, "readers"):
            state.readers = {}
        since: dict[str, float] = state.readers
        now = time.monotonic()
        if now - since.get(who.who, -READING_SECONDS) < READING_SECONDS:
            return
        gateway.log.append(access(gateway, who.who, "entries"))
        since[who.who] = now


def access(gateway: Gateway, who: str, what: str) -> dict[str, Any]:
    """The entry that says that somebody read the log."""
    return {
        "v": 1,
        "type": "access",
        "id": new_id(),
        "gateway": gateway.deployment.settings.gateway.name,
        "what": what,
        "who": who,
        "size": gateway.log.size(),
    }
