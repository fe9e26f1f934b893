"""The elements of CAP 1.2 in the order of its schema, and the canonical fields they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from adapters.cap.values import (
    CIRCLE,
    DECIMAL,
    INTEGER,
    LANGUAGE,
    LIST,
    POLYGON,
    REFERENCES,
    TEXT,
    TIME,
    TOKEN,
    URI,
    Kind,
)
from gateway.record import leaves

ATOM = "http://www.w3.org/2005/Atom"
CAP_1_1 = "urn:oasis:names:tc:emergency:cap:1.1"
CAP_1_2 = "urn:oasis:names:tc:emergency:cap:1.2"
READ = (CAP_1_2, CAP_1_1)
"""CAP 1.0 writes codes as `name=value` in one text: another format, which nobody sends now."""


@dataclass(frozen=True, slots=True)
class Item:
    """One element."""

    element: str
    field: str
    kind: Kind | None = None
    inside: tuple["Item", ...] = ()
    many: bool = False
    needed: tuple[str, ...] = ()
    """Versions that require it."""
    empty: bool = False
    """It must be there, and may hold nothing."""
    whole: bool = False
    """Nothing is written rather than this left out."""

    def leaf(self, above: str) -> str:
        """The canonical path below which its values stand."""
        return f"{above}{self.field}{'[]' if self.many else ''}"


def _pair(element: str, field: str) -> Item:
    # Weather services send parameters without a value: the element is there, and empty.
    inside = (
        Item("valueName", "value_name", TEXT, needed=READ, empty=True),
        Item("value", "value", TEXT, needed=READ, empty=True),
    )
    return Item(element, field, inside=inside, many=True)


_RESOURCE = (
    Item("resourceDesc", "resource_desc", TEXT, needed=READ),
    Item("mimeType", "mime_type", TOKEN, needed=(CAP_1_2,)),
    Item("size", "size", INTEGER),
    Item("uri", "uri", URI),
    Item("derefUri", "deref_uri", TEXT),
    Item("digest", "digest", TOKEN),
)
_AREA = (
    Item("areaDesc", "area_desc", TEXT, needed=READ),
    Item("polygon", "polygon", POLYGON, many=True),
    Item("circle", "circle", CIRCLE, many=True),
    _pair("geocode", "geocode"),
    Item("altitude", "altitude", DECIMAL),
    Item("ceiling", "ceiling", DECIMAL),
)
_INFO = (
    Item("language", "language", LANGUAGE),
    Item("category", "category", TOKEN, many=True, needed=READ),
    Item("event", "event", TEXT, needed=READ),
    Item("responseType", "response_type", TOKEN, many=True),
    Item("urgency", "urgency", TOKEN, needed=READ),
    Item("severity", "severity", TOKEN, needed=READ),
    Item("certainty", "certainty", TOKEN, needed=READ),
    Item("audience", "audience", TEXT),
    _pair("eventCode", "event_code"),
    Item("effective", "effective", TIME),
    Item("onset", "onset", TIME),
    Item("expires", "expires", TIME),
    Item("senderName", "sender_name", TEXT),
    Item("headline", "headline", TEXT),
    Item("description", "description", TEXT),
    Item("instruction", "instruction", TEXT),
    Item("web", "web", URI),
    Item("contact", "contact", TEXT),
    _pair("parameter", "parameter"),
    Item("resource", "resource", inside=_RESOURCE, many=True),
    Item("area", "area", inside=_AREA, many=True),
)
ALERT = (
    Item("identifier", "identifier", TOKEN, needed=READ),
    Item("sender", "sender", TOKEN, needed=READ),
    Item("sent", "sent", TIME, needed=READ),
    Item("status", "status", TOKEN, needed=READ),
    Item("msgType", "msg_type", TOKEN, needed=READ),
    Item("source", "alert_source", TEXT),
    Item("scope", "scope", TOKEN, needed=READ),
    Item("restriction", "restriction", TEXT),
    Item("addresses", "addresses", LIST),
    Item("code", "code", TEXT, many=True),
    Item("note", "note", TEXT),
    Item("references", "references", REFERENCES),
    Item("incidents", "incidents", LIST),
    Item("info", "info", inside=_INFO, many=True, whole=True),
)


@cache
def codes() -> Mapping[str, frozenset[str]]:
    """The codes a leaf may hold, by its path: the lists of CAP stand in the record's schema."""
    return {
        name: frozenset(leaf.spec["enum"])
        for name, leaf in leaves("alert").items()
        if "enum" in leaf.spec
    }


@cache
def places() -> Mapping[str, str]:
    """Canonical leaf to the path of the element it stands in."""
    found = {"alert.record_type": "alert", "alert.record_id": "alert/identifier"}
    elements = dict(_places(ALERT, "", "alert"))
    for name in leaves("alert"):
        above = name
        while above not in elements and above:
            above = above[:-2] if above.endswith("[]") else above.rpartition(".")[0]
        if above:
            found[f"alert.{name}"] = elements[above]
    return found


def _places(items: tuple[Item, ...], above: str, path: str) -> list[tuple[str, str]]:
    found = []
    for item in items:
        leaf, inner = item.leaf(above), f"{path}/{item.element}"
        found.append((leaf, inner))
        found += _places(item.inside, f"{leaf}.", inner)
    return found
