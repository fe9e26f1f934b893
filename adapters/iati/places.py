"""Where: countries and locations of an activity, and the places of a record."""

import re
from typing import Any

from adapters.iati.node import Node, broken, said
from adapters.iati.terms import (
    CODE,
    COUNTRIES,
    COUNTRY_VOCABULARY,
    ISO2,
    PCODE_VOCABULARY,
    Tongue,
)

Place = dict[str, Any]

WGS84 = "http://www.opengis.net/def/crs/EPSG/0/4326"
_WGS84 = re.compile(r"(.*[:/])?4326", re.DOTALL)
"""However it is written: axes are latitude, longitude."""

_NUMBER = r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})"
_POSITION = re.compile(rf"({_NUMBER})\s+({_NUMBER})")
LEVELS = ("1", "2", "3", "4")
_PCODE = re.compile(r"\S{1,64}")
_PRECISION = {"1": "exact", "2": "coarse"}
_EXACTNESS = {"exact": "1", "locality": "2", "coarse": "2", "admin2": "2", "admin1": "2"}


def read_places(activity: Node, tongue: Tongue) -> dict[str, Any]:
    """`place` and `other_places`. A country stands in each of its places.

    A location says its country with ISO 3166 at level 0. Where none does and the activity is in
    one country, all are there.
    """
    places = [_place(node, tongue) for node in activity.all("location")]
    places = [place for place in places if place]
    nodes = activity.all("recipient-country")
    countries = [_country(node, "code", tongue) for node in nodes]
    said_so = {place["location_code"] for place in places if "location_code" in place}
    codes = [code for code in countries if code is not None and code not in said_so]
    if places and not said_so and len(nodes) == len(codes) == 1:
        places = [{"location_code": codes[0], **place} for place in places]
        codes = []
    places += [{"location_code": code} for code in codes]
    found: dict[str, Any] = {}
    if places:
        found["place"] = places[0]
    if places[1:]:
        found["other_places"] = places[1:]
    return found


def _country(node: Node, attribute: str, tongue: Tongue) -> str | None:
    code = tongue.code(node, attribute, COUNTRIES)
    found = None if code is None else COUNTRIES[code]
    if found is None:
        node.taken.discard(attribute)
    return found


def _place(node: Node, tongue: Tongue) -> Place:
    place: Place = {}
    name = tongue.spoken(node.one("name"))
    if name:
        place["name"] = name
    for one in node.all("location-id")[:1]:
        vocabulary, code = one.get("vocabulary"), one.get("code")
        if vocabulary and code:
            place["site_code"] = f"{vocabulary}:{code}"
    for one in node.all("administrative"):
        _administrative(one, place, tongue)
    point = node.one("point")
    if point is not None:
        place["geo"] = {"type": "Point", "coordinates": _position(point)}
    exactness = node.one("exactness")
    code = None if exactness is None else tongue.code(exactness, "code", _PRECISION)
    if code:
        place["precision"] = _PRECISION[code]
    return place


def _administrative(node: Node, place: Place, tongue: Tongue) -> None:
    vocabulary = node.attributes["vocabulary"].strip()
    level = node.attributes.get("level", "").strip().lstrip("+0") or "0"
    code = node.attributes["code"].strip()
    if vocabulary == COUNTRY_VOCABULARY and level == "0":
        field, value = "location_code", _country(node, "code", tongue)
    elif vocabulary == PCODE_VOCABULARY and level in LEVELS and _PCODE.fullmatch(code):
        field, value = f"admin{level}_code", code
    else:
        return
    if value is None:
        return
    if place.setdefault(field, value) != value:
        raise broken("two codes of one level", "iati.repeated", node)
    node.taken |= {"vocabulary", "level", "code"}


def _position(point: Node) -> list[float]:
    """Longitude first, as records have it."""
    system = point.get("srsName")
    if system is not None and not _WGS84.fullmatch(system):
        raise broken("another system of coordinates", "iati.srs", point, "@srsName")
    pos = point.all("pos")[0]
    found = _POSITION.fullmatch(pos.own() or "")
    if not found:
        raise broken("not a latitude and a longitude", "iati.point", pos)
    latitude, longitude = float(found[1]), float(found[2])
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise broken("no such place on earth", "iati.point", pos)
    return [longitude, latitude]


def write_places(activity: Node, record: dict[str, Any]) -> None:
    """A country for each that the places name, a location for each that says more than that."""
    places = [record["place"], *record.get("other_places", ())] if "place" in record else []
    codes = [ISO2.get(place.get("location_code", "")) for place in places]
    for code in codes if _bare(places) else dict.fromkeys(codes):
        if code:
            activity.add("recipient-country", code=code)
    if _bare(places):
        return
    for place, code in zip(places, codes, strict=True):
        node = _location(place, code)
        if not node.children and place is places[0]:
            # A further place must not become the first.
            return
        if node.children:
            activity.children.append(node)


def _bare(places: list[Place]) -> bool:
    return all(place.keys() == {"location_code"} for place in places)


def _location(place: Place, country: str | None) -> Node:
    node = Node("location")
    name = said(place.get("name"))
    if name:
        node.add("name").add("narrative", name)
    vocabulary, _, code = place.get("site_code", "").partition(":")
    if CODE.fullmatch(vocabulary) and said(code):
        node.add("location-id", vocabulary=vocabulary, code=code)
    if country:
        node.add("administrative", vocabulary=COUNTRY_VOCABULARY, level="0", code=country)
    for level in LEVELS:
        pcode = said(place.get(f"admin{level}_code"))
        if pcode:
            node.add("administrative", vocabulary=PCODE_VOCABULARY, level=level, code=pcode)
    if "geo" in place:
        longitude, latitude = place["geo"]["coordinates"][:2]
        node.add("point", srsName=WGS84).add("pos", f"{_digits(latitude)} {_digits(longitude)}")
    if "precision" in place:
        node.add("exactness", code=_EXACTNESS[place["precision"]])
    return node


def _digits(number: float) -> str:
    """Without an exponent, which a position does not have."""
    written = repr(number)
    return f"{number:.20f}".rstrip("0") + "0" if "e" in written else written
