"""What a payload is made of: messages of one shape each.

UNHCR to a partner:

    {"interventions": [{"progres_interventionnumber": ...}], "request_type": "PrimeroOutgoingReferral"}
    {"interventions": [{"progres_reviewdecision": ...}], "request_type": "PrimeroIncomingReferralDecision"}

a partner to UNHCR, one object a message:

    {"request_type": "ReceiveIncomingReferral", "unhcr_individual_no": ...}
    {"request_type": "ReceiveDecisionOutgoingReferral", "progres_interventionnumber": ..., "status": ...}

and as they are stored on the way: bare rows and lists of rows, results of a FetchXML query as
JSON, and Primero's case as it was before it was made a referral.
"""  # noqa: E501 - a message is one line

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from adapters.flat.reading import shown
from adapters.primero.facts import READ
from adapters.progres.referral import fields
from adapters.progres.referral.fetchxml import is_page, is_query, rows_of
from gateway.errors import SenderError
from gateway.record import Reading
from gateway.source.markup import Markup, local
from gateway.source.objects import Found, objects

SERVICES = "services_section"
ROWS, DECISIONS, NOTICE, INCOMING, CASE = "rows", "decisions", "notice", "incoming", "case"
Shape = str

REFERRED = "PrimeroOutgoingReferral"
DECIDED = "PrimeroIncomingReferralDecision"
SENT = "ReceiveIncomingReferral"
ANSWERED = "ReceiveDecisionOutgoingReferral"
FEEDBACK = "Feedback"
REQUESTS: Mapping[str, frozenset[Shape]] = {
    REFERRED: frozenset((ROWS,)),
    DECIDED: frozenset((DECISIONS, NOTICE)),
    "decision": frozenset((DECISIONS,)),
    SENT: frozenset((INCOMING, CASE)),
    ANSWERED: frozenset((NOTICE,)),
    FEEDBACK: frozenset((NOTICE,)),
}
"""What a message asks for, and the shapes that can ask it. Any other is refused: it may ask to
take something back."""

_DECISION = frozenset((fields.DECISION, fields.ORG_REFERRAL, fields.REFERRAL_NO))
_ROW = frozenset((fields.INTERVENTION_NO, fields.INTERVENTION_ID))
_INCOMING = frozenset((fields.INDIVIDUAL_NO, "service_type", "service_implementing_agency"))
"""A referral without a request type has one of these."""
_RECORD = frozenset(("case_id", "case_id_display", "short_id", "module_id", "owned_by", SERVICES))
"""And none of these: they are of a record of Primero, of which nobody says that it is referred."""
_ENVELOPE = frozenset(("interventions", "request_type"))
_WRAPPED = "_json"
"""A list that came as the body of a request, as the partner's integration keeps it."""


@dataclass(frozen=True, slots=True)
class Message:
    """Objects of one shape that came together."""

    shape: Shape
    items: Sequence[Mapping[str, Any]] = field(repr=False)
    at: str
    """Where they stand, for errors: `line 2, ` or nothing."""
    asks: str | None = None
    """Its request type."""


def messages(content: BinaryIO, reading: Reading) -> Iterator[Message]:
    """Every message of a payload. Raises `SenderError` for other documents."""
    _refuse_markup(content)
    for found in objects(content, lambda value: (value,)):
        _once(found, reading)
        yield from _of(found.value, f"{found.at}, " if found.at else "", reading)


def _refuse_markup(content: BinaryIO) -> None:
    content.seek(0)
    first = content.read(512).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    content.seek(0)
    if first != b"<":
        return
    root = local(Markup(content).root)
    if root == "fetch":
        raise _query()
    raise SenderError("XML, where a referral is JSON", rule="progres.not_json")


def _query() -> SenderError:
    return SenderError(
        "a FetchXML query: it asks for interventions and holds none", rule="progres.query"
    )


def _once(found: Found, reading: Reading) -> None:
    for key in found.twice:
        if key.startswith(("progres_", *_PREFIXES)) or key in _NAMES:
            raise SenderError(
                "a key stands twice with different values",
                rule="json.key_twice",
                at=", ".join(part for part in (found.at, shown(key)) if part),
            )
        reading.repeated.add(shown(key))


_PREFIXES = ("individuals.", "languages.", "specificneeds.", "user.", "childprotection.", "gbv_")
_TABLES = (fields.CASE_ROW, fields.PERSON_ROW, fields.NOTICE, fields.INCOMING)
_NAMES = {source for table in _TABLES for item in table for source in item.sources} | {
    *_ENVELOPE, "Id", "Name", "id", "result", "user", "language", SERVICES,
    fields.CONCERNS, *fields.NEED_CODES, "unique_id", "owned_by",
    "unhcr_export_opt_in",
    "@name", "#text", "service_implementing_agency", "unhcr_referral_status",
    "unhcr_needs_codes", *READ,
}  # fmt: skip
"""Keys somewhere in a payload whose values are read."""


def _of(value: Any, at: str, reading: Reading) -> Iterator[Message]:
    if isinstance(value, list):
        yield from _parted(value, at, reading)
        return
    if not isinstance(value, dict):
        raise _stranger(at)
    if is_query(value):
        raise _query()
    if is_page(value):
        rows = [dict(row) for row in rows_of(value, at, reading)]
        yield from _listed(rows, at, None, reading)
    elif _WRAPPED in value:
        reading.unmapped.update(shown(key) for key in value if key != _WRAPPED and value[key])
        if not isinstance(value[_WRAPPED], list):
            raise SenderError("not a list", rule="progres.not_a_referral", at=f"{at}{_WRAPPED}")
        yield from _parted(value[_WRAPPED], at, reading)
    elif "interventions" in value:
        yield from _enveloped(value, at, reading)
    else:
        yield from _listed([value], at, _asked(value, at), reading)


def _parted(items: Sequence[Any], at: str, reading: Reading) -> Iterator[Message]:
    """A list of objects, or of messages as an inbox keeps them."""
    if not any(isinstance(item, dict) and "interventions" in item for item in items):
        yield from _listed(items, at, None, reading)
        return
    for number, item in enumerate(items, 1):
        place = f"{at}message {number}"
        if isinstance(item, dict) and "interventions" in item:
            yield from _enveloped(item, f"{place}, ", reading)
        else:
            yield from _listed([item], f"{place}, ", None, reading)


def _enveloped(value: Mapping[str, Any], at: str, reading: Reading) -> Iterator[Message]:
    reading.unmapped.update(
        shown(key) for key, inner in value.items() if key not in _ENVELOPE and inner
    )
    rows = value["interventions"]
    if not isinstance(rows, list):
        raise SenderError("not a list", rule="progres.not_a_referral", at=f"{at}interventions")
    yield from _listed(rows, at, _asked(value, at), reading)


def _asked(value: Mapping[str, Any], at: str) -> str | None:
    asks = value.get("request_type")
    if asks is None:
        return None
    if not isinstance(asks, str) or asks not in REQUESTS:
        raise SenderError(
            "a request type that is not read", rule="progres.request_type", at=f"{at}request_type"
        )
    return asks


def _listed(items: Sequence[Any], at: str, asks: str | None, reading: Reading) -> Iterator[Message]:
    """Rows belong together; every other object is a message of its own."""
    rows = []
    for number, item in enumerate(items, 1):
        place = f"{at}item {number}"
        shape = shape_of(item, place)
        asked = asks or _asked(item, f"{place}, ")
        if asked is not None and shape not in REQUESTS[asked]:
            raise SenderError(
                "a request type of another message", rule="progres.request_type", at=place
            )
        if shape == ROWS:
            rows.append(item)
        else:
            yield Message(shape, (item,), place, asked)
    if rows:
        yield Message(ROWS, rows, at, asks)


def shape_of(item: Any, at: str) -> Shape:
    """What an object is, by the fields that no other shape has."""
    if not isinstance(item, dict):
        raise _stranger(at)
    keys = item.keys()
    if keys & _DECISION:
        return DECISIONS
    if "status" in keys and fields.INTERVENTION_NO in keys:
        return NOTICE
    if keys & _ROW:
        return ROWS
    if SERVICES in keys and "case_id" in keys:
        return CASE
    asked = item.get("request_type") == SENT
    if "id" in keys and (asked or (keys & _INCOMING and not keys & _RECORD)):
        return INCOMING
    raise _stranger(at)


def _stranger(at: str) -> SenderError:
    return SenderError(
        "neither an intervention, nor a referral, nor a decision",
        rule="progres.not_a_referral",
        at=at.removesuffix(", "),
    )
