"""Access tokens: asked for with an assertion, good with a proof of one key, for some minutes."""

import json
import shutil
import time

import httpx
import jwt as pyjwt
import pytest

from gateway.demo import served
from tests.identity_world import ASSERTION, SENDER, TERMS, Partner, b64, enter

LIST = "/v1/agreements"
TWICE = b64(b'{"alg":"Ed25519","alg":"Ed25519"}')


class World:
    def __init__(self, directory, address) -> None:
        self.directory, self.address = directory, address
        self.client = httpx.Client(base_url=address, timeout=30)
        self.endpoint = f"{address}/v1/token"

    def ask(self, assertion, proof, **other):
        form = {
            "grant_type": "client_credentials", "client_assertion_type": ASSERTION,
            "client_assertion": assertion, **other,
        }  # fmt: skip
        headers = {} if proof is None else {"DPoP": proof}
        return self.client.post("/v1/token", data=form, headers=headers)

    def token(self, partner, holder):
        answer = self.ask(partner.assertion(self.address), holder.proof("POST", self.endpoint))
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def use(self, token, proof, path=LIST, **more):
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return self.client.get(path, headers=headers, **more)


@pytest.fixture(scope="module")
def partner():
    return Partner()


@pytest.fixture(scope="module")
def holder():
    """The key a token is bound to need not be the one it is asked for with."""
    return Partner("EC")


@pytest.fixture(scope="module")
def world(prepared, tmp_path_factory, partner):
    directory = tmp_path_factory.mktemp("tokens") / "demo"
    shutil.copytree(prepared[0], directory)
    path = directory / "corridor.toml"
    path.write_text(f"{path.read_text()}\n[identity]\ntoken_seconds = 30\n")
    enter(directory, SENDER, partner)
    with served(directory) as address:
        made = World(directory, address)
        with made.client:
            yield made


def test_a_transfer_with_a_token(world, partner, holder, payload):
    told = world.client.get("/.well-known/oauth-authorization-server").json()
    assert (told["issuer"], told["token_endpoint"]) == (world.address, world.endpoint)

    answer = world.ask(partner.assertion(world.address), holder.proof("POST", world.endpoint))

    said = answer.json()
    assert (answer.status_code, said["token_type"], said["expires_in"]) == (200, "DPoP", 30)
    assert answer.headers["cache-control"] == "no-store"
    address = f"{world.address}/v1/transfers"
    token = said["access_token"]
    headers = {
        "Authorization": f"DPoP {token}",
        "DPoP": holder.proof("POST", address, token),
    }
    made = world.client.post("/v1/transfers", params=TERMS, content=payload, headers=headers)
    assert made.status_code == 201


def test_others_verify_a_token_with_the_published_keys(world, partner, holder):
    token = world.token(partner, holder)
    [mine] = [
        one
        for one in world.client.get("/.well-known/jwks.json").json()["keys"]
        if one["kid"] == pyjwt.get_unverified_header(token)["kid"]
    ]

    key = pyjwt.PyJWK({**mine, "alg": "EdDSA"}).key
    header, claims, signature = token.split(".")
    from base64 import urlsafe_b64decode

    key.verify(urlsafe_b64decode(signature + "=="), f"{header}.{claims}".encode())
    said = json.loads(urlsafe_b64decode(claims + "=="))
    assert (said["sub"], said["cnf"]["jkt"]) == (SENDER, holder.id)


def test_the_keys_are_those_of_three_months_and_of_the_log(world):
    answer = world.client.get("/.well-known/jwks.json")

    found = answer.json()["keys"]
    assert [one["for"] for one in found] == ["tokens"] * 3 + ["log"]
    assert all("d" not in one for one in found)
    assert len({one["kid"] for one in found}) == 4
    assert answer.headers["content-type"] == "application/jwk-set+json"


def test_a_signer_that_says_EdDSA_counts_too(world, partner):  # noqa: N802 - its name
    now = int(time.time())
    claims = {"iss": SENDER, "sub": SENDER, "aud": world.address, "exp": now + 60, "jti": "e"}
    assertion = pyjwt.encode(
        claims, partner.private, algorithm="EdDSA", headers={"kid": partner.id}
    )

    assert world.ask(assertion, partner.proof("POST", world.endpoint)).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "org:border-directorate"},
        {"sub": "org:border-directorate"},
        {"iss": "org:border-directorate", "sub": "org:border-directorate"},
        {"aud": "https://another.example/v1/token"},
        {"aud": ["https://another.example", "x"]},
        {"aud": {}},
        {"exp": 1},
        {"exp": int(time.time()) + 86_400},
        {"exp": "soon"},
        {"exp": True},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600},
        {"nbf": "x"},
        {"jti": ""},
        {"jti": 7},
        {"jti": "j" * 300},
    ],
)
def test_an_assertion_for_somebody_or_some_time_else(world, partner, claims):
    answer = world.ask(
        partner.assertion(world.address, **claims), partner.proof("POST", world.endpoint)
    )

    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def unsigned(header, claims):
    return ".".join([*(b64(json.dumps(one).encode()) for one in (header, claims)), ""])


def test_an_assertion_that_nobody_signed_rightly(world, partner):
    good = partner.assertion(world.address)
    head, body, signature = good.split(".")
    claims = {"iss": SENDER, "sub": SENDER, "aud": world.address, "exp": 2**33, "jti": "x"}
    stranger = Partner()
    now = int(time.time())
    own = {**claims, "exp": now + 60}
    hmacked = pyjwt.encode(
        own, partner.jwk["x"] * 2, algorithm="HS256", headers={"kid": partner.id}
    )
    for bad in (
        unsigned({"alg": "none", "kid": partner.id}, own),
        unsigned({"alg": "Ed25519", "kid": partner.id}, own),
        hmacked,
        stranger.said(own, kid=partner.id),
        stranger.said(own, kid=stranger.id),
        stranger.said(own, kid=partner.id, jwk=stranger.jwk),
        partner.said(own),
        partner.said(own, kid=partner.id, typ="dpop+jwt"),
        f"{head}.{body}.{signature[2:4]}{signature[2:]}",
        f"{head}.{body}.{signature}=",
        f"{head}.{body}",
        f"{head}.{body}.%",
        f"W10.{body}.{signature}",
        f"{b64(b'[' * 3000)}.{body}.{signature}",
        f"{TWICE}.{body}.{signature}",
        "a" * 5000,
        "",
    ):
        answer = world.ask(bad, partner.proof("POST", world.endpoint))
        assert answer.status_code in (400, 401), bad
        assert answer.json()["error"] in ("invalid_client", "invalid_request")
    assert world.ask(good, partner.proof("POST", world.endpoint)).status_code == 200


def test_an_assertion_and_a_proof_count_once(world, partner):
    assertion, proof = partner.assertion(world.address), partner.proof("POST", world.endpoint)

    assert world.ask(assertion, proof).status_code == 200
    assert world.ask(assertion, proof).json() == {"error": "invalid_dpop_proof"}
    again = world.ask(assertion, partner.proof("POST", world.endpoint))
    assert (again.status_code, again.json()) == (401, {"error": "invalid_client"})


def test_a_strangers_proofs_are_not_kept(world, partner):
    proof = partner.proof("POST", world.endpoint)

    assert world.ask(Partner().assertion(world.address), proof).status_code == 401
    assert world.ask(partner.assertion(world.address), proof).status_code == 200


def test_half_a_character_and_a_list_are_no_fault_of_ours(world, partner, holder):
    half, now = "\ud800", int(time.time())
    said = {"jti": "a", "htm": "POST", "htu": world.endpoint, "iat": now}
    claims = {"iss": SENDER, "sub": SENDER, "aud": world.endpoint, "exp": now + 60, "jti": half}
    head = {"typ": "dpop+jwt", "jwk": holder.jwk}
    proofs = [
        holder.forced({**said, "jti": half}, **head),
        holder.forced(said, **{**head, "jwk": {**holder.jwk, "kty": []}}),
    ]

    found = [world.ask(partner.assertion(world.address), one).status_code for one in proofs]
    found.append(world.ask(partner.forced(claims, kid=partner.id), "x").status_code)
    over = {**said, "htm": "GET", "htu": world.address + LIST, "ath": half}
    found.append(world.use(world.token(partner, holder), holder.forced(over, **head)).status_code)

    assert found == [400, 400, 401, 401]


def test_what_is_no_question_for_a_token(world, partner):
    proof = partner.proof("POST", world.endpoint)
    good = partner.assertion(world.address)
    kind = {"content-type": "application/x-www-form-urlencoded"}
    post = world.client.post
    found = [
        world.ask(good, proof, grant_type="password"),
        world.ask(good, proof, client_assertion_type="another"),
        world.ask(good, proof, client_id="org:border-directorate"),
        world.ask(good, None),
        world.ask(good, "x"),
        world.ask(good, proof, another="x"),
        post("/v1/token", json={}),
        post("/v1/token", content=b"grant_type=a&grant_type=b", headers=kind),
        post("/v1/token", content=b"\xff", headers=kind),
        post("/v1/token", content=b"a", headers=kind),
        post("/v1/token", content=b"a=" + b"b" * 9000, headers=kind),
    ]

    assert [one.status_code for one in found] == [400, 401, 401, *[400] * 7, 413]


@pytest.mark.parametrize(
    "other",
    [
        {"htm": "POST"},
        {"htu": "https://another.example/v1/agreements"},
        {"htu": 1},
        {"iat": int(time.time()) - 600},
        {"iat": int(time.time()) + 600},
        {"iat": None},
        {"ath": "x"},
        {"ath": "é"},
        {"jti": ""},
    ],
)
def test_a_proof_of_something_else(world, partner, holder, other):
    token = world.token(partner, holder)
    address = world.address + LIST

    answer = world.use(token, holder.proof("GET", address, token, **other))

    assert (answer.status_code, answer.json()["rule"]) == (401, "key.invalid")
    assert world.use(token, holder.proof("GET", address, token)).status_code == 200


def test_a_proof_with_another_key_or_none(world, partner, holder):
    token, address = world.token(partner, holder), world.address + LIST
    claims = {"jti": "p", "htm": "GET", "htu": address, "iat": int(time.time())}
    good = holder.proof("GET", address, token)
    private = dict(holder.jose.as_dict(private=True))
    for proof in (
        partner.proof("GET", address, token),
        holder.forced(claims, typ="dpop+jwt", jwk=private),
        holder.forced(claims, typ="dpop+jwt", jwk={"kty": "oct", "k": "AAAA"}),
        holder.forced(claims, typ="dpop+jwt", jwk={**holder.jwk, "x": "AAAA"}),
        holder.forced(claims, typ="dpop+jwt", jwk={**holder.jwk, "x": 1}),
        holder.forced(claims, typ="dpop+jwt", jwk="x"),
        holder.forced(claims, typ="dpop+jwt"),
        holder.forced(claims, jwk=holder.jwk),
        holder.forced(claims, typ="dpop+jwt", jwk=holder.jwk, kid="x"),
        good[:-4] + "AAAA",
        "",
    ):
        assert world.use(token, proof).status_code == 401
    headers = {"Authorization": f"Bearer {token}", "DPoP": good}
    assert world.client.get(LIST, headers=headers).status_code == 401
    assert world.client.get(LIST, headers={**headers, "DPoP": ""}).status_code == 401
    assert world.use(token, good).status_code == 200
    assert world.use(token, good).status_code == 401


def test_a_token_that_is_not_ours_or_over(world, partner, holder, monkeypatch):
    address = world.address + LIST
    token = world.token(partner, holder)
    head, body, signature = token.split(".")
    made = partner.said({"sub": SENDER}, typ="at+jwt", kid=partner.id)
    for bad in (
        made,
        f"{head}.{body}.{signature[2:4]}{signature[2:]}",
        f"{body}.{body}.{signature}",
        "x",
    ):
        assert world.use(bad, holder.proof("GET", address, bad)).status_code == 401
    assert world.use(token, holder.proof("GET", address, token)).status_code == 200
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 31)
    late = holder.proof("GET", address, token)
    assert world.use(token, late).status_code == 401


def test_a_token_ends_with_the_key_it_was_asked_for_with(world, holder):
    path, late = world.directory / "parties" / "amal-relief.yaml", Partner()
    before = path.read_text()
    path.write_text(f"{before}  - jwk: {json.dumps(late.jwk)}\n")
    at, began = world.address + LIST, time.monotonic()
    while True:
        asked = late.assertion(world.address), holder.proof("POST", world.endpoint)
        if (answer := world.ask(*asked)).status_code == 200:
            break
        assert time.monotonic() - began < 8
        time.sleep(0.1)
    token = answer.json()["access_token"]
    assert world.use(token, holder.proof("GET", at, token)).status_code == 200
    path.write_text(before)
    while world.use(token, holder.proof("GET", at, token)).status_code != 401:
        assert time.monotonic() - began < 16
        time.sleep(0.1)
