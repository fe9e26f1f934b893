"""What can be seen from outside: counters, times, traces, and whether the gateway can work."""

import asyncio
import re
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import httpx
import orjson
import pytest
from starlette.datastructures import State
from starlette.requests import Request

from gateway import api_observe, session
from gateway.api_observe import expose
from gateway.app import create_app
from gateway.demo import served
from gateway.deployment import read_deployment
from gateway.errors import GatewayError, OfficerError
from gateway.log_beside import TABLES
from gateway.observe import meters, tracing
from gateway.observe.meters import OTHER, REGISTRY, Words, noted, pushed, step
from gateway.observe.present import registry_of
from gateway.observe.readiness import unready
from gateway.settings import Settings, parse_settings

ROOT = Path(__file__).resolve().parent.parent
TERMS = {
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "format": "kobo",
}
SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def setting(deployment: Path, text: str) -> None:
    path = deployment / "corridor.toml"
    path.write_text(path.read_text() + f"\n[observe]\n{text}\n")


def with_key(deployment: Path, key: str = "sesame") -> None:
    setting(deployment, 'metrics_secret = "watch"')
    secrets = deployment / "keys" / "secrets.json"
    secrets.write_text(f'{{"watch": "{key}"}}')
    secrets.chmod(0o600)


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def samples(page: str) -> dict[str, float]:
    return {f"{name}{{{labels}}}": float(n) for name, labels, n in SAMPLE.findall(page)}


def post(address: str, token: str, content: bytes, **more: str) -> httpx.Response:
    return httpx.post(
        f"{address}/v1/transfers",
        params={**TERMS, **more},
        content=content,
        headers={"Authorization": f"Bearer {token}", "Prefer": "return=representation"},
        timeout=20,
    )


def metrics(address: str, key: str = "sesame") -> httpx.Response:
    return httpx.get(f"{address}/metrics", headers={"Authorization": f"Bearer {key}"})


def test_transfers_are_counted_by_route_step_and_rule(deployment, token, payload):
    with_key(deployment)
    before = {
        name: value("corridor_transfers_total", outcome=name) for name in ("released", "refused")
    }
    with served(deployment) as address:
        assert post(address, token, payload).status_code == 201
        refused = post(address, token, payload, to="org:border-directorate", basis="lb.public")
        assert post(address, token, b"not json").status_code == 422
        httpx.get(f"{address}/v1/transfers/nobody-there", headers={"Authorization": "Bearer x"})
        httpx.get(f"{address}/nothing/at/all")
        httpx.request("PROPFIND", f"{address}/healthz")
        page = metrics(address)

    assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    seen = samples(page.text)
    assert seen['corridor_transfers_total{outcome="released"}'] == before["released"] + 1
    assert seen['corridor_transfers_total{outcome="refused"}'] == before["refused"] + 1
    [rule] = {one["rule"] for one in orjson.loads(refused.content)["details"]["objections"][:1]}
    assert seen[f'corridor_objections_total{{rule="{rule}"}}'] >= 1
    for status in ("201", "403", "422"):
        labels = f'method="POST",route="/v1/transfers",status="{status}"'
        assert seen[f"corridor_http_requests_total{{{labels}}}"] >= 1
    labels = 'method="GET",route="/v1/transfers/{transfer}",status="401"'
    assert seen[f"corridor_http_requests_total{{{labels}}}"] >= 1
    assert seen['corridor_http_requests_total{method="GET",route="none",status="404"}'] >= 1
    assert any('method="other"' in name for name in seen)
    assert "nobody-there" not in page.text
    for name in ("parse", "decide", "minimize", "render", "log", "release"):
        assert seen[f'corridor_step_seconds_count{{step="{name}"}}'] >= 1
    assert seen['corridor_step_failures_total{step="parse"}'] >= 1
    assert seen["corridor_log_entries{}"] >= 3
    assert seen["corridor_log_commits_total{}"] >= 2
    assert seen["corridor_http_requests_under_way{}"] == 1
    assert seen["corridor_database_up{}"] == 1


def test_without_a_key_there_are_no_metrics(deployment):
    with served(deployment) as address:
        assert metrics(address).status_code == 404
        assert metrics(address).json()["rule"] == "not_found"


def test_a_wrong_key_opens_nothing(deployment):
    with_key(deployment)
    with served(deployment) as address:
        assert metrics(address).status_code == 200
        for wrong in ("sesame", "Bearer sesam", "Bearer sesame2", "Bearer é", "Basic sesame"):
            told = httpx.get(f"{address}/metrics", headers={"Authorization": wrong.encode()})
            assert (told.status_code, told.json()["rule"]) == (401, "key.invalid")
        (deployment / "keys" / "secrets.json").write_text("{}")
        assert metrics(address).status_code == 401
        assert httpx.get(f"{address}/metrics").status_code == 401


def test_metrics_at_an_address_of_their_own(deployment):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    setting(deployment, f"metrics_port = {port}")
    with served(deployment) as address:
        page = httpx.get(f"http://127.0.0.1:{port}/metrics")
        assert "corridor_log_entries" in page.text
        assert metrics(address).status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics")


def test_a_taken_port_is_said_and_stops_nothing(deployment, told):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        setting(deployment, f"metrics_port = {taken.getsockname()[1]}")

        async def run() -> None:
            async with session.opened(deployment) as gateway:
                await asyncio.wait_for(expose(State({"gateway": gateway})), 10)

        asyncio.run(run())
    told.flush()
    assert b'"event":"metrics.not_served"' in told.buffer.getvalue()


def row(name: str, **more: object) -> dict[str, object]:
    """A row of `delivery` or `job` with something in every column that must have a value."""
    [columns] = re.findall(rf"CREATE TABLE {name} \((.*?)\n\) STRICT", TABLES, re.DOTALL)
    typed = re.findall(r"(\w+) (TEXT|INTEGER|BLOB)(?: NOT NULL| PRIMARY KEY)", columns)
    empty = {"TEXT": "x", "INTEGER": 0, "BLOB": b""}
    made = {column: empty[kind] for column, kind in typed}
    return {**made, **more}


def insert(log, table: str, rows: list[dict[str, object]]) -> None:
    names = list(rows[0])
    log.beside(
        lambda store: store.insert(table, names, [tuple(one[n] for n in names) for one in rows])
    )


@pytest.mark.parametrize("named", [False, True])
def test_what_waits_is_counted_and_dated(deployment, named):
    if named:
        setting(deployment, "party_labels = true")

    async def run() -> dict[str, float]:
        async with session.opened(deployment) as gateway:
            now = gateway.log._clock()
            deliveries = [
                row(
                    "delivery",
                    transfer="a",
                    recipient="org:one",
                    state="waiting",
                    time=now - 60_000,
                ),
                row("delivery", transfer="b", recipient="org:two", state="waiting", time=now),
                row("delivery", transfer="c", recipient="org:two", state="dead", time=now - 90_000),
                row("delivery", transfer="d", recipient="org:two", state="delivered", time=0),
            ]
            insert(gateway.log, "delivery", deliveries)
            insert(
                gateway.log, "job", [row("job", transfer="j", state="running", time=now - 5_000)]
            )
            insert(
                gateway.log,
                "breaker",
                [
                    {
                        "recipient": "org:one",
                        "endpoint": "e",
                        "failures": 9,
                        "open_until": now + 60_000,
                    },
                    {"recipient": "org:two", "endpoint": "e", "failures": 9, "open_until": now - 1},
                    {"recipient": "org:six", "endpoint": "e", "failures": 1, "open_until": 0},
                ],
            )
            gateway.log.beside(
                lambda store: store.add_cosignature(2, "w", now // 1000 - 30, "line")
            )
            from prometheus_client import generate_latest

            return samples(generate_latest(registry_of(State({"gateway": gateway}))).decode())

    seen = asyncio.run(run())

    if named:
        assert seen['corridor_deliveries{recipient="org:two",state="dead"}'] == 1
        assert seen['corridor_deliveries{recipient="org:one",state="waiting"}'] == 1
    else:
        assert seen['corridor_deliveries{state="waiting"}'] == 2
        assert seen['corridor_deliveries{state="dead"}'] == 1
        assert "org:" not in "".join(seen)
    assert 60 <= seen["corridor_delivery_oldest_seconds{}"] < 80
    assert seen['corridor_jobs{state="running"}'] == 1
    assert 5 <= seen["corridor_job_oldest_seconds{}"] < 25
    assert seen['corridor_breakers{state="open"}'] == 1
    assert seen['corridor_breakers{state="half_open"}'] == 1
    assert seen["corridor_log_unwitnessed_entries{}"] == seen["corridor_log_entries{}"] - 2
    assert 30 <= seen["corridor_log_witnessed_age_seconds{}"] < 50


def test_a_lost_database_is_said_and_the_rest_still_told(deployment):
    async def run() -> dict[str, float]:
        from prometheus_client import generate_latest

        async with session.opened(deployment) as gateway:
            gateway.log._store._reader.close()
            seen = samples(generate_latest(registry_of(State({"gateway": gateway}))).decode())
            reason = await unready(gateway, draining=False)
            assert reason is not None
            assert reason.rule == "log.unavailable"
            return seen

    seen = asyncio.run(run())
    assert seen["corridor_database_up{}"] == 0
    assert "corridor_log_entries{}" not in seen
    assert seen["corridor_log_stopped{}"] == 0


def test_alive_is_not_ready(deployment):
    with served(deployment) as address:
        assert httpx.get(f"{address}/readyz").json()["ready"] is True
    setting(deployment, f"min_free_bytes = {1 << 60}")
    with served(deployment) as address:
        told = httpx.get(f"{address}/readyz")
        assert (told.status_code, told.json()["rule"]) == (503, "observe.disk_full")
        assert told.headers["retry-after"]
        assert httpx.get(f"{address}/healthz").status_code == 200


def test_however_many_ask_whether_it_is_ready_one_looks_at_a_time(deployment, monkeypatch):
    looked = []

    async def slowly(gateway, *, draining):
        looked.append(draining)
        await asyncio.sleep(0.05)
        return await unready(gateway, draining=draining)

    monkeypatch.setattr(api_observe, "unready", slowly)

    async def run():
        async with session.opened(deployment) as gateway:
            app = SimpleNamespace(state=State({"gateway": gateway}))
            request = Request({"type": "http", "app": app, "headers": []})
            together = await asyncio.gather(*(api_observe.ready(request) for _ in range(50)))
            return [*together, await api_observe.ready(request)]

    assert {one.status_code for one in asyncio.run(run())} == {200}
    assert len(looked) == 2


def test_each_reason_not_to_be_ready_has_its_name(deployment):
    async def run() -> list[str]:
        from dataclasses import replace

        async with session.opened(deployment) as gateway:
            assert await unready(gateway, draining=False) is None
            reasons = [
                await unready(gateway, draining=True),
                await unready(replace(gateway, epoch=gateway.epoch + 1), draining=False),
            ]
            await gateway.engine.close()
            reasons.append(await unready(gateway, draining=False))
            gateway.log.halt()
            reasons.append(await unready(gateway, draining=False))
            return [one.rule for one in reasons if one is not None]

    draining, outdated, policy, stopped = asyncio.run(run())
    assert (draining, outdated, stopped) == ("gateway.draining", "log.superseded", "log.stopped")
    assert policy.startswith("policy.")


def test_labels_are_words_of_ours_and_not_too_many():
    words = Words(limit=2)
    assert words.of("purpose.unknown") == "purpose.unknown"
    for strange in ("Amina", "a b", "", "x" * 81, "7/11", "é"):
        assert words.of(strange) == OTHER
    assert words.of("a.b") == "a.b"
    assert words.of("c.d") == OTHER
    assert words.of("a.b") == "a.b"


def test_pushes_and_outcomes_are_counted():
    before = value("corridor_pushes_total", outcome="waiting")
    pushed("waiting", "push.http_500")
    noted("held", ["decision.needed"])
    assert value("corridor_pushes_total", outcome="waiting") == before + 1
    assert value("corridor_push_failures_total", rule="push.http_500") >= 1
    assert value("corridor_objections_total", rule="decision.needed") >= 1


def test_parts_in_workers_hands_are_counted():
    seen = []
    with meters.task():
        seen.append(value("corridor_bulk_tasks"))
    meters.worker_died()
    assert seen == [value("corridor_bulk_tasks") + 1]
    assert value("corridor_bulk_task_seconds_count") >= 1
    assert value("corridor_bulk_worker_deaths_total") >= 1


def test_a_step_that_fails_is_counted_and_its_error_goes_on():
    before = value("corridor_step_failures_total", step="render")
    with pytest.raises(GatewayError), step("render"):
        raise GatewayError("no", rule="x.y")
    assert value("corridor_step_failures_total", step="render") == before + 1


def test_what_is_said_of_a_transfer_names_request_and_transfer(deployment, token, payload, told):
    with served(deployment) as address:
        answer = post(address, token, payload)
        failed = post(address, token, b"not json")
    told.flush()
    lines = [orjson.loads(line) for line in told.buffer.getvalue().splitlines()]
    [line] = [one for one in lines if one["event"] == "transfer"]
    assert line["request"] == answer.headers["x-request-id"]
    assert f"/v1/transfers/{line['id']}" == answer.headers["location"]
    [line] = [one for one in lines if one["event"] == "transfer.not_made"]
    assert line["request"] == failed.headers["x-request-id"]


def test_about_ends_where_it_ends(told):
    from gateway import journal

    with journal.about("t-1"):
        journal.say("inside")
    journal.say("outside")
    told.flush()
    inside, outside = (orjson.loads(one) for one in told.buffer.getvalue().splitlines())
    assert inside["transfer"] == "t-1"
    assert "transfer" not in outside


# Traces


@pytest.fixture
def spans():
    """Spans of everything that happens while the test runs, once `tracing.stop` was called."""
    exporter = pytest.importorskip(
        "opentelemetry.sdk.trace.export.in_memory_span_exporter",
        reason="traces need the packages of corridor[otel]",
    ).InMemorySpanExporter()
    tracing.start(_settings(), exporter)
    yield exporter
    tracing.stop()


def _settings(text: str = "") -> Settings:
    return parse_settings(f'[gateway]\norigin = "g.example/t"\n[observe]\n{text}', at="test")


PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_transfer_is_a_trace_below_the_callers(spans, deployment, token, payload):
    with served(deployment) as address:
        answer = httpx.post(
            f"{address}/v1/transfers",
            params=TERMS,
            content=payload,
            headers={
                "Authorization": f"Bearer {token}",
                "traceparent": PARENT,
                "tracestate": "vendor=Amina",
                "baggage": "name=Amina",
            },
            timeout=20,
        )
    found = {span.name: span for span in spans.get_finished_spans()}  # the end of the app flushes
    root = found["POST /v1/transfers"]
    assert format(root.context.trace_id, "032x") == PARENT.split("-")[1]
    assert format(root.parent.span_id, "016x") == PARENT.split("-")[2]
    transfer = answer.headers["location"].rpartition("/")[2]
    assert root.attributes["corridor.transfer"] == transfer
    assert root.attributes["corridor.request"] == answer.headers["x-request-id"]
    assert root.attributes["http.response.status_code"] == answer.status_code == 201
    for name in ("parse", "decide", "minimize", "render", "log"):
        assert found[name].parent.span_id == root.context.span_id
    said = "".join(span.to_json() for span in found.values())
    assert "Amina" not in said


def test_failures_are_told_by_rule_and_not_in_words(spans):
    with pytest.raises(GatewayError), step("render"):
        raise GatewayError("Amina is not here", rule="record.lost")
    tracing.stop()
    [span] = spans.get_finished_spans()
    assert span.attributes["error.type"] == "record.lost"
    assert not span.events
    assert "Amina" not in span.to_json()


@pytest.mark.parametrize("said", [[], [b"nonsense"], [PARENT.encode(), PARENT.encode()]])
def test_a_trace_of_its_own_without_one_good_parent(spans, said):
    tracing.end(tracing.begin_request("request", [(b"traceparent", one) for one in said]))
    tracing.stop()
    [span] = spans.get_finished_spans()
    assert span.parent is None


def test_whoever_calls_does_not_decide_what_is_traced():
    exporters = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = exporters.InMemorySpanExporter()
    tracing.start(_settings("traces_share = 0.0"), exporter)
    tracing.end(tracing.begin_request("request", [(b"traceparent", PARENT.encode())]))
    tracing.stop()
    assert exporter.get_finished_spans() == ()


def test_off_by_default_and_without_the_packages(monkeypatch):
    for name in [one for one in sys.modules if one.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    tracing.start(_settings())
    assert not tracing.on()
    tracing.mark(anything="goes")
    tracing.stop()
    with step("log"):
        pass
    with pytest.raises(OfficerError) as error:
        tracing.start(_settings('traces_url = "http://127.0.0.1:9/v1/traces"'))
    assert error.value.rule == "observe.otel_missing"
    assert not tracing.on()


def test_a_collector_that_is_gone_stops_nothing():
    pytest.importorskip("opentelemetry.sdk")

    class Gone:
        def export(self, spans):
            raise OSError

        def shutdown(self):
            pass

        def force_flush(self, milliseconds=0):
            raise OSError

    tracing.start(_settings(), Gone())
    with step("log"):
        pass
    tracing.stop()
    assert not tracing.on()


# What is in deploy/

NAMES = re.compile(r"\bcorridor_[a-z_]+")


def known() -> set[str]:
    text = (ROOT / "gateway/observe/meters.py").read_text()
    text += (ROOT / "gateway/observe/present.py").read_text()
    found = set(re.findall(r'"(corridor_[a-z_]+)"', text))
    found |= {f"corridor_{name}" for name in re.findall(r'_(?:gauge|table)\(\s*"([a-z_]+)"', text)}
    return found


@pytest.mark.parametrize("path", ["deploy/grafana/corridor.json", "deploy/prometheus/alerts.yaml"])
def test_dashboard_and_alerts_name_metrics_that_there_are(path):
    named = set(NAMES.findall((ROOT / path).read_text()))
    assert len(named) > 8
    ends = re.compile(r"_(total|bucket|count|sum)$")
    assert {name for name in named if ends.sub("", name) not in known()} == set()


def test_the_app_of_a_deployment_without_settings_has_the_routes(deployment):
    paths = create_app(deployment).openapi()["paths"]
    assert {"/healthz", "/readyz", "/metrics"} <= set(paths)
    assert read_deployment(deployment).settings.observe.metrics_secret == ""
