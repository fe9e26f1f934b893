"""Rows of `dataAddress`: places, postal addresses, telephone numbers and e-mail addresses.

What the current country of asylum (`CoA`) says is where the person stays. `TEL` and `EML` have
their text in the last level. `Mail` is a postal address. Addresses of other times and purposes
(`CoO`, `PCoA`, `CoR`, `Integ`, ...) have no place in a record but `extension`: nobody should be
looked for there. From 4.2.7 on, `dataContact` has telephones and e-mail addresses too; those that
are no longer in use, and fax numbers, have no place either: somebody else may be reached there.
"""

from collections.abc import Mapping
from typing import Any

from adapters.progres.errf.codes import COUNTRY, COUNTRY_BACK
from adapters.progres.errf.envelope import broken
from adapters.progres.errf.tables import ADDRESS, UNKNOWN, Row
from adapters.progres.errf.values import telling
from gateway.mapping.codes import code_table

ASYLUM = "AsylumCountryCode"
CURRENT, MAIL, PHONE, EMAIL = "CoA", "Mail", "TEL", "EML"

_PLACE = {
    "LocationLevel1Description": "admin1_name",
    "LocationLevel2Description": "admin2_name",
    "LocationLevel3Description": "admin3_name",
    "LocationLevel4Description": "admin4_name",
    "LocationLevel5Description": "name",
}
_STREET = {"LocationLevel6": "address_line_1", "AddressPostal": "postal_code"}
_MAIL = {"LocationLevel5Description": "locality", **_STREET}
_LAST = "LocationLevel6"
_IN_USE = ("1", "true")
_PHONE_SIZE, _EMAIL_SIZE = 64, 254
_LEVELS = (*_PLACE, _LAST)
_ALPHA_3 = code_table("country.iso2")
_ALPHA_2 = code_table("country_alpha2.iso3")


def country_of(code: str | None, place: str, name: str) -> str | None:
    """ISO 3166-1 alpha-3. Raises `SenderError` for a code that means no country of ISO."""
    if code is None:
        return None
    if code not in COUNTRY:
        raise broken("a country that is in no list, or is none of ISO 3166", "code", place, name)
    return COUNTRY[code]


def read(rows: list[Row], contacts: list[Row], asylum: str | None, at: str) -> dict[str, Any]:
    """`place`, `address`, `phone_number` and `email` of a person.

    A text longer than a telephone number can be is a note about several, and is none. Raises
    `SenderError` where somebody stays in two places at once.
    """
    place: dict[str, Any] | None = None
    addresses: list[dict[str, Any]] = []
    phones: list[str] = []
    emails: list[str] = []
    for row in rows:
        kind = row.get("AddressType", "").casefold()
        if kind == CURRENT.casefold():
            here = _place(row, at)
            if place and here and place != here:
                raise broken("two current addresses", "address_twice", at, ADDRESS)
            place = place or here
            addresses += _postal(row, _STREET, at)
        elif kind == MAIL.casefold():
            addresses += _postal(row, _MAIL, at)
        elif kind == PHONE.casefold() and _LAST in row:
            phones.append(row[_LAST])
        elif kind == EMAIL.casefold():
            emails += _email(row)
    calls = [row for row in contacts if not row.get("PhoneType", "").endswith("Fax")]
    phones = [one for one in _reached(phones, calls, "PhoneNumber") if len(one) <= _PHONE_SIZE]
    emails = [
        one
        for one in _reached(emails, contacts, "Email")
        if "@" in one and 3 <= len(one) <= _EMAIL_SIZE
    ]
    if not place and (country := country_of(asylum, at, ASYLUM)):
        place = {"location_code": country}
    found = {"place": place, "address": addresses, "phone_number": phones, "email": emails}
    return {name: value for name, value in found.items() if value}


def write(person: Mapping[str, Any], *, applicant: bool) -> tuple[list[Row], str | None]:
    """The rows, and the country of asylum.

    The official validator asks for a current address of the principal applicant, of whom
    otherwise the country alone may be known.
    """
    rows: list[Row] = []
    place = person.get("place", {})
    country = COUNTRY_BACK.get(place.get("location_code", ""))
    inside = telling({name: place.get(part) for name, part in _PLACE.items()})
    if inside or (applicant and country):
        rows.append(_row(CURRENT, country, inside))
    for address in person.get("address", ()):
        parts = telling({name: address.get(part) for name, part in _MAIL.items()})
        alpha_3 = _ALPHA_3.get(address.get("country_code", "")) or ""
        if parts:
            rows.append(_row(MAIL, COUNTRY_BACK.get(alpha_3), parts))
    emails = [one for one in person.get("email", ()) if "@" in one]
    for kind, numbers in ((PHONE, person.get("phone_number", ())), (EMAIL, emails)):
        rows += [
            _row(kind, None, parts) for number in numbers if (parts := telling({_LAST: number}))
        ]
    return rows, country


def _row(kind: str, country: str | None, parts: Row) -> Row:
    known = {"AddressCountry": country} if country else {}
    return {"AddressType": kind, **known, **parts}


def _place(row: Row, at: str) -> dict[str, Any]:
    place = {part: row[name] for name, part in _PLACE.items() if name in row}
    country = country_of(row.get("AddressCountry"), at, "AddressCountry")
    return {"location_code": country, **place} if country else place


def _postal(row: Row, parts: Mapping[str, str], at: str) -> list[dict[str, Any]]:
    address = {part: row[name] for name, part in parts.items() if name in row}
    country = country_of(row.get("AddressCountry"), at, "AddressCountry")
    if not address:
        return []
    alpha_2 = _ALPHA_2.get(country or UNKNOWN)
    return [{**address, "country_code": alpha_2} if alpha_2 else address]


def _reached(known: list[str], contacts: list[Row], name: str) -> list[str]:
    """`known` numbers but for those a contact ended, and those of contacts in use."""
    used: dict[str, bool] = {}
    for row in contacts:
        if name in row:
            lasts = row.get("StillInUse") in _IN_USE and "EndDate" not in row
            used[row[name]] = lasts or used.get(row[name], False)
    told = set(known)
    more = [one for one, lasts in used.items() if lasts and one not in told]
    return [one for one in known if used.get(one, True)] + more


def _email(row: Row) -> list[str]:
    # No document says which element holds it. `TEL` has the last level; an address shows itself.
    found = [row[name] for name in _LEVELS if "@" in row.get(name, "")]
    return found if len(found) == 1 else []
