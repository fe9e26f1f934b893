"""Writing a record whose resource is not one for bulk: field by field, nothing lost.

Each field has perhaps a writer, which fills the elements FHIR has for it and says whether they
hold everything. Where they do not, and where there is no writer, the field stands as a whole in
an extension, which reading then believes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.fhir_r4 import nested, terms
from adapters.fhir_r4.concepts import concept, organisation
from adapters.fhir_r4.moments import is_moment
from adapters.fhir_r4.paths import SHARED
from adapters.fhir_r4.writers import (
    Json,
    Sheet,
    Uncarriable,
    identifier,
    missing,
    part,
    protection,
    refer,
)
from gateway.record import Record, leaves, walk

UNKNOWN: Json = {"extension": [{"url": terms.ABSENT, "valueCode": "unknown"}]}
"""In place of a value that R4 requires and the record does not have."""


@dataclass(slots=True)
class Draft:
    """One resource being written."""

    record: Record
    resource: Json
    sheet: Sheet
    extensions: list[Json] = field(default_factory=list)

    @property
    def root(self) -> str:
        """The resource's type."""
        return self.resource["resourceType"]  # type: ignore[no-any-return]

    def note(self, leaf: str, path: str) -> None:
        """Keep where a leaf went."""
        self.sheet.lineage[f"{self.record['record_type']}.{leaf}"] = f"{self.root}.{path}"

    def put(self, leaf: str, element: str, value: Any) -> None:
        """One simple element for one leaf."""
        self.resource[element] = value
        self.note(leaf, element)


FieldWriter = Callable[[Draft, Any], bool]
"""Fills elements from the value of a field, and says whether they hold all of it."""
Fields = Mapping[str, FieldWriter]


def fill(draft: Draft, fields: Fields, done: Sequence[str] = ()) -> None:
    """Every field of the record but those that are done."""
    draft.note("record_type", "resourceType")
    draft.note("record_id", "identifier.value")
    for name, value in draft.record.items():
        if name in _BESIDE or name in done:
            continue
        if not value and (value == [] or value == {}):
            raise Uncarriable
        writer = fields.get(name) or _SHARED.get(name)
        if writer is None or not writer(draft, value):
            keep(draft, name)
    missing(draft.record, draft.resource, draft.extensions)
    for name in ("withheld", "absent"):
        if name in draft.record:
            draft.note(name, f"extension.{name}")
    if "extension" in draft.record:
        # Has no path, and so is told as not carried.
        draft.sheet.shapes.add((draft.record["record_type"], "", "extension"))
    if draft.extensions:
        draft.resource["extension"] = [*draft.resource.get("extension", ()), *draft.extensions]


def keep(draft: Draft, name: str) -> None:
    """A field as a whole, in extensions."""
    record = draft.record
    draft.extensions += nested.write(
        name, record[name], draft.root, record["record_type"], draft.sheet
    )


_BESIDE = frozenset({"record_type", "record_id", "withheld", "absent", "extension"})


def _shared(name: str) -> FieldWriter:
    def write(draft: Draft, value: Any) -> bool:
        record_type = draft.record["record_type"]
        write_part = part("", name) if name == "source" else protection("")
        write_part(value, draft.resource, draft.extensions, Sheet())
        for leaf, path in SHARED.items():
            if leaf.startswith(f"{name}.") and any(
                True for _ in walk(draft.record, leaves(record_type)[leaf].path)
            ):
                draft.note(leaf, path)
        return True

    return write


def _identifiers(draft: Draft, value: Any) -> bool:
    for item in value:
        written, uri = identifier(item)
        draft.resource["identifier"].append(written)
        of = "identifier.system" if uri else "identifier.type.text"
        paths = {
            "identifier_type": of,
            "identifier_value": "identifier.value",
            "issuer": "identifier.assigner.display",
        }
        for key in item:
            draft.note(f"identifier[].{key}", paths[key])
    return True


_SHARED: Fields = {
    "source": _shared("source"),
    "protection": _shared("protection"),
    "identifier": _identifiers,
}


def moment(leaf: str, element: str) -> FieldWriter:
    """Writer of a moment."""

    def write(draft: Draft, value: Any) -> bool:
        if not is_moment(value):
            return False
        draft.put(leaf, element, value)
        return True

    return write


def code(leaf: str, element: str, codes: frozenset[str] | None = None) -> FieldWriter:
    """Writer of a code, of which R4 may have only some."""

    def write(draft: Draft, value: Any) -> bool:
        if codes is not None and value not in codes:
            return False
        draft.put(leaf, element, value)
        return True

    return write


def words(leaf: str, element: str) -> FieldWriter:
    """Writer of a text into a CodeableConcept."""

    def write(draft: Draft, value: Any) -> bool:
        draft.resource[element] = {"text": value}
        draft.note(leaf, f"{element}.text")
        return True

    return write


def link(leaf: str, element: str, *types: str) -> FieldWriter:
    """Writer of a reference to a record of one of these types."""

    def write(draft: Draft, value: Any) -> bool:
        draft.put(leaf, element, refer(value, draft.sheet, types))
        return True

    return write


def concepts(leaf: str, element: str, *, many: bool) -> FieldWriter:
    """Writer of an array of codes into one CodeableConcept or several."""

    def write(draft: Draft, value: Any) -> bool:
        return put_concepts(draft, f"{leaf}[]", element, value, many=many)

    return write


def put_concepts(
    draft: Draft, leaf: str, element: str, items: Sequence[Any], *, many: bool
) -> bool:
    """Write codes and note their leaves. Says whether every one is held whole."""
    found = [concept(item) for item in items]
    written = [one for one, _ in found if one]
    if written:
        draft.resource[element] = written if many else written[0]
    for item in items:
        for key in ("system", "code", "display"):
            if key in item:
                place = "text" if "code" not in item else f"coding.{key}"
                draft.note(f"{leaf}.{key}", f"{element}.{place}")
    return all(whole for _, whole in found) and (many or len(items) == 1)


def organisations(leaf: str, element: str, *, many: bool) -> FieldWriter:
    """Writer of organisations into References. A leaf that ends with `[]` is an array."""

    def write(draft: Draft, value: Any) -> bool:
        items = value if leaf.endswith("[]") else [value]
        found = [organisation(item) for item in items]
        written = [one for one, _ in found if len(one) > 1]
        if written:
            draft.resource[element] = written if many else written[0]
        if not all(whole for _, whole in found) or not (many or len(items) == 1):
            return False
        for item in items:
            for key in item:
                place = "display" if key == "org_name" else "identifier.value"
                draft.note(f"{leaf}.{key}", f"{element}.{place}")
        return True

    return write


def notes(draft: Draft, value: Any) -> bool:
    """Notes, one Annotation each."""
    draft.resource["note"] = [{"text": item} for item in value]
    draft.note("note[]", "note.text")
    return True
