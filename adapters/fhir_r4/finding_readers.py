"""Reader of an Observation and its components to findings."""

from decimal import Decimal
from typing import Any

from adapters.fhir_r4 import terms
from adapters.fhir_r4.concepts import read_concept
from adapters.fhir_r4.moments import is_moment
from adapters.fhir_r4.reading import Json, Reader
from adapters.fhir_r4.states import FINDINGS

_LEAF = "observations[]"
_VALUES = (
    "valueQuantity",
    "valueCodeableConcept",
    "valueString",
    "valueBoolean",
    "valueInteger",
    "valueDateTime",
)


def finding(reader: Reader, resource: Json, element: str) -> None:
    """The finding of an Observation, then those of its components."""
    first = _finding(reader, resource, "")
    twin = reader.object(resource, "_status", "_status")
    known = not any(url == terms.ABSENT for url, _, _ in reader.extensions(twin, "_status"))
    if "status" in resource and known:
        status = resource["status"]
        if not isinstance(status, str) or status not in FINDINGS:
            raise reader.refuse("fhir.code", "not a code of this list", "status")
        reader.put(first, f"{_LEAF}.status", status, "status")
    if "effectiveDateTime" in resource:
        effective = resource["effectiveDateTime"]
        if isinstance(effective, str) and not is_moment(effective):
            raise reader.refuse("fhir.date", "not a date", "effectiveDateTime")
        reader.put(first, f"{_LEAF}.effective", effective, "effectiveDateTime")
    found = [first]
    for item in reader.items(resource, "component", "component"):
        if "code" not in item:
            raise reader.refuse("fhir.required", "R4 requires this", "component.code")
        found.append(_finding(reader, item, "component."))
        reader.leave_rest("component", item, {"code", *_VALUES})
    found = [item for item in found if item]
    if found:
        reader.record["observations"] = found


def _finding(reader: Reader, holder: Json, path: str) -> Json:
    concept = reader.object(holder, "code", f"{path}code")
    found = {}
    if concept.keys() != {"extension"}:
        found = read_concept(reader, _LEAF, concept, f"{path}code")
    values = [key for key in _VALUES if key in holder]
    if len(values) > 1:
        raise reader.refuse("fhir.repeated", "more than one value for one field", f"{path}value")
    for key in values:
        _value(reader, found, holder, key, f"{path}{key}")
    return found


def _value(reader: Reader, found: Json, holder: Json, key: str, path: str) -> None:
    value = holder[key]
    if key == "valueQuantity":
        _quantity(reader, found, reader.object(holder, key, path), path)
    elif key == "valueCodeableConcept":
        _coded(reader, found, reader.object(holder, key, path), path)
    elif key == "valueInteger":
        reader.put(found, f"{_LEAF}.value", _digits(reader, value, path), path)
    elif key == "valueBoolean":
        if not isinstance(value, bool):
            raise reader.refuse("fhir.type", "a value of another type", path)
        reader.put(found, f"{_LEAF}.value_code", "true" if value else "false", path)
    else:
        reader.put(found, f"{_LEAF}.value_text", value, path)


def _quantity(reader: Reader, found: Json, quantity: Json, path: str) -> None:
    if "comparator" in quantity:
        # `<5` is not 5.
        reader.leave(path)
        return
    if "value" in quantity:
        digits = _digits(reader, quantity["value"], f"{path}.value")
        reader.put(found, f"{_LEAF}.value", digits, f"{path}.value")
    unit = "unit" if "unit" in quantity else "code"
    reader.take(found, f"{_LEAF}.unit", quantity, unit, f"{path}.{unit}")
    reader.leave_rest(path, quantity, {"value", unit})


def _digits(reader: Reader, value: Any, path: str) -> str:
    """A number as it was written: `1.00` stays `1.00`."""
    if isinstance(value, Decimal):
        plain = format(value, "f")
        return plain if len(plain) < 40 else str(value)
    if type(value) is not int:
        raise reader.refuse("fhir.type", "not a number", path)
    return str(value)


def _coded(reader: Reader, found: Json, concept: Json, path: str) -> None:
    where = f"{path}.coding"
    first, *more = reader.items(concept, "coding", where) or [{}]
    reader.take(found, f"{_LEAF}.value_code", first, "code", f"{where}.code")
    reader.take(found, f"{_LEAF}.value_system", first, "system", f"{where}.system")
    taken = {"code", "system"}
    if "text" in concept:
        reader.take(found, f"{_LEAF}.value_text", concept, "text", f"{path}.text")
    else:
        reader.take(found, f"{_LEAF}.value_text", first, "display", f"{where}.display")
        taken.add("display")
    reader.leave_rest(where, first, taken)
    if more:
        reader.leave(where)
    reader.leave_rest(path, concept, {"coding", "text"})
