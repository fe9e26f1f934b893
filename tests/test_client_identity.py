"""The client shows who it is by signatures and by bound tokens; a real gateway believes it."""

import asyncio
import shutil
from collections.abc import Iterator

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from corridor.client import AsyncClient, Client, Dpop, ProblemError, Signed, Terms
from corridor.identity import Key
from gateway.demo import SENDER, served

TERMS = Terms("agr:registration-2026", "hum.assist.registration", "kobo")


def pem(key, password: bytes | None = None) -> bytes:
    hidden = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden)


ED25519 = pem(ed25519.Ed25519PrivateKey.generate())
P256 = pem(ec.generate_private_key(ec.SECP256R1()))
STRANGER = pem(ed25519.Ed25519PrivateKey.generate())


@pytest.fixture(scope="module")
def address(prepared, tmp_path_factory) -> Iterator[str]:
    """A gateway that knows two keys of the sender."""
    directory = tmp_path_factory.mktemp("identity") / "demo"
    shutil.copytree(prepared[0], directory)
    [path] = [one for one in directory.glob("parties/*.yaml") if f"id: {SENDER}" in one.read_text()]
    party = yaml.safe_load(path.read_text())
    party["request_keys"] = [{"jwk": Key(one).public} for one in (ED25519, P256)]
    for one in party["request_keys"]:
        one["jwk"] = {
            name: one["jwk"][name] for name in ("kty", "crv", "x", "y") if name in one["jwk"]
        }
    path.write_text(yaml.safe_dump(party))
    with served(directory) as found:
        yield found


def ways(key: bytes) -> list[Signed | Dpop]:
    return [Signed(key), Dpop(SENDER, key)]


@pytest.mark.parametrize("key", [ED25519, P256], ids=["ed25519", "p256"])
@pytest.mark.parametrize("way", [0, 1], ids=["signed", "dpop"])
def test_a_transfer_of_one_that_is_known(address, payload, key, way, tmp_path):
    path = tmp_path / "payload"
    path.write_bytes(payload)

    async def go() -> str:
        async with AsyncClient(address, ways(key)[way]) as client:
            made = await client.transfer(TERMS, path)
            return (await client.content(made.transfer)).media_type

    with Client(address, ways(key)[way]) as client:
        made = client.transfer(TERMS, payload)
        assert made.outcome == "released"
        assert client.content(made.transfer).size > 0
        assert client.discovered("/v1/agreements")
        if way == 0:
            assert b"corridor/request-evidence/v1" in client.evidence(made.transfer)
    assert asyncio.run(go()) == "application/fhir+json"


@pytest.mark.parametrize("way", [0, 1], ids=["signed", "dpop"])
def test_a_stranger_is_nobody(address, way):
    with Client(address, ways(STRANGER)[way]) as client, pytest.raises(ProblemError) as refused:
        client.discovered("/v1/agreements")

    assert refused.value.status == 401


def test_a_stranger_without_threads(address):
    async def go() -> None:
        async with AsyncClient(address, Dpop(SENDER, STRANGER)) as client:
            await client.discovered("/v1/agreements")

    with pytest.raises(ProblemError, match="401"):
        asyncio.run(go())


def test_a_token_that_counts_no_more_is_replaced(address):
    way = Dpop(SENDER, ED25519)
    with Client(address, way) as client:
        client.discovered("/v1/agreements")
        way._token = way._token[:-4] + "AAAA"
        with pytest.raises(ProblemError, match="401"):
            client.discovered("/v1/agreements")
        assert client.discovered("/v1/agreements")


def test_a_stream_cannot_be_signed(address, payload):
    import httpx

    with Client(address, Signed(ED25519)) as client, pytest.raises(httpx.RequestNotRead):
        client.transfer(TERMS, iter([payload]))


def test_the_body_is_signed_by_whoever_sends_it(address, payload):
    """The same classes serve programs that use httpx directly."""
    import httpx

    with httpx.Client(base_url=address, auth=Signed(P256)) as http:
        answer = http.post("/v1/preview", params=TERMS.query(), content=payload)
        changed = http.post(
            "/v1/preview",
            params=TERMS.query(),
            content=payload,
            headers={"Content-Digest": "sha-256=:" + "A" * 43 + "=:"},
        )

    assert answer.status_code == 200
    assert changed.status_code == 422


def test_only_the_two_kinds_of_keys():
    locked = pem(ed25519.Ed25519PrivateKey.generate(), b"word")

    assert Key(locked, b"word").edwards
    assert not Key(P256).edwards
    for other in (
        pem(rsa.generate_private_key(65537, 2048)),
        pem(ec.generate_private_key(ec.SECP384R1())),
        b"no key",
    ):
        with pytest.raises(ValueError, match="Ed25519 or P-256"):
            Key(other)
