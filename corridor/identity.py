"""Who you are, shown to the gateway with each request. Each of these is an `httpx.Auth`."""

import base64
import hashlib
import secrets
import time
from collections.abc import AsyncGenerator, Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from corridor.answers import digest_of
from corridor.failures import ProblemError

Flow = Generator[httpx.Request, httpx.Response, None]
SIGNED_FOR = timedelta(seconds=60)
EARLY = 30.0
"""Seconds before its end at which a token is not used any more."""
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Bearer(httpx.Auth):
    """A bearer key, as the operator's `corridor party key` showed it."""

    def __init__(self, key: str) -> None:
        self._header = f"Bearer {key}"

    def auth_flow(self, request: httpx.Request) -> Flow:
        request.headers["Authorization"] = self._header
        yield request


class Key:
    """A private key of your own: Ed25519 or P-256, as PEM. The gateway knows its public half."""

    def __init__(self, pem: bytes, password: bytes | None = None) -> None:
        made = _imported(pem, password)
        self._key = made
        self.edwards = isinstance(made, OKPKey)
        self.id = made.thumbprint()
        """RFC 7638; the `keyid` of signatures."""
        self.public = made.as_dict(private=False)

    @property
    def private(self) -> Any:
        """For `cryptography`."""
        return self._key.private_key

    def signed(self, typ: str, claims: dict[str, Any], **header: Any) -> str:
        """A JWT by this key."""
        alg = "Ed25519" if self.edwards else "ES256"
        return jwt.encode({"alg": alg, "typ": typ, **header}, claims, self._key, algorithms=[alg])


def _imported(pem: bytes, password: bytes | None) -> OKPKey | ECKey:
    kinds: tuple[type[OKPKey] | type[ECKey], ...] = (OKPKey, ECKey)
    for kind in kinds:
        try:
            made = kind.import_key(pem, password=password)
        except (ValueError, JoseError):
            continue
        if made.is_private and made.as_dict()["crv"] in ("Ed25519", "P-256"):
            return made
    raise ValueError("a private key is needed, Ed25519 or P-256, in PEM")


class Signed(httpx.Auth):
    """HTTP Message Signatures (RFC 9421): method, address, time, and the digest of the body
    (RFC 9530) are signed, so that your word about the content can be proven later.
    """

    def __init__(self, pem: bytes, password: bytes | None = None) -> None:
        self._key = Key(pem, password)
        self._signer = HTTPMessageSigner(
            signature_algorithm=algorithms.ED25519
            if self._key.edwards
            else algorithms.ECDSA_P256_SHA256,
            key_resolver=MappingKeyResolver(
                public_keys={}, private_keys={self._key.id: self._key.private}
            ),
        )

    def auth_flow(self, request: httpx.Request) -> Flow:
        covered = ["@method", "@target-uri"]
        sent = {"transfer-encoding", "content-digest"} & set(request.headers)
        if sent or request.headers.get("content-length", "0") != "0":
            if "content-digest" not in request.headers:
                # A stream that cannot be read twice raises here: it cannot be signed.
                request.headers["Content-Digest"] = digest_of(request.content) or ""
            covered.append("content-digest")
        now = datetime.now(UTC)
        self._signer.sign(
            request,
            key_id=self._key.id,
            created=now,
            expires=now + SIGNED_FOR,
            nonce=secrets.token_urlsafe(16),
            covered_component_ids=covered,
            use_existing_digest="content-digest" in covered,
        )
        yield request


class Dpop(httpx.Auth):
    """OAuth 2.0 client credentials with `private_key_jwt` (RFC 7523) and tokens that only the
    holder of the key can use (DPoP, RFC 9449). A token is asked for when one is needed.
    """

    def __init__(self, party: str, pem: bytes, password: bytes | None = None) -> None:
        self._party = party
        self._key = Key(pem, password)
        self._token = ""
        self._until = 0.0

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        if time.monotonic() > self._until:
            answer = yield self._asking(request)
            answer.read()
            self._take(answer)
        answer = yield self._bound(request)
        self._look(answer)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if time.monotonic() > self._until:
            answer = yield self._asking(request)
            await answer.aread()
            self._take(answer)
        answer = yield self._bound(request)
        self._look(answer)

    def _asking(self, request: httpx.Request) -> httpx.Request:
        address = str(request.url.join("/v1/token"))
        now = int(time.time())
        claims = {
            "iss": self._party,
            "sub": self._party,
            "aud": address,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
        }
        form = {
            "grant_type": "client_credentials",
            "client_id": self._party,
            "client_assertion_type": ASSERTION,
            "client_assertion": self._key.signed("JWT", claims, kid=self._key.id),
        }
        headers = {"DPoP": self._proof("POST", address)}
        return httpx.Request("POST", address, data=form, headers=headers)

    def _take(self, answer: httpx.Response) -> None:
        if answer.status_code != 200:
            raise ProblemError.of(answer.status_code, answer.headers, answer.content)
        said = orjson.loads(answer.content)
        self._token = said["access_token"]
        self._until = time.monotonic() + float(said["expires_in"]) - EARLY

    def _bound(self, request: httpx.Request) -> httpx.Request:
        address = str(request.url.copy_with(query=None, fragment=None))
        request.headers["Authorization"] = f"DPoP {self._token}"
        request.headers["DPoP"] = self._proof(request.method, address, self._token)
        return request

    def _look(self, answer: httpx.Response) -> None:
        if answer.status_code == 401:
            self._until = 0.0  # The next request asks for another.

    def _proof(self, method: str, address: str, token: str = "") -> str:
        claims = {
            "htm": method,
            "htu": address,
            "iat": int(time.time()),
            "jti": secrets.token_urlsafe(16),
        }
        if token:
            digest = hashlib.sha256(token.encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return self._key.signed("dpop+jwt", claims, jwk=self._key.public)
