"""Client certificates: in TLS with us, and in a header of a proxy that is believed."""

import base64
import shutil
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from gateway.app import create_app
from gateway.cli import app
from gateway.demo import served
from gateway.errors import OfficerError
from gateway.identity.certificate import certificate_digest, tls_options
from gateway.server import server_of, settings_of
from gateway.settings import IdentitySettings
from tests.identity_world import SENDER

LIST = "/v1/agreements"


class Authority:
    def __init__(self, folder) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority")])
        self.own = self._signed("authority", self.key.public_key(), ca=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(self.own.public_bytes(Encoding.PEM))

    def _signed(self, name, public, *, ca=False):
        now = datetime.now(UTC)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        return (
            x509.CertificateBuilder(self.name, subject, public, x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(names, critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def issue(self, name):
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._signed(name, key.public_key())
        cert, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert.write_bytes(made.public_bytes(Encoding.PEM))
        private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return cert, private, made.public_bytes(Encoding.DER)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def partner(authority):
    return authority.issue("partner")


@pytest.fixture(scope="module")
def directory(prepared, tmp_path_factory, authority, partner):
    made = tmp_path_factory.mktemp("tls") / "demo"
    shutil.copytree(prepared[0], made)
    for name in ("first", "partner", "third"):
        cert, _, der = partner if name == "partner" else authority.issue(name)
        asked = ["party", "certificate", SENDER, str(cert), "-d", str(made)]
        done = CliRunner().invoke(app, asked)
        assert (done.exit_code, done.output) == (0, f"certificate:{certificate_digest(der)}\n")
    again = CliRunner().invoke(app, asked)
    assert (again.exit_code, "keys.twice" in again.output) == (1, True)
    for one in authority.issue("server")[:2]:
        shutil.copy(one, made / "keys")
    shutil.copy(authority.file, made / "keys")
    text = (made / "corridor.toml").read_text()
    (made / "corridor.toml").write_text(
        f'{text}\n[identity]\ntls_certificate = "keys/server.pem"\ntls_key = "keys/server.key"\n'
        'tls_client_ca = "keys/ca.pem"\ntrusted_proxies = ["127.0.0.1/32"]\n'
    )
    return made


@contextmanager
def secure(directory):
    settings = settings_of(directory)
    more = tls_options(directory, settings.identity)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = server_of(create_app(directory), settings, lifespan="on", **more)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        until = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < until
            time.sleep(0.01)
        yield f"https://localhost:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def context(authority, *shown):
    made = ssl.create_default_context(cafile=str(authority.file))
    if shown:
        made.load_cert_chain(*map(str, shown[:2]))
    return made


def test_the_certificate_of_the_connection_says_who_calls(directory, authority, partner, token):
    text = (directory / "corridor.toml").read_text()
    (directory / "corridor.toml").write_text(text.replace('["127.0.0.1/32"]', "[]"))
    unknown = authority.issue("unknown")
    elsewhere = authority.folder / "elsewhere"
    elsewhere.mkdir()
    stranger = Authority(elsewhere)
    with secure(directory) as address:
        found = []
        for shown, headers in (
            (partner, {}),
            (unknown, {}),
            ((), {}),
            ((), {"Authorization": f"Bearer {token}"}),
            ((), {"Client-Cert": f":{base64.b64encode(partner[2]).decode()}:"}),
            (unknown, {"Client-Cert": f":{base64.b64encode(partner[2]).decode()}:"}),
        ):
            with httpx.Client(verify=context(authority, *shown)) as client:
                found.append(client.get(address + LIST, headers=headers).status_code)
                if shown == partner:  # the same connection again
                    found.append(client.get(address + LIST).status_code)
        bad = context(authority, *stranger.issue("intruder"))
        with httpx.Client(verify=bad) as client, pytest.raises(httpx.TransportError):
            client.get(address + LIST)
    (directory / "corridor.toml").write_text(text)

    assert found == [200, 200, 401, 401, 200, 401, 401]


@pytest.fixture(scope="module")
def behind(directory):
    """A server that believes what this machine says, as a proxy on it would."""
    with served(directory) as address, httpx.Client(base_url=address) as client:
        yield client


def test_a_believed_proxy_says_which_certificate_it_saw(behind, partner):
    header = f":{base64.b64encode(partner[2]).decode()}:"
    found = [
        behind.get(LIST, headers=[("Client-Cert", one) for one in said]).status_code
        for said in (
            [header], [], [header, header], [header[1:]], [":AAAA:"], ["1"],
            [f":{'A' * 20_000}:"],
        )
    ]  # fmt: skip

    assert found[:6] == [200, 401, 401, 401, 401, 401]
    assert found[6] in (401, 431)


def test_a_party_that_shows_a_certificate_makes_a_transfer_behind_https(behind, partner, payload):
    header = f":{base64.b64encode(partner[2]).decode()}:"
    terms = {"agreement": "agr:registration-2026", "format": "kobo",
             "purpose": "hum.assist.registration"}  # fmt: skip
    headers = {"Client-Cert": header, "X-Forwarded-Proto": "https"}
    made = behind.post("/v1/transfers", params=terms, content=payload, headers=headers)

    assert made.status_code == 201


@pytest.mark.parametrize(
    ("settings", "at"),
    [
        ({"tls_certificate": "none.pem"}, "identity.tls_certificate"),
        ({"tls_certificate": "keys/server.pem"}, "identity.tls_key"),
        (
            {
                "tls_certificate": "keys/server.pem",
                "tls_key": "keys/server.key",
                "tls_client_ca": "none.pem",
            },
            "identity.tls_client_ca",
        ),
    ],
)
def test_files_that_are_not_there_are_said(directory, settings, at):
    with pytest.raises(OfficerError) as refusal:
        tls_options(directory, IdentitySettings(**settings))

    assert (refusal.value.rule, refusal.value.at) == ("settings.tls", at)


def test_plain_http_needs_nothing(directory):
    only = IdentitySettings(tls_certificate="keys/server.pem", tls_key="keys/server.key")

    assert tls_options(directory, IdentitySettings()) == {}
    assert "ssl_cert_reqs" not in tls_options(directory, only)
