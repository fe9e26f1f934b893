"""What the writers of fields share, and the writers that persons and households share.

A writer puts one canonical field's value into a resource or its extensions. Which writer
serves which field is said by the tables `person_writers.PERSON` and
`household_writers.HOUSEHOLD`. A field without one is not carried.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.fhir_r4 import terms
from adapters.fhir_r4.carriable import URI, is_date, is_instant
from adapters.fhir_r4.lineage import URI_TYPE, Shapes
from gateway.record import Record

Json = dict[str, Any]


class Uncarriable(Exception):  # noqa: N818 - a signal to `render`, which never lets it out
    """Some record holds what FHIR cannot. Carries nothing: `carriable` will find it."""


@dataclass(slots=True)
class Sheet:
    """What the fields of one render share."""

    address_of: Callable[[str, str], str | None] = lambda record_type, record_id: None
    """From record type and id to what a Reference says of its resource, if it is written too."""
    address: Callable[[str, str], str] = lambda kind, resource_id: resource_id
    """From type and id of a resource to what a Reference says of it."""
    shapes: Shapes = field(default_factory=set)
    """Distinct sets of keys of persons and households: their lineage is read off them."""
    lineage: dict[str, str] = field(default_factory=dict)
    """Leaf to path, of records of other types."""


Writer = Callable[[Any, Json, list[Json], Sheet], None]


def reference(record_type: str, record_id: str, sheet: Sheet) -> Json:
    """To the resource of a record, or by its id alone where it is not written."""
    identifier = {"system": terms.RECORD_ID, "value": record_id}
    address = sheet.address_of(record_type, record_id)
    return (
        {"reference": address, "identifier": identifier} if address else {"identifier": identifier}
    )


ANY = ("person", "household", "case", "facility")


def refer(record_id: str, sheet: Sheet, types: Sequence[str]) -> Json:
    """To the resource of a record that may be of several types."""
    found: Json = {}
    for record_type in types:
        found = reference(record_type, record_id, sheet)
        if "reference" in found:
            break
    return found


def missing(record: Record, resource: Json, extensions: list[Json]) -> None:
    """Say why fields have no value: on the element FHIR has for them, else on the resource."""
    places = terms.MISSING_AT.get(record["record_type"], {})
    for kind, url in (("withheld", terms.WITHHELD), ("absent", terms.WHY_ABSENT)):
        for name, reason in record.get(kind, {}).items():
            parts = [{"url": "field", "valueCode": name}, {"url": "reason", "valueCode": reason}]
            ours = {"url": url, "extension": parts}
            element = places.get(name)
            if element is None:
                extensions.append(ours)
            else:
                code = "masked" if kind == "withheld" else terms.DATA_ABSENT[reason]
                _say(resource, element, name, code, ours)


def _say(resource: Json, element: str, name: str, code: str, ours: Json) -> None:
    said: list[Json] = [{"url": terms.ABSENT, "valueCode": code}, ours]
    if element not in terms.REPEATING:
        # An element may give one reason only.
        found = resource.setdefault(element, {}).setdefault("extension", [])
        found += said[1:] if found else said
        return
    item: Json = {"extension": said}
    if element == "telecom":
        item["system"] = "email" if name == "email" else "phone"
    resource.setdefault(element, []).append(item)


def date(value: str) -> str:
    """The date, if the calendar has it."""
    if (value[8:] > "28" or value[:4] == "0000") and not is_date(value):
        raise Uncarriable
    return value


def instant(value: str) -> str:
    """The instant, if FHIR takes it."""
    if not is_instant(value):
        raise Uncarriable
    return value


def identifier(item: Any) -> tuple[Json, bool]:
    """An Identifier, and whether its type is a URI and so travels as its system."""
    written: Json = {}
    kind = item.get("identifier_type")
    uri = kind is not None and ":" in kind and URI.fullmatch(kind) is not None
    if uri:
        written["system"] = kind
    elif kind is not None:
        written["type"] = {"text": kind}
    if "identifier_value" in item:
        written["value"] = item["identifier_value"]
    if "issuer" in item:
        written["assigner"] = {"display": item["issuer"]}
    if not written:
        raise Uncarriable
    return written, uri


def identifiers(where: str) -> Writer:
    """Writer of an array of identifiers that stands at this leaf path."""

    def write(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
        for item in value:
            written, uri = identifier(item)
            sheet.shapes.add((where, URI_TYPE if uri else "", *item))
            resource["identifier"].append(written)

    return write


def simple(name: str) -> Writer:
    """Writer of a field of `terms.SIMPLE`."""
    url, kind = terms.SIMPLE[name]

    def write(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
        extensions.append({"url": url, kind: value})

    def write_date(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
        extensions.append({"url": url, kind: date(value)})

    return write_date if kind == "valueDateTime" else write


def part(where: str, name: str) -> Writer:
    """Writer of an object of `terms.PARTS` that stands at this leaf path."""
    url, kinds = terms.PARTS[name]

    def write(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
        sheet.shapes.add((where, "", *value))
        parts: list[Json] = []
        for key, item in value.items():
            kind = kinds[key]
            if kind == "valueDateTime":
                date(item)
            elif kind == "valueInstant":
                instant(item)
            parts.append({"url": key, kind: item})
        extensions.append({"url": url, "extension": parts})

    return write


_ELSEWHERE = frozenset({"sensitivity", "consent"})


def protection(where: str) -> Writer:
    """Writer of protection: the sensitivity is a security label, consent its own extension."""
    rest = part(where, "protection")

    def write(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
        others = {key: item for key, item in value.items() if key not in _ELSEWHERE}
        if "sensitivity" in value:
            sheet.shapes.add((where, "", "sensitivity"))
            code = terms.SENSITIVITY[value["sensitivity"]]
            resource["meta"] = {"security": [{"system": terms.CONFIDENTIALITY, "code": code}]}
        if "consent" in value:
            sheet.shapes.add((f"{where}.consent", "", *value["consent"]))
            extensions.append(_consent(value["consent"]))
        if others:
            rest(others, resource, extensions, sheet)

    return write


def _consent(value: Any) -> Json:
    url, kinds = terms.PARTS["consent"]
    parts: list[Json] = [
        {"url": name, kinds[name]: code} for name in terms.LISTED for code in value.get(name, ())
    ]
    for name in ("status", "given_by"):
        if name in value:
            parts.append({"url": name, kinds[name]: value[name]})
    if "date" in value:
        parts.append({"url": "date", kinds["date"]: date(value["date"])})
    if not parts or any(value.get(name) == [] for name in terms.LISTED):
        raise Uncarriable
    return {"url": url, "extension": parts}
