"""The envelope: from a document to the records of the registry in it."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from adapters.spdci.found import Found, plain, shown
from adapters.spdci.naming import authority_of
from adapters.spdci.persons import Scope
from adapters.spdci.records import canonical
from adapters.spdci.values import COUNT, is_empty
from gateway.errors import SenderError
from gateway.record import Reading, Record
from gateway.source.objects import objects

_PATH = "reg_records[]"

_OTHERS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("ciphertext", "encrypted_key"), "encrypted", "an encrypted message"),
    (
        ("search_request", "txnstatus_request", "enrolled_criteria", "disabled_criteria"),
        "request",
        "a request, which holds no records",
    ),
    (
        (
            "subscribe_request",
            "subscribe_response",
            "unsubscribe_request",
            "subscription_codes",
            "subscription_status",
        ),
        "subscription",
        "a subscription, which holds no records",
    ),
    (("ack_status", "error"), "acknowledgement", "an acknowledgement, which holds no records"),
    (("enrolled_response", "disabled_response"), "no_records", "a yes or no, without records"),
    (
        ("disbursements", "disburemsents", "disbursements_status"),
        "g2p",
        "a message of G2P Connect, which is another format",
    ),
)
"""Messages by a member that only they have, the rule that refuses them, and what they are."""

_ENCRYPTED = ("is_msg_encrypted", "encrypted")
_ENVELOPE = frozenset(
    (
        *("version", "message_id", "message_ts", "action", "status", "status_reason_code"),
        *("status_reason_message", "total_count", "completed_count", "sender_id", "sender_uri"),
        *("receiver_id", *_ENCRYPTED, "transaction_id", "correlation_id", "message"),
        *("reference_id", "timestamp", "locale", "data", "pagination", "reg_type"),
        *("reg_event_type", "reg_record_type", "reg_records", "txn_type", "txn_status"),
        *("receipt_type", "beneficiaries", "search_response", "results", "notify_event"),
        *("receipt_information", "enrolled_updates", "txnstatus_response"),
    )
)
"""Members that say how to handle a message. They belong to its way, not to anybody's record."""


def read(content: BinaryIO, only: str | None, reading: Reading) -> Iterator[Record]:
    """Every canonical record of a message, or of several as lines."""
    for found in objects(content, lambda document: (document,), exact=True):
        if found.twice:
            raise SenderError("a key stands twice", rule="json.key_twice", at=found.at)
        try:
            yield from _message(found.value, only, reading)
        except SenderError as error:
            at = ", ".join(filter(None, (found.at, error.at)))
            raise SenderError(error.problem, rule=error.rule, at=at) from None


def _message(document: Any, only: str | None, reading: Reading) -> Iterator[Record]:
    if not isinstance(document, dict) or not {"header", "message", "signature"} & document.keys():
        raise _refusal("not an SPDCI message", "not_a_message", "")
    header, message = document.get("header"), document.get("message")
    if isinstance(header, dict) and is_encrypted(header):
        raise _refusal("an encrypted message", "encrypted", "header")
    if not isinstance(message, dict) or is_empty(message):
        raise _refusal("a message with nothing in it", "no_message", "message")
    carried = list(_carried(message, "message", reading))
    if not isinstance(header, dict):
        raise _refusal("a message without a header", "header", "header")
    _told(header, "header", reading)
    reading.unmapped.update(
        shown(name) for name, one in document.items() if name not in _DOCUMENT and not is_empty(one)
    )
    if not carried and _is_rejected(header, message):
        raise _refusal("a request that was rejected, and no records", "rejected", "message")
    scope = Scope(only or authority_of(header.get("sender_id")), only)
    for number, record in enumerate(carried, 1):
        yield from canonical(Found(record, _PATH, f"record {number}", reading), scope)


def _refusal(problem: str, rule: str, at: str) -> SenderError:
    return SenderError(problem, rule=f"spdci.{rule}", at=at)


def is_encrypted(header: Mapping[str, Any]) -> bool:
    """Whether a header says that its message is encrypted, as true or as a text."""
    return any(str(header.get(name)).lower() == "true" for name in _ENCRYPTED)


def _is_rejected(header: Mapping[str, Any], message: Mapping[str, Any]) -> bool:
    """Whether it was said of the message, or of an answer in it, that nothing came of it."""
    for name in _AROUND:
        if isinstance(message.get(name), dict):
            return _is_rejected(header, message[name])
    answers = [one for name in _ANSWERS for one in _listed(message.get(name))]
    return any(one.get("status") == _REJECTED for one in (header, *answers))


def _carried(message: Mapping[str, Any], at: str, reading: Reading) -> Iterator[dict[str, Any]]:
    """Every record in a message. Raises `SenderError` for a message that holds none."""
    members = {name: value for name, value in message.items() if value not in _NOTHING}
    for names, rule, problem in _OTHERS:
        if any(name in members for name in names):
            raise _refusal(problem, rule, at)
    known = False
    _told(message, "message", reading)
    for name in _AROUND:
        if isinstance(members.get(name), dict):
            known = True
            yield from _carried(members[name], f"{at}.{name}", reading)
    for name in _ANSWERS:
        for number, one in enumerate(_listed(message.get(name)), 1):
            yield from _answered(one, f"{at}.{name}, item {number}", reading)
    for name in ("receipt_information", "enrolled_updates"):
        if isinstance(members.get(name), dict):
            _told(members[name], f"message.{name}", reading)
            yield from _records(members[name].get("beneficiaries"), f"{at}.{name}")
    if not known and not message.keys() & _CARRYING:
        raise _refusal("a message of no kind that is known", "message", at)


_NOTHING: tuple[object, ...] = (None, "", {})
_AROUND = ("message", "txnstatus_response", "txn_status")
_ANSWERS = ("search_response", "results", "notify_event")
_CARRYING = frozenset((*_ANSWERS, "receipt_information", "enrolled_updates"))
_REJECTED = "rjct"
_DOCUMENT = frozenset(("signature", "header", "message"))


def _answered(one: Any, at: str, reading: Reading) -> Iterator[dict[str, Any]]:
    """The records of one answer of several."""
    if not isinstance(one, dict):
        raise _refusal("not an answer", "message", at)
    if not one.keys() & {"data", "reg_records", "reference_id", "status"}:
        yield from _records(one, at)
        return
    _told(one, "message.search_response[]", reading)
    _paged(one.get("pagination"), reading)
    data = one.get("data", one)
    data = {} if is_empty(data) else data
    if not isinstance(data, dict):
        raise _refusal("not an answer", "message", f"{at}.data")
    _told(data, "message.search_response[].data", reading)
    records = data.get("reg_records")
    if is_empty(records) and one.get("status") == _REJECTED:
        reading.unmapped.add("message.search_response[].status")
    yield from _records(records, at)


def _paged(pagination: Any, reading: Reading) -> None:
    """A page that is not the last says so, for the rest did not come."""
    if not isinstance(pagination, dict):
        return
    try:
        size, page, total = (COUNT.read(pagination.get(name)) for name in _PAGE)
    except ValueError:
        return
    if size * page < total:
        reading.unmapped.add("message.search_response[].pagination")


_PAGE = ("page_size", "page_number", "total_count")


def _records(value: Any, at: str) -> Iterator[dict[str, Any]]:
    """Records in a list or alone. Some answers show them as the example of a schema."""
    for item in _listed(_shown(value, at)):
        if is_empty(item):
            continue
        record = _shown(item, at)
        if not isinstance(record, dict):
            raise _refusal("not a record", "record", at)
        yield record


def _shown(value: Any, at: str) -> Any:
    """The example of a schema that stands where records should. A schema without one is none."""
    if isinstance(value, dict) and value.get("type") in ("object", "array"):
        if not isinstance(value.get("example"), dict | list):
            raise _refusal("a schema instead of a record", "schema", at)
        return _shown(value["example"], at)
    return value


def _listed(value: Any) -> list[Any]:
    if is_empty(value):
        return []
    return value if isinstance(value, list) else [value]


def _told(members: Mapping[str, Any], path: str, reading: Reading) -> None:
    """Members of the envelope that are not the standard's."""
    others = {name: one for name, one in members.items() if plain(name) not in _ENVELOPE}
    Found(others, path, path, reading).left()
