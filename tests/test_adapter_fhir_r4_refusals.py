"""FHIR R4: what is refused, by which rule, and at which place."""

import json
from typing import Any

import pytest

from tests.fhir_files import EXT, GROUP, PLACED, POINT, bundle, patient, refused


def extended(name: str, *parts: Any, **value: Any) -> bytes:
    extension = {"url": EXT + name, **value}
    if parts:
        extension["extension"] = list(parts)
    return patient(extension=[extension])


REFUSED: list[tuple[str, bytes, tuple[str, str]]] = [
    ("utf8", b'{"a":"\xff"}', ("json.not_utf8", "")),
    ("truncated", b'{"resourceType":"Patient","id":', ("json.truncated", "line 1, column 32")),
    ("text cut", b'{"resourceType":"Pat', ("json.truncated", "line 1, column 21")),
    ("nothing", b"", ("json.empty", "")),
    ("mark only", b"\xef\xbb\xbf{}", ("fhir.empty", "?")),
    ("nan", patient(x=float("nan")), ("json.invalid", "line 1, column 45")),
    ("overflow", b'{"x":1e999}', ("json.invalid", "line 1, column 6")),
    ("deep", b'{"x":' + b"[" * 70 + b"1" + b"]" * 70 + b"}", ("json.too_deep", "")),
    ("very deep", b"[" * 100_000, ("json.too_deep", "")),
    ("array", b"[1]", ("fhir.type", "")),
    ("half a character", b'{"x":"\\ud800"}', ("json.not_utf8", "")),
    ("control", patient(x="\x01"), ("fhir.string", "Patient.x")),
    ("null", patient(x=None), ("fhir.null", "Patient.x")),
    ("empty array", patient(name=[]), ("fhir.empty", "Patient.name")),
    ("empty object", patient(name=[{}]), ("fhir.empty", "Patient.name")),
    ("empty text", patient(gender=""), ("fhir.empty", "Patient.gender")),
    ("broken id", b'{"resourceType":"Patient","id":1.0}', ("fhir.id_type", "Patient.id")),
    ("negative id", b'{"resourceType":"Patient","id":-1}', ("fhir.id_type", "Patient.id")),
    ("true id", b'{"resourceType":"Patient","id":true}', ("fhir.id_type", "Patient.id")),
    ("no type", b'{"id":"1"}', ("fhir.resource_type", "")),
    ("no id", b'{"resourceType":"Patient"}', ("fhir.no_id", "Patient.id")),
    ("gender", patient(gender="F"), ("fhir.code", "Patient.gender")),
    ("gender kind", patient(gender=["male"]), ("fhir.code", "Patient.gender")),
    ("date", patient(birthDate="1990-02-30"), ("fhir.date", "Patient.birthDate")),
    (
        "date with time",
        patient(birthDate="1990-02-03T00:00:00Z"),
        ("fhir.date", "Patient.birthDate"),
    ),
    ("date kind", patient(birthDate=1990), ("fhir.type", "Patient.birthDate")),
    (
        "death",
        patient(deceasedDateTime="1990-02-03 noon"),
        ("fhir.date", "Patient.deceasedDateTime"),
    ),
    ("name kind", patient(name={"family": "x"}), ("fhir.type", "Patient.name")),
    ("family kind", patient(name=[{"family": 1}]), ("fhir.type", "Patient.name.family")),
    ("given kind", patient(name=[{"given": "x"}]), ("fhir.type", "Patient.name.given")),
    ("given item", patient(name=[{"given": [1]}]), ("fhir.type", "Patient.name.given")),
    ("twin kind", patient(_gender="x"), ("fhir.type", "Patient._gender")),
    (
        "label",
        patient(meta={"security": [{"code": "R"}]}),
        ("fhir.security_label", "Patient.meta.security"),
    ),
    (
        "label of the list, but not one we know",
        patient(
            meta={
                "security": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
                        "code": "X",
                    }
                ]
            }
        ),
        ("fhir.security_label", "Patient.meta.security"),
    ),
    ("no url", patient(extension=[{"valueCode": "x"}]), ("fhir.extension", "Patient.extension")),
    (
        "ours, wrong kind",
        extended("is-disabled", valueString="yes"),
        ("fhir.type", "Patient.extension.is-disabled"),
    ),
    (
        "ours, unknown part",
        extended("age", {"url": "months", "valueInteger": 3}),
        ("fhir.extension", "Patient.extension.age"),
    ),
    (
        "withheld, no reason",
        extended("withheld", {"url": "field", "valueCode": "sex"}),
        ("fhir.withheld", "Patient.extension.withheld"),
    ),
    (
        "withheld, odd part",
        extended("withheld", {"url": "x", "valueCode": "sex"}),
        ("fhir.withheld", "Patient.extension.withheld.x"),
    ),
    (
        "link, odd part",
        extended("relationship", {"url": "x"}),
        ("fhir.extension", "Patient.extension.relationship"),
    ),
    (
        "two of one",
        patient(extension=[{"url": EXT + "ethnicity", "valueString": "x"}] * 2),
        ("fhir.repeated", "Patient.extension.ethnicity"),
    ),
    (
        "group size",
        json.dumps({**GROUP, "quantity": "5"}).encode(),
        ("fhir.type", "Group.quantity"),
    ),
    ("group type", json.dumps({**GROUP, "type": "herd"}).encode(), ("fhir.code", "Group.type")),
    (
        "group actual",
        json.dumps({**GROUP, "actual": "yes"}).encode(),
        ("fhir.type", "Group.actual"),
    ),
    ("no group type", b'{"resourceType":"Group","actual":true}', ("fhir.required", "Group.type")),
    (
        "member",
        json.dumps({**GROUP, "member": [{"inactive": True}]}).encode(),
        ("fhir.required", "Group.member.entity"),
    ),
    (
        "related",
        b'{"resourceType":"RelatedPerson","id":"1"}',
        ("fhir.required", "RelatedPerson.patient"),
    ),
    ("bundle type", bundle(GROUP, kind="history"), ("fhir.bundle_type", "Bundle.type")),
    (
        "bundle entry",
        b'{"resourceType":"Bundle","type":"batch","entry":{"a":1}}',
        ("fhir.type", "Bundle.entry"),
    ),
    (
        "in an entry",
        bundle(GROUP, {"resourceType": "Patient", "id": "1", "gender": "F"}),
        ("fhir.code", "entry 2, Patient.gender"),
    ),
    (
        "null in an entry",
        bundle(GROUP, {"resourceType": "Patient", "id": "1", "x": None}),
        ("fhir.null", "entry 2, Patient.x"),
    ),
    ("no type in an entry", bundle({"id": "1"}), ("fhir.resource_type", "entry 1")),
]


@pytest.mark.parametrize(
    ("content", "wanted"), [row[1:] for row in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_refused_with_rule_and_place(content: bytes, wanted: tuple[str, str]) -> None:
    rule, at = refused(content)
    assert (rule, at) == wanted


def test_addresses_must_be_absolute_and_different() -> None:
    entry = {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "1"}}
    twice = {"resourceType": "Bundle", "type": "collection", "entry": [entry, entry]}
    assert refused(json.dumps(twice).encode()) == ("fhir.full_url_twice", "entry 2, fullUrl")
    for address in (
        "http://[::1/Patient/1",
        "http:///Patient/1",
        "https://a.example/Patient/1?x=y",
    ):
        odd = {**twice, "entry": [{**entry, "fullUrl": address}]}
        assert refused(json.dumps(odd).encode()) == ("fhir.record_id", "entry 1, Patient.id")


@pytest.mark.parametrize(
    ("extension", "rule"),
    [
        (
            [PLACED, {"url": POINT, "extension": [{"url": "latitude", "valueDecimal": 1}]}],
            "fhir.extension",
        ),
        (
            [PLACED, {"url": POINT, "extension": [{"url": "latitude", "valueDecimal": "1"}]}],
            "fhir.type",
        ),
        ([{"url": EXT + "place", "extension": [{"url": "x"}]}], "fhir.extension"),
        ([{"url": EXT + "administrative-codes", "extension": [{"url": "x"}]}], "fhir.extension"),
        (
            [
                PLACED,
                {
                    "url": POINT,
                    "extension": [
                        {"url": "latitude", "valueDecimal": 91},
                        {"url": "longitude", "valueDecimal": 0},
                    ],
                },
            ],
            "fhir.geolocation",
        ),
    ],
)
def test_places_are_strict(extension: Any, rule: str) -> None:
    assert refused(patient(address=[{"extension": extension}]))[0] == rule


def test_one_place_only() -> None:
    place = {"text": "x", "extension": [PLACED]}
    assert refused(patient(address=[place, place])) == ("fhir.repeated", "Patient.address")
