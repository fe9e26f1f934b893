"""The OpenAPI entries of the two routes that FastAPI does not describe by itself."""

from html import escape
from typing import Any

from fastapi import FastAPI
from starlette.responses import HTMLResponse

PARAMETERS = {
    "to": ("Recipient's party id. May be left out where the agreement names one recipient.", False),
    "agreement": ("Agreement id.", True),
    "purpose": ("One leaf of the purpose taxonomy.", True),
    "basis": ("Legal basis. May be left out where the agreement grants one.", False),
    "format": ("Format of the body, for example `kobo`.", True),
    "into": ("Format to write. The recipient's first format where it is left out.", False),
    "deliver": ("`return` (default) or `inbox`.", False),
    "mapping": ("Mapping for formats that need one. The sender's own where it is left out.", False),
}
PROBLEM = {
    "description": "RFC 9457: `rule` says what, `at` where, `act` whose turn it is.",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "rule", "act"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "rule": {"type": "string"},
                    "act": {"enum": ["sender", "officer", "operator", "recipient"]},
                    "at": {"type": "string"},
                },
            },
            "example": {
                "type": "https://corridor.invalid/problems/value.no_such_date",
                "title": "does not read as date",
                "status": 422,
                "rule": "value.no_such_date",
                "act": "sender",
                "at": "submission 3, individual_questions[2], */birth_date_i_c",
            },
        }
    },
}
RECEIPT = {
    "content": {"application/json": {"schema": {"$ref": "/v1/schemas/receipt"}}},
}
STATUS_TEXT = {
    "201": "Released. The body is the receipt; with `Prefer: return=representation`, the content.",
    "200": "The same Idempotency-Key and content as before: the receipt of that time.",
    "202": "Held for a person. The receipt names the decision that is needed.",
    "403": "Refused. The receipt names the rules and what would change them.",
}


def describe(app: FastAPI) -> None:
    """Add the two routes to the app's OpenAPI document."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        document = made()
        document["paths"]["/v1/transfers"] = {"post": _operation("Make a transfer", STATUS_TEXT)}
        shown = {"200": "The decision field by field, lineage and losses. Nothing was logged."}
        document["paths"]["/v1/preview"] = {"post": _operation("Preview a transfer", shown)}
        document.setdefault("components", {})["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"}
        }
        app.openapi_schema = document
        return document

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        """The operations, readable without an internet."""
        return HTMLResponse(page(openapi()))

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to extend it


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Corridor API</title>
<style>body{{font:16px/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}}
code{{background:#eee;padding:0 .3em}}dt{{margin-top:1rem}}</style>
<h1>Corridor API</h1><p>Made from <a href="/openapi.json">/openapi.json</a>. Nothing on this page
comes from anywhere else.</p><dl>{operations}</dl></html>"""


def page(document: dict[str, Any]) -> str:
    """The operations as plain HTML: no script, no font, nothing from another server."""
    lines = []
    for path, methods in sorted(document["paths"].items()):
        for method, operation in methods.items():
            lines.append(f"<dt><code>{method.upper()} {escape(path)}</code>")
            lines.append(f"<dd>{escape(operation.get('summary', ''))}")
            for one in operation.get("parameters", ()):
                need = "needed" if one.get("required") else "optional"
                text = escape(one.get("description", ""))
                lines.append(f"<br><code>{escape(one['name'])}</code> ({need}) {text}")
            for status, answer in operation.get("responses", {}).items():
                lines.append(f"<br>{status}: {escape(answer['description'])}")
    return PAGE.format(operations="\n".join(lines))


def _operation(summary: str, answers: dict[str, str]) -> dict[str, Any]:
    headers = {
        "Idempotency-Key": "Makes a repetition harmless: 1 to 255 characters.",
        "Prefer": "`return=representation` puts the rendered content into the answer.",
    }
    return {
        "summary": summary,
        "security": [{"bearer": []}],
        "parameters": [
            *(
                {
                    "name": name,
                    "in": "query",
                    "required": required,
                    "description": text,
                    "schema": {"type": "string"},
                }
                for name, (text, required) in PARAMETERS.items()
            ),
            *(
                {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
                for name, text in headers.items()
            ),
        ],
        "requestBody": {
            "required": True,
            "description": "The vendor's payload as it is.",
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        },
        "responses": {
            **{status: {"description": text, **RECEIPT} for status, text in answers.items()},
            **{status: PROBLEM for status in ("401", "409", "413", "415", "422", "500", "503")},
        },
    }
