"""The OpenAPI 3.1 document: what FastAPI knows of the routes, and the tables beside this file.

FastAPI knows addresses, parameters and texts. The tables say the rest, which no code can: what
comes back, with an example for each answer and each problem. A route without a row is shown
without answers, and a test fails.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import yaml

from gateway.api_custody import Asked
from gateway.errors import described
from gateway.happenings.certificate import Word
from gateway.problem import MEDIA_TYPE
from gateway.record import load

HERE = Path(__file__).parent
EVERYWHERE = (
    *("path.unfit", "http.malformed", "http.slow", "http.head", "http.connections"),
    *("body.too_large", "limit.address", "limit.busy", "gateway.failed", "query.unfit"),
)
"""Problems any operation may have."""

KEYED = ("key.invalid", "limit.party", "limit.party_busy")
PARTY: list[dict[str, list[str]]] = [
    {"bearer": []},
    {"dpop": []},
    {"signature": []},
    {"mutualTLS": []},
]
AUTH: dict[str, tuple[list[dict[str, list[str]]], tuple[str, ...]]] = {
    "party": (PARTY, KEYED),
    "reader": ([*PARTY], KEYED),
    "auditor": ([{"bearer": []}], ("key.invalid",)),
    "policy": ([{"bearer": []}], ("key.invalid",)),
    "hook": ([*PARTY, {"basic": []}, {"webhook": []}], KEYED),
    "none": ([], ()),
}
"""Who may call: security schemes, and the problems that come with them."""

SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key made by `corridor party key`.",
    },
    "dpop": {
        "type": "http",
        "scheme": "DPoP",
        "description": "A token of `POST /v1/token` with a proof in `DPoP` (RFC 9449).",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "HTTP Message Signatures (RFC 9421) by a request key, with "
        "`Signature-Input`, and `Content-Digest` where there is a body.",
    },
    "mutualTLS": {
        "type": "mutualTLS",
        "description": "A client certificate that the party's file names.",
    },
    "basic": {"type": "http", "scheme": "basic", "description": "Of one route."},
    "webhook": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks, or the header that the route names.",
    },
}
TAGS = {
    "transfers": "Give a payload, and take what is due to you.",
    "routes": "Where vendors' systems send by themselves.",
    "custody": "What recipients say of their copies, and recalls.",
    "identity": "Who you are, tokens, and our keys.",
    "discovery": "What this gateway reads, writes and knows.",
    "log": "The transfer log, for parties, auditors and witnesses.",
    "operations": "For whoever runs the gateway.",
}
HEADERS = {
    "Location": "Where the transfer is.",
    "Link": "RFC 8288: `describedby` leads to the receipt, `next` to the next page.",
    "Preference-Applied": "RFC 7240.",
    "Idempotency-Replayed": "`true`: nothing was done again.",
    "ETag": "For `If-None-Match`.",
    "X-Request-Id": "Of this request in the gateway's own log: tell it when you ask for help.",
    "Retry-After": "Seconds after which asking again may help.",
}
BODIES: dict[str, dict[str, tuple[str, str | None]]] = {
    "payload": {
        "application/json": ("Payload", "payload"),
        "application/octet-stream": ("Bytes", None),
        "*/*": ("Bytes", None),
    },
    "hook": {"application/json": ("Payload", "hook"), "*/*": ("Bytes", None)},
    "token": {"application/x-www-form-urlencoded": ("TokenRequest", "token_request")},
    "recall": {"application/json": ("RecallRequest", "recall")},
    **{
        name: {"application/json": ("WordOrSigned", name)}
        for name in ("acknowledgement", "deletion", "answer")
    },
}


@cache
def table(name: str) -> dict[str, Any]:
    """One of the tables beside this file."""
    text = (HERE / name).read_bytes()
    found: dict[str, Any] = (
        orjson.loads(text) if name.endswith("json") else yaml.load(text, yaml.CSafeLoader)
    )
    return found


def composed(base: Mapping[str, Any]) -> dict[str, Any]:
    """The whole document from FastAPI's own."""
    paths: dict[str, Any] = {}
    for key, row in table("operations.yaml").items():
        method, path = key.split(" ")
        known = base["paths"].get(path, {}).get(method.lower())
        # The two routes that carry the load, and cancelling, are described by the table alone.
        if known is not None or "text" in row:
            paths.setdefault(path, {})[method.lower()] = _operation(row, known or {})
    for path, methods in base["paths"].items():
        for method, operation in methods.items():
            paths.setdefault(path, {}).setdefault(method, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Corridor",
            "version": version("corridor"),
            "description": "Humanitarian data exchange with purposes, minimization and a log "
            "an outsider can check. Errors are RFC 9457 problem details.",
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "examples": _examples(),
            "securitySchemes": SCHEMES,
        },
    }


def _operation(row: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    security, asked = AUTH[row["auth"]]
    rules = dict.fromkeys((*asked, *row.get("problems", ()), *EVERYWHERE))
    operation: dict[str, Any] = {
        "operationId": row["id"],
        "tags": [row["tag"]],
        "summary": row.get("summary") or known["summary"],
        "description": row.get("text") or known["description"],
        "security": security,
        "parameters": _parameters(row, known),
        "responses": _responses(row["answers"], rules),
    }
    if "body" in row:
        content = {
            media: _media(schema, example)
            for media, (schema, example) in BODIES[row["body"]].items()
        }
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(row: Mapping[str, Any], known: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = table("parameters.yaml")
    found = deepcopy(list(known.get("parameters", ())))
    names = [*row.get("parameters", ())]
    if 304 in row["answers"]:
        names.append("If-None-Match")
    here = {one["name"] for one in found}
    for name in names:
        plain = name.rstrip("!")
        if plain not in here:
            said = told[plain]
            schema = {"type": "string", "minLength": 1, "maxLength": said["max"]}
            required = {"required": True} if name.endswith("!") else {}
            found.append({"name": plain, "in": said["in"], **required, "schema": schema})
    for one in found:
        said = told.get(f"{row['id']}.{one['name']}") or told.get(one["name"], {})
        if "text" in said:
            one.setdefault("description", said["text"])
        if "example" in said:
            one["example"] = said["example"]
        if one["in"] == "path" and "max" in said:
            one["schema"].setdefault("maxLength", said["max"])
        one["schema"].pop("title", None)
    return found


def _media(schema: str, example: str | None = None) -> dict[str, Any]:
    said: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    if example is not None:
        said["examples"] = {example: {"$ref": f"#/components/examples/{example}"}}
    return said


def _responses(
    answers: Mapping[int, Mapping[str, Any]], rules: Iterable[str]
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for status, answer in answers.items():
        said = {"description": answer["text"], "headers": _headers(answer.get("headers", ()))}
        media = answer.get("media", {})
        if media:
            said["content"] = {kind: _media(*one) for kind, one in media.items()}
        found[str(status)] = said
    for rule in rules:
        status = table("problems.yaml")[rule][0]
        wait = ("Retry-After",) if status in (429, 503) else ()
        answer = found.setdefault(
            str(status), {"description": WORDS[status], "headers": _headers(wait)}
        )
        content = answer.setdefault("content", {})
        problem = content.setdefault(
            MEDIA_TYPE, {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
        )
        problem["examples"][rule] = {"$ref": f"#/components/examples/{rule}"}
    return dict(sorted(found.items()))


WORDS = {
    400: "Not a request that can be looked at.",
    401: "It was not shown who asks. Never says what was wrong.",
    403: "Not for this party, or not now.",
    404: "Nothing there, or nothing that the caller is part of.",
    408: "It came too slowly.",
    409: "It contradicts what was said before.",
    410: "It was there.",
    413: "Too large.",
    415: "Not a format or encoding that is read here.",
    422: "The request or its content breaks a rule.",
    429: "Too much for now.",
    431: "The head is too large.",
    500: "The gateway failed. Nothing left.",
    503: "The gateway cannot keep its promises now. Nothing left.",
}


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {
        name: {"description": HEADERS[name], "schema": {"type": "string"}}
        for name in (*names, "X-Request-Id")
    }


def _examples() -> dict[str, Any]:
    found = {name: {"value": value} for name, value in table("examples.json").items()}
    for rule, (status, act, title, *place) in table("problems.yaml").items():
        value = described(status, rule, title, act=act, at=place[0] if place else "")
        found[rule] = {"summary": title, "value": value}
    return found


def _schemas() -> dict[str, Any]:
    found: dict[str, Any] = deepcopy(table("schemas.yaml"))
    for name, one in (("Receipt", load("receipt")), ("Word", Word.model_json_schema()),
                      ("RecallRequest", Asked.model_json_schema())):  # fmt: skip
        _hoist(found, name, deepcopy(dict(one)))
    return {name: _pointed(one, "") for name, one in sorted(found.items())}


def _hoist(found: dict[str, Any], name: str, schema: dict[str, Any]) -> None:
    """A schema whose inner definitions become neighbours, for generators know no others."""
    for part, inner in schema.pop("$defs", {}).items():
        found[name + part.title().replace("_", "")] = _pointed(inner, name)
    for key in ("$schema", "$id", "x-version"):
        schema.pop(key, None)
    found[name] = _pointed(schema, name)


def _pointed(node: Any, owner: str) -> Any:
    """The same with references that hold in the document."""
    if isinstance(node, list):
        return [_pointed(one, owner) for one in node]
    if not isinstance(node, dict):
        return node
    said = {key: _pointed(value, owner) for key, value in node.items()}
    target = said.get("$ref", "")
    if target.startswith("#/$defs/"):
        part = target.removeprefix("#/$defs/").title().replace("_", "")
        said["$ref"] = f"#/components/schemas/{owner}{part}"
    elif target and not target.startswith("#"):
        said["$ref"] = f"#/components/schemas/{target}"
    return said
