"""FHIR R4: other people's files, whole, damaged and invented to do harm."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapter import read, write
from gateway.errors import SenderError
from gateway.record import check
from tests.fhir_files import FAMILY, FHIR, patient, refused

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

Samples = Callable[[str], Path]


# Reading other people's files

EXPECTED: dict[str, int | str] = {
    "bundle-duplicate-id.json": "fhir.full_url",
    "bundle-good.json": 2,
    "condition-example.json": "fhir.no_record",
    "consent-example.json": "fhir.no_record",
    "encounter-example.json": 1,
    "encounter-period.json": 1,
    "group-example.json": "fhir.no_record",  # a herd of horses
    "group-minimal-tiny.json": "fhir.required",
    "immunization-example.json": "fhir.no_record",
    "ips-link.json": 1,
    "ips-nz-pj.json": 18,
    "json-comma-bad-1.json": "json.invalid",
    "location-example.json": 1,
    "maiden-name.json": "fhir.extension_place",
    "obs-decimal.json": 1,
    "observation-decimal.json": 1,
    "observation-example.json": 1,
    "organization-example.json": "fhir.no_record",
    "patient-duplicate.json": "json.key_twice",
    "patient-example.json": 1,
    "patient-id-bad-1.json": "fhir.id",
    "person-example.json": 1,
    "r4-caredove-bundle.json": "fhir.type",  # numbers as ids are read; one performer is no array
    "supplydelivery-example.json": "fhir.no_record",
    "synthea.json": "fhir.code",  # a state of R5
}
"""Number of records, or the rule that refuses the file."""


def test_the_table_names_every_sample(samples: Samples) -> None:
    assert {path.name for path in samples("fhir-r4/open").iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_samples_are_read_or_refused_as_expected(samples: Samples, name: str) -> None:
    content = samples(f"fhir-r4/open/{name}").read_bytes()
    wanted = EXPECTED[name]
    if isinstance(wanted, str):
        assert refused(content)[0] == wanted
        return
    parsed = read(FHIR, content, None)
    assert len(parsed.records) == wanted
    for record in parsed.records:
        check(record, at=name)
    rendered = write(FHIR, parsed.records, None)
    assert read(FHIR, rendered.content, None).records == parsed.records


def test_hl7_patient(samples: Samples) -> None:
    parsed = read(FHIR, samples("fhir-r4/open/patient-example.json").read_bytes(), None)
    (record,) = parsed.records
    assert record["record_id"] == "fhir.invalid/Patient/example"
    assert record["name"] == {
        "surname": "Chalmers",
        "given_name": "Peter",
        "second_name": "James",
        "maiden_name": "Windsor",
        "alternate_names": ["Jim"],
    }
    assert record["phone_number"] == ["(03) 5555 6473", "(03) 3410 5613"]
    assert parsed.lineage["person.identifier[].identifier_type"] == "Patient.identifier.system"
    assert {"Patient.contact", "Patient.text", "Patient.deceasedBoolean"} <= set(parsed.unmapped)


# Hostile content


@SLOW
@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    with suppress(SenderError):
        read(FHIR, content, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["extension", "url", "id", "coding", "code"]), inner)
    ),
    max_leaves=8,
)
WHOLE = json.loads(write(FHIR, FAMILY, None).content)


@settings(SLOW, max_examples=400)
@given(st.data())
def test_a_bundle_with_one_wrong_part(data: st.DataObject) -> None:
    document = json.loads(json.dumps(WHOLE))
    holder: Any = document
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(holder[key], dict | list) or data.draw(st.integers(0, 9)) == 0:
            break
        holder = holder[key]
    holder[key] = data.draw(JSON)
    try:
        parsed = read(FHIR, json.dumps(document).encode(), None)
    except SenderError:
        return
    for record in parsed.records:
        assert record["record_type"] in FHIR.record_types


@SLOW
@given(st.data())
def test_damaged_files(samples: Samples, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["patient-example.json", "ips-link.json", "bundle-good.json"]))
    content = bytearray(samples(f"fhir-r4/open/{name}").read_bytes())
    start = data.draw(st.integers(0, len(content)))
    content[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    with suppress(SenderError):
        read(FHIR, bytes(content), None)


@SLOW
@given(st.text(alphabet="أمينةZoé '-", min_size=4, max_size=20))
def test_refusals_never_quote(secret: str) -> None:
    secret = f"Zoé {secret}"
    for content in (patient(gender=secret), patient(birthDate=secret), patient(**{secret: None})):
        with pytest.raises(SenderError) as caught:
            read(FHIR, content, None)
        assert secret not in str(caught.value)
