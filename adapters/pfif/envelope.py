"""Reports and notes of a file, with notes at the top put to the reports they are about.

A report and a note about it may stand anywhere in a file, in any order. Files that hold both at
the top are read three times: for the ids of the reports, for the notes about them, and to give
them out. Others are read twice. Only the notes of such a file are held, and not many of them.
"""

from collections.abc import Iterator
from typing import BinaryIO

from adapters.pfif.fields import ATOM, NAMESPACE
from adapters.pfif.reading import Parts, Reader, attach, shown, told, version_of
from gateway.errors import SenderError
from gateway.marks import Marks
from gateway.record import Record
from gateway.source.markup import Element, Markup, at, children, local, namespace, text

HELD = 32 << 20
"""Characters of notes that stand apart from their reports. More of them must stand inside."""

_HEAD = 4096


def records(content: BinaryIO, reader: Reader, unmapped: set[str]) -> Iterator[Record]:
    """Every report, and every note whose report is not in the file, as a record."""
    _refuse_csv(content)
    persons = Marks()
    notes = False
    for element in elements(content, set()):
        if local(element) == "person":
            persons.add(_id(element))
        else:
            notes = True
    held = _held(content, reader, persons) if notes and len(persons) else {}
    for element in elements(content, unmapped):
        if local(element) == "person":
            record = reader.person(element)
            for parts in held.pop(record["record_id"], ()):
                attach(record, parts)
            yield record
        elif not len(persons) or reader.about(element) not in persons:
            _, parts = reader.note(element)
            yield reader.alone(reader.about(element), parts, at(element))
    # A mark is not proof: what was held for nobody is given out as what it is.
    for about, several in held.items():
        for parts in several:
            yield reader.alone(about, parts, "")


def elements(content: BinaryIO, unmapped: set[str]) -> Iterator[Element]:
    """Every `person` and `note` that stands in no other, from a PFIF file or an Atom feed."""
    content.seek(0)
    document = Markup(content)
    root = document.root
    if (namespace(root), local(root)) == (ATOM, "feed"):
        for item in document.items():
            unmapped.update(told(item, f"feed/{shown(local(item))}"))
            yield from _embedded(item)
        return
    version_of(namespace(root), root)
    if local(root) != "pfif":
        raise SenderError("not a PFIF document", rule="pfif.not_pfif", at=at(root))
    for item in document.items():
        if _is_record(item):
            if namespace(item) != namespace(root):
                raise SenderError("two versions in one", rule="pfif.version", at=at(item))
            yield item
        else:
            unmapped.add(f"pfif/{shown(local(item))}")


def _embedded(element: Element) -> Iterator[Element]:
    for child in element:
        if _is_record(child):
            yield child
        else:
            yield from _embedded(child)


def _is_record(element: Element) -> bool:
    return namespace(element).startswith(NAMESPACE) and local(element) in ("person", "note")


def _id(element: Element) -> str:
    for child in children(element):
        if local(child) == "person_record_id":
            return text(child).strip()
    return ""


def _held(content: BinaryIO, reader: Reader, persons: Marks) -> dict[str, list[Parts]]:
    held: dict[str, list[Parts]] = {}
    size = 0
    for element in elements(content, set()):
        if local(element) != "note":
            continue
        about = reader.about(element)
        if about in persons:
            _, parts = reader.note(element)
            held.setdefault(about, []).append(parts)
            size += sum(len(str(value)) for part in parts for value in part.values())
        if size > HELD:
            raise SenderError(
                "too many notes apart from their persons: put each note into its person",
                rule="pfif.notes_apart",
                at=at(element),
            )
    return held


def _refuse_csv(content: BinaryIO) -> None:
    content.seek(0)
    first = content.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
    if first[:1] != b"<" and b"person_record_id" in first.partition(b"\n")[0]:
        raise SenderError(
            "Person Finder's CSV, which is not PFIF: its ids name no repository", rule="pfif.csv"
        )
