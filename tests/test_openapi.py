"""What the API says of itself, held against itself and against what it does."""

import re
import shutil
from pathlib import Path

import httpx
import jsonschema
import orjson
import pytest
from fastapi.routing import APIRoute
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway import paging
from gateway.app import create_app
from gateway.demo import served
from gateway.deployment import new_bearer
from gateway.errors import SenderError
from gateway.openapi.contract import table

ROOT = Path(__file__).resolve().parent.parent
TERMS = {
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "format": "kobo",
}
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def app(prepared):
    return create_app(prepared[0])


@pytest.fixture(scope="module")
def document(app):
    return app.openapi()


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    directory = tmp_path_factory.mktemp("openapi") / "demo"
    shutil.copytree(prepared[0], directory)
    recipient = new_bearer(directory, "org:sante-sans-rivages")
    with served(directory) as address, httpx.Client(base_url=address, timeout=20) as client:
        yield (
            client,
            {"Authorization": f"Bearer {prepared[1]}"},
            {"Authorization": f"Bearer {recipient}"},
        )


def operations(document):
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def answers(document):
    """Place, media type and description of every body that can come back."""
    for name, operation in operations(document).items():
        for status, answer in operation["responses"].items():
            for media, said in answer.get("content", {}).items():
                yield f"{name} {status} {media}", media, said


def holds(document, schema, value):
    whole = {**schema, "components": document["components"]}
    found = [one.message for one in jsonschema.Draft202012Validator(whole).iter_errors(value)]
    assert found == []


def test_it_is_openapi(document):
    assert [str(one) for one in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_route_has_a_row_and_every_row_a_route(document):
    assert set(operations(document)) == set(table("operations.yaml"))


def test_no_route_is_left_out(app, document):
    def walk(routes):
        for route in routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                yield from (f"{one} {route.path}" for one in route.methods)
            elif hasattr(route, "original_router"):
                yield from walk(route.original_router.routes)

    told = {re.sub(r":path}", "}", one) for one in walk(app.router.routes)}
    assert len(told) > 25
    assert told | {"POST /v1/transfers", "POST /v1/preview"} == set(operations(document))


def test_ids_tags_and_texts(document):
    every = operations(document).values()
    ids = [one["operationId"] for one in every]
    assert len(set(ids)) == len(ids)
    tags = {one["name"] for one in document["tags"]}
    for one in every:
        assert len(one["tags"]) == 1
        assert set(one["tags"]) <= tags
        assert one["summary"]
        assert one["description"]
        assert "security" in one


def test_every_answer_has_an_example_that_fits(document):
    known = document["components"]["examples"]
    seen = set()
    for place, media, said in answers(document):
        if said["schema"]["$ref"].endswith("/Bytes"):
            continue
        assert said["examples"], place
        for name, example in said["examples"].items():
            assert example["$ref"] == f"#/components/examples/{name}"
            seen.add(name)
            holds(document, said["schema"], known[name]["value"])
            if media == PROBLEM:
                assert str(known[name]["value"]["status"]) in place
    sent = {
        name
        for one in operations(document).values()
        for said in one.get("requestBody", {}).get("content", {}).values()
        for name in said.get("examples", ())
    }
    assert seen | sent | {"oauth_bad_proof"} >= set(table("examples.json"))
    assert seen >= set(table("problems.yaml")) - {"purpose.too_broad"}


def test_every_operation_says_its_problems(document):
    for name, one in operations(document).items():
        wanted = {"400", "408", "413", "429", "431", "500", "503"}
        if one["security"]:
            wanted.add("401")
        assert wanted <= set(one["responses"]), name


def test_every_parameter_has_an_example_that_fits(document):
    count = 0
    for name, one in operations(document).items():
        for parameter in one["parameters"]:
            count += 1
            assert parameter["description"], (name, parameter["name"])
            holds(document, parameter["schema"], parameter["example"])
    assert count > 40


def test_every_body_has_an_example_that_fits(document):
    known = document["components"]["examples"]
    for name, one in operations(document).items():
        if "requestBody" not in one:
            assert not name.startswith("POST"), name
            continue
        content = one["requestBody"]["content"]
        told = {key for said in content.values() for key in said.get("examples", ())}
        assert told, name
        for said in content.values():
            for key in said.get("examples", ()):
                holds(document, said["schema"], known[key]["value"])


def test_every_problem_is_one_the_code_has():
    text = "\n".join(
        path.read_text()
        for folder in ("gateway", "adapters")
        for path in (ROOT / folder).rglob("*.py")
    )
    made = {"purpose", "to", "basis", "mapping"}  # `terms.py` makes these of the term's name
    for rule in table("problems.yaml"):
        family, word = rule.split(".") if "." in rule else (rule, "")
        assert f'"{rule}"' in text or (family in made and word in ("unknown", "missing")), rule


def test_references_lead_somewhere(document):
    for target in re.findall(r'"\$ref":"#/([^"]+)"', orjson.dumps(document).decode()):
        node = document
        for part in target.split("/"):
            node = node[part]


def test_the_page_names_every_operation(world, document):
    client, *_ = world
    page = client.get("/docs").text
    for one in operations(document).values():
        assert f'id="{one["operationId"]}"' in page
    assert not re.search(r'(?:src|href)="(?!/openapi.json)', page)


@pytest.mark.parametrize(
    ("path", "keyed"),
    [
        ("/v1/formats", False),
        ("/v1/schemas/person", False),
        ("/v1/purposes", False),
        ("/openapi.json", False),
        ("/docs", False),
        ("/v1/agreements", True),
    ],
)
def test_discovery_has_tags(world, path, keyed):
    client, sender, _ = world
    first = client.get(path, headers=sender)
    tag = first.headers["etag"]
    for said in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get(path, headers={**sender, "If-None-Match": said})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert client.get(path, headers={**sender, "If-None-Match": '"no"'}).content == first.content
    assert ("private" in first.headers["cache-control"]) == keyed
    assert (first.headers.get("vary") == "Authorization") == keyed


def test_the_inbox_in_pages(world, payload):
    client, sender, recipient = world
    made = [
        client.post(
            "/v1/transfers", params={**TERMS, "deliver": "inbox"}, content=payload, headers=sender
        ).headers["location"]
        for _ in range(3)
    ]
    address, seen = "/v1/inbox?limit=2", []
    while address:
        answer = client.get(address, headers=recipient)
        body = answer.json()
        seen += [one["transfer"] for one in body["items"]]
        address = answer.links.get("next", {}).get("url")
        assert (address is None) == ("next" not in body)
    assert [f"/v1/transfers/{one}" for one in seen] == made


@pytest.mark.parametrize(
    "after",
    [
        "01a205af-fcaa-7a10-be80-802c89fd43eb",
        "c1.AaIFr_yqehC-gIAsif1D6",
        "c1.AaIFr/yqehC+gIAsif1D6w",
        "AaIFr_yqehC-gIAsif1D6w",
        "c1.",
        "c1.é",
    ],
)
def test_a_cursor_is_ours_or_nothing(world, after):
    client, _, recipient = world
    for path in ("/v1/inbox", "/v1/recalls"):
        answer = client.get(path, params={"after": after}, headers=recipient)
        assert (answer.status_code, answer.json()["rule"]) == (422, "cursor.unfit")
    with pytest.raises(SenderError):
        paging.read(after)


def test_a_cursor_comes_back():
    last = "01a205af-fcaa-7a10-be80-802c89fd43eb"
    assert paging.read(paging.written(last)) == last
    assert paging.read("") == ""


@pytest.mark.parametrize("limit", ["0", "101", "many"])
def test_a_page_has_a_size(world, limit):
    client, _, recipient = world
    answer = client.get("/v1/inbox", params={"limit": limit}, headers=recipient)
    assert (answer.status_code, answer.json()["rule"]) == (422, "query.unfit")


def test_who_am_i(world):
    client, sender, _ = world
    mine = client.get("/v1/me", headers=sender).json()
    assert (mine["party"], mine["how"], mine["key"]) == ("org:amal-relief", "bearer", "")
    assert mine["used"] == {"transfers": 0, "bytes": 0}
    assert client.get("/v1/me").status_code == 401
