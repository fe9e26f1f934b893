"""Two engines, one answer: thousands of questions to the embedded one and to a real OPA."""

import asyncio
import json
import shutil
import socket
import subprocess
import time
import urllib.request

import pytest

from gateway.policy import Embedded, OpaServer, PolicyError, Question, Template, read_bundle
from tests.strategies_policy import POLICIES, SAMPLES, questions

pytestmark = pytest.mark.skipif(not shutil.which("opa"), reason="opa is not on PATH")

LOCAL = """package local

objections contains {"rule": "local.night", "fix": "Wait for the day."} if input.records == "1000+"

narrow := {"person": {"birth_date": "age_band", "name": "blur", "place": "keep"}}
"""


@pytest.fixture(scope="module", params=["ours", "local"])
def engines(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    local = None
    if request.param == "local":
        local = folder / "local"
        local.mkdir()
        (local / "night.rego").write_text(LOCAL)
    bundle = read_bundle(POLICIES, local)
    bundle.write(folder / "bundle.tar.gz")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["opa", "run", "--server", "--addr", f"127.0.0.1:{port}", "--log-level", "error",
         "--disable-telemetry", "--bundle", str(folder / "bundle.tar.gz")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        opa = OpaServer("127.0.0.1", port, revision=bundle.revision, deadline=10)
        embedded = Embedded(bundle)
        yield embedded, opa
        close(embedded)
        close(opa)
    finally:
        server.terminate()
        server.wait(10)


def close(engine):
    asyncio.run(engine.close())


def wait_for(address):
    for _ in range(200):
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("no opa")


def answer(engine, question):
    try:
        decision = engine.decide_now(question)
    except PolicyError as error:
        return type(error).__name__, error.rule
    return tuple(
        getattr(decision, name)
        for name in ("verdict", "objections", "pending", "assess", "classes", "obligations",
                     "border", "max_form", "valid_until", "revision", "question")
    )  # fmt: skip


def test_the_engines_agree(engines, request):
    embedded, opa = engines
    count = 150 if "local" in request.node.name else 500
    asked = [s["question"] for s in SAMPLES.values() if isinstance(s, dict) and s["question"]]
    asked += questions(count, seed=20261122)
    verdicts = {}

    for document in asked:
        question = Question.of(document)
        ours, theirs = answer(embedded, question), answer(opa, question)
        assert ours == theirs, json.dumps(document)
        assert ours[0] in ("allow", "pending", "refuse"), json.dumps(document)
        verdicts[ours[0]] = verdicts.get(ours[0], 0) + 1

    assert min(verdicts.get(name, 0) for name in ("allow", "pending", "refuse")) > 5


@pytest.mark.parametrize("document", [{}, {"request": {}}, {"classes": [1]}, {"agreement": []}])
def test_the_engines_agree_on_next_to_nothing(engines, document):
    question = Template.of({**document, "context": {}}).at("2026-11-22T08:00:00Z")

    ours, theirs = (answer(engine, question) for engine in engines)

    assert ours == theirs
    assert [objection.rule for objection in ours[1]] == ["question.malformed"]
