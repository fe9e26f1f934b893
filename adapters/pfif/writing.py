"""Canonical missing-person records to elements of PFIF 1.4."""

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.leaf_names import NOTHING, changed, leaf_names
from adapters.pfif.fields import ABOUT, FOUND, LATEST, NOTE, PERSON, Item
from adapters.pfif.values import TIME, age_written, read_age
from gateway.errors import SenderError
from gateway.record import Record, Writing
from gateway.source import markup
from gateway.source.markup import Element

PREFIX = "pfif"
_TYPE = "missing-person"
_ONLY_A_NOTE = {"record_type", "record_id", "person_record_id", "notes", "found_contacts"}
_BY_ITSELF = {item.field for item in PERSON} | {"record_type", "notes", "found_contacts"}


class _MissingError(Exception):
    """An element that must be there cannot be written."""

    def __init__(self, element: str) -> None:
        super().__init__(element)
        self.element = element


def write_record(record: Record, number: int, writing: Writing) -> Element:
    """A `person`, or a `note` at the top where the record is one note about somebody.

    Raises `SenderError` where PFIF requires what the record does not have.
    """
    written = _Written(writing)
    try:
        if _is_note(record):
            return written.top_note(record)
        return written.person(record)
    except _MissingError as missing:
        raise SenderError(
            "PFIF requires an element for which the record has no value it can write",
            rule="pfif.required",
            at=f"record {number}, {missing.element}",
        ) from None


def _is_note(record: Record) -> bool:
    notes = record.get("notes", ())
    return (
        record.keys() <= _ONLY_A_NOTE
        and "person_record_id" in record
        and len(notes) == 1
        and notes[0].get("note_record_id") == record["record_id"]
    )


class _Written:
    """What becomes of the leaves of one record."""

    def __init__(self, writing: Writing) -> None:
        self._lineage = writing.lineage
        self._lost = writing.unrendered

    def person(self, record: Record) -> Element:
        """The report with its notes."""
        element = markup.element(LATEST, "person", prefix=PREFIX)
        self._items(element, PERSON, record, "", "pfif/person")
        self._age(element, record)
        self._notes(element, record)
        self._line("record_type", "pfif/person")
        kept = record.get("protection", {}).get("expiry_date")
        expiry = element.findtext(f"{{{LATEST}}}expiry_date")
        for field, value in record.items():
            if field in _BY_ITSELF or field == "age":
                continue
            for name in leaf_names(_TYPE, field, value):
                if name == f"{_TYPE}.protection.expiry_date" and expiry and kept == expiry[:10]:
                    self._lineage[name] = "pfif/person/expiry_date"
                else:
                    self._lost.add(name)
        return element

    def top_note(self, record: Record) -> Element:
        """A note that stands alone and says whom it is about."""
        found = _by_note(record.get("found_contacts", ()))
        element = self._note(record["notes"][0], found, "pfif/note")
        about = markup.element(LATEST, ABOUT.element, record["person_record_id"], prefix=PREFIX)
        element.insert(1, about)
        self._left(found)
        self._line("record_type", "pfif/note")
        self._line("record_id", "pfif/note/note_record_id")
        self._line("person_record_id", "pfif/note/person_record_id")
        return element

    def _notes(self, element: Element, record: Record) -> None:
        found = _by_note(record.get("found_contacts", ()))
        for note in record.get("notes", ()):
            try:
                element.append(self._note(note, found, "pfif/person/note"))
            except _MissingError:
                self._lost.update(leaf_names(_TYPE, "notes[]", note))
        self._left(found)

    def _note(
        self, note: dict[str, Any], found: dict[str, list[dict[str, Any]]], path: str
    ) -> Element:
        # Nothing is told of a note before it is certain that it can be written.
        inner = _Written(Writing())
        element = markup.element(LATEST, "note", prefix=PREFIX)
        inner._items(element, NOTE, note, "notes[].", path)
        mine = found.get(note["note_record_id"], [])
        if mine:
            contact = mine.pop(0)
            before = len(element)
            inner._items(element, FOUND, contact, "found_contacts[].", path)
            if len(element) > before:
                inner._line("found_contacts[].note_record_id", f"{path}/note_record_id")
            else:
                inner._lost.add(f"{_TYPE}.found_contacts[].note_record_id")
        self._lineage.update(inner._lineage)
        self._lost |= inner._lost
        return element

    def _left(self, found: Mapping[str, list[dict[str, Any]]]) -> None:
        for contacts in found.values():
            for contact in contacts:
                self._lost.update(leaf_names(_TYPE, "found_contacts[]", contact))

    def _items(
        self,
        element: Element,
        items: tuple[Item, ...],
        body: Mapping[str, Any],
        above: str,
        path: str,
    ) -> None:
        for item in items:
            value = body.get(item.field, NOTHING)
            text = "" if value is NOTHING else self._text(item, value, above, path)
            if text or item.empty:
                made = markup.element(LATEST, item.element, text, prefix=PREFIX)
                element.append(made)
            elif item.needed:
                raise _MissingError(item.element)

    def _text(self, item: Item, value: Any, above: str, path: str) -> str:
        try:
            text = item.kind.write(value).strip()
            if not markup.writable(text):
                raise ValueError
            back = item.kind.read(text) if text else NOTHING
        except ValueError:
            text, back = "", NOTHING
        leaf = f"{above}{item.field}"
        self._lost.update(changed(_TYPE, leaf, value, back))
        if text:
            for name in leaf_names(_TYPE, leaf, value):
                self._lineage[name] = f"{path}/{item.element}"
        return text

    def _age(self, element: Element, record: Record) -> None:
        """PFIF has an age as of `source_date`, so an age of another day cannot be written."""
        age = record.get("age")
        if not age:
            return
        made_on = TIME.write(record["source_date"])[:10]
        back: dict[str, Any] = {}
        try:
            if age.get("as_of") == made_on:
                text = age_written(age)
                back = {**read_age(text), "as_of": made_on}
                element.append(markup.element(LATEST, "age", text, prefix=PREFIX))
        except ValueError:
            pass
        for name in leaf_names(_TYPE, "age", age):
            source = "source_date" if name.endswith(".as_of") else "age"
            if back:
                self._lineage[name] = f"pfif/person/{source}"
        self._lost.update(changed(_TYPE, "age", age, back))

    def _line(self, leaf: str, path: str) -> None:
        self._lineage[f"{_TYPE}.{leaf}"] = path


def _by_note(contacts: Any) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for contact in contacts:
        found.setdefault(contact.get("note_record_id", ""), []).append(contact)
    return found


def lost_of_another_type(record: Record) -> Iterator[str]:
    """Every leaf of a record that is no missing person."""
    for field, value in record.items():
        yield from leaf_names(record["record_type"], field, value)
