"""Signatures: one algorithm, one spelling, and keys that count only while they count."""

import base64
import hashlib
import hmac
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey

from gateway.canonical import canonical
from gateway.errors import CorridorError, GatewayError, OfficerError
from gateway.signing import (
    LIMIT,
    claimed,
    is_valid,
    new_key,
    read_private,
    sign,
    thumbprint,
    valid_at,
    verify,
    write_private,
)

TYP = "test+jws"
PRIVATE, PUBLIC = new_key()
KEY = OKPKey.import_key({**PRIVATE})
HELD = [{"jwk": PUBLIC}]
PAYLOAD = b'{"said":"this"}'
SIGNED = sign(PAYLOAD, KEY, TYP)


def segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def with_header(header: bytes | dict, signature: bytes | None = None) -> str:
    """A JWS with another header, rightly signed over it unless a signature is given."""
    said = header if isinstance(header, bytes) else canonical(header)
    body = f"{segment(said)}.{segment(PAYLOAD)}"
    if signature is None:
        signature = KEY.private_key.sign(body.encode())
    return f"{body}.{segment(signature)}"


def refused(signed: str, keys=HELD, typ=TYP) -> str:
    with pytest.raises(OfficerError) as caught:
        verify(signed, keys, typ)
    assert caught.value.__cause__ is None
    return caught.value.rule


def test_what_was_signed_comes_back_with_the_key_that_signed():
    assert verify(SIGNED, HELD, TYP) == (PAYLOAD, thumbprint(PUBLIC))
    assert claimed(SIGNED) == PAYLOAD


def test_the_name_of_a_key_is_its_rfc_7638_thumbprint():
    text = f'{{"crv":"Ed25519","kty":"OKP","x":"{PUBLIC["x"]}"}}'

    assert thumbprint(PUBLIC) == segment(hashlib.sha256(text.encode()).digest())
    # RFC 8037, appendix A.3.
    published = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(published) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_another_library_finds_the_same():
    other = jwt.api_jws.PyJWS()
    other.register_algorithm("Ed25519", jwt.algorithms.OKPAlgorithm())

    found = other.decode_complete(SIGNED, KEY.public_key, algorithms=["Ed25519"])

    assert (found["payload"], found["header"]["typ"]) == (PAYLOAD, TYP)


@pytest.mark.parametrize("name", ["none", "None", "HS256", "EdDSA", "Ed448", "ES256", "ed25519"])
def test_another_algorithm_is_refused_even_with_a_right_signature(name):
    assert refused(with_header({"alg": name, "kid": thumbprint(PUBLIC), "typ": TYP})) == (
        "signature.algorithm"
    )


def test_no_signature_at_all_is_refused():
    header = {"alg": "none", "kid": thumbprint(PUBLIC), "typ": TYP}

    assert refused(with_header(header, b"")) == "signature.algorithm"
    header["alg"] = "Ed25519"
    assert refused(with_header(header, b"")) == "signature.form"


def test_the_public_key_is_never_a_secret_of_hmac():
    raw = base64.urlsafe_b64decode(PUBLIC["x"] + "=")
    header = {"alg": "HS256", "kid": thumbprint(PUBLIC), "typ": TYP}
    body = f"{segment(canonical(header))}.{segment(PAYLOAD)}"
    mac = hmac.digest(raw, body.encode(), "sha256")

    assert refused(with_header(header, mac)) == "signature.algorithm"
    header["alg"] = "Ed25519"
    assert refused(with_header(header, mac + mac)) == "signature.broken"


@pytest.mark.parametrize(
    "more",
    [
        {"jwk": PUBLIC},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"jku": "https://keys.example/"},
        {"x5c": []},
        {"cty": "json"},
        {"kid": 1},
    ],
)
def test_a_header_says_three_things_and_nothing_else(more):
    header = {"alg": "Ed25519", "kid": thumbprint(PUBLIC), "typ": TYP, **more}

    assert refused(with_header(header)) == "signature.header"


def test_an_embedded_key_signs_nothing():
    stranger, public = new_key()
    other = OKPKey.import_key({**stranger})
    header = {"alg": "Ed25519", "kid": thumbprint(public), "typ": TYP}
    signed = jws.serialize_compact({**header, "jwk": public}, PAYLOAD, other, ["Ed25519"])

    assert refused(signed) == "signature.header"
    assert refused(sign(PAYLOAD, other, TYP)) == "signature.unknown_key"


@pytest.mark.parametrize("header", [b"[]", b'"x"', b"{", b"\xff", b"{}", b"1"])
def test_a_header_that_is_none_is_refused(header):
    assert refused(with_header(header)) in ("signature.form", "signature.algorithm")


def test_without_a_kid_no_key_is_tried():
    assert refused(with_header({"alg": "Ed25519", "typ": TYP})) == "signature.header"


def test_a_kid_that_a_file_claims_is_not_believed():
    _, public = new_key()
    held = [{"jwk": {**public, "kid": thumbprint(PUBLIC)}}]

    assert refused(SIGNED, held) == "signature.unknown_key"


def test_a_kid_of_another_known_key_does_not_help():
    _, public = new_key()
    header = {"alg": "Ed25519", "kid": thumbprint(public), "typ": TYP}

    assert refused(with_header(header), [*HELD, {"jwk": public}]) == "signature.broken"


def test_what_was_signed_for_one_thing_is_not_another():
    assert refused(SIGNED, typ="other+jws") == "signature.typ"


@given(st.integers(0, len(SIGNED) - 1), st.characters(codec="ascii"))
def test_no_character_can_be_changed(at, char):
    changed = SIGNED[:at] + char + SIGNED[at + 1 :]
    if changed != SIGNED:
        with pytest.raises(OfficerError):
            verify(changed, HELD, TYP)


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "a.b", f"{SIGNED}.", f"{SIGNED}\n", f" {SIGNED}", SIGNED + "=",
        SIGNED.replace(".", "..", 1), "é.é.é", "." + SIGNED, "A" * (LIMIT + 1),
    ],
)  # fmt: skip
def test_what_is_no_jws_is_refused(text):
    assert refused(text) == "signature.form"


def test_a_second_spelling_of_a_signature_is_refused():
    # The last character of 64 bytes carries four bits that mean nothing.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = letters[letters.index(SIGNED[-1]) + 1]

    assert refused(SIGNED[:-1] + other) == "signature.form"


# -- which keys count --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "at", "counts"),
    [
        ({}, "2026-01-01T00:00:00Z", True),
        ({"valid_from": "2026-01-01T00:00:00Z"}, "2026-01-01T00:00:00Z", True),
        ({"valid_from": "2026-01-01T00:00:01Z"}, "2026-01-01T00:00:00Z", False),
        ({"valid_until": "2026-01-01T00:00:00Z"}, "2025-12-31T23:59:59Z", True),
        ({"valid_until": "2026-01-01T00:00:00Z"}, "2026-01-01T00:00:00Z", False),
        ({"revoked_at": "2026-06-01T00:00:00Z"}, "2026-01-01T00:00:00Z", False),
    ],
)
def test_a_key_counts_within_its_time(key, at, counts):
    held = [{"jwk": PUBLIC, **key}]

    assert is_valid(held[0], at) is counts
    if counts:
        valid_at(held, thumbprint(PUBLIC), at)
    else:
        with pytest.raises(OfficerError) as caught:
            valid_at(held, thumbprint(PUBLIC), at)
        assert caught.value.rule == "signature.key_expired"


def test_a_revoked_key_signs_nothing_whatever_date_it_writes():
    assert refused(SIGNED, [{"jwk": PUBLIC, "revoked_at": "2099-01-01T00:00:00Z"}]) == (
        "signature.revoked"
    )


def test_an_unknown_key_is_valid_at_no_time():
    with pytest.raises(OfficerError) as caught:
        valid_at(HELD, "x", "2026-01-01T00:00:00Z")
    assert caught.value.rule == "signature.unknown_key"


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "RSA", "crv": "Ed25519", "x": PUBLIC["x"]},
        {"kty": "OKP", "crv": "Ed448", "x": "A" * 76},
        {"kty": "OKP", "crv": "Ed25519", "x": "short"},
        {"kty": "oct", "crv": "", "x": "", "k": "c2VjcmV0"},
    ],
)
def test_another_kind_of_key_is_refused(jwk):
    with pytest.raises(OfficerError) as caught:
        thumbprint(jwk)
    assert caught.value.rule == "signature.key"


# -- private keys ------------------------------------------------------------------------------


def test_a_private_key_is_for_its_owner_only_and_never_replaced(tmp_path):
    path = tmp_path / "dpo.key"
    write_private(path, PRIVATE)

    assert path.stat().st_mode & 0o777 == 0o600
    assert sign(PAYLOAD, read_private(path), TYP) == SIGNED
    with pytest.raises(OfficerError) as caught:
        write_private(path, PRIVATE)
    assert (caught.value.rule, caught.value.at) == ("keys.unwritable", "dpo.key")


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o601])
def test_a_key_that_others_may_read_is_refused(tmp_path, mode):
    path = tmp_path / "dpo.key"
    write_private(path, PRIVATE)
    path.chmod(mode)

    with pytest.raises(GatewayError) as caught:
        read_private(path)
    assert caught.value.rule == "keys.mode"


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "{}", json.dumps(PUBLIC),
        json.dumps({**PRIVATE, "x": new_key()[1]["x"]}),
        json.dumps({**PRIVATE, "d": "short"}),
        json.dumps({**PRIVATE, "d": 1}),
        json.dumps({**PRIVATE, "crv": "Ed448"}),
    ],
)  # fmt: skip
def test_a_damaged_key_file_is_refused_and_not_quoted(tmp_path, content):
    path = tmp_path / "dpo.key"
    path.write_text(content)
    path.chmod(0o600)

    with pytest.raises(CorridorError) as caught:
        read_private(path)

    assert (caught.value.rule, caught.value.at) == ("keys.broken", "dpo.key")
    assert PRIVATE["d"] not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_key_file_is_named(tmp_path):
    with pytest.raises(GatewayError) as caught:
        read_private(tmp_path / "none.key")
    assert (caught.value.rule, caught.value.at) == ("keys.missing", "none.key")
