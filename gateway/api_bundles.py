"""The route that policy servers fetch their bundle from.

What is served is the bundle this gateway answers with, signed. A server has a bearer key of
its own (`corridor policy token`), which opens nothing else: no party speaks with it. The keys
are read at each request, so that one that is taken out of `keys/opa.json` ends at once.
"""

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from gateway.conditional import matches
from gateway.deployment import POLICY_TOKENS, bearer_digest, read_bearers, read_key
from gateway.errors import SenderError
from gateway.exchange import Gateway
from gateway.policy.bundle_signing import read_signing_key, signed

router = APIRouter()
ADDRESS = "/v1/bundles/exchange.tar.gz"
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The tarball. Its `.signatures.json` is by `keys/bundle.key`.",
        "content": {"application/gzip": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "The server has this one already."},
    401: {"description": "No key of a policy server."},
}


def server_of(request: Request) -> Gateway:
    """The running gateway, for a policy server. Raises 401 without saying what was wrong."""
    gateway: Gateway = request.app.state.gateway
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        held = read_bearers(gateway.deployment.directory, POLICY_TOKENS)
        if bearer_digest(token) in held:
            return gateway
    raise SenderError(
        "a policy server's key is needed: `corridor policy token`", rule="key.invalid", status=401
    )


@router.head(ADDRESS, include_in_schema=False)
@router.get(
    ADDRESS,
    summary="The policy bundle, for OPA servers",
    response_class=Response,
    responses=ANSWERS,
    openapi_extra={"security": [{"bearer": []}]},
)
def policy_bundle(request: Request, gateway: Annotated[Gateway, Depends(server_of)]) -> Response:
    """The bundle in force as a signed tarball in OPA's form. Its ETag changes with it.

    For policy servers only, with a bearer key made by `corridor policy token`. Answers 304 to
    an `If-None-Match` of the same tag. Deltas and long polling (`Prefer`) are not offered.
    """
    tarball, tag = gateway.remembered.of(
        "signed bundle", gateway.bundle.revision, lambda: _signed(gateway)
    )
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Authorization"}
    if matches(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(tarball, headers=headers, media_type="application/gzip")


def _signed(gateway: Gateway) -> tuple[bytes, str]:
    path = gateway.deployment.directory / "keys" / "bundle.key"
    tarball = signed(gateway.bundle, read_signing_key(read_key(path, private=True)))
    return tarball, f'"{hashlib.sha256(tarball).hexdigest()}"'
