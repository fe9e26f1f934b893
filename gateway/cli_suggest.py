"""`corridor mapping suggest`: a first draft of a mapping, for a person to finish."""

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.cli_mapping import mapping
from gateway.errors import OfficerError, RecipientError
from gateway.mapping.table import examined
from gateway.record import RECORD_TYPES
from gateway.show import told
from gateway.suggest import Draft, draft, read_questions

Definition = Annotated[
    Path,
    typer.Argument(
        help="XLSForm, Kobo asset, DHIS2 metadata, CommCare export, or a table.", dir_okay=False
    ),
]
Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="Record type of the form; a second one, of its repeat."),
]


@mapping.command()
@told
def suggest(
    definition: Definition,
    format: Annotated[str, typer.Option("--format", help="Format of the payloads to come.")],
    authority: Annotated[
        str, typer.Option("--authority", help="Server whose numbering record ids are.")
    ] = "server.invalid",
    name: Annotated[str | None, typer.Option("--name", help="Name of the mapping.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write, which must be new.")
    ] = None,
    types: Types = None,
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="Of a workbook with several tables.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Draft a mapping from a form's definition, an export of metadata, or a header.

    What is sure becomes a line with its reason beside it; everything else is a question under
    `open`, or a path under `left`. Answers are not read. Exits 1 while a question is open.
    """
    for one in types or ():
        if one not in RECORD_TYPES:
            raise OfficerError("no such record type", rule="mapping.record_type", at="--type")
    made = _draft(definition, format, name or _named(definition), authority, types or [], sheet)
    _, plan, faults = examined(made.text().encode(), at="the draft")
    if plan is None:
        raise faults[0]
    if out is not None:
        _write(out, made.text())
    if json:
        sys.stdout.buffer.write(orjson.dumps(made.document, option=orjson.OPT_INDENT_2) + b"\n")
    elif out is None:
        typer.echo(made.text(), nl=False)
    else:
        typer.echo(_told(made, out))
    raise typer.Exit(1 if made.document.get("open") else 0)


def _draft(
    path: Path, form: str, name: str, authority: str, types: list[str], sheet: str | None
) -> Draft:
    try:
        with path.open("rb") as content:
            questions = read_questions(content, form, sheet)
    except OSError:
        raise RecipientError("cannot be read", rule="payload.unreadable", at=path.name) from None
    return draft(questions, form, name=name, authority=authority, record_types=types, sheet=sheet)


def _named(path: Path) -> str:
    kept = "".join(one if one.isascii() and one.isalnum() else "-" for one in path.stem.lower())
    return kept.strip("-")[:60] or "draft"


def _write(out: Path, text: str) -> None:
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise RecipientError("is there already", rule="out.exists", at=out.name) from None
    except OSError:
        raise RecipientError("cannot be written", rule="out.unwritable", at=out.name) from None


def _told(made: Draft, out: Path) -> str:
    document = made.document
    lines = sum(len(record["fields"]) for record in document["records"])
    counts = f"{lines} fields mapped, {len(document.get('open', ()))} questions open"
    return f"wrote {out.name}: {counts}, {len(document.get('left', ()))} paths left out"
