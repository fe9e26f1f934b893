"""What is too slow, too long or too much, over real sockets, one byte at a time where need be."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import apsw
import httpx
import pytest
from starlette.requests import Request

from gateway.demo import served
from gateway.deployment import new_bearer, read_deployment, read_keys
from gateway.errors import SenderError
from gateway.limits.address import bucket_of
from gateway.limits.allowance import METHOD, Allowances, Ask, method_of
from gateway.limits.bucket import MOST, Buckets
from gateway.limits.quota import DAY, Quotas, Used
from gateway.log import Log
from gateway.settings import LimitSettings

TERMS = {
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "format": "kobo",
}
BOUNDS = """
[server]
head_limit_bytes = 4096
head_limit_headers = 20
head_seconds = 0.5
body_stall_seconds = 0.6
body_bytes_per_second = 100
connections = 60
connections_per_address = 12
"""


def deploy(prepared, place, more, **limits):
    """A deployment with bounds of its own."""
    directory = place / "demo"
    shutil.copytree(prepared[0], directory)
    path = directory / "corridor.toml"
    text = path.read_text().partition("\n[limits]")[0]
    said = {"requests_per_second": 0, "address_per_second": 0, "wrong_keys_per_minute": 0}
    lines = [f"{name} = {value}" for name, value in {**said, **limits}.items()]
    path.write_text("\n".join([text, "[limits]", *lines, more, ""]))
    return directory


class Place:
    def __init__(self, address, token, other):
        self.address = address
        self.host, port = address.removeprefix("http://").split(":")
        self.port = int(port)
        self.key = {"Authorization": f"Bearer {token}"}
        self.other = {"Authorization": f"Bearer {other}"}

    def connect(self):
        return contextlib.closing(socket.create_connection((self.host, self.port), timeout=5))

    def head(self, method="POST", path="/v1/transfers", **headers):
        query = "&".join(f"{name}={value}" for name, value in TERMS.items())
        said = {"Host": "gw", **self.key, **{k.replace("_", "-"): v for k, v in headers.items()}}
        lines = [f"{method} {path}?{query} HTTP/1.1", *(f"{k}: {v}" for k, v in said.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def get(self, path="/v1/agreements", **more):
        return httpx.get(self.address + path, headers=more.pop("headers", self.key), **more)


@pytest.fixture(scope="module")
def place(prepared, tmp_path_factory):
    directory = deploy(prepared, tmp_path_factory.mktemp("limits"), BOUNDS)
    other = new_bearer(directory, "org:sante-sans-rivages")
    with served(directory) as address:
        yield Place(address, prepared[1], other)


def rest(connection):
    """Everything until the other side closes."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            found += part
    return found


def rule(answer):
    return json.loads(answer.partition(b"\r\n\r\n")[2])["rule"]


# Below HTTP: what never becomes a request


@pytest.mark.parametrize(
    ("sent", "status", "name"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "http.malformed"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n", 400, "http.malformed"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400, "http.malformed"),
        (b"GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n", 400, "http.malformed"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n", 400, "http.malformed"),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.malformed"),
        (b"CONNECT evil:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http.malformed"),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "http.malformed",
        ),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nx",
            400,
            "http.malformed",
        ),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "http.malformed"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, x\r\n\r\n", 400, "http.malformed"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 21 + b"\r\n", 431, "http.head"),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 431, "http.head"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 5000 + b"\r\n\r\n", 431, "http.head"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 9000, 431, "http.head"),
    ],
)
def test_what_is_no_request(place, sent, status, name):
    with place.connect() as connection:
        connection.sendall(sent)
        answer = rest(connection)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"content-type: application/problem+json" in answer
    assert rule(answer) == name


def test_a_head_that_drips_is_cut_off(place):
    with place.connect() as connection:
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            for byte in b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 200:
                connection.sendall(bytes([byte]))
                time.sleep(0.05)
                if time.monotonic() - began > 4:
                    break
        answer = rest(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert rule(answer) == "http.slow"


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"\r\n\r\n"])
def test_a_connection_that_says_nothing_is_closed(place, sent):
    with place.connect() as connection:
        connection.sendall(sent)
        assert rest(connection) == b""


def test_empty_lines_do_not_keep_a_connection(place):
    with place.connect() as connection:
        connection.settimeout(8)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"\r\n")
        assert rest(connection) == b""


@pytest.mark.parametrize("drip", [b"", b" "])
def test_a_body_that_stalls_is_cut_off(place, drip, told):
    with place.connect() as connection:
        connection.sendall(place.head(Content_Length="500000") + b'{"results": [')
        for _ in range(6 if drip else 0):
            connection.sendall(drip)
            time.sleep(0.1)
        answer = rest(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert rule(answer) == "http.slow"
    told.flush()
    said = [json.loads(line)["event"] for line in told.buffer.getvalue().splitlines()]
    assert "failed" not in said


def test_a_body_that_keeps_coming_is_waited_for(place, payload):
    with place.connect() as connection:
        connection.sendall(place.head(Content_Length=str(len(payload)), Connection="close"))
        for at in range(0, len(payload), 1000):
            connection.sendall(payload[at : at + 1000])
            time.sleep(0.12)
        assert rest(connection).startswith(b"HTTP/1.1 201 ")


def test_who_waits_for_100_is_not_too_slow(place, payload):
    with place.connect() as connection:
        length = str(len(payload))
        head = place.head(Content_Length=length, Expect="100-continue", Connection="close")
        connection.sendall(head)
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(payload)
        assert rest(connection).startswith(b"HTTP/1.1 201 ")


def test_who_still_sends_can_read_why_it_was_refused(place):
    with place.connect() as connection:
        wrong = place.head(Content_Length="40000000", Authorization="Bearer nobody")
        connection.sendall(wrong)
        time.sleep(0.1)
        for _ in range(20):
            connection.sendall(b" " * 20_000)
        assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")
        began = time.monotonic()
        # Not for ever: what follows is thrown away for two seconds.
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 8:
                connection.sendall(b" " * 100)
                time.sleep(0.1)
        assert time.monotonic() - began < 7


def test_who_takes_no_answer_is_cut_off(place):
    with contextlib.closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(5)
        connection.connect((place.host, place.port))
        asks = 30
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * asks)
        time.sleep(2.0)
        whole = len(place.get("/openapi.json").content)
        assert len(rest(connection)) < asks * whole


def test_an_answer_is_not_lost_for_what_comes_behind_it(place):
    with place.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        first = connection.recv(65536)
        connection.sendall(b"GARBAGE\r\n\r\n")
        assert first.startswith(b"HTTP/1.1 200")
        assert rest(connection).startswith(b"HTTP/1.1 400")


def test_two_requests_in_one_piece_have_two_answers(place):
    with place.connect() as connection:
        one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
        connection.sendall(one + b"\r\n" + one + b"Connection: close\r\n\r\n")
        assert rest(connection).count(b"HTTP/1.1 200") == 2


def test_connections_of_one_address_are_counted(place):
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(place.connect()) for _ in range(12)]
        more = stack.enter_context(place.connect())
        answer = rest(more)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 5" in answer
        assert rule(answer) == "http.connections"
        held.clear()
    time.sleep(0.2)
    assert place.get("/healthz").status_code == 200


# At the edge of the application


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../healthz",
        "/v1/./formats",
        "/v1/%2e%2e/healthz",
        "/v1/.%2E/healthz",
        "/v1//formats",
        "//v1/formats",
        "/v1/transfers%2Fx",
        "/v1/schemas/..%5c..%5cperson",
        "/v1/schemas/person%00",
        "/v1/schemas/person%2500",
        "/v1/schemas/%ff",
        "/v1/schemas/..",
    ],
)
def test_addresses_that_two_readers_read_differently(place, path):
    with place.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = rest(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert rule(answer) == "path.unfit"


def test_head_is_get_without_a_body(place):
    got = place.get("/v1/formats")
    asked = httpx.head(place.address + "/v1/formats")
    assert (asked.status_code, asked.content) == (200, b"")
    for name in ("content-length", "content-type", "etag"):
        assert asked.headers[name] == got.headers[name]


def test_a_look_takes_no_content(place, payload):
    made = httpx.post(
        place.address + "/v1/transfers", params=TERMS, content=payload, headers=place.key
    )
    address = made.headers["location"] + "/content"
    asked = httpx.head(place.address + address, headers=place.key)
    assert asked.status_code == 405
    assert "HEAD" not in asked.headers["allow"]
    assert place.get(address).status_code == 200


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/v1/transfers", "OPTIONS, POST"),
        ("/v1/recalls", "GET, HEAD, OPTIONS, POST"),
        ("/v1/log/tile/0/x001/067", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
    ],
)
def test_what_can_be_asked_at_an_address(place, path, allow):
    asked = httpx.options(place.address + path, headers={"Origin": "https://evil.example"})
    assert (asked.status_code, asked.headers["allow"]) == (204, allow)
    assert not [name for name in asked.headers if name.startswith("access-control")]
    wrong = httpx.request("TRACE", place.address + path)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, allow)


def test_what_every_answer_has(place):
    answers = [place.get("/healthz"), place.get("/v1/inbox"), place.get("/nowhere")]
    answers.append(place.get("/v1/%2e%2e/x"))
    ids = {one.headers["x-request-id"] for one in answers}
    assert len(ids) == 4
    for one in answers:
        assert one.headers["x-content-type-options"] == "nosniff"
        assert one.headers["referrer-policy"] == "no-referrer"
        assert one.headers["content-security-policy"].startswith("default-src 'none'")
        assert one.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in one.headers
        assert "server" not in one.headers


def test_a_request_id_is_ours(place):
    answer = place.get("/healthz", headers={"X-Request-Id": "somebody's name"})
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


def test_nobody_is_sent_on_to_the_host_of_a_request(place):
    found = place.get("/v1/agreements/", headers={"Host": "other.example"})
    assert (found.status_code, "location" in found.headers) == (404, False)


def test_a_statement_has_a_size(place):
    with place.connect() as connection:
        connection.sendall(place.head(path="/v1/recalls", Content_Length="1048577"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


# Rates


@pytest.fixture
def limited(prepared, tmp_path):
    @contextlib.contextmanager
    def start(more="", **limits):
        directory = deploy(prepared, tmp_path, more, **limits)
        other = new_bearer(directory, "org:sante-sans-rivages")
        with served(directory) as address:
            yield Place(address, prepared[1], other)

    return start


def test_parties_have_rates_and_days(limited, payload):
    with limited(requests_per_second=3, transfers_per_day=2, bytes_per_day=10**9) as place:
        answers = [
            httpx.post(
                place.address + "/v1/preview", params=TERMS, content=payload, headers=place.key
            )
            for _ in range(3)
        ]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert answers[2].json()["rule"] == "limit.quota"
        assert 0 < int(answers[2].headers["retry-after"]) <= DAY + 1
        assert answers[0].headers["ratelimit-policy"] == '"party";q=6;w=2'
        assert answers[0].headers["ratelimit"] == '"party";r=5;t=1'
        mine = place.get("/v1/me").json()
        assert mine["used"] == {"transfers": 2, "bytes": 2 * len(payload)}
        refused = _refused(place.get)
        assert refused.json()["rule"] == "limit.party"
        assert refused.headers["retry-after"] == "1"
        # One party's haste is nobody else's.
        assert place.get("/v1/agreements", headers=place.other).status_code == 200


def _refused(ask):
    """The first answer that is 429. A slow machine asks more often than a fast one."""
    return next(one for one in (ask() for _ in range(200)) if one.status_code == 429)


def test_addresses_have_rates_before_anybody_asks_who(limited):
    with limited(address_per_second=1) as place:
        refused = _refused(lambda: place.get("/v1/log/key", headers={}))
        assert refused.json()["rule"] == "limit.address"
        assert refused.headers["retry-after"] == "1"
        assert place.get("/healthz").status_code == 200


def test_wrong_keys_have_a_rate(limited):
    with limited(wrong_keys_per_minute=3) as place:
        wrong = {"Authorization": "Bearer nobody"}
        found = [place.get(headers=wrong).status_code for _ in range(5)]
        assert found == [401, 401, 401, 429, 429]
        # A good key from there waits too: else the answer would tell it from a wrong one.
        last = place.get()
        assert (last.status_code, last.headers["retry-after"]) == (429, "20")


def test_wrong_keys_at_hooks_keep_nobody_out(limited):
    # Anybody can let a vendor's server send, from the address that all of its customers have.
    with limited(wrong_keys_per_minute=3) as place:
        wrong = {"Authorization": "Bearer nobody"}
        asked = [httpx.post(place.address + "/v1/routes/kobo", headers=wrong) for _ in range(5)]
        assert [one.status_code for one in asked] == [401] * 5
        assert place.get().status_code == 200


def test_how_much_at_once(limited):
    with limited(concurrent=2, concurrent_per_party=1) as place:
        with place.connect() as first:
            first.sendall(place.head(Content_Length="5000") + b"{")
            time.sleep(0.3)
            mine = place.get()
            assert (mine.status_code, mine.json()["rule"]) == (429, "limit.party_busy")
            assert mine.headers["retry-after"] == "1"
            assert place.get(headers=place.other).status_code == 200
            with place.connect() as second:
                second.sendall(
                    place.head(path="/v1/recalls", Content_Length="5000", **place.other) + b"{"
                )
                time.sleep(0.3)
                full = place.get(headers=place.other)
                assert (full.status_code, full.json()["rule"]) == (503, "limit.busy")
                assert full.headers["retry-after"] == "1"
                assert place.get("/healthz").status_code == 200
        time.sleep(0.3)
        # Who hung up counts no more.
        assert place.get().status_code == 200


# Counting


def test_a_head_is_signed_as_it_came():
    scope = {"type": "http", "method": "GET", METHOD: "HEAD"}
    assert method_of(Request(scope)) == "HEAD"
    assert method_of(Request({"type": "http", "method": "GET"})) == "GET"


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::1", "2001:db8:1:2::"),
        ("unix", ""),
    ],
)
def test_what_one_address_is(host, bucket):
    assert bucket_of(host) == bucket


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_a_bucket_fills_again():
    clock = Clock()
    buckets = Buckets(2, 4, clock)
    assert [buckets.take("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    assert buckets.take("b") == 0
    clock.now += 0.5
    assert (buckets.take("a"), buckets.take("a")) == (0, 0.5)
    clock.now += 100
    assert buckets.left("a") == 4


def test_buckets_do_not_grow_for_ever():
    buckets = Buckets(0.0001, 1)
    for n in range(MOST + 5):
        buckets.take(str(n))
    assert buckets.left("0") == 1
    assert buckets.left(str(MOST)) < 1


def test_what_was_counted_is_given_back():
    allowances = Allowances(LimitSettings(concurrent=1, concurrent_per_party=1))
    one, two = Ask("", "1"), Ask("", "2")
    allowances.enter(one)
    allowances.admit(one, "org:a")
    allowances.admit(one, "org:a")
    assert allowances.full()
    with pytest.raises(SenderError):
        allowances.admit(two, "org:a")
    allowances.leave(two)
    allowances.leave(one)
    allowances.enter(two)
    allowances.admit(two, "org:a")


def opened(directory, name):
    deployment = read_deployment(directory)
    return Log.open(deployment.data, key=read_keys(directory).log, gateway=name)


def test_days_are_added_up_by_all_processes(deployment):
    clock = Clock()
    settings = LimitSettings(transfers_per_day=5, bytes_per_day=1000)
    here, there = Quotas(settings, clock), Quotas(settings, clock)
    with opened(deployment, "demo-1") as log:
        here.spend("org:a", 1, 300)
        there.spend("org:a", 2, 300)
        here.settle(log)
        there.settle(log)
        here.settle(log)
        assert here.used("org:a") == there.used("org:a") == Used(3, 600)
        here.add("org:a", 0, 100)
        with pytest.raises(SenderError) as caught:
            here.spend("org:a", 1, 400)
        assert caught.value.rule == "limit.quota"
        assert here.used("org:a") == Used(3, 700)
        here.spend("org:a", 2, 0)
        with pytest.raises(SenderError):
            here.spend("org:a", 1, 0)
        here.settle(log)
        clock.now += DAY
        here.spend("org:a", 5, 0)
        here.settle(log)
        assert log.rows("SELECT count(*) FROM quota") == [(2,)]
        clock.now += 40 * DAY
        here.spend("org:a", 1, 1)
        here.settle(log)
        assert log.rows("SELECT transfers FROM quota") == [(1,)]


def test_what_could_not_be_added_up_is_not_forgotten(deployment):
    quotas = Quotas(LimitSettings(transfers_per_day=5))
    with opened(deployment, "demo-1") as log:
        quotas.spend("org:a", 1, 1)
        log.beside(lambda store: store.write("ALTER TABLE quota RENAME TO gone", [()]))
        with pytest.raises(apsw.SQLError):
            quotas.settle(log)
        assert quotas.used("org:a") == Used(1, 1)
        log.beside(lambda store: store.write("ALTER TABLE gone RENAME TO quota", [()]))
        quotas.settle(log)
        assert log.rows("SELECT transfers FROM quota") == [(1,)]


def test_without_quotas_nothing_is_counted(deployment):
    quotas = Quotas(LimitSettings())
    quotas.spend("org:a", 1, 10**12)
    quotas.add("org:a", 1, 1)
    assert quotas.used("org:a") == Used()


# The end


def test_told_to_stop_it_says_so_and_finishes_what_it_began(prepared, tmp_path, payload):
    directory = deploy(prepared, tmp_path, "[server]\ndrain_seconds = 1.5\nport = 0\n")
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "-d", directory, "--port", str(port)],
        stderr=subprocess.PIPE,
        env={**os.environ},
    )
    try:
        place = Place(f"http://127.0.0.1:{port}", prepared[1], "")
        _until(lambda: place.get("/readyz").status_code == 200)
        with place.connect() as slow:
            length = str(len(payload))
            slow.sendall(place.head(Content_Length=length) + payload[:100])
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            _until(lambda: place.get("/readyz").status_code == 503)
            said = place.get("/readyz")
            assert said.json()["rule"] == "gateway.draining"
            assert said.headers["connection"] == "close"
            # Who does not look at balancers is served still.
            assert place.get().status_code == 200
            time.sleep(1.5)
            slow.sendall(payload[100:])
            assert slow.recv(65536).startswith(b"HTTP/1.1 201 ")
        assert process.wait(20) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        told = process.stderr.read()
        process.stderr.close()
        process.wait()
    assert b"draining" in told
    assert b"Traceback" not in told


def _until(holds, seconds=20):
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.TransportError):
            if holds():
                return
        assert time.monotonic() < end
        time.sleep(0.05)
