"""`corridor agreement`: write an agreement, look at it, check it. Nothing here changes the log."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.errors import OfficerError
from gateway.show import told

if TYPE_CHECKING:
    from gateway.agreement_check import Finding
    from gateway.deployment import Deployment
    from gateway.log_standing import Standing

agreement = typer.Typer(help="Agreements between parties.", no_args_is_help=True)

DeploymentOption = Annotated[
    Path, typer.Option("--deployment", "-d", help="Folder of the deployment.")
]
Id = Annotated[str, typer.Argument(metavar="ID", help="Agreement id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def now_text() -> str:
    """The present moment as an instant."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def print_findings(found: "list[Finding] | tuple[Finding, ...]") -> None:
    """Each on its line: where, which rule, what."""
    for one in found:
        typer.echo(f"{one.at}: {one.rule}: {one.problem}")


@agreement.command()
@told
def new(
    deployment: DeploymentOption,
    emergency: Annotated[
        bool, typer.Option("--emergency", help="An interim one, of at most 30 days.")
    ] = False,
    answers: Annotated[
        Path | None, typer.Option(help="Answers by the names of the questions, as YAML.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write; otherwise in the deployment's agreements.")
    ] = None,
) -> None:
    """Ask what an agreement must say, in order, and write a draft."""
    from gateway.agreement_draft import written
    from gateway.agreement_questions import interview
    from gateway.agreement_standing import shipped_tables
    from gateway.cli_agreement_new import Answers, asked_in, terminal
    from gateway.deployment import read_deployment

    held = read_deployment(deployment, agreements=False)
    given = Answers(answers) if answers else None
    ask = given.ask if given else asked_in(terminal())
    document = interview(ask, held, shipped_tables(), now_text(), emergency=emergency)
    if given:
        given.check_used()
    name = f"{document['id'].removeprefix('agr:')}.yaml"
    path = out or deployment / "agreements" / name
    write_new(path, written(document, at=path.name))
    typer.echo(f"made {path.name}; read it, then: corridor agreement check {document['id']}")


def write_new(path: Path, text: str) -> None:
    """A file that is not there yet, for its owner only."""
    import os

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        raise OfficerError(
            "cannot be made; it may be there already", rule="out.unwritable", at=path.name
        ) from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


@agreement.command()
@told
def check(
    deployment: DeploymentOption,
    subject: Annotated[
        str | None, typer.Argument(metavar="[ID|FILE]", help="One agreement; otherwise all.")
    ] = None,
) -> None:
    """Print what a machine finds wrong: file and line, rule, problem. Exits 1 for any."""
    from gateway.agreement_standing import path_of, shipped_tables
    from gateway.deployment import files, read_deployment

    held = read_deployment(deployment, agreements=False)
    if subject is None:
        paths = files(deployment / "agreements")
    else:
        paths = [Path(subject)] if Path(subject).is_file() else [path_of(deployment, subject)]
    tables = shipped_tables()
    found = [one for path in paths for one in checked(path, held, tables)]
    if subject is None:
        found += _twice(paths)
    print_findings(found)
    if found:
        raise typer.Exit(1)
    typer.echo(f"agreements: {len(paths)} checked, nothing found")


def checked(path: Path, deployment: "Deployment", tables: dict[str, Any]) -> "list[Finding]":
    """What is found in a file; that it cannot be read is a finding too."""
    from gateway.agreement_check import Finding, findings, read

    try:
        document, source = read(path)
    except OfficerError as error:
        return [Finding(error.rule, error.at or path.name, error.problem)]
    return findings(document, deployment, tables, now_text(), source)


def _twice(paths: list[Path]) -> "list[Finding]":
    from gateway.agreement_check import Finding, read

    seen: set[str] = set()
    found = []
    for path in paths:
        try:
            document, source = read(path)
        except OfficerError:
            continue
        if document["id"] in seen:
            found.append(Finding("deployment.twice", source.at(("id",)), "an id of two files"))
        seen.add(document["id"])
    return found


@agreement.command("list")
@told
def list_(deployment: DeploymentOption, json: Json = False) -> None:
    """List the agreements: state as the log has it, end, and how much is found wrong."""
    import orjson
    from rich.console import Console

    from gateway.agreement_standing import shipped_tables, standing_of
    from gateway.deployment import files, read_deployment

    held = read_deployment(deployment, agreements=False)
    tables, rows = shipped_tables(), standing_of(held.data)
    listed = [_line(path, held, tables, rows) for path in files(deployment / "agreements")]
    if json:
        sys.stdout.buffer.write(orjson.dumps(listed, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        Console().print(_table(listed))


def _line(
    path: Path, held: "Deployment", tables: dict[str, Any], rows: "dict[str, Standing]"
) -> dict[str, Any]:
    from gateway.agreement import signed_by, standing_state
    from gateway.agreement_check import findings, read
    from gateway.approval import moment

    try:
        document, source = read(path)
    except OfficerError as error:
        return {"file": path.name, "state": "unreadable", "rule": error.rule, "at": error.at}
    now = now_text()
    try:
        left = (moment(document["scope"]["end"]) - moment(now)).days
    except ValueError:
        left = 0
    unsigned = held.settings.agreements.unsigned
    return {
        "file": path.name,
        "id": document["id"],
        "version": document["version"],
        "state": standing_state(document, rows.get(document["id"]), unsigned),
        "parties": [one["party"] for one in document["parties"]],
        "signed_by": list(signed_by(document, held.parties, now)),
        "end": document["scope"]["end"],
        "days_left": left,
        "findings": len(findings(document, held, tables, now, source)),
    }


def _table(listed: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1))
    table.add_column("id", no_wrap=True)
    for name in ("version", "state", "parties", "end", "days", "findings"):
        table.add_column(name, overflow="fold", no_wrap=name in ("state", "end"))
    for one in listed:
        if "id" not in one:
            table.add_row(one["file"], "", one["state"], "", "", "", one["rule"])
            continue
        parties = " ".join(name.removeprefix("org:") for name in one["parties"])
        table.add_row(
            one["id"], one["version"], one["state"], parties, one["end"][:10],
            str(one["days_left"]), str(one["findings"]),
        )  # fmt: skip
    return table


@agreement.command()
@told
def show(id: Id, deployment: DeploymentOption, json: Json = False) -> None:
    """Say in plain words what may leave, to whom, for what, in which form, and for how long."""
    import orjson
    from rich.console import Console
    from rich.table import Table

    from gateway.agreement import content_digest
    from gateway.agreement_check import read
    from gateway.agreement_standing import path_of, shipped_tables, standing_of
    from gateway.agreement_words import sentences
    from gateway.deployment import read_deployment

    held = read_deployment(deployment, agreements=False)
    tables, path = shipped_tables(), path_of(deployment, id)
    document, _ = read(path)
    line = _line(path, held, tables, standing_of(held.data))
    names = {name: one["name"] for name, one in held.parties.items()}
    said = sentences(document, tables, names)
    if json:
        answer = {**line, "digest": content_digest(document), "says": [list(one) for one in said]}
        sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2) + b"\n")
        return
    console = Console(highlight=False)
    signed = ", ".join(names.get(one, one) for one in line["signed_by"]) or "nobody"
    console.print(f"{id} version {line['version']}: {line['state']}", style="bold", markup=False)
    console.print(f"signed by {signed}; {line['findings']} findings", markup=False)
    table = Table(box=None, padding=(0, 1), show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for head, sentence in said:
        table.add_row(head, sentence)
    console.print(table, markup=False)


@agreement.command()
@told
def export(
    id: Id,
    deployment: DeploymentOption,
    odrl: Annotated[bool, typer.Option("--odrl", help="As ODRL 2.2 in JSON-LD.")] = False,
) -> None:
    """Print an agreement for other systems. Without --odrl: the bytes that are signed."""
    import orjson

    from gateway import agreement_odrl
    from gateway.agreement import content, standing_state
    from gateway.agreement_check import read
    from gateway.agreement_standing import path_of, shipped_tables, standing_of
    from gateway.deployment import read_deployment

    held = read_deployment(deployment, agreements=False)
    document, _ = read(path_of(deployment, id))
    if not odrl:
        sys.stdout.buffer.write(content(document))
        return
    row = standing_of(held.data).get(id)
    state = standing_state(document, row, held.settings.agreements.unsigned)
    found = agreement_odrl.odrl(document, shipped_tables(), state)
    sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
