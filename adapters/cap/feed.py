"""Several alerts in one file: an Atom feed (RFC 4287) whose entries hold the alerts.

Everything Atom requires is taken from the alerts: no clock, and no name of ours.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from adapters.cap.elements import ATOM
from gateway.record import Record
from gateway.source import markup
from gateway.source.markup import Element, writable

MEDIA_TYPE = "application/cap+xml"
TITLE = "CAP alerts"


def head(alerts: Iterable[Record]) -> Element:
    """The feed without its entries. `updated` is the time of the newest alert."""
    digest = sha256()
    newest, written = None, ""
    for alert in alerts:
        digest.update(_name(alert).encode())
        sent = alert.get("sent", "")
        moment = _moment(sent)
        if moment is not None and (newest is None or moment > newest):
            newest, written = moment, sent
    feed = markup.element(ATOM, "feed")
    _add(feed, "id", _urn(digest.digest()))
    _add(feed, "title", TITLE)
    _add(feed, "updated", written)
    return feed


def entries(alerts: Iterator[tuple[Record, Element]]) -> Iterator[Element]:
    """An entry for each alert."""
    for alert, element in alerts:
        entry = markup.element(ATOM, "entry")
        first: dict[str, Any] = next(iter(alert.get("info", ())), {})
        _add(entry, "id", _urn(sha256(_name(alert).encode()).digest()))
        _add(entry, "title", first.get("headline") or first.get("event") or alert["identifier"])
        _add(entry, "updated", alert["sent"])
        _add(_add(entry, "author"), "name", alert["sender"])
        content = _add(entry, "content")
        content.set("type", MEDIA_TYPE)
        content.append(element)
        yield entry


def _add(parent: Element, name: str, text: str = "") -> Element:
    element = markup.element(ATOM, name, text if writable(text) else "")
    parent.append(element)
    return element


def _name(alert: Record) -> str:
    return "\n".join(alert.get(key, "") for key in ("sender", "identifier", "sent"))


def _urn(digest: bytes) -> str:
    return UUID(bytes=digest[:16], version=5).urn


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
