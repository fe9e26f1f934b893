"""The standards' own examples."""

import base64
import hashlib

import pytest

from gateway.identity.compact import parsed
from gateway.identity.keyring import RequestKey
from gateway.identity.public import public_of
from gateway.identity.signature import content_digest

ED25519 = {
    "kty": "OKP", "crv": "Ed25519", "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs",
}  # fmt: skip
"""RFC 9421, B.1.4."""
RFC8037 = {
    "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}  # fmt: skip
BASE = """\
"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length")\
;created=1618884473;keyid="test-key-ed25519"\
"""
SIGNED = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
PROOF = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjN"
    "oUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VE"
    "RWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIs"
    "Imh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4v"
    "frg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
"""RFC 9449, 4.1."""


def test_the_signature_of_rfc_9421_b_2_6():

    key = public_of(ED25519)

    assert key.verifies(base64.b64decode(SIGNED), BASE.encode())
    assert not key.verifies(base64.b64decode(SIGNED), BASE.encode() + b" ")
    assert not key.verifies(b"short", BASE.encode())


def test_the_thumbprint_of_rfc_8037():
    assert public_of(RFC8037).id == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_proof_of_rfc_9449():
    said = parsed(PROOF, types=("dpop+jwt",), members=frozenset({"alg", "typ", "jwk"}))

    key = public_of(said.header["jwk"])
    assert said.by(key)
    assert key.id == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    assert (said.text("htm"), said.moment("iat")) == ("POST", 1562262616)


def test_the_digests_of_rfc_9421_and_9530():
    sha256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
    sha512 = (
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJ"
        "wew==:"
    )
    content = b'{"hello": "world"}'

    assert content_digest(sha256) == ("sha256", hashlib.sha256(content).digest())
    assert content_digest(f"{sha256}, {sha512}") == ("sha512", hashlib.sha512(content).digest())


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {**ED25519, "crv": "X25519"},
        {**ED25519, "d": "AAAA"},
        {**ED25519, "x": ED25519["x"] + "="},
        {**ED25519, "x": ED25519["x"][:-1] + "t"},
        {**ED25519, "x": "AAAA"},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43},
        {"kty": "EC", "crv": "P-384", "x": "A" * 43, "y": "A" * 43},
    ],
)
def test_what_is_no_key_of_ours(jwk):
    assert public_of(jwk) is None


def test_what_is_more_than_a_key_makes_no_other_key():
    assert public_of({**ED25519, "kid": "me", "alg": "ES256", "use": "enc"}) == public_of(ED25519)


def test_a_key_counts_from_its_beginning_to_its_end():
    key = public_of(ED25519)

    assert RequestKey("org:a", key).counts()
    assert not RequestKey("org:a", key, since="2999-01-01T00:00:00Z").counts()
    assert not RequestKey("org:a", key, until="2001-01-01T00:00:00Z").counts()
