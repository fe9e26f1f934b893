"""Readers of the data types that R4 resources share: names, contacts and identifiers."""

from collections.abc import Mapping

from adapters.fhir_r4 import terms
from adapters.fhir_r4.reading import Json, Reader

_OURS = frozenset({terms.RECORD_ID, terms.TASK_ID})
"""Systems of identifiers that say which record it is."""
_MAIN = ("official", "usual", None)
"""Which name is the name. The first of the first kind there is; all others are alternatives."""


def names(reader: Reader, resource: Json) -> None:
    """HumanNames to the one canonical name."""
    found = [
        item for item in reader.items(resource, "name", "name") if not reader.masked(item, "name")
    ]
    name: Json = {}
    main = next((item for use in _MAIN for item in found if item.get("use") == use), None)
    maiden = next((item for item in found if item.get("use") == "maiden"), None)
    for item in found:
        if item is main:
            _main_name(reader, name, item)
        elif item is maiden:
            reader.take(name, "name.maiden_name", item, "family", "name.family")
            reader.leave_rest("name", item, {"use", "family"})
        else:
            _alternate(reader, name, item)
    if name:
        reader.record["name"] = name


def refuse_misplaced(reader: Reader, resource: Json) -> None:
    """Refuse a name with an extension that HL7 allows on `_family` only."""
    for item in reader.items(resource, "name", "name"):
        for url, _, where in reader.extensions(item, "name"):
            part = url.removeprefix(f"{terms.STANDARD}humanname-")
            if part not in {url, "assembly-order"}:
                raise reader.refuse("fhir.extension_place", "not allowed on a name", where)


def _main_name(reader: Reader, name: Json, item: Json) -> None:
    reader.take(name, "name.full_name", item, "text", "name.text")
    reader.take(name, "name.surname", item, "family", "name.family")
    first, *more = reader.texts(item, "given", "name.given") or [""]
    if first:
        reader.put(name, "name.given_name", first, "name.given")
    if more:
        reader.put(name, "name.second_name", " ".join(more), "name.given")
    for key in ("prefix", "suffix"):
        parts = reader.texts(item, key, f"name.{key}")
        if parts:
            reader.put(name, f"name.{key}", " ".join(parts), f"name.{key}")
    for url, extension, where in reader.extensions(item, "name"):
        if url == terms.SCRIPT:
            reader.put(name, "name.script", extension.get("valueCode"), where)
        elif url == terms.SECOND_NAME:
            reader.put(name, "name.second_name", extension.get("valueString"), where)
        else:
            reader.leave(where)
    taken = {"use", "text", "family", "given", "prefix", "suffix", "extension"}
    reader.leave_rest("name", item, taken)


def _alternate(reader: Reader, name: Json, item: Json) -> None:
    # Parts are not joined: their order is a custom, and we would be guessing it.
    key, parts = "text", [item["text"]] if "text" in item else []
    if not parts:
        families = [item["family"]] if "family" in item else []
        given = reader.texts(item, "given", "name.given")
        key, parts = ("given", given) if given else ("family", families)
        if len(given) + len(families) > 1:
            key, parts = "", []
    for text in parts:
        if reader.accept("name.alternate_names[]", text, f"name.{key}"):
            name.setdefault("alternate_names", []).append(text)
    reader.leave_rest("name", item, {"use", key})


PERSONAL: Mapping[str, str] = {"phone": "phone_number[]", "email": "email[]"}
"""Kinds of contact points that a person has a field for."""


def telecoms(reader: Reader, resource: Json, leaves: Mapping[str, str] = PERSONAL) -> None:
    """ContactPoints to the leaves of their kinds. Old ones stay behind, and further single ones."""
    for item in reader.items(resource, "telecom", "telecom"):
        if reader.masked(item, "telecom"):
            continue
        leaf = leaves.get(str(item.get("system")))
        if leaf is None or leaf in reader.record or item.get("use") == "old" or "value" not in item:
            reader.leave_rest("telecom", item, ())
            continue
        if leaf.endswith("[]"):
            reader.add(leaf, item["value"], "telecom.value")
        else:
            reader.put(reader.record, leaf, item["value"], "telecom.value")
        reader.leave_rest("telecom", item, {"system", "value"})


def identifiers(reader: Reader, resource: Json, field: str) -> None:
    """Identifiers, but for the one that is the record id."""
    found = []
    for item in reader.items(resource, "identifier", "identifier"):
        if not reader.masked(item, "identifier") and str(item.get("system")) not in _OURS:
            identifier: Json = {}
            _identifier_type(reader, identifier, item, field)
            reader.take(
                identifier, f"{field}[].identifier_value", item, "value", "identifier.value"
            )
            assigner = reader.object(item, "assigner", "identifier.assigner")
            where = "identifier.assigner"
            reader.take(identifier, f"{field}[].issuer", assigner, "display", f"{where}.display")
            reader.leave_rest(where, assigner, {"display"})
            reader.leave_rest("identifier", item, {"system", "type", "value", "assigner"})
            found += [identifier] if identifier else []
    if found:
        reader.record.setdefault(field, []).extend(found)


def _identifier_type(reader: Reader, identifier: Json, item: Json, field: str) -> None:
    leaf, where = f"{field}[].identifier_type", "identifier.type"
    concept = reader.object(item, "type", where)
    codings = reader.items(concept, "coding", f"{where}.coding")
    if "system" in item:
        reader.put(identifier, leaf, item["system"], "identifier.system")
        reader.leave_rest(where, concept, ())
    elif "text" in concept:
        reader.put(identifier, leaf, concept["text"], f"{where}.text")
        reader.leave_rest(where, concept, {"text"})
    elif codings and "code" in codings[0]:
        reader.put(identifier, leaf, codings[0]["code"], f"{where}.coding.code")
        reader.leave_rest(f"{where}.coding", codings[0], {"code", "system"})
