"""Partners that sign, prove and connect as their own tools do it: no code of ours signs here."""

import base64
import hashlib
import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OKPKey

SENDER = "org:amal-relief"
RECIPIENT = "org:sante-sans-rivages"
TERMS = {
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "format": "kobo",
}
WHOLE = ("@method", "@target-uri", "content-digest")
FILES = {SENDER: "amal-relief.yaml", RECIPIENT: "sante-sans-rivages.yaml"}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Partner:
    """A private key and what can be done with it."""

    def __init__(self, kind: str = "OKP") -> None:
        self.kind = kind
        made = OKPKey.generate_key("Ed25519") if kind == "OKP" else ECKey.generate_key("P-256")
        self.jose = made
        self.private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey = made.private_key
        self.jwk: dict[str, str] = dict(made.as_dict(private=False))
        self.id = made.thumbprint()
        self.alg = "Ed25519" if kind == "OKP" else "ES256"

    @classmethod
    def of(cls, pem: Path) -> "Partner":
        """The partner whose private key this file has."""
        found = cls()
        found.jose = OKPKey.import_key(pem.read_text())
        found.private = found.jose.private_key
        found.jwk = dict(found.jose.as_dict(private=False))
        found.id = found.jose.thumbprint()
        return found

    def signed(
        self,
        request: httpx.Request,
        *,
        covered: tuple[str, ...] = WHOLE,
        digest: str | None = None,
        key_id: str | None = None,
        age: float = 0,
        good_for: float | None = None,
        nonce: str | None = "",
        include_alg: bool = True,
    ) -> httpx.Request:
        """The request, signed as RFC 9421 says."""
        if "content-digest" in covered:
            said = digest or digest_of(request.content)
            request.headers["content-digest"] = said
        kind = algorithms.ED25519 if self.kind == "OKP" else algorithms.ECDSA_P256_SHA256
        name = self.id if key_id is None else key_id
        keys = MappingKeyResolver(public_keys={}, private_keys={name: self.private})
        created = datetime.now(UTC) - timedelta(seconds=age)
        HTTPMessageSigner(signature_algorithm=kind, key_resolver=keys).sign(
            request,
            key_id=name,
            created=created,
            expires=None if good_for is None else created + timedelta(seconds=good_for),
            nonce=uuid.uuid4().hex if nonce == "" else nonce,
            covered_component_ids=covered,
            use_existing_digest="content-digest" in covered,
            include_alg=include_alg,
        )
        return request

    def said(self, claims: dict[str, object], **header: object) -> str:
        """A JWT."""
        head = {"alg": self.alg, **header}
        return jwt.encode(head, claims, self.jose, algorithms=[str(head["alg"])])

    def forced(self, claims: dict[str, object], **header: object) -> str:
        """A JWT whose header no library would write."""
        parts = ({"alg": self.alg, **header}, claims)
        said = ".".join(b64(json.dumps(one).encode()) for one in parts)
        algorithm = jws.JWSRegistry.algorithms[self.alg]
        return f"{said}.{b64(algorithm.sign(said.encode(), self.jose))}"

    def assertion(self, address: str, party: str = SENDER, **other: object) -> str:
        now = int(time.time())
        claims = {
            "iss": party, "sub": party, "aud": f"{address}/v1/token", "iat": now,
            "exp": now + 120, "jti": uuid.uuid4().hex, **other,
        }  # fmt: skip
        return self.said(claims, kid=self.id)

    def proof(self, method: str, address: str, token: str | None = None, **other: object) -> str:
        claims: dict[str, object] = {
            "jti": uuid.uuid4().hex, "htm": method, "htu": address, "iat": int(time.time()),
            **other,
        }  # fmt: skip
        if token is not None:
            claims.setdefault("ath", b64(hashlib.sha256(token.encode()).digest()))
        return self.said(claims, typ="dpop+jwt", jwk=self.jwk)


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def digest_of(content: bytes, kind: str = "sha-256") -> str:
    made = hashlib.new(kind.replace("-", ""), content).digest()
    return f"{kind}=:{base64.b64encode(made).decode()}:"


def enter(directory: Path, party: str, *partners: Partner) -> None:
    """Put public keys into a party's file, as a person would."""
    path = directory / "parties" / FILES[party]
    lines = "".join(f"  - jwk: {json.dumps(one.jwk)}\n" for one in partners)
    path.write_text(f"{path.read_text().rstrip()}\nrequest_keys:\n{lines}")
