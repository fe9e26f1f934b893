"""How each system names a record and its version, whichever way the record came.

The same record must be known again when a hook and a poll both bring it, so what is taken from it
is what both have.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.routes.slices import said

MAX_ID = 300
Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """A record's name in its system. An empty name or version: its content says which it is."""

    record: str = field(default="", repr=False)
    version: str = field(default="", repr=False)
    before: str = field(default="", repr=False)
    """The version this one replaces, where the record says so."""
    order: int = 0
    """Microseconds since 1970 of the version; 0 where the system does not say."""


def known(system: str, value: Any, headers: Headers, kind: str = "") -> Known:
    """What a record is called. `kind` is what was asked for, where the record does not say it."""
    found = _WAYS.get(system, _generic)(value, headers, kind)
    # Longer ones would only be a way to fill the memory; their digest is as good.
    return found if len(found.record) <= MAX_ID and len(found.version) <= MAX_ID else Known()


def moment(text: str) -> int:
    """Microseconds since 1970 of a time, UTC where it has no zone; 0 for none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return 0
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    try:
        return round(found.timestamp() * 1_000_000)
    except (OverflowError, ValueError):
        return 0


def _timed(record: str, when: str) -> Known:
    """A version that is a time: known by the moment, for a hook and a poll spell it otherwise."""
    order = moment(when)
    return Known(record, f"at {order}" if order else when, order=order)


def _bare(name: str) -> str:
    return name.removeprefix("uuid:")


def _openrosa(value: Any, headers: Headers, kind: str) -> Known:
    instance = _bare(
        said(value, "meta/instanceID", "meta instanceID", "submission meta instanceID", "_uuid")
    )
    before = _bare(
        said(value, "meta/deprecatedID", "meta deprecatedID", "submission meta deprecatedID")
    )
    root = _bare(said(value, "meta/rootUuid", "meta rootUuid", "submission meta rootUuid"))
    order = moment(said(value, "_date_modified"))
    # An edit has a new id; before the server says the root, it replaces the first version.
    return Known(root or before or instance, instance, before, order)


def _odk(value: Any, headers: Headers, kind: str) -> Known:
    record = _bare(said(value, "__id", "meta instanceID"))
    when = said(value, "__system updatedAt", "__system submissionDate")
    return _timed(record, when)


def _commcare(value: Any, headers: Headers, kind: str) -> Known:
    case = said(value, "case_id", "@case_id")
    if case:
        forwarded = headers.get("server-modified-on", "")
        when = said(value, "server_date_modified", "server_last_modified") or forwarded
        when = when or said(value, "date_modified", "last_modified", "@date_modified")
        return _timed(f"case:{case}", when)
    form = said(value, "id", "form meta instanceID", "meta instanceID")
    when = said(value, "edited_on", "received_on") or headers.get("received-on", "")
    return _timed(f"form:{form}" if form else "", when or form)


_SINGULAR = {
    "cases": "case",
    "incidents": "incident",
    "tracing_requests": "tracing_request",
    "families": "family",
    "registry_records": "registry_record",
}


def _primero(value: Any, headers: Headers, kind: str) -> Known:
    inner = value.get("data") if isinstance(value, dict) else None
    body = inner if isinstance(inner, dict) else value
    record = said(body, "record_id", "id") or said(value, "id")
    sort = said(body, "record_type") or _SINGULAR.get(kind, kind) or "case"
    when = said(body, "last_updated_at")
    return _timed(f"{sort}:{record}" if record else "", when)


def _rapidpro(value: Any, headers: Headers, kind: str) -> Known:
    path = value.get("path") if isinstance(value, dict) else None
    steps = path if isinstance(path, list) else []
    # A run is told by hook and poll alike up to its last step; contacts have no steps.
    when = said(steps[-1], "arrived_on", "time") if steps else said(value, "modified_on")
    run = said(value, "run uuid")
    if not run and said(value, "flow uuid"):
        run = said(value, "uuid") or f"{said(value, 'flow uuid')}/{said(value, 'contact uuid')}"
    contact = said(value, "uuid")
    if run:
        return _timed(f"run:{run}", when)
    return _timed(f"contact:{contact}" if contact else "", when)


def _ushahidi(value: Any, headers: Headers, kind: str) -> Known:
    post = said(value, "id", "result id")
    when = said(value, "updated", "result updated", "created", "result created")
    return _timed(f"post:{post}" if post else "", when)


_DHIS2 = {"trackedEntities": "trackedEntity", "enrollments": "enrollment", "events": "event"}


def _dhis2(value: Any, headers: Headers, kind: str) -> Known:
    if said(value, "dataSet"):
        # A set of figures has no version: what stands in it is one.
        return Known("/".join(said(value, one) for one in ("dataSet", "period", "orgUnit")))
    # An event names its enrollment and its person too: the innermost name is its own.
    names = (_DHIS2[kind],) if kind in _DHIS2 else ("event", "enrollment", "trackedEntity")
    for name in names:
        if uid := said(value, name):
            return _timed(f"{name}:{uid}", said(value, "updatedAt", "createdAt"))
    return Known()


def _generic(value: Any, headers: Headers, kind: str) -> Known:
    # Standard Webhooks: the id of the message, the same for each attempt.
    return Known(headers.get("webhook-id") or headers.get("idempotency-key", ""), "message")


_WAYS: Mapping[str, Callable[[Any, Headers, str], Known]] = {
    "kobo": _openrosa,
    "ona": _openrosa,
    "odk": _odk,
    "commcare": _commcare,
    "primero": _primero,
    "rapidpro": _rapidpro,
    "ushahidi": _ushahidi,
    "dhis2": _dhis2,
}
