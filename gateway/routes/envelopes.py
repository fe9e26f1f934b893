"""What a system's hook sends, taken apart into records an adapter reads one by one.

What a hook says of its own body is not asked: CommCare calls JSON `text/xml`. What stands in an
envelope beside its records and is not known is refused, for it would be gone without a word.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import SenderError
from gateway.routes.identified import Headers, Known, known
from gateway.routes.slices import Slice, whole
from gateway.source.markup import Element, Markup, local

MAX_ITEMS = 1000
"""Records in one request. More is a bulk transfer: `POST /v1/transfers`."""

LISTS: Mapping[str, tuple[str, ...]] = {
    "kobo": ("results",),
    "ona": ("results",),
    "odk": ("value", "entities"),
    "commcare": ("objects", "cases"),
    "primero": ("data",),
    "rapidpro": ("results",),
    "ushahidi": ("results",),
    "dhis2": ("trackedEntities", "enrollments", "events"),
}
"""Where a system's envelopes have their records."""

_AROUND = frozenset(
    {"count", "next", "previous", "meta", "metadata", "pager", "total", "limit", "offset"}
    | {"matching_records", "total_count", "order", "orderby", "curr", "prev", "page", "pageSize"}
    | {"@odata.context", "@odata.count", "@odata.nextLink", "instances", "pageCount"}
)
"""What stands around records in a page."""

_NOTHING: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class Item:
    """One record as its system wrote it."""

    content: bytes = field(repr=False)
    known: Known = field(repr=False)


def items(system: str, content: bytes, headers: Headers) -> list[Item]:
    """The records of a hook's body. Raises `SenderError` for what is no such body."""
    if system == "generic":
        return [Item(content, known(system, None, headers))]
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return [Item(content, known(system, _ids(content), headers))]
    document = whole(content)
    if system == "dhis2":
        document = _hooked(document)
    found = _listed(system, document)
    if found is None:
        return [_single(system, document, headers)]
    if not found[1]:
        raise SenderError("there is no record in it", rule="record.none")
    return list(each(system, *found, headers))


def each(system: str, kind: str, found: list[Slice], headers: Headers) -> Iterator[Item]:
    """Records of a list of their system. `kind` is what the list was called."""
    if len(found) > MAX_ITEMS:
        raise SenderError("too many records at once", rule="route.too_many", status=413)
    for one in found:
        text = one.text
        if system == "dhis2":
            text = f'{{"{kind}":[{text}]}}'
        yield Item(text.encode(), known(system, one.value, headers, kind))


def _listed(system: str, document: Slice) -> tuple[str, list[Slice]] | None:
    """The list of an envelope, by its name; None for a single record."""
    if isinstance(document.value, list):
        if document.value and isinstance(document.value[0], list):
            return None  # rows of Flow Results: a submission is spread over several
        return "", document.items()
    if not isinstance(document.value, dict):
        raise SenderError("neither a record nor a list of them", rule="route.body")
    lists = [name for name in LISTS[system] if isinstance(document.value.get(name), list)]
    if len(lists) != 1 or document.value.get("dataValues"):
        return None  # several kinds that belong together, or one record
    [name] = lists
    if system == "dhis2" and {"trackedEntity", "enrollment", "event"} & document.value.keys():
        return None
    beside = {key for key, one in document.value.items() if one not in _NOTHING} - _AROUND
    if beside - {name}:
        raise SenderError("something stands beside the records", rule="route.envelope")
    return name, document.members()[name].items()


def _single(system: str, document: Slice, headers: Headers) -> Item:
    value = document.value if isinstance(document.value, dict) else {}
    if system == "commcare" and {"form_id", "case_ids"} <= value.keys():
        raise SenderError("a notice without its form: forward forms", rule="commcare.notice")
    if system in ("kobo", "ona") and len(value) == 1:
        # A template of the sender's own around what Kobo sends.
        [inner] = document.members().values()
        if isinstance(inner.value, dict) and known(system, inner.value, headers).record:
            document = inner
    return Item(document.text.encode(), known(system, _inner(system, document.value), headers))


def _inner(system: str, value: Any) -> Any:
    data = value.get("data") if isinstance(value, dict) else None
    return data if system == "commcare" and isinstance(data, dict) else value


def _hooked(document: Slice) -> Slice:
    """The object of DHIS2's event hook: `{"path": ..., "meta": {"op": ...}, "object": {...}}`."""
    value = document.value
    if not isinstance(value, dict) or not isinstance(value.get("object"), dict):
        return document
    meta = value.get("meta")
    if isinstance(meta, dict) and meta.get("op") == "delete":
        raise SenderError("something was deleted: nothing to carry", rule="route.deletion")
    inner = document.members()["object"]
    for kind, name in (("events", "event"), ("enrollments", "enrollment")):
        if name in inner.value:
            return Slice({kind: [inner.value]}, f'{{"{kind}":[{inner.text}]}}')
    return Slice({"trackedEntities": [inner.value]}, f'{{"trackedEntities":[{inner.text}]}}')


def _ids(content: bytes) -> Any:
    """Names in an XML document, as far as a record's id may be. The adapter reads the rest."""
    root = Markup(io.BytesIO(content)).whole()
    found = {f"@{str(key).rpartition('}')[2]}": str(value) for key, value in root.items()}
    return found | {local(child): _texts(child) for child in root}


def _texts(element: Element) -> Any:
    return {local(child): child.text or "" for child in element} if len(element) else element.text
