"""OPA servers as operators run them: fetching, verifying, following, and left behind."""

import asyncio
import http.server
import io
import json
import shutil
import tarfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.demo import SENDER, served
from gateway.deployment import new_bearer
from gateway.policy import (
    Bundle,
    Cached,
    Embedded,
    OpaServer,
    PolicyError,
    PolicyFailed,
    PolicyMismatch,
    PolicyUnavailable,
    Question,
    not_ready,
    read_bundle,
)
from gateway.policy.bundle import tarball
from gateway.policy.bundle_signing import ALGORITHM, KEYID, SIGNATURES, signed, verify_bundle
from tests.policy_servers import BundlePlace, free_port, needs_opa, opa_server, until
from tests.strategies_policy import POLICIES, sample
from tests.test_api_bundles import activate, narrowed, new_token

CONFIGURATION = Path(__file__).resolve().parent.parent / "deploy" / "opa" / "opa.yaml"
TERMS = {
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "format": "kobo",
}
NOWHERE = 9


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_bundle(POLICIES)


@pytest.fixture
def engines():
    made: list[OpaServer] = []

    def engine(port: int, revision: str) -> OpaServer:
        made.append(OpaServer("127.0.0.1", port, revision=revision, deadline=10))
        return made[-1]

    yield engine
    for one in made:
        asyncio.run(one.close())


def proved(engine) -> str:
    return asyncio.run(not_ready(engine))


def denied(engine) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        engine.decide_now(Question.of(sample()))
    return caught.value


# -- a server that fetches ---------------------------------------------------------------------


@pytest.fixture
def place():
    made = BundlePlace()
    yield made
    made.close()


def fetching(folder: Path, address: str, public: str) -> list[str | Path]:
    """The configuration we ship, for a place of this test's own."""
    (folder / "token").write_text("x")
    (folder / "bundle.pub").write_text(public)
    return [
        *("-c", CONFIGURATION),
        *("--set", f"services.gateway.url={address}"),
        *("--set", f"services.gateway.credentials.bearer.token_path={folder / 'token'}"),
        *("--set-file", f"keys.{KEYID}.key={folder / 'bundle.pub'}"),
        *("--set", "bundles.exchange.polling.max_delay_seconds=1"),
    ]


def public_of(key: ec.EllipticCurvePrivateKey) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


def changed(packed: bytes, name: str, content: bytes | None) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        files = {entry.name: archive.extractfile(entry).read() for entry in archive}
    files.pop(name)
    return tarball([*files.items(), *([] if content is None else [(name, content)])])


@needs_opa
def test_a_server_believes_what_we_signed_and_keeps_it_when_it_is_offered_anything_else(
    bundle, place, engines, tmp_path
):
    key, stranger = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    newer = narrowed(bundle)
    bad = {
        "stripped": changed(signed(newer, key), SIGNATURES, None),
        "tampered": changed(signed(newer, key), "local/own.rego", b"package local\n"),
        "foreign": signed(newer, stranger),
    }
    place.content = bad["foreign"]
    arguments = fetching(tmp_path, place.address, public_of(key))
    with opa_server(*arguments, wait_for="health") as port:
        ours, next_one = engines(port, bundle.revision), engines(port, newer.revision)
        until(lambda: place.asked >= 2)
        assert proved(ours) == proved(next_one) == "policy.mismatch"
        assert denied(next_one).rule == "policy.undefined"

        place.content = signed(bundle, key)
        until(lambda: proved(ours) == "")
        assert ours.decide_now(Question.of(sample())).revision == bundle.revision
        assert type(denied(next_one)) is PolicyMismatch

        for name, content in bad.items():
            place.content, place.asked = content, 0
            # The second request comes after the first answer was read.
            until(lambda: place.asked >= 2)
            assert (proved(ours), proved(next_one)) == ("", "policy.mismatch"), name

        place.content = signed(newer, key)
        until(lambda: proved(next_one) == "")
        assert type(denied(ours)) is PolicyMismatch


@needs_opa
def test_a_server_follows_the_gateway_that_asks_it(deployment, payload):
    port = free_port()
    settings = deployment / "corridor.toml"
    engine = f'engine = "opa"\nopa_port = {port}'
    settings.write_text(settings.read_text().replace('engine = "embedded"', engine))
    assert f"opa_port = {port}" in settings.read_text()
    sender = {"Authorization": f"Bearer {new_bearer(deployment, SENDER)}"}
    token = new_token(deployment)
    with served(deployment) as address, httpx.Client(base_url=address, timeout=30) as client:

        def sent() -> tuple[int, str]:
            answer = client.post("/v1/transfers", params=TERMS, content=payload, headers=sender)
            said = answer.json()
            if answer.status_code == 201:
                return 201, json.loads(said["entry"])["policy"]["bundle"]
            return answer.status_code, said["rule"]

        def fetched() -> str:
            answer = client.get(
                "/v1/bundles/exchange.tar.gz", headers={"Authorization": f"Bearer {token}"}
            )
            public = (deployment / "keys" / "bundle.pub").read_text()
            return verify_bundle(answer.content, public).revision

        # The gateway serves before there is a server that could answer it.
        first = fetched()
        assert sent() == (503, "policy.unavailable")
        arguments = fetching(deployment, address, (deployment / "keys" / "bundle.pub").read_text())
        (deployment / "token").write_text(token)
        with opa_server(*arguments, port=port):
            until(lambda: sent() == (201, first))
            newer = narrowed(read_bundle(POLICIES))
            activate(deployment, newer)
            until(lambda: fetched() == newer.revision)
            # From now on nothing rests on the older one, however long the server still has it.
            seen = [sent()]
            deadline = time.monotonic() + 30
            while seen[-1][0] != 201:
                assert time.monotonic() < deadline
                seen.append(sent())
            assert seen[-1] == (201, newer.revision)
            assert set(seen[:-1]) <= {(503, "policy.mismatch")}


# -- a server that must not be asked -----------------------------------------------------------


class Between:
    """What an operator may put between the gateway and OPA, by mistake."""

    def __init__(self, port: int) -> None:
        self.query = lambda text: text
        self.reply = lambda status, document: (status, document)
        between = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                address = f"http://127.0.0.1:{port}{between.query(self.path)}"
                kind = {"Content-Type": "application/json"}
                try:
                    with urllib.request.urlopen(
                        urllib.request.Request(address, body, kind)
                    ) as answer:
                        status, said = answer.status, json.load(answer)
                except urllib.error.HTTPError as error:
                    with error:
                        status, said = error.code, json.load(error)
                status, said = between.reply(status, said)
                text = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="module")
def running(bundle, tmp_path_factory):
    """The port of a real server with our bundle."""
    if not shutil.which("opa"):
        pytest.skip("opa is not on PATH")
    key = ec.generate_private_key(ec.SECP256R1())
    folder = tmp_path_factory.mktemp("opa")
    (folder / "b.tar.gz").write_bytes(signed(bundle, key))
    (folder / "b.pub").write_text(public_of(key))
    told = ["--verification-key", folder / "b.pub", "--verification-key-id", KEYID]
    with opa_server("--bundle", folder / "b.tar.gz", *told, "--signing-alg", ALGORITHM) as port:
        yield port


@pytest.fixture
def between(running):
    made = Between(running)
    yield made
    made.close()


def test_a_good_server_is_ready(bundle, engines, running):
    engine = engines(running, bundle.revision)

    assert proved(engine) == proved(Cached(engine)) == ""
    assert engine.decide_now(Question.of(sample())).engine == "opa"


def test_a_server_with_another_bundle_is_not(engines, running):
    engine = engines(running, "sha256:other")

    assert proved(engine) == "policy.mismatch"
    assert type(denied(engine)) is PolicyMismatch


@needs_opa
def test_a_server_without_a_bundle_is_not(bundle, engines):
    with opa_server(wait_for="health") as port:
        engine = engines(port, bundle.revision)

        assert proved(engine) == "policy.mismatch"
        assert denied(engine).rule == "policy.undefined"


def test_nobody_there_is_not_ready(bundle, engines):
    engine = engines(NOWHERE, bundle.revision)

    assert proved(engine) == "policy.unavailable"
    assert type(denied(engine)) is PolicyUnavailable


VERSIONS = [
    ("1.21.3", True),
    ("1.21.4", True),
    ("1.22.0-dev", True),
    ("1.100.0", True),
    ("2.0.0", True),
    ("1.21.3-rc1", False),
    ("1.21.2", False),
    ("1.9.99", False),
    ("0.70.0", False),
    ("", False),
    ("1.22", False),
    ("1.22.0\n", False),
    ("latest", False),
    (None, False),
    (1.22, False),
]


@pytest.mark.parametrize(("version", "good"), VERSIONS)
def test_an_old_server_is_refused_at_every_answer(bundle, engines, between, version, good):
    engine = engines(between.port, bundle.revision)

    def aged(status, document):
        if "provenance" in document:
            document["provenance"]["version"] = version
        return status, document

    between.reply = aged

    assert proved(engine) == ("" if good else "policy.server_version")
    if good:
        assert engine.decide_now(Question.of(sample())).verdict
        return
    assert type(denied(engine)) is PolicyFailed
    assert denied(engine).rule == "policy.server_version"


def test_a_server_that_does_not_say_its_version_is_refused(bundle, engines, between):
    engine = engines(between.port, bundle.revision)

    def silent(status, document):
        document.get("provenance", {}).pop("version", None)
        return status, document

    between.reply = silent

    assert (proved(engine), denied(engine).rule) == ("policy.server_version",) * 2


def test_strictness_must_arrive(bundle, engines, between):
    engine = engines(between.port, bundle.revision)
    assert proved(engine) == ""

    between.query = lambda text: text.replace("strict-builtin-errors=true", "")

    assert proved(engine) == "policy.not_strict"
    with pytest.raises(PolicyFailed) as caught:
        asyncio.run(engine.prove())
    assert caught.value.rule == "policy.not_strict"


def test_provenance_must_arrive(bundle, engines, between):
    engine = engines(between.port, bundle.revision)

    between.query = lambda text: text.replace("provenance=true", "")

    assert proved(engine) == "policy.server_version"
    assert type(denied(engine)) is PolicyMismatch


@pytest.mark.parametrize(
    ("broken", "rule"), [((502, {}), "policy.unavailable"), ((200, []), "policy.answer")]
)
def test_a_server_that_breaks_at_the_probe_is_not_strict_by_that(
    bundle, engines, between, broken, rule
):
    engine = engines(between.port, bundle.revision)
    between.reply = lambda status, document: broken if status == 500 else (status, document)

    assert proved(engine) == rule


def test_a_server_whose_policies_say_nothing_is_not_ready(bundle, engines, between):
    engine = engines(between.port, bundle.revision)

    def empty(status, document):
        document.pop("result", None)
        return status, document

    between.reply = empty

    assert proved(engine) == "policy.undefined"


def test_the_embedded_engine_is_ready_until_it_is_closed(bundle):
    engine = Cached(Embedded(bundle))

    assert proved(engine) == ""
    asyncio.run(engine.close())
    assert proved(engine) == "policy.closed"
