"""The envelope of G2P Connect: from a document to its payments."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from adapters.g2p.payments import Disbursement, payment
from adapters.spdci.found import shown
from adapters.spdci.messages import is_encrypted
from adapters.spdci.naming import authority_of
from adapters.spdci.values import is_empty
from gateway.errors import SenderError
from gateway.record import Reading, Record
from gateway.source.objects import objects

_LISTS = ("disbursements", "disburemsents")
_OTHERS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("ciphertext", "encrypted_key"), "encrypted", "an encrypted message"),
    (("ack_status", "error"), "acknowledgement", "an acknowledgement, which holds no payments"),
    (
        ("disbursements_status", "txnstatus_response"),
        "status",
        "states of payments: an answer, and no payments",
    ),
    (
        ("search_criteria", "search_request", "txnstatus_request"),
        "request",
        "a search, which holds no payments",
    ),
    (
        tuple(
            f"{verb}_{kind}"
            for verb in ("link", "update", "unlink", "resolve")
            for kind in ("request", "response")
        ),
        "mapper",
        "a message of the mapper, which links ids to accounts and pays nothing",
    ),
    (
        ("search_response", "notify_event"),
        "registry",
        "a message of a registry, which is another format",
    ),
)
"""Messages by a member that only they have, the rule that refuses them, and what they are."""

_HEADER = frozenset(
    (
        *("version", "message_id", "message_ts", "action", "sender_id", "sender_uri"),
        *("receiver_id", "total_count", "is_msg_encrypted"),
    )
)
_DOCUMENT = frozenset(("signature", "header", "message"))
_MESSAGE = frozenset(("transaction_id", *_LISTS))


def read(content: BinaryIO, only: str | None, nobody: str, reading: Reading) -> Iterator[Record]:
    """Every payment of a message, or of several as lines."""
    for found in objects(content, lambda document: (document,), exact=True):
        if found.twice:
            raise SenderError("a key stands twice", rule="json.key_twice", at=found.at)
        before = f"{found.at}, " if found.at else ""
        header, listed = _payments(found.value, reading, before)
        sender = authority_of(header.get("sender_id"), nobody)
        for number, one in enumerate(listed, 1):
            at = f"{before}disbursement {number}"
            if not isinstance(one, dict):
                raise _refusal("not a payment", "payment", at)
            yield payment(Disbursement(one, "disbursements[]", at, reading), only or sender)


def _payments(document: Any, reading: Reading, before: str) -> tuple[Mapping[str, Any], list[Any]]:
    """The header and the list of a message. Raises `SenderError` for one without payments."""
    header = document.get("header") if isinstance(document, dict) else None
    message = document.get("message") if isinstance(document, dict) else None
    if isinstance(header, dict) and is_encrypted(header):
        raise _refusal("an encrypted message", "encrypted", f"{before}header")
    if not isinstance(message, dict):
        raise _refusal("not a message of G2P Connect", "not_a_message", f"{before}message")
    said = {name: value for name, value in message.items() if value not in (None, "", {})}
    for names, rule, problem in _OTHERS:
        if any(name in said for name in names):
            raise _refusal(problem, rule, f"{before}message")
    if not isinstance(header, dict):
        raise _refusal("a message without a header", "header", f"{before}header")
    listed = [said[name] for name in _LISTS if said.get(name)]
    if not listed and not message.keys() & set(_LISTS):
        raise _refusal("not a list of payments", "not_a_message", f"{before}message")
    if any(one != listed[0] for one in listed):
        raise _refusal("two lists of payments", "two_values", f"{before}message.disbursements")
    if listed and not isinstance(listed[0], list):
        raise _refusal("not a list of payments", "payment", f"{before}message.disbursements")
    reading.unmapped.update(
        shown(name) for name, one in document.items() if name not in _DOCUMENT and not is_empty(one)
    )
    for part, path, known in ((header, "header", _HEADER), (message, "message", _MESSAGE)):
        others = {name: value for name, value in part.items() if name not in known}
        Disbursement(others, path, path, reading).left()
    return header, listed[0] if listed else []


def _refusal(problem: str, rule: str, at: str) -> SenderError:
    return SenderError(problem, rule=f"g2p.{rule}", at=at)
