"""The one way out: only to the registered address, wherever its name points."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
import threading
from contextlib import closing
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.errors import OfficerError, RecipientError
from gateway.outbound import allowed, client_for
from gateway.settings import DeliverySettings
from tests.vendors.pushed.server import Answer, json, recipient

SETTINGS = DeliverySettings(timeout_seconds=0.5, total_seconds=0.8, answer_limit_bytes=1024)


def endpoint(url: str, **more: Any) -> dict[str, Any]:
    return {"id": "e1", "system": "webhook", "url": url, "network": "loopback", **more}


def ask(
    one: dict[str, Any], path: str = "x", secrets: dict[str, str] | None = None, **more: Any
) -> httpx.Response:
    async def asked() -> httpx.Response:
        async with client_for(one, secrets or {}, SETTINGS) as client:
            return await client.get(path, **more)

    return asyncio.run(asked())


def failure(one: dict[str, Any], path: str = "x") -> RecipientError:
    with pytest.raises(RecipientError) as caught:
        ask(one, path)
    assert "127.0.0.1" not in str(caught.value)
    return caught.value


PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]
PRIVATE = ["10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.9", "fd12::1", "::ffff:10.0.0.1"]
LOOPBACK = ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"]
NEVER = [
    *("0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "255.255.255.255"),  # noqa: S104
    "240.0.0.1",
    *("::", "fe80::1", "fec0::1", "ff02::1", "fd00:ec2::254", "100.100.100.200"),
    *("192.0.0.192", "168.63.129.16", "::ffff:169.254.169.254", "2002:a9fe:a9fe::1"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "2002:7f00:1::", "198.18.0.1", "203.0.113.9"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("network", "good", "bad"),
    [
        ("public", PUBLIC, [*PRIVATE, *LOOPBACK, *NEVER]),
        ("private", [*PUBLIC, *PRIVATE], [*LOOPBACK, *NEVER]),
        ("loopback", [*PUBLIC, *PRIVATE, *LOOPBACK], [one for one in NEVER if "7f00" not in one]),
    ],
)
def test_which_addresses_are_spoken_to(network, good, bad):
    assert [one for one in good if not allowed(one, network)] == []
    assert [one for one in bad if allowed(one, network)] == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433"])
def test_this_machine_is_not_spoken_to_under_any_name(host):
    with recipient(lambda _: Answer(200)) as served:
        port = served.address.rsplit(":", 1)[1]
        one = endpoint(f"http://{host}:{port}", network="private")
        assert failure(one).rule in ("outbound.address", "outbound.name")
        assert served.asked == []


def test_a_name_is_looked_up_once_and_its_address_used(monkeypatch):
    """A name server that answers otherwise the second time (DNS rebinding) gains nothing."""
    looked: list[str] = []
    real = socket.getaddrinfo

    def names(host: Any, *rest: Any, **more: Any) -> Any:
        if host != "partner.test":
            return real(host, *rest, **more)
        looked.append(host)
        return real("127.0.0.1" if len(looked) == 1 else "127.0.0.2", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", names)
    with recipient(lambda _: Answer(200, b"here")) as served:
        port = served.address.rsplit(":", 1)[1]
        answer = ask(endpoint(f"http://partner.test:{port}"))
        assert (answer.content, looked) == (b"here", ["partner.test"])
        assert served.asked[0].headers["Host"] == f"partner.test:{port}"


def test_one_bad_address_of_a_name_is_enough(monkeypatch):
    real = socket.getaddrinfo

    def names(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host != "partner.test":
            return real(host, port, *rest, **more)
        return [*real("10.0.0.1", port, **more), *real("127.0.0.1", port, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", names)
    assert failure(endpoint("http://partner.test:9", network="private")).rule == "outbound.address"


def test_an_unknown_name():
    assert failure(endpoint("http://nobody.invalid")).rule == "outbound.name"
    assert failure(endpoint(f"http://{'a' * 70}.invalid")).rule == "outbound.name"


def test_only_the_registered_origin_is_asked():
    with recipient(lambda _: Answer(200)) as served, recipient(lambda _: Answer(200)) as other:
        one = endpoint(served.address)
        assert failure(one, other.address + "/x").rule == "outbound.origin"
        assert failure(one, served.address.replace("http:", "https:")).rule == "outbound.origin"
        assert ask(one, served.address + "/next?page=2").status_code == 200
        assert (len(served.asked), other.asked) == (1, [])


def test_redirects_are_answers_and_proxies_are_not_asked(monkeypatch):
    with recipient(lambda _: Answer(200)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        monkeypatch.setenv("ALL_PROXY", proxy.address)
        there = {"Location": proxy.address}
        with recipient(lambda _: Answer(302, headers=there)) as served:
            assert ask(endpoint(served.address)).status_code == 302
        assert proxy.asked == []


def test_what_hangs_drips_or_breaks_is_given_up():
    def drip(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        for _ in range(100):
            if served.stopping.wait(0.05):
                return
            connection.sendall(b"x")

    told = {
        "/hang": lambda _: served.stopping.wait(20),
        "/drip": drip,
        "/cut": lambda it: it.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nxy"),
        "/none": lambda _: None,
        "/noise": lambda it: it.sendall(b"SSH-2.0-OpenSSH\r\n\r\n"),
    }
    with recipient(lambda asked: Answer(raw=told[asked.path])) as served:
        rules = [failure(endpoint(served.address), path[1:]).rule for path in told]
    assert rules == [f"outbound.{one}" for one in ("timeout", "timeout", *["broken"] * 3)]


def test_long_and_compressed_answers_are_not_read():
    answers = {
        "/long": Answer(200, b"x" * 1025),
        "/fits": Answer(200, b"x" * 1024),
        "/zip": Answer(200, b"\x1f\x8b", {"Content-Encoding": "gzip"}),
        "/as-is": Answer(200, b"x", {"Content-Encoding": "identity"}),
    }
    with recipient(lambda asked: answers[asked.path]) as served:
        one = endpoint(served.address)
        assert failure(one, "long").rule == "outbound.too_large"
        assert failure(one, "zip").rule == "outbound.encoding"
        assert len(ask(one, "fits").content) == 1024
        assert ask(one, "as-is").content == b"x"
        assert served.asked[0].headers["Accept-Encoding"] == "identity"


def test_nobody_answers():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    assert failure(endpoint(f"http://127.0.0.1:{port}")).rule == "outbound.connect"


def _certificate() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "partner")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day).not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    return made.public_bytes(pem), key.private_bytes(pem, *form)


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path):
    for name, content in zip(("cert", "key"), _certificate(), strict=True):
        (tmp_path / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, pytest.raises(ssl.SSLError):
                context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        one = endpoint(f"https://127.0.0.1:{listener.getsockname()[1]}")
        assert failure(one).rule == "outbound.tls"
        thread.join()


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (None, "Authorization", None),
        ({"kind": "none"}, "Authorization", None),
        ({"kind": "basic", "user": "ada", "secret": "s"}, "Authorization", "Basic YWRhOng="),
        ({"kind": "bearer", "secret": "s"}, "Authorization", "Bearer x"),
        ({"kind": "token", "secret": "s"}, "Authorization", "Token x"),
        ({"kind": "api_key", "secret": "s"}, "Authorization", "x"),
        ({"kind": "api_key", "secret": "s", "header": "X-Key"}, "X-Key", "x"),
        ({"kind": "signature", "secret": "s"}, "Authorization", None),
    ],
)
def test_how_we_show_who_we_are(auth, header, value):
    with recipient(lambda _: json({})) as served:
        one = endpoint(served.address, **({"auth": auth} if auth else {}))
        ask(one, secrets={"s": "x"})
        assert served.asked[0].headers.get(header) == value


@pytest.mark.parametrize("secret", [None, "", "a\nb", "é"])
def test_a_secret_that_cannot_be_sent(secret):
    one = endpoint("http://127.0.0.1:9", auth={"kind": "bearer", "secret": "s"})
    with pytest.raises(OfficerError) as caught:
        ask(one, secrets={} if secret is None else {"s": secret})
    assert caught.value.rule == "endpoint.secret"


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://partner.example", "endpoint.cleartext"),
        ("https://partner.example:port", "endpoint.url"),
    ],
)
def test_an_address_that_is_not_used(url, rule):
    with pytest.raises(OfficerError) as caught:
        ask({"id": "e1", "system": "webhook", "url": url})
    assert caught.value.rule == rule
