"""`corridor log`: for auditors. Nothing here writes to a log or needs a private key."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from gateway import log_view, note, receipt
from gateway.audit import verify_log
from gateway.deployment import read_deployment, read_key
from gateway.entry import parse
from gateway.errors import GatewayError, OfficerError
from gateway.show import told

log = typer.Typer(help="The transfer log.", no_args_is_help=True)

DeploymentOption = Annotated[
    Path | None, typer.Option("--deployment", "-d", help="Folder of the deployment.")
]


@log.command()
@told
def show(
    deployment: Annotated[Path, typer.Option("--deployment", "-d", help="Deployment folder.")],
    json: Annotated[bool, typer.Option("--json", help="One entry a line, as logged.")] = False,
) -> None:
    """Show the entries of the log, oldest first."""
    found = log_view.entries(read_deployment(deployment).data)
    if json:
        for _, leaf in found:
            sys.stdout.buffer.write(leaf + b"\n")
        return
    Console().print(_table([(index, parse(leaf)) for index, leaf in found]))


def _table(entries: list[tuple[int, dict[str, Any]]]) -> Table:
    table = Table(box=None, padding=(0, 1))
    for name in ("#", "what", "from", "to", "purpose", "records", "rules"):
        table.add_column(name, overflow="fold")
    for index, entry in entries:
        if entry["type"] == "transfer":
            sides = [entry[side]["party"].removeprefix("org:") for side in ("sender", "recipient")]
            table.add_row(
                str(index), entry["outcome"], *sides, entry["purpose"], entry["count"],
                " ".join(entry["rules"]),
            )  # fmt: skip
        else:
            names = ("delivered", "not_released")
            told = " ".join(f"{name} {len(entry[name])}" for name in names if name in entry)
            table.add_row(str(index), entry.get("what", told))
    return table


@log.command()
@told
def verify(
    where: Annotated[
        str, typer.Argument(metavar="DIR|URL", help="An exported log, or where one is published.")
    ] = "",
    deployment: DeploymentOption = None,
    receipt_file: Annotated[
        Path | None, typer.Option("--receipt", help="A receipt to check.", dir_okay=False)
    ] = None,
    content: Annotated[
        Path | None, typer.Option("--content", help="The content the receipt is for.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="The log's public key, got by another way.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="Whose cosignatures are enough (tlog-policy).")
    ] = None,
    checkpoints: Annotated[
        list[Path] | None, typer.Option("--checkpoint", help="One that somebody else kept.")
    ] = None,
    ask_witnesses: Annotated[
        bool, typer.Option("--ask-witnesses", help="Fetch the checkpoints that witnesses hold.")
    ] = False,
    within: Annotated[
        int, typer.Option("--within", min=0, help="Seconds an entry may wait for witnesses.")
    ] = 0,
    tsa: Annotated[
        Path | None, typer.Option("--tsa", help="Root certificate of a time stamping authority.")
    ] = None,
) -> None:
    """Check a whole log, a receipt, or a receipt against its log. Exits 1 for any finding."""
    if deployment is None and (key is None or (receipt_file is None and not where)):
        raise typer.BadParameter("give --deployment, or --key and DIR, URL or --receipt")
    if not where and (policy or checkpoints or ask_witnesses or within or tsa):
        raise typer.BadParameter("give DIR or URL: witnesses are asked of an exported log")
    if where:
        from gateway.cli_log_verify import Asked, verify_exported

        if key is None or deployment is not None:
            raise typer.BadParameter("give --key, and no --deployment")
        verify_exported(
            Asked(where, key, policy, checkpoints or (), receipt_file, ask_witnesses, within, tsa)
        )
    vkey = _vkey(deployment, key)
    if deployment is not None:
        _log(deployment / "data", vkey)
    if receipt_file is not None:
        _receipt(receipt_file, content, vkey, deployment)


def _vkey(deployment: Path | None, key: Path | None) -> str:
    if key is not None:
        return read_key(key).strip()
    if deployment is None:
        raise typer.BadParameter("give --key")
    return read_deployment(deployment).vkey()


def _log(directory: Path, vkey: str) -> None:
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("checking the log", total=None)
        findings = verify_log(
            directory,
            vkey=vkey,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    for problem in findings.problems:
        typer.echo(f"{problem.rule}{f' at {problem.at}' if problem.at else ''}")
    if findings.problems:
        raise GatewayError("the log does not hold", rule="log.broken")
    typer.echo(f"log: {findings.size} entries hold, root {findings.root.hex()}")


def _receipt(path: Path, content: Path | None, vkey: str, deployment: Path | None) -> None:
    try:
        body = path.read_bytes()
        held = content.read_bytes() if content else None
    except OSError:
        raise OfficerError("cannot be read", rule="receipt.unreadable", at=path.name) from None
    verified = receipt.verify(body, vkey=vkey, content=held)
    if deployment is not None:
        checkpoint = note.parse_proof(receipt.proof_of(body)).checkpoint
        if not log_view.signed(deployment / "data", verified.size, checkpoint):
            raise GatewayError("the log is not the one of the receipt", rule="log.forked")
    what = "entry, details and content" if verified.content_checked else "entry and details"
    typer.echo(f"receipt: {what} hold; entry {verified.index} of {verified.size}")
