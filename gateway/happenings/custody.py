"""What a recipient says about the copies a transfer gave it, and what it is asked.

    released -> acknowledged -> deleted (partial, done)
    recall: requested -> acknowledged -> done | partial | refused; overdue when nobody answers

A word is the recipient's alone. Partial and refused are not the end: what was refused may be
done later. Done is.
"""

import base64
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.canonical import canonical
from gateway.delivery.outbox import may_have_left
from gateway.deployment import Deployment
from gateway.entry import commitment_to, parse
from gateway.errors import SenderError
from gateway.happenings.certificate import About, Said, read
from gateway.happenings.looking import about, entry_named, open_work
from gateway.happenings.said import said, step
from gateway.log import Appended, Keep, Log
from gateway.moments import now_ms
from gateway.transfer import Gateway

RECALL = "recall"
"""Kind under which open recalls are kept, for the party that is asked."""
HOURS = 72
"""Until a recipient must say that it knows of a recall."""
REASONS = (
    "agreement_ended", "breach", "consent_withdrawn", "erasure", "objection",
    "programme_closed", "sent_in_error", "wrong_data",
)  # fmt: skip
"""Why something is recalled."""
NEXT = {
    "requested": ("acknowledged", "done", "partial", "refused"),
    "overdue": ("acknowledged", "done", "partial", "refused"),
    "acknowledged": ("done", "partial", "refused"),
    "partial": ("done",),
    "refused": ("done", "partial"),
}
"""Which answers may follow a state of a recall."""


@dataclass(slots=True)
class Recall:
    """How far one recall is."""

    id: str
    party: str
    state: str
    due: int
    reason: str
    steps: int = 0


@dataclass(slots=True)
class Held:
    """What is known of one recipient's copies, out of the entries."""

    acknowledged: bool = False
    deleted: str = ""
    words: int = 0
    """How often a deletion was told."""
    recalls: dict[str, Recall] = field(default_factory=dict)

    @property
    def open_recall(self) -> Recall | None:
        """The one that is not done. There is at most one."""
        return next((one for one in self.recalls.values() if one.state != "done"), None)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where words are taken: a log, and what people decided."""

    log: Log
    deployment: Deployment
    clock: Callable[[], int] = now_ms
    """Milliseconds since 1970."""

    @classmethod
    def of(cls, gateway: Gateway) -> "Desk":
        """The desk of a running gateway, with the files as it read them last."""
        return cls(gateway.log, gateway.deployment)

    @property
    def gateway(self) -> str:
        """Name of the gateway."""
        return self.deployment.settings.gateway.name


def held(log: Log, transfer: str) -> Held:
    """What the log says of the copies of a transfer."""
    state = Held()
    for one in about(log, transfer):
        if one["type"] != "custody":
            continue
        what = one["what"]
        state.acknowledged |= what == "acknowledged"
        if what == "deleted":
            state.deleted, state.words = one.get("state", "done"), state.words + 1
        if what == "recall" and one["state"] == "requested":
            recall = Recall(one["id"], one["party"], "requested", one["due"], one["reason"])
            state.recalls[one["id"]] = recall
        elif "recall" in one:
            recall = state.recalls[one["recall"]]
            recall.state, recall.steps = one["state"], recall.steps + 1
            if what == "answer" and one["state"] in ("done", "partial"):
                state.deleted = one["state"]
    return state


def transfer_of(log: Log, transfer: str, party: str) -> dict[str, Any]:
    """The entry of a transfer the party is part of; for all others there is none."""
    index = log.find(transfer)
    if index is not None:
        [(_, leaf)] = log.entries(index, 1)
        entry = parse(leaf)
        if party in (entry["sender"]["party"], entry["recipient"]["party"]):
            return entry
    raise SenderError("no such transfer", rule="transfer.unknown", status=404)


def acknowledge(desk: Desk, transfer: str, party: str, body: bytes) -> Appended:
    """The recipient has the content."""
    entry = _given(desk, transfer, party)
    word = _read(desk, body, About("acknowledged", transfer, party), entry)
    if word.word.state is not None:
        raise SenderError("has no state", rule="custody.form", at="state")
    _check_content(desk, entry, word.word.content)
    state = held(desk.log, transfer)
    if state.acknowledged or state.deleted:
        raise SenderError("told before", rule="custody.twice", status=409)
    return _say(desk, "acknowledged", entry, word, once=f"acknowledged/{transfer}")


def delete(desk: Desk, transfer: str, party: str, body: bytes) -> Appended:
    """The recipient deleted the content, or a part. Answers an open recall with the same state."""
    entry = _given(desk, transfer, party)
    word = _read(desk, body, About("deleted", transfer, party), entry)
    if word.word.state not in ("done", "partial"):
        raise SenderError("done or partial", rule="custody.form", at="state")
    _check_certificate(desk, entry, word)
    _check_content(desk, entry, word.word.content)
    state = held(desk.log, transfer)
    if state.deleted in ("done", word.word.state):
        raise SenderError("told before", rule="custody.twice", status=409)
    recall = state.open_recall
    once = f"deleted/{transfer}/{state.words}"
    if recall is not None:
        once = f"answer/{recall.id}/{recall.steps}"
    return _closed(desk, _say(desk, "deleted", entry, word, once=once, recall=recall), recall, word)


def answer(desk: Desk, recall_id: str, party: str, body: bytes) -> Appended:
    """The recipient answers a recall."""
    asked = entry_named(desk.log, recall_id)
    if asked is None or (asked["type"], asked.get("what"), asked.get("state")) != (
        "custody", "recall", "requested",
    ):  # fmt: skip
        raise _no_recall()
    if asked["party"] != party:
        raise _no_recall()
    entry = _given(desk, asked["transfer"], party)
    word = _read(desk, body, About("answer", asked["transfer"], party, recall_id), entry)
    recall = held(desk.log, asked["transfer"]).recalls[recall_id]
    if word.word.state is None:
        raise SenderError("an answer has a state", rule="custody.form", at="state")
    if word.word.state not in NEXT.get(recall.state, ()):
        raise SenderError("cannot follow what was said", rule="custody.state", status=409)
    if word.word.state in ("done", "partial"):
        _check_certificate(desk, entry, word)
    _check_content(desk, entry, word.word.content)
    once = f"answer/{recall_id}/{recall.steps}"
    return _closed(desk, _say(desk, "answer", entry, word, once=once, recall=recall), recall, word)


def _no_recall() -> SenderError:
    return SenderError("no such recall", rule="recall.unknown", status=404)


def asked_of(log: Log, party: str, after: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """Recalls that a party, or anybody, has yet to finish, oldest first."""
    found: list[dict[str, Any]] = []
    for key, value in open_work(log, RECALL, party, after):
        kept = json.loads(value)
        recall = held(log, kept["transfer"]).recalls.get(key)
        if recall is None or recall.state == "done":
            continue
        if len(found) == limit:
            break
        names = ("party", "state", "reason", "due")
        found.append({"recall": key, **kept, **{name: getattr(recall, name) for name in names}})
    return found


def recall(
    desk: Desk, transfers: Sequence[str], reason: str, *, party: str = "", by: str = ""
) -> list[dict[str, Any]]:
    """Ask every recipient of these transfers to delete what it got.

    `party` is the sender that asks; an officer of the gateway's own (`by`) asks for all. Nothing
    is asked unless everything named can be recalled. What still waits to be fetched is destroyed
    and needs no recall. A second call goes on where an interrupted one ended.
    """
    if reason not in REASONS:
        raise SenderError("not a reason known here", rule="recall.reason", at="reason")
    found = [_recallable(desk.log, name, party) for name in dict.fromkeys(transfers)]
    return [_ask(desk, entry, reason, by) for entry in found]


def _recallable(log: Log, transfer: str, party: str) -> dict[str, Any]:
    index = log.find(transfer)
    entry = None if index is None else parse(next(log.entries(index, 1))[1])
    mine = entry is not None and (not party or entry["sender"]["party"] == party)
    if entry is None or not mine:
        raise SenderError("no transfer of yours", rule="transfer.unknown", at=transfer, status=404)
    if entry["outcome"] != "released":
        raise SenderError("nothing left", rule="custody.not_released", at=transfer, status=409)
    return entry


def _ask(desk: Desk, entry: dict[str, Any], reason: str, by: str) -> dict[str, Any]:
    transfer, recipient = entry["id"], entry["recipient"]["party"]
    answered = {"transfer": transfer, "party": recipient}
    if desk.log.destroy("content", transfer):
        if may_have_left(desk.log, [transfer]):
            desk.log.done(transfer)  # a push was tried: perhaps the recipient has it
        else:
            # Whoever destroys it knows that nobody fetched it, and nobody can any more.
            desk.log.never_left([transfer])
    if desk.log.state(transfer) == "not_released":
        return {**answered, "state": "never_left"}
    state = held(desk.log, transfer)
    if state.deleted == "done":
        return {**answered, "state": "done"}
    recall = state.open_recall
    if recall is not None:
        return {**answered, "recall": recall.id, "state": recall.state, "due": recall.due}
    due = desk.clock() + HOURS * 3_600_000
    asked = said(
        "custody", desk.gateway, what="recall", transfer=transfer, party=recipient,
        state="requested", reason=reason, due=due, signers=[by] if by else None,
    )  # fmt: skip
    kept = canonical({"transfer": transfer, "by": entry["sender"]["party"]})
    once = f"recall/{transfer}/{len(state.recalls)}"
    step(desk.log, asked, once=once, keep=[Keep(RECALL, asked["id"], kept, owner=recipient)])
    return {**answered, "recall": asked["id"], "state": "requested", "due": due}


def _given(desk: Desk, transfer: str, party: str) -> dict[str, Any]:
    """The entry of a transfer whose content this party got. Raises for all that is not that."""
    entry = transfer_of(desk.log, transfer, party)
    if entry["recipient"]["party"] != party:
        raise SenderError("the recipient's to say", rule="custody.not_yours", status=403)
    if entry["outcome"] != "released" or desk.log.state(transfer) == "not_released":
        raise SenderError("nothing left", rule="custody.not_released", status=409)
    if desk.log.kept("content", transfer) is not None:
        raise SenderError("its content was not fetched", rule="custody.not_fetched", status=409)
    return entry


def _read(desk: Desk, body: bytes, of: About, entry: dict[str, Any]) -> Said:
    keys = desk.deployment.parties[of.party].get("keys", ())
    return read(body, of, keys, since=entry["time"], now=desk.clock())


def _check_certificate(desk: Desk, entry: dict[str, Any], word: Said) -> None:
    agreement = desk.deployment.agreements.get(entry["agreement"]["id"], {})
    if agreement.get("deletion_certificate_required") and not word.document:
        raise SenderError("the agreement asks for a signed word", rule="custody.unsigned")


def _check_content(desk: Desk, entry: dict[str, Any], digest: str | None) -> None:
    """Whether the digest of what was received is that of what left."""
    if digest is None:
        return
    receipt = desk.log.kept("receipt", entry["id"])
    salt = orjson.loads(receipt.value)["opening"].get("content") if receipt else None
    if salt is None:
        raise SenderError("the receipt is no longer kept", rule="receipt.gone", status=410)
    raw = base64.urlsafe_b64decode(salt + "=" * (-len(salt) % 4))
    mine = commitment_to(bytes.fromhex(digest.removeprefix("sha256:")), raw)
    if not hmac.compare_digest(mine, entry["content"]):
        raise SenderError("not the content that left", rule="custody.content", at="content")


def _say(
    desk: Desk,
    what: str,
    entry: dict[str, Any],
    word: Said,
    *,
    once: str,
    recall: Recall | None = None,
) -> Appended:
    told = said(
        "custody", desk.gateway, what=what, transfer=entry["id"],
        party=entry["recipient"]["party"], state=word.word.state, reason=word.word.reason,
        recall=recall.id if recall else None, certificate=word.certificate,
        signers=[word.signer] if word.signer else None,
    )  # fmt: skip
    documents = [("certificate", word.document)] if word.document else []
    return step(desk.log, told, once=once, documents=documents)


def _closed(desk: Desk, appended: Appended, recall: Recall | None, word: Said) -> Appended:
    if recall is not None and word.word.state == "done":
        desk.log.destroy(RECALL, recall.id)
    return appended
