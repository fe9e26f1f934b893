"""The HTTP API, over real sockets."""

import asyncio
import dataclasses
import json
import socket
import threading
import time

import httpx
import orjson
import pytest

from gateway import log_view, paging, receipt
from gateway.app import create_app
from gateway.demo import served
from gateway.deployment import new_bearer, read_deployment
from gateway.entry import parse
from gateway.errors import TYPE
from gateway.record import RECORD_TYPES

TERMS = {
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "format": "kobo",
}


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory):
    """A server on a deployment of this module's own, and clients of its parties."""
    import shutil

    directory = tmp_path_factory.mktemp("app") / "demo"
    shutil.copytree(prepared[0], directory)
    settings = directory / "corridor.toml"
    settings.write_text(settings.read_text() + "\n[bulk]\nbody_limit_bytes = 200000\n")
    recipient = new_bearer(directory, "org:sante-sans-rivages")
    stranger = new_bearer(directory, "org:border-directorate")
    with served(directory) as address, httpx.Client(base_url=address, timeout=20) as client:
        yield World(directory, client, prepared[1], recipient, stranger)


class World:
    def __init__(self, directory, client, sender, recipient, stranger) -> None:
        self.directory, self.client = directory, client
        self.stranger = {"Authorization": f"Bearer {stranger}"}
        self.sender = {"Authorization": f"Bearer {sender}"}
        self.recipient = {"Authorization": f"Bearer {recipient}"}

    def post(self, content: bytes, *, path="/v1/transfers", headers=None, **terms):
        params = {name: value for name, value in {**TERMS, **terms}.items() if value}
        return self.client.post(
            path, params=params, content=content, headers={**self.sender, **(headers or {})}
        )

    def transfers(self) -> int:
        found = (parse(leaf) for _, leaf in log_view.entries(self.directory / "data"))
        return sum(entry["type"] == "transfer" for entry in found)


def test_released_with_the_content_in_the_answer(world, payload):
    answer = world.post(payload, headers={"Prefer": "return=representation"})

    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/fhir+json"
    assert answer.headers["preference-applied"] == "return=representation"
    address = answer.headers["link"].split(">")[0][1:]
    held = world.client.get(address, headers=world.sender)
    vkey = world.client.get("/v1/log/key").text.strip()
    assert vkey == read_deployment(world.directory).vkey()
    assert receipt.verify(held.content, vkey=vkey, content=answer.content).content_checked


def test_without_prefer_the_answer_is_the_receipt_and_the_content_waits_for_the_sender(
    world, payload
):
    answer = world.post(payload)

    assert answer.status_code == 201
    address = answer.headers["location"]
    assert world.client.get(f"{address}/content", headers=world.recipient).status_code == 404
    first = world.client.get(f"{address}/content", headers=world.sender)
    again = world.client.get(f"{address}/content", headers=world.sender)
    assert (first.status_code, again.status_code) == (200, 410)
    vkey = read_deployment(world.directory).vkey()
    assert receipt.verify(answer.content, vkey=vkey, content=first.content)


def test_inbox_content_is_for_the_recipient_once(world, payload):
    answer = world.post(payload, deliver="inbox", headers={"Prefer": "return=representation"})

    address = answer.headers["location"]
    assert answer.json()["receipt"] == "corridor/receipt/v1"
    assert world.client.get(f"{address}/content", headers=world.sender).status_code == 404
    first = world.client.get(f"{address}/content", headers=world.recipient)
    assert (first.status_code, first.json()["resourceType"]) == (200, "Bundle")
    assert world.client.get(f"{address}/content", headers=world.recipient).status_code == 410


def test_content_that_waits_is_encrypted_on_the_disk_and_gone_after_the_fetch(world, payload):
    answer = world.post(payload, deliver="inbox")
    data = world.directory / "data"

    def written() -> bytes:
        return b"".join(path.read_bytes() for path in data.iterdir())

    assert "فاطمة".encode() not in written()
    world.client.get(f"{answer.headers['location']}/content", headers=world.recipient)
    assert "فاطمة".encode() not in written()


@pytest.mark.parametrize(
    ("terms", "status", "outcome"),
    [
        ({"to": "org:border-directorate", "basis": "lb.public"}, 403, "refused"),
        ({"purpose": "hum.health.care"}, 202, "held"),
        ({"purpose": "hum.account.donor"}, 403, "refused"),
    ],
)
def test_refused_and_held(world, payload, terms, status, outcome):
    answer = world.post(payload, headers={"Prefer": "return=representation"}, **terms)

    entry = json.loads(answer.json()["entry"])
    assert (answer.status_code, entry["outcome"]) == (status, outcome)
    assert (
        world.client.get(f"{answer.headers['location']}/content", headers=world.sender).status_code
        == 404
    )


def test_a_transfer_one_is_not_part_of_does_not_exist(world, payload):
    address = world.post(payload).headers["location"]
    unknown = "/v1/transfers/01a20250-e12d-7114-b9cd-90af872314ef"

    for path in ("", "/receipt", "/content"):
        theirs = world.client.get(address + path, headers=world.stranger)
        nobodys = world.client.get(unknown + path, headers=world.stranger)
        assert (theirs.status_code, theirs.json()["rule"]) == (404, "transfer.unknown")
        assert theirs.content == nobodys.content
    assert world.client.get(address, headers=world.recipient).json()["outcome"] == "released"


def test_a_key_made_while_the_server_runs_counts_within_a_second(world):
    late = new_bearer(world.directory, "org:sante-sans-rivages")
    time.sleep(0.25)

    answer = world.client.get("/v1/agreements", headers={"Authorization": f"Bearer {late}"})

    assert answer.status_code == 200


class Failing:
    """A part that fails in a way nobody foresaw, quoting what it was given."""

    name, revision = "embedded", "sha256:" + "0" * 64

    async def decide(self, question: object) -> object:
        raise ValueError("somebody's name: Xaawo Maxamed")

    def waiting(self, *_: object) -> object:
        raise ValueError("somebody's name: Xaawo Maxamed")

    epoch = waiting


@pytest.mark.parametrize(
    ("method", "path", "part"),
    [
        ("POST", "/v1/transfers", "engine"),
        ("POST", "/v1/preview", "engine"),
        ("GET", "/v1/inbox", "log"),
    ],
)
def test_what_nobody_foresaw_is_500_and_quotes_nothing(
    deployment, token, payload, method, path, part, told
):
    async def ask() -> httpx.Response:
        app = create_app(deployment)
        async with app.router.lifespan_context(app):
            app.state.gateway = dataclasses.replace(app.state.gateway, **{part: Failing()})
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gw") as client:
                headers = {"Authorization": f"Bearer {token}"}
                params = TERMS if method == "POST" else {}
                return await client.request(
                    method, path, params=params, content=payload, headers=headers
                )

    answer = asyncio.run(ask())

    told.flush()
    line = json.loads(told.buffer.getvalue().splitlines()[-1])
    assert (answer.status_code, answer.json()["rule"]) == (500, "gateway.failed")
    assert (line["event"], line["error"]) == ("failed", "ValueError")
    assert "Xaawo" not in answer.text + told.buffer.getvalue().decode()


def test_the_same_key_and_content_is_the_same_transfer(world, payload):
    headers = {"Idempotency-Key": "page-1", "Prefer": "return=representation"}
    before = world.transfers()

    first = world.post(payload, headers=headers)
    again = world.post(payload, headers=headers)
    other = world.post(payload + b" ", headers=headers)
    elsewhere = world.post(payload, headers=headers, into="hxl")

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert (other.status_code, other.json()["rule"]) == (409, "idempotency.conflict")
    assert elsewhere.status_code == 409
    assert world.transfers() == before + 1


def test_the_same_key_at_once_makes_one_transfer(world, payload):
    before = world.transfers()
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(world.post(payload, headers={"Idempotency-Key": "at-once"}))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert world.transfers() == before + 1


@pytest.mark.parametrize(
    ("terms", "content", "status", "rule"),
    [
        ({"format": "spreadsheet"}, b"{}", 415, "format.unknown"),
        ({"into": "pdf"}, b"{}", 415, "format.unknown"),
        ({"agreement": "agr:none"}, b"{}", 422, "agreement.unknown"),
        ({"purpose": "hum.everything"}, b"{}", 422, "purpose.unknown"),
        ({"to": "org:nobody"}, b"{}", 422, "to.unknown"),
        ({"basis": "lb.because"}, b"{}", 422, "basis.unknown"),
        ({"deliver": "pigeon"}, b"{}", 422, "deliver.unknown"),
        ({"mapping": "other"}, b"{}", 422, "mapping.unknown"),
        ({"purpose": ""}, b"{}", 422, "purpose.missing"),
        ({"surprise": "x"}, b"{}", 422, "query.unknown"),
        ({}, b'{"results": [', 422, "json.truncated"),
        ({}, b'{"_uuid": "\xff"}', 422, "json.not_utf8"),
        ({}, b'{"_uuid": "\\ud800"}', 422, "json.not_utf8"),
        ({}, b"[" * 5000, 422, "json.too_deep"),
        ({}, b'{"x": NaN}', 422, "json.invalid"),
        ({}, b'{"_uuid": "a", "_uuid": "b"}', 422, "json.key_twice"),
        ({}, b'{"_uuid": "a", "g/size_h_c": "many"}', 422, "value.not_integer"),
        ({}, b" " * 300_000, 413, "body.too_large"),
    ],
)
def test_what_never_becomes_a_transfer(world, terms, content, status, rule):
    before = world.transfers()

    answer = world.post(content, **terms)

    assert (answer.status_code, answer.json()["rule"]) == (status, rule)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == TYPE + rule
    assert answer.json()["act"] == "sender"
    assert world.transfers() == before


def test_a_place_and_no_value_in_a_problem(world, payload):
    page = orjson.loads(payload)
    member = page["results"][1]["individual_questions"][2]
    member["individual_questions/individual_details/birth_date_i_c"] = "Zoé was born in May"

    problem = world.post(orjson.dumps(page)).json()

    assert problem["at"] == "submission 2, individual_questions[3], */birth_date_i_c"
    assert "born" not in json.dumps(problem)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic eDp5", "bearer ck_"])
def test_a_wrong_key_is_401_whatever_is_wrong_with_it(world, payload, header):
    answer = world.post(payload, headers={"Authorization": header})

    assert (answer.status_code, answer.json()["rule"]) == (401, "key.invalid")


def test_a_body_of_undeclared_length_is_cut_off_at_the_limit(world):
    def parts():
        for _ in range(20):
            yield b" " * 20_000

    answer = world.client.post("/v1/transfers", params=TERMS, content=parts(), headers=world.sender)

    assert answer.status_code == 413


def test_a_declared_length_above_the_limit_is_refused_before_the_body_is_sent(world):
    host, port = world.client.base_url.host, world.client.base_url.port
    head = (
        "POST /v1/transfers?agreement=agr:registration-2026&purpose=hum.assist.registration"
        f"&format=kobo HTTP/1.1\r\nHost: x\r\nContent-Length: 52428800\r\n"
        f"Authorization: {world.sender['Authorization']}\r\n\r\n"
    )
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(head.encode())

        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_preview_shows_and_logs_nothing(world, payload):
    before = world.transfers()

    answer = world.post(payload, path="/v1/preview")

    assert answer.status_code == 200
    assert answer.json()["outcome"] == "released"
    assert answer.json()["details"]["fields"]["person.birth_date"] == {"form": "year"}
    assert world.transfers() == before


def test_preview_of_a_held_transfer_shows_what_a_person_would_let_go(world, payload):
    answer = world.post(payload, path="/v1/preview", purpose="hum.health.care")

    details = answer.json()["details"]
    assert details["verdict"] == "pending"
    assert details["fields"]["person.birth_date"]["form"] in ("year", "keep", "age_band")


def test_discovery(world):
    get = world.client.get
    formats = {one["format"]: one["record_types"] for one in get("/v1/formats").json()}
    assert (formats["kobo"], formats["cap"]) == (None, ["alert"])
    for kind in RECORD_TYPES:
        assert get(f"/v1/schemas/{kind}").json()["properties"]["record_type"]["const"] == kind
    assert get("/v1/schemas/person").json()["title"] == "Person"
    assert get("/v1/schemas/secret").status_code == 404
    assert "hum.assist.registration" in get("/v1/purposes").json()
    assert get("/v1/agreements").status_code == 401
    mine = get("/v1/agreements", headers=world.sender).json()
    assert {one["id"] for one in mine} == {"agr:coordination-2026", "agr:registration-2026"}
    [theirs] = get("/v1/agreements", headers=world.recipient).json()
    assert theirs["id"] == "agr:registration-2026"
    assert "evidence" not in json.dumps(mine)
    assert get("/healthz").json() == {"alive": True}
    assert get("/readyz").json()["ready"] is True


def test_openapi_names_every_route(world):
    document = world.client.get("/openapi.json").json()

    assert {"/v1/transfers", "/v1/preview", "/v1/transfers/{transfer}/content"} <= set(
        document["paths"]
    )
    operation = document["paths"]["/v1/transfers"]["post"]
    assert {"201", "202", "403", "409", "413", "503"} <= set(operation["responses"])


def test_log_proofs(world, payload):
    from gateway import merkle, note

    answer = world.post(payload)
    vkey = note.parse_vkey(read_deployment(world.directory).vkey())
    index = receipt.verify(answer.content, vkey=note.render_vkey(vkey)).index

    proof = world.client.get(
        "/v1/log/proofs/inclusion", params={"index": index}, headers=world.sender
    ).json()
    checkpoint = note.open_checkpoint(proof["checkpoint"], vkey)
    leaf = json.loads(answer.content)["entry"].encode()
    merkle.verify_inclusion(
        merkle.leaf_hash(leaf), index, proof["size"],
        tuple(bytes.fromhex(one) for one in proof["hashes"]), checkpoint.root,
    )  # fmt: skip

    public = note.open_checkpoint(world.client.get("/v1/log/checkpoint").text, vkey)
    grown = world.client.get(
        "/v1/log/proofs/consistency",
        params={"old": checkpoint.size, "new": public.size},
        headers=world.sender,
    ).json()
    merkle.verify_consistency(
        checkpoint.size, public.size, tuple(bytes.fromhex(one) for one in grown["hashes"]),
        checkpoint.root, public.root,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "status", "rule"),
    [
        ("/v1/log/proofs/inclusion?index=99999", 404, "log.index"),
        ("/v1/log/proofs/inclusion?index=-1", 422, "query.unfit"),
        ("/v1/log/proofs/inclusion?index=Fatima", 422, "query.unfit"),
        ("/v1/log/proofs/consistency?old=5&new=2", 404, "log.sizes"),
        ("/nowhere", 404, "not_found"),
        ("/v1/transfers", 405, "method.not_allowed"),
    ],
)
def test_other_problems_have_the_same_form(world, path, status, rule):
    answer = world.client.get(path, headers=world.sender)

    assert (answer.status_code, answer.json()["rule"]) == (status, rule)
    assert "Fatima" not in answer.text


def test_an_idempotency_key_has_a_length(world, payload):
    answer = world.post(payload, headers={"Idempotency-Key": "k" * 256})

    assert answer.json()["rule"] == "idempotency.key"


def test_other_content_encodings_are_refused(world):
    answer = world.post(b"x", headers={"Content-Encoding": "br"})

    assert (answer.status_code, answer.json()["rule"]) == (415, "body.encoding")


def test_the_inbox_lists_what_waits_oldest_first(world, payload):
    ids = [
        world.post(payload, deliver="inbox").headers["location"].rsplit("/", 1)[1] for _ in range(2)
    ]

    mine = world.client.get("/v1/inbox", headers=world.recipient).json()["items"]
    waiting = [one["transfer"] for one in mine]
    assert waiting[-2:] == ids
    assert mine[-1]["sender"]["party"] == "org:amal-relief"
    assert mine[-1]["expires"] > mine[-1]["time"]
    after = world.client.get(
        "/v1/inbox", params={"after": paging.written(ids[0])}, headers=world.recipient
    )
    assert [one["transfer"] for one in after.json()["items"]] == ids[1:]
    others = world.client.get("/v1/inbox", headers=world.sender).json()["items"]
    assert not {one["transfer"] for one in others} & set(ids)


def test_a_transfer_is_delivered_when_it_is_fetched_and_not_before(world, payload):
    address = world.post(payload, deliver="inbox").headers["location"]
    assert world.client.get(address, headers=world.sender).json()["state"] == "open"

    world.client.get(f"{address}/content", headers=world.recipient)
    for _ in range(2000):
        if world.client.get(address, headers=world.sender).json()["state"] == "delivered":
            return
    pytest.fail("never delivered")


def test_the_docs_page_needs_no_other_server(world):
    answer = world.client.get("/docs")

    assert "POST /v1/transfers" in answer.text
    assert "<script" not in answer.text
    assert "http" not in answer.text.replace("https://corridor.invalid", "")
    assert world.client.get("/redoc").status_code == 404
