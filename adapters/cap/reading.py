"""One `alert` element to a canonical record."""

import re
from collections.abc import Iterator
from typing import Any

from adapters.cap.elements import ALERT, CAP_1_1, CAP_1_2, READ, Item, codes, places
from adapters.cap.rules import check, record_id
from adapters.leaf_names import leaf_names
from gateway.errors import SenderError
from gateway.record import Reading, Record
from gateway.source.markup import Element, at, children, local, namespace, text

CAP_1_0 = "http://www.incident.com/cap/1.0"
VERSIONS = {CAP_1_0: "1.0", CAP_1_1: "1.1", CAP_1_2: "1.2"}

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_ABOUT_THE_FILE = "http://www.w3.org/2001/XMLSchema-instance"

_OLDER = {"Very Likely": "Likely"}
"""A code of CAP 1.0, which CAP 1.1 and 1.2 ask to be read as another."""


def read_alert(element: Element, authority: str | None, reading: Reading) -> Record:
    """The record. Raises `SenderError` for what CAP does not allow and nobody could mend."""
    version = namespace(element)
    if version not in READ:
        known = version in VERSIONS
        raise SenderError(
            f"CAP {VERSIONS[version]} is not read" if known else "not an element of CAP",
            rule="cap.version" if known else "cap.namespace",
            at=at(element),
        )
    body = _Alert(version, reading.unmapped).inside(element, ALERT, "", "alert")
    check(body, at=at(element))
    record = {"record_type": "alert", "record_id": record_id(body, authority), **body}
    known_places = places()
    for field, value in record.items():
        for name in leaf_names("alert", field, value):
            reading.lineage[name] = known_places[name]
    return record


def shown(name: str) -> str:
    """A name that can be told, or `?`."""
    return name if _NAME.fullmatch(name) else "?"


def attributes(element: Element, path: str) -> Iterator[str]:
    """Paths of attributes that say something of the content. CAP has none."""
    for key in element.attrib:
        if not str(key).startswith(f"{{{_ABOUT_THE_FILE}}}"):
            yield f"{path}/@{shown(str(key).rpartition('}')[2])}"


class _Alert:
    """One alert being read."""

    def __init__(self, version: str, unmapped: set[str]) -> None:
        self._version = version
        self._unmapped = unmapped

    def inside(
        self, element: Element, items: tuple[Item, ...], above: str, path: str
    ) -> dict[str, Any]:
        """The fields below an element."""
        self._unmapped.update(attributes(element, path))
        known = {item.element: item for item in items}
        body: dict[str, Any] = {}
        seen: set[str] = set()
        for child in children(element):
            inner = f"{path}/{shown(local(child))}"
            item = known.get(local(child)) if namespace(child) == self._version else None
            if item is None:
                self._unmapped.add(inner)
                continue
            if item.element in seen and not item.many:
                raise _broken("an element stands twice", "cap.repeated", child, item)
            seen.add(item.element)
            value = self._value(child, item, above, inner)
            if value is not None and item.many:
                body.setdefault(item.field, []).append(value)
            elif value is not None:
                body[item.field] = value
            elif self._version in item.needed and not item.empty:
                raise _broken("an element holds nothing", "cap.required", child, item)
        for item in items:
            if self._version in item.needed and item.element not in seen:
                raise _broken("an element is missing", "cap.required", element, item)
        return body

    def _value(self, element: Element, item: Item, above: str, path: str) -> Any:
        if item.kind is None:
            return self.inside(element, item.inside, f"{item.leaf(above)}.", path) or None
        self._unmapped.update(attributes(element, path))
        try:
            value = item.kind.read(text(element))
        except ValueError:
            raise _broken(
                f"not what CAP calls {item.element}", f"cap.{item.kind.name}", element, item
            ) from None
        allowed = codes().get(item.leaf(above))
        if allowed is None or value is None:
            return value
        value = _OLDER.get(value, value) if item.element == "certainty" else value
        if value not in allowed:
            raise _broken("not a code of CAP", "cap.code", element, item)
        return value


def _broken(problem: str, rule: str, element: Element, item: Item) -> SenderError:
    place = at(element)
    return SenderError(problem, rule=rule, at=f"{place}, {item.element}" if place else item.element)
