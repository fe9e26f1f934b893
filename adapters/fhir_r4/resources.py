"""Readers of the resources that are records: Patient, Person, RelatedPerson and Group."""

from typing import Any

from adapters.fhir_r4 import terms
from adapters.fhir_r4.addresses import addresses
from adapters.fhir_r4.carriable import is_date
from adapters.fhir_r4.elements import identifiers, names, telecoms
from adapters.fhir_r4.extensions import extensions
from adapters.fhir_r4.reading import Json, Reader

PERSONS = frozenset({"Patient", "Person", "RelatedPerson"})
BASE = frozenset({"resourceType", "id", "meta", "identifier", "extension"})
"""Elements that every resource has and that are read the same way."""
_PERSON_TAKEN = BASE | frozenset(
    {
        "name",
        "telecom",
        "gender",
        "birthDate",
        "deceasedDateTime",
        "address",
        "maritalStatus",
        "communication",
        "photo",
        "_birthDate",
        "_gender",
        "_deceasedDateTime",
    }
)
_GROUP_TAKEN = BASE | frozenset(
    {
        "type",
        "actual",
        "code",
        "quantity",
        "_quantity",
        "member",
    }
)
_GROUP_TYPES = frozenset({"person", "animal", "practitioner", "device", "medication", "substance"})
_GENDERS = frozenset({"male", "female", "other", "unknown"})
_SENSITIVITY = {code: level for level, code in terms.SENSITIVITY.items()}
_LEVELS = tuple(terms.SENSITIVITY)
_TWINS = {
    "_birthDate": "birth_date",
    "_gender": "sex",
    "_deceasedDateTime": "death_date",
    "_quantity": "group_size",
}
"""Elements that hold the extensions of a simple value, to the canonical field of the value."""


def person(reader: Reader, resource: Json) -> None:
    """Everything of a person but its id."""
    _common(reader, resource)
    identifiers(reader, resource, "identifier")
    names(reader, resource)
    telecoms(reader, resource)
    _gender(reader, resource)
    _dates(reader, resource)
    addresses(reader, reader.items(resource, "address", "address"), "address")
    _marital(reader, resource)
    _languages(reader, resource)
    _photos(reader, resource)
    extensions(reader, resource)
    also = {"patient", "relationship"} if reader.root == "RelatedPerson" else set()
    reader.leave_rest("", resource, _PERSON_TAKEN | also)


def is_household(reader: Reader, resource: Json) -> bool:
    """Whether a Group is a real group of persons. R4 requires it to say so."""
    kind, actual = resource.get("type"), resource.get("actual")
    for name, value in (("type", kind), ("actual", actual)):
        if value is None:
            raise reader.refuse("fhir.required", "R4 requires this", name)
    if not isinstance(kind, str) or kind not in _GROUP_TYPES:
        raise reader.refuse("fhir.code", "not a code of this list", "type")
    if not isinstance(actual, bool):
        raise reader.refuse("fhir.type", "not a boolean", "actual")
    return kind == "person" and actual


def household(reader: Reader, resource: Json) -> None:
    """Everything of a household but its id."""
    _common(reader, resource)
    identifiers(reader, resource, "group_identifier")
    code = reader.object(resource, "code", "code")
    masked = reader.masked(code, "code")
    reader.take(reader.record, "group_type", code, "text", "code.text")
    reader.leave_rest("code", code, {"text", "extension"} if masked else {"text"})
    if "quantity" in resource:
        reader.put(reader.record, "group_size", resource["quantity"], "quantity", int)
    for item in reader.items(resource, "member", "member"):
        _member(reader, item)
    extensions(reader, resource)
    found = [
        reader.object(item, "valueAddress", "extension.address")
        for url, item, _ in reader.extensions(resource, "")
        if url == terms.ADDRESS
    ]
    addresses(reader, found, "extension.address")
    reader.leave_rest("", resource, _GROUP_TAKEN)


def _common(reader: Reader, resource: Json) -> None:
    refuse_modifiers(reader, resource)
    reader.note("record_type", "resourceType")
    for twin, name in _TWINS.items():
        reader.why(name, reader.object(resource, twin, twin), twin)
    security(reader, resource)


def refuse_modifiers(reader: Reader, value: Any) -> None:
    """Refuse what changes the meaning of everything around it: nobody may pass over that."""
    if isinstance(value, list):
        for item in value:
            refuse_modifiers(reader, item)
    if isinstance(value, dict):
        for key in ("modifierExtension", "implicitRules"):
            if key in value:
                raise reader.refuse("fhir.modifier", "it changes what the rest means", key)
        for key, item in value.items():
            if key != "contained":
                refuse_modifiers(reader, item)


def security(reader: Reader, resource: Json) -> None:
    """The labels of a resource to its sensitivity. The strictest of them counts."""
    meta = reader.object(resource, "meta", "meta")
    levels = {_level(reader, coding) for coding in reader.items(meta, "security", "meta.security")}
    # A Task may have a label beside that of its ServiceRequest.
    known = reader.record.get("protection", {}).get("sensitivity")
    for level in reversed(_LEVELS):
        if level == known:
            break
        if level in levels:
            reader.record.setdefault("protection", {})["sensitivity"] = level
            reader.note("protection.sensitivity", "meta.security")
            break
    reader.leave_rest("meta", meta, {"security"})


def _level(reader: Reader, coding: Json) -> str | None:
    # A label is a promise made to the person. One that we cannot keep must not be dropped.
    # `HTEST` promises nothing: it marks test data.
    code = coding.get("code")
    if coding.get("system") == terms.ACT_REASON and code == "HTEST":
        reader.leave("meta.security")
        return None
    if coding.get("system") != terms.CONFIDENTIALITY or not isinstance(code, str):
        raise reader.refuse("fhir.security_label", "a label we do not know", "meta.security")
    if code not in _SENSITIVITY:
        if code not in {"N", "U"}:
            raise reader.refuse("fhir.security_label", "a label we do not know", "meta.security")
        reader.leave("meta.security")
    return _SENSITIVITY.get(code)


def _gender(reader: Reader, resource: Json) -> None:
    gender = resource.get("gender")
    if gender is not None:
        if not isinstance(gender, str) or gender not in _GENDERS:
            raise reader.refuse("fhir.code", "not a code of this list", "gender")
        reader.put(reader.record, "sex", gender, "gender")


def _dates(reader: Reader, resource: Json) -> None:
    for leaf, key in (("birth_date", "birthDate"), ("death_date", "deceasedDateTime")):
        if key in resource:
            value: Any = resource[key]
            if isinstance(value, str):
                # The day as it was there. A time of death has no place, and no zone shifts it.
                value, time = (value[:10], value[10:]) if key != "birthDate" else (value, "")
                if not _is_fhir_date(value) or (time and not time.startswith("T")):
                    raise reader.refuse("fhir.date", "not a date", key)
            reader.put(reader.record, leaf, value, key)


def _is_fhir_date(value: str) -> bool:
    return value.isascii() and len(value) in (4, 7, 10) and is_date(value)


def _marital(reader: Reader, resource: Json) -> None:
    concept = reader.object(resource, "maritalStatus", "maritalStatus")
    masked = reader.masked(concept, "maritalStatus")
    where = "maritalStatus.coding"
    for coding in reader.items(concept, "coding", where):
        letter = str(coding.get("code"))
        known = coding.get("system") == terms.MARITAL_SYSTEM and letter in terms.MARITAL
        if not known or "marital_status" in reader.record:
            reader.leave(where)
        else:
            reader.put(reader.record, "marital_status", letter, f"{where}.code")
    reader.leave_rest("maritalStatus", concept, {"coding", "extension"} if masked else {"coding"})


def _languages(reader: Reader, resource: Json) -> None:
    for item in reader.items(resource, "communication", "communication"):
        where = "communication.language"
        language = reader.object(item, "language", where)
        codings = reader.items(language, "coding", f"{where}.coding")
        if codings and "code" in codings[0]:
            reader.add("language_code[]", codings[0]["code"], f"{where}.coding.code")
        reader.leave_rest(where, language, {"coding"})
        reader.leave_rest("communication", item, {"language"})


def _photos(reader: Reader, resource: Json) -> None:
    # A Person has one photo, the others have an array of them.
    if reader.root == "Person" and "photo" in resource:
        resource = {"photo": [reader.object(resource, "photo", "photo")]}
    for item in reader.items(resource, "photo", "photo"):
        if not reader.masked(item, "photo"):
            if "url" in item:
                reader.add("photo_url[]", item["url"], "photo.url")
            reader.leave_rest("photo", item, {"url"})


def _member(reader: Reader, item: Json) -> None:
    found: Json = {}
    entity = reader.object(item, "entity", "member.entity")
    if not entity:
        raise reader.refuse("fhir.required", "R4 requires this", "member.entity")
    member = reader.resolve(entity)
    if member is not None:
        reader.put(found, "member_list[].member", member, "member.entity")
    elif entity.keys() != {"extension"}:
        reader.leave("member.entity")
    for url, extension, where in reader.extensions(item, "member"):
        if url == terms.MEMBER_RELATIONSHIP:
            code = extension.get("valueCode")
            reader.put(found, "member_list[].relationship_head", code, where)
        elif url == terms.MEMBER_HEAD:
            reader.put(found, "member_list[].is_head", extension.get("valueBoolean"), where, bool)
        elif url == terms.MEMBER_COLLECTOR:
            reader.put(found, "member_list[].collector", extension.get("valueCode"), where)
        else:
            reader.leave(where)
    if found:
        reader.record.setdefault("member_list", []).append(found)
    reader.leave_rest("member", item, {"entity", "extension"})
