"""One submission as the OpenRosa XML that `POST /submission` takes.

A server takes one instance a request, so a file holds one. The form's id and version are what
the mapping document says under `form`, else the mapping's own name and version. The
instance's id is `uuid:` and the local record id.

A node is written where the mapping has its whole path. `*/name` does not say in which group the
question stands, and a server drops nodes that its form does not have there: such a question is
not written, and its leaf is reported.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from adapters.openrosa.back import INSTANCE_ID, Back
from adapters.openrosa.instance import Instances
from adapters.openrosa.submission import shown
from gateway.errors import SenderError
from gateway.mapping import Plan
from gateway.source.markup import Element, writable

NAME = re.compile(r"[^\W\d][\w.-]*")
"""Near enough to XML's names without colons; lxml refuses the rest."""

SERVER = re.compile(
    r"_(id|uuid|submission_time|submitted_by|status|geolocation|tags|notes|attachments"
    r"|validation_status|xform_id|xform_id_string|supplementalDetails|bamboo_dataset_id|edited"
    r"|duration|date_modified|last_edited|media_all_received|media_count|total_media|version"
    r"|review_status|review_comment)"
    r"|__id|__system(/.*)?|meta/rootUuid|.*@odata\..*|submission(-item)?/.*"
)
"""Keys that a server adds to what it was sent."""


def posted(back: Back, *, form: str) -> Iterator[bytes]:
    """The XML of the one submission. Raises `SenderError` where there is none, or several."""
    found = iter(back)
    fields = next(found, None)
    if fields is None or next(found, None) is not None:
        raise SenderError(
            "a server takes one submission at a time: send records of exactly one",
            rule="openrosa.one_submission",
        )
    root = _built(back.plan, fields, back.instance_id(fields))
    back.compare(fields, Instances(back.plan, form).read(root).fields)
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(root, encoding="UTF-8")


def _built(plan: Plan, fields: Mapping[str, Any], number: str) -> Element:
    if not writable(number):
        raise SenderError("an id that XML cannot hold", rule="openrosa.id")
    said = plan.document.get("form", {})
    root = etree.Element("data")
    root.set("id", said.get("id", plan.id))
    root.set("version", said.get("version", plan.version))
    known = {key for key in fields if SERVER.fullmatch(key)} | {INSTANCE_ID}
    placed = _whole(plan)
    _fill(root, {key: value for key, value in fields.items() if key not in known}, "", placed)
    for element in root.findall("meta"):
        root.append(element)  # Where form designers put it: last.
    _put(root, INSTANCE_ID, number)
    return root


def _whole(plan: Plan) -> frozenset[str]:
    """Every source path that the mapping has as a whole."""
    slots = {slot for level in plan.levels().values() for slot in level}
    return frozenset(slot for slot in slots if not slot.startswith("*/"))


def _fill(group: Element, fields: Mapping[str, Any], path: str, placed: frozenset[str]) -> None:
    for key, value in fields.items():
        if key not in placed:
            continue
        inner = key.removeprefix(f"{path}/")
        if isinstance(value, list):
            *groups, name = inner.split("/")
            for item in value:
                _fill(etree.SubElement(_group(group, groups), _name(name)), item, key, placed)
        elif isinstance(value, str) and writable(value):
            _put(group, inner, value)


def _put(group: Element, path: str, value: str) -> None:
    *groups, name = path.split("/")
    if name.startswith("@"):
        _group(group, groups).set(_name(name[1:]), value)
        return
    element = _group(group, [*groups, name])
    if len(element):
        raise SenderError(
            "the mapping writes a path that is a question and a group", rule="openrosa.both"
        )
    element.text = value


def _group(group: Element, names: list[str]) -> Element:
    """The element at a path of names, made where it is not there yet."""
    for name in names:
        found = group.find(_name(name))
        group = etree.SubElement(group, name) if found is None else found
        if group.text:
            raise SenderError(
                "the mapping writes a path that is a question and a group", rule="openrosa.both"
            )
    return group


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise SenderError(
            "a question's name that XML does not allow", rule="openrosa.name", at=shown(name)
        )
    return name
