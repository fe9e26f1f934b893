"""Reader of the extensions that stand on a Patient or a Group."""

from collections.abc import Callable, Mapping

from adapters.fhir_r4 import nested, terms
from adapters.fhir_r4.reading import MISSING, Json, Reader
from gateway.record import fields as fields_of
from gateway.record import leaves

_KINDS: Mapping[str, type] = {"valueBoolean": bool, "valueInteger": int}
_SIMPLE = {url: (field, kind) for field, (url, kind) in terms.SIMPLE.items()}
_PARTS = {url: name for name, (url, _) in terms.PARTS.items()}


_PLAIN = frozenset({"person", "household"})
"""Record types whose extensions each have a reader of their own."""


def extensions(reader: Reader, resource: Json) -> set[str]:
    """Every extension of a resource; what nobody knows is left behind.

    The answer is the fields of a case or a facility that an extension holds as a whole.
    """
    fields = leaves(reader.record["record_type"])
    for url, item, path in reader.extensions(resource, ""):
        field, kind = _SIMPLE.get(url, ("", ""))
        if field in fields:
            reader.put(reader.record, field, item.get(kind), path, _KINDS.get(kind, str))
        elif url in _PARTS:
            _parts(reader, _PARTS[url], item, path)
        elif url in MISSING:
            reader.missing(MISSING[url], item, path)
        elif reader.record["record_type"] not in _PLAIN:
            _whole(reader, url, item, path)
        elif reader.root != "Group" and url in _PATIENT:
            _PATIENT[url](reader, item, path)
        elif reader.root == "Group" and url == terms.HEAD:
            _head(reader, item, path)
        elif url != terms.ADDRESS or reader.root != "Group":
            reader.leave(path)
    return reader.given


def _whole(reader: Reader, url: str, extension: Json, path: str) -> None:
    record = reader.record
    field = url.removeprefix(terms.EXTENSION).replace("-", "_")
    if url == terms.BOUNDARY and record["record_type"] == "facility":
        field, value = "geometry", nested.shape(reader, extension, path)
        if value is not None:
            reader.note(field, path)
    elif url == terms.ADDRESS and record["record_type"] == "facility":
        return
    elif nested.address(field) != url or field not in fields_of(record["record_type"]):
        reader.leave(path)
        return
    else:
        value = nested.read(reader, field, extension, path)
    reader.given.add(field)
    if value is None:
        return
    if nested.spec_of(record["record_type"], field).get("type") == "array":
        record.setdefault(field, []).append(value)
    elif field in record:
        raise reader.refuse("fhir.repeated", "more than one value for one field", path)
    else:
        record[field] = value


def _parts(reader: Reader, name: str, extension: Json, where: str) -> None:
    if name == "age" and reader.record["record_type"] != "person":
        reader.leave(where)
        return
    kinds = terms.PARTS[name][1]
    home, prefix = reader.record, name
    if name == "consent":
        home, prefix = reader.record.setdefault("protection", {}), "protection.consent"
    target = home.setdefault(name, {})
    for part, item, path in reader.parts(extension, where):
        kind = kinds.get(part)
        if kind is None:
            raise reader.refuse("fhir.extension", "not a part of this extension", where)
        value = item.get(kind)
        if name == "consent" and part in terms.LISTED:
            if reader.accept(f"{prefix}.{part}[]", value, path):
                target.setdefault(part, []).append(value)
        else:
            reader.put(target, f"{prefix}.{part}", value, path, _KINDS.get(kind, str))
    if not target:
        del home[name]
        if name == "consent" and not home:
            del reader.record["protection"]


def _nationality(reader: Reader, extension: Json, where: str) -> None:
    for part, item, path in reader.parts(extension, where):
        concept = reader.object(item, "valueCodeableConcept", path)
        codings = reader.items(concept, "coding", path)
        if part == "code" and codings and "code" in codings[0]:
            reader.add("nationality[]", codings[0]["code"], path)
        else:
            reader.leave(path)


def _religion(reader: Reader, extension: Json, where: str) -> None:
    concept = reader.object(extension, "valueCodeableConcept", where)
    if "text" in concept:
        reader.put(reader.record, "religion", concept["text"], where)
    else:
        reader.leave(where)


def _disability(reader: Reader, extension: Json, where: str) -> None:
    concept = reader.object(extension, "valueCodeableConcept", where)
    codings = reader.items(concept, "coding", where)
    if codings and "code" in codings[0]:
        reader.add("disability_info[]", codings[0]["code"], where)
    else:
        reader.leave(where)


def _relationship(reader: Reader, extension: Json, where: str) -> None:
    found: Json = {}
    for part, item, path in reader.parts(extension, where):
        if part == "type":
            code = item.get("valueCode")
            reader.put(found, "relationships[].relationship_type", code, path)
        elif part == "related":
            related = reader.resolve(reader.object(item, "valueReference", path))
            if related is None:
                reader.leave(path)
            else:
                reader.put(found, "relationships[].related", related, path)
        else:
            raise reader.refuse("fhir.extension", "not a part of a relationship", where)
    if found:
        reader.record.setdefault("relationships", []).append(found)


def _head(reader: Reader, extension: Json, where: str) -> None:
    head = reader.resolve(reader.object(extension, "valueReference", where))
    if head is None:
        reader.leave(where)
    else:
        reader.put(reader.record, "group_head", head, where)


_PATIENT: Mapping[str, Callable[[Reader, Json, str], None]] = {
    terms.NATIONALITY: _nationality,
    terms.RELIGION: _religion,
    terms.DISABILITY: _disability,
    terms.LINK: _relationship,
}
