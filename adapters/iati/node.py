"""An element and what is in it, held to the grammar, with an account of what was looked at."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from lxml import etree

from adapters.iati.grammar import Child, Shape, shape
from adapters.iati.kinds import RULES, fits
from gateway.errors import SenderError
from gateway.source import markup
from gateway.source.markup import Element, local, namespace, writable

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_ABOUT_THE_FILE = "{http://www.w3.org/2001/XMLSchema-instance}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def shown(name: str) -> str:
    """A name that can be told, or `?`."""
    return name if _NAME.fullmatch(name) else "?"


@dataclass(slots=True, eq=False)
class Node:
    """One element. What nobody asked for is what `left` tells."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict, repr=False)
    children: list["Node"] = field(default_factory=list, repr=False)
    text: str = field(default="", repr=False)
    at: str = ""
    foreign: bool = False
    taken: set[str] = field(default_factory=set)
    """Attributes that were asked for; `""` is the text."""

    def get(self, attribute: str) -> str | None:
        """The value of an attribute, from now on taken. An empty one says nothing."""
        self.taken.add(attribute)
        return self.attributes.get(attribute, "").strip() or None

    def own(self) -> str | None:
        """The text, from now on taken."""
        self.taken.add("")
        return self.text.strip() or None

    def all(self, name: str) -> list["Node"]:
        """The elements of a name."""
        return [child for child in self.children if child.name == name and not child.foreign]

    def one(self, name: str) -> "Node | None":
        """The first element of a name."""
        return next(iter(self.all(name)), None)

    def left(self, path: str = "") -> Iterator[str]:
        """Paths at which something is said that nobody asked for."""
        path = f"{path}/{self.name}" if path else self.name
        if self.text.strip() and "" not in self.taken:
            yield f"{path}[@xml:lang]" if LANGUAGE in self.attributes else path
        for key, value in self.attributes.items():
            if value.strip() and key not in self.taken and not key.startswith(_ABOUT_THE_FILE):
                yield f"{path}/@{_attribute(key)}"
        for child in self.children:
            yield from child.left(path)

    def digest(self) -> bytes:
        """Of everything in it: two elements that differ anywhere have two."""
        parts = [self.name, *map(str, sorted(self.attributes.items())), self.text.strip()]
        inner = [child.digest() for child in self.children]
        return sha256(b"".join([sha256("\0".join(parts).encode()).digest(), *inner])).digest()

    def add(self, name: str, text: str = "", **attributes: str | None) -> "Node":
        """A new element in this one. Attributes without a value are left out."""
        kept = {
            key.replace("_", "-"): value for key, value in attributes.items() if value is not None
        }
        self.children.append(Node(name, kept, text=text))
        return self.children[-1]


def _attribute(key: str) -> str:
    if key == LANGUAGE:
        return "xml:lang"
    return shown(key.rpartition("}")[2])


def broken(problem: str, rule: str, node: Node, what: str = "") -> SenderError:
    """An error at an element, or at something in it."""
    place = f"{node.name}/{what}" if what else node.name
    return SenderError(problem, rule=rule, at=f"{node.at}, {place}" if node.at else place)


def node_of(element: Element, kind: str) -> Node:
    """An element of the file. Raises `SenderError` for what IATI does not allow in it."""
    form = shape(kind)
    node = Node(shown(local(element)), at=markup.at(element))
    node.attributes = {str(key): str(value) for key, value in element.attrib.items()}
    check_attributes(node, form)
    if form.text is not None:
        node.text = markup.text(element)
        check_text(node, form)
        return node
    known = {child.name: child for child in form.children}
    after = False
    for inner in markup.children(element):
        if namespace(inner):
            node.children.append(_foreign(inner))
            after = True
            continue
        place = known.get(local(inner))
        if place is None:
            raise broken("not an element of IATI 2", "iati.element", node, "?")
        node.children.append(node_of(inner, place.shape))
        if after:
            raise broken("elements out of order", "iati.order", node.children[-1])
    check_children(node, form)
    return node


def _foreign(element: Element) -> Node:
    """An element of another namespace, of which nothing is known."""
    node = Node(shown(local(element)), at=markup.at(element), foreign=True)
    node.attributes = {str(key): str(value) for key, value in element.attrib.items()}
    node.text = element.text or ""
    node.children = [_foreign(child) for child in element]
    if any((child.tail or "").strip() for child in element):
        node.text = "mixed"
    return node


def check_attributes(node: Node, form: Shape) -> None:
    """Raise `SenderError` for an attribute that may not stand there, is missing, or is none."""
    for key, value in node.attributes.items():
        known = form.attributes.get(key)
        if key.startswith(("{", "xml:")):
            if not form.open and not key.startswith(_ABOUT_THE_FILE):
                raise broken("not an attribute of it", "iati.attribute", node)
            if key == LANGUAGE and not fits(value, "language") and value.strip():
                raise broken("not a language", RULES["language"], node, "@xml:lang")
        elif known is None:
            raise broken("not an attribute of IATI 2", "iati.attribute", node, "@?")
        elif not fits(value, known.kind):
            raise broken(f"not of the type {known.kind}", RULES[known.kind], node, f"@{key}")
    for key, known in form.attributes.items():
        if known.needed and key not in node.attributes:
            raise broken("an attribute is missing", "iati.required", node, f"@{key}")


def check_text(node: Node, form: Shape) -> None:
    """Raise `SenderError` for a text of another type."""
    if form.text and not fits(node.text, form.text):
        raise broken(f"not of the type {form.text}", RULES[form.text], node)


def check_children(node: Node, form: Shape) -> None:
    """Raise `SenderError` for elements out of order, too many of one, or one that is missing."""
    order = {child.name: number for number, child in enumerate(form.children)}
    counts: dict[str, int] = {}
    last = 0
    for child in node.children:
        if child.foreign:
            continue
        if order[child.name] < last:
            raise broken("elements out of order", "iati.order", child)
        last = order[child.name]
        counts[child.name] = counts.get(child.name, 0) + 1
    for place in form.children:
        count = counts.get(place.name, 0)
        if count < place.least:
            raise broken("an element is missing", "iati.required", node, place.name)
        if place.most is not None and count > place.most:
            raise broken("an element stands too often", "iati.repeated", node, place.name)


def ordered(node: Node, kind: str) -> Node:
    """The element with everything in its order. Raises `SenderError` for what is missing in it."""
    form = shape(kind)
    places: Mapping[str, tuple[int, Child]] = {
        child.name: (number, child) for number, child in enumerate(form.children)
    }
    node.children.sort(key=lambda child: places[child.name][0])
    for child in node.children:
        ordered(child, places[child.name][1].shape)
    check_attributes(node, form)
    check_text(node, form)
    check_children(node, form)
    return node


def element_of(node: Node) -> Element:
    """As XML."""
    element = etree.Element(node.name, node.attributes)
    element.text = node.text or None
    element.extend(map(element_of, node.children))
    return element


def said(text: object) -> str | None:
    """A text that XML can hold and that is not only white space, or None."""
    return text if isinstance(text, str) and text.strip() and writable(text) else None
