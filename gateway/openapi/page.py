"""The document as a page: no script, no font, nothing from another server."""

from html import escape
from typing import Any

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Corridor API</title>
<style>body{{font:16px/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}}
code,pre{{background:#eee;padding:0 .3em}}pre{{padding:.5em;overflow:auto;max-height:20em}}
section{{border-top:1px solid #ccc}}</style>
<h1>Corridor API</h1><p>Made from <a href="/openapi.json">/openapi.json</a>. Nothing on this page
comes from anywhere else.</p>{tags}</html>"""


def page(document: dict[str, Any]) -> str:
    """The operations as plain HTML, in the order of their tags."""
    parts = []
    for tag in document["tags"]:
        parts.append(f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>")
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if operation["tags"] == [tag["name"]]:
                    parts.append(_shown(method, path, operation))
    return PAGE.format(tags="\n".join(parts))


def _shown(method: str, path: str, operation: dict[str, Any]) -> str:
    lines = [
        f'<section id="{escape(operation["operationId"])}">',
        f"<h3><code>{method.upper()} {escape(path)}</code> {escape(operation['summary'])}</h3>",
        f"<p>{escape(operation['description'])}</p><ul>",
    ]
    for one in operation.get("parameters", ()):
        need = "needed" if one.get("required") else "optional"
        text = escape(one.get("description", ""))
        lines.append(f"<li><code>{escape(one['name'])}</code> ({one['in']}, {need}) {text}")
    lines.append("</ul><ul>")
    for status, answer in operation["responses"].items():
        lines.append(f"<li>{status}: {escape(answer['description'])}")
    lines.append("</ul></section>")
    return "\n".join(lines)
