"""Where alerts stand in a file: alone, in an Atom or RSS feed, or in an EDXL-DE distribution."""

from collections.abc import Iterator
from typing import BinaryIO

from adapters.cap.elements import ATOM
from adapters.cap.reading import VERSIONS, attributes, shown
from gateway.errors import SenderError
from gateway.source.markup import Element, Markup, at, local, namespace

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RSS_1 = "http://purl.org/rss/1.0/"
DISTRIBUTION = "EDXLDistribution"
EMBEDDED = "embeddedXMLContent"


def alerts(content: BinaryIO, unmapped: set[str]) -> Iterator[Element]:
    """Every `alert` element. Raises `SenderError` where an entry only links to its alert.

    What an envelope says for itself goes into `unmapped`, by the names of its elements.
    """
    document = Markup(content)
    root = document.root
    name, space = local(root), namespace(root)
    if name == "alert" and (space in VERSIONS or not space):
        yield document.whole()
    elif (space, name) == (ATOM, "entry"):
        yield from _entry(document.whole(), "entry", unmapped)
    elif (space, name) in ((ATOM, "feed"), (RDF, "RDF")):
        for item in document.items():
            yield from _item(item, shown(name), unmapped)
    elif name == "rss" and not space:
        for channel in document.items():
            for item in channel:
                yield from _item(item, "rss/channel", unmapped)
    elif name == DISTRIBUTION:
        yield from _distribution(document, unmapped)
    else:
        raise SenderError(
            "neither an alert, nor a feed or distribution of alerts",
            rule="cap.not_cap",
            at=at(root),
        )


def _item(element: Element, path: str, unmapped: set[str]) -> Iterator[Element]:
    inner = f"{path}/{shown(local(element))}"
    if local(element) in ("entry", "item") and namespace(element) in (ATOM, RSS_1, ""):
        yield from _entry(element, inner, unmapped)
    else:
        unmapped.update(_told(element, inner))


def _entry(element: Element, path: str, unmapped: set[str]) -> Iterator[Element]:
    found = list(_embedded(element))
    if not found:
        raise SenderError(
            "an entry without the alert it is about: send the alert itself",
            rule="cap.links_only",
            at=at(element),
        )
    unmapped.update(_told(element, path))
    yield from found


def _distribution(document: Markup, unmapped: set[str]) -> Iterator[Element]:
    count = 0
    for item in document.items():
        unmapped.update(_told(item, f"{DISTRIBUTION}/{shown(local(item))}"))
        for content in item.iter():
            if isinstance(content.tag, str) and local(content) == EMBEDDED:
                for alert in _embedded(content):
                    count += 1
                    yield alert
    if not count:
        raise SenderError("a distribution without an alert in it", rule="cap.no_alert")


def _embedded(element: Element) -> Iterator[Element]:
    """The outermost alerts in an element."""
    for child in element:
        if local(child) == "alert" and namespace(child) in VERSIONS:
            yield child
        else:
            yield from _embedded(child)


def _told(element: Element, path: str) -> Iterator[str]:
    """Every path of an envelope at which something is said, without the alerts in it."""
    yield from attributes(element, path)
    if element.text and not element.text.isspace():
        yield path
    for child in element:
        if not (local(child) == "alert" and namespace(child) in VERSIONS):
            yield from _told(child, f"{path}/{shown(local(child))}")
