"""What vendors' systems show at a hook: passwords in three places, and two kinds of signatures."""

import asyncio
import base64
import hmac
import json
import os
import shutil
import time
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI
from standardwebhooks import Webhook
from starlette.requests import Request
from starlette.responses import Response

from gateway import problem, session
from gateway.errors import CorridorError, GatewayError, OfficerError
from gateway.identity import hooks
from gateway.identity.address import Forwarded
from gateway.identity.hooks import check_hook, new_route_key
from tests.identity_world import FILES, SENDER, Partner, enter

SECRET = base64.b64encode(b"s" * 32).decode()
ROUTES = {
    "basic": {"kind": "basic", "user": "kobo"},
    "bearer": {"kind": "bearer"},
    "header": {"kind": "header", "header": "X-Key"},
    "signed": {"kind": "signature", "secret": "vendor"},
    "unsaid": {"kind": "signature"},
    "party": {"kind": "party"},
}


def route(name, auth, **more):
    return {"id": name, "system": "generic", "sender": SENDER, "auth": auth, **more}


class World:
    """The checks, reached over HTTP from an address of the test's choice."""

    def __init__(self, gateway, runner) -> None:
        self.directory, self.runner = gateway.deployment.directory, runner
        self.routes = {name: route(name, auth) for name, auth in ROUTES.items()}
        self.app = FastAPI()
        self.app.state.gateway = gateway
        self.app.add_exception_handler(CorridorError, problem.on_corridor_error)
        self.app.add_middleware(Forwarded)
        self.app.add_route("/hook/{name}", self.hook, methods=["POST"])

    def key(self, name, *, replace=True):
        return new_route_key(self.directory, name, replace=replace)

    async def hook(self, request: Request) -> Response:
        name = request.path_params["name"]
        await check_hook(request, self.routes[name], await request.body())
        return Response("in")

    def ask(self, *steps, host="203.0.113.7"):
        """Answers to (route, headers, body), from `host`; what can be called, is, in between."""

        async def run():
            found, at = [], host
            for step in steps:
                if callable(step):
                    at = step() or at
                    continue
                name, headers, *body = step
                async with self.client(at) as client:
                    content = body[0] if body else b"{}"
                    asked = client.post(f"/hook/{name}", headers=headers, content=content)
                    found.append(await asked)
            return found

        return self.runner.run(run())

    def client(self, host="203.0.113.7"):
        transport = httpx.ASGITransport(app=self.app, client=(host, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://gw")

    def statuses(self, *steps, **more):
        return [one.status_code for one in self.ask(*steps, **more)]


def soon(work):
    """Something that is done to files, and noticed."""

    def step():
        work()
        time.sleep(0.21)

    return step


@pytest.fixture(scope="module")
def opened(prepared, tmp_path_factory):
    directory = tmp_path_factory.mktemp("hooks") / "demo"
    shutil.copytree(prepared[0], directory)
    secrets = directory / "keys" / "secrets.json"
    secrets.write_text(json.dumps({"vendor": SECRET}))
    secrets.chmod(0o600)
    text = (directory / "corridor.toml").read_text()
    more = 'public_url = "http://gw"\ntrusted_proxies = ["203.0.113.0/24"]\n'
    (directory / "corridor.toml").write_text(f"{text}\n[identity]\n{more}")
    with asyncio.Runner() as runner:
        context = session.opened(directory)
        gateway = runner.run(context.__aenter__())
        yield gateway, runner
        runner.run(context.__aexit__(None, None, None))


@pytest.fixture
def world(opened):
    """A process of its own for each test, as far as it remembers anything."""
    return World(*opened)


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_passwords_open_their_own_route_in_their_own_place(world):
    keys = {name: world.key(name) for name in ("basic", "bearer", "header")}
    b, t, h = keys["basic"], keys["bearer"], keys["header"]

    found = world.statuses(
        ("basic", basic("kobo", b)), ("bearer", {"Authorization": f"Bearer {t}"}),
        ("header", {"X-Key": h}), ("header", {"X-Key": h}),
        ("basic", basic("other", b)), ("basic", basic("kobo", t)), ("basic", {}),
        ("basic", {"Authorization": "Basic %"}), ("basic", basic("kobo", "")),
        ("basic", {"Authorization": f"Bearer {b}"}), ("bearer", {"Authorization": f"Bearer {b}"}),
        ("bearer", {"Authorization": t}), ("header", {"X-Key": t}), ("header", {}),
        ("header", [("X-Key", h), ("X-Key", h)]), ("header", {"X-Key": "k" * 600}),
    )  # fmt: skip

    assert found == [200] * 4 + [401] * 12
    held = (world.directory / "keys" / "routes.json").read_text()
    assert held.count("$argon2id$") == 3
    assert not any(key in held for key in keys.values())
    assert (world.directory / "keys" / "routes.json").stat().st_mode & 0o777 == 0o600


def test_a_verified_password_is_not_hashed_again_and_ends_when_it_is_replaced(world, monkeypatch):
    key = world.key("header")
    hashed = []
    plain = hooks._any
    monkeypatch.setattr(hooks, "_any", lambda *args: hashed.append(1) or plain(*args))

    replaced = soon(lambda: world.key("header"))
    asked = ("header", {"X-Key": key})
    found = world.statuses(asked, asked, asked, replaced, asked)

    assert found == [200, 200, 200, 401]
    assert len(hashed) == 2


def test_both_keys_count_until_the_older_is_replaced(world):
    first = world.key("header")
    second = world.key("header", replace=False)

    asked = [("header", {"X-Key": one}) for one in (first, second)]
    assert world.statuses(*asked) == [200, 200]


def test_wrong_keys_are_counted_before_they_are_hashed(world, monkeypatch):
    key = world.key("header")
    hashed = []
    plain = hooks._any
    monkeypatch.setattr(hooks, "_any", lambda *args: hashed.append(1) or plain(*args))
    monkeypatch.setattr(time, "monotonic", lambda clock=time.monotonic: clock() // 600 * 600 + 1)

    good = ("header", {"X-Key": key})
    wrong = [("header", {"X-Key": f"wrong-{n}"}) for n in range(14)]
    answers = world.ask(good, *wrong, good)

    assert [one.status_code for one in answers] == [200] + [401] * 10 + [429] * 4 + [200]
    assert len(hashed) == 11
    assert answers[-2].json()["rule"] == "key.wrong"


def test_no_more_than_some_wait_to_be_hashed(world):
    world.key("header")

    async def run():
        async with world.client() as client:
            asked = (client.post("/hook/header", headers={"X-Key": f"x{n}"}) for n in range(12))
            return [one.status_code for one in await asyncio.gather(*asked)]

    found = world.runner.run(run())

    assert sorted(found) == [401] * 8 + [503] * 4


def test_what_is_remembered_is_bounded():
    held = dict.fromkeys(range(hooks.MAX_REMEMBERED), 0.0)
    hooks._bounded(held)

    assert len(held) == hooks.MAX_REMEMBERED - 1
    assert 0 not in held


def test_only_its_own_networks(world):
    key = world.key("header")
    asked = ("header", {"X-Key": key})

    def here(host, *networks):
        def step():
            world.routes["header"] = route("header", ROUTES["header"], addresses=list(networks))
            return host

        return step

    net = "203.0.113.0/24"
    found = world.statuses(
        here("203.0.113.7", net), asked, here("::ffff:203.0.113.7", net), asked,
        here("2001:db8::1", net, "2001:db8::/32"), asked, here("203.0.114.7", net), asked,
        here("nowhere", net), asked, here("203.0.113.7", "203.0.113.7/24"), asked,
    )  # fmt: skip

    assert found == [200, 200, 200, 401, 401, 422]


def test_only_a_believed_proxy_says_where_somebody_is(world):
    key = world.key("header")
    world.routes["header"] = route("header", ROUTES["header"], addresses=["198.51.100.0/24"])

    def asked(value):
        return ("header", {"X-Key": key, "X-Forwarded-For": value})

    through = world.statuses(
        asked("198.51.100.9"), asked("192.0.2.1, 198.51.100.9"),
        asked("198.51.100.9, 203.0.113.9"), asked("198.51.100.9, 192.0.2.1"),
        asked("198.51.100.9, unknown"), asked(""), ("header", {"X-Key": key}),
        lambda: "192.0.2.1", asked("198.51.100.9"),
    )  # fmt: skip

    assert through == [200, 200, 200, 401, 401, 401, 401, 401]


def test_standard_webhooks(world):
    body, now = b'{"a":1}', datetime.now(UTC)

    def headers(content=body, when=now, secret=SECRET):
        said = Webhook(secret).sign("msg_1", when, content.decode())
        stamp = str(int(when.timestamp()))
        return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": said}

    old = datetime.fromtimestamp(time.time() - 3600, UTC)
    found = world.statuses(
        ("signed", headers(), body), ("signed", headers(b"{}"), body),
        ("signed", headers(when=old), body), ("signed", {}, body),
        ("signed", headers(secret=base64.b64encode(b"t" * 32).decode()), body),
        ("signed", {**headers(), "webhook-signature": "v1"}, body),
        ("signed", headers(), b"\xff"), ("unsaid", headers(), body),
    )  # fmt: skip

    assert found == [200] + [401] * 7


def test_ushahidi_signs_address_and_json_as_php_writes_it(world):
    world.routes["signed"] = route("signed", ROUTES["signed"]) | {"system": "ushahidi"}
    data = {"url": "https://a.example/b", "title": "قرية", "n": 1}
    php = json.dumps(data, separators=(",", ":")).replace("/", "\\/").encode()
    plain = json.dumps(data, ensure_ascii=False).encode()
    address = b"http://gw/hook/signed"

    def headers(signed, at=address):
        made = hmac.digest(SECRET.encode(), at + signed, "sha256")
        return {"X-Ushahidi-Signature": base64.b64encode(made).decode()}

    found = world.statuses(
        ("signed", headers(php), php), ("signed", headers(php), plain),
        ("signed", headers(plain), plain), ("signed", headers(php), b'{"n":1}'),
        ("signed", headers(php, b"http://other/hook/signed"), php),
        ("signed", headers(b"{"), b"{"), ("signed", headers(php), b"{"), ("signed", {}, php),
        ("signed", headers(php), b'{"n":NaN}'), ("signed", headers(php), b'{"url":"x",' + php[1:]),
    )  # fmt: skip

    assert found == [200, 200, 200, 401, 401, 200, 401, 401, 401, 401]


def test_a_password_that_is_used_stays_known(world, monkeypatch):
    key, now = {"X-Key": world.key("header")}, [1000.0]
    monkeypatch.setattr(hooks.time, "monotonic", lambda: now[0])

    def later():
        now[0] += hooks.REMEMBERED_SECONDS - 1

    wrong = [("header", {"X-Key": "x"})] * (hooks.WRONG_PER_MINUTE + 1)
    found = world.statuses(("header", key), later, ("header", key), later, *wrong, ("header", key))

    assert found == [200, 200, *[401] * hooks.WRONG_PER_MINUTE, 429, 200]


def test_the_senders_own_keys(world, token, payload):
    partner = Partner()
    before = (world.directory / "parties" / FILES[SENDER]).read_text()
    enter(world.directory, SENDER, partner)
    made = httpx.Request("POST", "http://gw/hook/party", content=payload)
    signed = dict(partner.signed(made).headers)
    other = dict(partner.signed(httpx.Request("POST", made.url, content=b"x")).headers)
    other.pop("content-length")
    bearer = {"Authorization": f"Bearer {token}"}
    theirs = route("party", ROUTES["party"]) | {"sender": "org:sante-sans-rivages"}

    found = world.statuses(
        ("party", bearer), ("party", signed, payload), ("party", {}), ("party", other, b"y"),
        lambda: world.routes.update(party=theirs), ("party", bearer),
    )  # fmt: skip

    (world.directory / "parties" / FILES[SENDER]).write_text(before)
    assert found == [200, 200, 401, 422, 401]


def test_a_route_without_auth_and_one_of_a_suspended_sender_take_nothing(world):
    key = world.key("header")
    world.routes["open"] = {"id": "open", "system": "generic", "sender": SENDER}
    path = world.directory / "parties" / "amal-relief.yaml"
    text = path.read_text().replace("status: active", "status: suspended")
    asked = ("header", {"X-Key": key})

    before = path.read_text()
    found = world.statuses(("open", {}), asked, soon(lambda: path.write_text(text)), asked)
    path.write_text(before)

    assert found == [401, 200, 401]


def test_damaged_key_files_let_nobody_in(world):
    key = world.key("header")
    path = world.directory / "keys" / "routes.json"
    asked = ("header", {"X-Key": key})
    steps = []
    for text in (
        "[]", "{", '{"header": [{}]}', '{"header": [1]}', '{"header": [{"argon2": "$argon2id$x"}]}',
    ):  # fmt: skip
        steps += [soon(lambda text=text: path.write_text(text)), asked]

    assert world.statuses(*steps) == [503] * 4 + [401]
    path.chmod(0o644)
    with pytest.raises(GatewayError, match="chmod 600"):
        world.key("header")
    path.unlink()


def test_a_key_file_is_whole_or_as_it_was(world, monkeypatch):
    world.key("header")

    def full(*_):
        raise OSError

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OfficerError) as refusal:
        world.key("header")

    assert refusal.value.rule == "out.unwritable"
    assert [one.name for one in (world.directory / "keys").glob("*routes*")] == ["routes.json"]
