"""XML in the shape HQ gives it in JSON, so that a form is read in one way only.

    <q a="1">text</q>   {"@a": "1", "#text": "text"}
    <q>text</q>         "text"
    <q/>                ""
    <q/><q/>            a list

`@xmlns` stands where the namespace is another than that of the element around it.
"""

from typing import Any

from lxml import etree

from gateway.errors import SenderError
from gateway.source.markup import Element, at, local, namespace

MAX_DEPTH = 64


def shaped(element: Element, around: str = "", depth: int = 1) -> Any:
    """An element with everything in it. `around` is the namespace it stands in."""
    if depth > MAX_DEPTH:
        raise SenderError("nested too deeply", rule="xml.too_deep", at=at(element))
    own = namespace(element)
    found: dict[str, Any] = {}
    for name, value in element.attrib.items():
        _add(found, f"@{etree.QName(name).localname}", value)
    if own != around:
        found["@xmlns"] = own
    texts = [element.text or ""]
    for child in element:
        _add(found, local(child), shaped(child, own, depth + 1))
        texts.append(child.tail or "")
    text = "".join(texts) if len(texts) == 1 else "".join(one for one in texts if one.strip())
    if not found:
        return text
    if text.strip():
        found["#text"] = text
    return found


def made(name: str, space: str, parent: Element | None = None) -> Element:
    """A new element in a namespace, which is the default one for what it holds."""
    spaces: Any = {None: space} if space else None
    tag = f"{{{space}}}{name}" if space else name
    if parent is None:
        return etree.Element(tag, nsmap=spaces)
    return etree.SubElement(parent, tag, nsmap=spaces)


def _add(found: dict[str, Any], name: str, value: Any) -> None:
    if name not in found:
        found[name] = value
    elif isinstance(found[name], list):
        found[name].append(value)
    else:
        found[name] = [found[name], value]
