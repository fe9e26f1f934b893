"""The API against its own document, by machine: whatever is sent, nothing undocumented comes back.

Requests are made from `/openapi.json` alone, good ones and bad ones, by each kind of caller.
"""

import shutil

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.app import create_app
from gateway.demo import served
from gateway.deployment import new_bearer
from gateway.openapi.contract import table
from gateway.problem import MEDIA_TYPE
from gateway.readers import new_reader

load_all_checks()
PAYLOADS = ("POST /v1/transfers", "POST /v1/preview", "POST /v1/routes/{route}")
"""What is wrong in a payload has the rules of its format, which no list here has."""

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    directory = tmp_path_factory.mktemp("schemathesis") / "demo"
    shutil.copytree(prepared[0], directory)
    callers = [
        prepared[1],
        new_bearer(directory, "org:sante-sans-rivages"),
        new_reader(directory, "inspector"),
        "nobody",
    ]
    with served(directory) as address:
        yield address, callers


@pytest.fixture(scope="module")
def api(prepared):
    return schemathesis.openapi.from_dict(create_app(prepared[0]).openapi())


@pytest.mark.parametrize("row", table("operations.yaml"))
def test_whatever_is_sent(row, api, world):
    method, path = row.split(" ")
    operation = api[path][method]
    address, callers = world
    kinds = (
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @settings(max_examples=6, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=st.one_of(*kinds), token=st.sampled_from(callers))
    def ask(case, token):
        headers = {"Authorization": f"Bearer {token}"}
        answer = case.call(base_url=address, headers=headers, timeout=20)
        case.validate_response(answer, checks=CHECKS)
        if answer.headers.get("content-type") == MEDIA_TYPE and row not in PAYLOADS:
            told = api.raw_schema["paths"][path][method.lower()]["responses"]
            known = told[str(answer.status_code)]["content"][MEDIA_TYPE]["examples"]
            assert answer.json()["rule"] in known

    ask()
