"""Every call of the API, without the network: each is a generator that yields what to send and
is given the answer, so that the client with threads and the one without share all of it.
"""

import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import orjson

from corridor.answers import (
    Answer,
    Content,
    Made,
    Page,
    Payload,
    Preview,
    Receipt,
    State,
    Terms,
    digest_of,
)
from corridor.failures import ProblemError, UnreachableError


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Payload | None = field(default=None, repr=False)
    again: bool = True
    """It may be sent twice: the second does nothing, or the first is known not to have worked."""
    into: Path | None = None
    """File the body is written to, as it comes."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


R = TypeVar("R")
Flow = Generator[Call | Pause, Answer, R]


def preview(terms: Terms, content: Payload) -> Flow[Preview]:
    """What would leave. Nothing is logged, and the recipient is not told."""
    held = (yield _sending("/v1/preview", terms, content, {})).json()
    return Preview(held["outcome"], held["details"])


def transfer(
    terms: Terms,
    content: Payload,
    *,
    key: str | None = None,
    take: bool = False,
    later: bool = False,
    lenient: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Flow[Made]:
    """One transfer. Refused and held are answers, with receipts, not exceptions.

    `key`: idempotency key; say one of your own where your program may be restarted and asks
    again. `take`: the content comes with the answer, once. `later`: answered at once, worked on
    afterwards (`wait`). `lenient`: records that are not sound are left out, and the receipt lists
    them under `details.faults`. `headers`: for example `Content-Type` and `Content-Encoding` of a
    packed stream.
    """
    wishes = {
        "return=representation": take,
        "respond-async": later,
        "handling=lenient": lenient,
    }
    prefer = ", ".join(name for name, wished in wishes.items() if wished)
    said = {"Idempotency-Key": key or str(uuid.uuid4()), **(headers or {})}
    if prefer:
        said["Prefer"] = prefer
    answer = yield _sending("/v1/transfers", terms, content, said)
    id_ = _named(answer)
    if "describedby" in answer.headers.get("link", ""):
        held = yield from receipt(id_)
        return Made(id_, held.outcome, held, answer.body, answer.media_type)
    if answer.status == 202 and "entry" not in answer.json():
        return Made(id_, "queued")
    held = Receipt.of(answer.body)
    return Made(id_, held.outcome, held, repeated="idempotency-replayed" in answer.headers)


def state(transfer: str) -> Flow[State]:
    """Where a transfer of yours is."""
    said = (yield Call("GET", _of(transfer))).json()
    return State(transfer, str(said["state"]), said)


def wait(
    transfer: str,
    *,
    seconds: float = 3600,
    every: float = 1.0,
    told: Callable[[State], None] | None = None,
) -> Flow[State]:
    """Ask until the gateway has finished its work on it. `told` is given every state on the way.

    Raises `UnreachableError` after `seconds`; the gateway goes on.
    """
    left = seconds
    while True:
        now = yield from state(transfer)
        if told is not None:
            told(now)
        if not now.working:
            return now
        if left <= 0:
            raise UnreachableError("not finished in time")
        yield Pause(every)
        left -= every


def cancel(transfer: str) -> Flow[State]:
    """Take a job back. `cancelling`: it was under way just now; `state` says what came of it."""
    said = (yield Call("DELETE", _of(transfer))).json()
    return State(transfer, str(said["state"]), said)


def evidence(transfer: str) -> Flow[bytes]:
    """What you signed when you asked for it, to be kept as it is: see `corridor party evidence`."""
    return (yield Call("GET", f"{_of(transfer)}/evidence")).body


def receipt(transfer: str) -> Flow[Receipt]:
    """The receipt, byte for byte as the sender got it."""
    return Receipt.of((yield Call("GET", f"{_of(transfer)}/receipt")).body)


def content(transfer: str, into: Path | None = None) -> Flow[Content]:
    """The content, once: the gateway destroys its copy. With `into`, written to this file as it
    comes; the file is there only when all of it came."""
    # Not again: once it was sent it is gone there, and a second answer would hide that.
    answer = yield Call("GET", f"{_of(transfer)}/content", again=False, into=into)
    return Content(answer.media_type, answer.sha256, answer.size, answer.body)


def delivery(transfer: str) -> Flow[dict[str, Any]]:
    """What became of a push: attempts, and what the recipient's system said of each record."""
    return _object((yield Call("GET", f"{_of(transfer)}/delivery")))


def acknowledge(transfer: str, sha256: str | None = None) -> Flow[dict[str, Any]]:
    """Say once that you have the content; with its digest, that it is what left."""
    said = {} if sha256 is None else {"content": f"sha256:{sha256}"}
    return _object((yield _saying(f"{_of(transfer)}/acknowledgement", said)))


def delete(transfer: str, said: Mapping[str, Any]) -> Flow[dict[str, Any]]:
    """Say that you deleted it: `{"state": "done"}`; `partial`, with a reason; `{"signed": ...}`."""
    return _object((yield _saying(f"{_of(transfer)}/deletion", said)))


def custody(transfer: str) -> Flow[list[dict[str, Any]]]:
    """All that was said of the copies."""
    return _items((yield Call("GET", f"{_of(transfer)}/custody")))


def recall(transfers: list[str], reason: str) -> Flow[list[dict[str, Any]]]:
    """As their sender, ask every recipient of these transfers to delete."""
    said = {"transfers": transfers, "reason": reason}
    # A repetition asks nobody twice.
    return _items((yield _saying("/v1/recalls", said, again=True)))


def answer_recall(recall_id: str, said: Mapping[str, Any]) -> Flow[dict[str, Any]]:
    """`{"state": "acknowledged"}`, then `done`, or `partial` or `refused` with a reason."""
    return _object((yield _saying(f"/v1/recalls/{quote(recall_id, safe='')}/answer", said)))


def page(path: str, params: Mapping[str, str], after: str | None) -> Flow[Page]:
    """One page of a list, after the place that the page before named."""
    where = {} if after is None else {"after": after}
    answer = yield Call("GET", path, {**params, **where})
    held = answer.json()
    return Page(held["items"], _next(answer, held))


def discovered(path: str) -> Flow[Any]:
    """A JSON document that anybody, or any party, may read."""
    return (yield Call("GET", path)).json()


def text(path: str) -> Flow[str]:
    """A text that anybody may read."""
    return (yield Call("GET", path)).body.decode("utf-8")


def inclusion(index: int) -> Flow[dict[str, Any]]:
    """Proof that an entry is in the log."""
    return _object((yield Call("GET", "/v1/log/proofs/inclusion", {"index": str(index)})))


def consistency(old: int, new: int) -> Flow[dict[str, Any]]:
    """Proof that the log only grew between two sizes."""
    sizes = {"old": str(old), "new": str(new)}
    return _object((yield Call("GET", "/v1/log/proofs/consistency", sizes)))


def failed(call: Call, answer: Answer) -> ProblemError | None:
    """The problem in an answer. A refusal of `/v1/transfers` has status 403 and is none."""
    if answer.status < 300:
        return None
    if call.path == "/v1/transfers" and answer.status == 403 and answer.media_type == JSON:
        return None
    return ProblemError.of(answer.status, answer.headers, answer.body)


JSON = "application/json"


def _sending(path: str, terms: Terms, content: Payload, said: Mapping[str, str]) -> Call:
    digest = digest_of(content)
    headers = {**said} if digest is None else {**said, "Content-Digest": digest}
    headers.setdefault("Content-Type", "application/octet-stream")
    return Call("POST", path, terms.query(), headers, content, again=digest is not None)


def _saying(path: str, said: Mapping[str, Any], *, again: bool = False) -> Call:
    body = orjson.dumps(said)
    headers = {"Content-Type": JSON, "Content-Digest": digest_of(body) or ""}
    return Call("POST", path, {}, headers, body, again=again)


def _of(transfer: str) -> str:
    return f"/v1/transfers/{quote(transfer, safe='')}"


def _named(answer: Answer) -> str:
    """The transfer's id, from `Location`. Only its last part is used: never another server."""
    address: str = answer.headers.get("location", "")
    id_ = urlsplit(address).path.rpartition("/")[2]
    if not id_:
        raise UnreachableError("an answer without Location; is this a gateway?")
    return id_


def _next(answer: Answer, held: Mapping[str, Any]) -> str | None:
    """Where the next page begins: `next` of the page, or `after` in `Link: ...; rel="next"`."""
    if held.get("next"):
        return str(held["next"])
    links: str = answer.headers.get("link", "")
    for one in links.split(","):
        address, _, rest = one.strip().partition(">")
        if 'rel="next"' in rest:
            return parse_qs(urlsplit(address[1:]).query).get("after", [None])[0]
    return None


def _object(answer: Answer) -> dict[str, Any]:
    held: dict[str, Any] = answer.json()
    return held


def _items(answer: Answer) -> list[dict[str, Any]]:
    held: list[dict[str, Any]] = answer.json()["items"]
    return held
