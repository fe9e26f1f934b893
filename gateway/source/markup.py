"""XML without what makes it dangerous: no DTD, so no entities of its own, and no network.

    document = Markup(content)
    document.root.tag                   # known before anything below it is read
    for item in document.items():       # each child of the root when it is complete
        ...

A document of gigabytes is read child by child; what was yielded is freed when the next is
asked for. Comments and processing instructions are not read; CDATA is text.
"""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NoReturn, cast

from lxml import etree

from gateway.errors import SenderError

Element = etree._Element

CHUNK = 64 << 10
PROLOG = 1 << 20
"""Bytes before the root element. More is a DTD, or nothing we read."""

ITEM = 32 << 20
"""Bytes of one child of the root, with everything in it. libxml2 allows 10 MB for one text and
256 elements inside each other."""

NODES = 200_000
"""Elements and attributes of one child of the root: `<a/>` costs a hundred bytes."""

_BAD = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Not a character of XML 1.0, section 2.2."""


class Markup:
    """One document being read. Raises `SenderError` with line and rule at any step."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self._parser = etree.XMLPullParser(
            ("start", "end"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            remove_pis=True,
            huge_tree=False,
        )
        self._fed = 0
        self._head = b""
        self._events: Iterator[tuple[str, Element]] = iter(())
        self._done = False
        self.root = self._start()
        """The root element: its name and attributes. Its children come from `items`."""
        self._head = b""

    def items(self) -> Iterator[Element]:
        """Every child of the root, complete, once. It is gone when the next is asked for."""
        depth = 1
        size = _Size(self._fed)
        for event, element in self._walk():
            size.check(event, element, self._fed)
            if event == "start":
                depth += 1
                continue
            depth -= 1
            if depth == 1:
                yield element
                # The text behind it stays: the parser may not have done with it.
                del element[:]
                element.text = None
                while (before := element.getprevious()) is not None:
                    self.root.remove(before)
                size = _Size(self._fed)

    def whole(self) -> Element:
        """The root with everything in it, for documents that are one thing."""
        size = _Size(0)
        for event, element in self._walk():
            size.check(event, element, self._fed)
        return self.root

    def _start(self) -> Element:
        for event, element in self._walk(prolog=True):
            if event == "start":
                if element.getroottree().docinfo.internalDTD is not None:
                    raise _doctype()
                return element
        raise SenderError("no element", rule="xml.syntax")

    def _walk(self, *, prolog: bool = False) -> Iterator[tuple[str, Element]]:
        while True:
            yield from self._events
            if self._done:
                return
            chunk = self._content.read(CHUNK)
            self._fed += len(chunk)
            if prolog:
                self._head += chunk
                if self._fed > PROLOG:
                    raise SenderError("too much before the first element", rule="xml.prolog")
            self._done = not chunk
            try:
                self._feed(chunk)
            except etree.XMLSyntaxError as error:
                self._refuse(error)
            self._events = cast("Iterator[tuple[str, Element]]", self._parser.read_events())

    def _feed(self, chunk: bytes) -> None:
        if chunk:
            self._parser.feed(chunk)
        # After an undeclared entity lxml raises nothing, and takes the next chunk for the
        # beginning of another document.
        if any(entry.level >= etree.ErrorLevels.ERROR for entry in self._parser.feed_error_log):
            self._refuse(None)
        if not chunk:
            self._parser.close()

    def _refuse(self, error: etree.XMLSyntaxError | None) -> NoReturn:
        if self._head and b"<!DOCTYPE" in self._head.replace(b"\0", b""):
            raise _doctype() from None
        if not self._head.strip() and (self._fed == 0 or self._head):
            raise SenderError("there is no content", rule="xml.empty") from None
        if error is not None:
            code, (line, column), text = getattr(error, "code", 0), error.position, error.msg or ""
        else:
            first = self._parser.feed_error_log[0]
            code, line, column, text = first.type, first.line, first.column, first.message
        at = f"line {line}, column {column}" if line else ""
        problem, rule = _SAID.get(code, ("not well-formed XML", "xml.syntax"))
        if "Excessive depth" in text:
            problem, rule = "elements nested too deeply", "xml.too_deep"
        elif self._done and rule == "xml.syntax":
            problem, rule = "the document ends too early", "xml.truncated"
        raise SenderError(problem, rule=rule, at=at) from None


class _Size:
    """What one item has cost so far."""

    def __init__(self, fed: int) -> None:
        self._began = fed
        self._nodes = 0

    def check(self, event: str, element: Element, fed: int) -> None:
        if event == "start":
            self._nodes += 1 + len(element.attrib)
        if fed - self._began > ITEM or self._nodes > NODES:
            raise SenderError("an element is too large", rule="xml.too_large", at=at(element))


def _doctype() -> SenderError:
    return SenderError("a document type declaration", rule="xml.doctype")


_CODES = etree.ErrorTypes
_SAID = {
    _CODES.ERR_UNDECLARED_ENTITY: ("an entity nobody declared", "xml.entity"),
    _CODES.WAR_UNDECLARED_ENTITY: ("an entity nobody declared", "xml.entity"),
    _CODES.ERR_ENTITY_LOOP: ("an entity that holds itself", "xml.entity"),
    _CODES.ERR_INVALID_ENCODING: ("not in the encoding it declares", "xml.encoding"),
    _CODES.ERR_UNKNOWN_ENCODING: ("an encoding nobody knows", "xml.encoding"),
    _CODES.ERR_UNSUPPORTED_ENCODING: ("an encoding nobody knows", "xml.encoding"),
    _CODES.ERR_INVALID_CHAR: ("a character XML does not allow", "xml.character"),
    _CODES.ERR_RESOURCE_LIMIT: ("an element is too large", "xml.too_large"),
}


def at(element: Element) -> str:
    """Where an element stands, as errors say it."""
    return f"line {element.sourceline}" if element.sourceline else ""


def local(element: Element) -> str:
    """The name without its namespace. Whether it may be shown is for the caller to know."""
    return str(etree.QName(element).localname)


def namespace(element: Element) -> str:
    """The namespace, or an empty text."""
    return str(etree.QName(element).namespace or "")


def text(element: Element) -> str:
    """The text of an element that may hold nothing else, as it stands, white space and all."""
    if len(element):
        raise SenderError("an element where only text may stand", rule="xml.mixed", at=at(element))
    return element.text or ""


def children(element: Element) -> Iterator[Element]:
    """The elements of an element that may hold nothing else but white space around them."""
    stray = element.text
    for child in element:
        if stray and not stray.isspace():
            break
        yield child
        stray = child.tail
    if stray and not stray.isspace():
        raise SenderError("text between elements", rule="xml.mixed", at=at(element))


def writable(text: str) -> bool:
    """Whether XML 1.0 can hold a text at all: most control characters it cannot."""
    return not _BAD.search(text)


def element(space: str, name: str, text: str = "", *, prefix: str | None = None) -> Element:
    """A new element whose namespace stands under a prefix, or without one.

    Raises `ValueError` for a text XML cannot hold.
    """
    known = cast("dict[str, str]", {prefix: space})  # lxml's types forget the default namespace
    made = etree.Element(f"{{{space}}}{name}", nsmap=known)
    made.text = text or None
    return made


class _Sink:
    """Where lxml writes until somebody takes it away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._parts.append(part)
        return len(part)

    def taken(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def written(root: Element, items: Iterable[Element]) -> Iterator[bytes]:
    """A document in UTF-8, piece by piece: `root` with its own children, then every item.

    Each item is freed when it is written.
    """
    sink = _Sink()
    with etree.xmlfile(sink, encoding="UTF-8") as document:
        document.write_declaration()
        with document.element(root.tag, root.attrib, nsmap=root.nsmap):
            for item in root:
                document.write(item)
            for item in items:
                document.write(item, with_tail=False)
                document.write("\n")
                yield sink.taken()
    yield sink.taken()
