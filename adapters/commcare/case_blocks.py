"""Cases as case blocks of one submission (case XML 2.0), as HQ's receiver takes it."""

import uuid
from collections.abc import Iterator
from hashlib import sha256
from xml.sax.saxutils import quoteattr

from lxml import etree

from adapters.commcare.cases import CASE_NS, Fields
from adapters.commcare.elements import made
from adapters.commcare.scope import origin
from adapters.commcare.written import Written, indices, parents_first, text
from gateway.errors import SenderError
from gateway.source.markup import Element, writable

CREATE = ("case_type", "case_name", "owner_id")
"""HQ wants all three to create a case, and takes each of them as an update."""

META_NS = "http://openrosa.org/jr/xforms"
ATTRIBUTES = ("date_modified", "user_id")
CHUNK = 64 << 10


def write(written: Written) -> Iterator[bytes]:
    """The submission, in chunks. Parents stand before their children."""
    plan = written.plan
    digest = sha256(plan.digest.encode())
    buffer = bytearray(
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<data xmlns="' + origin(plan).encode() + b'" uiVersion="1"'
        b" name="
        + quoteattr(plan.title or plan.id).encode()
        + b' version="'
        + plan.version.encode()
        + b'">\n'
    )
    for number, fields in enumerate(written.objects(), 1):
        for case, at in parents_first(fields, written, f"case {number}"):
            content = etree.tostring(block(case, written, at), encoding="UTF-8")
            digest.update(content)
            buffer += content + b"\n"
        if len(buffer) >= CHUNK:
            yield bytes(buffer)
            buffer.clear()
    # From the content alone: what is sent again is the same submission to HQ, not another.
    instance = uuid.UUID(bytes=digest.digest()[:16], version=4)
    buffer += (
        f'<meta xmlns="{META_NS}"><instanceID>{instance}</instanceID></meta>\n</data>\n'.encode()
    )
    yield bytes(buffer)


def block(fields: Fields, written: Written, at: str) -> Element:
    """One case block. Raises `SenderError` for a case that has no id or has had its block."""
    if not fields.get("case_id"):
        raise SenderError("a case without a case id", rule="commcare.no_case_id", at=at)
    written.once(text(fields["case_id"], at), at)
    case = made("case", CASE_NS)
    _set(case, "case_id", fields["case_id"], written, "case_id", at)
    for key in ATTRIBUTES:
        if key in fields:
            _set(case, key, fields[key], written, key, at)
    properties = _properties(fields, written, at)
    creates = all(key in properties for key in CREATE)
    actions = {
        "create": {key: properties.pop(key) for key in CREATE} if creates else {},
        "update": properties,
    }
    for action, values in actions.items():
        if values:
            parent = _child(case, action)
            for key, value in values.items():
                _child(parent, key).text = value
    _indices(case, fields, written, at)
    if fields.get("closed") in (True, "true"):
        _child(case, "close")
    elif "closed" in fields and not creates:
        # Only of a case it creates does a block say that it is open.
        written.lose("closed")
    return case


def _properties(fields: Fields, written: Written, at: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in fields.items():
        own = written.property_of(key)
        if own and writable(text(value, at)):
            found[own] = text(value, at)
        elif own or (
            key not in ("case_id", "closed", *ATTRIBUTES) and not key.startswith("indices/")
        ):
            written.lose(key)
    return found


def _indices(case: Element, fields: Fields, written: Written, at: str) -> None:
    found = indices(fields, written)
    for name in [name for name, parts in found.items() if "case_id" not in parts]:
        # An index in XML points to a case id and to nothing else.
        for kind in found.pop(name):
            written.lose(f"indices/{name}/{kind}")
    parent = _child(case, "index") if found else case
    for name, parts in found.items():
        index = _child(parent, name)
        for kind, value in sorted(parts.items()):
            _set(index, kind, value, written, f"indices/{name}/{kind}", at)


def _set(element: Element, name: str, value: object, written: Written, key: str, at: str) -> None:
    if not writable(text(value, at)):
        if name == "case_id":
            raise SenderError("a case id that XML cannot hold", rule="commcare.no_case_id", at=at)
        written.lose(key)
    elif name == "case_id" and etree.QName(element).localname != "case":
        element.text = text(value, at)
    else:
        element.set(name, text(value, at))


def _child(parent: Element, name: str) -> Element:
    return made(name, CASE_NS, parent)
