"""`corridor log report|reindex`: what auditors, officers and boards ask of the log."""

import os
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from gateway.deployment import read_deployment, read_keys
from gateway.errors import OfficerError
from gateway.log import Log
from gateway.log_index_fill import rebuild
from gateway.log_place import open_store
from gateway.reports import REPORTS, Asked, Report
from gateway.reports.reading import ENTRIES, Desk
from gateway.reports.written import written
from gateway.show import told

DeploymentOption = Annotated[
    Path, typer.Option("--deployment", "-d", help="Folder of the deployment.", file_okay=False)
]
SHOWN = 50
"""Rows that a terminal is shown."""


def register(log: typer.Typer) -> None:
    """Add the commands to `corridor log`."""
    log.command()(report)
    log.command()(reindex)


@told
def report(
    deployment: DeploymentOption,
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="The report; without one, all are listed.")
    ] = "",
    from_: Annotated[str, typer.Option("--from", help="First day or instant (UTC).")] = "",
    to: Annotated[str, typer.Option("--to", help="Last day or instant (UTC).")] = "",
    party: Annotated[str, typer.Option(help="Only this organisation.")] = "",
    purpose: Annotated[str, typer.Option(help="Only this purpose and those below it.")] = "",
    agreement: Annotated[str, typer.Option(help="Only this agreement.")] = "",
    transfer: Annotated[str, typer.Option(help="Only this transfer.")] = "",
    csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="As a workbook.")] = False,
    jsonld: Annotated[
        bool, typer.Option("--jsonld", help="As JSON-LD (DPV): the record of processing.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write.", dir_okay=False)
    ] = None,
    who: Annotated[
        str, typer.Option("--as", help="Officer or auditor who reads, for the log.")
    ] = "operator",
) -> None:
    """Answer a question from the log. That it was asked is logged."""
    if not name:
        Console().print(_listed())
        return
    form = _form({"csv": csv, "json": json, "xlsx": xlsx, "jsonld": jsonld}, name, out)
    asked = Asked.of(
        from_, to, party=party, purpose=purpose, agreement=agreement, transfer=transfer
    )
    read = read_deployment(deployment)
    gateway = read.settings.gateway.name
    with Log.open(read.data, key=read_keys(deployment).log, gateway=gateway) as opened:
        desk = Desk(opened, gateway, who)
        if name == ENTRIES:
            _write(desk.entries(asked, form), out)
        elif form == "table":
            _show(desk.report(name, asked, form))
        else:
            _write([written(desk.report(name, asked, form), form)], out)


def _form(chosen: dict[str, bool], name: str, out: Path | None) -> str:
    forms = [form for form, wanted in chosen.items() if wanted]
    if len(forms) > 1:
        raise typer.BadParameter("give one of --csv, --json, --xlsx and --jsonld")
    form = forms[0] if forms else "csv" if name == ENTRIES or out else "table"
    if form == "xlsx" and out is None:
        raise typer.BadParameter("a workbook needs --out")
    return form


def _write(parts: Iterable[bytes], out: Path | None) -> None:
    if out is None:
        for part in parts:
            sys.stdout.buffer.write(part)
        return
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            file.writelines(parts)
        partial.replace(out)
    except OSError:
        partial.unlink(missing_ok=True)
        raise OfficerError("cannot be written", rule="out.unwritable", at=out.name) from None


def _listed() -> Table:
    table = Table(box=None, padding=(0, 1))
    for column in ("#", "name", "question"):
        table.add_column(column)
    for name, one in REPORTS.items():
        table.add_row(str(one.number), name, one.text)
    table.add_row("", ENTRIES, "Every entry, as CSV or JSON lines")
    return table


def _show(report: Report) -> None:
    console = Console()
    answer = report.answer
    console.print(f"{report.question}", highlight=False)
    if answer.rows:
        table = Table(box=None, padding=(0, 1))
        for column in answer.columns:
            table.add_column(column, overflow="fold")
        for row in answer.rows[:SHOWN]:
            table.add_row(*("" if value is None else str(value) for value in row))
        console.print(table)
    if len(answer.rows) > SHOWN:
        console.print(f"{len(answer.rows) - SHOWN} more rows: --csv, --json or --xlsx has them")
    for found, value in answer.found.items():
        console.print(f"{found}: {value}", highlight=False)
    for reason in answer.not_answered:
        console.print(f"not answered: {reason}", highlight=False)
    console.print(f"from the checkpoint of {report.size} entries, root {report.root}")


@told
def reindex(deployment: DeploymentOption) -> None:
    """Make the log's index again from its entries. Reports wait until it is whole."""
    with (
        closing(open_store(read_deployment(deployment).data)) as store,
        Progress(console=Console(stderr=True), transient=True) as bar,
    ):
        task = bar.add_task("indexing", total=None)
        count = rebuild(store, lambda done, of: bar.update(task, completed=done, total=of))
    typer.echo(f"log: {count} entries indexed")
