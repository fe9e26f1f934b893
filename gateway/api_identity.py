"""The routes of identity: access tokens, our public keys, and a sender's own word.

The token endpoint answers as RFC 6749 says (`error`, in JSON), since OAuth clients read that; its
answer to everybody who is not let in is the same.
"""

import time
import urllib.parse
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from gateway.api_reading import Open, Party, gateway_of
from gateway.entry import parse
from gateway.errors import SenderError
from gateway.exchange import Gateway
from gateway.identity import evidence, tokens
from gateway.identity.keyring import keyring_of
from gateway.identity.origin import origin_of
from gateway.log_keys import LogKeys

router = APIRouter()
TOKEN = "/v1/token"  # noqa: S105 - an address
JWKS = "/.well-known/jwks.json"
METADATA = "/.well-known/oauth-authorization-server"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["Ed25519", "EdDSA", "ES256"]
MAX_FORM = 8192
FORM = {
    "type": "object",
    "required": ["grant_type", "client_assertion_type", "client_assertion"],
    "properties": {
        "grant_type": {"const": "client_credentials"},
        "client_id": {"type": "string", "description": "The party's id; may be left out."},
        "client_assertion_type": {"const": ASSERTION},
        "client_assertion": {"type": "string", "description": "JWT by a request key (RFC 7523)."},
    },
}
SHOWN = {
    "security": [],
    "requestBody": {
        "required": True,
        "content": {"application/x-www-form-urlencoded": {"schema": FORM}},
    },
    "parameters": [
        {
            "name": "DPoP",
            "in": "header",
            "required": True,
            "description": "Proof of the key the token is to be bound to (RFC 9449).",
            "schema": {"type": "string"},
        }
    ],
}


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, headers, "application/json")


def _refused(status: int, error: str) -> Response:
    return _json({"error": error}, status, {"Cache-Control": "no-store"})


@router.post(TOKEN, summary="An access token, bound to a key", openapi_extra=SHOWN)
async def token(request: Request) -> Response:
    """OAuth 2.0 client credentials, `private_key_jwt`, DPoP. Good for some minutes."""
    form = await _form(request)
    if form is None or not form.keys() <= FORM["properties"].keys() | {"scope"}:  # type: ignore[attr-defined]
        return _refused(400, "invalid_request")
    if form.get("grant_type") != "client_credentials":
        return _refused(400, "unsupported_grant_type")
    if form.get("client_assertion_type") != ASSERTION:
        return _refused(401, "invalid_client")
    gateway: Gateway = request.app.state.gateway
    ring = keyring_of(request.app.state)
    skew = gateway.deployment.settings.identity.clock_skew_seconds
    # First who it is: anybody can make a key and prove it, and each proof that counts is kept.
    said = tokens.asserted(form.get("client_assertion", ""), request, ring)
    origin = origin_of(request)
    if said is None or origin is None or form.get("client_id", said.key.party) != said.key.party:
        return _refused(401, "invalid_client")
    jkt = await tokens.proved(request, skew, None)
    if jkt is None:
        return _refused(400, "invalid_dpop_proof")
    if not await said.unused(request):
        return _refused(401, "invalid_client")
    access, good_for = tokens.issued(gateway, said.key, jkt, origin)
    answer = {"access_token": access, "token_type": "DPoP", "expires_in": good_for}
    return _json(answer, headers={"Cache-Control": "no-store"})


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of a small form, each once; None where it is anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    parts: list[bytes] = []
    async for part in request.stream():
        parts.append(part)
        if sum(map(len, parts)) > MAX_FORM:
            raise SenderError("the body is too large", rule="body.too_large", status=413)
    if kind != "application/x-www-form-urlencoded":
        return None
    try:
        fields = urllib.parse.parse_qsl(
            b"".join(parts).decode("ascii"), strict_parsing=True, max_num_fields=10
        )
    except ValueError:
        return None
    return dict(fields) if len(dict(fields)) == len(fields) else None


@router.get(METADATA, summary="The authorization server's metadata")
async def metadata(request: Request) -> Response:
    """RFC 8414: where tokens are asked for, and how."""
    origin = origin_of(request)
    if origin is None:
        raise SenderError("nothing here", rule="not_found", status=404)
    return _json(
        {
            "issuer": origin,
            "token_endpoint": origin + TOKEN,
            "jwks_uri": origin + JWKS,
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
            "dpop_signing_alg_values_supported": ALGORITHMS,
        }
    )


@router.get(JWKS, summary="Our public keys")
def keys(gateway: Annotated[Gateway, Depends(gateway_of)]) -> Response:
    """As a JWK set: those that access tokens are signed with (the month before, this one and the
    next), and the log's, newest first. What receipts are checked with is better taken from the
    log's key, which an auditor gets another way too."""
    made = [
        {**one.jwk, "kid": one.id, "use": "sig", "alg": "Ed25519", "for": "tokens"}
        for one in tokens.token_keys(gateway.keys.content, time.time())
    ]
    logs = LogKeys.parse(gateway.deployment.vkey()).all
    made += [
        {**one.jwk, "kid": one.id, "use": "sig", "alg": "Ed25519", "for": "log"}
        for one in (tokens.of_bytes(vkey.public) for vkey in reversed(logs))
    ]
    answer = _json({"keys": made}, headers={"Cache-Control": "public, max-age=300"})
    answer.headers["Content-Type"] = "application/jwk-set+json"
    return answer


@router.get("/v1/transfers/{transfer}/evidence", summary="The sender's signed word")
def word(transfer: str, party: Party, gateway: Open) -> Response:
    """For the sender of a transfer that it signed: request, signature and key, which its receipt
    commits to. `corridor party evidence` checks it."""
    index = gateway.log.find(transfer)
    held = gateway.log.kept(evidence.KIND, transfer)
    [(_, leaf)] = gateway.log.entries(index, 1) if index is not None else [(0, b"")]
    if not leaf or parse(leaf)["sender"]["party"] != party:
        raise SenderError("no such transfer", rule="transfer.unknown", status=404)
    if held is None:
        raise SenderError("the request was not signed", rule="evidence.none", status=404)
    said = evidence.opened(held, gateway.keys.content)
    return Response(said, media_type="application/json", headers={"Cache-Control": "no-store"})
