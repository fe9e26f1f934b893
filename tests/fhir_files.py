"""Invented people, and small FHIR files, for the tests of the FHIR adapter."""

import json
import re
from random import Random
from typing import Any

import pytest

from adapters.fhir_r4 import FhirR4
from gateway.adapter import read
from gateway.errors import SenderError
from gateway.record import load, resolve

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
            {"member": "unhcr.example/p1", "is_head": True, "collector": "primary"},
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

CASES: list[dict[str, Any]] = [
    {
        "record_type": "case",
        "record_id": "clinic.example/r1",
        "case_type": "referral",
        "identifier": [{"identifier_type": "Fiche de référence", "identifier_value": "00912"}],
        "subject": "unhcr.example/p1",
        "status": "accepted",
        "status_reason": "place libre jeudi",
        "business_status": "called back",
        "intent": "order",
        "priority": "urgent",
        "service_type": [
            {"aspect": "category", "system": "http://snomed.info/sct", "code": "409063005"},
            {"aspect": "code", "display": "Appui psychosocial"},
        ],
        "sector_code": "PRO-GBV",
        "reason": [{"display": "séparée de ses enfants"}],
        "requester": {"org_name": "Croissant Vert", "org_id": "cv-01", "org_acronym": "CV"},
        "requester_contact": {"name": "Mme Oumar", "phone": "+235 66 00 00 09"},
        "performer": [{"org_name": "Clinique du Lac", "org_id": "cl-07"}],
        "authored_on": "2026-03-02T10:15:00+01:00",
        "modified_on": "2026-03-04",
        "occurrence_start": "2026-03-05",
        "occurrence_end": "2026-03-12",
        "location": {"name": "Clinique du Lac", "admin1_code": "TD07"},
        "note": ["Parle arabe et français."],
        "protection": {"sensitivity": "severe", "case_kind": "gbv"},
    },
    {
        "record_type": "case",
        "record_id": "clinic.example/e1",
        "case_type": "encounter",
        "subject": "unhcr.example/p1",
        "status": "completed",
        "source_status": "finished",
        "service_type": [
            {
                "aspect": "class",
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                "code": "AMB",
            },
            {"aspect": "type", "display": "consultation"},
        ],
        "priority": "routine",
        "performer": [{"org_name": "Clinique du Lac"}],
        "occurrence_start": "2026-03-05T09:00:00+01:00",
        "occurrence_end": "2026-03-05T09:40:00+01:00",
        "related_cases": [{"relation": "based_on", "related": "clinic.example/r1"}],
    },
    {
        "record_type": "case",
        "record_id": "clinic.example/o1",
        "case_type": "observation",
        "subject": "unhcr.example/p1",
        "observations": [
            {
                "system": "http://loinc.org",
                "code": "29463-7",
                "display": "Body weight",
                "status": "final",
                "effective": "2026-03-05",
                "value": "51.50",
                "unit": "kg",
            },
            {"display": "Périmètre brachial", "value": "21", "unit": "cm"},
        ],
        "note": ["pesée habillée"],
    },
    {
        "record_type": "case",
        "record_id": "clinic.example/t1",
        "case_type": "task",
        "status": "requested",
        "authored_on": "2026-03-05",
        "absent": {"subject": "not_asked", "reason": "unanswered"},
    },
    {"record_type": "case", "record_id": "clinic.example/r2", "status_reason": "?"},
    {
        "record_type": "facility",
        "record_id": "clinic.example/f1",
        "facility_id": "TD-0071",
        "facility_name": "Clinique du Lac",
        "alternate_names": ["Dispensaire n° 7"],
        "facility_kind": "Clinic",
        "facility_type": [{"system": "http://a.example/types", "code": "CL", "display": "clinic"}],
        "record_status": "active",
        "operational_status": "O",
        "status": "Normal",
        "part_of": "clinic.example/f0",
        "place": {
            "admin1_code": "TD07",
            "geo": {"type": "Point", "coordinates": [14.7125, 13.4686, 281.5]},
        },
        "address": [{"locality": "Bol", "country_code": "TD"}, {"address_line_1": "BP 12"}],
        "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [0, 0]]]},
        "operator": {"org_name": "Croissant Vert"},
        "service": [{"service_name": "maternité", "is_available": True, "available_count": 4}],
        "population": 2_500_000_000,
        "phone_number": ["+235 66 00 00 07"],
        "web": "https://lac.example/",
        "withheld": {"contact": "purpose"},
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
        read(FHIR, content, None)
    return caught.value.rule, caught.value.at


def made(record_type: str, chance: Random) -> dict[str, Any]:
    """A record with about half of its fields, of plain values, from the schema alone."""
    found: dict[str, Any] = {}
    for name, spec in load(record_type)["properties"].items():
        if name in {"record_type", "record_id"} or chance.random() < 0.5:
            value = _made(resolve(spec), name, chance)
            if value not in ({}, []):
                found[name] = value
    return found


_WORDS = ["Kofi", "Élodie N'Diaye", "أمينة", '5 < 6 & "7"', "'=cmd", "007", "near\nthe well"]
_CODES = ["a", "LA33-6", "food.assistance", "x:y/z+1", "O"]
_SYSTEMS = ["http://loinc.org", "urn:oid:2.16.840.1.113883", "own list", "https://a.example/x"]
_DAYS = ["2024", "2024-05", "2024-05-31", "1999-12-31"]
_MOMENTS = [*_DAYS, "2024-05-31T10:00:00Z", "2024-05-31T10:00:00.123+03:00", "2024-05-31T09:00:00"]
_NUMBERS = ["1.00", "0", "-3.5", "120", "007", "1e3", "0.000000000000000000001"]


def _made(spec: Any, name: str, chance: Random) -> Any:
    if "const" in spec:
        return spec["const"]
    if "enum" in spec:
        return chance.choice(spec["enum"])
    if name in {"withheld", "absent"}:
        reasons = spec["additionalProperties"]["enum"]
        fields = ["name", "status", "birth_date", "email", "address", "group_size", "note"]
        return {key: chance.choice(reasons) for key in chance.sample(fields, 2)}
    properties = spec.get("properties", {})
    if "coordinates" in properties:
        return _made_shape(properties["type"], chance)
    kind = spec["type"]
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "integer":
        return chance.choice([spec["minimum"], min(spec["maximum"], 7), spec["maximum"]])
    if kind == "array":
        items = resolve(spec["items"])
        found = [_made(items, name, chance) for _ in range(chance.randint(1, 3))]
        return [item for item in found if item != {}]
    if kind == "object":
        keys = [key for key in properties if chance.random() < 0.6]
        found = {key: _made(resolve(properties[key]), key, chance) for key in keys}
        return {key: value for key, value in found.items() if value not in ({}, [])}
    return _made_text(spec, name, chance)


def _made_shape(kind: Any, chance: Random) -> dict[str, Any]:
    if "const" in kind:
        return {
            "type": "Point",
            "coordinates": [chance.uniform(-180, 180), 13.5, 530][: chance.randint(2, 3)],
        }
    ring = [[0, 0], [0, 1.5], [1, 1], [0, 0]]
    return chance.choice(
        [
            {"type": "Polygon", "coordinates": [ring]},
            {"type": "MultiPoint", "coordinates": ring},
            {"type": "LineString", "coordinates": ring[:2]},
        ]
    )


def _made_text(spec: Any, name: str, chance: Random) -> str:
    pattern = spec.get("pattern", "")
    fitting = [
        text
        for text in [*_SYSTEMS, *_CODES, *_MOMENTS, *_NUMBERS, *_EXACT]
        if re.fullmatch(pattern, text) and len(text) <= spec.get("maxLength", 99)
    ]
    if name == "system":
        return chance.choice(_SYSTEMS)
    if name == "photo_url":
        return "https://pictures.example/1.jpg"
    if name == "script":
        return "Arab"
    if not fitting:
        fitting = [text for text in _CONSENTED if re.fullmatch(pattern, text)]
    return chance.choice(fitting if pattern else _WORDS)


_CONSENTED = ["hum.assist.dedup", "hum.health", "gov.health", "org:clinic-7"]
_EXACT = [
    *(f"unhcr.example/p{number}" for number in range(4)),
    *("SDN", "SD", "fr-TD", "1.0", "18-59", "60+", "lb.consent", "FL-2024-000012-SDN"),
]
