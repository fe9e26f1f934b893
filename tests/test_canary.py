"""No personal value is written down anywhere: one canary in every place, every way out."""

import os
import random
import re
from contextlib import redirect_stderr
from pathlib import Path

import httpx
import orjson
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest

from gateway.demo import served
from gateway.observe import tracing
from gateway.observe.meters import REGISTRY
from gateway.settings import read_settings

TERMS = {
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "format": "kobo",
}
CODES = re.compile(r"(relationship|gender|marital|residence|consent|country|admin\d|disability)")
"""Questions whose answers are codes: a canary there makes the payload unreadable, which is one
of the ways out that are tried."""

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Canaries:
    """Marked values; each can be found again wherever it turns up."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.made: list[str] = []

    def new(self) -> str:
        self.made.append(f"cnry{self.random.getrandbits(48):012x}")
        return self.made[-1]

    def filled(self, payload: bytes, *, codes: bool = False, keys: bool = False) -> bytes:
        """The payload with a canary in every answer that can take one."""
        page = orjson.loads(payload)
        for submission in page["results"]:
            for item in (submission, *submission["individual_questions"]):
                self._fill(item, codes)
                if keys:
                    item[f"group/{self.new()} with space"] = self.new()
        return orjson.dumps(page)

    def _fill(self, item: dict, codes: bool) -> None:
        for key, value in item.items():
            strict = re.search(r"(date|size|geopoint|time|instanceID|_uuid|count)", key)
            if isinstance(value, str) and not strict and (codes or not CODES.search(key)):
                item[key] = self.new()


def ways(payload: bytes, canaries: Canaries) -> dict[str, tuple[dict, bytes, dict]]:
    """Every way a transfer can go: query, body, headers."""
    body = canaries.filled(payload)
    broken = orjson.loads(body)
    details = "individual_questions/individual_details/"
    broken["results"][0]["individual_questions"][0][details + "birth_date_i_c"] = canaries.new()
    uuid = body.replace(b'"_uuid":"', b'"_uuid":"' + canaries.new().encode())
    return {
        "released": ({}, body, {}),
        "hxl": ({"into": "hxl"}, body, {}),
        "kept": ({"deliver": "inbox"}, body, {}),
        "refused": ({"to": "org:border-directorate", "basis": "lb.public"}, body, {}),
        "held": ({"purpose": "hum.health.care"}, body, {}),
        "no such agreement": ({"agreement": canaries.new()}, body, {}),
        "no such purpose": ({"purpose": canaries.new()}, body, {}),
        "no such recipient": ({"to": canaries.new()}, body, {}),
        "no such format": ({"format": canaries.new()}, body, {}),
        "unknown parameter": ({canaries.new(): "x"}, body, {}),
        "a code nobody knows": ({}, canaries.filled(payload, codes=True), {}),
        "keys with values": ({}, canaries.filled(payload, keys=True), {}),
        "a broken date": ({}, orjson.dumps(broken), {}),
        "a mapped key twice": ({}, uuid.replace(b'"_uuid"', b'"_uuid":"x","_uuid"', 1), {}),
        "cut off": ({}, body[: len(body) // 2], {}),
        "not json": ({}, canaries.new().encode(), {}),
        "idempotency": ({}, body, {"Idempotency-Key": canaries.new()}),
        "wrong key": ({}, body, {"Authorization": f"Bearer {canaries.new()}"}),
    }


@pytest.mark.parametrize("engine", ["embedded"])
def test_no_value_is_written_down(deployment, token, payload, tmp_path, engine, capfd, told):
    canaries = Canaries(1)
    answers: dict[str, httpx.Response] = {}
    spans = InMemorySpanExporter()
    tracing.start(read_settings(deployment / "corridor.toml"), spans)
    with redirect_stderr(told), served(deployment) as address:
        for name, (terms, body, headers) in ways(payload, canaries).items():
            answers[name] = httpx.post(
                f"{address}/v1/transfers",
                params={**TERMS, **terms},
                content=body,
                headers={"Authorization": f"Bearer {token}", "Prefer": "return=representation",
                         "tracestate": f"v={canaries.new()}", "traceparent": PARENT,
                         "X-Request-Id": canaries.new(), "baggage": f"b={canaries.new()}",
                         **headers},
                timeout=20,
            )  # fmt: skip
            httpx.post(
                f"{address}/v1/preview", params={**TERMS, **terms}, content=body,
                headers={"Authorization": f"Bearer {token}", **headers}, timeout=20,
            )  # fmt: skip
        address_of = answers["released"].headers["location"]
        receipt = httpx.get(
            f"{address}{address_of}/receipt", headers={"Authorization": f"Bearer {token}"}
        )

    told.flush()
    assert answers["released"].status_code == answers["hxl"].status_code == 201
    assert any(canary in answers["released"].text for canary in canaries.made)  # the right place
    assert len(spans.get_finished_spans()) > len(answers)
    written = {
        "journal": told.buffer.getvalue().decode(),
        "terminal": "".join(capfd.readouterr()),
        "receipt": receipt.text,
        "metrics": generate_latest(REGISTRY).decode(),
        "traces": "".join(span.to_json() for span in spans.get_finished_spans()),
        "files": _files(deployment),
        **{
            name: answer.text + repr(answer.headers)
            for name, answer in answers.items()
            if name not in ("released", "hxl", "keys with values", "idempotency")
        },
    }
    found = {
        name: [canary for canary in canaries.made if canary in text]
        for name, text in written.items()
    }
    assert {name: values for name, values in found.items() if values} == {}


def _files(directory: Path) -> str:
    parts = []
    for path in directory.rglob("*"):
        if path.is_file() and "payloads" not in path.parts:
            parts.append(path.read_bytes().decode("latin-1"))
    return "".join(parts)


def test_the_canary_bites(deployment, token, payload):
    """What the test above looks for would be found: a file with one value in it is noticed."""
    canary = Canaries(2).new()
    (deployment / "data" / "leak").write_text(f"somebody wrote {canary}")

    assert canary in _files(deployment)


def test_nothing_personal_in_the_repr_of_what_passes_through(deployment, payload):
    import asyncio

    from gateway import session
    from gateway.entry import new_id
    from gateway.exchange import Transfer, exchange, judge
    from gateway.terms import Asked, terms_of

    canaries = Canaries(3)
    body = canaries.filled(payload)

    async def carry() -> str:
        async with session.opened(deployment) as gateway:
            asked = Asked("org:amal-relief", None, *TERMS.values(), deliver="return")
            asked = Asked(
                sender="org:amal-relief", agreement=TERMS["agreement"], purpose=TERMS["purpose"],
                source="kobo", deliver="return",
            )  # fmt: skip
            terms = terms_of(asked, gateway.deployment, gateway.known)
            transfer = Transfer(new_id(), terms, body)
            judged = await judge(terms, body, gateway)
            outcome = await exchange(transfer, gateway)
            return repr((transfer, judged, outcome, gateway, judged.decision))

    seen = asyncio.run(carry())

    assert [canary for canary in canaries.made if canary in seen] == []
    assert os.linesep not in seen or "PRIVATE" not in seen
