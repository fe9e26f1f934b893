"""Invented people, and small FHIR files, for the tests of the FHIR adapter."""

import json
from typing import Any

import pytest

from adapters.fhir_r4 import FhirR4
from gateway.errors import SenderError

FHIR = FhirR4()

EXT = "https://corridor.invalid/fhir/StructureDefinition/"
POINT = "http://hl7.org/fhir/StructureDefinition/geolocation"
PLACED = {"url": EXT + "place", "valueBoolean": True}
GROUP = {"resourceType": "Group", "id": "g", "type": "person", "actual": True}

FAMILY: list[dict[str, Any]] = [
    {
        "record_type": "household",
        "record_id": "unhcr.example/h1",
        "group_type": "household",
        "group_size": 6,
        "group_head": "unhcr.example/p1",
        "group_identifier": [{"identifier_type": "Carte de ménage", "identifier_value": "00071"}],
        "member_list": [
            {"member": "unhcr.example/p1", "is_head": True},
            {"member": "unhcr.example/p2", "relationship_head": "child", "is_head": False},
            {"member": "elsewhere.example/p9", "relationship_head": "spouse"},
            {"relationship_head": "parent"},
        ],
        "address": [{"locality": "Abéché", "admin1_code": "TD17"}],
        "place": {"admin1_code": "TD17", "location_code": "TCD"},
        "poverty_score": "-1.50",
        "withheld": {"group_size": "max_form", "address": "purpose"},
    },
    {
        "record_type": "person",
        "record_id": "unhcr.example/p1",
        "schema_version": "1.0",
        "name": {
            "full_name": "أمينة يوسف علي",
            "given_name": "أمينة",
            "second_name": "يوسف",
            "surname": "علي",
            "maiden_name": "حسن",
            "alternate_names": ["أم كريم"],
            "script": "Arab",
        },
        "sex": "female",
        "birth_date": "1987-03",
        "identifier": [
            {"identifier_type": "UIN", "identifier_value": "007", "issuer": "SDN"},
            {"identifier_type": "urn:oid:2.16.840", "identifier_value": "A-1"},
        ],
        "phone_number": ["+235 66 00 00 01"],
        "email": ["amina@example.org"],
        "marital_status": "L",
        "language_code": ["ar", "fr-TD"],
        "nationality": ["SDN"],
        "relationships": [{"relationship_type": "parent", "related": "unhcr.example/p2"}],
        "place": {
            "name": "Camp de Gaga",
            "admin2_code": "TD1701",
            "geo": {"type": "Point", "coordinates": [21.1, 13.7, 530]},
            "precision": "coarse",
        },
        "protection": {
            "purpose": "food.assistance",
            "sensitivity": "high",
            "objected": False,
            "consent": {"status": "given", "date": "2024-05", "scope": ["food.assistance"]},
        },
        "extension": {"hh/q1": 1},
    },
    {
        "record_type": "person",
        "record_id": "unhcr.example/p2",
        "name": {"second_name": "N'Diaye", "prefix": "Mlle"},
        "address": [{"address_line_2": "près du marché", "country_code": "TD"}],
        "marital_status": "A",
        "withheld": {"birth_date": "purpose", "name": "max_form", "email": "objection"},
    },
]


def bundle(*resources: dict[str, Any], kind: str = "collection") -> bytes:
    entries = [
        {"fullUrl": f"urn:uuid:0000-{number}", "resource": resource}
        for number, resource in enumerate(resources)
    ]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}).encode()


def patient(**members: Any) -> bytes:
    return json.dumps({"resourceType": "Patient", "id": "1", **members}).encode()


def refused(content: bytes) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        FHIR.parse(content, None)
    return caught.value.rule, caught.value.at
