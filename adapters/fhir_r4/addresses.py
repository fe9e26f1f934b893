"""Reader of addresses, and of the place that travels as one of them."""

from adapters.fhir_r4 import terms
from adapters.fhir_r4.nested import number, point
from adapters.fhir_r4.reading import Json, Reader


def addresses(reader: Reader, items: list[Json], where: str) -> None:
    """Addresses to the canonical addresses, and the marked one to the place."""
    found = []
    for item in items:
        if reader.masked(item, where):
            continue
        if any(url == terms.PLACE for url, _, _ in reader.extensions(item, where)):
            _place(reader, item, where)
        elif item.get("use") == "old":
            reader.leave_rest(where, item, ())
        else:
            found.append(_address(reader, item, where))
    found = [item for item in found if item]
    if found:
        reader.record.setdefault("address", []).extend(found)


def _address(reader: Reader, item: Json, where: str) -> Json:
    address: Json = {}
    for part, element in terms.ADDRESS_ELEMENTS.items():
        reader.take(address, f"address[].{part}", item, element, f"{where}.{element}")
    first, *more = reader.texts(item, "line", f"{where}.line") or [""]
    if first:
        reader.put(address, "address[].address_line_1", first, f"{where}.line")
    if more:
        reader.put(address, "address[].address_line_2", ", ".join(more), f"{where}.line")
    for url, extension, path in reader.extensions(item, where):
        if url == terms.SECOND_LINE:
            text = extension.get("valueString")
            reader.put(address, "address[].address_line_2", text, path)
        elif url == terms.ADDRESS_CODES:
            _codes(reader, address, extension, path)
        else:
            reader.leave(path)
    taken = {"line", "extension", *terms.ADDRESS_ELEMENTS.values()}
    reader.leave_rest(where, item, taken)
    return address


def _codes(reader: Reader, address: Json, extension: Json, where: str) -> None:
    for part, code, path in reader.parts(extension, where):
        if part not in terms.ADMIN_CODES:
            raise reader.refuse("fhir.extension", "not an administrative code", where)
        reader.put(address, f"address[].{part}", code.get("valueString"), path)


def _place(reader: Reader, item: Json, where: str) -> None:
    place: Json = {}
    position: list[float] = []
    for part, element in terms.PLACE_ELEMENTS.items():
        reader.take(place, f"place.{part}", item, element, f"{where}.{element}")
    altitude: list[float] = []
    for url, extension, path in reader.extensions(item, where):
        if url == terms.GEOLOCATION:
            position = _point(reader, extension, path)
        elif url == terms.PLACE:
            altitude = _place_parts(reader, place, extension, path)
        else:
            reader.leave(path)
    if position:
        place["geo"] = {"type": "Point", "coordinates": [*position, *altitude]}
        reader.note("place.geo", f"{where}.extension.geolocation")
    if "place" in reader.record:
        raise reader.refuse("fhir.repeated", "more than one place", where)
    if place:
        reader.record["place"] = place
    reader.leave_rest(where, item, {"extension", *terms.PLACE_ELEMENTS.values()})


def _place_parts(reader: Reader, place: Json, extension: Json, where: str) -> list[float]:
    altitude: list[float] = []
    for part, item, path in reader.parts(extension, where):
        kind = terms.PLACE_PARTS.get(part)
        if kind is None:
            raise reader.refuse("fhir.extension", "not a part of a place", where)
        if part == "altitude":
            altitude = [number(reader, item.get("valueDecimal"), path)]
        else:
            of = int if kind == "valueInteger" else str
            reader.put(place, f"place.{part}", item.get(kind), path, of)
    return altitude


def _point(reader: Reader, extension: Json, where: str) -> list[float]:
    found: dict[str, float] = {}
    for part, item, path in reader.parts(extension, where):
        found[part] = number(reader, item.get("valueDecimal"), path)
    if found.keys() != {"latitude", "longitude"}:
        raise reader.refuse("fhir.extension", "not a latitude and a longitude", where)
    coordinates: list[float] = point(reader, found, where)["coordinates"]
    return coordinates
