"""Writers of addresses and of the place, which FHIR holds as one more address.

A Patient has addresses. A Group has none in R4, so there each stands in an extension.
"""

from typing import Any

from adapters.fhir_r4 import terms
from adapters.fhir_r4.writers import Json, Sheet, Uncarriable


def address(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    """A person's addresses."""
    found = resource.setdefault("address", [])
    for item in value:
        sheet.shapes.add(("person.address[]", "address", *item))
        found.append(address_of(item))


def group_address(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    """A household's addresses."""
    for item in value:
        sheet.shapes.add(("household.address[]", "extension.address", *item))
        extensions.append({"url": terms.ADDRESS, "valueAddress": address_of(item)})


def place(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    """Where a person stays."""
    sheet.shapes.add(("person.place", "", *value))
    resource.setdefault("address", []).append(_place(value))


def group_place(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    """Where a household stays."""
    sheet.shapes.add(("household.place", "", *value))
    extensions.append({"url": terms.ADDRESS, "valueAddress": _place(value)})


def address_of(item: Any) -> Json:
    """One canonical address as a FHIR Address."""
    if not item:
        raise Uncarriable
    written: Json = {}
    codes: list[Json] = []
    for part, value in item.items():
        element = terms.ADDRESS_ELEMENTS.get(part)
        if element is not None:
            written[element] = value
        elif part in terms.ADMIN_CODES:
            codes.append({"url": part, "valueString": value})
    extensions = [{"url": terms.ADDRESS_CODES, "extension": codes}] if codes else []
    if "address_line_1" in item:
        lines = [item["address_line_1"]]
        if "address_line_2" in item:
            lines.append(item["address_line_2"])
        written["line"] = lines
    elif "address_line_2" in item:
        extensions.append({"url": terms.SECOND_LINE, "valueString": item["address_line_2"]})
    if extensions:
        written["extension"] = extensions
    return written


def _place(value: Any) -> Json:
    elements, kinds = terms.PLACE_ELEMENTS, terms.PLACE_PARTS
    written: Json = {}
    parts: list[Json] = []
    for part, item in value.items():
        if part in elements:
            written[elements[part]] = item
        elif part != "geo":
            parts.append({"url": part, kinds[part]: item})
    if "geo" not in value:
        written["extension"] = [_marker(parts)]
        return written
    longitude, latitude, *altitude = value["geo"]["coordinates"]
    if altitude:
        parts.append({"url": "altitude", "valueDecimal": altitude[0]})
    point = [
        {"url": "latitude", "valueDecimal": latitude},
        {"url": "longitude", "valueDecimal": longitude},
    ]
    written["extension"] = [{"url": terms.GEOLOCATION, "extension": point}, _marker(parts)]
    return written


def _marker(parts: list[Json]) -> Json:
    # An extension holds a value or parts, and never neither.
    if parts:
        return {"url": terms.PLACE, "extension": parts}
    return {"url": terms.PLACE, "valueBoolean": True}
