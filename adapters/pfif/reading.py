"""One `person` or `note` element to a canonical record."""

import re
from collections.abc import Iterable
from typing import Any

from adapters.leaf_names import leaf_names
from adapters.pfif.fields import (
    ABOUT,
    FOUND,
    LATEST,
    NAMESPACE,
    NOTE,
    OLD,
    PERSON,
    VERSIONS,
    WITHOUT_FULL_NAME,
    Item,
)
from adapters.pfif.values import Kind, description_of, read_age
from gateway.errors import SenderError
from gateway.record import Reading, Record
from gateway.source.markup import Element, at, children, local, namespace, text

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_ABOUT_THE_FILE = "{http://www.w3.org/2001/XMLSchema-instance}"
_AGE = Kind("age", read_age, str)
_TYPE = "missing-person"
_PERSON = {item.element: item for item in (*PERSON, Item("age", "age", _AGE))}
_NOTE = {item.element: item for item in (*NOTE, *FOUND, ABOUT)}
_FOUND = frozenset(item.element for item in FOUND)


def version_of(space: str, element: Element) -> str:
    """The version a namespace stands for. Raises `SenderError` where it is none we know."""
    version = space.removeprefix(NAMESPACE)
    if not space.startswith(NAMESPACE):
        raise SenderError("not an element of PFIF", rule="pfif.not_pfif", at=at(element))
    if version not in VERSIONS:
        raise SenderError("a version that is not read", rule="pfif.version", at=at(element))
    return version


def shown(name: str) -> str:
    """A name that can be told, or `?`."""
    return name if _NAME.fullmatch(name) else "?"


def told(element: Element, path: str) -> Iterable[str]:
    """Every path of an envelope at which something is said, without the persons in it."""
    yield from _attributes(element, path)
    if element.text and not element.text.isspace():
        yield path
    for child in element:
        if not namespace(child).startswith(NAMESPACE):
            yield from told(child, f"{path}/{shown(local(child))}")


def _attributes(element: Element, path: str) -> Iterable[str]:
    for key in element.attrib:
        if not str(key).startswith(_ABOUT_THE_FILE):
            yield f"{path}/@{shown(str(key).rpartition('}')[2])}"


class Reader:
    """Reads the elements of one file."""

    def __init__(self, authority: str | None, reading: Reading) -> None:
        self._authority = authority
        self._reading = reading
        self._told: set[str] = set()

    def person(self, element: Element) -> Record:
        """A report with the notes in it."""
        version = version_of(namespace(element), element)
        body, inner = self._fields(element, _PERSON, "pfif/person", version)
        record: Record = {"record_type": _TYPE, **body}
        self._authorised(record["record_id"], at(element))
        if version in WITHOUT_FULL_NAME and "full_name" not in record:
            self._name(record)
        if "age" in record:
            record["age"]["as_of"] = record["source_date"][:10]
            self._line("age.as_of", "pfif/person/source_date")
        if "expiry_date" in record:
            record["protection"] = {"expiry_date": record["expiry_date"][:10]}
            self._line("protection.expiry_date", "pfif/person/expiry_date")
        self._line("record_type", "pfif/person")
        for note in inner:
            about, parts = self.note(note, "pfif/person/note")
            if about is not None and about != record["record_id"]:
                raise SenderError(
                    "a note about somebody else than it stands in",
                    rule="pfif.other_person",
                    at=at(note),
                )
            attach(record, parts)
        return record

    def note(self, element: Element, path: str = "pfif/note") -> tuple[str | None, "Parts"]:
        """Whom a note is about, where it says so, and the note in its parts."""
        version = version_of(namespace(element), element)
        body, _ = self._fields(element, _NOTE, path, version)
        about = body.pop("person_record_id", None)
        found = {item.field: body.pop(item.field) for item in FOUND if item.field in body}
        if found:
            found = {"note_record_id": body["note_record_id"], **found}
            self._line("found_contacts[].note_record_id", f"{path}/note_record_id")
        return about, (body, found)

    def alone(self, about: str, parts: "Parts", place: str) -> Record:
        """A note about somebody whose report is not in the file."""
        self._authorised(parts[0]["note_record_id"], place)
        for name, path in (
            ("record_type", "pfif/note"),
            ("record_id", "pfif/note/note_record_id"),
            ("person_record_id", "pfif/note/person_record_id"),
        ):
            self._line(name, path)
        record: Record = {
            "record_type": _TYPE,
            "record_id": parts[0]["note_record_id"],
            "person_record_id": about,
        }
        attach(record, parts)
        return record

    def about(self, element: Element) -> str:
        """Whom a note at the top is about: it must say so."""
        for child in children(element):
            if local(child) == "person_record_id" and text(child).strip():
                return text(child).strip()
        raise SenderError(
            "a note that does not say whom it is about",
            rule="pfif.required",
            at=f"{at(element)}, person_record_id",
        )

    def _authorised(self, record_id: str, place: str) -> None:
        # Person Finder binds a key to one domain; here the mapping may name it.
        if self._authority is not None and record_id.partition("/")[0] != self._authority:
            raise SenderError(
                "a record of another repository than the mapping's authority",
                rule="pfif.other_domain",
                at=place,
            )

    def _name(self, record: Record) -> None:
        parts = [record[key] for key in ("given_name", "family_name") if key in record]
        if parts:
            record["full_name"] = " ".join(parts)
            self._line("full_name", "pfif/person/first_name + pfif/person/last_name")

    def _fields(
        self, element: Element, items: dict[str, Item], path: str, version: str
    ) -> tuple[dict[str, Any], list[Element]]:
        body: dict[str, Any] = {}
        inner: list[Element] = []
        space = namespace(element)
        self._reading.unmapped.update(_attributes(element, path))
        for child in children(element):
            name = local(child)
            known = namespace(child) == space
            if not known and namespace(child).startswith(NAMESPACE):
                raise SenderError("two versions in one", rule="pfif.version", at=at(child))
            if known and name == "note" and path == "pfif/person":
                inner.append(child)
                continue
            item = items.get(_latest(name, version)) if known else None
            if item is None:
                self._reading.unmapped.add(f"{path}/{shown(name)}")
                continue
            self._take(child, item, f"{path}/{name}", body)
        for item in items.values():
            if item.needed and not item.empty and item.field not in body:
                raise _broken("an element is missing", "pfif.required", element, item)
        return body, inner

    def _take(self, child: Element, item: Item, path: str, body: dict[str, Any]) -> None:
        self._reading.unmapped.update(_attributes(child, path))
        content = text(child).strip()
        if item.field in body:
            raise _broken("an element stands twice", "pfif.repeated", child, item)
        if not content:
            return
        try:
            value = item.kind.read(content)
        except ValueError:
            raise _broken(
                f"not what PFIF calls {item.element}", f"pfif.{item.kind.name}", child, item
            ) from None
        body[item.field] = description_of(value) if path.endswith("/other") else value
        # What is one text fills one leaf, which is told once.
        if path not in self._told:
            self._tell(item, path, body[item.field])

    def _tell(self, item: Item, path: str, value: Any) -> None:
        above = _ABOVE.get(path.rpartition("/")[0], "")
        if item.element in _FOUND:
            above = "found_contacts[]."
        if item is not ABOUT:
            for name in leaf_names(_TYPE, f"{above}{item.field}", value):
                self._reading.lineage[name] = path
        if isinstance(value, str):
            self._told.add(path)

    def _line(self, leaf: str, path: str) -> None:
        self._reading.lineage[f"{_TYPE}.{leaf}"] = path


Parts = tuple[dict[str, Any], dict[str, Any]]
"""A note, and what it says of a found person's whereabouts."""

_ABOVE = {"pfif/note": "notes[].", "pfif/person/note": "notes[]."}


def attach(record: Record, parts: Parts) -> None:
    """Put a note into a record."""
    note, found = parts
    record.setdefault("notes", []).append(note)
    if found:
        record.setdefault("found_contacts", []).append(found)


def _latest(name: str, version: str) -> str:
    return OLD.get(name, name) if f"{NAMESPACE}{version}" != LATEST else name


def _broken(problem: str, rule: str, element: Element, item: Item) -> SenderError:
    place = at(element)
    return SenderError(problem, rule=rule, at=f"{place}, {item.element}" if place else item.element)
