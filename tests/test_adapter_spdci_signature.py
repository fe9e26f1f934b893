"""Signatures of messages: made, verified against a computation of our own, and refused."""

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from adapters.spdci.signature import LEEWAY, Signer, members, sign, verify
from gateway.errors import GatewayError, SenderError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer("registry.example", "k-1")
KEYS = {SIGNER: KEY.public_key()}
HEADER = '{"message_id":"m-1", "sender_id":"registry.example"}'
MESSAGE = '{"search_response": [ {"n": 1.50, "t": "\\u00e9\\" , }{"} ]}'
BODY = f'{{ "signature" : "",\n"header":{HEADER} , "message": {MESSAGE}\n}}'.encode()
CREATED, EXPIRES = 1_700_000_000, 1_700_000_600


def signed(body: bytes = BODY, **more: Any) -> bytes:
    times = {"created": CREATED, "expires": EXPIRES} | more
    return sign(body, KEY, SIGNER, **times)


def text_of(body: bytes) -> str:
    text: str = json.loads(body)["signature"]
    return text


def refused(body: bytes, now: int = CREATED) -> str:
    with pytest.raises(SenderError) as caught:
        verify(body, KEYS, now=now)
    assert caught.value.__cause__ is None
    return caught.value.rule.removeprefix("spdci.signature.")


def with_text(text: object) -> bytes:
    return BODY.replace(b'""', json.dumps(text).encode(), 1)


def test_a_signature_is_over_the_bytes_as_they_stand():
    body = signed()
    digest = base64.b64encode(hashlib.sha256((HEADER + MESSAGE).encode()).digest()).decode()
    lines = f"(created): {CREATED}\n(expires): {EXPIRES}\ndigest: SHA-256={digest}"
    expected = base64.b64encode(KEY.sign(lines.encode())).decode()

    assert text_of(body) == (
        'Signature: namespace="dci", kidId="registry.example|k-1|ed25519", '
        f'algorithm="ed25519", created="{CREATED}", expires="{EXPIRES}", '
        f'headers="(created) (expires) digest", signature="{expected}"'
    )
    assert verify(body, KEYS, now=CREATED) == SIGNER
    assert members(body)["message"].decode() == MESSAGE
    assert json.loads(body)["header"] == json.loads(HEADER)


def test_the_name_of_the_namespace_is_the_caller_s():
    assert 'namespace="g2p"' in text_of(signed(namespace="g2p"))


@pytest.mark.parametrize(
    ("now", "rule"),
    [
        (CREATED - LEEWAY - 1, "future"),
        (CREATED - LEEWAY, None),
        (EXPIRES - 1, None),
        (EXPIRES, "expired"),
    ],
)
def test_a_signature_holds_for_its_time(now: int, rule: str | None):
    if rule:
        assert refused(signed(), now) == rule
    else:
        assert verify(signed(), KEYS, now=now) == SIGNER


@pytest.mark.parametrize(
    "text",
    [
        'created="1"',
        'Signature: kidId="a|b", created="1", expires="2"',
        'Signature: kidId="a|b|ed25519", created="x", expires="2"',
        'Signature: kidId="a|b|ed25519", created="1"',
        'Signature: kidId="a|b|ed25519", created="1", created="2", expires="2"',
        "not a signature",
        'Signature: kidId="a|b|ed25519", created="1", expires="2", signature="open',
    ],
)
def test_what_is_no_signature_of_spdci_is_refused(text: str):
    assert refused(with_text(text)) == "form"


@pytest.mark.parametrize("text", ["", 7, None])
def test_a_message_without_a_signature_is_refused(text: object):
    assert refused(with_text(text)) == "missing"
    assert refused(b'{"signature": "x", "header": {}}') == "missing"
    assert refused(b'{"header": {}, "message": {}}') == "missing"


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('algorithm="ed25519"', 'algorithm="rsa"', "algorithm"),
        ("k-1|ed25519", "k-1|none", "algorithm"),
        ("(created) (expires) digest", "(created)", "algorithm"),
        ("|k-1|", "|k-2|", "key"),
        ("registry.example|", "other.example|", "key"),
        (f'created="{CREATED}"', f'created="{CREATED - 1}"', "invalid"),
        (f'expires="{EXPIRES}"', f'expires="{EXPIRES + 1}"', "invalid"),
        (f'created="{CREATED}"', f'created="{EXPIRES}"', "future"),
        ('signature="', 'signature="!', "invalid"),
        ('signature="', 'signature="AAAA', "invalid"),
    ],
)
def test_what_a_signature_says_of_itself_is_held_to(old: str, new: str, rule: str):
    text = text_of(signed())

    assert old in text
    again = text.replace(old, new, 1)
    assert refused(with_text(again)) == rule


def test_a_signature_whose_end_is_before_its_begin_is_refused():
    text = text_of(signed()).replace(f'expires="{EXPIRES}"', f'expires="{CREATED}"')

    assert refused(with_text(text), CREATED - 1) == "expired"


def test_the_spelling_keyid_is_read_too():
    assert verify(signed().replace(b"kidId", b"keyId"), KEYS, now=CREATED) == SIGNER


def test_the_header_must_name_who_signed():
    for header in ('{"sender_id": "other.example"}', "[]"):
        body = f'{{"header": {header}, "message": {{}}}}'.encode()
        assert refused(signed(body)) == "sender"


SIGNED = signed()
INSIDE = [
    SIGNED.index(part) + place
    for part in (HEADER.encode(), MESSAGE.encode())
    for place in range(len(part))
]


@given(st.sampled_from(INSIDE), st.integers(0, 7))
def test_no_bit_of_header_and_message_can_change(place: int, bit: int):
    body = bytearray(SIGNED)
    body[place] ^= 1 << bit

    assert refused(bytes(body)) in {"invalid", "sender", "form"}


def test_white_space_between_members_is_not_signed():
    assert verify(SIGNED.replace(b',"message"', b' ,\n"message"'), KEYS, now=CREATED) == SIGNER


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"a": 1} x',
        b'{"a" 1}',
        b'{"a": 1 "b": 2}',
        b'{"a": 1, "a": 1}',
        b"{7: 1}",
        b'{"a": ',
        b"[" * 100_000,
        b'{"a": ' + b"[" * 100_000,
    ],
)
def test_what_is_no_message_is_refused(body: bytes):
    assert refused(body) == "form"
    with pytest.raises(GatewayError):
        signed(body)


@pytest.mark.parametrize(
    ("body", "signer", "times"),
    [
        (b'{"header": {}}', SIGNER, (CREATED, EXPIRES)),
        (BODY, Signer('a"b', "k"), (CREATED, EXPIRES)),
        (BODY, Signer("a|b", "k"), (CREATED, EXPIRES)),
        (BODY, Signer("a", ""), (CREATED, EXPIRES)),
        (BODY, SIGNER, (EXPIRES, CREATED)),
    ],
)
def test_what_cannot_be_signed_is_not(body: bytes, signer: Signer, times: tuple[int, int]):
    with pytest.raises(GatewayError) as caught:
        sign(body, KEY, signer, created=times[0], expires=times[1])
    assert caught.value.rule == "spdci.signature"
