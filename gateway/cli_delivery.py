"""`corridor delivery`: what waits to be pushed, what could not be, and what to do about it."""

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from gateway.cli_recall import opened, shown
from gateway.show import told

delivery = typer.Typer(help="Pushes to recipients' systems.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--deployment", "-d", help="Folder of the deployment.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Recipient = Annotated[str, typer.Option(help="To this party only.")]
Transfer = Annotated[str, typer.Argument(help="The transfer's id.")]
STATES = ("waiting", "delivered", "dead")


def _write(value: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")


@delivery.command("list")
@told
def list_(
    deployment: Folder,
    state: Annotated[str, typer.Option(help="waiting, delivered or dead.")] = "",
    recipient: Recipient = "",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 1000,
    json: Json = False,
) -> None:
    """List pushes, oldest first."""
    from gateway.delivery.ledger import shown as facts
    from gateway.delivery.mended import Wanted, listed

    if state and state not in STATES:
        raise typer.BadParameter("waiting, delivered or dead", param_hint="--state")
    log, _ = opened(deployment)
    with log:
        rows = listed(log, Wanted(state, recipient, limit))
    if json:
        _write([{**facts(row), "recipient": row.recipient, "to": row.endpoint} for row in rows])
        return
    table = Table(box=None, padding=(0, 1))
    for name in ("transfer", "recipient", "to", "state", "attempts", "rule", "since"):
        table.add_column(name, overflow="fold", no_wrap=name == "transfer")
    for row in rows:
        said = (row.transfer, row.recipient, row.endpoint, row.state, str(row.attempts), row.rule)
        table.add_row(*said, shown(row.time))
    Console().print(table)


@delivery.command()
@told
def show(transfer: Transfer, deployment: Folder) -> None:
    """Print what is known of one push, and of each record its system did not take, as JSON."""
    from gateway.delivery.ledger import shown as facts
    from gateway.delivery.mended import one

    log, _ = opened(deployment)
    with log:
        row = one(log, transfer)
    _write({**facts(row), "recipient": row.recipient, "to": row.endpoint, "format": row.format})


@delivery.command()
@told
def redrive(
    deployment: Folder,
    transfers: Annotated[
        list[str] | None, typer.Argument(metavar="[TRANSFER]...", help="Transfer ids.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    recipient: Recipient = "",
) -> None:
    """Push dead letters again: those named, or all, or all to one party."""
    from gateway.delivery.mended import Wanted, listed, one
    from gateway.delivery.mended import redrive as again
    from gateway.moments import now_ms

    if bool(transfers) == (all_ or bool(recipient)):
        raise typer.BadParameter("name transfers, or --all, or --recipient")
    log, _ = opened(deployment)
    with log:
        if transfers:
            rows = [one(log, transfer) for transfer in transfers]
        else:
            rows = listed(log, Wanted("dead", recipient, sys.maxsize))
        done = again(log, rows, now_ms())
    typer.echo(f"{len(done)} of {len(rows)} wait to be pushed again")
    if len(done) < len(rows):
        typer.echo("the content of the others is gone, or they are no dead letters", err=True)
        raise typer.Exit(1)


@delivery.command()
@told
def drop(transfer: Transfer, deployment: Folder) -> None:
    """Give up one push, and destroy its content."""
    from gateway.delivery.mended import drop as give_up
    from gateway.delivery.mended import one
    from gateway.moments import now_ms

    log, _ = opened(deployment)
    with log:
        give_up(log, one(log, transfer), now_ms())
    typer.echo("dropped, and its content destroyed")
