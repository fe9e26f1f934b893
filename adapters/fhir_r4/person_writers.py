"""Writers of the fields of a person, into a Patient."""

from collections.abc import Mapping
from typing import Any

from adapters.fhir_r4 import terms
from adapters.fhir_r4.address_writers import address, place
from adapters.fhir_r4.carriable import is_url
from adapters.fhir_r4.writers import (
    Json,
    Sheet,
    Uncarriable,
    Writer,
    date,
    identifiers,
    part,
    protection,
    reference,
    simple,
)

_NAME_ELEMENTS = {"full_name": "text", "surname": "family"}


def _name(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    sheet.shapes.add(("person.name", "", *value))
    official: Json = {"use": "official"}
    for key, element in _NAME_ELEMENTS.items():
        if key in value:
            official[element] = value[key]
    for key in ("prefix", "suffix"):
        if key in value:
            official[key] = [value[key]]
    if "given_name" in value:
        official["given"] = [value["given_name"]]
    if "second_name" in value or "script" in value:
        _rest_of_name(value, official)
    names = [official] if len(official) > 1 else []
    if "maiden_name" in value:
        names.append({"use": "maiden", "family": value["maiden_name"]})
    for other in value.get("alternate_names", ()):
        names.append({"use": "nickname", "text": other})
    if value.get("alternate_names") == []:
        raise Uncarriable
    resource["name"] = names


def _rest_of_name(value: Any, official: Json) -> None:
    extensions = []
    if "script" in value:
        extensions.append({"url": terms.SCRIPT, "valueCode": value["script"]})
    if "second_name" in value:
        if "given" in official:
            official["given"].append(value["second_name"])
        else:
            extensions.append({"url": terms.SECOND_NAME, "valueString": value["second_name"]})
    if extensions:
        official["extension"] = extensions


def _sex(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    resource["gender"] = value


def _birth_date(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    resource["birthDate"] = date(value)


def _death_date(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    resource["deceasedDateTime"] = date(value)


def _telecom(system: str) -> Writer:
    def write(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
        telecom = resource.setdefault("telecom", [])
        for item in value:
            telecom.append({"system": system, "value": item})

    return write


def _marital(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    resource["maritalStatus"] = {"coding": [{"system": terms.MARITAL_SYSTEM, "code": value}]}


def _languages(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    resource["communication"] = [
        {"language": {"coding": [{"system": terms.BCP_47, "code": code}]}} for code in value
    ]


def _photos(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    if not all(map(is_url, value)):
        raise Uncarriable
    resource["photo"] = [{"url": url} for url in value]


def _nationalities(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    for code in value:
        concept = {"coding": [{"system": terms.ISO_3166, "code": code}]}
        parts = [{"url": "code", "valueCodeableConcept": concept}]
        extensions.append({"url": terms.NATIONALITY, "extension": parts})


def _religion(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    extensions.append({"url": terms.RELIGION, "valueCodeableConcept": {"text": value}})


def _disabilities(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    for code in value:
        concept = {"coding": [{"code": code}]}
        extensions.append({"url": terms.DISABILITY, "valueCodeableConcept": concept})


def _relationships(value: Any, resource: Json, extensions: list[Json], sheet: Sheet) -> None:
    for item in value:
        sheet.shapes.add(("person.relationships[]", "", *item))
        parts: list[Json] = []
        if "relationship_type" in item:
            parts.append({"url": "type", "valueCode": item["relationship_type"]})
        if "related" in item:
            related = reference("person", item["related"], sheet)
            parts.append({"url": "related", "valueReference": related})
        if not parts:
            raise Uncarriable
        extensions.append({"url": terms.LINK, "extension": parts})


PERSON: Mapping[str, Writer] = {
    "schema_version": simple("schema_version"),
    "identifier": identifiers("person.identifier[]"),
    "name": _name,
    "sex": _sex,
    "birth_date": _birth_date,
    "birth_date_estimated": simple("birth_date_estimated"),
    "age": part("person.age", "age"),
    "death_date": _death_date,
    "phone_number": _telecom("phone"),
    "email": _telecom("email"),
    "address": address,
    "place": place,
    "marital_status": _marital,
    "language_code": _languages,
    "nationality": _nationalities,
    "ethnicity": simple("ethnicity"),
    "religion": _religion,
    "is_disabled": simple("is_disabled"),
    "disability_info": _disabilities,
    "photo_url": _photos,
    "relationships": _relationships,
    "displacement_status": simple("displacement_status"),
    "registration_date": simple("registration_date"),
    "source": part("person.source", "source"),
    "protection": protection("person.protection"),
}
