"""What the form says of an individual, as a person, a member and somebody with specific needs."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.progres.errf import addresses, codes
from adapters.progres.errf.envelope import broken
from adapters.progres.errf.tables import (
    ADDRESS,
    ALIAS,
    CONTACT,
    DOCUMENT,
    MEMBERSHIP,
    RELATION,
    UNKNOWN,
    VULNERABILITY,
    Parts,
    Row,
)
from adapters.progres.errf.values import day_of, moment_of, telling

NUMBER = "IndividualID"
GUID = "IndividualGUID"
DOCUMENT_NUMBER = "DocumentNumber"
IDENTIFIERS = {
    NUMBER: "unhcr_individual_no",
    GUID: "unhcr_individual_guid",
    DOCUMENT_NUMBER: "document_no",
}
"""Element to the type of identifier it is."""

NAMES = {
    "ConcatenatedName": "full_name",
    "FamilyName": "surname",
    "GivenName": "given_name",
    "MiddleName": "second_name",
    "MaidenName": "maiden_name",
}
_DATES = {"RegistrationDate": "registration_date", "DateofBirth": "birth_date"}
_CODED: Mapping[str, tuple[str, Mapping[str, str | None]]] = {
    "SexCode": ("sex", codes.SEX),
    "MarriageStatusCode": ("marital_status", codes.MARITAL_STATUS),
    "ReligionCode": ("religion", codes.AS_THEY_STAND),
    "EthnicityCode": ("ethnicity", codes.AS_THEY_STAND),
}
_BACK = {
    "SexCode": ("sex", codes.SEX_BACK),
    "MarriageStatusCode": ("marital_status", codes.MARITAL_STATUS_BACK),
}
_UNKNOWN = {
    "FamilyName": "name",
    "NationalityCode": "nationality",
    **{element: field_name for element, (field_name, _) in _CODED.items()},
}
"""Where the form can say that nobody knows."""

_STATELESS = "STA"
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,95}")


@dataclass(slots=True)
class Seen:
    """An individual as the records say it."""

    person: dict[str, Any] = field(repr=False)
    """Fields of the person's record, without its id and type."""
    relation: str | None = field(default=None, repr=False)
    """To the principal applicant: `head` for the applicant."""
    needs: list[str] = field(default_factory=list, repr=False)
    """Specific needs, in proGres's own codes."""


def read(parts: Parts, at: str) -> Seen:
    """Raises `SenderError` for a code that would have to be understood and is unknown."""
    person: dict[str, Any] = {}
    absent: dict[str, str] = {}
    identifiers = _identifiers(parts)
    name = telling({field: parts.get(element) for element, field in NAMES.items()})
    aliases = [alias for row in _rows(parts, ALIAS) if (alias := _alias(row))]
    for element, (field_name, table) in _CODED.items():
        text = _text(parts, element)
        value = coded(text, table, at, element)
        if value is not None:
            person[field_name] = value
        elif text in (UNKNOWN, "U"):
            absent[field_name] = "unknown"
    _nationality(parts, person, absent, at)
    for element, field_name in _DATES.items():
        if text := _text(parts, element):
            person[field_name] = day_of(text)
    if _text(parts, "DateofBirthEstimate") in ("1", "true"):
        person["birth_date_estimated"] = True
    if name or aliases:
        person["name"] = {**name, "alternate_names": aliases} if aliases else name
    elif _text(parts, "FamilyName") == UNKNOWN:
        absent["name"] = "unknown"
    rows, contacts = _rows(parts, ADDRESS), _rows(parts, CONTACT)
    person |= addresses.read(rows, contacts, _text(parts, addresses.ASYLUM), at)
    person["identifier"] = identifiers
    if absent:
        person["absent"] = absent
    return Seen(person, _relation(parts, at), _needs(parts, at))


def write(seen: Seen) -> Parts:
    """What the form can say of it, in its plainest words. What it cannot is left out."""
    person = seen.person
    name = person.get("name", {})
    parts: Parts = {**telling({element: name.get(part) for element, part in NAMES.items()})}
    for element, value in _numbers(person):
        if element == DOCUMENT_NUMBER:
            _listed(parts, DOCUMENT).append({DOCUMENT_NUMBER: value})
        else:
            parts.setdefault(element, value)
    aliases = [telling({"IndividualAliasLastName": one}) for one in name.get("alternate_names", ())]
    rows, asylum = addresses.write(person, applicant=seen.relation == codes.HEAD)
    found: dict[str, str | None] = {
        element: back.get(person.get(field_name, ""))
        for element, (field_name, back) in _BACK.items()
    }
    found |= {
        element: moment_of(person.get(field_name, "")) for element, field_name in _DATES.items()
    }
    found |= {
        "DateofBirthEstimate": "1" if person.get("birth_date_estimated") else None,
        "NationalityCode": _nationality_back(person),
        "ReligionCode": person.get("religion"),
        "EthnicityCode": person.get("ethnicity"),
        addresses.ASYLUM: asylum,
    }
    parts |= telling(found)
    for element, field_name in _UNKNOWN.items():
        if person.get("absent", {}).get(field_name) == "unknown":
            parts.setdefault(element, UNKNOWN)
    relation = _relation_back(seen.relation, person.get("sex"))
    lists: dict[str, list[Row]] = {
        ALIAS: [row for row in aliases if row],
        ADDRESS: rows,
        MEMBERSHIP: [{RELATION: relation}] if relation else [],
        VULNERABILITY: [{"VulnerabilityCode": code} for code in seen.needs],
    }
    parts |= {table: rows for table, rows in lists.items() if rows}
    return parts


def coded(text: str | None, table: Mapping[str, str | None], at: str, element: str) -> str | None:
    """What a code means. Raises `SenderError` where it is unknown and must not be."""
    if text is None or text in table:
        return None if text is None else table[text]
    if table is not codes.AS_THEY_STAND:
        raise broken("an unknown code", "code", at, element)
    return text


def own_code(text: str, at: str, element: str) -> str:
    """A code that is kept as it stands. Raises `SenderError` for what cannot be one."""
    if not _CODE.fullmatch(text):
        raise broken("not a code", "code", at, element)
    return text


def _text(parts: Parts, element: str) -> str | None:
    text = parts.get(element)
    return text if isinstance(text, str) else None


def _rows(parts: Parts, table: str) -> list[Row]:
    rows = parts.get(table, [])
    return rows if isinstance(rows, list) else []


def _listed(parts: Parts, table: str) -> list[Row]:
    rows = parts.setdefault(table, [])
    assert isinstance(rows, list)  # noqa: S101 - names of tables are no names of elements
    return rows


def _identifiers(parts: Parts) -> list[dict[str, str]]:
    found = [(name, text) for name in (NUMBER, GUID) if (text := _text(parts, name))]
    found += [
        (DOCUMENT_NUMBER, row[DOCUMENT_NUMBER])
        for row in _rows(parts, DOCUMENT)
        if DOCUMENT_NUMBER in row
    ]
    return [
        {"identifier_type": IDENTIFIERS[name], "identifier_value": text} for name, text in found
    ]


def _numbers(person: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    elements = {type_: name for name, type_ in IDENTIFIERS.items()}
    for one in person.get("identifier", ()):
        name = elements.get(one.get("identifier_type"))
        if name:
            yield from telling({name: one.get("identifier_value")}).items()


def _alias(row: Row) -> str:
    names = (row.get(f"IndividualAlias{which}Name", "") for which in ("First", "Last"))
    return " ".join(name for name in names if name)


def _nationality(parts: Parts, person: dict[str, Any], absent: dict[str, str], at: str) -> None:
    text = _text(parts, "NationalityCode")
    country = addresses.country_of(text, at, "NationalityCode")
    if country:
        person["nationality"] = [country]
    elif text == codes.STATELESS:
        person["displacement_status"] = _STATELESS
    elif text is not None:
        absent["nationality"] = "unknown"


def _nationality_back(person: Mapping[str, Any]) -> str | None:
    for country in person.get("nationality", ()):
        return codes.COUNTRY_BACK.get(country)
    return codes.STATELESS if person.get("displacement_status") == _STATELESS else None


def _relation(parts: Parts, at: str) -> str | None:
    for row in _rows(parts, MEMBERSHIP):
        return coded(row.get(RELATION), codes.RELATIONSHIP, at, RELATION)
    return None


def _relation_back(relation: str | None, sex: str | None) -> str | None:
    if relation == codes.HEAD:
        return codes.APPLICANT
    return codes.RELATIONSHIP_BACK.get((relation or "", sex or ""))


def _needs(parts: Parts, at: str) -> list[str]:
    return [
        own_code(row["VulnerabilityCode"], at, VULNERABILITY)
        for row in _rows(parts, VULNERABILITY)
        if "VulnerabilityCode" in row
    ]
