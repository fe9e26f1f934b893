"""What is written, held to the published interfaces by a validator that is not ours."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from adapters.g2p import G2p
from adapters.spdci import Spdci
from adapters.spdci.envelope import addressed
from gateway.adapter import read, write
from gateway.kit import generate
from gateway.record import Record
from tests.test_adapter_g2p import RECORD

openapi = pytest.importorskip("openapi_schema_validator")

ROOT = Path(__file__).resolve().parent.parent
ON_SEARCH = "/paths/~1registry~1on-search/post/requestBody/content/application~1json/schema"
DISBURSE = "/paths/~1disburse/post/requestBody/content/application~1json/schema"
PUBLISHED = {
    "social": ("spdci/schema/openspp-fixed__social_api_v1.0.0.yaml", ON_SEARCH),
    "benefits": ("spdci/schema/openspp-fixed__ibr_api_v1.0.0.yaml", ON_SEARCH),
    "civil": ("spdci/schema/openspp-fixed__crvs_api_v1.0.0.yaml", ON_SEARCH),
    "payments": ("g2p-connect/schema/disburse_core_api_v1.0.0.yaml", DISBURSE),
}
"""The interfaces whose faults are corrected: the official copies refer to what is not there."""

Valid = Callable[[str, bytes], list[str]]


@pytest.fixture(scope="module")
def faults(samples: Callable[[str], Path]) -> Valid:
    """Places in a message that a published interface does not allow."""
    known: dict[str, Any] = {}

    def find(name: str, content: bytes) -> list[str]:
        if name not in known:
            file, place = PUBLISHED[name]
            with samples(file).open("rb") as stream:
                document = yaml.load(stream, Loader=yaml.CSafeLoader)
            resource = Resource.from_contents(document, default_specification=DRAFT4)
            known[name] = openapi.OAS30Validator(
                {"$ref": f"urn:api#{place}"},
                registry=Registry().with_resource("urn:api", resource),
                format_checker=openapi.oas30_format_checker,
            )
        return [error.json_path for error in known[name].iter_errors(json.loads(content))]

    return find


def sent(content: bytes) -> bytes:
    return addressed(
        content,
        sender_id="registry.example",
        receiver_id="relief.example",
        message_id="m-1",
        message_ts="2026-03-02T08:15:00.250Z",
    )


@pytest.mark.parametrize("name", ["social", "benefits", "civil"])
@pytest.mark.parametrize(
    "sample", sorted((ROOT / "adapters/spdci/samples").iterdir()), ids=lambda path: path.name
)
def test_answers_are_valid_as_written_and_as_sent(faults: Valid, name: str, sample: Path):
    content = write(Spdci(), read(Spdci(), sample.read_bytes()).records).content

    assert faults(name, content) == []
    assert faults(name, sent(content)) == []


def test_the_validator_can_say_no(faults: Valid):
    body = json.loads(write(Spdci(), []).content)
    del body["header"]["message_ts"]
    assert faults("social", json.dumps(body).encode()) == ["$.header"]
    body = json.loads(write(Spdci(), []).content)
    body["header"]["total_count"] = "1"
    assert faults("social", json.dumps(body).encode()) == ["$.header.total_count"]
    body = json.loads(write(G2p(), [RECORD]).content)
    del body["message"]["disburemsents"]
    assert faults("payments", json.dumps(body).encode()) == ["$.message"]
    body = json.loads(write(G2p(), [RECORD]).content)
    body["message"]["disbursements"][0]["amount"] = "85"
    assert faults("payments", json.dumps(body).encode()) == ["$.message"]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(generate.records(["person", "household", "assistance"], most=4))
def test_any_records_make_a_valid_answer(faults: Valid, records: list[Record]):
    distinct = list({one["record_id"]: one for one in records}.values())
    content = write(Spdci(), distinct).content

    assert faults("social", content) == []
    assert faults("benefits", sent(content)) == []


NOTES = st.text(st.characters(exclude_categories=["Cs"]), max_size=120).filter(str.strip)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    generate.one("assistance"),
    st.from_regex(r"[0-9]{1,13}(\.[0-9]{1,2})?", fullmatch=True),
    NOTES,
)
def test_any_payments_make_a_valid_list(faults: Valid, other: Record, amount: str, note: str):
    record = {**other, **RECORD, "benefit_value": amount, "note": note, "instruction": note * 9}
    record["scheduled_date"] = "2026-03-05T08:00:00.5+03:00"
    content = write(G2p(), [record, {**RECORD, "benefit_id": "8"}]).content

    assert faults("payments", content) == []
    assert faults("payments", sent(content)) == []
