"""Codes with their systems, and organisations, in both directions.

A canonical code has a system that may be a plain name, and FHIR's must be a URI. So each writer
here says whether what it wrote holds everything; where not, the caller keeps the whole value in
an extension beside it.
"""

import re
from collections.abc import Mapping
from typing import Any

from adapters.fhir_r4.reading import Json, Reader

_SYSTEM = re.compile(
    r"https?://[A-Za-z0-9][^\s\"<>\\^`{|}]*|urn:iso:\S+|urn:ietf:\S+|urn:oid:[0-2](\.(0|[1-9][0-9]*))+"
)
_ORGANISATIONS = ("Organization", "HealthcareService", "CareTeam")
_CONTACTS: Mapping[str, str] = {
    "requester": "requester_contact",
    "performer[]": "performer_contact",
    "operator": "contact",
}
"""Leaf of an organisation to the field of the person to call there."""
_STAFF = ("", "Practitioner", "PractitionerRole")


def is_system(value: str) -> bool:
    """Whether a system can stand in `Coding.system`."""
    return _SYSTEM.fullmatch(value) is not None


def coding(item: Mapping[str, Any]) -> tuple[Json, bool]:
    """A Coding of `system`, `code` and `display`, and whether it holds them all."""
    written: Json = {}
    whole = True
    if "system" in item:
        whole = is_system(item["system"])
        if whole:
            written["system"] = item["system"]
    if "code" in item:
        written["code"] = item["code"]
    if "display" in item:
        written["display"] = item["display"]
    return written, whole


def concept(item: Mapping[str, Any]) -> tuple[Json, bool]:
    """A CodeableConcept of `system`, `code` and `display`, and whether it holds them all."""
    written, whole = coding(item)
    if "code" in item:
        return {"coding": [written]}, whole
    if "display" in item:
        return {"text": item["display"]}, "system" not in item
    return {}, False


def read_coding(reader: Reader, leaf: str, item: Json, path: str) -> Json:
    """What a Coding says, under the leaves `<leaf>.system`, `.code` and `.display`."""
    found: Json = {}
    for key in ("system", "code", "display"):
        reader.take(found, f"{leaf}.{key}", item, key, f"{path}.{key}")
    reader.leave_rest(path, item, {"system", "code", "display"})
    return found


def read_concept(reader: Reader, leaf: str, item: Json, path: str) -> Json:
    """What a CodeableConcept says by its first coding, or else by its text."""
    where = f"{path}.coding"
    first, *more = reader.items(item, "coding", where) or [{}]
    found = read_coding(reader, leaf, first, where)
    if more:
        reader.leave(where)
    taken = {"coding"}
    if "text" in item and (not found or "display" not in found):
        reader.take(found, f"{leaf}.display", item, "text", f"{path}.text")
        taken.add("text")
    elif item.get("text") == found.get("display"):
        taken.add("text")
    reader.leave_rest(path, item, taken)
    return found


def organisation(item: Mapping[str, Any]) -> tuple[Json, bool]:
    """A Reference to an organisation, and whether it holds all that the item says."""
    written: Json = {"type": "Organization"}
    if "org_id" in item:
        written["identifier"] = {"value": item["org_id"]}
    if "org_name" in item:
        written["display"] = item["org_name"]
    return written, len(written) > 1 and item.keys() <= {"org_id", "org_name"}


def read_organisation(reader: Reader, leaf: str, item: Json, path: str) -> Json:
    """What a Reference says of an organisation.

    `leaf` is `requester`, `performer[]` or `operator`: the name of somebody who is not surely an
    organisation becomes that of a contact, for it may be a person's.
    """
    kind = reader.kind_of(item)
    if kind in _ORGANISATIONS:
        return _organisation(reader, leaf, item, path)
    taken = {"type"}
    if "display" in item and kind in _STAFF:
        _contact(reader, _CONTACTS[leaf], item, path)
        taken.add("display")
    reader.leave_rest(path, item, taken)
    return {}


def _organisation(reader: Reader, leaf: str, item: Json, path: str) -> Json:
    found: Json = {}
    taken = {"type", "display"}
    identifier = reader.object(item, "identifier", f"{path}.identifier")
    reader.take(found, f"{leaf}.org_name", item, "display", f"{path}.display")
    if "value" in identifier:
        reader.take(found, f"{leaf}.org_id", identifier, "value", f"{path}.identifier.value")
        reader.leave_rest(f"{path}.identifier", identifier, {"value"})
        taken.add("identifier")
    elif "reference" in item:
        reader.take(found, f"{leaf}.org_id", item, "reference", f"{path}.reference")
        taken.add("reference")
    reader.leave_rest(path, item, taken)
    return found


def _contact(reader: Reader, contact: str, item: Json, path: str) -> None:
    target = reader.record.setdefault(contact, {})
    if "name" in target:
        reader.leave(f"{path}.display")
    else:
        reader.take(target, f"{contact}.name", item, "display", f"{path}.display")
    if not target:
        del reader.record[contact]
